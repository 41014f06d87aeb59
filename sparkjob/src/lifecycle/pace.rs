//! How long to wait between two looks. Jitter comes from a hash, so that a state tells the same twice.

use std::time::Duration;

use crate::engine::Kind;
use crate::job::{Digest, Place};

/// The first interval, what each is multiplied with, and the longest.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    first: Duration,
    growth: f64,
    longest: Duration,
    /// The share by which an interval may be longer or shorter, so that many jobs do not ask at the same moment.
    jitter: f64,
}

impl Pace {
    /// Looks at a job: a short one is not kept waiting, a long one costs little.
    ///
    /// The engines of AWS allow an account so many looks a second, whoever makes them:
    /// [EMR Serverless](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/endpoints-quotas.html) ten and
    /// [EMR](https://docs.aws.amazon.com/general/latest/gr/emr.html) one in two seconds. A hundred jobs of one
    /// stack that are looked at every 20 seconds take half of what the one allows; on the other even a look a minute at each
    /// is three times too many, and they wait for their turns.
    pub fn of_looks(place: Option<&Place>) -> Self {
        let seconds = match place {
            None | Some(Place::Livy(_) | Place::LivyOnCluster(_)) => (1, 15),
            Some(Place::EmrOnEks(_) | Place::EmrServerless(_)) => (2, 20),
            Some(Place::EmrSteps(_)) => (5, 60),
        };
        Self::growing(seconds, 1.2, 0.2)
    }

    /// Repeats of a call that failed: an engine in trouble is left alone, and the longer, the fewer calls it allows.
    pub fn of_repeats(place: Option<&Place>, kind: Kind) -> Self {
        let seconds = match (kind, place) {
            (Kind::Busy, Some(Place::EmrSteps(_))) => (4, 60),
            (Kind::Busy, Some(Place::EmrOnEks(_) | Place::EmrServerless(_))) => (2, 60),
            _ => (1, 30),
        };
        Self::growing(seconds, 2.0, if kind == Kind::Busy { 0.5 } else { 0.2 })
    }

    fn growing((first, longest): (u64, u64), growth: f64, jitter: f64) -> Self {
        Self { first: Duration::from_secs(first), growth, longest: Duration::from_secs(longest), jitter }
    }

    /// The interval after the `polls`-th look, jittered by `seed`.
    pub fn interval(self, polls: u32, seed: &Digest) -> Duration {
        let exponent = i32::try_from(polls.min(30)).unwrap_or(30);
        let plain = (self.first.as_secs_f64() * self.growth.powi(exponent)).min(self.longest.as_secs_f64());
        let share = f64::from(seed.byte(polls as usize)) / 255.0;
        Duration::from_secs_f64(plain * (1.0 - self.jitter + 2.0 * self.jitter * share))
    }
}
