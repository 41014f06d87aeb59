//! What becomes of a request that nobody waits for any more.

use super::twins::{has_twins, with_own};
use super::{At, failure};
use crate::job::{RunRef, Timestamp};
use crate::lifecycle::plan::Plan;
use crate::lifecycle::state::{Purpose, Stage, State, Superseded};

/// The state of a request whose requester has gone on, at `now`: what it has submitted is cancelled, and what another try has under
/// the same name where both stand beside each other; nothing else is touched, and its outcome is a failure of the kind [`Withdrawn`](crate::outcome::FailureKind::Withdrawn), to be told to
/// nobody. `kept` is the job that the requester has gone on with: another delivery has answered with it, whoever submitted it.
pub fn withdraw(plan: &Plan, mut state: State, kept: Option<RunRef>, now: Timestamp) -> State {
    let at = At { plan, now };
    (state.superseded, state.given_up) = (Some(Superseded::WentOn(kept)), true);
    match &state.stage {
        Stage::Done(_) => state,
        // Which of them stay is another question now.
        Stage::Stop { runs, purpose: Purpose::Twin | Purpose::Abandon(_) }
            if has_twins(runs, &state) && runs.iter().any(|twin| state.keeps(&twin.run)) =>
        {
            state.at(Stage::FindOwn, now)
        }
        Stage::Stop { runs, purpose: Purpose::Abandon(_) } if has_twins(runs, &state) => {
            let (runs, purpose) = (runs.clone(), Purpose::Abandon(failure::of_withdrawal()));
            State { stage: Stage::Stop { runs, purpose }, ..state }
        }
        Stage::Stop { runs, purpose: Purpose::Twin } => {
            let runs = with_own(runs, &state);
            State { stage: Stage::Stop { runs, purpose: Purpose::Twin }, ..state }
        }
        // Something may have been submitted, beside what is known where twins are taken: it is looked for, then cancelled.
        _ if state.own.is_none() && state.unseen.may_be_one() || at.may_still_arrive(&state) => {
            state.at(Stage::FindOwn, now)
        }
        _ => at.fail(state, failure::of_withdrawal()),
    }
}

/// The state of a request that another try has taken the place of, at `now`. What it has submitted that one finds, by the token
/// that both have, so it is left alone; but where both may have submitted, what was made last is stopped, and whoever asked is asked
/// until the engine shows what this one has: they may go on before the other try has seen it. Its outcome is as that of a request that was [withdrawn](withdraw).
pub fn leave(plan: &Plan, mut state: State, now: Timestamp) -> State {
    let at = At { plan, now };
    (state.superseded, state.given_up) = (Some(Superseded::AskedAgain), true);
    let has_submitted = state.unseen.has_submitted() || state.own.as_ref().is_some_and(|own| own.ours);
    if at.takes_twins() && has_submitted { state.confirmed(now).at(Stage::FindOwn, now) } else { state.done(None, now) }
}
