//! In front of a neighbour: passes requests on as they are, since what AWS is asked is signed, host and all, and kills who sends
//! some of them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sparkjob::http::{Net, Transport};

use crate::process::kill_lambda_behind;
use crate::server::{Peer, serve};

/// Longer than any neighbour ever takes.
const LIMIT: Duration = Duration::from_mins(1);

/// Who dies. Clones count together.
#[derive(Clone, Debug)]
pub struct Deadly {
    first: u32,
    last: u32,
    when: When,
    passed: Arc<AtomicU32>,
    killed: Arc<AtomicU32>,
    /// The requests of which somebody was to die, as their method and path.
    struck: Arc<Mutex<Vec<String>>>,
}

/// When a sender dies of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nobody hears of it.
    Before,
    /// It has taken effect, and the sender does not hear of that.
    After,
}

impl Deadly {
    /// Whoever sends the first requests, so many of them.
    pub fn at_first(times: u32, when: When) -> Self {
        Self::between(1, times, when)
    }

    /// Whoever sends the `k`-th request, counted from 1.
    pub fn at(k: u32, when: When) -> Self {
        Self::between(k, k, when)
    }

    /// Nobody.
    pub fn never() -> Self {
        Self::at_first(0, When::Before)
    }

    fn between(first: u32, last: u32, when: When) -> Self {
        Self { first, last, when, passed: Arc::default(), killed: Arc::default(), struck: Arc::default() }
    }

    /// Whether all have died who were to.
    pub fn has_killed(&self) -> bool {
        self.killed.load(Ordering::Relaxed) == self.last + 1 - self.first
    }

    /// Of which requests they have died: `POST /batches`.
    pub fn requests(&self) -> Vec<String> {
        self.struck.lock().expect("nobody panics while holding it").clone()
    }

    fn kill(&self, peer: Peer) {
        self.killed.fetch_add(kill_lambda_behind(peer), Ordering::Relaxed);
    }

    /// When the sender of one more request, which is `told` so, dies of it; none where it does not.
    fn pass(&self, told: String) -> Option<When> {
        let count = self.passed.fetch_add(1, Ordering::Relaxed) + 1;
        if !(self.first..=self.last).contains(&count) {
            return None;
        }
        self.struck.lock().expect("nobody panics while holding it").push(told);
        Some(self.when)
    }

    /// Stands in front of the neighbour at `url`; returns where.
    pub async fn before(&self, url: &str, net: &Arc<Net>) -> String {
        let (deadly, url, net) = (self.clone(), url.to_owned(), Arc::clone(net));
        let port = serve(move |mut request| {
            let (deadly, url, net) = (deadly.clone(), url.clone(), Arc::clone(&net));
            async move {
                let path = request.uri().path_and_query()?.as_str().to_owned();
                let told = format!("{} {path}", request.method());
                let (when, peer) = (deadly.pass(told), request.extensions().get::<Peer>().copied()?);
                if when == Some(When::Before) {
                    deadly.kill(peer);
                    return None;
                }
                *request.uri_mut() = format!("{url}{path}").parse().ok()?;
                let response = net.send(request, LIMIT).await.ok();
                if when == Some(When::After) {
                    deadly.kill(peer);
                    return None;
                }
                response
            }
        });
        format!("http://127.0.0.1:{}", port.await)
    }
}
