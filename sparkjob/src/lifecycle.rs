//! What to do next, and what was learnt: pure, without clock or randomness.

mod plan;

pub use plan::{Deadlines, Goal, Plan, Target, Wanted};
