//! A hundred jobs of one stack, at rates that AWS publishes.

use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use tokio::time::Instant;

use crate::account::Account;
use crate::cloudformation::{Answer, Delivery, Properties, Stack, deliver};
use crate::town::{Engine, Town};
use crate::{NEW, OLD};

/// How many resources there are.
const CROWD: usize = 100;

#[tokio::test(start_paused = true)]
async fn a_hundred_jobs_come_up_and_go_without_being_throttled_to_death() {
    for engine in [Engine::EmrOnEks, Engine::EmrServerless, Engine::EmrSteps] {
        let town = Town::new(engine);
        town.emr().limit_rates();
        let mut stacks: Vec<Stack> = (0..CROWD).map(|number| Stack::named(&town, &format!("Job{number}"))).collect();
        let requests: Vec<Delivery> = stacks.iter_mut().map(|stack| stack.create(NEW, Properties::default())).collect();
        let (created, up) = all(&town, &requests).await;
        assert_eq!(town.alive().len(), CROWD, "{engine:?}");
        for (stack, answer) in stacks.iter_mut().zip(&created) {
            stack.answered(answer);
        }
        let deletes: Vec<Delivery> = stacks.iter_mut().map(Stack::delete).collect();
        let (_, down) = all(&town, &deletes).await;
        assert!(town.alive().is_empty(), "{engine:?}");
        let (calls, refused) = town.emr().throttling();
        println!("{engine:?}: up in {up:?}, down in {down:?}; {refused} of {calls} calls were one too many");
    }
}

/// Each looks for what its resource has left behind, in lists of which nobody may have more than a page a second.
#[tokio::test(start_paused = true)]
async fn a_hundred_jobs_that_are_replaced_at_once_find_their_way_through_the_lists() {
    for engine in [Engine::EmrOnEks, Engine::EmrServerless] {
        let town = Town::new(engine);
        town.emr().limit_rates();
        let mut stacks: Vec<Stack> = (0..CROWD).map(|number| Stack::named(&town, &format!("Job{number}"))).collect();
        let requests: Vec<Delivery> = stacks.iter_mut().map(|stack| stack.create(NEW, Properties::default())).collect();
        let (mut answers, _) = all(&town, &requests).await;
        for file in [OLD, NEW] {
            for (stack, answer) in stacks.iter_mut().zip(&answers) {
                stack.answered(answer);
            }
            let update = |stack: &mut Stack| stack.update(file, Properties::default());
            let requests: Vec<Delivery> = stacks.iter_mut().map(update).collect();
            let before = lists(&town);
            let (updated, over) = all(&town, &requests).await;
            answers = updated;
            assert_eq!((town.alive().len(), town.jobs_of(file) % CROWD), (CROWD, 0), "{engine:?}");
            let (calls, refused) = town.emr().throttling();
            let lists = lists(&town) - before;
            println!(
                "{engine:?}: over in {over:?}; {refused} of {calls} calls so far were one too many; {lists} for lists"
            );
        }
    }
}

/// The workflow gives each of them the hour that its template gives. Of EMR's steps, of which an account may list some once in
/// two seconds, no more than half as many fit into that.
#[tokio::test(start_paused = true)]
async fn as_many_jobs_are_replaced_at_once_as_is_documented() {
    for (engine, crowd) in [(Engine::EmrOnEks, CROWD), (Engine::EmrServerless, CROWD), (Engine::EmrSteps, CROWD / 2)] {
        let account = Account::new(engine);
        let town = account.town();
        town.emr().limit_rates();
        let mut stacks: Vec<Stack> = (0..crowd).map(|number| Stack::named(town, &format!("Job{number}"))).collect();
        let requests: Vec<Delivery> = stacks.iter_mut().map(|stack| stack.create(OLD, Properties::default())).collect();
        let (created, up) = all_durably(&account, &requests).await;
        for (stack, answer) in stacks.iter_mut().zip(&created) {
            stack.answered(answer);
        }
        let requests: Vec<Delivery> = stacks.iter_mut().map(|stack| stack.update(NEW, Properties::default())).collect();
        let (_, over) = all_durably(&account, &requests).await;
        account.settled().await;
        assert_eq!((town.alive().len(), town.jobs_of(NEW)), (crowd, crowd), "{engine:?}");
        let (calls, refused) = town.emr().throttling();
        println!(
            "{crowd} {engine:?}, durably: up in {up:?}, over in {over:?}; {refused} of {calls} calls were one too many"
        );
    }
}

/// How many calls there were for a page of a list.
fn lists(town: &Town) -> usize {
    let is_list = |path: &str| path.split('?').next().is_some_and(|path| path.ends_with("/jobruns"));
    town.emr().requests().iter().filter(|sent| sent.method == Method::GET && is_list(&sent.path)).count()
}

/// Delivers all of them at once, each to one invocation: each must succeed.
async fn all(town: &Town, requests: &[Delivery]) -> (Vec<Answer>, Duration) {
    succeed(town.engine(), requests.iter().map(|request| deliver(town, request))).await
}

/// The same where the workflow works on them.
async fn all_durably(account: &Account, requests: &[Delivery]) -> (Vec<Answer>, Duration) {
    succeed(account.town().engine(), requests.iter().map(|request| account.deliver(request))).await
}

async fn succeed(
    engine: Engine,
    deliveries: impl Iterator<Item = impl Future<Output = Answer>>,
) -> (Vec<Answer>, Duration) {
    let begin = Instant::now();
    let answers = join_all(deliveries).await;
    for answer in &answers {
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
    }
    (answers, begin.elapsed())
}
