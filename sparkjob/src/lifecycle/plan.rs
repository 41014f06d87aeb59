//! What a request asks for, in terms that every front door shares.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::next::Action;
use crate::engine::Lookup;
use crate::hidden::Hidden;
use crate::job::{Access, Digest, Identity, Job, Place, RunRef, Shown, Tags, Timestamp};
use crate::properties::{Management, WaitFor};

/// By how much the clocks of those who take part may differ.
const CLOCKS_DIFFER: Duration = Duration::from_mins(5);

/// How long [`CloudFormation`] waits for an answer at most, before it asks for the same once more.
///
/// [`CloudFormation`]: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
const LONGEST_TRY: Duration = Duration::from_hours(1);

/// What was given up by some moment, since nobody had answered, was asked for no longer than this before.
pub const A_TRY_BEFORE: Duration = LONGEST_TRY.saturating_add(CLOCKS_DIFFER);

/// How far back the last run of a description is looked for. Engines list what is over by its age only, so the list of a busy
/// place grows with it; what is older counts as forgotten.
const HISTORY: Duration = Duration::from_hours(7 * 24);

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
    /// What lets into the places that it has to do with.
    pub access: Access,
    /// What nothing that is learnt may show.
    pub hidden: Hidden,
}

impl Plan {
    /// The job that is to run, where one is.
    pub fn wanted(&self) -> Option<&Wanted> {
        match &self.goal {
            Goal::Run(wanted) | Goal::Replace { wanted, .. } | Goal::Restore { wanted, .. } => Some(wanted),
            Goal::Keep { .. } | Goal::Stop(_) => None,
        }
    }

    /// Where it is to run.
    pub(super) fn wanted_place(&self) -> Option<&Place> {
        self.wanted().map(|wanted| &wanted.job.place)
    }

    /// The description that is replaced.
    pub(super) fn old(&self) -> Option<&Former> {
        match &self.goal {
            Goal::Replace { old, .. } | Goal::Restore { old, .. } => old.as_deref(),
            _ => None,
        }
    }

    /// The present job.
    pub(super) fn present(&self) -> Option<&RunRef> {
        match &self.goal {
            Goal::Replace { present, .. } | Goal::Restore { present, .. } => present.as_ref(),
            _ => None,
        }
    }

    /// The present job and how its tags change where it stays, if they do.
    pub(super) fn retag(&self) -> Option<(&RunRef, &Retag)> {
        match &self.goal {
            Goal::Keep { run, retag: Some(retag), .. }
            | Goal::Replace { present: Some(run), stays_as: Some(StaysAs { retag: Some(retag), .. }), .. }
            | Goal::Restore { present: Some(run), stays_as: Some(StaysAs { retag: Some(retag), .. }), .. } => {
                Some((run, retag))
            }
            _ => None,
        }
    }

    /// The present job, where it has to be looked at before it is known whether it stays, and as what it stays.
    pub(super) fn recalled(&self) -> Option<(&RunRef, &Identity)> {
        match &self.goal {
            Goal::Replace { present: Some(run), stays_as: Some(StaysAs { identity, .. }), .. }
            | Goal::Restore { present: Some(run), stays_as: Some(StaysAs { identity, .. }), .. } => {
                Some((run, identity))
            }
            _ => None,
        }
    }

    /// The job that is to run, with the identity of its run in this try: `anew` where an earlier one has had that of the
    /// request alone.
    pub fn wanted_now(&self, anew: bool) -> Option<Wanted> {
        let wanted = self.wanted()?.clone();
        let identity = if anew { wanted.identity.anew() } else { None };
        Some(Wanted { identity: identity.unwrap_or(wanted.identity), job: wanted.job })
    }

    /// A look for the runs that are to be stopped. The first shows them however long they have been there, for where a step is over, its
    /// application may not be; the others are for what comes yet.
    pub(super) fn search(&self, is_first: bool) -> Option<Action> {
        match &self.goal {
            Goal::Stop(Target::Search { place, identity, by, made_since, .. }) => {
                let long =
                    made_since.map_or(self.since_long(), |since| since.before(CLOCKS_DIFFER).max(self.since_long()));
                let since = if is_first && place.takes_twins() { long.min(self.since()) } else { self.since() };
                Some(Action::Find(place.clone(), identity.clone(), *by, since))
            }
            _ => None,
        }
    }

    /// Whether the job that is to run is a first one, in place of none.
    pub(super) fn is_for_a_first_job(&self) -> bool {
        matches!(self.goal, Goal::Run(_))
    }

    /// Whether an update is taken back.
    pub(super) fn is_restoring(&self) -> bool {
        matches!(self.goal, Goal::Restore { .. } | Goal::Keep { is_back: true, .. })
    }

    /// Whether the present job, which is called so, is one of those that are taken back.
    pub(super) fn rolls_back(&self, name: Option<&str>) -> bool {
        let old = self.old().filter(|_| self.is_restoring());
        old.zip(name).is_some_and(|(old, name)| old.identity.describes(name))
    }

    /// What is waited for. What takes an update back waits for no more than it must: a stack whose rollback fails is stuck.
    pub(super) fn wait_for(&self) -> WaitFor {
        if self.is_restoring() { WaitFor::Submitted } else { self.management.wait_for }
    }

    /// Since when a run of the wanted description may have been made that counts as the last one.
    pub(super) fn since_long(&self) -> Timestamp {
        self.deadlines.asked.before(HISTORY)
    }

    /// So long, or the part of the whole time that may be spent on waiting for an engine to come round.
    pub(super) fn at_most(&self, time: Duration) -> Duration {
        time.min(self.deadlines.whole() / PATIENCE_PART)
    }

    /// Since when a run of this request may have been made: a while before it was asked for, as clocks differ.
    pub(super) fn since(&self) -> Timestamp {
        self.deadlines.asked.before(CLOCKS_DIFFER)
    }

    /// Since when the run of this very request may have been made. Where a token makes no second one, and Livy tells no times, the
    /// same; of steps one of an earlier try may have ended before this one was asked for.
    pub(super) fn since_any_try(&self) -> Timestamp {
        self.since_a_try_at(self.wanted_place())
    }

    /// Since when a run of the old description may have been made that nobody knows of. In a rollback that is one of the update that
    /// failed; where its step is over, its application may not be.
    pub(super) fn since_old(&self) -> Timestamp {
        let place = self.old().map(|old| &old.place).filter(|_| self.is_restoring());
        self.since_a_try_at(place)
    }

    fn since_a_try_at(&self, place: Option<&Place>) -> Timestamp {
        let is_told = place.is_some_and(Place::takes_twins);
        if is_told { self.since().before(LONGEST_TRY) } else { self.since() }
    }

    /// Whether one look tells of the wanted description and of the old one.
    pub(super) fn looks_once(&self) -> bool {
        match (self.wanted(), self.old()) {
            // Livy is not slowed down as AWS does it.
            (Some(wanted), Some(old)) => wanted.job.place == old.place && !wanted.job.place.is_livy(),
            _ => false,
        }
    }

    /// What makes the intervals of this request differ from those of another one.
    pub(super) fn seed(&self) -> Digest {
        match &self.goal {
            Goal::Run(wanted) | Goal::Replace { wanted, .. } | Goal::Restore { wanted, .. } => wanted.identity.token,
            Goal::Keep { run, .. } | Goal::Stop(Target::Run(run)) => Digest::of(&[&run.to_string()]),
            Goal::Stop(Target::Search { identity, .. }) => identity.token,
            Goal::Stop(Target::Nothing) => Digest::of(&[]),
        }
    }
}

/// What is to be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// A first job.
    Run(Wanted),
    /// Another job in place of the present one.
    Replace {
        /// The new job.
        wanted: Wanted,
        /// The description that the new one replaces, with this resource's identity: runs of it that nobody knows of are
        /// stopped. None where it could not be read.
        old: Option<Box<Former>>,
        /// The present job; none where nothing is known to have been made.
        present: Option<RunRef>,
        /// The present job stays, whatever it did since, if it turns out to be one of this description. For engines whose
        /// references do not tell; none where it is to be replaced anyway.
        stays_as: Option<StaysAs>,
    },
    /// The job that there was, after an update that failed: whatever is still right is kept, and no more is started than is
    /// missing.
    Restore {
        /// The job that is to be there.
        wanted: Wanted,
        /// The description that is taken back, with this resource's identity: runs of it are stopped. None where it could not
        /// be read.
        old: Option<Box<Former>>,
        /// The present job: one that is taken back, or the one that there was; none where nothing is known to have been made.
        present: Option<RunRef>,
        /// As in [`Goal::Replace`].
        stays_as: Option<StaysAs>,
    },
    /// The present job, as it is, but for its tags.
    Keep {
        /// The present job.
        run: RunRef,
        /// How its tags change, where they do.
        retag: Option<Retag>,
        /// Whether an update is taken back by that.
        is_back: bool,
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
#[derive(Clone, PartialEq, Eq)]
pub struct Retag {
    /// As they are to be.
    pub wanted: Tags,
    /// As they were described before: those of them that are not wanted any more go.
    pub old: Tags,
}

impl fmt::Debug for Retag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retag").field("wanted", &Shown(&self.wanted)).field("old", &Shown(&self.old)).finish()
    }
}

/// What has to be known of a description that is replaced: where its runs are, and by what they are recognised.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// Where they run.
    pub place: Place,
    /// The identity that this request would give them: owner and description are those of every run of it.
    pub identity: Identity,
    /// The tags that they were given.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

impl fmt::Debug for Former {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, identity, tags } = self;
        let mut told = f.debug_struct("Former");
        told.field("place", place).field("identity", identity).field("tags", &Shown(tags)).finish()
    }
}

impl From<Wanted> for Former {
    fn from(Wanted { job, identity }: Wanted) -> Self {
        Self { place: job.place, identity, tags: job.tags }
    }
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
        /// Those that were made before are none of them, as far as the engine tells when that was.
        made_since: Option<Timestamp>,
        /// This one is none of them.
        spared: Option<Box<RunRef>>,
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
