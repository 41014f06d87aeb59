//! Where the logs of a job run are, as
//! [EMR Serverless stores them](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/logging.html). None is read.

use aws_sdk_emrserverless::types::{CloudWatchLoggingConfiguration, JobRun, MonitoringConfiguration};

use crate::engine::console::Console;
use crate::engine::job_runs::{self, Logs};
use crate::engine::{Links, Report};
use crate::job::RunRef;

/// The group in which the service logs unless told another one.
const DEFAULT_GROUP: &str = "/aws/emr-serverless";

/// How to have the log in a place of one's own, where the service keeps it, and where nobody does.
const MANAGED: &str = "in EMR Studio, as EMR Serverless itself keeps it for 30 days; to have it in a bucket, give \
     ConfigurationOverrides a MonitoringConfiguration with S3MonitoringConfiguration (LogUri)";
const NO_DESTINATION: &str = "nowhere, unless the application says where, as ManagedPersistenceMonitoringConfiguration is switched \
     off: give ConfigurationOverrides a MonitoringConfiguration with S3MonitoringConfiguration (LogUri) or \
     CloudWatchLoggingConfiguration (Enabled), and let the execution role write there";

/// What there is to tell of a run; none where the service does not know it (any more).
pub fn of(run: &RunRef, found: Option<&JobRun>) -> Report {
    let Some(found) = found else { return job_runs::forgotten("EMR Serverless", links(run)) };
    let monitoring = found.configuration_overrides().and_then(|overrides| overrides.monitoring_configuration());
    // What the service appends to whatever it is told.
    let below = format!("/applications/{}/jobs/{}/", found.application_id, found.job_run_id);
    let folder = monitoring.and_then(|monitoring| folder(monitoring, &below));
    let streams = monitoring
        .and_then(MonitoringConfiguration::cloud_watch_logging_configuration)
        .filter(|logging| logging.enabled)
        .map(|logging| streams(logging, &below));
    let is_managed = monitoring
        .and_then(MonitoringConfiguration::managed_persistence_monitoring_configuration)
        .is_none_or(|managed| managed.enabled != Some(false));
    let none = if is_managed { MANAGED } else { NO_DESTINATION };
    let mut report = Logs::new(folder, streams).report(run, links(run), none);
    if !report.links.log_uri.is_empty() {
        report
            .full_log
            .push_str("; the driver's in SPARK_DRIVER (attempts/N/SPARK_DRIVER where it may be tried again)");
    }
    report
}

/// The same of one that could not be looked at.
pub fn of_unseen(run: &RunRef, said: &str) -> Report {
    job_runs::unread(said, links(run))
}

fn links(run: &RunRef) -> Links {
    let console = run.realm.as_ref().map(|realm| Console::from(realm).emr_serverless()).unwrap_or_default();
    Links { console, ..Links::default() }
}

fn folder(monitoring: &MonitoringConfiguration, below: &str) -> Option<String> {
    let uri = monitoring.s3_monitoring_configuration()?.log_uri()?.trim().trim_end_matches('/');
    (!uri.is_empty()).then(|| format!("{uri}{below}"))
}

/// The log group, and how the names of the streams begin.
fn streams(logging: &CloudWatchLoggingConfiguration, below: &str) -> (String, String) {
    let group = logging.log_group_name().unwrap_or(DEFAULT_GROUP);
    (group.to_owned(), format!("{}{below}", logging.log_stream_name_prefix().unwrap_or_default()))
}
