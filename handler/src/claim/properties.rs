//! Whatever Step Functions answers, a claim comes to an end, and none takes it for more than it says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request as HttpRequest, Response, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::Instant;

use sparkjob::drive::Clock;
use sparkjob::http::{Lost, Transport};
use sparkjob::testing::engines;

use super::*;
use crate::deadlines::Times;
use crate::sample;

/// Whether it is a call that starts an execution: no other one gives it an input.
fn is_start(call: &Value) -> bool {
    call.get("input").is_some()
}

/// What comes back: a status and a body, or nothing.
type Came = Result<(u16, Vec<u8>), Lost>;

/// How long a claim is tried.
const LONG: Duration = Duration::from_mins(1);

/// Answers each call in its own way: starts one after the other, and with the last for ever; a look and a page of a history
/// the same whenever it is asked.
#[derive(Debug)]
struct StepFunctions {
    starts: Vec<Came>,
    look: Came,
    history: Came,
    /// The names of the executions that were asked for, and the inputs that were given.
    asked: Mutex<Vec<Value>>,
}

#[async_trait]
impl Transport for StepFunctions {
    async fn send(&self, request: HttpRequest<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        let starts = {
            let mut asked = self.asked.lock().expect("no panic");
            asked.push(serde_json::from_slice(request.body()).expect("JSON"));
            asked.iter().filter(|call| is_start(call)).count()
        };
        let came = match request.headers()["x-amz-target"].as_bytes() {
            b"AWSStepFunctions.StartExecution" => &self.starts[starts.min(self.starts.len()) - 1],
            b"AWSStepFunctions.DescribeExecution" => &self.look,
            _ => &self.history,
        };
        if *came == Err(Lost::TimedOut) {
            tokio::time::sleep(limit).await;
        }
        let (status, body) = came.clone()?;
        let mut response = Response::new(body.into());
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        Ok(response)
    }
}

impl StepFunctions {
    /// What becomes of a claim, and how long it took.
    fn claim(self: &Arc<Self>) -> (Claim, Duration) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let began = Instant::now();
            let clock = Clock::showing(Timestamp(1_795_244_410_000));
            let event = sample::event("Create", json!({}));
            let envelope = sample::envelope(&event);
            let times = Times::durable(&envelope, &event, clock.now());
            let request = Request::of(envelope, event);
            let engines = engines(Arc::clone(self) as Arc<dyn Transport>);
            let workflow = Workflow::new(MACHINE.to_owned(), engines.aws());
            let successors = Successors { workflow, responder: "responder".to_owned() };
            let claim = claim(&successors, request, &times, "submitter", &clock, clock.now() + LONG).await;
            (claim, began.elapsed())
        })
    }
}

const MACHINE: &str = "arn:aws:states:eu-west-1:123456789012:stateMachine:lifecycle";

/// The codes of [`StartExecution`] and of `DescribeExecution`, and others.
///
/// [`StartExecution`]: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
const CODES: [&str; 9] = [
    "ExecutionAlreadyExists",
    "ExecutionDoesNotExist",
    "StateMachineDoesNotExist",
    "StateMachineDeleting",
    "AccessDeniedException",
    "ThrottlingException",
    "ExecutionLimitExceeded",
    "InvalidExecutionInput",
    "Odd",
];

/// A turn that is over, or nearly one.
fn any_turn() -> impl Strategy<Value = String> {
    let progress = prop_oneof![
        3 => Just(json!({"Answered": "{\"Status\":\"SUCCESS\"}"})),
        1 => Just(json!({"Answer": "{\"Status\":\"FAILED\"}"})),
        1 => Just(json!("Superseded")),
        1 => Just(json!("Claimed")),
        1 => sample::json(),
    ];
    let turn = |progress| {
        let event = sample::event("Create", json!({}));
        json!({"Version": 1, "Event": event, "Submitter": "s", "Responder": "r", "Progress": progress, "Ended": true})
    };
    prop_oneof![6 => progress.prop_map(move |progress| turn(progress).to_string()), 1 => any::<String>()]
}

fn any_execution() -> impl Strategy<Value = Value> {
    let words = [
        "RUNNING",
        "SUCCEEDED",
        "SUCCEEDED",
        "SUCCEEDED",
        "FAILED",
        "TIMED_OUT",
        "ABORTED",
        "PENDING_REDRIVE",
        "DREAMING",
        "",
    ];
    let member = prop_oneof![5 => any_turn().prop_map(Value::from), 1 => sample::json()];
    let is_whole = prop::bool::weighted(0.9);
    (prop::sample::select(words.to_vec()), member.clone(), member, is_whole).prop_map(
        |(status, input, output, is_whole)| {
            let mut execution = json!({"status": status, "input": input, "output": output});
            if is_whole {
                execution["executionArn"] = json!("arn");
                execution["stateMachineArn"] = json!(MACHINE);
                execution["startDate"] = json!(1_795_244_400.5);
            }
            execution
        },
    )
}

fn any_came() -> impl Strategy<Value = Came> {
    let code = prop::sample::select(CODES.to_vec());
    let refused = (code, "\\PC{0,2000}").prop_map(|(code, message)| json!({"__type": code, "message": message}));
    let body = prop_oneof![
        4 => any_execution().prop_map(|json| json.to_string().into_bytes()),
        4 => refused.prop_map(|json| json.to_string().into_bytes()),
        1 => sample::json().prop_map(|json| json.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..100),
    ];
    let status = prop_oneof![3 => Just(200_u16), 5 => Just(400), 1 => 200..600_u16];
    let lost = prop_oneof![
        Just(Lost::TimedOut),
        Just(Lost::TooLarge),
        "\\PC{0,20}".prop_map(Lost::Unclear),
        "\\PC{0,20}".prop_map(Lost::NotSent),
    ];
    prop_oneof![9 => (status, body).prop_map(Ok), 1 => lost.prop_map(Err)]
}

/// Mostly that there is an execution already: only then it is looked at.
fn any_start() -> impl Strategy<Value = Came> {
    let exists = json!({"__type": "ExecutionAlreadyExists", "message": "Execution Already Exists"});
    prop_oneof![1 => Just(Ok((400, exists.to_string().into_bytes()))), 1 => any_came()]
}

/// Mostly an execution.
fn any_look() -> impl Strategy<Value = Came> {
    prop_oneof![
        1 => any_execution().prop_map(|json| Ok((200, json.to_string().into_bytes()))),
        1 => any_came(),
    ]
}

/// Mostly a page with a turn in it, and more to come.
fn any_history() -> impl Strategy<Value = Came> {
    let details = prop_oneof![Just("stateEnteredEventDetails"), Just("stateExitedEventDetails"), Just("other")];
    let event = (details, prop_oneof![Just("input"), Just("output")], any_turn())
        .prop_map(|(details, name, turn)| json!({ details: { name: turn } }));
    let page = (prop::collection::vec(event, 0..3), prop::option::of("[a-z]{3}"))
        .prop_map(|(events, next)| json!({ "events": events, "nextToken": next }));
    prop_oneof![3 => page.prop_map(|json| Ok((200, json.to_string().into_bytes()))), 1 => any_came()]
}

fn is_success(came: &Came) -> bool {
    came.as_ref().is_ok_and(|(status, _)| (200..300).contains(status))
}

fn says(came: &Came, word: &str) -> bool {
    came.as_ref().is_ok_and(|(_, body)| String::from_utf8_lossy(body).contains(word))
}

/// What was read: nothing where it is no JSON.
fn body(came: &Came) -> Value {
    let body = came.as_ref().map(|(_, body)| body.as_slice()).unwrap_or_default();
    serde_json::from_slice(body).unwrap_or_default()
}

/// The answers in an execution's output, in its history and in its input.
fn stored(look: &Came, history: &Came) -> Vec<String> {
    let (execution, page) = (body(look), body(history));
    let carried = |event: &Value| {
        [&event["stateEnteredEventDetails"]["input"], &event["stateExitedEventDetails"]["output"]].map(Value::clone)
    };
    let events = page["events"].as_array().into_iter().flatten().flat_map(carried);
    let turns = events.chain([execution["output"].clone(), execution["input"].clone()]);
    let progress = turns.map(|turn| {
        let turn: Value = serde_json::from_str(turn.as_str().unwrap_or_default()).unwrap_or_default();
        turn["Progress"].clone()
    });
    let answers = progress
        .filter_map(|progress| progress["Answered"].as_str().or(progress["Answer"].as_str()).map(str::to_owned));
    answers.collect()
}

/// Whether it tells that no execution was started by this call.
fn is_surely_none(start: &Came) -> bool {
    let is_refused = says(start, "StateMachine")
        || says(start, "AccessDenied")
        || start.as_ref().is_ok_and(|(status, _)| [401, 403].contains(status));
    matches!(start, Err(Lost::NotSent(_))) || (is_refused && !is_success(start))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_answer_is_taken_for_more_than_it_says(
        starts in prop::collection::vec(any_start(), 1..4),
        look in any_look(),
        history in any_history(),
    ) {
        let step_functions = Arc::new(StepFunctions { starts, look, history, asked: Mutex::default() });
        let (claim, took) = step_functions.claim();
        let StepFunctions { starts, look, history, asked } = &*step_functions;
        // One try may begin just before the end, and last as long as a start and a look do.
        prop_assert!(took <= LONG * 2, "{took:?}");
        let asked = asked.lock().expect("no panic");
        let calls = asked.iter().filter(|call| is_start(call)).count();
        let made: Vec<&Came> = (0..calls).map(|call| &starts[call.min(starts.len() - 1)]).collect();
        let start = made[calls - 1];
        let exists = !is_success(start) && says(start, "ExecutionAlreadyExists");
        let told = match &claim {
            Claim::Taken => {
                prop_assert!(is_success(start) || (exists && is_success(look) && !says(look, "SUCCEEDED")));
                ""
            }
            Claim::Done(answer) => {
                prop_assert!(exists && is_success(look));
                prop_assert!(answer.as_ref().is_none_or(|Answer(answer)| stored(look, history).contains(answer)));
                ""
            }
            // Whoever works on a request beside a workflow that has it makes a second job.
            Claim::Nowhere(why) => {
                prop_assert!(made.iter().all(|start| is_surely_none(start)), "{:?}", made);
                // What could not even connect is tried again.
                prop_assert!(start.is_ok() || calls > 1, "{:?}", made);
                why
            }
            Claim::Broken(why) => {
                prop_assert!(exists && is_success(look));
                why
            }
            Claim::Unclear(why) => {
                prop_assert!(!is_success(start) || !says(start, "executionArn"));
                prop_assert!(!made.iter().all(|start| is_surely_none(start)), "{:?}", made);
                why
            }
            Claim::TooLarge(by) => return Err(TestCaseError::fail(format!("too large by {by} bytes"))),
        };
        prop_assert!(told.chars().count() <= 1000, "{}", told);
        let inputs: Vec<_> = asked.iter().filter_map(|call| call.get("input")).collect();
        prop_assert!(inputs.iter().all(|input| *input == inputs[0]), "the same claim with another input");
    }
}
