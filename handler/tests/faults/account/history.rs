//! The history of an execution: [its events](https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html),
//! as far as an execution of the workflow has them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use sparkjob::job::Timestamp;

/// What an event is called: `TaskStateEntered`.
pub type Kind = &'static str;

/// A refusal: its code and its message.
pub type Refusal = (&'static str, String);

/// All that happened, from the first to the last.
#[derive(Clone, Debug, Default)]
pub struct History(Vec<Event>);

/// What happened, when, and what is told of it. It becomes JSON when somebody asks, which in most runs nobody does.
#[derive(Clone, Debug)]
struct Event {
    at: Timestamp,
    kind: Kind,
    details: Details,
}

/// What is told of an event.
#[derive(Clone, Debug)]
pub enum Details {
    /// No more than that.
    None,
    /// What the execution began with.
    Began(Arc<str>),
    /// The state of this name was given this.
    Given(String, Arc<str>),
    /// The state of this name left this.
    Left(String, Arc<str>),
    /// What the execution came to.
    Came(Arc<str>),
    /// A function is called.
    Called,
    /// An error and its cause.
    Failed(String, String),
}

/// With [more events](https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html) than these an execution fails.
const MOST: usize = 25_000;

impl History {
    /// Something happened.
    pub fn add(&mut self, at: Timestamp, kind: Kind, details: Details) {
        assert!(self.0.len() < MOST, "the history is full");
        self.0.push(Event { at, kind, details });
    }

    /// How often this state was entered.
    pub fn entered(&self, state: &str) -> usize {
        let names = self.0.iter().filter_map(|event| match &event.details {
            Details::Given(name, _) => Some(name),
            _ => None,
        });
        names.filter(|name| *name == state).count()
    }

    /// Whether a state has left an answer, which is stored from then on.
    pub fn holds_an_answer(&self) -> bool {
        let mut turns = self.0.iter().filter_map(|event| match &event.details {
            Details::Left(_, output) => serde_json::from_str::<Value>(output).ok(),
            _ => None,
        });
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
        let mut events: Vec<(usize, &Event)> = self.0.iter().enumerate().collect();
        if body["reverseOrder"] == true {
            events.reverse();
        }
        let is_whole = body["includeExecutionData"] != false;
        let page = events.iter().skip(begin).take(size).map(|(before, event)| event.told(*before, is_whole));
        let mut answer = json!({ "events": page.collect::<Vec<Value>>() });
        if begin + size < events.len() {
            answer["nextToken"] = format!("{question}-{}", begin + size).into();
        }
        Ok(answer)
    }
}

impl Event {
    /// The event that comes after so many, and, where it `is_whole`, with what the execution carried.
    fn told(&self, before: usize, is_whole: bool) -> Value {
        let mut event = json!({
            "id": before + 1,
            "previousEventId": before,
            "timestamp": Duration::from_millis(self.at.0).as_secs_f64(),
            "type": self.kind,
        });
        event[details_of(self.kind)] = self.details.told(is_whole);
        event
    }
}

impl Details {
    fn told(&self, is_whole: bool) -> Value {
        let carried = |told: Value, name: &str, text: &Arc<str>| {
            let mut told = told;
            if is_whole {
                told[name] = (**text).into();
            }
            told[format!("{name}Details")] = json!({ "truncated": false });
            told
        };
        match self {
            Self::None => json!({}),
            Self::Began(input) => carried(json!({}), "input", input),
            Self::Given(state, input) => carried(json!({ "name": state }), "input", input),
            Self::Left(state, output) => carried(json!({ "name": state }), "output", output),
            Self::Came(output) => carried(json!({}), "output", output),
            Self::Called => json!({ "resourceType": "lambda", "resource": "invoke" }),
            Self::Failed(error, cause) => json!({ "error": error, "cause": cause }),
        }
    }
}

/// The member of an event with more about it: `stateEnteredEventDetails`, `taskFailedEventDetails`.
fn details_of(kind: Kind) -> String {
    let kind = ["StateEntered", "StateExited"].into_iter().find(|general| kind.ends_with(general)).unwrap_or(kind);
    let (first, rest) = kind.split_at(1);
    format!("{}{rest}EventDetails", first.to_lowercase())
}
