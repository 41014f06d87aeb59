//! What comes to the function: a request, or a step of the workflow.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::event::Event;
use crate::turn::{Step, Turn};

/// What came.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "an invocation has one of them")]
pub enum Arrival {
    /// A request of `CloudFormation`'s, or something else that is none.
    Request(Event),
    /// A step of the workflow.
    Step(Step),
    /// A step that cannot be read: the request that it is about, as far as that can be, and why.
    Unreadable(Event, String),
}

impl<'de> Deserialize<'de> for Arrival {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Whatever is JSON is something that came: an invocation that is not even read answers nobody.
        let payload = Box::<RawValue>::deserialize(deserializer)?;
        let event: Event = serde_json::from_str(payload.get()).map_err(serde::de::Error::custom)?;
        if !event.has("Turn") {
            return Ok(Self::Request(event));
        }
        Ok(Step::read(payload.get())
            .map_or_else(|why| Self::Unreadable(request_of(payload.get()).unwrap_or_default(), why), Self::Step))
    }
}

/// The request in a step.
fn request_of(payload: &str) -> Option<Event> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Outer {
        turn: Box<RawValue>,
    }
    let Outer { turn } = serde_json::from_str(payload).ok()?;
    Turn::salvage(turn.get()).map(|turn| turn.event)
}
