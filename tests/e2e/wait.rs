//! Waiting for something to happen, on a machine that may be busy.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Twice as long as anything here ever took.
const PATIENCE: Duration = Duration::from_mins(4);

/// What `look` finds, once it finds something.
pub async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "waited {} s in vain until {what}", PATIENCE.as_secs());
        sleep(Duration::from_millis(100)).await;
    }
}
