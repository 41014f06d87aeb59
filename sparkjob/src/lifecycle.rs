//! What to do next, and what was learnt: pure, without clock or randomness.
//!
//! [`State::begin`] starts a [`Plan`]; [`next`] tells the one [`Action`] that a state asks for; [`learn`] is the state after
//! the action was [`Seen`]. Everything that the next step needs is in the [`State`], so a driver may stop after any step, keep
//! the state, and go on elsewhere.
//!
//! ```text
//! Run      FindOwn ─ Start ─ Settle ─ Follow ─ Explain ─ Done
//! Replace  Recall ─ FindOwn ─ Adopt ─ FindOld ─ Stop | Finish ─ Start ─ Settle ─ Follow ─ Explain ─ Done   (StartThenStop: FindOld last)
//! Restore  Recall ─ FindOld ─ Stop | Review ─ Newest ─ Start ─ Settle ─ Follow ─ Explain ─ Done
//! Keep     Tag ─ Look ─ Explain ─ Done
//! Stop     Search ─ Stop ─ Done
//! ```
//!
//! What takes an update back passes over the looks that are not to be had in time. An engine that
//! honours tokens is not looked at before a first submission, and Settle is for one that takes twins.

mod failure;
mod learn;
mod next;
mod pace;
mod plan;
mod state;
#[cfg(test)]
mod tests;
mod unseen;

pub use learn::{learn, leave, withdraw};
pub use next::{Action, Seen, horizon, next, place};
pub use plan::{A_TRY_BEFORE, Deadlines, Former, Goal, Plan, Retag, StaysAs, Target, Wanted};
pub use state::{Failing, Own, Purpose, Stage, State, Stopping, Superseded};
pub use unseen::Unseen;
