//! A hundred jobs of one stack, at rates that AWS publishes.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::NEW;
use crate::cloudformation::{Answer, Delivery, Properties, Stack, deliver};
use crate::town::{Engine, Town};

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

/// Delivers all of them at once: each must succeed.
async fn all(town: &Town, requests: &[Delivery]) -> (Vec<Answer>, Duration) {
    let begin = Instant::now();
    let answers = join_all(requests.iter().map(|request| deliver(town, request))).await;
    for answer in &answers {
        assert_eq!(answer.status, "SUCCESS", "{:?}: {}", town.engine(), answer.reason);
    }
    (answers, begin.elapsed())
}
