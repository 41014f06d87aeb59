//! Models of what a job runs on, for tests: in memory, in [tokio's time](tokio::time::Instant), behind
//! [`Transport`](crate::http::Transport).
//!
//! With `#[tokio::test(start_paused = true)]` hours go by at once, and always alike. Models panic on misuse, as tests do.

mod fault;
mod livy;

pub use fault::{Fault, Faulty, Instead, Sent};
pub use livy::{End, FakeLivy, Made, Script, Version};
