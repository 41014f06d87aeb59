//! What becomes of a request whose time runs out.

use super::{At, failure};
use crate::engine::{Kind, Trouble};
use crate::job::Phase;
use crate::lifecycle::next::horizon;
use crate::lifecycle::state::{Purpose, Stage, State};
use crate::properties::OnTimeout;

impl At<'_> {
    /// The present stage has had its time; at `answer_by`, so has the request.
    pub(super) fn late(self, state: State) -> State {
        if self.now < horizon(self.plan, &state) {
            let failure = failure::of_state();
            return state.done(Some(failure), self.now);
        }
        if self.now >= self.plan.deadlines.answer_by { self.last_word(state) } else { self.give_up(state) }
    }

    /// There is time left to put things right, not to reach the goal.
    fn give_up(self, mut state: State) -> State {
        let failure = failure::of_time(self.plan, &state);
        match &state.stage {
            // A submission that nobody saw succeed: it may yet be found, and is then cancelled.
            Stage::FindOwn | Stage::Start if state.tried || state.refused.is_some() => {
                state.given_up = true;
                state.at(Stage::FindOwn, self.now)
            }
            Stage::Follow if self.may_go_on(&state) => {
                state.notes.push(failure::accepted(self.plan));
                self.succeed_late(state)
            }
            Stage::Look => state.done(None, self.now),
            _ => {
                state.given_up = true;
                self.fail(state, failure)
            }
        }
    }

    /// Whether `OnTimeout` lets a job go on that has not met `WaitFor`.
    fn may_go_on(self, state: &State) -> bool {
        let phase = state.own.as_ref().and_then(|own| own.status.as_ref()).map(|status| status.phase);
        self.plan.management.on_timeout == OnTimeout::Accept && matches!(phase, Some(Phase::Waiting | Phase::Running))
    }

    /// Success at the deadline. No time is left to look for what was left behind; a note says so where it matters.
    fn succeed_late(self, mut state: State) -> State {
        if self.plan.old().is_some() && self.starts_before_it_stops() {
            state.notes.push("Jobs that a lost request left behind were not looked for.".to_owned());
        }
        state.given_up = true;
        state.at(Stage::Explain(None), self.now)
    }

    /// The answer is due: whatever is known is told.
    fn last_word(self, mut state: State) -> State {
        match state.stage.clone() {
            Stage::Explain(failure) => state.done(failure, self.now),
            Stage::Stop { purpose: Purpose::Abandon(failure), .. } => {
                state.notes.push("The job was asked to stop and was not over when this answer was due.".to_owned());
                state.done(Some(failure), self.now)
            }
            Stage::Stop { purpose: Purpose::Goal, .. } | Stage::Search { .. } if state.weather_since.is_some() => {
                let said = state.weather.clone().unwrap_or_default();
                let doing = "stop the job in time".to_owned();
                self.cannot_stop(state, Purpose::Goal, &Trouble { kind: Kind::Unavailable, doing, said })
            }
            Stage::Search { .. } => state.done(None, self.now),
            _ => {
                let failure = state.refused.clone().unwrap_or_else(|| failure::of_time(self.plan, &state));
                state.done(Some(failure), self.now)
            }
        }
    }
}
