//! What the workflow carries from one step to the next.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use sparkjob::job::Timestamp;
use sparkjob::lifecycle::State;

use crate::event::Event;
use crate::mishap::{FailedStep, unlike};
use crate::moment;
use crate::old::Old;
use crate::stack::Standing;

/// The version of [`Turn`] that this function writes, and the only one that it reads: an execution that an older one began
/// goes on with a state that means the same, or not at all.
pub const VERSION: u32 = 1;

/// All that there is of a request between two steps, and all that an execution's input and output hold: what was asked for,
/// and how far it has come.
///
/// Debug shows no part of the request: the event holds a credential.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Turn {
    /// See [`VERSION`].
    pub version: u32,
    /// The request, [reduced](crate::request::Request).
    pub event: Event,
    /// What an Update comes from.
    #[serde(default)]
    pub old: Old,
    /// What the stack was about when the first step was taken, where that was to be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// The function that takes the steps, which is the one that was asked.
    pub submitter: String,
    /// The function that answers where that one cannot.
    pub responder: String,
    /// From then on no room is waited for where Lambda has none for a step: the responder answers.
    pub respond_at: String,
    /// How far it has come.
    #[serde(default)]
    pub progress: Progress,
    /// The next step is taken then.
    #[serde(default)]
    pub until: String,
    /// Whether there is no next step.
    #[serde(default)]
    pub ended: bool,
}

/// How far a request has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// Nothing was done yet.
    #[default]
    Claimed,
    /// It is at this.
    Working(Box<State>),
    /// There is an answer, which is to be put.
    Answer(Answer),
    /// The answer was put.
    Answered(Answer),
    /// Nobody waits for an answer any more.
    Superseded,
}

/// An answer, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Answer(pub String);

impl Answer {
    /// The id with which `CloudFormation` goes on; nothing where there is none.
    pub fn physical_id(&self) -> String {
        self.told()["PhysicalResourceId"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether it tells that the request failed.
    pub fn is_failure(&self) -> bool {
        self.told()["Status"] == "FAILED"
    }

    fn told(&self) -> serde_json::Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl Turn {
    /// That of a request for which nothing was done yet.
    pub fn of(event: Event) -> Self {
        Self {
            version: VERSION,
            event,
            old: Old::default(),
            standing: None,
            submitter: String::new(),
            responder: String::new(),
            respond_at: String::new(),
            progress: Progress::Claimed,
            until: String::new(),
            ended: false,
        }
    }

    /// When the next step is to be taken, where that is told.
    pub fn due(&self) -> Option<Timestamp> {
        moment::read(&self.until)
    }

    /// When the answer is to be put at the earliest, where there is one that was not.
    pub fn held_until(&self) -> Option<Timestamp> {
        if matches!(self.progress, Progress::Answer(_)) { self.due() } else { None }
    }

    /// The next turn: the same request, so much further, at `until`, or none where it is at its end.
    #[must_use]
    pub fn on(self, progress: Progress, until: Timestamp) -> Self {
        let ended = matches!(progress, Progress::Answered(_) | Progress::Superseded);
        Self { progress, until: moment::text(until), ended, ..self }
    }

    /// What can be read of a turn, whoever wrote it: of one of another version the request, and the answer where there is
    /// one; none where there is no request.
    pub fn salvage(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Core {
            event: Event,
            #[serde(default)]
            progress: serde_json::Value,
        }
        if let Ok(turn) = serde_json::from_str::<Self>(text)
            && turn.version == VERSION
        {
            return Some(turn);
        }
        let Core { event, progress } = serde_json::from_str(text).ok()?;
        Some(Self { progress: serde_json::from_value(progress).unwrap_or_default(), ..Self::of(event) })
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("version", &self.version)
            .field("until", &self.until)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// One step that the workflow asks for.
#[derive(Clone, Debug)]
pub struct Step {
    /// What there is.
    pub turn: Turn,
    /// When the execution began.
    pub began: String,
    /// The try of this very step before this one; none where there was none.
    pub failed: Option<FailedStep>,
}

impl Step {
    /// Reads one.
    ///
    /// # Errors
    /// Why it cannot be read, as a clause; of a version that is not ours, just that.
    pub fn read(payload: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Asked {
            turn: Box<RawValue>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Versioned {
            version: u32,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Told {
            began: String,
            /// How often this very step was tried before.
            tries: u32,
        }
        let has_no_version = |error| format!("it has no version ({})", unlike(&error));
        let Asked { turn: text } = serde_json::from_str(payload).map_err(has_no_version)?;
        let Versioned { version } = serde_json::from_str(text.get()).map_err(has_no_version)?;
        if version != VERSION {
            return Err(format!(
                "it is of version {version}, and this function knows version {VERSION} only: another version of the function began \
                 with it; deploy the stack again"
            ));
        }
        let is_bad = |error| unlike(&error);
        let turn = serde_json::from_str(text.get()).map_err(is_bad)?;
        let Told { began, tries } = serde_json::from_str(payload).map_err(is_bad)?;
        Ok(Self { turn, began, failed: (tries > 0).then(|| FailedStep::read(text.get())) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_a_turn_of_another_version_the_request_and_the_answer_are_read() {
        let turn = |progress| json!({"Version": 2, "Event": {"RequestId": "r"}, "Progress": progress}).to_string();
        let answered = Turn::salvage(&turn(json!({"Answered": "{}"}))).expect("a turn");
        assert_eq!((answered.version, answered.progress), (VERSION, Progress::Answered(Answer("{}".to_owned()))));
        // What it says of its own beyond these may mean something else there.
        let ours = Turn { ended: true, ..Turn::of(Event::default()) };
        let mut theirs = serde_json::to_value(&ours).expect("a turn is stored");
        assert_eq!(Turn::salvage(&theirs.to_string()), Some(ours));
        theirs["Version"] = json!(2);
        assert!(!Turn::salvage(&theirs.to_string()).expect("a turn").ended);
        let unknown = Turn::salvage(&turn(json!({"Dreaming": 1}))).expect("a turn");
        assert_eq!((unknown.event.field("RequestId"), unknown.progress), (&json!("r"), Progress::Claimed));
    }

    #[test]
    fn what_has_no_request_is_no_turn() {
        for none in ["{}", "null", "[", r#"{"Version": 1}"#, r#"{"Progress": {"Answer": "x"}}"#] {
            assert_eq!(Turn::salvage(none), None, "{none}");
        }
    }
}
