//! Functions that die at every try, at the same point of their work.

use std::time::Duration;

use http::Method;
use tokio::time::sleep;

use sparkjob::testing::{Fault, Instead};

use crate::account::{Account, Function};
use crate::claims::START;
use crate::cloudformation::{Properties, Stack};
use crate::stopped::until_struck;
use crate::town::Engine;
use crate::{NEW, OLD};

#[tokio::test(start_paused = true)]
async fn a_function_that_is_killed_at_every_claim_leaves_one_answer() {
    for death in Fault::deaths() {
        let account = Account::new(Engine::Livy);
        let mut stack = Stack::new(account.town());
        account.way().fault_each(Method::POST, START, death.clone());
        let request = stack.create(NEW, Properties::default());
        let answer = account.deliver(&request).await;
        account.settled().await;
        // Where the claim took effect, the workflow has done all that was asked for.
        let status = if death == Fault::Before(Instead::Death) { "FAILED" } else { "SUCCESS" };
        assert_eq!(answer.status, status, "{}", answer.reason);
        assert_eq!(account.town().distinct_answers(&request), 1);
        account.heal();
        account.finish(stack, &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_told_of_late_is_left_to_its_workflow() {
    let account = Account::new(Engine::Livy);
    let mut stack = Stack::new(account.town());
    // The last of Lambda's deliveries hands the request over and dies of it, just before the responder is asked.
    account.lag(Duration::from_secs(2));
    for death in [Fault::Before(Instead::Death), Fault::Before(Instead::Death), Fault::After(Instead::Death)] {
        account.way().fault_next(Method::POST, START, death);
    }
    let request = stack.create(NEW, Properties::default());
    let answer = account.deliver(&request).await;
    account.settled().await;
    assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
    assert_eq!(account.town().distinct_answers(&request), 1);
    account.finish(stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn a_function_that_is_killed_before_every_submission_leaves_an_answer_and_no_job() {
    for engine in Engine::ALL {
        let account = Account::new(engine);
        let mut stack = Stack::new(account.town());
        account.way().fault_each(Method::POST, engine.submission(), Fault::Before(Instead::Death));
        let request = stack.create(NEW, Properties::default());
        let begin = account.town().now();
        let answer = account.deliver(&request).await;
        assert_eq!(answer.status, "FAILED", "{engine:?}: {}", answer.reason);
        // Whether a step was submitted is to be told only after a while.
        let soon = if engine == Engine::EmrSteps { Duration::from_mins(10) } else { Duration::from_mins(1) };
        assert!(answer.reason.contains("memory") && answer.reason.contains("request-1"), "{}", answer.reason);
        assert!(account.town().now().since(begin) < soon, "{engine:?}: {:?}", account.town().now().since(begin));
        account.heal();
        account.finish(stack, &answer).await;
        assert_eq!(account.town().jobs_of(NEW), 0, "{engine:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_update_submits_late_is_found_by_its_rollback_although_its_function_dies() {
    for engine in Engine::ALL {
        for (deaths, seconds) in [(0, 60), (0, 100), (3, 20), (3, 90)] {
            submits_late_and_dies(engine, deaths, Duration::from_secs(seconds), false).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_held_back_for_what_comes_late_is_not_put_sooner_because_its_execution_is_stopped() {
    // On the others the workflow's retries end first, and nobody has an answer ready.
    let reason = submits_late_and_dies(Engine::EmrSteps, 3, Duration::from_secs(90), true).await;
    assert!(reason.contains("came to nothing and had to be taken again"), "{reason}");
}

/// Why an Update failed whose last submission comes late, once its sender and all who looked for it are dead, after so many `deaths`
/// before; its execution may be stopped by hand then. Its rollback must find that job.
async fn submits_late_and_dies(engine: Engine, deaths: u32, late: Duration, is_stopped: bool) -> String {
    let told = format!("{engine:?}, {deaths} deaths before it, {late:?} late");
    let account = Account::new(engine);
    let mut stack = Stack::new(account.town());
    let created = account.deliver(&stack.create(OLD, Properties::default())).await;
    stack.answered(&created);
    account.settled().await;
    for _ in 0..deaths {
        account.way().fault_next(Method::POST, engine.submission(), Fault::Before(Instead::Death));
    }
    let late = Fault::Late(late);
    account.way().fault_next(Method::POST, engine.submission(), late.clone());
    let update = stack.update(NEW, Properties::default());
    account.deliver_again(&update);
    until_struck(&account, &late).await;
    account.way().fault_all(Fault::Before(Instead::Death));
    account.kill();
    sleep(Duration::from_secs(15)).await;
    account.heal();
    if is_stopped {
        sleep(Duration::from_secs(10)).await;
        account.stop_executions();
        // Lambda delivers it once more, to a function that finds the answer as well.
        sleep(Duration::from_secs(1)).await;
        account.deliver_again(&update);
    }
    let failed = account.answer(&update).await.expect("an answer");
    assert_eq!((failed.status.as_str(), &failed.id), ("FAILED", &created.id), "{told}: {}", failed.reason);
    let rolled_back = account.deliver(&stack.roll_back()).await;
    assert_eq!(rolled_back.status, "SUCCESS", "{told}: {}", rolled_back.reason);
    account.settled().await;
    sleep(Duration::from_mins(5)).await;
    assert_eq!(account.town().alive().len(), 1, "{told}: {:?}", account.town().alive());
    account.finish(stack, &rolled_back).await;
    failed.reason
}

#[tokio::test(start_paused = true)]
async fn a_function_that_is_killed_after_every_submission_finds_its_job_the_next_time() {
    for engine in Engine::ALL {
        let account = Account::new(engine);
        let mut stack = Stack::new(account.town());
        account.way().fault_each(Method::POST, engine.submission(), Fault::After(Instead::Death));
        let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        account.heal();
        account.finish(stack, &answer).await;
        assert_eq!(account.town().jobs_of(NEW), 1, "{engine:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_is_killed_whatever_it_does_after_its_submission_leaves_an_answer_and_no_job() {
    for engine in Engine::ALL {
        // Whatever the submitter still does, it does not outlive the first of it; the responder is not concerned.
        let strike = |account: &Account| account.limit(Function::Submitter, Duration::from_millis(2));
        is_answered_for_once_it_has_submitted(engine, Properties::default(), strike).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_freezes_until_lambda_ends_it_is_answered_for_as_long_as_somebody_waits() {
    for engine in Engine::ALL {
        let told = Properties { wait_for: "Succeeded", ..Properties::default() };
        is_answered_for_once_it_has_submitted(engine, told, |account| account.freeze(Function::Submitter)).await;
    }
}

/// A Create whose submitter is struck by what Lambda calls a time-out as soon as it has submitted its job: it is answered, while
/// `CloudFormation` waits, and no other job comes, and none is left.
async fn is_answered_for_once_it_has_submitted(engine: Engine, told: Properties, strike: impl Fn(&Account)) {
    let account = Account::new(engine);
    let mut stack = Stack::new(account.town());
    let request = stack.create(NEW, told);
    account.deliver_again(&request);
    while account.town().jobs_of(NEW) == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    strike(&account);
    let answer = account.answer(&request).await.expect("an answer");
    assert_eq!(answer.status, "FAILED", "{engine:?}");
    assert!(answer.reason.contains("in time"), "{}", answer.reason);
    account.heal();
    account.finish(stack, &answer).await;
    assert_eq!(account.town().jobs_of(NEW), 1, "{engine:?}");
}

#[tokio::test(start_paused = true)]
async fn a_function_that_is_killed_at_every_answer_has_it_put_by_the_responder() {
    // Everything that the function sends after its work is done kills it; the responder has the same fault once.
    let account = Account::new(Engine::EmrServerless);
    let mut stack = Stack::new(account.town());
    for _ in 0..5 {
        account.way().fault_next(Method::PUT, "request-1", Fault::After(Instead::Death));
    }
    let request = stack.create(NEW, Properties::default());
    let answer = account.deliver(&request).await;
    account.settled().await;
    assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
    assert_eq!(account.town().bodies(&request).len(), 6);
    assert_eq!(account.town().distinct_answers(&request), 1);
    account.finish(stack, &answer).await;
}
