//! Lambda has trouble of its own: whether it has called the function is not known, and the trouble passes.

use std::time::Duration;

use http::Method;
use tokio::time::sleep;

use sparkjob::testing::{Fault, Instead};

use crate::account::{Account, Function, PASSING, Status, Trouble};
use crate::cloudformation::{Properties, Stack};
use crate::town::{BUCKET, Engine};
use crate::{NEW, OLD};

#[tokio::test(start_paused = true)]
async fn trouble_of_lambda_s_at_any_step_passes() {
    for engine in Engine::ALL {
        for trouble in [Trouble::Before, Trouble::After] {
            let clean = create(engine, |_| ()).await;
            for k in 1..=clean {
                create(engine, |account| {
                    let troubled = account.clone();
                    account.way().before(k, move || troubled.trouble(Function::Submitter, trouble, PASSING.len()));
                })
                .await;
            }
        }
    }
}

/// A Create with that in its way, which succeeds and leaves one job; how many requests it made.
async fn create(engine: Engine, hinder: impl FnOnce(&Account)) -> usize {
    let account = Account::new(engine);
    hinder(&account);
    let mut stack = Stack::new(account.town());
    let request = stack.create(NEW, Properties::default());
    let answer = account.deliver(&request).await;
    assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
    account.settled().await;
    assert_eq!((account.town().jobs_of(NEW), account.town().distinct_answers(&request)), (1, 1), "{engine:?}");
    assert_eq!(account.executions(), [Status::Succeeded], "{engine:?}");
    let sends = account.way().sends();
    stack.answered(&answer);
    stack.finish(account.town()).await;
    sends
}

#[tokio::test(start_paused = true)]
async fn a_step_that_goes_on_beside_itself_leaves_one_job() {
    for engine in Engine::ALL {
        let account = Account::new(engine);
        account.trouble(Function::Submitter, Trouble::Beside, 1);
        let mut stack = Stack::new(account.town());
        let request = stack.create(NEW, Properties::default());
        let answer = account.deliver(&request).await;
        account.settled().await;
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        assert_eq!((account.town().alive().len(), account.town().distinct_answers(&request)), (1, 1), "{engine:?}");
        account.finish(stack, &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_step_submits_beside_itself_after_the_resource_is_gone_is_stopped() {
    for engine in Engine::ALL {
        for seconds in [2, 10] {
            let account = Account::new(engine);
            account.trouble(Function::Submitter, Trouble::Beside, 1);
            account.way().fault_next(Method::POST, engine.submission(), Fault::Late(Duration::from_secs(20)));
            let mut stack = Stack::new(account.town());
            let told = Properties { wait_for: "Submitted", ..Properties::default() };
            let answer = account.deliver(&stack.create(NEW, told)).await;
            sleep(Duration::from_secs(seconds)).await;
            stack.answered(&answer);
            for delete in stack.deletes() {
                account.deliver(&delete).await;
            }
            account.settled().await;
            assert!(account.town().alive().is_empty(), "{engine:?}, {seconds} s: {:?}", account.town().alive());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_of_lambda_s_that_does_not_pass_leaves_an_answer_and_no_job() {
    for engine in Engine::ALL {
        let account = Account::new(engine);
        account.trouble(Function::Submitter, Trouble::After, 10_000);
        let mut stack = Stack::new(account.town());
        let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
        assert_eq!(answer.status, "FAILED", "{engine:?}");
        assert!(answer.reason.contains("a step of the workflow failed: Lambda."), "{engine:?}: {}", answer.reason);
        stack.answered(&answer);
        stack.finish(account.town()).await;
        assert!(account.town().alive().is_empty(), "{engine:?}: {:?} is left", account.town().alive());
    }
}

#[tokio::test(start_paused = true)]
async fn a_responder_that_lambda_has_trouble_with_is_called_until_that_has_passed() {
    for trouble in [Trouble::Before, Trouble::After] {
        let account = Account::new(Engine::EmrServerless);
        account.cut_off(Function::Submitter, BUCKET);
        account.trouble(Function::Responder, trouble, 20);
        let request = Stack::new(account.town()).create(NEW, Properties::default());
        let answer = account.deliver(&request).await;
        assert_eq!(answer.status, "SUCCESS", "{trouble:?}: {}", answer.reason);
        account.settled().await;
        assert_eq!((account.executions(), account.town().distinct_answers(&request)), (vec![Status::Succeeded], 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_died_and_then_met_trouble_of_lambda_s_is_taken_again() {
    for engine in Engine::ALL {
        let account = Account::new(engine);
        account.way().fault_next(Method::POST, engine.submission(), Fault::After(Instead::Death));
        let troubled = account.clone();
        account.way().before(3, move || troubled.trouble(Function::Submitter, Trouble::Before, 4));
        let mut stack = Stack::new(account.town());
        let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
        assert_eq!(
            (answer.status.as_str(), account.town().jobs_of(NEW)),
            ("SUCCESS", 1),
            "{engine:?}: {}",
            answer.reason
        );
        stack.answered(&answer);
        stack.finish(account.town()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_may_not_call_its_functions_is_answered_for_within_minutes() {
    for of_both in [false, true] {
        let account = Account::new(Engine::EmrServerless);
        account.trouble(Function::Submitter, Trouble::Denied, 1000);
        if of_both {
            account.trouble(Function::Responder, Trouble::Denied, 1000);
        }
        let (mut stack, began) = (Stack::new(account.town()), account.town().now());
        let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
        assert_eq!(answer.status, "FAILED", "{of_both}");
        assert!(answer.reason.contains("lambda:InvokeFunction"), "{of_both}: {}", answer.reason);
        let took = account.town().now().since(began);
        // A right that was given a moment ago takes effect within half a minute.
        assert!(took > Duration::from_secs(30) && took < Duration::from_mins(3), "{of_both}: {took:?}");
        assert!(account.town().jobs_of(NEW) == 0 && account.town().alive().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_of_which_no_step_was_taken_waits_for_nothing_that_it_might_have_submitted() {
    let account = Account::new(Engine::EmrServerless);
    let mut stack = Stack::new(account.town());
    let created = account.deliver(&stack.create(OLD, Properties::default())).await;
    stack.answered(&created);
    account.settled().await;
    account.trouble(Function::Submitter, Trouble::Denied, 1000);
    let began = account.town().now();
    let answer = account.deliver(&stack.update(NEW, Properties::default())).await;
    stack.fails(&answer);
    let took = account.town().now().since(began);
    assert!(took < Duration::from_mins(1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_with_a_minute_is_answered_in_time_however_long_trouble_lasts() {
    for seconds in [60, 120, 240] {
        // From the first step on, and once there is an answer.
        for k in [1, 3, 4, 5] {
            let account = Account::new(Engine::EmrServerless);
            let troubled = account.clone();
            account.way().before(k, move || troubled.trouble(Function::Submitter, Trouble::Before, 10_000));
            let told = Properties { service_timeout: seconds, ..Properties::BRIEF };
            let request = Stack::new(account.town()).create(NEW, told);
            // In time, which is checked there.
            account.deliver(&request).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_that_comes_again_and_again_is_no_death_of_the_function() {
    for engine in Engine::ALL {
        let account = Account::new(engine);
        let mut stack = Stack::new(account.town());
        account.way().fault_each(Method::POST, engine.submission(), Fault::Before(Instead::Page(503)));
        let request = stack.create(NEW, Properties::default());
        account.deliver_again(&request);
        for _ in 0..8 {
            sleep(Duration::from_secs(8)).await;
            account.trouble(Function::Submitter, Trouble::Before, 1);
        }
        sleep(Duration::from_secs(8)).await;
        account.heal();
        let answer = account.answer(&request).await.expect("an answer");
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        account.finish(stack, &answer).await;
    }
}
