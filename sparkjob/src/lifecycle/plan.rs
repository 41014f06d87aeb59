//! What a request asks for, in terms that every front door shares.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::next::Action;
use crate::engine::Lookup;
use crate::job::{Digest, Identity, Job, Place, RunRef, Tags, Timestamp};
use crate::properties::Management;

/// By how much the clocks of those who take part may differ.
const CLOCKS_DIFFER: Duration = Duration::from_mins(5);

/// The part of the whole time that may be spent on waiting for an engine to come round.
const PATIENCE_PART: u32 = 3;

/// What a request asks for. It can be derived from the request again at any time, so no state repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What is to be reached.
    pub goal: Goal,
    /// How the job is managed.
    pub management: Management,
    /// Until when.
    pub deadlines: Deadlines,
}

impl Plan {
    /// The job that is to run, where one is.
    pub fn wanted(&self) -> Option<&Wanted> {
        match &self.goal {
            Goal::Run(wanted) | Goal::Replace { wanted, .. } => Some(wanted),
            Goal::Keep { .. } | Goal::Stop(_) => None,
        }
    }

    /// Where it is to run.
    pub(super) fn wanted_place(&self) -> Option<&Place> {
        self.wanted().map(|wanted| &wanted.job.place)
    }

    /// The description that is replaced.
    pub(super) fn old(&self) -> Option<&Wanted> {
        match &self.goal {
            Goal::Replace { old, .. } => old.as_deref(),
            _ => None,
        }
    }

    /// The present job.
    pub(super) fn present(&self) -> Option<&RunRef> {
        match &self.goal {
            Goal::Replace { present, .. } => present.as_ref(),
            _ => None,
        }
    }

    /// The present job and how its tags change where it stays, if they do.
    pub(super) fn retag(&self) -> Option<(&RunRef, &Retag)> {
        match &self.goal {
            Goal::Keep { run, retag: Some(retag) }
            | Goal::Replace { present: Some(run), stays_as: Some(StaysAs { retag: Some(retag), .. }), .. } => {
                Some((run, retag))
            }
            _ => None,
        }
    }

    /// The present job, where it has to be looked at before it is known whether it stays, and as what it stays.
    pub(super) fn recalled(&self) -> Option<(&RunRef, &Identity)> {
        match &self.goal {
            Goal::Replace { present: Some(run), stays_as: Some(StaysAs { identity, .. }), .. } => Some((run, identity)),
            _ => None,
        }
    }

    pub(super) fn start(&self) -> Option<Action> {
        self.wanted().map(|wanted| Action::Start(Box::new(wanted.clone())))
    }

    pub(super) fn search(&self) -> Option<Action> {
        match &self.goal {
            Goal::Stop(Target::Search { place, identity, by }) => {
                Some(Action::Find(place.clone(), identity.clone(), *by, self.since()))
            }
            _ => None,
        }
    }

    /// So long, or the part of the whole time that may be spent on waiting for an engine to come round.
    pub(super) fn at_most(&self, time: Duration) -> Duration {
        time.min(self.deadlines.whole() / PATIENCE_PART)
    }

    /// Since when a run of this request may have been made: a while before it was asked for, as clocks differ.
    pub(super) fn since(&self) -> Timestamp {
        self.deadlines.asked.before(CLOCKS_DIFFER)
    }

    /// Whether one look tells of the wanted description and of the old one.
    pub(super) fn looks_once(&self) -> bool {
        match (self.wanted(), self.old()) {
            // Livy's look-ups cost nothing.
            (Some(wanted), Some(old)) => wanted.job.place == old.job.place && !wanted.job.place.is_livy(),
            _ => false,
        }
    }

    /// What makes the intervals of this request differ from those of another one.
    pub(super) fn seed(&self) -> Digest {
        match &self.goal {
            Goal::Run(wanted) | Goal::Replace { wanted, .. } => wanted.identity.token,
            Goal::Keep { run, .. } | Goal::Stop(Target::Run(run)) => Digest::of(&[&run.to_string()]),
            Goal::Stop(Target::Search { identity, .. }) => identity.token,
            Goal::Stop(Target::Nothing) => Digest::of(&[]),
        }
    }
}

/// What is to be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a request has one of them")]
pub enum Goal {
    /// A first job.
    Run(Wanted),
    /// Another job in place of the present one.
    Replace {
        /// The new job.
        wanted: Wanted,
        /// The description that the new one replaces, with this resource's identity: runs of it that nobody knows of are
        /// stopped. None where it could not be read.
        old: Option<Box<Wanted>>,
        /// The present job; none where nothing is known to have been made.
        present: Option<RunRef>,
        /// The present job stays, whatever it did since, if it turns out to be one of this description. For engines whose
        /// references do not tell; none where it is to be replaced anyway.
        stays_as: Option<StaysAs>,
    },
    /// The present job, as it is, but for its tags.
    Keep {
        /// The present job.
        run: RunRef,
        /// How its tags change, where they do.
        retag: Option<Retag>,
    },
    /// No job.
    Stop(Target),
}

/// What a present job stays as, which a look at it has to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaysAs {
    /// Its description's.
    pub identity: Identity,
    /// How its tags change if it stays, where they do. The next request compares with what this one wants, and so would not
    /// make up for it.
    pub retag: Option<Retag>,
}

/// How the tags of a run change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retag {
    /// As they are to be.
    pub wanted: Tags,
    /// As they were described before: those of them that are not wanted any more go.
    pub old: Tags,
}

/// A job and the identity of its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The job.
    pub job: Job,
    /// Its run's identity.
    pub identity: Identity,
}

/// What is to be stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nothing was made.
    Nothing,
    /// This run.
    Run(RunRef),
    /// The runs that a look-up finds; it goes on for as long as a submission that is still under way may take.
    Search {
        /// Where to look.
        place: Place,
        /// Whose runs.
        identity: Identity,
        /// Which of them.
        by: Lookup,
    },
}

/// The times at which a request changes its ways, from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadlines {
    /// When the request was made; it may have been delivered before.
    pub asked: Timestamp,
    /// When this delivery's time began; the time in all is from here to `end`.
    pub begin: Timestamp,
    /// What is not reached by now is given up: the job that was submitted is cancelled.
    pub give_up: Timestamp,
    /// The answer goes out with whatever is known.
    pub answer_by: Timestamp,
    /// Nothing acts any more.
    pub over: Timestamp,
    /// Nobody waits any more.
    pub end: Timestamp,
}

impl Deadlines {
    /// The times for a request that has from `begin` to `end`: 120, 30 and 5 seconds before the end, or 1/4, 1/10 and 1/60
    /// of the whole where that is less.
    pub fn between(begin: Timestamp, end: Timestamp) -> Self {
        let whole = end.since(begin);
        let before_end = |seconds, part| end.before(Duration::from_secs(seconds).min(whole / part));
        Self {
            asked: begin,
            begin,
            give_up: before_end(120, 4),
            answer_by: before_end(30, 10),
            over: before_end(5, 60),
            end,
        }
    }

    /// The same times for a request that was made at `asked`.
    #[must_use]
    pub fn asked_at(self, asked: Timestamp) -> Self {
        Self { asked, ..self }
    }

    /// The time in all.
    pub fn whole(&self) -> Duration {
        self.end.since(self.begin)
    }
}
