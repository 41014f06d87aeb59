//! Random pairs of mishaps: `make chaos`.
//!
//! A run is made of its seed alone: the engine, what is asked for, at which two requests something goes wrong, and what. A run that
//! fails prints its seed, which in `SPARKJOB_CHAOS_SEED`, with `SPARKJOB_CHAOS_RUNS=1`, makes the same run again.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sparkjob::testing::Fault;

use crate::account::{Account, Trouble};
use crate::durable::{clean, faults, play};
use crate::mishap::Mishap;
use crate::scenario::{ALL, Scenario};
use crate::town::Engine;

/// How many runs there are unless somebody says otherwise.
const RUNS: u64 = 5_000;

#[test]
#[ignore = "minutes of random runs: make chaos"]
fn random_pairs_of_mishaps_are_survived() {
    let first = number("SPARKJOB_CHAOS_SEED").unwrap_or_else(|| {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since_1970.as_secs() * 1_000_000
    });
    let runs = number("SPARKJOB_CHAOS_RUNS").unwrap_or(RUNS);
    println!("SPARKJOB_CHAOS_SEED={first} SPARKJOB_CHAOS_RUNS={runs}");
    let (next, clean, struck, failed) =
        (AtomicU64::new(0), Clean::default(), AtomicU64::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let run = next.fetch_add(1, Ordering::Relaxed);
            if run >= runs {
                return;
            }
            let seed = first.wrapping_add(run);
            match catch_unwind(AssertUnwindSafe(|| strike(seed, &clean))) {
                Ok(mishaps) => _ = struck.fetch_add(mishaps, Ordering::Relaxed),
                Err(_) => failed.lock().expect("nobody panics while holding it").push(seed),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().expect("nobody panics while holding it");
    println!("{} runs, {} mishaps, {} violations", runs, struck.into_inner(), failed.len());
    assert!(failed.is_empty(), "repeat with SPARKJOB_CHAOS_RUNS=1 SPARKJOB_CHAOS_SEED=… one of {failed:?}");
}

/// One run; how many mishaps there were.
fn strike(seed: u64, clean: &Clean) -> u64 {
    let mut dice = Dice(seed);
    let number = dice.below(ALL.len());
    let scenario = ALL[number];
    let engines: Vec<Engine> = scenario.engines().collect();
    let engine = *dice.pick(&engines);
    let sends = clean.of(engine, number, scenario);
    // The first makes more requests, which the second may strike; and the Delete that follows has some, too.
    let within = sends + sends / 2;
    let mishaps = mishaps(scenario);
    let pair: BTreeMap<usize, Mishap> = (0..2).map(|_| (1 + dice.below(within), dice.pick(&mishaps).clone())).collect();
    let pair: Vec<(usize, Mishap)> = pair.into_iter().collect();
    let came = in_virtual_time(play(Account::new(engine), scenario, &pair));
    u64::try_from(came).expect("two at most")
}

/// What may go wrong: a request, its time, or Lambda.
fn mishaps(scenario: Scenario) -> Vec<Mishap> {
    let requests = [faults(), delays()].concat().into_iter().map(Mishap::Fault);
    let trouble = [Trouble::Before, Trouble::After]
        .into_iter()
        .flat_map(|trouble| [1, 3, 8].into_iter().map(move |times| Mishap::Trouble(trouble, times)));
    // What has minutes only cannot wait for room that long.
    let most = if scenario.is_short() { 1 } else { 4 };
    requests.chain(trouble).chain((1..=most).map(Mishap::NoRoom)).collect()
}

/// What takes effect after its sender has begun to doubt, and after it has ceased to wait.
fn delays() -> Vec<Fault> {
    [4, 12, 50].map(|seconds| Fault::Late(Duration::from_secs(seconds))).to_vec()
}

/// How many requests clean runs make.
#[derive(Default)]
struct Clean(Mutex<BTreeMap<(usize, usize), usize>>);

impl Clean {
    fn of(&self, engine: Engine, number: usize, scenario: Scenario) -> usize {
        let key = (engine as usize, number);
        let known = self.0.lock().expect("nobody panics while holding it").get(&key).copied();
        known.unwrap_or_else(|| {
            let sends = in_virtual_time(clean(Account::new(engine), scenario));
            self.0.lock().expect("nobody panics while holding it").insert(key, sends);
            sends
        })
    }
}

fn in_virtual_time<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(run)
}

/// Numbers that look random and follow from a seed: [`SplitMix64`](https://prng.di.unimi.it/splitmix64.c).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a small number");
        usize::try_from(self.roll() % bound).expect("a small number")
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}
