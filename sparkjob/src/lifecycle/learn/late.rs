//! What becomes of a request whose time runs out.

use super::stop::{alive, has_succeeded};
use super::twins::with_own;
use super::{At, failure};
use crate::engine::{Kind, Trouble};
use crate::job::{Phase, Run};
use crate::lifecycle::next::horizon;
use crate::lifecycle::plan::Deadlines;
use crate::lifecycle::state::{Own, Purpose, Stage, State, Stopping};
use crate::outcome::Failure;
use crate::properties::{OnTimeout, WaitFor};

/// How a note begins on what stood in the way of a job that is looked for once more.
const BEFORE: &str = "Before it was given up:";

/// What is said where the engine said nothing.
const NO_ANSWER: &str = "there was no answer in time";

impl At<'_> {
    /// The present stage has had its time; at `answer_by`, so has the request.
    pub(super) fn late(self, state: State) -> State {
        if self.now < horizon(self.plan, &state) {
            let failure = failure::of_state();
            return state.done(Some(failure), self.now);
        }
        let Deadlines { give_up, answer_by, .. } = self.plan.deadlines;
        if self.now >= answer_by {
            self.last_word(state)
        } else if self.now < give_up && self.may_pass_over(&state) {
            let said = state.weather.clone().unwrap_or_else(|| NO_ANSWER.to_owned());
            self.pass_over(state, &said)
        } else {
            self.give_up(state)
        }
    }

    /// There is time left to put things right, not to reach the goal.
    fn give_up(self, mut state: State) -> State {
        state.given_up = true;
        match &state.stage {
            // A submission that nobody saw succeed: it may yet be found, and is then cancelled, unless it may stay.
            // Or an earlier delivery's job, which is told.
            Stage::FindOwn | Stage::Start if state.unseen.may_be_one() => {
                if let Some(said) = state.weather.take() {
                    state.note(&format!("{BEFORE} {said}"));
                }
                state.at(Stage::FindOwn, self.now)
            }
            // As long as there is time, its twin is stopped; nothing else is left to do.
            Stage::Stop { purpose: Purpose::Twin, .. } if has_succeeded(&state) => state,
            Stage::Stop { runs, purpose: Purpose::Twin } if state.own.as_ref().is_some_and(|own| own.ours) => {
                let (runs, failure) = (with_own(runs, &state), failure::of_giving_up(self.plan, &state));
                state.at(Stage::Stop { runs, purpose: Purpose::Abandon(failure) }, self.now)
            }
            _ if let Some(end) = self.good_end(&state) => end(self, state),
            _ if self.cannot_stop_what_was_left(&state) => self.cannot_stop_in_time(state, Purpose::LeftBehind),
            _ => {
                let failure = self.failure_of_late(&state);
                self.fail(state, failure)
            }
        }
    }

    /// How a request ends whose answer is known although the time of this stage is over; none where it fails.
    fn good_end(self, state: &State) -> Option<fn(Self, State) -> State> {
        match &state.stage {
            // It had come so far when it was seen last, or may go on.
            Stage::Follow if self.may_stay(state) => Some(Self::stay_as_seen),
            Stage::Follow if self.leaves_something(state) => Some(Self::stop_what_it_left),
            Stage::Stop { purpose: Purpose::Useless, .. } if self.is_left_of_one_that_stays(state) => {
                Some(Self::leave_what_it_left)
            }
            Stage::Look => Some(|at, state| state.done(None, at.now)),
            _ if self.ends_without_a_look(state) => Some(Self::end_without_a_look),
            Stage::Settle if self.is_at_goal(state) => Some(Self::settle_without_a_look),
            _ => None,
        }
    }

    /// Whether what is being stopped is what a job has left that has ended, and stays as it is.
    fn is_left_of_one_that_stays(self, state: &State) -> bool {
        self.plan.is_restoring() && state.own.is_some()
    }

    /// Stops what its job has left, which has ended.
    fn stop_what_it_left(self, state: State) -> State {
        let own = state.own.as_ref().map(|own| own.run.clone());
        self.stop_all(state, own, Purpose::Useless)
    }

    /// What a job that has ended has left could not be stopped in time.
    fn leave_what_it_left(self, mut state: State) -> State {
        state.passed_over += 1;
        state.note("What is left of it could not be stopped in time.");
        self.ended_stays(state)
    }

    /// Whether the new job has come to what was waited for, and the engine of what was left behind could not be asked.
    fn cannot_stop_what_was_left(self, state: &State) -> bool {
        let is_unasked = match &state.stage {
            Stage::FindOld => true,
            Stage::Stop { purpose: Purpose::LeftBehind, runs } => could_not_be_asked(state, runs),
            _ => false,
        };
        is_unasked && state.own.is_some() && self.starts_before_it_stops() && !self.plan.is_restoring()
    }

    /// Goes on without the look for which there is no time.
    fn end_without_a_look(self, mut state: State) -> State {
        state.given_up = true;
        let said = state.weather.clone().unwrap_or_else(|| "there was no time for it".to_owned());
        self.pass_over(state, &said)
    }

    /// A job that was submitted, which is all that is waited for, is not failed by a look at whether it has a twin.
    fn settle_without_a_look(self, state: State) -> State {
        let said = match state.last_said() {
            Some(said) => said.to_owned(),
            None if state.polls > 0 => "the engine has not listed the job yet".to_owned(),
            None => NO_ANSWER.to_owned(),
        };
        self.pass_over_twins(state, &said)
    }

    /// Whether `OnTimeout` lets a job go on that has not met `WaitFor`.
    fn may_go_on(self, state: &State) -> bool {
        let phase = state.own.as_ref().and_then(|own| own.status.as_ref()).map(|status| status.phase);
        self.plan.management.on_timeout == OnTimeout::Accept && matches!(phase, Some(Phase::Waiting | Phase::Running))
    }

    /// The time to reach the goal is over: what this delivery submitted is cancelled, unless it may stay; what is another's is told.
    pub(super) fn found_too_late(self, mut state: State, found: Option<Run>, runs: Vec<Run>) -> State {
        match found {
            Some(Run { run, status }) => {
                let is_refused = state.refused.is_some() && !state.unseen.has_lost_one();
                let ours = state.unseen.has_submitted() && (!is_refused || status.silent);
                if !is_refused {
                    state.refused = None;
                }
                self.came_too_late(state, Own::found(Run { run, status }, ours), runs)
            }
            None if self.may_appear(&state) => self.looked_well(state),
            None => {
                let failure = state.refused.clone().unwrap_or_else(|| failure::of_giving_up(self.plan, &state));
                state.unseen.clear();
                self.fail(state, failure)
            }
        }
    }

    /// What becomes of a job, among all `runs` of its name, that was found when the time to reach the goal was over.
    fn came_too_late(self, mut state: State, own: Own, runs: Vec<Run>) -> State {
        let twins = runs.into_iter().filter(|run| !run.run.is_same(&own.run)).collect();
        let twins = Stopping::all(alive(twins));
        let ours = own.ours;
        state.own = Some(own.clone());
        // What it has left is stopped then, as in time.
        let is_over = self.leaves_something(&state);
        match (self.may_stay(&state), twins.is_empty()) {
            (true, true) => self.stay(state),
            (false, false) if ours && !is_over => {
                let (runs, failure) = (with_own(&twins, &state), self.failure_of_late(&state));
                state.at(Stage::Stop { runs, purpose: Purpose::Abandon(failure) }, self.now)
            }
            (_, false) => self.without_twins(state, own, twins),
            (false, true) if is_over => self.stop_what_it_left(state),
            (false, true) => {
                let failure = self.failure_of_late(&state);
                self.fail(state, failure)
            }
        }
    }

    /// Why its job is no success now that the time to reach the goal is over: it is none itself, or nobody knows whether it will be.
    fn failure_of_late(self, state: &State) -> Failure {
        if let Some(refusal) = &state.refused {
            return refusal.clone();
        }
        let is_followed = is_awaited(state) && matches!(state.stage, Stage::FindOwn | Stage::Follow);
        let own = state.own.as_ref().filter(|_| is_followed);
        match own.and_then(|own| own.how_it_ended().map(|status| (&own.run, status))) {
            Some((run, status)) => self.failure_of_job(run, status),
            None => failure::of_giving_up(self.plan, state),
        }
    }

    /// Whether its job is an answer now that the time to reach the goal is over.
    fn may_stay(self, state: &State) -> bool {
        self.is_at_goal(state) || is_awaited(state) && self.may_go_on(state)
    }

    /// Answers with it.
    fn stay(self, mut state: State) -> State {
        if !self.is_at_goal(&state) {
            state.note(&failure::accepted(self.plan));
        }
        self.succeed(state)
    }

    /// The same where it was followed, and perhaps cannot be looked at, or never could be.
    fn stay_as_seen(self, state: State) -> State {
        if state.weather.is_none() && state.own.as_ref().is_some_and(Own::was_looked_at) {
            return self.stay(state);
        }
        let said = state.last_said().unwrap_or(NO_ANSWER).to_owned();
        let state = self.without_a_look(state, &said);
        self.stay(state)
    }

    /// Whether its job has failed and left something alive, where a rollback asks for no more than that it was started.
    pub(super) fn leaves_something(self, state: &State) -> bool {
        self.plan.is_restoring() && is_awaited(state) && state.own.as_ref().is_some_and(Own::has_failed)
    }

    /// Whether its job is what is waited for, as was seen last, or the engine that took it has told.
    pub(super) fn is_at_goal(self, state: &State) -> bool {
        let Some(own) = state.own.as_ref().filter(|_| is_awaited(state)) else { return false };
        let Some(status) = &own.status else { return own.ours && self.waits_for(WaitFor::Submitted) };
        // Livy shows what another one is stopping as before: what is followed is looked at until that would show, if it can be.
        let is_shown_late = state.stage == Stage::Follow && !own.ours && own.run.place.is_livy();
        let may_be_going = is_shown_late && !self.plan.is_restoring();
        match status.phase {
            Phase::Succeeded => true,
            // It was started, which is all that is asked for.
            Phase::Failed => self.plan.is_restoring(),
            Phase::Waiting | Phase::Running if may_be_going => false,
            Phase::Waiting => self.waits_for(WaitFor::Submitted) && !status.silent,
            Phase::Running => {
                self.waits_for(WaitFor::Submitted) || self.waits_for(WaitFor::Running) && self.stable_for().is_zero()
            }
            Phase::Ending | Phase::Cancelled | Phase::Gone => false,
        }
    }

    /// The answer is due: whatever is known is told.
    fn last_word(self, mut state: State) -> State {
        match state.stage.clone() {
            Stage::Explain(failure) => state.done(failure, self.now),
            // What is not over is its twin.
            Stage::Stop { purpose: Purpose::Twin | Purpose::Abandon(_), runs } if has_succeeded(&state) => {
                let why = [failure::not_stopped(&runs), failure::not_over(&runs, state.last_said())].join(" ");
                self.succeeds_beside(state, &why)
            }
            Stage::Stop { purpose: Purpose::Abandon(failure), runs } => {
                state.note(&failure::not_over(&runs, state.last_said()));
                state.done(Some(failure), self.now)
            }
            // The job that answers has come to what was waited for: only what was left behind is still at hand.
            Stage::FindOld | Stage::Stop { purpose: Purpose::LeftBehind, .. }
                if state.own.is_some() && self.starts_before_it_stops() =>
            {
                let said = state.last_said().unwrap_or("time ran out");
                state.note(&format!("A job that a lost request left behind may still run: {said}"));
                state.done(None, self.now)
            }
            // An engine that has no room is asked for as long as there is time, and has told nothing.
            Stage::Stop { purpose: Purpose::Goal, runs } if could_not_be_asked(&state, &runs) => {
                self.cannot_stop_in_time(state, Purpose::Goal)
            }
            Stage::Search { since } if since.is_none() || state.weather.is_some() => {
                self.cannot_stop_in_time(state, Purpose::Goal)
            }
            Stage::Search { .. } => state.done(None, self.now),
            _ if let Some(end) = self.good_end(&state) => end(self, state),
            _ => {
                if let (None, Some(said)) = (&state.refused, state.last_said().map(str::to_owned)) {
                    // It is told with the failure, unless that tells how the job has ended.
                    state.notes.retain(|note| !(note.starts_with(BEFORE) && note.contains(&said)));
                }
                let failure = self.failure_of_late(&state);
                state.done(Some(failure), self.now)
            }
        }
    }

    /// What is to be stopped could not be, or not even looked for.
    fn cannot_stop_in_time(self, state: State, purpose: Purpose) -> State {
        let said = state.weather.clone().unwrap_or_else(|| "there was no time to look".to_owned());
        let doing = match &purpose {
            Purpose::LeftBehind => "look for what was left behind, or stop it, in time",
            _ => "stop the job in time",
        };
        let trouble = Trouble::new(Kind::Unavailable, doing, said);
        self.cannot_stop(state, purpose, &trouble)
    }
}

/// Whether somebody waits for a job, which was not refused.
fn is_awaited(state: &State) -> bool {
    state.refused.is_none() && state.superseded.is_none()
}

/// Whether the engine has not told how these runs are that were to be stopped, or did not take that, rather than that they live on.
fn could_not_be_asked(state: &State, runs: &[Stopping]) -> bool {
    let is_untold = |run: &Stopping| run.asked.is_none() || run.status.is_none();
    state.failing.is_some() || state.weather.is_some() && runs.iter().any(is_untold)
}
