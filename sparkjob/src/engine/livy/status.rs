//! What a batch's state means.

use super::wire::{Batch, Name};
use crate::engine::text::clip;
use crate::engine::{MAX_WORD, phase_or_still_going};
use crate::job::{Phase, Status};

/// What Livy's answer tells of the batch.
pub fn status(batch: &Batch) -> Status {
    let word = clip(batch.state.as_deref().unwrap_or_default(), MAX_WORD).into_owned();
    let phase = phase_or_still_going(phase(&word), "Livy", &batch.id.to_string(), &word);
    Status {
        phase: if runs_unseen(batch) { Phase::Running } else { phase },
        silent: word == "starting" && batch.app_id.is_none() && lines(batch).next().is_none(),
        ended: None,
        word,
        reason: String::new(),
        name: None,
        application: application(batch),
        created: None,
        place_gone: false,
    }
}

/// The id of its YARN application, once it is known.
pub fn application(batch: &Batch) -> Option<String> {
    batch.app_id.as_deref().map(|id| clip(id, MAX_WORD).into_owned())
}

/// The batch's name, where Livy keeps names and it has one.
pub fn name(batch: &Batch) -> Option<&str> {
    match &batch.name {
        Name::Given(name) => Some(name),
        Name::Unnamed | Name::NotKept => None,
    }
}

/// The lines that came with the batch.
pub fn lines(batch: &Batch) -> impl DoubleEndedIterator<Item = &str> {
    batch.log.iter().flat_map(|lines| &lines.0).map(String::as_str)
}

/// Every word of Livy's [`SessionState`], for batches and for sessions; none for any other.
///
/// [`SessionState`]: https://github.com/apache/incubator-livy/blob/v0.8.0-incubating/core/src/main/scala/org/apache/livy/sessions/SessionState.scala
fn phase(word: &str) -> Option<Phase> {
    Some(match word {
        "not_started" | "starting" | "recovering" => Phase::Waiting,
        "idle" | "running" | "busy" => Phase::Running,
        "shutting_down" => Phase::Ending,
        "success" => Phase::Succeeded,
        "error" | "dead" => Phase::Failed,
        "killed" => Phase::Cancelled,
        _ => return None,
    })
}

/// Whether a batch that is `starting` runs nevertheless.
///
/// From 0.8 on Livy does not look at a YARN application while its `spark-submit` lives, which in client mode is the driver
/// itself: such a batch is `starting` until it ends. See [`SparkYarnApp`]. Where Livy does look, it shows links, and its
/// word holds. Else the log tells, unless its level hides that, whether the application still waits in its queue.
///
/// [`SparkYarnApp`]: https://github.com/apache/incubator-livy/blob/v0.8.0-incubating/server/src/main/scala/org/apache/livy/utils/SparkYarnApp.scala
fn runs_unseen(batch: &Batch) -> bool {
    let links = batch.app_info.as_ref();
    let looked_at = links.is_some_and(|links| links.spark_ui_url.is_some() || links.driver_log_url.is_some());
    batch.state.as_deref() == Some("starting")
        && batch.app_id.is_some()
        && !looked_at
        && !lines(batch).rev().find_map(says_waiting).unwrap_or(false)
}

/// Whether a line of `spark-submit`'s tells that the application waits; none where it tells nothing of that.
fn says_waiting(line: &str) -> Option<bool> {
    match line.split_once("(state: ") {
        Some((_, state)) => Some(["NEW", "SUBMITTED", "ACCEPTED"].iter().any(|waiting| state.starts_with(waiting))),
        // It has ended, as it does in cluster mode once the application is accepted: Livy is about to look.
        None => line.contains("ShutdownHookManager: Shutdown hook called").then_some(true),
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Lines;
    use super::*;
    use crate::engine::livy::wire::AppInfo;

    fn batch(word: &str, application: Option<&str>, log: &[&str]) -> Batch {
        Batch {
            id: 1,
            name: Name::Unnamed,
            state: Some(word.to_owned()),
            app_id: application.map(str::to_owned),
            app_info: None,
            log: Some(Lines(log.iter().map(|&line| line.to_owned()).collect())),
        }
    }

    #[test]
    fn every_word_has_its_phase() {
        let phases = [
            ("not_started", Phase::Waiting),
            ("starting", Phase::Waiting),
            ("recovering", Phase::Waiting),
            ("idle", Phase::Running),
            ("running", Phase::Running),
            ("busy", Phase::Running),
            ("shutting_down", Phase::Ending),
            ("error", Phase::Failed),
            ("dead", Phase::Failed),
            ("killed", Phase::Cancelled),
            ("success", Phase::Succeeded),
            ("SUCCESS", Phase::Waiting),
            ("finished", Phase::Waiting),
            ("", Phase::Waiting),
        ];
        for (word, phase) in phases {
            for application in [None, Some("application_1_0001")] {
                let status = status(&batch(word, application, &["stdout: ", "(state: ACCEPTED)"]));
                assert_eq!((status.phase, status.word.as_str(), status.silent), (phase, word, false));
            }
        }
    }

    #[test]
    fn only_a_starting_batch_without_application_and_log_is_silent() {
        assert!(status(&batch("starting", None, &[])).silent);
        assert!(!status(&batch("starting", None, &["stdout: "])).silent);
        assert!(!status(&batch("starting", Some("application_1_0001"), &[])).silent);
        assert!(!status(&batch("running", None, &[])).silent);
    }

    #[test]
    fn a_starting_application_runs_unless_its_latest_report_says_that_it_waits() {
        let phase = |log: &[&str]| status(&batch("starting", Some("application_1_0001"), log)).phase;
        let accepted = "26/11/21 07:00:00 INFO Client: Application report for application_1_0001 (state: ACCEPTED)";
        let running = "26/11/21 07:00:05 INFO Client: Application report for application_1_0001 (state: RUNNING)";
        assert_eq!(phase(&[]), Phase::Running);
        assert_eq!(phase(&["Pi is roughly 3.14"]), Phase::Running);
        assert_eq!(phase(&[accepted, "\t queue: default"]), Phase::Waiting);
        assert_eq!(phase(&[accepted, running, "Pi is roughly 3.14"]), Phase::Running);
        // The end of what spark-submit says in cluster mode.
        let over = "26/11/21 07:00:01 INFO ShutdownHookManager: Shutdown hook called";
        assert_eq!(phase(&["\t final status: UNDEFINED", over, "\nstderr: ", "\nYARN Diagnostics: "]), Phase::Waiting);
    }

    #[test]
    fn where_livy_looks_at_the_application_itself_its_word_holds() {
        let mut batch = batch("starting", Some("application_1_0001"), &[]);
        batch.app_info = Some(AppInfo { spark_ui_url: Some("http://rm:8088".to_owned()), driver_log_url: None });
        assert_eq!(status(&batch).phase, Phase::Waiting);
    }

    #[test]
    fn a_word_of_any_length_is_kept_within_bounds() {
        let Status { phase, word, .. } = status(&batch(&"\u{e9}".repeat(1 << 20), None, &[]));
        assert_eq!((phase, word), (Phase::Waiting, "\u{e9}".repeat(63) + "\u{2026}"));
    }
}
