//! What a request may have submitted that nobody has seen.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::SUBMISSION_LIMIT;
use crate::job::Timestamp;

/// What a request may have submitted that nobody has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unseen {
    /// Whether nobody else acts for the same request now, so that what a step of it may have submitted that died is its own.
    #[serde(skip_serializing_if = "is_false")]
    sole: bool,
    /// Who may have submitted a job before, where no look has told yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Before>,
    /// Whether it is known to have submitted one: the answer was lost, or tells of one that may have left something behind.
    #[serde(skip_serializing_if = "is_false")]
    tried: bool,
    /// When the last submission was sent, or the first of those that were lost of which something may come.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<Timestamp>,
    /// When the last submission was given up whose answer was lost, or the last step ended that died and may have been submitting; none
    /// once a look has shown that nothing comes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<Timestamp>,
    /// How many steps have died that may have been submitting, since something has shown that one did not.
    #[serde(skip_serializing_if = "is_zero")]
    deaths: u32,
}

/// Who may have submitted a job before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Before {
    /// An earlier delivery of the request.
    Delivery,
    /// A step that died, which began then at the earliest.
    Step(Timestamp),
}

impl Unseen {
    /// What there may be where the request is taken up, `late` if it may have been delivered before.
    pub(super) fn at_first(is_late: bool) -> Self {
        Self { before: is_late.then_some(Before::Delivery), ..Self::default() }
    }

    /// Nobody else acts for the same request.
    pub(super) fn alone(&mut self) {
        self.sole = true;
    }

    /// Whether nobody else acts for the same request.
    pub(super) fn is_alone(&self) -> bool {
        self.sole
    }

    /// A submission is about to be sent. Of one that was lost before counts when that was sent, as long as something may come of it.
    pub(super) fn sends(&mut self, now: Timestamp) {
        if self.lost.is_none() {
            self.sent = Some(now);
        }
    }

    /// A submission's answer was lost.
    pub(super) fn lose(&mut self, now: Timestamp) {
        (self.tried, self.lost) = (true, Some(now));
    }

    /// A submission, or an earlier one that nobody can be asked about any more, may have left something behind.
    pub(super) fn suspect(&mut self) {
        self.tried = true;
    }

    /// A step that began at `since` at the earliest has ended by `now`, and may have submitted something; it may have died of that,
    /// if it `has_died`.
    pub(super) fn repeat(&mut self, has_died: bool, since: Timestamp, now: Timestamp) {
        // What the first of them made, or a submission whose answer was lost, may be forgotten first.
        let step = match self.before {
            Some(Before::Step(earlier)) => Some(earlier),
            _ => None,
        };
        let since = [step, self.lost_since()].into_iter().flatten().fold(since, Timestamp::min);
        (self.before, self.lost) = (Some(Before::Step(since)), Some(now));
        self.deaths += u32::from(has_died);
    }

    /// No step has died of a submission so far.
    pub(super) fn lives(&mut self) {
        self.deaths = 0;
    }

    /// What goes before a submission is not done yet: no step has come to one.
    pub(super) fn comes_later(&mut self) {
        self.lives();
        if !self.tried {
            self.came_to_nothing();
        }
    }

    /// A look has told whatever others have submitted before.
    pub(super) fn looked(&mut self) {
        self.before = None;
    }

    /// A look has shown that nothing comes any more of what was lost.
    pub(super) fn came_to_nothing(&mut self) {
        (self.lost, self.sent) = (None, None);
    }

    /// There is nothing of the request's own.
    pub(super) fn clear(&mut self) {
        (self.tried, self.lost, self.sent) = (false, None, None);
    }

    /// Whether it is known that something was submitted whose answer is not.
    pub fn is_tried(&self) -> bool {
        self.tried
    }

    /// Whether others may have submitted something before, and no look has told yet.
    pub(super) fn may_be_earlier(&self) -> bool {
        self.before.is_some()
    }

    /// Whether a run of this request that is found now is one that this very delivery has submitted: it lost an answer, or,
    /// where nobody else acts for the request, a step of it died that may have submitted something.
    pub(super) fn has_submitted(&self) -> bool {
        self.tried || self.sole && self.lost.is_some()
    }

    /// Whether a submission's answer was lost, of which a run may yet come.
    pub(super) fn has_lost_one(&self) -> bool {
        self.has_submitted() && self.lost.is_some()
    }

    /// Whether what was lost may yet take effect at `now`.
    pub(super) fn may_appear(&self, now: Timestamp) -> bool {
        self.has_submitted() && self.lost.is_some_and(|lost| now.since(lost) < SUBMISSION_LIMIT)
    }

    /// Whether what was lost may yet take effect at `now`, for which it has so long, and others act for the same request.
    pub(super) fn may_appear_beside_anothers(&self, now: Timestamp, within: Duration) -> bool {
        !self.sole && self.lost_one().is_some_and(|lost| now.since(lost) < within)
    }

    /// Whether there may be a job of this request that is not known.
    pub fn may_be_one(&self) -> bool {
        self.has_submitted() || self.may_be_earlier()
    }

    /// Since when a job may have been made, and forgotten: by a submission whose answer was lost, by a step that died, or, where
    /// others may act for the request, which was `asked` for then, by an earlier delivery of it. None where a look has told.
    pub(super) fn since(&self, asked: Timestamp) -> Option<Timestamp> {
        let before = match self.before {
            Some(Before::Step(since)) if self.sole => Some(since),
            Some(Before::Delivery) if self.sole => None,
            others => others.map(|_| asked),
        };
        before.into_iter().chain(self.lost_since()).min()
    }

    /// Since when a submission may have taken effect whose answer was lost: it was sent a while before it was given up.
    fn lost_since(&self) -> Option<Timestamp> {
        self.lost_one().map(|lost| self.sent.map_or(lost, |sent| sent.min(lost)))
    }

    /// When the last submission was given up whose answer was lost, of which this delivery knows.
    fn lost_one(&self) -> Option<Timestamp> {
        self.lost.filter(|_| self.has_submitted())
    }

    /// When the last submission was lost of which a job may come.
    pub fn lost(&self) -> Option<Timestamp> {
        self.lost
    }

    /// How many steps have died that may have been submitting, since something has shown that one did not.
    pub fn deaths(&self) -> u32 {
        self.deaths
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
pub(super) fn is_zero(count: &u32) -> bool {
    *count == 0
}
