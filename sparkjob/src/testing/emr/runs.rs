//! Runs, whichever service has them, and what becomes of them as time goes by.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::{Refusal, Service, World};
use crate::job::Phase;
use crate::testing::script::{End, Script};

/// A job run or step that was made.
pub(super) struct Run {
    pub service: Service,
    /// The virtual cluster, application or cluster.
    pub place: String,
    pub id: String,
    pub name: String,
    /// The client token; empty on a step.
    pub token: String,
    /// The entry point.
    pub file: String,
    pub tags: BTreeMap<String, String>,
    /// What was asked for, as it was sent.
    pub request: Value,
    pub at: Instant,
    pub script: Script,
    /// When a cancellation took effect on it, or will, as its time runs out.
    pub cancelled: Option<Instant>,
    /// When it was ended from outside, and whether well.
    pub ended: Option<(Instant, bool)>,
}

/// A job run or step, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmrRun {
    /// Whose it is.
    pub service: Service,
    /// The virtual cluster, application or cluster.
    pub place: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its entry point.
    pub file: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What was asked for, as it was sent.
    pub request: Value,
    /// Where it stands.
    pub phase: Phase,
    /// When it was made.
    pub at: Instant,
    /// When it was over.
    pub over: Option<Instant>,
}

impl EmrRun {
    /// Whether it is alive.
    pub fn is_alive(&self) -> bool {
        !self.phase.is_over()
    }
}

impl Run {
    /// Where it stands now.
    pub fn phase(&self) -> Phase {
        self.phase_at(Instant::now())
    }

    fn phase_at(&self, now: Instant) -> Phase {
        let up = self.at + self.script.waits;
        let by_itself = self.script.runs.map(|runs| (up + runs, self.script.end == End::Success));
        let end = match (by_itself, self.ended) {
            (Some(one), Some(other)) => Some(if one.0 < other.0 { one } else { other }),
            (one, other) => one.or(other),
        };
        match (self.cancelled, end) {
            (Some(cancelled), end) if cancelled <= now && end.is_none_or(|(end, _)| cancelled < end) => {
                // What has not begun has nothing to end.
                let over = if cancelled < up { cancelled } else { cancelled + self.script.stops };
                if now >= over { Phase::Cancelled } else { Phase::Ending }
            }
            (_, Some((end, well))) if end <= now => {
                if well {
                    Phase::Succeeded
                } else {
                    Phase::Failed
                }
            }
            _ if now < up => Phase::Waiting,
            _ => Phase::Running,
        }
    }

    /// Has a cancellation take effect on it, unless one did.
    pub fn cancel(&mut self) {
        let now = Instant::now();
        self.cancelled = Some(self.cancelled.map_or(now, |at| at.min(now)));
    }

    /// When it was over, where it is.
    pub fn over(&self) -> Option<Instant> {
        let now = Instant::now();
        if !self.phase_at(now).is_over() {
            return None;
        }
        let up = self.at + self.script.waits;
        let moments = [
            self.script.runs.map(|runs| up + runs),
            self.ended.map(|(at, _)| at),
            self.cancelled.map(|at| if at < up { at } else { at + self.script.stops }),
        ];
        moments.into_iter().flatten().filter(|at| *at <= now).min()
    }

    /// What went wrong, in the job's own last words; empty where nothing did.
    pub fn last_words(&self) -> String {
        match &self.script.end {
            End::Dead(words) => words.join("\n"),
            End::Success => String::new(),
        }
    }
}

impl World {
    /// The runs that may be seen by now, the newest first.
    pub(super) fn visible(&self, service: Service, place: &str) -> Vec<&Run> {
        let seen = |run: &&Run| run.service == service && run.place == place && run.at.elapsed() >= self.delay;
        self.runs.iter().rev().filter(seen).collect()
    }

    /// Refuses what is to be refused, as a service words it.
    pub(super) fn vet(&self, file: &str) -> Result<(), Refusal> {
        if self.refused.contains(file) {
            let message = format!("Entry point {file} is not one that may be run");
            return Err(Refusal::new(400, "ValidationException", message));
        }
        Ok(())
    }

    /// Makes a run; its index. An entry point's script decides what becomes of it.
    pub(super) fn make(&mut self, mut run: Run) -> usize {
        run.script = self.scripts.get(&run.file).cloned().unwrap_or_default();
        self.runs.push(run);
        self.runs.len() - 1
    }

    pub(super) fn runs(&self) -> Vec<EmrRun> {
        let seen = |run: &Run| EmrRun {
            service: run.service,
            place: run.place.clone(),
            id: run.id.clone(),
            name: run.name.clone(),
            file: run.file.clone(),
            tags: run.tags.clone(),
            request: run.request.clone(),
            phase: run.phase(),
            at: run.at,
            over: run.over(),
        };
        self.runs.iter().map(seen).collect()
    }

    pub(super) fn terminate(&mut self, place: &str) {
        self.terminated.insert(place.to_owned());
        for run in self.runs.iter_mut().filter(|run| run.place == place) {
            run.cancel();
            run.script.stops = Duration::ZERO;
        }
    }

    pub(super) fn end(&mut self, id: &str, well: bool) {
        if let Some(run) = self.runs.iter_mut().find(|run| run.id == id) {
            run.ended = Some((Instant::now(), well));
        }
    }
}
