//! A model of Apache Livy's batches.

mod rest;
mod world;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};

use super::fault::{Fault, Instead, Sent};
use super::script::Script;
use super::served::{Answers, Served};
use world::World;
pub use world::{Made, Version};

/// A Livy server in memory; it listens at every address. Clones share one server.
///
/// It behaves as Livy 0.7.1 with a local master does, with the protection against forged requests on; the conformance suite
/// holds it against a real one. Jobs follow the [`Script`] of their file. It has the methods of a [`Faulty`](super::Faulty),
/// too:
///
/// ```
/// # use sparkjob::testing::{Fault, FakeLivy, Script};
/// let livy = FakeLivy::new();
/// livy.script("s3://code/stream.py", Script::endless());
/// livy.fault_at(2, Fault::refused());
/// assert_eq!(livy.sends(), 0);
/// ```
pub type FakeLivy = Served<World>;

impl FakeLivy {
    /// A Livy 0.7.1 without batches.
    #[expect(clippy::new_without_default, reason = "a server is started, not defaulted")]
    pub fn new() -> Self {
        Self::of(Version::V0_7)
    }

    /// A Livy of this version without batches.
    pub fn of(version: Version) -> Self {
        Self::serving(World::new(version))
    }

    /// Has every later batch of `file` follow `script`; other files follow [`Script::default`].
    pub fn script(&self, file: &str, script: Script) {
        self.world().scripts.insert(file.to_owned(), script);
    }

    /// Refuses local files, but for those below `folders`; unless told so, every file is taken. From 0.6 on a batch that is
    /// refused so leaves a phantom behind.
    pub fn allow_local(&self, folders: &[&str]) {
        self.world().allowed = Some(folders.iter().map(|&folder| folder.to_owned()).collect());
    }

    /// Refuses the next `times` submissions since too many are under way.
    pub fn be_busy(&self, times: u32) {
        self.world().busy = times;
    }

    /// Answers everything with this status, 401 or 403, until it is none again.
    pub fn deny(&self, status: Option<u16>) {
        self.world().denied = status;
    }

    /// Lets in, from now on, only who sends this value of this header; none: everyone again.
    pub fn demand(&self, header: Option<(&'static str, &str)>) {
        self.world().demanded = header.map(|(name, value)| (name, value.to_owned()));
    }

    /// What comes instead of the answer to such a request while Livy's tables grow, although it has that batch: that it does
    /// not. None for a request that is not about one batch.
    pub fn denial(sent: &Sent) -> Option<Fault> {
        let (_, batch) = sent.path.split_once("/batches/")?;
        let is_looked_up = sent.method == Method::GET || sent.method == Method::DELETE;
        let batch = batch.split(['/', '?']).next()?;
        let said = format!("{{\"msg\":\"Session '{batch}' not found.\"}}");
        is_looked_up.then_some(Fault::Before(Instead::Answer(404, said)))
    }

    /// Stops every batch, forgets all of them, and counts from 0 again.
    pub fn restart(&self) {
        self.world().restart();
    }

    /// A batch made by someone else; its id.
    pub fn make(&self, name: Option<&str>, file: &str) -> u64 {
        self.world().make(name, file, true)
    }

    /// A name that is taken, with no job behind it, as a refused submission leaves it; its id.
    pub fn make_phantom(&self, name: &str) -> u64 {
        self.world().make(Some(name), "", false)
    }

    /// Deletes a batch, as another user would: its job is stopped, which takes as long as its script says.
    pub fn delete(&self, id: u64) {
        self.world().delete(id);
    }

    /// Ends a living batch from outside, with this word for its state: `killed` or `dead`, say.
    pub fn end(&self, id: u64, word: &str) {
        self.world().end(id, word);
    }

    /// Has a batch show this word for its state, whatever it really does; none: the true one again.
    pub fn show(&self, id: u64, word: Option<&str>) {
        self.world().show(id, word);
    }

    /// Every batch there ever was, phantoms too, in the order in which they were made: also what was deleted, forgotten, or
    /// lost in a restart.
    pub fn batches(&self) -> Vec<Made> {
        self.world().all_made()
    }

    /// The batches whose jobs are alive now.
    pub fn alive(&self) -> Vec<Made> {
        self.batches().into_iter().filter(Made::is_alive).collect()
    }

    /// How many jobs were alive at the same time at most, of those whose names are `wanted`.
    pub fn most_alive(&self, wanted: impl Fn(&str) -> bool) -> usize {
        let jobs: Vec<Made> = self.batches().into_iter().filter(|made| made.begun && wanted(&made.name)).collect();
        let is_alive = |job: &Made, moment| job.at <= moment && job.over.is_none_or(|over| over > moment);
        jobs.iter().map(|new| jobs.iter().filter(|job| is_alive(job, new.at)).count()).max().unwrap_or(0)
    }
}

impl Answers for World {
    fn answer(&mut self, request: &Request<Bytes>) -> (Response<Bytes>, Duration) {
        let rest::Answer { response, takes } = rest::answer(self, request);
        (response, takes)
    }
}
