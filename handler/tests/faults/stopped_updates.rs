//! Updates whose execution is stopped by hand: what a step still submits that was under way is found by the rollback.

use std::time::Duration;

use http::Method;
use tokio::time::sleep;

use sparkjob::testing::{Fault, Instead};

use crate::account::{Account, Function};
use crate::cloudformation::{Properties, Stack};
use crate::stopped::until_struck;
use crate::town::Engine;
use crate::{NEW, OLD};

#[tokio::test(start_paused = true)]
async fn an_update_that_is_stopped_by_hand_leaves_nothing_that_its_rollback_does_not_find() {
    for engine in Engine::ALL {
        for moment in [30, 1_000, 5_000, 20_000] {
            let told = format!("{engine:?}, stopped after {moment} ms");
            let account = Account::new(engine);
            let mut stack = Stack::new(account.town());
            let created = account.deliver(&stack.create(OLD, Properties::default())).await;
            stack.answered(&created);
            account.settled().await;
            let update = stack.update(NEW, Properties::default());
            account.deliver_again(&update);
            sleep(Duration::from_millis(moment)).await;
            account.stop_executions();
            let failed = account.answer(&update).await.expect("an answer");
            assert_eq!((failed.status.as_str(), &failed.id), ("FAILED", &created.id), "{told}");
            let rolled_back = account.deliver(&stack.roll_back()).await;
            assert_eq!(rolled_back.status, "SUCCESS", "{told}: {}", rolled_back.reason);
            assert_eq!(account.town().alive().len(), 1, "{told}");
            stack.answered(&rolled_back);
            for delete in stack.deletes() {
                assert_eq!(account.deliver(&delete).await.status, "SUCCESS", "{told}");
            }
            account.settled().await;
            assert!(account.town().alive().is_empty(), "{told}: {:?}", account.town().alive());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_stopped_by_hand_while_it_submits_leaves_one_job() {
    for engine in Engine::ALL {
        for seconds in [1, 5, 9, 11, 15, 25] {
            let told = format!("{engine:?}, {seconds} s");
            let account = Account::new(engine);
            let mut stack = Stack::new(account.town());
            let created = account.deliver(&stack.create(OLD, Properties::default())).await;
            stack.answered(&created);
            account.settled().await;
            let late = Fault::Late(Duration::from_secs(seconds));
            account.way().fault_next(Method::POST, engine.submission(), late.clone());
            let update = stack.update(NEW, Properties::default());
            account.deliver_again(&update);
            until_struck(&account, &late).await;
            account.stop_executions();
            let failed = account.answer(&update).await.expect("an answer");
            assert_eq!((failed.status.as_str(), &failed.id), ("FAILED", &created.id), "{told}");
            let rolled_back = account.deliver(&stack.roll_back()).await;
            assert_eq!(rolled_back.status, "SUCCESS", "{told}: {}", rolled_back.reason);
            // What was asked to stop takes its time.
            sleep(Duration::from_mins(1)).await;
            assert_eq!(account.town().alive().len(), 1, "{told}: {:?}", account.town().alive());
            stack.answered(&rolled_back);
            stack.finish(account.town()).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_stopped_while_a_submission_takes_long_leaves_one_job() {
    for engine in Engine::ALL {
        for seconds in [29, 35, 50, 65, 100] {
            let late = Duration::from_secs(seconds);
            let alive = stopped_while_it_submits(engine, None, late, Deaf::Never).await;
            assert_eq!(alive, 1, "{engine:?}, {seconds} s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_stopped_while_it_submits_for_half_of_its_invocation_leaves_one_job() {
    for engine in Engine::ALL {
        for (limit, seconds) in [(60, 28), (60, 31), (60, 40), (40, 18), (40, 22)] {
            let (limit, late) = (Some(Duration::from_secs(limit)), Duration::from_secs(seconds));
            let alive = stopped_while_it_submits(engine, limit, late, Deaf::Never).await;
            assert_eq!(alive, 1, "{engine:?}, {seconds} s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_stopped_while_it_submits_and_cannot_ask_whether_it_is_awaited_leaves_one_job() {
    for engine in Engine::ALL {
        let late = Duration::from_secs(15);
        let alive = stopped_while_it_submits(engine, None, late, Deaf::AfterIt).await;
        assert_eq!(alive, 1, "{engine:?}");
    }
}

/// Whether there is no way to anybody just when the submission's answer comes.
#[derive(Clone, Copy, PartialEq)]
enum Deaf {
    Never,
    AfterIt,
}

/// How many jobs are alive in the end where an Update was stopped when its submission had been sent, which arrives `late`, and
/// was rolled back.
async fn stopped_while_it_submits(engine: Engine, limit: Option<Duration>, late: Duration, deaf: Deaf) -> usize {
    let account = Account::new(engine);
    let mut stack = Stack::new(account.town());
    let created = account.deliver(&stack.create(OLD, Properties::default())).await;
    stack.answered(&created);
    account.settled().await;
    if let Some(limit) = limit {
        account.limit(Function::Submitter, limit);
    }
    let fault = Fault::Late(late);
    account.way().fault_next(Method::POST, engine.submission(), fault.clone());
    let update = stack.update(NEW, Properties::default());
    account.deliver_again(&update);
    until_struck(&account, &fault).await;
    account.stop_executions();
    if deaf == Deaf::AfterIt {
        deafen(account.clone(), late);
    }
    let failed = account.answer(&update).await.expect("an answer");
    assert_eq!((failed.status.as_str(), &failed.id), ("FAILED", &created.id), "{engine:?}, {late:?}");
    let rolled_back = account.deliver(&stack.roll_back()).await;
    assert_eq!(rolled_back.status, "SUCCESS", "{engine:?}, {late:?}: {}", rolled_back.reason);
    // What was asked to stop takes its time.
    sleep(Duration::from_mins(10)).await;
    account.settled().await;
    account.town().alive().len()
}

/// Cuts off every way for a moment, `late` from now.
fn deafen(account: Account, late: Duration) {
    tokio::spawn(async move {
        sleep(late.saturating_sub(Duration::from_millis(300))).await;
        account.way().fault_all(Fault::Before(Instead::Silence));
        sleep(Duration::from_millis(400)).await;
        account.way().heal();
    });
}
