//! What a batch's state means.

use tracing::warn;

use super::text::clip;
use super::wire::{Batch, Name};
use crate::job::{Phase, Status};

/// The most of a state's word that is kept, in characters: it goes into logs, answers and the saved state.
const MAX_WORD: usize = 64;

/// What Livy's answer tells of the batch.
pub fn status(batch: &Batch) -> Status {
    let word = clip(batch.state.as_deref().unwrap_or_default(), MAX_WORD).into_owned();
    let phase = phase(&word).unwrap_or_else(|| {
        let Batch { id, name, .. } = batch;
        warn!(id, ?name, state = word, "a batch is in a state that is not known; it counts as still going");
        Phase::Waiting
    });
    Status {
        phase: if runs_unseen(batch) { Phase::Running } else { phase },
        silent: word == "starting" && batch.app_id.is_none() && lines(batch).next().is_none(),
        word,
        reason: String::new(),
        application: batch.app_id.clone(),
        created: None,
    }
}

/// A batch that Livy does not know.
pub fn gone() -> Status {
    Status {
        phase: Phase::Gone,
        word: String::new(),
        reason: String::new(),
        application: None,
        created: None,
        silent: false,
    }
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
    batch.log.iter().flatten().flatten().map(String::as_str)
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
/// word holds. Else `spark-submit`'s own reports tell whether the application still waits in its queue.
///
/// [`SparkYarnApp`]: https://github.com/apache/incubator-livy/blob/v0.8.0-incubating/server/src/main/scala/org/apache/livy/utils/SparkYarnApp.scala
fn runs_unseen(batch: &Batch) -> bool {
    let looked_at =
        batch.app_info.as_ref().is_some_and(|info| info.spark_ui_url.is_some() || info.driver_log_url.is_some());
    let queued = || lines(batch).rev().find_map(|line| line.split_once("(state: ")).map(|(_, state)| state);
    batch.state.as_deref() == Some("starting")
        && batch.app_id.is_some()
        && !looked_at
        && !queued().is_some_and(|state| state.starts_with("ACCEPTED") || state.starts_with("SUBMITTED"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(state: &str) -> Batch {
        serde_json::from_value(serde_json::json!({"id": 7, "state": state})).expect("a batch")
    }

    #[test]
    fn a_word_of_any_length_is_kept_within_bounds() {
        assert_eq!(status(&batch("shutting_down")).word, "shutting_down");
        let Status { phase, word, .. } = status(&batch(&"\u{e9}".repeat(1 << 20)));
        assert_eq!((phase, word), (Phase::Waiting, "\u{e9}".repeat(63) + "\u{2026}"));
    }
}
