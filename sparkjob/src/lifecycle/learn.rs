//! What a state becomes: one `match` on what it is at and what was seen.

mod late;
mod make;
mod restore;
mod stop;
mod withdraw;

pub use withdraw::withdraw;

use std::time::Duration;

use super::failure;
use super::next::Seen;
use super::next::place;
use super::pace::Pace;
use super::plan::{Goal, Plan};
use super::state::{Own, Purpose, Stage, State, Stopping};
use crate::engine::{Kind, Report, Trouble};
use crate::job::{RunRef, Timestamp};
use crate::outcome::Failure;
use crate::properties::{OnDeleteError, UpdateStrategy};

/// An engine that cannot be reached for so long is given up, or for this part of the whole time where that is less; until
/// then failed calls are weather.
const PATIENCE: Duration = Duration::from_mins(5);
const PATIENCE_PART: u32 = 3;

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
        (Stage::Newest { stopped }, Seen::Found(found)) => at.found_newest(state, stopped, found),
        (Stage::Settle, Seen::Found(found)) => at.settled(state, found),
        (Stage::Adopt, Seen::Found(found)) => at.found_adoptable(state, found),
        (Stage::FindOld, Seen::Found(found)) => at.found_old(state, found),
        (Stage::Search { since }, Seen::Found(found)) => at.searched(state, since, found),
        (Stage::Stop { runs, purpose }, Seen::Cancelled(asked)) => at.asked(state, runs, purpose, asked),
        (Stage::Stop { runs, purpose }, Seen::Described(seen)) => at.stopping(state, runs, purpose, seen),
        (Stage::Finish, Seen::Described(seen)) => at.finishing(state, seen),
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
                Stage::FindOwn => !state.tried,
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
/// nothing sensible for long: a proxy before it may well deny or refuse a look.
fn is_final(kind: Kind, stage: &Stage) -> bool {
    match kind {
        Kind::Rejected | Kind::Absent => matches!(stage, Stage::FindOwn | Stage::Adopt | Stage::Start),
        Kind::Denied => *stage != Stage::Follow,
        Kind::Taken | Kind::Busy | Kind::Unavailable | Kind::Unclear => false,
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
        if state.weather_since.take().is_some() {
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
        let since = *state.weather_since.get_or_insert(self.now);
        if is_final(trouble.kind, &state.stage) || self.now.since(since) >= self.patience() {
            return Err((state, trouble));
        }
        let mut state = self.once_more(state, &trouble);
        // An engine that has no room yet does answer.
        if trouble.kind == Kind::Busy {
            state.weather_since = None;
        } else {
            // Once more before it is given up.
            state.not_before = state.not_before.min(since + self.patience());
        }
        Ok(state)
    }

    /// The same call again, after a while, although it failed.
    fn once_more(self, mut state: State, trouble: &Trouble) -> State {
        state.weather = Some(trouble.to_string());
        let pace = Pace::of_repeats(place(self.plan, &state), trouble.kind);
        self.again(state, pace)
    }

    fn patience(self) -> Duration {
        PATIENCE.min(self.plan.deadlines.whole() / PATIENCE_PART)
    }

    /// As [`At::weather`], where the request fails once waiting is of no use.
    fn weather_or_fail(self, state: State, trouble: Trouble) -> State {
        self.weather(state, trouble).unwrap_or_else(|(state, trouble)| self.fail(state, failure::of(&trouble)))
    }

    /// What was waited for is there.
    fn succeed(self, state: State) -> State {
        if matches!(self.plan.goal, Goal::Replace { .. }) && self.starts_before_it_stops() {
            return self.seek_old(state);
        }
        state.at(Stage::Explain(None), self.now)
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
            Some(own) if own.ours && !own.status.as_ref().is_some_and(|status| status.phase.is_over()) => {
                let runs = Stopping::all([own.run.clone()]);
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
            let way_on = Stage::restoring(self.plan, state.rolled_back);
            return state.at(way_on, self.now);
        }
        let way_on = match (&state.own, self.plan.present(), self.plan.management.update_strategy) {
            (Some(_), _, UpdateStrategy::StartThenStop) => Stage::Explain(None),
            (Some(_), _, _) => Stage::Follow,
            (None, Some(present), UpdateStrategy::StopThenStart) => {
                Stage::Stop { runs: Stopping::all([present.clone()]), purpose: Purpose::MakeRoom }
            }
            (None, Some(_), UpdateStrategy::FinishThenStart) => Stage::Finish,
            (None, _, _) => Stage::Start,
        };
        state.at(way_on, self.now)
    }

    /// The job that was submitted is known.
    fn submitted(self, mut state: State, run: RunRef) -> State {
        let next = if run.place.takes_twins() { Stage::Settle } else { Stage::Follow };
        state.own = Some(Own { unshown_since: Some(self.now), ..Own::new(run, true) });
        // While it was submitted, whoever asked for it may have gone on.
        state.confirmed_at = Timestamp::default();
        state.at(next, self.now)
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
