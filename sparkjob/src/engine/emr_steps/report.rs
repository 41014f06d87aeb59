//! What there is to tell of a step: the error that EMR has found in its log, and where its logs are.

use super::status::outlives;
use super::step::Step;
use crate::engine::{Links, Report};

/// The report of `step`. `links` lead to its cluster; `logs` is the cluster's folder for logs, none where it keeps none, or
/// why that is not known.
pub fn report(step: &Step, mut links: Links, logs: &Result<Option<String>, String>) -> Report {
    let own = (!step.log_uri.is_empty()).then(|| step.log_uri.clone());
    let of_cluster = logs.as_ref().ok().and_then(Option::as_ref);
    let folder = own.or_else(|| of_cluster.map(|folder| format!("{folder}steps/{}/", step.id)));
    let mut full_log = match (&folder, logs) {
        (Some(folder), _) => format!("stderr and stdout of the step in {folder}, some minutes late"),
        (None, Ok(_)) => format!(
            "in /mnt/var/log/hadoop/steps/{} on the primary node, until the cluster ends; to keep logs, give the cluster a \
             LogUri when it is made, or the step one of its own (StepMonitoringConfiguration)",
            step.id
        ),
        (None, Err(why)) => format!("where the cluster keeps its logs (LogUri) was not read: {why}"),
    };
    if let (true, Some(folder)) = (outlives(step), of_cluster) {
        full_log = format!("{full_log}; the driver's in {folder}containers/");
    }
    links.log_uri = folder.unwrap_or_default();
    links.driver_log.clone_from(&step.log_file);
    let exception = if step.message.is_empty() { Vec::new() } else { vec![step.message.clone()] };
    Report { exception, tail: Vec::new(), full_log, links }
}
