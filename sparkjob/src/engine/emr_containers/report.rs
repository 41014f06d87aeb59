//! Where a person finds what a job run wrote.
//!
//! [The layout](https://aws.github.io/aws-emr-containers-best-practices/troubleshooting/docs/where-to-look-for-spark-logs) is
//! the same in S3 and in `CloudWatch` Logs: below `{virtual cluster}/jobs/{job run}/`, each container has its own.
//! The Spark UI is not told: its addresses expire.

use aws_sdk_emrcontainers::types::{JobRun, MonitoringConfiguration};

use crate::engine::console::Console;
use crate::engine::job_runs::{self, Logs};
use crate::engine::{Links, Report};
use crate::job::RunRef;

/// How to have logs, where there are none.
const NO_DESTINATION: &str = "nowhere, as no destination was configured: give ConfigurationOverrides a MonitoringConfiguration with \
     S3MonitoringConfiguration (LogUri) or CloudWatchMonitoringConfiguration (LogGroupName), and let the execution role \
     write there";

/// What there is to tell of a run; none where the service does not know it (any more).
pub fn of(run: &RunRef, cluster: &str, found: Option<&JobRun>) -> Report {
    let Some(found) = found else { return job_runs::forgotten("EMR on EKS", links(run, cluster)) };
    let monitoring = found.configuration_overrides().and_then(|overrides| overrides.monitoring_configuration());
    let below = format!("{cluster}/jobs/{}/", run.id);
    let folder = monitoring.and_then(|monitoring| folder(monitoring, &below));
    let streams = monitoring.and_then(|monitoring| streams(monitoring, &below));
    Logs::new(folder, streams).report(run, links(run, cluster), NO_DESTINATION)
}

/// The same of one that could not be looked at.
pub fn of_unseen(run: &RunRef, cluster: &str, said: &str) -> Report {
    job_runs::unread(said, links(run, cluster))
}

fn links(run: &RunRef, cluster: &str) -> Links {
    let console = run.realm.as_ref().map(|realm| Console::from(realm).virtual_cluster(cluster)).unwrap_or_default();
    Links { console, ..Links::default() }
}

fn folder(monitoring: &MonitoringConfiguration, below: &str) -> Option<String> {
    let uri = monitoring.s3_monitoring_configuration()?.log_uri().trim_end_matches('/');
    (!uri.is_empty()).then(|| format!("{uri}/{below}"))
}

/// The log group, and how the names of the streams begin.
fn streams(monitoring: &MonitoringConfiguration, below: &str) -> Option<(String, String)> {
    let configured = monitoring.cloud_watch_monitoring_configuration()?;
    let prefix = configured.log_stream_name_prefix().unwrap_or_default().trim_end_matches('/');
    let separator = if prefix.is_empty() { "" } else { "/" };
    Some((configured.log_group_name().to_owned(), format!("{prefix}{separator}{below}")))
}

#[cfg(test)]
mod tests {
    use aws_sdk_emrcontainers::types::{
        CloudWatchMonitoringConfiguration, ConfigurationOverrides, S3MonitoringConfiguration,
    };

    use super::*;

    fn run() -> RunRef {
        "arn:aws:emr-containers:eu-west-1:123456789012:/virtualclusters/vc1/jobruns/0001".parse().expect("a reference")
    }

    /// A job run that logs to this folder, and to this group under this prefix.
    fn job(uri: Option<&str>, group: Option<(&str, &str)>) -> JobRun {
        let s3 = uri.map(|uri| S3MonitoringConfiguration::builder().log_uri(uri).build().expect("complete"));
        let cloud_watch = group.map(|(group, prefix)| {
            let configuration = CloudWatchMonitoringConfiguration::builder().log_group_name(group);
            configuration.log_stream_name_prefix(prefix).build().expect("complete")
        });
        let monitoring = MonitoringConfiguration::builder()
            .set_s3_monitoring_configuration(s3)
            .set_cloud_watch_monitoring_configuration(cloud_watch)
            .build();
        let overrides = ConfigurationOverrides::builder().monitoring_configuration(monitoring).build();
        JobRun::builder().configuration_overrides(overrides).build()
    }

    fn told(uri: Option<&str>, group: Option<(&str, &str)>) -> Report {
        of(&run(), "vc1", Some(&job(uri, group)))
    }

    #[test]
    fn a_job_run_has_a_folder_of_its_own() {
        for uri in ["s3://logs/emr", "s3://logs/emr/"] {
            assert_eq!(told(Some(uri), None).links.log_uri, "s3://logs/emr/vc1/jobs/0001/");
        }
        assert_eq!(told(Some("s3://logs"), None).links.log_uri, "s3://logs/vc1/jobs/0001/");
    }

    #[test]
    fn its_streams_have_names_of_their_own() {
        let streams = |prefix| told(None, Some(("/emr", prefix))).full_log;
        for prefix in ["pi", "pi/"] {
            assert_eq!(streams(prefix), "streams pi/vc1/jobs/0001/... of the CloudWatch log group /emr");
        }
        assert_eq!(streams(""), "streams vc1/jobs/0001/... of the CloudWatch log group /emr");
    }

    #[test]
    fn where_no_destination_is_configured_it_is_said_how_to() {
        for told in
            [told(None, None), told(Some(""), Some(("", ""))), of(&run(), "vc1", Some(&JobRun::builder().build()))]
        {
            assert_eq!(told.full_log, NO_DESTINATION);
            assert_eq!((told.links.log_uri, told.links.driver_log), (String::new(), String::new()));
        }
    }

    #[test]
    fn the_console_is_linked_whatever_the_service_says() {
        for told in [of(&run(), "vc1", None), of_unseen(&run(), "vc1", "no response in time"), told(None, None)] {
            assert!(told.links.console.ends_with("#/eks/clusters/vc1"), "{told:?}");
            assert!(!told.full_log.is_empty());
        }
    }
}
