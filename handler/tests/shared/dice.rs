//! Random runs, each of which is made of its seed alone: `make chaos`.
//!
//! A run that fails tells its seed, which in `SPARKJOB_CHAOS_SEED`, with `SPARKJOB_CHAOS_RUNS=1`, makes the same run again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Makes so many `runs`, unless somebody says how many, of the seeds that follow each other from a new one, unless somebody says which.
/// Each gives how much of `what` has come of it; none may panic.
pub fn roll(runs: u64, what: &str, run: impl Fn(Dice) -> u64 + Sync) {
    let first = number("SPARKJOB_CHAOS_SEED").unwrap_or_else(|| {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since_1970.as_secs() * 1_000_000
    });
    let runs = number("SPARKJOB_CHAOS_RUNS").unwrap_or(runs);
    println!("SPARKJOB_CHAOS_SEED={first} SPARKJOB_CHAOS_RUNS={runs}");
    let (next, came, failed) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= runs {
                return;
            }
            let seed = first.wrapping_add(number);
            if let Ok(more) = catch_unwind(AssertUnwindSafe(|| run(Dice(seed)))) {
                came.fetch_add(more, Ordering::Relaxed);
            } else {
                println!("violated: SPARKJOB_CHAOS_RUNS=1 SPARKJOB_CHAOS_SEED={seed}");
                failed.lock().expect("nobody panics while holding it").push(seed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().expect("nobody panics while holding it");
    println!("{runs} runs, {} {what}, {} violations", came.into_inner(), failed.len());
    assert!(failed.is_empty(), "{failed:?}");
}

/// A run by itself, to its end.
pub fn in_virtual_time<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(run)
}

/// Numbers that look random and follow from a seed: [`SplitMix64`](https://prng.di.unimi.it/splitmix64.c).
pub struct Dice(u64);

impl Dice {
    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a small number");
        usize::try_from(self.roll() % bound).expect("a small number")
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}
