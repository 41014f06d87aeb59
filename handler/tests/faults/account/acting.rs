//! Whether anything still happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts what is going on.
#[derive(Clone, Debug, Default)]
pub struct Acting(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    deeds: AtomicUsize,
    has_panicked: AtomicBool,
    news: Notify,
}

/// One thing that is going on, for as long as this is held.
#[derive(Debug)]
pub struct Deed(Acting);

impl Acting {
    /// Something begins.
    pub fn begin(&self) -> Deed {
        self.0.deeds.fetch_add(1, Ordering::SeqCst);
        Deed(self.clone())
    }

    /// Returns when nothing is going on.
    pub async fn over(&self) {
        loop {
            let news = self.0.news.notified();
            assert!(!self.0.has_panicked.load(Ordering::SeqCst), "something panicked, see above");
            if self.0.deeds.load(Ordering::SeqCst) == 0 {
                return;
            }
            news.await;
        }
    }
}

impl Drop for Deed {
    fn drop(&mut self) {
        let Self(Acting(count)) = self;
        if std::thread::panicking() {
            count.has_panicked.store(true, Ordering::SeqCst);
        }
        count.deeds.fetch_sub(1, Ordering::SeqCst);
        count.news.notify_waiters();
    }
}
