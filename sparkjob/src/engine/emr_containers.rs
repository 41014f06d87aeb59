//! EMR on EKS.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Engine, How, Lookup, Report, Trouble};
use crate::http::sdk::Aws;
use crate::job::{Identity, Job, Run, RunRef, Status, Tags, Timestamp};

/// A virtual cluster.
#[derive(Debug)]
pub struct EmrContainers {
    cluster: String,
    aws: Arc<Aws>,
}

impl EmrContainers {
    pub fn new(cluster: String, aws: Arc<Aws>) -> Self {
        Self { cluster, aws }
    }
}

#[async_trait]
impl Engine for EmrContainers {
    async fn start(&self, _job: &Job, _identity: &Identity) -> Result<RunRef, Trouble> {
        todo!("{} {:?}", self.cluster, self.aws)
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
