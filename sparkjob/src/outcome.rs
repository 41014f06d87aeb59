//! How a request ended: what a front door tells.

use serde::{Deserialize, Serialize};

use crate::engine::Report;
use crate::job::{RunRef, Status};

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// None: it succeeded.
    pub failure: Option<Failure>,
    /// The job that answers, or the one that failed to.
    pub made: Made,
    /// That job, as it was last seen.
    pub status: Option<Status>,
    /// What there is to see of it.
    pub report: Report,
    /// What else a reader should know, each a sentence: what was left behind, what was not waited for.
    pub notes: Vec<String>,
}

impl Outcome {
    /// Whether nobody waits for it any more, so that it is to be told to nobody.
    pub fn is_withdrawn(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Withdrawn)
    }
}

/// What a request made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Made {
    /// Surely nothing.
    Nothing,
    /// Perhaps a job: a submission's answer was lost, and the job could not be found since.
    Unknown,
    /// This job.
    Job(RunRef),
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its kind, for programs.
    pub kind: FailureKind,
    /// What happened, for people; one or more sentences that begin with what was tried and end with a full stop.
    pub what: String,
    /// What to do about it, one or more sentences; empty where there is nothing to advise.
    pub advice: String,
}

impl Failure {
    /// Tells what else can be done about it: a sentence.
    pub fn advise(&mut self, advice: &str) {
        if !self.advice.is_empty() {
            self.advice.push(' ');
        }
        self.advice.push_str(advice);
    }
}

/// The kinds of failure that a caller may want to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The description is at fault.
    Invalid,
    /// The engine refused the job.
    Rejected,
    /// The engine denied the call.
    Denied,
    /// The engine could not be reached, or something was not over in time.
    Unavailable,
    /// The job failed.
    Failed,
    /// The job was cancelled.
    Cancelled,
    /// Nobody waits for the outcome any more.
    Withdrawn,
}

impl FailureKind {
    /// Its name in a log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "Invalid",
            Self::Rejected => "Rejected",
            Self::Denied => "Denied",
            Self::Unavailable => "Unavailable",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Withdrawn => "Withdrawn",
        }
    }
}

/// `text` as a sentence of a [`Failure`] or a note: without blanks around it, with a full stop where it has no mark of its
/// own at its end. Nothing stays nothing.
pub fn sentence(text: &str) -> String {
    let text = text.trim();
    let has_end = text.is_empty() || text.ends_with(['.', '!', '?', '…']);
    if has_end { text.to_owned() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_has_one_mark_at_its_end() {
        for (text, told) in
            [("it is dead", "it is dead."), (" Why?\n", "Why?"), ("cut o…", "cut o…"), ("Done.", "Done."), (" ", "")]
        {
            assert_eq!(sentence(text), told);
        }
    }
}
