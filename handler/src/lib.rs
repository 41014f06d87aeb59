//! The Lambda behind `Custom::SparkJob`: `CloudFormation` in, `CloudFormation` out.
//!
//! ```text
//! event -> Envelope -> Plan (pure) -> drive -> Outcome -> Response (pure, <= 4096 bytes) -> PUT
//! ```
//!
//! Once the envelope can be read, an answer goes out, whatever is wrong with the rest and whatever happens on the way.

pub mod deadlines;
pub mod deliver;
pub mod envelope;
pub mod event;
pub mod logs;
pub mod physical_id;
pub mod plan;
pub mod presigned;
pub mod reason;
pub mod response;
pub mod room;
pub mod settle;

#[cfg(test)]
mod sample;

use std::fmt;
use std::time::Duration;

use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use tracing::Instrument;

use sparkjob::drive::Clock;
use sparkjob::engine::Engines;
use sparkjob::job::Timestamp;

use deadlines::Times;
use deliver::{Undelivered, deliver};
use envelope::{Envelope, Unreadable};
use event::Event;
use response::{Response, Status};

/// Does what one event asks for and answers it.
///
/// # Errors
/// [`Failed`]: nobody was answered. Lambda then delivers the event again.
pub async fn answer(event: LambdaEvent<Event>, engines: &Engines, clock: Clock) -> Result<(), Failed> {
    let LambdaEvent { payload: event, context } = event;
    let envelope = Envelope::read(&event)?;
    let span = logs::request(&envelope);
    answer_to(&envelope, &event, &context, engines, &clock).instrument(span).await
}

/// What an answer says whose time was up because Lambda's was.
const ONE_INVOCATION: &str =
    "One invocation of the function lasts 15 minutes at most, which is all that a request may take for now.";

async fn answer_to(
    envelope: &Envelope,
    event: &Event,
    context: &Context,
    engines: &Engines,
    clock: &Clock,
) -> Result<(), Failed> {
    let (began, lambda_ends) = (clock.now(), Timestamp(context.deadline));
    let times = Times::of(envelope, event, began, lambda_ends);
    let deadlines = times.deadlines;
    tracing::info!(
        resource_type = envelope.resource_type,
        invocation = context.request_id,
        stack = envelope.stack_id,
        seconds_left = deadlines.end.since(began).as_secs(),
        "began"
    );
    let mut outcome = settle::settle(envelope, event, &times, engines, clock).await;
    if deadlines.end == lambda_ends && clock.now() >= deadlines.give_up {
        outcome.notes.push(ONE_INVOCATION.to_owned());
    }
    let response = response::compose(envelope, &outcome);
    let delivered = deliver(engines.transport(), &envelope.response_url, &response.body(), clock, deadlines.over).await;
    log_end(&response, &delivered, clock.now().since(began));
    match delivered {
        // A refused answer is refused again, and a repeated Create could submit a job that nobody waits for.
        Ok(()) | Err(Undelivered::Refused(_)) => Ok(()),
        Err(why) => Err(Failed::Unanswered(format!(
            "RequestId {}, {} of {}: {why}",
            envelope.request_id, envelope.action, envelope.logical_id
        ))),
    }
}

fn log_end(response: &Response, delivered: &Result<(), Undelivered>, lasted: Duration) {
    let Response { status, physical_resource_id, .. } = response;
    let reason = response.reason.as_deref();
    let milliseconds = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
    match (delivered, status) {
        (Ok(()), Status::Success) => {
            tracing::info!(%status, physical_resource_id, milliseconds, reason, "answered");
        }
        (Ok(()), Status::Failed) => {
            tracing::warn!(%status, physical_resource_id, milliseconds, reason, "answered");
        }
        (Err(why), _) => {
            tracing::error!(%status, physical_resource_id, milliseconds, reason, "not answered: {why}");
        }
    }
}

/// Why an invocation failed; the texts hold nothing secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Failed {
    /// The event is none that can be answered.
    Unreadable(Unreadable),
    /// The answer did not reach `CloudFormation`: when Lambda delivers the event again, the same job is found and the
    /// answer put once more.
    Unanswered(String),
}

impl From<Unreadable> for Failed {
    fn from(why: Unreadable) -> Self {
        Self::Unreadable(why)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => why.fmt(f),
            Self::Unanswered(why) => why.fmt(f),
        }
    }
}

/// As Display does: `lambda_runtime` logs an error so.
impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        let error_type = match failed {
            Failed::Unreadable(_) => "Unreadable",
            Failed::Unanswered(_) => "Unanswered",
        };
        Self { error_type: error_type.to_owned(), error_message: failed.to_string() }
    }
}
