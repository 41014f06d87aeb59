//! Random pairs of mishaps: `make chaos`.
//!
//! What a run is made of: the engine, what is asked for, at which two requests something goes wrong, and what.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use sparkjob::testing::Fault;

use crate::account::{Account, Trouble};
use crate::dice::{Dice, in_virtual_time, roll};
use crate::durable::{clean, faults, play};
use crate::mishap::Mishap;
use crate::scenario::{ALL, Scenario};
use crate::town::Engine;

/// How many runs there are unless somebody says otherwise.
const RUNS: u64 = 5_000;

#[test]
#[ignore = "minutes of random runs: make chaos"]
fn random_pairs_of_mishaps_are_survived() {
    let clean = Clean::default();
    roll(RUNS, "mishaps", |dice| strike(dice, &clean));
}

/// One run; how many mishaps there were.
fn strike(mut dice: Dice, clean: &Clean) -> u64 {
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
            let sends = in_virtual_time(clean(Account::new(engine), scenario)).len();
            self.0.lock().expect("nobody panics while holding it").insert(key, sends);
            sends
        })
    }
}
