//! How a model is served: behind a lock, a little slower than at once, and with a [`Faulty`] around it.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokio::time::{sleep, timeout};

use super::fault::Faulty;
use crate::http::{Lost, Transport};

/// How long any answer takes, so that time goes by for those who ask without a pause.
const LATENCY: Duration = Duration::from_millis(5);

/// What a model knows, and how it answers.
pub trait Answers: Send + 'static {
    /// Does what `request` asks for. The answer may take longer than most.
    fn answer(&mut self, request: &Request<Bytes>) -> (Response<Bytes>, Duration);
}

/// A model that is served. Clones share it. The way to it is a [`Faulty`], whose methods it has too.
pub struct Served<W> {
    way: Faulty<Model<W>>,
}

impl<W: Answers> Served<W> {
    pub(super) fn serving(world: W) -> Self {
        Self { way: Faulty::new(Model { world: Arc::new(Mutex::new(world)) }) }
    }
}

impl<W> Served<W> {
    pub(super) fn world(&self) -> MutexGuard<'_, W> {
        self.way.inner().world()
    }
}

/// Faults on the way to it, and the record of what was sent.
impl<W> Deref for Served<W> {
    type Target = Faulty<Model<W>>;

    fn deref(&self) -> &Faulty<Model<W>> {
        &self.way
    }
}

#[async_trait]
impl<W: Answers> Transport for Served<W> {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        self.way.send(request, limit).await
    }
}

impl<W> Clone for Served<W> {
    fn clone(&self) -> Self {
        Self { way: self.way.clone() }
    }
}

impl<W> fmt::Debug for Served<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("way", &self.way).finish()
    }
}

/// The model itself, to which nothing goes wrong on the way.
pub struct Model<W> {
    world: Arc<Mutex<W>>,
}

impl<W> Model<W> {
    fn world(&self) -> MutexGuard<'_, W> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<W: Answers> Transport for Model<W> {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        // It takes effect now, also where nobody waits for the answer.
        let (response, takes) = self.world().answer(&request);
        let answered = async {
            sleep(LATENCY + takes).await;
            response
        };
        timeout(limit, answered).await.map_err(|_| Lost::TimedOut)
    }
}

impl<W> fmt::Debug for Model<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").finish_non_exhaustive()
    }
}
