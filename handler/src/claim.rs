//! The first thing that is done about a request: it is handed to the workflow, once, however often it is delivered.

#[cfg(test)]
mod properties;

use std::time::Duration;

use serde::Serialize;
use tokio::time::{sleep, timeout};

use sparkjob::drive::Clock;
use sparkjob::http::sdk::Aws;
use sparkjob::job::Timestamp;

use crate::deadlines::Times;
use crate::moment;
use crate::old::ROOM_FOR_OLD;
use crate::request::Request;
use crate::turn::{Answer, Progress, Turn};
use crate::workflow::{Broken, Execution, LONGEST_INPUT, Started, Workflow, execution_name};

/// The room that is left for what the workflow's input holds besides the request, and for what is added to it on the way, in
/// bytes: how far it has come, its answer, and what [Step Functions tells](https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html)
/// of a step that failed, which is 32 KiB at most.
const ROOM_FOR_STATE: usize = 48 * 1024;

/// The room for what a request tells besides its properties, in bytes.
const ROOM_FOR_ENVELOPE: usize = 8 * 1024;

/// The pauses between the tries grow from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// A connection that could not be made is tried so often again, for so long: a network has moments, and an earlier delivery may
/// have handed the request over.
const MOST_UNREACHED: u32 = 2;
const UNREACHED_FOR: Duration = Duration::from_secs(5);

/// The environment variable that names the function that answers where nobody else can.
const RESPONDER_VARIABLE: &str = "SPARK_JOB_RESPONDER_ARN";

/// Who goes on with a request from its claim on.
#[derive(Debug)]
pub struct Successors {
    /// Its steps are those of the function that claims.
    pub workflow: Workflow,
    /// The function that answers where a step cannot: without one, the workflow is no use.
    pub responder: String,
}

impl Successors {
    /// Those that these variables name, where they do.
    pub fn of(aws: &Aws, variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let responder = variable(RESPONDER_VARIABLE).filter(|arn| !arn.is_empty())?;
        Some(Self { workflow: Workflow::of(aws, variable)?, responder })
    }
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The workflow works on the request.
    Taken,
    /// It has done so, and this was the answer, if there was to be one.
    Done(Option<Answer>),
    /// There is surely no workflow that does: why. The request is to be worked on here.
    Nowhere(String),
    /// The request is too large for it, by these bytes.
    TooLarge(usize),
    /// It failed to: how. The responder tells so.
    Broken(String),
    /// Whether it does is not known: why. Somebody has to ask again.
    Unclear(String),
}

/// Hands a request with these times to the workflow that steps are taken for by `submitter`; tries until `end`.
///
/// # Panics
/// Never: plain data with text keys always serialises.
pub async fn claim(
    successors: &Successors,
    request: Request,
    times: &Times,
    submitter: &str,
    clock: &Clock,
    end: Timestamp,
) -> Claim {
    if let Some(by) = excess(&request) {
        return Claim::TooLarge(by);
    }
    let Successors { workflow, responder } = successors;
    let name = execution_name(&request.envelope);
    let turn = Turn {
        old: request.old,
        submitter: submitter.to_owned(),
        responder: responder.clone(),
        respond_at: moment::text(times.deadlines.give_up),
        ..Turn::of(request.event)
    };
    let input = serde_json::to_string(&turn).expect("plain data with text keys always serialises");
    try_until(workflow, &name, &input, clock, end).await
}

/// By how many bytes a request is too large for the workflow; none where it fits. Whoever asks gets the same answer, so that
/// whoever refuses the request does it in the same words.
///
/// Its own properties decide: what a Create was let in with, an Update is let in with, whatever it comes from, and so is what
/// takes that back.
///
/// # Panics
/// Never: plain data with text keys always serialises.
pub fn excess(request: &Request) -> Option<usize> {
    let limit = LONGEST_INPUT - ROOM_FOR_STATE - ROOM_FOR_OLD;
    let whole = length(&request.event).checked_sub(limit);
    let properties = length(request.event.field("ResourceProperties")).checked_sub(limit - ROOM_FOR_ENVELOPE);
    whole.max(properties).filter(|by| *by > 0)
}

fn length(value: &impl Serialize) -> usize {
    serde_json::to_string(value).expect("plain data with text keys always serialises").len()
}

/// What one try came to.
enum Tried {
    /// This is what became of the claim.
    Told(Claim),
    /// No connection could be made; why.
    Unreached(String),
    /// The call may have taken effect; why.
    Unclear(String),
}

/// Tries until it is known what became of it, or `end`.
async fn try_until(workflow: &Workflow, name: &str, input: &str, clock: &Clock, end: Timestamp) -> Claim {
    let (began, mut pause) = (clock.now(), FIRST_PAUSE);
    // From the first call on that may have taken effect, no other one tells that there is no execution.
    let (mut may_exist, mut unreached) = (false, 0);
    loop {
        let left = end.since(clock.now());
        let tried = timeout(left, attempt(workflow, name, input.to_owned(), clock)).await;
        let why = match tried.unwrap_or_else(|_| Tried::Unclear("Step Functions did not answer in time".to_owned())) {
            Tried::Told(Claim::Nowhere(why)) if may_exist => why,
            Tried::Told(claim) => return claim,
            Tried::Unreached(why) => {
                unreached += 1;
                if !may_exist && (unreached > MOST_UNREACHED || clock.now().since(began) >= UNREACHED_FOR) {
                    return Claim::Nowhere(why);
                }
                why
            }
            Tried::Unclear(why) => {
                may_exist = true;
                why
            }
        };
        if clock.now() + pause >= end {
            return if may_exist { Claim::Unclear(why) } else { Claim::Nowhere(why) };
        }
        tracing::warn!(why, "whether the workflow has the request is not known; it is handed over again");
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn attempt(workflow: &Workflow, name: &str, input: String, clock: &Clock) -> Tried {
    match workflow.start(name, input).await {
        Started::Runs => Tried::Told(Claim::Taken),
        Started::Nowhere(why) => Tried::Told(Claim::Nowhere(why)),
        Started::Unreached(why) => Tried::Unreached(why),
        Started::Unclear(why) => Tried::Unclear(why),
        Started::Exists => match workflow.look(name).await {
            Ok(Execution::Runs) => Tried::Told(Claim::Taken),
            Ok(Execution::Succeeded(turn)) => {
                Tried::Told(ended(turn, || format!("execution {name} ended without an answer")))
            }
            // It waits for what comes late, whoever puts it.
            Ok(Execution::Broken(Broken { turn: Some(turn), .. })) if turn.held_until() > Some(clock.now()) => {
                Tried::Unclear(format!("the answer of execution {name} is held back until {}", turn.until))
            }
            Ok(Execution::Broken(Broken { told, turn, .. })) => Tried::Told(ended(turn, || told)),
            Ok(Execution::None) => Tried::Unclear(format!("execution {name} exists and is not there")),
            Err(why) => Tried::Unclear(why),
        },
    }
}

/// What became of a claim whose execution came so far and is over.
fn ended(turn: Option<Box<Turn>>, told: impl FnOnce() -> String) -> Claim {
    match turn.map(|turn| turn.progress) {
        Some(Progress::Answer(answer) | Progress::Answered(answer)) => Claim::Done(Some(answer)),
        Some(Progress::Superseded) => Claim::Done(None),
        _ => Claim::Broken(told()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sample;

    #[test]
    fn a_request_is_too_large_from_the_first_byte_for_which_there_is_no_room() {
        let room = 184 * 1024 - length(&with_an_argument_of(0));
        let excess = |room| excess(&request("Create", json!({ "ResourceProperties": with_an_argument_of(room) })));
        assert_eq!((excess(room), excess(room + 1)), (None, Some(1)));
        // Whoever calls the function by hand may say more than CloudFormation does.
        assert!(super::excess(&request("Create", json!({ "More": "x".repeat(200 * 1024) }))).is_some());
    }

    #[test]
    fn an_update_to_what_a_create_was_let_in_with_is_let_in_and_has_room_whatever_it_comes_from() {
        let largest = with_an_argument_of(184 * 1024 - length(&with_an_argument_of(0)));
        for count in [0, 20, 40, 200] {
            let tags: Value = (0..count).map(|n| (format!("{n:0>128}"), json!("v".repeat(256)))).collect();
            let old = json!({
                "ApplicationId": "00f1", "ExecutionRoleArn": "arn:aws:iam::123456789012:role/job", "Tags": tags,
                "Parameters": { "File": "s3://bucket/pi.py" },
            });
            let id = "i".repeat(1024);
            let update =
                json!({ "ResourceProperties": largest, "OldResourceProperties": old, "PhysicalResourceId": id });
            let request = request("Update", update);
            assert_eq!(excess(&request), None, "{count}");
            let kept = request.old.former.as_ref().expect("a description").tags.len();
            assert_eq!(kept, if count == 200 { 0 } else { count }, "{count}");
            let turn = Turn { old: request.old, ..Turn::of(request.event) };
            assert!(length(&turn) + ROOM_FOR_STATE <= LONGEST_INPUT, "{count}: {}", length(&turn));
        }
    }

    fn with_an_argument_of(length: usize) -> Value {
        json!({ "Args": "x".repeat(length) })
    }

    fn request(request_type: &str, changes: Value) -> Request {
        let event = sample::event(request_type, changes);
        Request::of(sample::envelope(&event), event)
    }
}
