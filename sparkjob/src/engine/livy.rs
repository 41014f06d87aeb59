//! Apache Livy's batches.
use super::{Engine, How, Identity, Job, Lookup, Report, Run, RunRef, Status, Transport, Trouble};
use crate::job::LivyUrl;
use async_trait::async_trait;
use std::sync::Arc;

/// A Livy server.
#[derive(Debug)]
pub struct Livy {
    #[allow(dead_code)]
    url: LivyUrl,
    #[allow(dead_code)]
    transport: Arc<dyn Transport>,
}
impl Livy {
    pub fn new(url: LivyUrl, transport: Arc<dyn Transport>) -> Self {
        Self { url, transport }
    }
}
#[async_trait]
impl Engine for Livy {
    async fn start(&self, _job: &Job, _identity: &Identity) -> Result<RunRef, Trouble> {
        todo!()
    }
    async fn find(&self, _identity: &Identity, _by: Lookup) -> Result<Vec<Run>, Trouble> {
        todo!()
    }
    async fn describe(&self, _runs: &[RunRef]) -> Result<Vec<Status>, Trouble> {
        todo!()
    }
    async fn cancel(&self, _run: &RunRef, _how: How) -> Result<(), Trouble> {
        todo!()
    }
    async fn report(&self, _run: &RunRef) -> Report {
        todo!()
    }
}
