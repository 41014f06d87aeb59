//! Counts faults that were survived.

use std::fmt;

use sparkjob::testing::note;

/// Counts faults that were survived.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally(usize);

impl Tally {
    /// So many more.
    pub fn survived(&mut self, more: usize) {
        self.0 += more;
    }

    /// How many there were so far.
    pub fn count(self) -> usize {
        self.0
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
