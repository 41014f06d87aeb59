//! EMR Serverless.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Engine, How, Lookup, Report, Trouble};
use crate::http::sdk::Aws;
use crate::job::{Identity, Job, Run, RunRef, Status, Tags, Timestamp};

/// An application.
#[derive(Debug)]
pub struct EmrServerless {
    application: String,
    aws: Arc<Aws>,
}

impl EmrServerless {
    pub fn new(application: String, aws: Arc<Aws>) -> Self {
        Self { application, aws }
    }
}

#[async_trait]
impl Engine for EmrServerless {
    async fn start(&self, _job: &Job, _identity: &Identity) -> Result<RunRef, Trouble> {
        todo!("{} {:?}", self.application, self.aws)
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
