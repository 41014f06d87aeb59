//! What the model knows: batches, and what becomes of them as time goes by.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::time::Instant;

use crate::testing::script::{End, Script};

/// Which Livy it is: they differ in what they know of names and in how they word a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Without names.
    V0_5,
    /// As EMR 6 has it.
    V0_7,
    /// As EMR 7 has it.
    V0_8,
}

/// A batch that was made, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its id; after a restart another batch may have the same.
    pub id: u64,
    /// Its name; empty where it has none.
    pub name: String,
    /// Its file.
    pub file: String,
    /// When it was made, counted from the server's start.
    pub at: Duration,
    /// When its job was over.
    pub over: Option<Duration>,
    /// Its true state; of a batch that is over the last.
    pub state: String,
    /// Whether there ever was a job; else it is a phantom.
    pub begun: bool,
    /// Whether Livy still knows it.
    pub known: bool,
}

impl Made {
    /// Whether its job is alive.
    pub fn is_alive(&self) -> bool {
        self.begun && self.over.is_none()
    }
}

/// How often Livy looks for batches that it may forget.
const COLLECTION: Duration = Duration::from_mins(1);
/// How long Livy remembers a batch that is over.
const RETAINED: Duration = Duration::from_mins(10);
/// How many lines Livy keeps of what a job writes.
const KEPT_LINES: usize = 200;

pub struct World {
    pub version: Version,
    pub scripts: BTreeMap<String, Script>,
    pub allowed: Option<Vec<String>>,
    pub busy: u32,
    pub denied: Option<u16>,
    /// The header that every request must have; none: whoever asks is let in.
    pub demanded: Option<(&'static str, String)>,
    batches: Vec<Batch>,
    next_id: u64,
    started: Instant,
}

pub struct Batch {
    pub id: u64,
    pub name: Option<String>,
    file: String,
    script: Script,
    begun: bool,
    made: Instant,
    /// When and as what it ended or will end, where that was not left to its script.
    stopped: Option<(Instant, String)>,
    /// When a deletion or a restart took or will take it from Livy's books.
    removed: Option<Instant>,
    shown: Option<String>,
}

impl World {
    pub fn new(version: Version) -> Self {
        Self {
            version,
            scripts: BTreeMap::new(),
            allowed: None,
            busy: 0,
            denied: None,
            demanded: None,
            batches: Vec::new(),
            next_id: 0,
            started: Instant::now(),
        }
    }

    /// Whether a request has what is demanded.
    pub fn is_let_in(&self, request: &Request<Bytes>) -> bool {
        self.demanded.as_ref().is_none_or(|(name, value)| {
            request.headers().get(*name).is_some_and(|given| given.as_bytes() == value.as_bytes())
        })
    }

    /// Registers a batch and, unless that is refused, begins its job.
    pub fn make(&mut self, name: Option<&str>, file: &str, begun: bool) -> u64 {
        let id = self.next_id();
        let script = self.scripts.get(file).cloned().unwrap_or_default();
        self.batches.push(Batch {
            id,
            name: name.filter(|_| self.version > Version::V0_5).map(str::to_owned),
            file: file.to_owned(),
            script,
            begun,
            made: Instant::now(),
            stopped: None,
            removed: None,
            shown: None,
        });
        id
    }

    /// The id of the next batch; a submission uses one up even where it is refused.
    pub fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// The batches that Livy knows, the oldest first.
    pub fn known(&self) -> impl Iterator<Item = &Batch> {
        self.batches.iter().filter(|batch| self.knows(batch))
    }

    /// The batch that Livy knows by this id or name.
    pub fn find(&self, id_or_name: &str) -> Option<&Batch> {
        self.known().find(|batch| match id_or_name.parse::<u64>() {
            Ok(id) => batch.id == id,
            Err(_) => batch.name.as_deref() == Some(id_or_name),
        })
    }

    /// Stops the batch's job and then takes the batch off the books; how long that takes.
    pub fn delete(&mut self, id: u64) -> Duration {
        let now = Instant::now();
        let batch = self.known_mut(id);
        let end = batch.end(now).map_or(now + batch.script.stops, |(end, _)| end.max(now));
        if batch.begun && batch.end(now).is_none() {
            batch.stopped = Some((end, "killed".to_owned()));
        }
        let removed = *batch.removed.get_or_insert(if batch.begun { end } else { now });
        removed.duration_since(now)
    }

    pub fn restart(&mut self) {
        let now = Instant::now();
        for batch in &mut self.batches {
            if batch.begun && batch.ended(now).is_none() {
                batch.stopped = Some((now, "killed".to_owned()));
            }
            batch.removed = Some(batch.removed.unwrap_or(now).min(now));
        }
        self.next_id = 0;
    }

    pub fn end(&mut self, id: u64, word: &str) {
        let now = Instant::now();
        self.known_mut(id).stopped = Some((now, word.to_owned()));
    }

    pub fn show(&mut self, id: u64, word: Option<&str>) {
        self.known_mut(id).shown = word.map(str::to_owned);
    }

    pub fn all_made(&self) -> Vec<Made> {
        let now = Instant::now();
        let made = |batch: &Batch| Made {
            id: batch.id,
            name: batch.name.clone().unwrap_or_default(),
            file: batch.file.clone(),
            at: batch.made.duration_since(self.started),
            over: batch.ended(now).map(|(end, _)| end.duration_since(self.started)),
            state: batch.true_state(now),
            begun: batch.begun,
            known: self.knows(batch),
        };
        self.batches.iter().map(made).collect()
    }

    fn knows(&self, batch: &Batch) -> bool {
        let now = Instant::now();
        let forgotten = batch.ended(now).is_some_and(|(end, _)| {
            // The collector comes by once a minute.
            let due = (end + RETAINED).duration_since(self.started).as_secs_f64();
            let rounds = (due / COLLECTION.as_secs_f64()).ceil();
            self.started + COLLECTION.mul_f64(rounds) <= now
        });
        !forgotten && batch.removed.is_none_or(|removed| removed > now)
    }

    fn known_mut(&mut self, id: u64) -> &mut Batch {
        let place = self.batches.iter().position(|batch| batch.id == id && self.knows(batch));
        &mut self.batches[place.expect("a batch that Livy knows")]
    }
}

impl Batch {
    /// The word that Livy shows for its state.
    pub fn state(&self) -> String {
        let state = self.shown.clone().unwrap_or_else(|| self.true_state(Instant::now()));
        if state == "running" && !self.script.shows_running { "starting".to_owned() } else { state }
    }

    /// The id of its YARN application, once it is known.
    pub fn application(&self) -> Option<String> {
        let known = self.script.application.is_some_and(|after| self.made.elapsed() >= after);
        (self.begun && known).then(|| format!("application_1795244400000_{:04}", self.id + 1))
    }

    /// The lines that Livy keeps of its log. It has none before the job is begun: then not even the headings.
    pub fn log(&self) -> Vec<String> {
        if !self.begun {
            return Vec::new();
        }
        let now = Instant::now();
        let mut said = Vec::new();
        if now >= self.made + self.script.waits {
            said.extend_from_slice(&self.script.says);
        }
        if let (None, Some(_), End::Dead(words)) = (&self.stopped, self.ended(now), &self.script.end) {
            said.extend_from_slice(words);
        }
        let skipped = said.len().saturating_sub(KEPT_LINES);
        let mut lines = vec!["stdout: ".to_owned()];
        lines.extend(said.drain(skipped..));
        lines.push("\nstderr: ".to_owned());
        if self.script.application.is_some() {
            lines.push("\nYARN Diagnostics: ".to_owned());
        }
        lines
    }

    /// When and as what it ends, as far as that is settled at `now`.
    fn end(&self, now: Instant) -> Option<(Instant, String)> {
        self.stopped.clone().or_else(|| self.ended(now))
    }

    /// When and as what it ended, where it has.
    fn ended(&self, now: Instant) -> Option<(Instant, String)> {
        let by_itself = self.script.runs.filter(|_| self.begun).map(|runs| {
            let word = if self.script.end == End::Success { "success" } else { "dead" };
            (self.made + self.script.waits + runs, word.to_owned())
        });
        let stopped = self.stopped.clone();
        stopped.into_iter().chain(by_itself).min_by_key(|(end, _)| *end).filter(|(end, _)| *end <= now)
    }

    fn true_state(&self, now: Instant) -> String {
        match self.ended(now) {
            Some((_, word)) => word,
            None if self.begun && now >= self.made + self.script.waits => "running".to_owned(),
            None => "starting".to_owned(),
        }
    }
}
