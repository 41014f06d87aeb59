//! Models of what a job runs on, for tests: in memory, in [tokio's time](tokio::time::Instant), behind
//! [`Transport`](crate::http::Transport).
//!
//! With `#[tokio::test(start_paused = true)]` hours go by at once, and always alike. Models panic on misuse, as tests do.
//!
//! Every model stands behind a [`Faulty`] of its own; where a test has several, or counts what goes to all of them, one more
//! `Faulty` goes around the transport that shares requests out among them.

mod aws;
mod busy;
mod emr;
mod fault;
mod livy;
mod record;
mod script;
mod secrets;
mod served;
mod written;

pub use aws::{ACCOUNT, REGION, engines};
pub use emr::{EmrCluster, EmrRun, FakeEmr, OPENED, Operation, Service};
pub use fault::{Death, Fault, Faulty, Instead, Sent};
pub use livy::{FakeLivy, Made, Version};
pub use record::{note, start as start_recording};
pub use script::{End, Script};
pub use secrets::FakeSecrets;
pub use served::Served;
pub use written::Written;

#[cfg(test)]
mod tests;
