//! Livy on the primary node of one of EMR's clusters.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Engine, How, Lookup, Report, Trouble};
use crate::http::Transport;
use crate::http::sdk::Aws;
use crate::job::{Identity, Job, Run, RunRef, Status, Tags, Timestamp};

/// The Livy of a cluster.
#[derive(Debug)]
pub struct LivyOnCluster {
    cluster: String,
    transport: Arc<dyn Transport>,
    aws: Arc<Aws>,
}

impl LivyOnCluster {
    pub fn new(cluster: String, transport: Arc<dyn Transport>, aws: Arc<Aws>) -> Self {
        Self { cluster, transport, aws }
    }
}

#[async_trait]
impl Engine for LivyOnCluster {
    async fn start(&self, _job: &Job, _identity: &Identity) -> Result<RunRef, Trouble> {
        todo!("{} {:?} {:?}", self.cluster, self.aws, self.transport)
    }

    async fn find(&self, _identity: &Identity, _by: Lookup, _since: Timestamp) -> Result<Vec<Run>, Trouble> {
        todo!()
    }

    async fn describe(&self, _runs: &[RunRef]) -> Result<Vec<Status>, Trouble> {
        todo!()
    }

    async fn cancel(&self, _run: &RunRef, _how: How) -> Result<(), Trouble> {
        todo!()
    }

    async fn tag(&self, _run: &RunRef, _wanted: &Tags, _old: &Tags) -> Result<(), Trouble> {
        todo!()
    }

    async fn report(&self, _run: &RunRef) -> Report {
        todo!()
    }
}
