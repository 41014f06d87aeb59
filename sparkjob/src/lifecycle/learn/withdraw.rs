//! What becomes of a request that nobody waits for any more.

use super::{At, failure};
use crate::job::{RunRef, Timestamp};
use crate::lifecycle::plan::Plan;
use crate::lifecycle::state::{Stage, State};

/// The state of a request whose requester has gone on, at `now`: what it alone has submitted is cancelled, nothing else is
/// touched, and its outcome is a failure of the kind [`Withdrawn`](crate::outcome::FailureKind::Withdrawn), to be told to
/// nobody. `kept` is the job that the requester has gone on with: another delivery has answered with it, whoever submitted it.
pub fn withdraw(plan: &Plan, mut state: State, kept: Option<RunRef>, now: Timestamp) -> State {
    let at = At { plan, now };
    (state.withdrawn, state.given_up, state.kept) = (true, true, kept);
    match &state.stage {
        Stage::Done(_) => state,
        // Something may have been submitted: it is looked for, then cancelled.
        _ if state.own.is_none() && (state.tried || state.unseen) => state.at(Stage::FindOwn, now),
        _ => at.fail(state, failure::of_withdrawal()),
    }
}

/// The state of a request that another try has taken the place of, at `now`: it touches nothing, and its outcome is as that of
/// one that was [withdrawn](withdraw). What it has submitted is found by the token that both have.
pub fn leave(mut state: State, now: Timestamp) -> State {
    state.withdrawn = true;
    state.done(None, now)
}
