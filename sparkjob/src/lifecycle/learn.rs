//! What a state becomes: one `match` on what it is at and what was seen.

mod late;
mod make;
mod restore;
mod stop;
mod twins;
mod withdraw;

pub use withdraw::{leave, withdraw};

use std::time::Duration;

use super::failure;
use super::next::{PATIENCE, Seen, place};
use super::pace::Pace;
use super::plan::{Goal, Plan};
use super::state::{Failing, Own, Purpose, Stage, State, Stopping, shown_by};
use crate::engine::{Kind, Report, Trouble};
use crate::job::{RunRef, Timestamp};
use crate::outcome::Failure;
use crate::properties::{OnDeleteError, UpdateStrategy};

/// A caller who was never allowed a call is believed to have no right to it after so long.
///
/// What is allowed to a role takes effect [with a delay], and the very deployment that has a job in it may make or mend the
/// submitter's. How long that takes is not published: mostly seconds, and others have met [half a minute]. A right that is
/// missing is to be told soon, so what was never allowed is not waited for as long as an engine that is away.
///
/// [with a delay]: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
/// [half a minute]: https://github.com/hashicorp/terraform/pull/7733
const ALLOWED_WITHIN: Duration = Duration::from_secs(30);

/// The state after `seen`, at `now`.
pub fn learn(plan: &Plan, state: State, now: Timestamp, seen: Seen) -> State {
    let at = At { plan, now };
    let seen = without_place(&state, seen);
    match (state.stage.clone(), seen) {
        (Stage::Done(_), _) => state,
        (_, Seen::Late) => at.late(state),
        (Stage::Recall, Seen::Described(seen)) => at.recalled(state, seen),
        (Stage::FindOwn, Seen::Found(found)) => at.found_own(state, found),
        (Stage::Review, Seen::Described(seen)) => at.reviewed(state, seen),
        (Stage::Newest, Seen::Found(found)) => at.found_newest(state, found),
        (Stage::Settle, Seen::Found(found)) => at.settled(state, found),
        (Stage::Adopt, Seen::Found(found)) => at.found_adoptable(state, found),
        (Stage::FindOld, Seen::Found(found)) => at.found_old(state, found),
        (Stage::Search { since }, Seen::Found(found)) => at.searched(state, since, found),
        (Stage::Stop { runs, purpose }, Seen::Cancelled(run, asked)) => at.asked(state, runs, purpose, (&run, asked)),
        (Stage::Stop { runs, purpose }, Seen::Described(seen)) => at.stopping(state, runs, purpose, seen),
        (Stage::Finish { shown_by }, Seen::Described(seen)) => at.finishing(state, shown_by, seen),
        (Stage::Start, Seen::Started(started)) => at.started(state, started),
        (Stage::Follow, Seen::Described(seen)) => at.followed(state, seen),
        (Stage::Tag, Seen::Tagged(tagged)) => at.tagged(state, tagged),
        (Stage::Look, Seen::Described(seen)) => at.looked(state, seen),
        (Stage::Explain(failure), Seen::Reported(report)) => at.explained(state, failure, report),
        // Not an answer to what the state asked: it asks again, later.
        (_, _) => at.looked_well(state),
    }
}

/// Where there is no such place, there is nothing to stop, and nothing came of what was submitted. But nothing is stopped to
/// make room for a job that can never run, either.
fn without_place(state: &State, seen: Seen) -> Seen {
    match seen {
        Seen::Found(Err(trouble)) if trouble.kind == Kind::Absent => {
            let proves_the_place = match state.stage {
                Stage::FindOwn => !state.unseen.has_submitted(),
                Stage::Adopt => true,
                _ => false,
            };
            Seen::Found(if proves_the_place { Err(trouble) } else { Ok(Vec::new()) })
        }
        other => other,
    }
}

/// What every transition may consult: the plan and the moment.
#[derive(Clone, Copy)]
struct At<'a> {
    plan: &'a Plan,
    now: Timestamp,
}

/// Whether trouble of this kind ends a stage at once. A job that was submitted fails only when its engine says so, or says
/// nothing sensible for long: a proxy before it may well refuse a look.
fn is_final(kind: Kind, stage: &Stage) -> bool {
    match kind {
        Kind::Rejected | Kind::Absent => matches!(stage, Stage::FindOwn | Stage::Adopt | Stage::Start),
        Kind::Futile => true,
        Kind::Denied | Kind::Taken | Kind::Busy | Kind::Unavailable | Kind::Unclear => false,
    }
}

/// Whether the calls of this stage are known to be allowed, as each of them has gone well before. What is denied then is most
/// likely allowed again in a moment, as when a role's policy is being replaced in the hours that a job runs.
fn was_allowed(state: &State) -> bool {
    match &state.stage {
        Stage::Follow => state.own.as_ref().is_some_and(Own::was_looked_at),
        Stage::Stop { runs, .. } => runs.iter().any(|stopping| stopping.status.is_some()),
        Stage::Finish { shown_by } => shown_by.is_none(),
        Stage::Search { since } => since.is_some(),
        // The look before the submission was the same.
        Stage::Settle => true,
        _ => false,
    }
}

/// The ways on that several stages share.
impl At<'_> {
    /// The same stage again, after a while.
    fn again(self, mut state: State, pace: Pace) -> State {
        state.not_before = self.now + pace.interval(state.polls, &self.plan.seed());
        state.polls += 1;
        state
    }

    /// The same stage again after a call that succeeded: good weather.
    fn looked_well(self, mut state: State) -> State {
        if state.failing.take().is_some() {
            state.polls = 0;
        }
        state.weather = None;
        let pace = Pace::of_looks(place(self.plan, &state));
        self.again(state, pace)
    }

    /// A call failed: the same stage again, or the trouble where waiting any longer is of no use.
    ///
    /// The error holds the state as it was, which is large, but this path is a rare one.
    #[allow(clippy::result_large_err)]
    fn weather(self, mut state: State, trouble: Trouble) -> Result<State, (State, Trouble)> {
        if trouble.kind == Kind::Busy {
            // An engine that has no room yet does answer, however long it did not.
            state.failing = None;
            return Ok(self.once_more(state, &trouble));
        }
        let last = self.believed_at(&mut state, trouble.kind);
        if is_final(trouble.kind, &state.stage) || self.now >= last {
            return Err((state, trouble));
        }
        let mut state = self.once_more(state, &trouble);
        // Once more before it is given up.
        state.not_before = state.not_before.min(last);
        Ok(state)
    }

    /// When trouble of this kind, if it is all that comes until then, is believed to last.
    fn believed_at(self, state: &mut State, kind: Kind) -> Timestamp {
        let failing = Failing::once_more(state.failing, kind == Kind::Denied, self.now);
        state.failing = Some(failing);
        let away = failing.since + self.plan.at_most(PATIENCE);
        let denied = failing.denied_since.map(|since| since + self.plan.at_most(ALLOWED_WITHIN));
        match denied {
            Some(denied) if was_allowed(state) => denied.max(away),
            Some(denied) => denied,
            None => away,
        }
    }

    /// The same call again, after a while, although it failed.
    fn once_more(self, mut state: State, trouble: &Trouble) -> State {
        state.weather = Some(trouble.to_string());
        let pace = Pace::of_repeats(place(self.plan, &state), trouble.kind);
        self.again(state, pace)
    }

    /// As [`At::weather`], where the request fails once waiting is of no use.
    fn weather_or_fail(self, state: State, trouble: Trouble) -> State {
        self.weather(state, trouble).unwrap_or_else(|(state, trouble)| self.fail_by(state, &trouble))
    }

    /// What was waited for is there.
    fn succeed(self, state: State) -> State {
        if matches!(self.plan.goal, Goal::Replace { .. }) && self.starts_before_it_stops() {
            return self.seek_old(state);
        }
        state.at(Stage::Explain(None), self.now)
    }

    /// A call of this stage failed for good, and so does the request.
    fn fail_by(self, state: State, trouble: &Trouble) -> State {
        let failure = failure::of(place(self.plan, &state), trouble);
        self.fail(state, failure)
    }

    /// The request fails. What it made is told of, then cancelled.
    fn fail(self, state: State, failure: Failure) -> State {
        if state.own.is_some() {
            state.at(Stage::Explain(Some(failure)), self.now)
        } else {
            state.done(Some(failure), self.now)
        }
    }

    fn explained(self, mut state: State, failure: Option<Failure>, report: Report) -> State {
        state.report = report;
        let Some(failure) = failure else { return state.done(None, self.now) };
        match &state.own {
            Some(own) if own.is_alive() && (own.ours || own.has_ended()) && !state.keeps(&own.run) => {
                let runs = vec![Stopping::of(own.run.clone(), own.shown_by)];
                state.at(Stage::Stop { runs, purpose: Purpose::Abandon(failure) }, self.now)
            }
            _ => state.done(Some(failure), self.now),
        }
    }

    /// Looks for what a lost request left behind, where a description tells what to look for.
    fn seek_old(self, state: State) -> State {
        match &state.left_behind {
            Some(runs) => {
                let runs = runs.clone();
                self.left_behind(state, runs)
            }
            None if self.plan.old().is_some() => state.at(Stage::FindOld, self.now),
            None => self.nothing_left_behind(state),
        }
    }

    /// Nothing of the old description is alive but the present job (and a kept one).
    fn nothing_left_behind(self, state: State) -> State {
        if self.plan.is_restoring() {
            let way_on = Stage::restoring(self.plan, state.rolled_back, self.now);
            return state.at(way_on, self.now);
        }
        let way_on = match (&state.own, self.plan.present(), self.plan.management.update_strategy) {
            (Some(_), _, UpdateStrategy::StartThenStop) => Stage::Explain(None),
            (Some(_), _, _) => Stage::Follow,
            (None, Some(present), UpdateStrategy::StopThenStart) => {
                let stopping = Stopping::of(present.clone(), shown_by(self.plan, present, self.now));
                Stage::Stop { runs: vec![stopping], purpose: Purpose::MakeRoom }
            }
            (None, Some(present), UpdateStrategy::FinishThenStart) => {
                Stage::Finish { shown_by: shown_by(self.plan, present, self.now) }
            }
            (None, _, _) => Stage::Start,
        };
        state.at(way_on, self.now)
    }

    /// The present job makes room for the new one.
    fn stop_present(self, state: State) -> State {
        let runs = Stopping::all(self.plan.present().cloned());
        state.at(Stage::Stop { runs, purpose: Purpose::MakeRoom }, self.now)
    }

    /// The job that was submitted is known.
    fn submitted(self, mut state: State, run: RunRef) -> State {
        let next = if run.place.takes_twins() { Stage::Settle } else { Stage::Follow };
        state.own = Some(Own { shown_by: shown_by(self.plan, &run, self.now), ..Own::new(run, true) });
        state.unseen.lives();
        state.unconfirmed().at(next, self.now)
    }

    /// The job that will answer is known: it is followed, beginning with the next look.
    fn follow(self, mut state: State, own: Own) -> State {
        state.own = Some(own);
        state.at(Stage::Follow, self.now)
    }

    fn starts_before_it_stops(self) -> bool {
        self.plan.management.update_strategy == UpdateStrategy::StartThenStop
    }

    fn ignores_delete_errors(self) -> bool {
        self.plan.is_restoring() || self.plan.management.on_delete_error == OnDeleteError::Ignore
    }
}
