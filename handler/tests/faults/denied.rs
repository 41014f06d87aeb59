//! A Livy that denies a batch that it has, once: while its tables grow it does not find in them what is there.

use sparkjob::testing::FakeLivy;

use crate::account::Account;
use crate::durable::{clean, play};
use crate::scenario::{ALL, Scenario};
use crate::tally::Tally;
use crate::town::Engine;

#[tokio::test(start_paused = true)]
async fn a_batch_that_livy_denies_once_is_one_job_and_none_is_left() {
    survives(Account::new).await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_livy_denies_once_is_one_job_and_none_is_left_without_the_workflow() {
    survives(Account::without_workflow).await;
}

/// Denials at each request about a batch of each clean run.
async fn survives(account: fn(Engine) -> Account) {
    let mut tally = Tally::default();
    for (engine, scenario) in ALL.into_iter().flat_map(on_livy) {
        for (k, sent) in clean(account(engine), scenario).await.iter().enumerate() {
            if let Some(denial) = FakeLivy::denial(sent) {
                let struck = play(account(engine), scenario, &[(k + 1, denial.into())]).await;
                assert_eq!(struck, 1, "{engine:?}, {scenario:?}: {sent:?}");
                tally.survived(struck);
            }
        }
    }
    assert!(tally.count() > 100, "{tally}");
    tally.tell("batches that Livy denied");
}

fn on_livy(scenario: Scenario) -> impl Iterator<Item = (Engine, Scenario)> {
    let is_livy = |engine: &Engine| matches!(engine, Engine::Livy | Engine::LivyOnCluster);
    scenario.engines().filter(is_livy).map(move |engine| (engine, scenario))
}
