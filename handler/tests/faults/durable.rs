//! The same faults where the workflow does the work: from the claim to the answer, through every retry and the responder.
//!
//! Besides what a loss is, the process that sends may die, before its request takes effect and after. `CloudFormation` goes on
//! with the first answer, whatever still happens.

use std::time::Duration;

use http::Method;
use sparkjob::testing::{Fault, Instead, Script, Sent};

use crate::account::{Account, Function, Status};
use crate::cloudformation::{Answer, Delivery, Properties, Stack};
use crate::mishap::Mishap;
use crate::scenario::{self, Scenario, each_scenario};
use crate::tally::Tally;
use crate::town::Engine;
use crate::undelivered::refused;
use crate::{NEW, OLD};

each_scenario!();

/// What can happen to one request.
pub fn faults() -> Vec<Fault> {
    [Fault::failures(), Fault::deaths()].concat()
}

/// Plays once for each fault at each of so many requests, the first of which is 1.
pub async fn strike_each(requests: usize, tally: &mut Tally, play: impl AsyncFn((usize, Fault))) {
    strike_each_with(&faults(), requests, tally, play).await;
}

/// The same for each of these faults, where it has its turn.
pub async fn strike_each_with(
    faults: &[Fault],
    requests: usize,
    tally: &mut Tally,
    play: impl AsyncFn((usize, Fault)),
) {
    for k in 1..=requests {
        for fault in faults.iter().filter(|fault| fault.has_its_turn(k)) {
            play((k, fault.clone())).await;
            tally.survived(1);
        }
    }
}

/// Looks that a fault has struck the request that it was meant for, one of those that followed so many.
pub fn assert_struck(account: &Account, before: usize, fault: Option<&(usize, Fault)>, told: &str) {
    let Some((k, fault)) = fault else { return };
    let requests = account.way().requests();
    let struck = requests.get(before + k - 1).and_then(|sent| sent.fault.as_ref());
    assert_eq!(struck, Some(fault), "{told}: it did not strike");
}

/// Faults at each request of a clean run.
async fn survives_on(engine: Engine, scenario: Scenario) {
    let clean = clean(Account::new(engine), scenario).await.len();
    play(Account::new(engine), scenario, &[]).await;
    let mut tally = Tally::default();
    strike_each(clean, &mut tally, async |(k, fault)| {
        let struck = play(Account::new(engine), scenario, &[(k, fault.clone().into())]).await;
        assert_eq!(struck, 1, "{engine:?}, {scenario:?}: {fault:?} did not strike at {k}");
    })
    .await;
    tally.tell(&format!("{engine:?}, {:?}, durably, {clean} requests", scenario.ask));
}

/// One silence is waited for; where the same look meets another one, what it was to tell is still not known.
#[tokio::test(start_paused = true)]
async fn a_rollback_survives_two_silences_one_after_the_other() {
    let silence = || Mishap::from(Fault::Before(Instead::Silence));
    for scenario in scenario::ALL.into_iter().filter(Scenario::is_rollback) {
        for engine in scenario.engines() {
            let clean = clean(Account::new(engine), scenario).await.len();
            for (k, next) in (1..=clean).flat_map(|k| (1..=3).map(move |after| (k, k + after))) {
                let came = play(Account::new(engine), scenario, &[(k, silence()), (next, silence())]).await;
                assert_ne!(came, 0, "{engine:?}, {scenario:?}: no silence came at {k}");
            }
        }
    }
}

/// The requests that a run in this account makes to which nothing happens.
pub async fn clean(account: Account, scenario: Scenario) -> Vec<Sent> {
    let Setting { account, request, .. } = Setting::of(account, scenario).await;
    let before = account.way().sends();
    account.deliver(&request).await;
    account.settled().await;
    account.way().requests().split_off(before)
}

/// One run in this account, from an empty engine to an empty engine, with these mishaps at requests counted from the first that
/// is tried; all that must hold is checked. How many of them came.
pub async fn play(account: Account, scenario: Scenario, mishaps: &[(usize, Mishap)]) -> usize {
    let Setting { account, mut stack, request } = Setting::of(account, scenario).await;
    let town = account.town();
    let told = format!("{:?}, {scenario:?} with {mishaps:?}", town.engine());
    let before = account.way().sends();
    let is_worse = mishaps.len() > 1 || scenario.is_short() && mishaps.iter().any(|(_, mishap)| mishap.lasts());
    for (k, mishap) in mishaps {
        mishap.clone().befall(&account, before + k);
    }
    let mut requests = vec![request.clone()];
    let answer = answered(&account, &request, &told).await;
    assert_eq!(answer.status, scenario.status, "{told}: {}", answer.reason);
    scenario.assert_reason(&answer, is_worse, &told);
    // Where two wait for what may come late, there may be no time left to submit.
    let is_in_vain = is_worse && scenario.is_short() && answer.reason.contains("could not be submitted");
    let jobs = if is_in_vain { 0 } else { scenario.jobs };
    let made = town.jobs_of(scenario.file());
    assert_eq!(made, jobs, "{told}: {}", answer.reason);
    assert!(scenario.is_true_of(town), "{told}");
    let alive = town.alive();
    // Then the old one is not stopped for it, either.
    let most = scenario.most_alive(&answer, is_worse) + usize::from(is_in_vain);
    assert!((scenario.alive..=most).contains(&alive.len()), "{told}: {alive:?}: {}", answer.reason);
    if scenario.is_one_at_a_time() {
        assert_eq!(town.most_alive(), 1, "{told}");
    }

    if let Some(alive) = scenario.alive_again() {
        stack.fails(&answer);
        let back = stack.roll_back();
        let restored = answered(&account, &back, &told).await;
        assert_eq!(restored.status, "SUCCESS", "{told}: {}", restored.reason);
        assert_eq!(town.alive().len(), alive, "{told}: {:?}: {}", town.alive(), restored.reason);
        requests.push(back);
        stack.answered(&restored);
    } else {
        stack.answered(&answer);
    }
    for delete in stack.deletes() {
        let deleted = answered(&account, &delete, &told).await;
        assert_eq!(deleted.status, "SUCCESS", "{told}: {}", deleted.reason);
        requests.push(delete);
    }
    assert!(town.alive().is_empty(), "{told}: {:?} is left", town.alive());
    account.settled().await;
    assert!(town.alive().is_empty(), "{told}: {:?} came afterwards", town.alive());
    assert_eq!(town.jobs_of(scenario.file()), made, "{told}");
    assert_eq!(town.phantoms(), 0, "{told}");
    for request in &requests {
        let ids = town.ids_of_answers(request);
        assert_eq!(ids.len(), 1, "{told}: {ids:?}");
        if !account.is_without_workflow() {
            assert_eq!(town.distinct_answers(request), 1, "{told}");
        }
    }
    assert!(account.executions().iter().all(|status| *status == Status::Succeeded), "{told}");
    let sent = account.way().sends() - before;
    mishaps.iter().filter(|(k, _)| *k <= sent).count()
}

async fn answered(account: &Account, request: &Delivery, told: &str) -> Answer {
    account.ask(request).await.unwrap_or_else(|| panic!("{told}: nobody answered {request:?}"))
}

/// What a scenario begins with.
pub struct Setting {
    pub account: Account,
    pub stack: Stack,
    pub request: Delivery,
}

impl Setting {
    /// A stack of which all is done that comes before the request that is tried.
    pub async fn of(account: Account, scenario: Scenario) -> Self {
        let mut stack = Stack::new(account.town());
        match scenario.of_the_old() {
            Some(properties) if scenario.is_of_an_unheard() => {
                account.way().fault_each(Method::PUT, "", refused());
                assert_eq!(account.ask(&stack.create(OLD, properties)).await, None);
                account.heal();
            }
            Some(properties) => {
                let created = account.deliver(&stack.create(OLD, properties)).await;
                stack.answered(&created);
                account.settled().await;
            }
            None => {}
        }
        let mut updated = None;
        if let Some(update) = scenario.taken_back(account.town(), &mut stack) {
            updated = Some(account.deliver(&update).await);
            account.settled().await;
        }
        let request = scenario.request(account.town(), &mut stack, updated.as_ref());
        Self { account, stack, request }
    }
}

#[tokio::test(start_paused = true)]
async fn two_deliveries_at_once_make_one_job_whatever_is_lost() {
    let mut tally = Tally::default();
    for engine in Engine::ALL {
        let clean = play_twice(engine, None).await;
        strike_each(clean, &mut tally, async |fault| _ = play_twice(engine, Some(fault)).await).await;
    }
    tally.tell("two deliveries at once, durably");
}

/// A Create that Lambda delivers twice; how many requests it took.
async fn play_twice(engine: Engine, fault: Option<(usize, Fault)>) -> usize {
    let told = format!("{engine:?} with {fault:?}");
    let account = Account::new(engine);
    let mut stack = Stack::new(account.town());
    let request = stack.create(NEW, Properties::BRIEF);
    if let Some((k, fault)) = &fault {
        account.way().fault_at(*k, fault.clone());
    }
    account.deliver_again(&request);
    let answer = answered(&account, &request, &told).await;
    assert_eq!(answer.status, "SUCCESS", "{told}: {}", answer.reason);
    account.settled().await;
    assert_eq!((account.town().jobs_of(NEW), account.town().alive().len()), (1, 1), "{told}");
    assert_eq!(account.town().distinct_answers(&request), 1, "{told}");
    assert_struck(&account, 0, fault.as_ref(), &told);
    let sends = account.way().sends();
    stack.answered(&answer);
    let deleted = answered(&account, &stack.delete(), &told).await;
    assert_eq!(deleted.status, "SUCCESS", "{told}: {}", deleted.reason);
    assert!(account.town().alive().is_empty(), "{told}");
    sends
}

#[tokio::test(start_paused = true)]
async fn a_move_between_engines_survives_any_one_fault() {
    for (from, to) in [
        (Engine::Livy, Engine::EmrServerless),
        (Engine::EmrServerless, Engine::EmrOnEks),
        (Engine::EmrSteps, Engine::Livy),
    ] {
        let (clean, mut tally) = (migrate(from, to, None).await, Tally::default());
        strike_each(clean, &mut tally, async |fault| _ = migrate(from, to, Some(fault)).await).await;
        tally.tell(&format!("{from:?} to {to:?}, durably, {clean} requests"));
    }
}

/// Moves a job and deletes it where it has gone; how many requests the move took.
async fn migrate(from: Engine, to: Engine, fault: Option<(usize, Fault)>) -> usize {
    let told = format!("{from:?} to {to:?} with {fault:?}");
    let account = Account::new(from);
    let mut stack = Stack::new(account.town());
    let created = account.deliver(&stack.create(OLD, Properties::BRIEF)).await;
    stack.answered(&created);
    account.settled().await;
    let before = account.way().sends();
    if let Some((k, fault)) = &fault {
        account.way().fault_at(before + k, fault.clone());
    }
    let moved = answered(&account, &stack.update_on(to, OLD, Properties::BRIEF), &told).await;
    assert_eq!(moved.status, "SUCCESS", "{told}: {}", moved.reason);
    assert_eq!((account.town().alive().len(), account.town().most_alive()), (1, 1), "{told}");
    account.settled().await;
    assert_struck(&account, before, fault.as_ref(), &told);
    let sends = account.way().sends() - before;
    stack.answered(&moved);
    for delete in stack.deletes() {
        assert_eq!(answered(&account, &delete, &told).await.status, "SUCCESS", "{told}");
    }
    assert!(account.town().alive().is_empty(), "{told}: {:?} is left", account.town().alive());
    sends
}

#[tokio::test(start_paused = true)]
async fn a_submission_that_arrives_late_is_still_the_only_one() {
    for engine in Engine::ALL {
        // Steps have neither tokens nor names that are taken, so a lost one is waited for, for two minutes.
        let latest = if engine == Engine::EmrSteps { 1 } else { 4 };
        for minutes in 1..=latest {
            let told = format!("{engine:?}, {minutes}");
            let account = Account::new(engine);
            let mut stack = Stack::new(account.town());
            let late = Fault::Late(Duration::from_mins(minutes));
            account.way().fault_next(Method::POST, engine.submission(), late);
            let answer = answered(&account, &stack.create(NEW, Properties::default()), &told).await;
            assert_eq!(answer.status, "SUCCESS", "{told}: {}", answer.reason);
            tokio::time::sleep(Duration::from_mins(10)).await;
            assert_eq!(account.town().jobs_of(NEW), 1, "{told}");
            stack.answered(&answer);
            assert_eq!(account.deliver(&stack.delete()).await.status, "SUCCESS", "{told}");
            assert!(account.town().alive().is_empty(), "{told}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_longer_than_many_invocations_is_followed_to_its_end() {
    for engine in Engine::ALL {
        let account = Account::new(engine);
        account.limit(Function::Submitter, Duration::from_mins(1));
        let script = Script::running(Duration::from_mins(40));
        account.town().emr().script(NEW, script.clone());
        account.town().livy().script(NEW, script);
        let mut stack = Stack::new(account.town());
        let told = Properties { wait_for: "Succeeded", ..Properties::default() };
        let answer = account.deliver(&stack.create(NEW, told)).await;
        assert_eq!((answer.status.as_str(), account.town().jobs_of(NEW)), ("SUCCESS", 1), "{}", answer.reason);
        assert!(account.failures().is_empty(), "{:?}", account.failures());
        // Each step has something to do, though it may be woken before that is due.
        let (steps, sends) = (account.entered("Act"), account.way().sends());
        assert!(steps < sends, "{engine:?}: {steps} steps, {sends} requests");
        account.finish(stack, &answer).await;
    }
}

/// How many milliseconds a Create takes to which nothing happens.
pub async fn duration(engine: Engine) -> u64 {
    let account = Account::new(engine);
    let begin = account.town().now();
    account.deliver(&Stack::new(account.town()).create(NEW, Properties::default())).await;
    account.town().now().0 - begin.0
}
