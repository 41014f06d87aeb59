//! A request, as it is worked on.

use sparkjob::hidden::Hidden;
use sparkjob::properties;

use crate::envelope::{Action, Envelope};
use crate::event::Event;
use crate::old::Old;

/// What `CloudFormation` asked for, without what is of no use for it: the description that an Update comes from is only what
/// its runs are recognised by, and that of a Delete only where they are and how they are managed. So the largest request
/// fits where requests are kept, and secrets that are not needed are not kept.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks, and where the answer goes.
    pub envelope: Envelope,
    /// What was sent, reduced.
    pub event: Event,
    /// What an Update comes from.
    pub old: Old,
}

impl Request {
    /// A request as it came.
    pub fn of(envelope: Envelope, mut event: Event) -> Self {
        let old = match envelope.action {
            Action::Update => Old::read(&envelope, &event),
            _ => Old::default(),
        };
        event.set(OLD, serde_json::Value::Null);
        if envelope.action == Action::Delete {
            let kept = properties::for_a_delete(event.field(NEW));
            event.set(NEW, kept);
        }
        Self { envelope, event, old }
    }

    /// What nothing that comes of it may show.
    pub fn hidden(&self) -> Hidden {
        hidden(&self.event)
    }
}

/// The same of an event, reduced or not.
pub fn hidden(event: &Event) -> Hidden {
    Hidden::in_description(event.field(NEW)).and(&Hidden::in_description(event.field(OLD)))
}

const OLD: &str = "OldResourceProperties";
const NEW: &str = "ResourceProperties";
