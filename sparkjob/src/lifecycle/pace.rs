//! How long to wait between two looks. Jitter comes from a hash, so that a state tells the same twice.

use std::time::Duration;

use crate::job::Digest;

/// The first interval, what each is multiplied with, and the longest.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    first: Duration,
    growth: f64,
    longest: Duration,
}

/// Looks at a job: a short one is not kept waiting, a long one costs little.
pub const LOOKS: Pace = Pace { first: Duration::from_secs(1), growth: 1.2, longest: Duration::from_secs(15) };

/// Repeats of a failed call: an engine in trouble is left alone.
pub const REPEATS: Pace = Pace { first: Duration::from_secs(1), growth: 2.0, longest: Duration::from_secs(30) };

/// The share by which an interval may be longer or shorter, so that many jobs do not ask at the same moment.
const JITTER: f64 = 0.2;

impl Pace {
    /// The interval after the `polls`-th look, jittered by `seed`.
    pub fn interval(self, polls: u32, seed: &Digest) -> Duration {
        let exponent = i32::try_from(polls.min(30)).unwrap_or(30);
        let plain = (self.first.as_secs_f64() * self.growth.powi(exponent)).min(self.longest.as_secs_f64());
        let share = f64::from(seed.byte(polls as usize)) / 255.0;
        Duration::from_secs_f64(plain * (1.0 - JITTER + 2.0 * JITTER * share))
    }
}
