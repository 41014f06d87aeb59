//! Which faults are tried where: all of them at every request would take longer than anybody waits for.
//!
//! At each request so many are tried, and at the next one those that follow in the list, so that each has its turn at one
//! request in a few, always the same ones. `make chaos` tries all.

use std::fmt;

use sparkjob::testing::{Fault, note};

use crate::town::Engine;

/// Of the faults that there are, so many are tried at one request where the function does all the work…
pub const IN_PROCESS: usize = 2;

/// … and so many where the workflow does.
pub const DURABLE: usize = 2;

/// The environment variable that has all of them tried.
const ALL: &str = "SPARKJOB_ALL_FAULTS";

/// So many of `faults`, for the `k`-th request.
pub fn of(faults: Vec<Fault>, many: usize, engine: Engine, k: usize) -> Vec<Fault> {
    if std::env::var_os(ALL).is_some() {
        return faults;
    }
    let first = k * many + engine as usize;
    (0..many.min(faults.len())).map(|next| faults[(first + next) % faults.len()].clone()).collect()
}

/// Counts faults that were survived.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally(usize);

impl Tally {
    /// So many more.
    pub fn survived(&mut self, more: usize) {
        self.0 += more;
    }

    /// Tells what they were survived by; `make unit` adds up what all tests tell.
    pub fn tell(self, by: &str) {
        println!("{by}: {self}");
        note(&format!("{by}: {self}"));
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} faults survived", self.0)
    }
}
