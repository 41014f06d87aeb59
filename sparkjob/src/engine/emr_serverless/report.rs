//! Where the logs of a job run are, as
//! [EMR Serverless stores them](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/logging.html). None is read.

use aws_sdk_emrserverless::types::{CloudWatchLoggingConfiguration, JobRun, MonitoringConfiguration};

use super::console;
use crate::engine::{Links, Report};
use crate::job::RunRef;

/// The group in which the service logs unless told another one.
const DEFAULT_GROUP: &str = "/aws/emr-serverless";
/// How to have the log in a place of one's own.
const LOG_URI: &str = "set LogUri in ConfigurationOverrides.MonitoringConfiguration.S3MonitoringConfiguration";

/// What there is to tell of a run.
pub fn of(run: &RunRef, found: &JobRun) -> Report {
    let logs = Logs::of(found);
    let mut links = links(run);
    if let Some(folder) = &logs.folder {
        links.log_uri.clone_from(folder);
        links.driver_log = run.realm.as_ref().map(|realm| console::s3_folder(realm, folder)).unwrap_or_default();
    }
    if let (true, Some((group, streams)), Some(realm)) = (links.driver_log.is_empty(), &logs.streams, &run.realm) {
        links.driver_log = console::log_streams(realm, group, streams);
    }
    Report { full_log: logs.told(), links, ..Report::default() }
}

/// The same of one that the service does not know.
pub fn of_none(run: &RunRef) -> Report {
    let full_log =
        "in S3 or CloudWatch only, if the job run was told to log there: EMR Serverless does not know it any more";
    Report { full_log: full_log.to_owned(), links: links(run), ..Report::default() }
}

/// The same of one that could not be looked at.
pub fn of_unseen(run: &RunRef, said: &str) -> Report {
    let full_log = format!("where the job run logs (not read: {said})");
    Report { full_log, links: links(run), ..Report::default() }
}

fn links(run: &RunRef) -> Links {
    let console = run.realm.as_ref().map(console::emr_serverless).unwrap_or_default();
    Links { console, ..Links::default() }
}

/// Where a run logs.
struct Logs {
    /// Below this folder of S3. A run that may be tried again has in it a folder for each attempt.
    folder: Option<String>,
    /// In this group, in the streams that begin with this.
    streams: Option<(String, String)>,
    /// To the service.
    managed: bool,
}

impl Logs {
    fn of(found: &JobRun) -> Self {
        let monitoring = found.configuration_overrides().and_then(|overrides| overrides.monitoring_configuration());
        let path = path(found);
        Self {
            folder: monitoring.and_then(log_uri).map(|uri| format!("{}{path}/", uri.trim_end_matches('/'))),
            streams: monitoring
                .and_then(MonitoringConfiguration::cloud_watch_logging_configuration)
                .filter(|logging| logging.enabled)
                .map(|logging| streams(logging, &path)),
            managed: monitoring
                .and_then(MonitoringConfiguration::managed_persistence_monitoring_configuration)
                .is_none_or(|managed| managed.enabled != Some(false)),
        }
    }

    fn told(&self) -> String {
        let mut places = Vec::new();
        if let Some(folder) = &self.folder {
            places.push(format!("{folder}, in SPARK_DRIVER (attempts/N/SPARK_DRIVER where it may be tried again)"));
        }
        if let Some((group, streams)) = &self.streams {
            places.push(format!("the streams {streams}... of the CloudWatch log group {group}"));
        }
        match (self.managed, places.is_empty()) {
            (_, false) => places.join("; "),
            (true, true) => {
                format!(
                    "in EMR Studio, as EMR Serverless itself keeps it for 30 days; to have it in a bucket, {LOG_URI}"
                )
            }
            (false, true) => format!(
                "kept nowhere, unless the application says where, as ManagedPersistenceMonitoringConfiguration is switched \
                 off; to have one, {LOG_URI}"
            ),
        }
    }
}

fn log_uri(monitoring: &MonitoringConfiguration) -> Option<&str> {
    monitoring.s3_monitoring_configuration()?.log_uri().filter(|uri| !uri.trim().is_empty())
}

fn streams(logging: &CloudWatchLoggingConfiguration, path: &str) -> (String, String) {
    let group = logging.log_group_name().unwrap_or(DEFAULT_GROUP);
    (group.to_owned(), format!("{}{path}/", logging.log_stream_name_prefix().unwrap_or_default()))
}

/// What the service appends to whatever it is told.
fn path(found: &JobRun) -> String {
    format!("/applications/{}/jobs/{}", found.application_id, found.job_run_id)
}
