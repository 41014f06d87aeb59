//! JSON to [`Job`] and [`Management`]: reports every fault at once, each with its path.

mod management;

pub use management::{Management, OnDeleteError, OnTimeout, RunOn, UpdateStrategy, WaitFor};
