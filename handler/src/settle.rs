//! From a request to its outcome: there is one, whatever happens on the way.

use std::future::Future;
use std::time::Duration;

use sparkjob::drive;
use sparkjob::engine::Report;
use sparkjob::job::Timestamp;
use sparkjob::lifecycle::Deadlines;
use sparkjob::outcome::{Failure, FailureKind, Made, Outcome, sentence};

use crate::counters;
use crate::deadlines::Times;
use crate::envelope::{Action, Envelope};
use crate::event::Event;
use crate::panics::caught;
use crate::physical_id::PhysicalId;
use crate::plan::{Refused, plan};
use crate::request::Request;
use crate::response::{self, Response};
use crate::way::Way;

/// Plans and carries out what the request asks for, in this process. A panic on the way and a driver that goes on for too
/// long are failures like any other.
pub async fn settle(request: &Request, times: &Times, way: Way<'_>) -> Outcome {
    let envelope = &request.envelope;
    let work = async {
        let left = times.deadlines.end.since(way.clock.now());
        match plan(request, times, way.stack.standing(left).await) {
            Ok(plan) => drive::run(&plan, way.engines, way.clock, way.stack).await,
            Err(refused) => refuse(request, &refused),
        }
    };
    let outcome = guarded(request, latest(times.deadlines).since(way.clock.now()), work).await;
    advised(envelope, outcome.unwrap_or_else(|failed| failed))
}

/// What comes of `work`, unless it panics or takes longer than `limit`: then the outcome that tells so.
///
/// # Errors
/// That outcome.
pub async fn guarded<T>(request: &Request, limit: Duration, work: impl Future<Output = T>) -> Result<T, Outcome> {
    let envelope = &request.envelope;
    match tokio::time::timeout(limit, caught(work)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(said)) => Err(abandoned(envelope, &format!("it panicked ({})", request.hidden().mask(&said)))),
        Err(_) if limit.is_zero() => Err(belated(envelope)),
        Err(_) => Err(abandoned(envelope, "there was no outcome in time")),
    }
}

/// The outcome with what only `CloudFormation`'s part in it tells about going on from a failure.
pub fn advised(envelope: &Envelope, mut outcome: Outcome) -> Outcome {
    let advice = match (&envelope.action, &outcome.made) {
        // A stack whose deletion failed takes no other properties, so none of them helps.
        (Action::Delete, _) => {
            "Once that is mended, or has passed, a stack that is being deleted can be deleted again; to go on without stopping the job, \
             delete it with this resource retained, and stop the job by hand."
        }
        (Action::Update, Made::Unknown) => {
            "Whatever was submitted is found by the rollback, or where this was the rollback, once that is continued; to delete or to \
             skip this resource instead leaves it."
        }
        (_, Made::Unknown) => "Whatever was submitted, what CloudFormation sends next settles it.",
        _ => return outcome,
    };
    if let Some(failure) = &mut outcome.failure {
        failure.advise(advice);
    }
    outcome
}

/// A while after the driver should have answered, and before nothing acts any more: the answer has to be put, too.
pub fn latest(deadlines: Deadlines) -> Timestamp {
    deadlines.answer_by + deadlines.over.since(deadlines.answer_by) / 4
}

/// Nothing was done, since the request is at fault.
pub fn refuse(request: &Request, refused: &Refused) -> Outcome {
    let what = match refused {
        Refused::Request(fault) => at_fault(&request.envelope, fault),
        Refused::Properties(faults) => format!("The properties of {} have {faults}.", request.envelope.logical_id),
    };
    // What is wrong with a value tells what it is.
    invalid(request.hidden().mask(&what).into_owned())
}

fn at_fault(envelope: &Envelope, fault: &str) -> String {
    format!("The {} of {} is at fault: {fault}.", envelope.action, envelope.logical_id)
}

fn invalid(what: String) -> Outcome {
    failed(FailureKind::Invalid, Made::Nothing, what, "Nothing was submitted. Correct the template and deploy again.")
}

/// The answer to a request that is too large for the workflow, by these bytes: the same whoever gives it.
pub fn refusal(envelope: &Envelope, event: &Event, by: usize) -> Response {
    let outcome = invalid(at_fault(envelope, &format!("its properties are too large by {by} bytes")));
    counters::concluded(envelope, event, &outcome);
    response::compose(envelope, &outcome)
}

/// The answer to a request that came to the responder: there nothing is ever made, so that there is nothing to delete,
/// either, but for a job that the id names.
pub fn misdirection(envelope: &Envelope, event: &Event) -> Response {
    const WHY: &str = "its ServiceToken names the responder, which answers for the submitter alone; give the ARN of that, the \
                       output SubmitterArn of its stack";
    let what = at_fault(envelope, WHY);
    let outcome = match (&envelope.action, &envelope.physical_id) {
        // No other template helps a Delete.
        (Action::Delete, Some(PhysicalId::Run(_) | PhysicalId::Unknown(..))) => {
            failed(FailureKind::Invalid, Made::Nothing, what, "")
        }
        (Action::Delete, _) => Outcome { failure: None, ..invalid(what) },
        _ => invalid(what),
    };
    counters::concluded(envelope, event, &outcome);
    response::compose(envelope, &advised(envelope, outcome))
}

/// That nobody is told of this outcome, since nobody waits.
pub fn tell_nobody(outcome: &Outcome) {
    let told = outcome.failure.as_ref().map(|failure| failure.what.as_str());
    tracing::warn!(told, "not answered: nobody waits for this request any more");
}

/// The request was left in the middle, so anything may have been made.
pub fn abandoned(envelope: &Envelope, why: &str) -> Outcome {
    let Envelope { action, logical_id, request_id, .. } = envelope;
    let what = sentence(&format!("The Lambda function gave up in the middle of the {action} of {logical_id}: {why}"));
    let advice = format!(
        "This is a fault of the function, not of the job: its log tells more, look for RequestId {request_id}."
    );
    failed(FailureKind::Unavailable, Made::Unknown, what, &advice)
}

/// Nothing was done, but an earlier delivery may have made something.
fn belated(envelope: &Envelope) -> Outcome {
    let Envelope { action, logical_id, request_id, .. } = envelope;
    let what = format!("There was no time left for the {action} of {logical_id} when the Lambda function came to it.");
    let advice = format!("The function's log tells more, look for RequestId {request_id}.");
    failed(FailureKind::Unavailable, Made::Unknown, what, &advice)
}

fn failed(kind: FailureKind, made: Made, what: String, advice: &str) -> Outcome {
    let failure = Some(Failure { kind, what, advice: advice.to_owned() });
    Outcome { failure, made, status: None, report: Report::default(), notes: Vec::new() }
}
