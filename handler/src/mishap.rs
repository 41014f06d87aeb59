//! What comes to the responder: a request that nobody answered, as one of three services tells of it, or one that was to go to the
//! submitter.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::ANSWER_FOLLOWS;
use crate::event::Event;
use crate::turn::{Answer, Turn};

/// A request that may not have been answered.
#[derive(Clone, Debug)]
pub enum Mishap {
    /// Lambda gave the request up: its
    /// [record](https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html) of that.
    GivenUp {
        /// The request, as `CloudFormation` sent it.
        event: Event,
        /// What Lambda tells of it.
        told: String,
        /// The answer that could not be put, where there is one.
        answer: Option<Answer>,
    },
    /// A step of the workflow came to nothing.
    Caught {
        /// What there was before that step.
        turn: Box<Turn>,
        /// What Step Functions tells of it.
        told: String,
    },
    /// The same of a step whose turn holds no request; why.
    BadTurn(String),
    /// An execution of the workflow ended without an answer:
    /// [the event](https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html) of that.
    Closed(Closed),
    /// Nobody failed at it: a template names this function where it is to name the other one.
    Misdirected(Event),
    /// None of these; why.
    Foreign(String),
}

/// An execution of the workflow that is told to have ended.
#[derive(Clone, Debug)]
pub struct Closed {
    /// Its name.
    pub name: String,
    /// What Step Functions tells of it.
    pub told: String,
    /// What it began with, where the event tells.
    pub input: Option<Box<Turn>>,
    /// Whether a person asks, not `EventBridge`.
    pub is_by_hand: bool,
}

impl<'de> Deserialize<'de> for Mishap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let payload = Box::<RawValue>::deserialize(deserializer)?;
        Ok(read(payload.get()))
    }
}

fn read(payload: &str) -> Mishap {
    let event: Event = serde_json::from_str(payload).unwrap_or_default();
    let foreign = |error: serde_json::Error| Mishap::Foreign(unlike(&error));
    if event.has("requestPayload") {
        serde_json::from_str::<Record>(payload).map_or_else(foreign, |record| record.given_up(&event))
    } else if event.has("Turn") {
        caught(payload).unwrap_or_else(|error| Mishap::BadTurn(unlike(&error)))
    } else if event.has("detail") {
        serde_json::from_str::<Notice>(payload).map_or_else(foreign, Mishap::from)
    } else if event.has("ResponseURL") {
        Mishap::Misdirected(event)
    } else {
        Mishap::Foreign(
            "it is none of Lambda's records, no step of the workflow and no event of Step Functions".to_owned(),
        )
    }
}

/// What is wrong with a payload, without what stands there instead: nobody knows what that is.
pub(crate) fn unlike(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let found = match text.split_once(' ') {
        // `invalid type: string "found", expected a number`
        Some(("invalid", _)) => text.find(": "),
        // ``unknown variant `found`, expected `Claimed` or `Superseded` ``
        Some(("unknown", _)) => text.find(" `"),
        _ => None,
    };
    match found.zip(text.rfind(", expected ")) {
        Some((found, expected)) if found < expected => format!("{}{}", &text[..found], &text[expected..]),
        _ => text,
    }
}

/// Whatever else is in it, readable or not, a request that it holds can be answered.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    request_payload: Event,
}

impl Record {
    /// What it tells, whose other fields are these.
    fn given_up(self, fields: &Event) -> Mishap {
        // What a function that failed [returns](https://docs.aws.amazon.com/lambda/latest/dg/rust-handler.html).
        let returned = fields.field("responsePayload");
        let text = |name: &str| returned[name].as_str().unwrap_or_default().to_owned();
        let (error, message) = (text("errorType"), text("errorMessage"));
        let (message, answer) = match message.rsplit_once(ANSWER_FOLLOWS) {
            Some((message, answer)) => (message.to_owned(), answer_to(&self.request_payload, answer)),
            None => (message, None),
        };
        // What another function says of what is no request of ours is nothing for our log.
        let said = if self.request_payload.has("RequestId") { explained(&error, &message) } else { String::new() };
        let told = format!("{}{said}", given_up(fields.field("requestContext")));
        Mishap::GivenUp { event: self.request_payload, told, answer }
    }
}

/// What Lambda tells in a record's context of giving a request up, as far as it does, as a clause.
fn given_up(context: &Value) -> String {
    let condition = context["condition"].as_str().map(|condition| format!(" ({condition})"));
    let invocations = context["approximateInvokeCount"].as_u64().map(|count| format!(" after {count} invocations"));
    let id = context["requestId"].as_str().map(|id| format!(", Lambda's request id {id}"));
    let parts = [condition, invocations, id].into_iter().flatten().collect::<String>();
    format!("Lambda gave the request up{parts}")
}

/// The answer in this text, where it is one to that request, and whole.
fn answer_to(event: &Event, text: &str) -> Option<Answer> {
    let answer: Value = serde_json::from_str(text).ok()?;
    (answer["RequestId"] == *event.field("RequestId")).then(|| Answer(text.to_owned()))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Catch {
    turn: Box<RawValue>,
}

/// What a [Catch](https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html) adds to the turn.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Caught {
    caught: CaughtError,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct CaughtError {
    error: String,
    cause: String,
}

fn caught(payload: &str) -> Result<Mishap, serde_json::Error> {
    let Catch { turn } = serde_json::from_str(payload)?;
    let FailedStep { told, .. } = FailedStep::read(turn.get());
    Ok(match Turn::salvage(turn.get()) {
        Some(turn) => Mishap::Caught { turn: Box::new(turn), told },
        None => Mishap::BadTurn(format!("its turn holds no request; {told}")),
    })
}

/// A step of the workflow that came to nothing.
#[derive(Clone, Debug)]
pub struct FailedStep {
    /// What is told of it, as a clause.
    pub told: String,
    /// Whether the function died of it last, as far as is known: the workflow keeps one error. Where Lambda had
    /// [trouble of its own] or no room, it may have taken the step well, or may not have been called at all.
    ///
    /// [trouble of its own]: https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
    pub has_died: bool,
}

impl FailedStep {
    /// The one that came to nothing before this turn was handed on.
    pub fn read(turn: &str) -> Self {
        let Caught { caught: CaughtError { error, cause } } = serde_json::from_str(turn).unwrap_or_default();
        let told = format!("a step of the workflow failed{}", explained(&error, &cause));
        // What Lambda has no name for is what it knows of a function that dies.
        let has_died = !error.starts_with("Lambda.") || error == "Lambda.Unknown";
        Self { told, has_died }
    }
}

/// What is told of an execution that ended otherwise than it should, as a clause.
pub fn ended(name: &str, status: &str, error: &str, cause: &str) -> String {
    format!("its execution {name} of the workflow is {status}{}", explained(error, cause))
}

/// What an error means for people; its cause may be what a function that failed returned. Of what a function says by itself
/// little is taken for a word of Lambda's: it may quote any other service.
fn explained(error: &str, cause: &str) -> String {
    let returned: Value = serde_json::from_str(cause).unwrap_or_default();
    let said = returned["errorMessage"].as_str().filter(|said| !said.is_empty()).unwrap_or(cause);
    let is_said = |word: &str| error.contains(word) || said.contains(word);
    let is_late = matches!(error, "Sandbox.Timedout" | "States.Timeout") || said.contains("Task timed out after");
    let means = if is_said("OutOfMemory") || is_said("signal: killed") {
        "the function was killed, which happens when its memory (MemorySize) does not suffice"
    } else if is_late {
        "the function did not return in time (Timeout)"
    } else if is_said("Runtime.") {
        "the function crashed"
    } else if error == "Lambda.TooManyRequestsException" {
        "Lambda had no room for the function (its reserved concurrency, or the account's)"
    } else {
        ""
    };
    let mut told = String::new();
    for part in [means, error, said].into_iter().filter(|part| !part.is_empty()) {
        told.push_str(": ");
        told.push_str(part);
    }
    told
}

#[derive(Deserialize)]
struct Notice {
    detail: Detail,
    /// `aws.states`; whoever calls by hand tells none.
    #[serde(default)]
    source: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    name: String,
    status: String,
    #[serde(default)]
    input: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    cause: Option<String>,
}

impl From<Notice> for Mishap {
    fn from(Notice { detail: Detail { name, status, input, error, cause }, source }: Notice) -> Self {
        let input = input.as_deref().and_then(Turn::salvage).map(Box::new);
        let told = ended(&name, &status, &error.unwrap_or_default(), &cause.unwrap_or_default());
        Self::Closed(Closed { name, told, input, is_by_hand: source.is_none() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_in_a_record_is_read_whatever_else_cannot_be() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for unreadable in [
            format!(r#"{{"requestPayload": {{"RequestId": "r-1"}}, "responsePayload": {deep}}}"#),
            r#"{"requestPayload": {"RequestId": "r-1"}, "requestContext": {"approximateInvokeCount": 1e999}}"#
                .to_owned(),
        ] {
            let Mishap::GivenUp { event, told, answer } = read(&unreadable) else { panic!("{unreadable}") };
            assert_eq!((event.field("RequestId"), answer), (&json!("r-1"), None));
            assert_eq!(told, "Lambda gave the request up");
        }
    }

    /// What is told where Step Functions tells this error and Lambda returned that.
    fn told(error: &str, message: &str) -> String {
        let returned = json!({ "errorType": error, "errorMessage": message });
        explained(error, &returned.to_string())
    }

    #[test]
    fn a_function_that_lambda_ended_in_time_is_told_of_as_late() {
        let late = ": the function did not return in time (Timeout): ";
        assert!(
            told("Sandbox.Timedout", "RequestId: 8f5c Error: Task timed out after 900.00 seconds").starts_with(late)
        );
        assert!(
            told("Lambda.Unknown", "2026-11-21T07:00:00.000Z 8f5c Task timed out after 3.00 seconds").starts_with(late)
        );
        assert!(explained("States.Timeout", "").starts_with(late));
    }

    #[test]
    fn a_function_that_crashed_is_told_apart_from_one_that_was_killed() {
        let crashed = told("Runtime.ExitError", "RequestId: 8f5c Error: Runtime exited with error: exit status 1");
        assert!(crashed.starts_with(": the function crashed: Runtime.ExitError: "), "{crashed}");
        for (error, message) in [
            ("Runtime.ExitError", "RequestId: 8f5c Error: Runtime exited with error: signal: killed"),
            ("Runtime.OutOfMemory", "RequestId: 8f5c Error: Runtime exited"),
        ] {
            assert!(told(error, message).starts_with(": the function was killed, "), "{error}: {message}");
        }
    }

    #[test]
    fn what_a_function_says_of_other_services_is_none_of_lambda_s_words() {
        for said in [
            "RequestId r-1, Create of Pi: StartExecution timed out",
            "RequestId r-1, Create of Pi: TooManyRequestsException: slow down",
        ] {
            assert_eq!(told("Unclaimed", said), format!(": Unclaimed: {said}"));
        }
    }

    #[test]
    fn an_answer_is_taken_from_an_error_only_where_it_is_whole_and_the_request_s_own() {
        let read_from = |said: &str| {
            let message = format!("it could not be put{ANSWER_FOLLOWS}{said}");
            let returned = json!({ "errorType": "Unanswered", "errorMessage": message });
            let record = json!({ "requestPayload": { "RequestId": "r-1" }, "responsePayload": returned });
            match read(&record.to_string()) {
                Mishap::GivenUp { answer, told, .. } => (answer, told.contains("it could not be put")),
                other => panic!("{other:?}"),
            }
        };
        let own = r#"{"RequestId":"r-1"}"#;
        assert_eq!(read_from(own), (Some(Answer(own.to_owned())), true));
        for other in [r#"{"RequestId":"r-2"}"#, r#"{"RequestId":"r-1""#, "{}", ""] {
            assert_eq!(read_from(other), (None, true), "{other}");
        }
    }

    #[test]
    fn of_what_is_none_of_ours_nothing_is_quoted() {
        for payload in [
            json!({"detail": "hunter2"}),
            json!({"detail": {"name": {"hunter2": 1}, "status": "FAILED"}}),
            json!({"detail": {"name": ["hunter2"]}}),
            json!({"requestPayload": {}, "requestContext": "hunter2", "responsePayload": {"errorType": ["hunter2"]}}),
            json!({"Turn": "hunter2"}),
        ] {
            let told = format!("{:?}", read(&payload.to_string()));
            assert!(!told.contains("hunter2"), "{told}");
        }
        let Mishap::Foreign(why) = read(r#"{"detail": "hunter2, expected"}"#) else { panic!("ours") };
        assert!(why.starts_with("invalid type, expected struct Detail at line"), "{why}");
        assert!(matches!(read(r#"{"detail": {}}"#), Mishap::Foreign(why) if why.starts_with("missing field `name`")));
    }

    #[test]
    fn what_lambda_has_no_name_for_is_a_death() {
        let has_died =
            |error: &str| FailedStep::read(&json!({"Caught": {"Error": error, "Cause": ""}}).to_string()).has_died;
        let deaths = ["Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout", "States.Timeout", "Panic", ""];
        assert!(deaths.into_iter().all(has_died));
        for trouble in ["ServiceException", "TooManyRequestsException", "EC2ThrottledException", "AWSLambdaException"] {
            assert!(!has_died(&format!("Lambda.{trouble}")), "{trouble}");
        }
    }

    #[test]
    fn want_of_room_is_told_where_lambda_tells_it() {
        let told = explained("Lambda.TooManyRequestsException", "Rate Exceeded.");
        assert!(told.starts_with(": Lambda had no room for the function"), "{told}");
    }
}
