//! Where a person finds what a job run wrote.
//!
//! [The layout](https://aws.github.io/aws-emr-containers-best-practices/troubleshooting/docs/where-to-look-for-spark-logs) is
//! the same in S3 and in `CloudWatch` Logs: below `{virtual cluster}/jobs/{job run}/`, each container has its own.
//! The Spark UI is not told: its addresses expire.

use aws_sdk_emrcontainers::types::{JobRun, MonitoringConfiguration};

use super::console;
use crate::engine::{Links, Report};
use crate::job::RunRef;

/// The longest name of a place that is told: a key in S3 has 1024 bytes at most, a log group 512 characters.
const MAX_PLACE: usize = 1100;

/// How to have logs, where there are none.
const NO_DESTINATION: &str = "nowhere, as no destination was configured: give ConfigurationOverrides a MonitoringConfiguration with \
     S3MonitoringConfiguration (LogUri) or CloudWatchMonitoringConfiguration (LogGroupName), and let the execution role \
     write there";

/// What there is to tell of `run`; none where the service does not know it (any more).
pub fn report(run: &RunRef, cluster: &str, job: Option<&JobRun>) -> Report {
    let Some(job) = job else {
        let full_log = "not known any more: EMR on EKS does not know the job run".to_owned();
        return Report { full_log, links: links(run, cluster), ..Report::default() };
    };
    let monitoring = job.configuration_overrides().and_then(|overrides| overrides.monitoring_configuration());
    let below = format!("{cluster}/jobs/{}/", run.id);
    let (mut links, mut places) = (links(run, cluster), Vec::new());
    if let Some((group, prefix)) = monitoring.and_then(|monitoring| log_group(monitoring, &below)) {
        links.driver_log = page(run, |realm| console::log_streams(realm, group, &prefix));
        places.push(format!("log group {group} of CloudWatch Logs, streams {prefix}..."));
    }
    if let Some(folder) = monitoring.and_then(|monitoring| folder(monitoring, &below)) {
        if let Some((bucket, key)) = folder.strip_prefix("s3://").and_then(|folder| folder.split_once('/')) {
            links.driver_log = page(run, |realm| console::folder(realm, bucket, key));
        }
        places.insert(0, folder.clone());
        links.log_uri = folder;
    }
    let full_log = if places.is_empty() { NO_DESTINATION.to_owned() } else { places.join(", and ") };
    Report { full_log, links, ..Report::default() }
}

/// What there is to tell where the service could not be asked.
pub fn unread(run: &RunRef, cluster: &str, said: &str) -> Report {
    let full_log = format!("where the job's monitoring configuration has it (not read: {said})");
    Report { full_log, links: links(run, cluster), ..Report::default() }
}

fn links(run: &RunRef, cluster: &str) -> Links {
    Links { console: page(run, |realm| console::virtual_cluster(realm, cluster)), ..Links::default() }
}

fn page(run: &RunRef, page: impl FnOnce(&crate::job::Realm) -> Option<String>) -> String {
    run.realm.as_ref().and_then(page).unwrap_or_default()
}

fn folder(monitoring: &MonitoringConfiguration, below: &str) -> Option<String> {
    let uri = monitoring.s3_monitoring_configuration()?.log_uri();
    is_told(uri).then(|| format!("{}/{below}", uri.trim_end_matches('/')))
}

/// The log group, and how the names of the streams begin.
fn log_group<'a>(monitoring: &'a MonitoringConfiguration, below: &str) -> Option<(&'a str, String)> {
    let configured = monitoring.cloud_watch_monitoring_configuration()?;
    let group = configured.log_group_name();
    let prefix = configured.log_stream_name_prefix().unwrap_or_default().trim_end_matches('/');
    let separator = if prefix.is_empty() { "" } else { "/" };
    (is_told(group) && prefix.len() <= MAX_PLACE).then(|| (group, format!("{prefix}{separator}{below}")))
}

fn is_told(place: &str) -> bool {
    !place.is_empty() && place.len() <= MAX_PLACE
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

    const CONSOLE: &str = "https://eu-west-1.console.aws.amazon.com";

    #[test]
    fn a_folder_in_s3_is_told_and_linked() {
        for uri in ["s3://logs/emr", "s3://logs/emr/"] {
            let report = report(&run(), "vc1", Some(&job(Some(uri), None)));
            assert_eq!(report.full_log, "s3://logs/emr/vc1/jobs/0001/");
            assert_eq!(report.links.log_uri, "s3://logs/emr/vc1/jobs/0001/");
            assert_eq!(report.links.driver_log, format!("{CONSOLE}/s3/buckets/logs?prefix=emr/vc1/jobs/0001/"));
            assert_eq!(report.links.console, format!("{CONSOLE}/emr/home?region=eu-west-1#/eks/clusters/vc1"));
            assert_eq!(report.links.spark_ui, "");
        }
        let report = report(&run(), "vc1", Some(&job(Some("s3://logs"), None)));
        assert_eq!(report.links.driver_log, format!("{CONSOLE}/s3/buckets/logs?prefix=vc1/jobs/0001/"));
    }

    #[test]
    fn a_log_group_is_told_and_linked() {
        let filter = |prefix: &str| {
            let group = "log-groups/log-group/$252Femr$3FlogStreamNameFilter$3D";
            format!("{CONSOLE}/cloudwatch/home?region=eu-west-1#logsV2:{group}{prefix}vc1$252Fjobs$252F0001$252F")
        };
        let told = report(&run(), "vc1", Some(&job(None, Some(("/emr", "pi")))));
        assert_eq!(told.full_log, "log group /emr of CloudWatch Logs, streams pi/vc1/jobs/0001/...");
        assert_eq!((told.links.log_uri, told.links.driver_log), (String::new(), filter("pi$252F")));
        let told = report(&run(), "vc1", Some(&job(None, Some(("/emr", "")))));
        assert_eq!(told.links.driver_log, filter(""));
    }

    #[test]
    fn both_are_told_and_the_folder_is_linked() {
        let told = report(&run(), "vc1", Some(&job(Some("s3://logs"), Some(("/emr", "pi")))));
        let group = "log group /emr of CloudWatch Logs, streams pi/vc1/jobs/0001/...";
        assert_eq!(told.full_log, format!("s3://logs/vc1/jobs/0001/, and {group}"));
        assert_eq!(told.links.log_uri, "s3://logs/vc1/jobs/0001/");
        assert!(told.links.driver_log.contains("/s3/buckets/logs"));
    }

    #[test]
    fn where_no_destination_is_configured_it_is_said_how_to() {
        let long = format!("s3://logs/{}", "x".repeat(MAX_PLACE));
        for job in [JobRun::builder().build(), job(None, None), job(Some(""), Some(("", ""))), job(Some(&long), None)] {
            let told = report(&run(), "vc1", Some(&job));
            assert!(told.full_log.contains("S3MonitoringConfiguration (LogUri)"), "{told:?}");
            assert_eq!((told.links.log_uri, told.links.driver_log), (String::new(), String::new()));
        }
    }

    #[test]
    fn the_console_is_linked_whatever_the_service_says() {
        for told in [report(&run(), "vc1", None), unread(&run(), "vc1", "no response in time")] {
            assert!(told.links.console.ends_with("#/eks/clusters/vc1"), "{told:?}");
            assert!(!told.full_log.is_empty());
        }
    }
}
