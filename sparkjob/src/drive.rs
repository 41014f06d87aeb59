//! Carries a plan out against an engine, in this process.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::http::Transport;
use crate::job::Timestamp;
use crate::lifecycle::Plan;
use crate::outcome::Outcome;

/// Carries `plan` out until there is an outcome, which is at the latest at its `answer_by`.
pub async fn run(_plan: &Plan, _transport: Arc<dyn Transport>, _clock: &Clock) -> Outcome {
    todo!()
}

/// What time it is: a wall clock's reading once, and tokio's time since, which tests can make virtual.
#[derive(Clone, Debug)]
pub struct Clock {
    base: Timestamp,
    since: Instant,
}

impl Clock {
    /// A clock that shows `now` now.
    pub fn showing(now: Timestamp) -> Self {
        Self { base: now, since: Instant::now() }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.base + self.since.elapsed()
    }

    /// Sleeps until `moment`; returns at once where it has passed.
    pub async fn sleep_until(&self, moment: Timestamp) {
        tokio::time::sleep(moment.since(self.now()).max(Duration::ZERO)).await;
    }
}
