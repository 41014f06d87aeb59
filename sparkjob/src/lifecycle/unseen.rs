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
    /// Whether an earlier delivery, or a step that died, may have submitted a job, and no look has told yet.
    #[serde(skip_serializing_if = "is_false")]
    earlier: bool,
    /// Whether it is known to have submitted one: the answer was lost, or tells of one that may have left something behind.
    #[serde(skip_serializing_if = "is_false")]
    tried: bool,
    /// Since when what was submitted may have taken effect that no look has shown: when it was sent, or the step began that died, or
    /// the last look that did not show it. Of several, since the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden_since: Option<Timestamp>,
    /// When the last submission was given up whose answer was lost, or the last step ended that died and may have been submitting; none
    /// once a look has shown that nothing comes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<Timestamp>,
    /// How many steps have died that may have been submitting, since something has shown that one did not.
    #[serde(skip_serializing_if = "is_zero")]
    deaths: u32,
}

impl Unseen {
    /// What there may be where the request is taken up, `late` if it may have been delivered before.
    pub(super) fn at_first(is_late: bool) -> Self {
        Self { earlier: is_late, ..Self::default() }
    }

    /// Nobody else acts for the same request.
    pub(super) fn alone(&mut self) {
        self.sole = true;
    }

    /// Whether nobody else acts for the same request.
    pub(super) fn is_alone(&self) -> bool {
        self.sole
    }

    /// A submission is about to be sent. Where one was lost before of which something may come, that counts.
    pub(super) fn sends(&mut self, now: Timestamp) {
        if self.lost.is_none() {
            self.hidden_since = Some(now);
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
        // What was lost first may be forgotten first.
        let first = self.hidden_since.filter(|_| self.lost.is_some());
        self.hidden_since = Some(first.map_or(since, |first| first.min(since)));
        (self.earlier, self.lost) = (true, Some(now));
        self.deaths += u32::from(has_died);
    }

    /// No step has died of a submission so far.
    pub(super) fn lives(&mut self) {
        self.deaths = 0;
    }

    /// What goes before a submission is not done yet: no step has come to one, but for those that went on without that.
    pub(super) fn comes_later(&mut self) {
        self.lives();
        if !self.tried {
            self.came_to_nothing();
        }
    }

    /// A look has told whatever was submitted before: what it did not show takes effect later, if at all.
    pub(super) fn looked(&mut self, now: Timestamp) {
        self.earlier = false;
        self.hidden_since = self.hidden_since.map(|since| since.max(now));
    }

    /// A look has shown that nothing comes any more of what was lost.
    pub(super) fn came_to_nothing(&mut self) {
        (self.lost, self.hidden_since) = (None, None);
    }

    /// There is nothing of the request's own.
    pub(super) fn clear(&mut self) {
        (self.tried, self.lost, self.hidden_since) = (false, None, None);
    }

    /// Whether it is known that something was submitted whose answer is not.
    pub fn is_tried(&self) -> bool {
        self.tried
    }

    /// Whether others may have submitted something before, and no look has told yet.
    pub(super) fn may_be_earlier(&self) -> bool {
        self.earlier
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
        let others = (self.earlier && !self.sole).then_some(asked);
        let lost = self.lost_one().and(self.hidden_since);
        others.into_iter().chain(lost).min()
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
