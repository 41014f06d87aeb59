//! What time it is for the services.

use std::time::Duration;

use tokio::time::Instant;

use crate::job::Timestamp;

/// What every model's clock shows when it is made; tests that compare times set theirs to the same.
pub const OPENED: Timestamp = Timestamp(1_795_244_400_000);

/// A wall clock that goes with tokio's time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub opened: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self { opened: Instant::now() }
    }
}

impl Clock {
    /// What it showed, or will show, at `moment`.
    pub fn shows(&self, moment: Instant) -> Timestamp {
        OPENED + moment.saturating_duration_since(self.opened)
    }

    /// The same in seconds.
    pub fn seconds(&self, moment: Instant) -> f64 {
        Duration::from_millis(self.shows(moment).0).as_secs_f64()
    }
}
