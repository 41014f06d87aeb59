//! What there is to tell of a step: the error that EMR has found in its log, and where its logs are.

use super::status::outlives;
use super::step::Step;
use crate::engine::emr_cluster::log_folder;
use crate::engine::{Links, Report};
use crate::job::RunRef;

/// The cluster's folder for logs, none where it keeps none, or why that is not known.
pub type Logs = Result<Option<String>, String>;

/// The folder for the logs of `step`, a step of the cluster `id`.
///
/// One with a [place of its own](https://docs.aws.amazon.com/emr/latest/APIReference/API_S3MonitoringConfiguration.html) for
/// them takes that instead of the cluster's. What EMR makes of it is published for neither; of the cluster's it is known to
/// be a folder below it, so that is taken for both.
pub fn folder(step: &Step, id: &str, logs: &Logs) -> Option<String> {
    let root = log_folder(&step.log_uri, id).or_else(|| of_cluster(logs).cloned());
    root.map(|root| format!("{root}steps/{}/", step.id))
}

/// The report of `step`, with `links` to its cluster and to the folder of its logs.
pub fn of(step: &Step, logs: &Logs, links: Links) -> Report {
    let mut full_log = match logs {
        _ if !links.log_uri.is_empty() => format!("{}, some minutes late", links.log_uri),
        Ok(_) => format!(
            "in /mnt/var/log/hadoop/steps/{} on the primary node, until the cluster ends; to keep logs, give the cluster a \
             LogUri when it is made, or the step one of its own (StepMonitoringConfiguration)",
            step.id
        ),
        Err(said) => format!("where the cluster keeps its logs (not read: {said})"),
    };
    if !step.log_file.is_empty() {
        full_log = format!("{full_log}; the error is in {}", step.log_file);
    }
    if let (true, Some(folder)) = (outlives(step), of_cluster(logs)) {
        full_log = format!("{full_log}; the driver's in {folder}containers/");
    }
    let exception = if step.message.is_empty() { Vec::new() } else { vec![step.message.clone()] };
    Report { exception, tail: Vec::new(), full_log, links }
}

/// The same of a step that EMR does not know.
pub fn of_none(links: Links) -> Report {
    Report { full_log: "no longer there: EMR does not know the step".to_owned(), links, ..Report::default() }
}

/// The same of one that could not be looked at.
pub fn of_unseen(run: &RunRef, said: &str, links: Links) -> Report {
    let full_log = format!("where the cluster keeps its logs, in steps/{} (not read: {said})", run.id);
    Report { full_log, links, ..Report::default() }
}

fn of_cluster(logs: &Logs) -> Option<&String> {
    logs.as_ref().ok().and_then(Option::as_ref)
}
