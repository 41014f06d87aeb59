//! What the history of an execution tells of how far it came.

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_sdk_sfn::Client;
use aws_sdk_sfn::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sfn::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sfn::error::BoxError;
use serde_json::{Value, json};

use sparkjob::engine::aws::{Asked, AwsError, error};
use sparkjob::http::sdk::set_json;

use crate::mishap;
use crate::turn::Turn;

/// How many events are asked for at once: each may carry 256 KiB, and twice that as text within text.
const PAGE: u32 = 10;

/// How many pages are looked through. What comes after a state was entered is the tries of its task, each of which makes three
/// events and of which the workflow's definition allows some thirty.
const MOST_PAGES: u32 = 20;

/// The state in which the responder is called for a step that came to nothing.
const RESPOND: &str = "Respond";

/// How far an execution came.
pub struct Last {
    /// What its last state was given, or what the one before it left.
    pub turn: Box<Turn>,
    /// What the responder was told of it by the workflow, where it was called.
    pub told: Option<String>,
}

/// How far an execution came; none where none of its last events tells.
///
/// # Errors
/// It is not to be known.
pub async fn last(client: &Client, execution: &str) -> Result<Option<Last>, AwsError> {
    let mut token = None;
    for _ in 0..MOST_PAGES {
        let page = page(client, execution, token).await?;
        let events = page["events"].as_array().ok_or_else(|| AwsError::unavailable("an answer that is no history"))?;
        if let Some(last) = events.iter().find_map(told) {
            return Ok(Some(last));
        }
        token = page["nextToken"].as_str().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    Ok(None)
}

/// The turn in [one of some sixty kinds of events](https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html),
/// of which two tell what a state was given, and what it left.
fn told(event: &Value) -> Option<Last> {
    let (entered, exited) = (&event["stateEnteredEventDetails"], &event["stateExitedEventDetails"]);
    let text = entered["input"].as_str().or(exited["output"].as_str())?;
    let turn = Box::new(Turn::salvage(text)?);
    let told = (entered["name"] == RESPOND).then(|| mishap::FailedStep::read(text).told);
    Some(Last { turn, told })
}

/// One page of what [`GetExecutionHistory`] answers, the latest event first. It is asked for by another operation of the same
/// API, whose answer is read as it came: what the SDK has for all kinds of events would make the function's zip larger by 69 KB.
///
/// [`GetExecutionHistory`]: https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
async fn page(client: &Client, execution: &str, token: Option<String>) -> Result<Value, AwsError> {
    let mut body = json!({
        "executionArn": execution,
        "reverseOrder": true,
        "maxResults": PAGE,
        "includeExecutionData": true,
    });
    if let Some(token) = token {
        body["nextToken"] = token.into();
    }
    let answer = Answer::default();
    let asked = client.describe_execution().execution_arn(execution).customize();
    let asked = asked.interceptor(answer.clone()).mutate_request(move |request| {
        request.headers_mut().insert("x-amz-target", "AWSStepFunctions.GetExecutionHistory");
        set_json(request, &body);
    });
    asked.send().await.map_err(|failed| error(Asked::Look, &failed))?;
    Ok(serde_json::from_slice(answer.0.get().map(Vec::as_slice).unwrap_or_default()).unwrap_or_default())
}

/// The body of an answer that is a success. Debug shows nothing of it: it holds requests.
#[derive(Clone, Default)]
struct Answer(Arc<OnceLock<Vec<u8>>>);

impl Intercept for Answer {
    fn name(&self) -> &'static str {
        "Answer"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        self.0.get_or_init(|| body.to_vec());
        Ok(())
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: &str = r#"{"Version": 1, "Event": {"RequestId": "r-1"}}"#;

    /// Whose request an event tells, and what the responder was told.
    fn told_by(event: &Value) -> Option<(Value, Option<String>)> {
        told(event).map(|Last { turn, told }| (turn.event.field("RequestId").clone(), told))
    }

    #[test]
    fn what_a_state_was_given_and_what_it_left_are_turns() {
        let own = Some((json!("r-1"), None));
        assert_eq!(told_by(&json!({ "stateEnteredEventDetails": { "name": "Act", "input": TURN } })), own);
        assert_eq!(told_by(&json!({ "stateExitedEventDetails": { "name": "Act", "output": TURN } })), own);
    }

    #[test]
    fn only_the_responder_s_state_tells_what_it_was_told() {
        let caught = r#"{"Event": {"RequestId": "r-1"}, "Caught": {"Error": "Boom", "Cause": ""}}"#;
        let entered = |name| json!({ "stateEnteredEventDetails": { "name": name, "input": caught } });
        let why = "a step of the workflow failed: Boom".to_owned();
        assert_eq!(told_by(&entered(RESPOND)), Some((json!("r-1"), Some(why))));
        assert_eq!(told_by(&entered("ActAgain")), Some((json!("r-1"), None)));
    }

    #[test]
    fn other_events_tell_nothing() {
        for event in [
            json!({ "type": "ExecutionAborted", "executionAbortedEventDetails": {} }),
            json!({ "taskScheduledEventDetails": { "parameters": TURN } }),
            json!({ "stateEnteredEventDetails": { "name": "Act", "input": "{}" } }),
            json!({ "stateEnteredEventDetails": { "name": "Act" } }),
        ] {
            assert_eq!(told_by(&event), None, "{event}");
        }
    }
}
