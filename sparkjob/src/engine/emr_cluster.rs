//! One of EMR's clusters on EC2: how it is called, what it says of itself, and what its refusals mean.

use std::sync::{Arc, OnceLock};

use aws_sdk_emr::Client;
use aws_sdk_emr::types::ClusterState;

use super::answer::Asked;
use super::aws::{self, AwsError};
use super::console::{Console, partition_of};
use super::text::line;
use super::{Kind, Links, Trouble};
use crate::http::sdk::Aws;

/// A cluster, and the way to what AWS says of it.
#[derive(Debug)]
pub struct EmrCluster {
    pub id: String,
    aws: Arc<Aws>,
    client: OnceLock<Client>,
}

/// What `DescribeCluster` tells of a cluster; a text that it does not give is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    pub state: String,
    /// Why it changed to this state.
    pub reason: String,
    /// The name of its primary node; empty as long as there is none.
    pub primary: String,
    /// The folder for the logs of all that runs there.
    pub log_uri: String,
    /// Its release: `emr-7.5.0`.
    pub release: String,
}

/// The longest texts that are kept of what EMR tells, in characters: a place in S3 may be as long as the first, while a state
/// and its reason become part of what people read.
const MAX_TEXT: usize = 1100;
const MAX_STATE: usize = 64;
const MAX_REASON: usize = 600;

/// What to do where a cluster takes no jobs.
pub const NAME_ANOTHER: &str = "Give the id of a cluster that runs: aws emr list-clusters --active shows them.";

impl EmrCluster {
    pub fn new(id: String, aws: Arc<Aws>) -> Self {
        Self { id, aws, client: OnceLock::new() }
    }

    /// The SDK's client, made when it is first needed.
    pub fn client(&self) -> &Client {
        self.client.get_or_init(|| Client::new(self.aws.config()))
    }

    pub async fn describe(&self) -> Result<Cluster, AwsError> {
        let answer = self.client().describe_cluster().cluster_id(&self.id).send().await;
        let answer = answer.map_err(|error| aws::error(Asked::Look, &error))?;
        let cluster = answer.cluster().ok_or_else(|| AwsError::unavailable("EMR answered without a cluster"))?;
        let at_most = |most, text: Option<&str>| line(text.unwrap_or_default(), most);
        let text = |text| at_most(MAX_TEXT, text);
        let status = cluster.status();
        let reason = status.and_then(|status| status.state_change_reason());
        Ok(Cluster {
            state: at_most(MAX_STATE, status.and_then(|status| status.state()).map(ClusterState::as_str)),
            reason: at_most(MAX_REASON, reason.and_then(|reason| reason.message())),
            primary: text(cluster.master_public_dns_name()),
            // Clusters of old show the scheme that Hadoop once had for S3.
            log_uri: text(cluster.log_uri()).replacen("s3n://", "s3://", 1),
            release: text(cluster.release_label()),
        })
    }

    /// A call that failed, told for people. `action` is the operation's name.
    pub fn trouble(&self, error: AwsError, doing: impl Into<String>, action: &str) -> Trouble {
        let region = self.region();
        let arn = format!("arn:{}:elasticmapreduce:{region}:*:cluster/{}", partition_of(region), self.id);
        let refusal = refusal(&error);
        let trouble = error.while_doing(doing, &format!("elasticmapreduce:{action}"), &arn);
        let advice = match refusal {
            Some(Refusal::Full) => return Trouble { kind: Kind::Busy, ..trouble },
            Some(Refusal::UnknownCluster) => format!(
                "Cluster {} does not exist in this account and region, or ended more than two months ago. {NAME_ANOTHER}",
                self.id
            ),
            Some(Refusal::Over) => NAME_ANOTHER.to_owned(),
            Some(Refusal::RuntimeRole) => {
                "A runtime role (ExecutionRoleArn) goes with a cluster whose security configuration has \
                 EnableApplicationScopedIAMRole, from EMR 6.7 on, and with no other: \
                 https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-steps-runtime-roles.html."
                    .to_owned()
            }
            Some(Refusal::UnknownStep) | None => return trouble,
        };
        Trouble { advice, ..trouble }
    }

    /// Links to the cluster's page and to this folder of its logs.
    pub fn links(&self, log_uri: String) -> Links {
        let console = Console::of_region(self.region());
        let driver_log = console.s3_folder(&log_uri);
        Links { log_uri, driver_log, console: console.cluster(&self.id), ..Links::default() }
    }

    fn region(&self) -> &str {
        self.aws.config().region().map_or("", |region| region.as_ref())
    }
}

impl Cluster {
    /// Whether it is about to end: nothing is to start there any more, but what runs may still do so.
    pub fn is_ending(&self) -> bool {
        self.state == "TERMINATING"
    }

    /// Whether it has ended, with all that ran there.
    pub fn is_over(&self) -> bool {
        self.state.starts_with("TERMINATED")
    }

    /// `TERMINATED: User request`.
    pub fn told(&self) -> String {
        if self.reason.is_empty() { self.state.clone() } else { format!("{}: {}", self.state, self.reason) }
    }

    /// The folder of the cluster within its logs, with a slash at the end; none where it keeps no logs.
    pub fn log_folder(&self, id: &str) -> Option<String> {
        log_folder(&self.log_uri, id)
    }
}

/// The folder of the cluster `id` below `log_uri`, with a slash at the end; none where there is no such place.
pub fn log_folder(log_uri: &str, id: &str) -> Option<String> {
    let root = log_uri.trim_end_matches('/');
    (!root.is_empty()).then(|| format!("{root}/{id}/"))
}

/// What EMR refuses for good, as far as its words tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It knows no such cluster.
    UnknownCluster,
    /// The cluster has ended, or is about to.
    Over,
    /// It knows no such step.
    UnknownStep,
    /// The cluster has as many active steps as it may have.
    Full,
    /// The cluster takes no runtime role, or needs one.
    RuntimeRole,
}

/// Which refusal this is.
///
/// EMR has two codes for all of them, `ValidationException` and `InvalidRequestException`, so only its words tell. They are
/// published nowhere; they are quoted where people met them: [an unknown cluster], [and for `AddJobFlowSteps`], [one that is
/// over], [an unknown step and too many steps], [runtime roles].
///
/// [an unknown cluster]: https://github.com/aws/aws-cli/issues/3099
/// [and for `AddJobFlowSteps`]: https://github.com/raster-foundry/raster-foundry/issues/352
/// [one that is over]: https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/emr/managed_scaling_policy.go
/// [an unknown step and too many steps]: https://github.com/Yelp/mrjob/blob/master/tests/mock_boto3/emr.py
/// [runtime roles]: https://github.com/awslabs/amazon-emr-cli/pull/21
pub fn refusal(error: &AwsError) -> Option<Refusal> {
    if error.failed.kind != Kind::Rejected {
        return None;
    }
    let unknown = error.says(&["not valid", "does not exist"]);
    match () {
        () if unknown && error.says(&["step id", "stepid"]) => Some(Refusal::UnknownStep),
        () if unknown && error.says(&["cluster id", "clusterid", "job flow id", "jobflowid"]) => {
            Some(Refusal::UnknownCluster)
        }
        () if error.says(&["shutting down, terminated, or finished"]) => Some(Refusal::Over),
        () if error.says(&["maximum number of active steps", "maximum number of steps"]) => Some(Refusal::Full),
        () if error.says(&["runtime role"]) => Some(Refusal::RuntimeRole),
        () => None,
    }
}

/// Whether what was asked about went with its cluster.
pub fn is_gone(error: &AwsError) -> bool {
    matches!(refusal(error), Some(Refusal::UnknownCluster | Refusal::Over))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::answer::Failed;

    #[test]
    fn a_refusal_is_told_by_its_words() {
        let refused = |said: &str| {
            let failed = Failed::new(Kind::Rejected, said);
            refusal(&AwsError { failed, code: "ValidationException".to_owned() })
        };
        for (said, expected) in [
            ("InvalidRequestException: Cluster id 'j-1' is not valid.", Some(Refusal::UnknownCluster)),
            ("ValidationException: Specified job flow ID does not exist.", Some(Refusal::UnknownCluster)),
            ("ValidationException: Specified job flow ID not valid", Some(Refusal::UnknownCluster)),
            ("ValidationException: jobFlowId 'j-1' is not valid.", Some(Refusal::UnknownCluster)),
            ("ValidationException: clusterId 'j-1' is not valid.", Some(Refusal::UnknownCluster)),
            ("InvalidRequestException: Step id 's-1' is not valid.", Some(Refusal::UnknownStep)),
            (
                "ValidationException: A job flow that is shutting down, terminated, or finished may not be modified.",
                Some(Refusal::Over),
            ),
            (
                "ValidationException: Maximum number of active steps(State = 'Running', 'Pending' or 'Cancel_Pending') for \
                 cluster exceeded.",
                Some(Refusal::Full),
            ),
            ("ValidationException: Runtime roles are not supported on this cluster.", Some(Refusal::RuntimeRole)),
            ("ValidationException: Jar is not valid", None),
        ] {
            assert_eq!(refused(said), expected, "{said}");
        }
        // The same words on the way of weather are no refusal.
        assert_eq!(refusal(&AwsError::unavailable("Cluster id 'j-1' is not valid.")), None);
    }

    #[test]
    fn a_folder_for_logs_has_one_slash_between_its_parts() {
        let folder = |log_uri: &str| Cluster { log_uri: log_uri.to_owned(), ..Cluster::default() }.log_folder("j-1");
        assert_eq!(folder("s3://logs/emr/").as_deref(), Some("s3://logs/emr/j-1/"));
        assert_eq!(folder("s3://logs").as_deref(), Some("s3://logs/j-1/"));
        assert_eq!(folder(""), None);
    }
}
