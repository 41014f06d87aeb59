//! What an answer means, or that there was none, whichever the engine.

use super::{Kind, Trouble};
use crate::http::Lost;

/// What a request asked for: the same silence means one thing after a look and another after a deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To tell something.
    Look,
    /// To make a run.
    Submission,
    /// To change something.
    Deed,
}

/// A call that brought nothing usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What it means.
    pub kind: Kind,
    /// What came back, in the words of whoever answered.
    pub said: String,
    /// What to do about it; empty where the kind alone tells.
    pub advice: String,
}

impl Failed {
    /// Such a call, and what came back.
    pub fn new(kind: Kind, said: impl Into<String>) -> Self {
        Self { kind, said: said.into(), advice: String::new() }
    }

    /// An answer that is of no use, in whatever words.
    pub fn unavailable(said: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, said)
    }

    /// The same, told for people.
    pub fn while_doing(self, doing: impl Into<String>) -> Trouble {
        Trouble { advice: self.advice, ..Trouble::new(self.kind, doing, self.said) }
    }
}

/// What it means that no answer came.
pub fn kind_of_loss(asked: Asked, lost: &Lost) -> Kind {
    match lost {
        Lost::NotSent(_) => Kind::Unavailable,
        Lost::TimedOut | Lost::Unclear(_) | Lost::TooLarge => undecided(asked),
    }
}

/// For an answer that does not tell whether what was asked for was done.
pub fn undecided(asked: Asked) -> Kind {
    match asked {
        Asked::Look => Kind::Unavailable,
        Asked::Submission | Asked::Deed => Kind::Unclear,
    }
}
