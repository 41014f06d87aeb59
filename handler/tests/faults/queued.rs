//! A virtual cluster whose queue has room for one job run: whatever comes while one waits is submitted once that runs.

use std::time::Duration;

use sparkjob::testing::Script;

use crate::account::Account;
use crate::cloudformation::{Answer, Delivery, Properties, Stack};
use crate::town::{Engine, VIRTUAL_CLUSTER};
use crate::{DYING, NEW, OLD};

const OTHER: &str = "s3://code/other.py";
/// For so long the other job waits, which is longer than an engine that is away is waited for.
const WAITS: Duration = Duration::from_mins(7);

#[tokio::test(start_paused = true)]
async fn a_full_queue_fails_neither_a_create_nor_an_update_nor_its_rollback() {
    let account = Account::new(Engine::EmrOnEks);
    account.town().emr().limit_queue(VIRTUAL_CLUSTER, 1);
    account.town().emr().script(OTHER, Script { waits: WAITS, ..Script::endless() });
    let mut stack = Stack::new(account.town());
    fill(&account, 1).await;
    let create = stack.create(OLD, Properties::BRIEF);
    let created = waited_for(&account, &create).await;
    assert_eq!(created.status, "SUCCESS", "{}", created.reason);
    stack.answered(&created);
    // The old job has made room for the new one before anybody knows that this finds none.
    fill(&account, 2).await;
    let update = stack.update(DYING, Properties::BRIEF);
    let updated = waited_for(&account, &update).await;
    assert!(updated.reason.contains(" failed on "), "{}", updated.reason);
    stack.fails(&updated);
    fill(&account, 3).await;
    let back = stack.roll_back();
    let restored = waited_for(&account, &back).await;
    assert_eq!((restored.status.as_str(), account.town().jobs_of(OLD)), ("SUCCESS", 2), "{}", restored.reason);
    stack.answered(&restored);
    let update = stack.update(NEW, Properties::BRIEF);
    let updated = account.deliver(&update).await;
    assert_eq!(updated.status, "SUCCESS", "{}", updated.reason);
    stack.answered(&updated);
    for delete in stack.deletes() {
        let deleted = account.deliver(&delete).await;
        assert_eq!(deleted.status, "SUCCESS", "{}", deleted.reason);
    }
    assert!([OLD, NEW, DYING].iter().all(|file| account.town().emr().alive().iter().all(|run| run.file != *file)));
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_full_until_the_deadline_is_what_the_answer_tells_of() {
    let account = Account::new(Engine::EmrOnEks);
    account.town().emr().limit_queue(VIRTUAL_CLUSTER, 1);
    account.town().emr().script(OTHER, Script { waits: WAITS, ..Script::endless() });
    fill(&account, 1).await;
    let mut stack = Stack::new(account.town());
    let answer = account.deliver(&stack.create(NEW, Properties { service_timeout: 240, ..Properties::BRIEF })).await;
    let told = "its queue is full (1 of 1, its maxInQueueJobRuns)";
    assert!(answer.status == "FAILED" && answer.reason.contains(told), "{}", answer.reason);
    stack.answered(&answer);
    let deleted = account.deliver(&stack.delete()).await;
    assert_eq!((deleted.status.as_str(), account.town().jobs_of(NEW)), ("SUCCESS", 0), "{}", deleted.reason);
}

/// Has a job of another stack's wait.
async fn fill(account: &Account, number: u32) {
    let properties = Properties { wait_for: "Submitted", ..Properties::default() };
    let other =
        account.deliver(&Stack::named(account.town(), &format!("Other{number}")).create(OTHER, properties)).await;
    assert_eq!(other.status, "SUCCESS", "{}", other.reason);
}

/// The answer to a request that has to wait for room.
async fn waited_for(account: &Account, request: &Delivery) -> Answer {
    let begin = account.town().now();
    let answer = account.deliver(request).await;
    account.settled().await;
    assert!(account.town().now().since(begin) >= WAITS / 2, "{request:?} did not wait");
    answer
}
