//! How often an account may call: a bucket of calls for each operation, which fills up again.
//!
//! Published for [EMR](https://docs.aws.amazon.com/general/latest/gr/emr.html) and
//! [EMR Serverless](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/endpoints-quotas.html); for EMR on EKS the
//! smaller of the two is as good a guess as any.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::Service;

/// The buckets that calls were taken from, by operation.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    left: BTreeMap<(Service, String), (f64, Instant)>,
    /// How many calls were made, and how many of them were one too many.
    pub calls: usize,
    pub refused: usize,
}

impl Buckets {
    /// Takes a call from its bucket; false where that is empty.
    pub fn take(&mut self, service: Service, operation: &str) -> bool {
        let (burst, refill) = rate(service, operation);
        let now = Instant::now();
        let (left, at) = self.left.entry((service, operation.to_owned())).or_insert((burst, now));
        *left = (*left + refill * now.duration_since(*at).as_secs_f64()).min(burst);
        *at = now;
        self.calls += 1;
        if *left < 1.0 {
            self.refused += 1;
            return false;
        }
        *left -= 1.0;
        true
    }
}

/// How many calls at once, and how many more a second.
fn rate(service: Service, operation: &str) -> (f64, f64) {
    match (service, operation) {
        (Service::Emr, _) => (10.0, 0.5),
        (Service::Serverless, "GetJobRun") | (Service::Containers, "DescribeJobRun") => (50.0, 10.0),
        (Service::Serverless | Service::Containers, _) => (25.0, 1.0),
    }
}
