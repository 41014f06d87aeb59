//! The same faults where requests meet: one that nobody waits for any more, beside what `CloudFormation` has gone on to, and one that
//! is delivered once more when all is over.

use std::time::Duration;

use sparkjob::testing::Fault;
use tokio::time::sleep;

use crate::account::{Account, Status};
use crate::cloudformation::{Delivery, INVENTED, Properties, Stack};
use crate::durable::{assert_struck, strike_each};
use crate::tally::Tally;
use crate::town::Engine;
use crate::{NEW, OLD};

/// Requests that meet.
#[derive(Clone, Copy, Debug)]
enum Scene {
    /// A Delete comes while the Create is in flight.
    CutOff,
    /// The same in an update that is rolled back: `CloudFormation` tells nothing of the resource once it is deleted.
    TakenAway,
    /// An Update is rolled back while it is in flight.
    Overtaken,
    /// An Update comes when it has been rolled back.
    Late,
    /// A Create comes once more after its answer.
    Again,
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_cut_off_by_its_delete_survives_any_one_fault() {
    survives(Scene::CutOff).await;
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_resource_is_taken_away_before_it_comes_survives_any_one_fault() {
    survives(Scene::TakenAway).await;
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_overtaken_by_its_rollback_survives_any_one_fault() {
    survives(Scene::Overtaken).await;
}

#[tokio::test(start_paused = true)]
async fn an_update_that_comes_when_it_has_been_rolled_back_survives_any_one_fault() {
    survives(Scene::Late).await;
}

#[tokio::test(start_paused = true)]
async fn a_create_that_comes_once_more_after_its_answer_survives_any_one_fault() {
    survives(Scene::Again).await;
}

async fn survives(scene: Scene) {
    for engine in Engine::UNLIKE {
        let (clean, mut tally) = (play(engine, scene, None).await, Tally::default());
        strike_each(clean, &mut tally, async |fault| _ = play(engine, scene, Some(fault)).await).await;
        tally.tell(&format!("{engine:?}, {scene:?}, {clean} requests"));
    }
}

/// How many requests it took until all of them were over.
async fn play(engine: Engine, scene: Scene, fault: Option<(usize, Fault)>) -> usize {
    let told = format!("{engine:?}, {scene:?} with {fault:?}");
    let account = Account::new(engine);
    let strike = |before: usize| {
        if let Some((k, fault)) = &fault {
            account.way().fault_at(before + k, fault.clone());
        }
        before
    };
    let (before, sends) = match scene {
        Scene::CutOff => cut_off(&account, strike, &told).await,
        Scene::TakenAway => taken_away(&account, strike, &told).await,
        Scene::Overtaken => overtaken(&account, strike, &told).await,
        Scene::Late => late(&account, strike, &told).await,
        Scene::Again => again(&account, strike, &told).await,
    };
    assert_struck(&account, before, fault.as_ref(), &told);
    sends
}

/// How many requests there were before, and how many it took.
async fn cut_off(account: &Account, strike: impl Fn(usize) -> usize, told: &str) -> (usize, usize) {
    let mut stack = Stack::new(account.town());
    let create = stack.create(NEW, Properties { wait_for: "Succeeded", ..Properties::default() });
    let before = strike(account.way().sends());
    account.deliver_again(&create);
    sleep(Duration::from_secs(20)).await;
    let delete = stack.delete_of(INVENTED);
    let deleted = account.deliver(&delete).await;
    assert_eq!(deleted.status, "SUCCESS", "{told}: {}", deleted.reason);
    assert!(account.town().alive().is_empty(), "{told}: {:?} is left", account.town().alive());
    over(account, &[&create, &delete], told).await;
    assert!(account.town().alive().is_empty(), "{told}: {:?} came afterwards", account.town().alive());
    failed_at_most(account, &create, told);
    (before, account.way().sends() - before)
}

/// Lambda delivers the Create when the update that had added the resource has been taken back.
async fn taken_away(account: &Account, strike: impl Fn(usize) -> usize, told: &str) -> (usize, usize) {
    let (mut stack, stacks) = (Stack::new(account.town()), account.town().stacks());
    let create = stack.create(NEW, Properties::BRIEF);
    stacks.go_on("UPDATE_IN_PROGRESS", account.town().now());
    sleep(Duration::from_secs(20)).await;
    stacks.go_back(account.town().now());
    let deleted = account.deliver(&stack.delete_of(INVENTED)).await;
    assert_eq!(deleted.status, "SUCCESS", "{told}: {}", deleted.reason);
    account.settled().await;
    stacks.go_on("UPDATE_ROLLBACK_COMPLETE", account.town().now());
    stacks.forget("Pi");
    let before = strike(account.way().sends());
    account.deliver_again(&create);
    over(account, &[&create], told).await;
    assert!(account.town().alive().is_empty(), "{told}: {:?} came afterwards", account.town().alive());
    failed_at_most(account, &create, told);
    (before, account.way().sends() - before)
}

async fn overtaken(account: &Account, strike: impl Fn(usize) -> usize, told: &str) -> (usize, usize) {
    let mut stack = Stack::new(account.town());
    let created = account.deliver(&stack.create(OLD, Properties::BRIEF)).await;
    stack.answered(&created);
    account.settled().await;
    let before = strike(account.way().sends());
    let update = stack.update(NEW, Properties::BRIEF);
    account.deliver_again(&update);
    // Later than what may be about the same request.
    sleep(Duration::from_secs(7)).await;
    assert!(account.town().answer(&update).is_none(), "{told}: it was answered before");
    let back = stack.roll_back();
    let rolled_back = account.ask(&back).await.unwrap_or_else(|| panic!("{told}: nobody answered"));
    assert_eq!(rolled_back.status, "SUCCESS", "{told}: {}", rolled_back.reason);
    over(account, &[&update, &back], told).await;
    let sends = account.way().sends() - before;
    if rolled_back.id != created.id {
        let cleaned = account.deliver(&stack.delete_of(&created.id)).await;
        assert_eq!(cleaned.status, "SUCCESS", "{told}: {}", cleaned.reason);
    }
    assert_eq!(account.town().alive().len(), 1, "{told}: {:?}", account.town().alive());
    account.finish(stack, &rolled_back).await;
    (before, sends)
}

async fn late(account: &Account, strike: impl Fn(usize) -> usize, told: &str) -> (usize, usize) {
    let mut stack = Stack::new(account.town());
    let created = account.deliver(&stack.create(OLD, Properties::BRIEF)).await;
    stack.answered(&created);
    account.settled().await;
    let update = stack.update(NEW, Properties::BRIEF);
    sleep(Duration::from_secs(20)).await;
    let rolled_back = account.deliver(&stack.roll_back()).await;
    assert_eq!((rolled_back.status.as_str(), &rolled_back.id), ("SUCCESS", &created.id), "{told}");
    account.settled().await;
    let before = strike(account.way().sends());
    account.deliver_again(&update);
    over(account, &[&update], told).await;
    failed_at_most(account, &update, told);
    assert_eq!((account.town().alive().len(), account.town().jobs_of(OLD)), (1, 1), "{told}");
    let sends = account.way().sends() - before;
    account.finish(stack, &rolled_back).await;
    (before, sends)
}

async fn again(account: &Account, strike: impl Fn(usize) -> usize, told: &str) -> (usize, usize) {
    let mut stack = Stack::new(account.town());
    let create = stack.create(NEW, Properties::BRIEF);
    let answer = account.deliver(&create).await;
    account.settled().await;
    let before = strike(account.way().sends());
    account.deliver_again(&create);
    over(account, &[&create], told).await;
    assert_eq!(account.town().distinct_answers(&create), 1, "{told}");
    assert_eq!((account.town().alive().len(), account.town().jobs_of(NEW)), (1, 1), "{told}");
    let sends = account.way().sends() - before;
    account.finish(stack, &answer).await;
    (before, sends)
}

/// Waits until nobody acts any more: each of these has one answer at most, and each execution has come to its end by itself.
async fn over(account: &Account, requests: &[&Delivery], told: &str) {
    account.settled().await;
    assert!(requests.iter().all(|request| account.town().distinct_answers(request) <= 1), "{told}");
    assert!(account.executions().iter().all(|status| *status == Status::Succeeded), "{told}");
    assert!(account.town().jobs_of(NEW) <= 1, "{told}");
}

/// Whoever still puts an answer that nobody waits for does not claim that all is well.
fn failed_at_most(account: &Account, request: &Delivery, told: &str) {
    let answer = account.town().answer(request);
    assert!(answer.is_none_or(|answer| answer["Status"] == "FAILED"), "{told}");
}
