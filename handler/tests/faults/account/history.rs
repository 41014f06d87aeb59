//! The history of an execution: [its events](https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html),
//! as far as an execution of the workflow has them.

use std::time::Duration;

use serde_json::{Value, json};

use sparkjob::job::Timestamp;

/// What an event is called: `TaskStateEntered`.
pub type Kind = &'static str;

/// A refusal: its code and its message.
pub type Refusal = (&'static str, String);

/// All that happened, from the first to the last.
#[derive(Clone, Debug, Default)]
pub struct History(Vec<Value>);

impl History {
    /// Something happened.
    pub fn add(&mut self, now: Timestamp, kind: Kind, details: Value) {
        let before = self.0.len();
        let mut event = json!({
            "id": before + 1,
            "previousEventId": before,
            "timestamp": Duration::from_millis(now.0).as_secs_f64(),
            "type": kind,
        });
        event[details_of(kind)] = details;
        self.0.push(event);
    }

    /// Whether a state has left an answer, which is stored from then on.
    pub fn holds_an_answer(&self) -> bool {
        let left = self.0.iter().filter_map(|event| event["stateExitedEventDetails"]["output"].as_str());
        let mut turns = left.filter_map(|output| serde_json::from_str::<Value>(output).ok());
        turns.any(|turn| turn["Progress"]["Answer"].is_string())
    }

    /// What [`GetExecutionHistory`] answers. Each token is good for the same question alone.
    ///
    /// [`GetExecutionHistory`]: https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
    pub fn page(&self, body: &Value) -> Result<Value, Refusal> {
        let size = body["maxResults"].as_u64().filter(|size| *size > 0).unwrap_or(100);
        let size = usize::try_from(size).expect("a page of some events");
        assert!(size <= 1000, "{size}");
        let question = format!("{}-{size}", body["reverseOrder"]);
        let begin = match body["nextToken"].as_str().map(|token| token.rsplit_once('-')) {
            None => 0,
            Some(Some((asked, begin))) if asked == question => begin.parse().expect("a token of ours"),
            Some(_) => return Err(("InvalidToken", "Invalid Token".to_owned())),
        };
        let mut events = self.0.clone();
        if body["reverseOrder"] == true {
            events.reverse();
        }
        let page: Vec<Value> = events.iter().skip(begin).take(size).map(|event| told(event, body)).collect();
        let mut answer = json!({ "events": page });
        if begin + size < events.len() {
            answer["nextToken"] = format!("{question}-{}", begin + size).into();
        }
        Ok(answer)
    }
}

/// An event, with what the execution carried unless that is not asked for.
fn told(event: &Value, body: &Value) -> Value {
    let mut event = event.clone();
    if body["includeExecutionData"] == false {
        let details = event.as_object_mut().expect("an event").values_mut().filter_map(Value::as_object_mut);
        for details in details {
            details.retain(|name, _| !["input", "output", "parameters"].contains(&name.as_str()));
        }
    }
    event
}

/// The member of an event with more about it: `stateEnteredEventDetails`, `taskFailedEventDetails`.
fn details_of(kind: Kind) -> String {
    let kind = ["StateEntered", "StateExited"].into_iter().find(|general| kind.ends_with(general)).unwrap_or(kind);
    let (first, rest) = kind.split_at(1);
    format!("{}{rest}EventDetails", first.to_lowercase())
}
