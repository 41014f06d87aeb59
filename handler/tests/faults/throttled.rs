//! Lambda has no room for the function: its concurrency, or the account's, does not suffice. A step that was not called has
//! done nothing, and room comes.

use std::time::Duration;

use http::Method;
use tokio::time::sleep;

use sparkjob::testing::{Fault, Instead, Script};

use crate::NEW;
use crate::account::{Account, Function, Status};
use crate::cloudformation::{Delivery, Properties, Stack};
use crate::town::{BUCKET, Engine};

#[tokio::test(start_paused = true)]
async fn a_function_for_which_there_is_no_room_yet_is_called_again() {
    let account = Account::new(Engine::EmrSteps);
    let mut stack = Stack::new(account.town());
    let request = stack.create(NEW, Properties::default());
    account.deliver_again(&request);
    sleep(Duration::from_millis(20)).await;
    account.throttle(Function::Submitter, 8);
    let answer = account.answer(&request).await.expect("an answer");
    assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
    stack.answered(&answer);
    stack.finish(account.town()).await;
}

#[tokio::test(start_paused = true)]
async fn steps_that_find_no_room_at_first_are_none_that_died() {
    for engine in Engine::ALL {
        let account = Account::new(engine);
        let mut stack = Stack::new(account.town());
        account.way().fault_each(Method::POST, engine.submission(), Fault::Before(Instead::Page(503)));
        let request = stack.create(NEW, Properties::default());
        claimed(&account, &request).await;
        for _ in 0..15 {
            account.throttle(Function::Submitter, 1);
            sleep(Duration::from_secs(8)).await;
        }
        account.throttle(Function::Submitter, 0);
        account.heal();
        let answer = account.answer(&request).await.expect("an answer");
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_step_finds_room_however_late() {
    for engine in Engine::ALL {
        let account = Account::new(engine);
        let mut stack = Stack::new(account.town());
        let request = stack.create(NEW, Properties::default());
        claimed(&account, &request).await;
        account.throttle(Function::Submitter, u32::MAX);
        sleep(Duration::from_mins(20)).await;
        account.throttle(Function::Submitter, 0);
        let answer = account.answer(&request).await.expect("an answer");
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        account.finish(stack, &answer).await;
        assert_eq!(account.town().jobs_of(NEW), 1, "{engine:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_job_outlives_a_while_without_room() {
    for minutes in [1, 2, 5, 15] {
        let account = Account::new(Engine::EmrServerless);
        account.town().emr().script(NEW, Script::running(Duration::from_mins(40)));
        let mut stack = Stack::new(account.town());
        let request = stack.create(NEW, Properties { wait_for: "Succeeded", ..Properties::default() });
        account.deliver_again(&request);
        sleep(Duration::from_mins(20)).await;
        account.throttle(Function::Submitter, u32::MAX);
        sleep(Duration::from_mins(minutes)).await;
        account.throttle(Function::Submitter, 0);
        let answer = account.answer(&request).await.expect("an answer");
        assert_eq!(answer.status, "SUCCESS", "{minutes} minutes: {}", answer.reason);
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_died_is_known_to_have_begun_however_long_there_is_no_room_for_it() {
    // Nothing but that knowledge keeps steps, which have neither tokens nor names that are taken, from being added twice.
    let account = Account::new(Engine::EmrSteps);
    let mut stack = Stack::new(account.town());
    let arrives = Fault::Late(Duration::from_secs(100));
    account.way().fault_next(Method::POST, Engine::EmrSteps.submission(), arrives);
    let request = stack.create(NEW, Properties::default());
    claimed(&account, &request).await;
    sleep(Duration::from_secs(2)).await;
    account.throttle(Function::Submitter, u32::MAX);
    account.kill();
    sleep(Duration::from_mins(1)).await;
    account.throttle(Function::Submitter, 0);
    let answer = account.answer(&request).await.expect("an answer");
    assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
    sleep(Duration::from_mins(2)).await;
    assert_eq!(account.town().jobs_of(NEW), 1);
}

#[tokio::test(start_paused = true)]
async fn where_room_never_comes_the_responder_answers_in_time() {
    for engine in Engine::ALL {
        for seconds in [60, 300, 3600] {
            let account = Account::new(engine);
            let mut stack = Stack::new(account.town());
            let request = stack.create(NEW, Properties { service_timeout: seconds, ..Properties::default() });
            claimed(&account, &request).await;
            account.throttle(Function::Submitter, u32::MAX);
            let answer = account.answer(&request).await.expect("an answer");
            let has_reason = answer.reason.contains("had no room for the function");
            assert!(answer.status == "FAILED" && has_reason, "{engine:?}: {}", answer.reason);
            account.throttle(Function::Submitter, 0);
            stack.answered(&answer);
            stack.finish(account.town()).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_there_does_not_wait_for_room() {
    for engine in Engine::ALL {
        let last = {
            let account = Account::new(engine);
            account.deliver(&Stack::new(account.town()).create(NEW, Properties::default())).await;
            account.settled().await;
            account.way().sends() - 1
        };
        let account = Account::new(engine);
        let request = Stack::new(account.town()).create(NEW, Properties::default());
        let full = account.clone();
        account.way().before(last, move || full.throttle(Function::Submitter, u32::MAX));
        let begin = account.town().now();
        let answer = account.deliver(&request).await;
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        assert!(account.town().now().since(begin) < Duration::from_mins(2), "{engine:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_step_died_does_not_wait_for_room_either() {
    let put = {
        let account = Account::new(Engine::EmrServerless);
        account.deliver(&Stack::new(account.town()).create(NEW, Properties::default())).await;
        account.settled().await;
        account.way().sends()
    };
    let account = Account::new(Engine::EmrServerless);
    account.way().fault_at(put, Fault::Before(Instead::Death));
    let full = account.clone();
    account.way().before(put, move || full.throttle(Function::Submitter, u32::MAX));
    let begin = account.town().now();
    let answer = account.deliver(&Stack::new(account.town()).create(NEW, Properties::default())).await;
    assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
    assert!(account.town().now().since(begin) < Duration::from_mins(2));
}

#[tokio::test(start_paused = true)]
async fn where_room_never_comes_again_for_a_step_that_died_the_responder_answers_in_time() {
    for engine in Engine::ALL {
        for seconds in [60, 3600] {
            let account = Account::new(engine);
            let mut stack = Stack::new(account.town());
            let full = account.clone();
            account.way().fault_next(Method::POST, engine.submission(), Fault::After(Instead::Death));
            account.way().before(4, move || full.throttle(Function::Submitter, u32::MAX));
            let request = stack.create(NEW, Properties { service_timeout: seconds, ..Properties::default() });
            let answer = account.deliver(&request).await;
            assert_eq!(answer.status, "FAILED", "{engine:?}: {}", answer.reason);
            account.throttle(Function::Submitter, 0);
            stack.answered(&answer);
            stack.finish(account.town()).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_waits_for_when_lambda_gives_it_up_is_not_answered() {
    let account = Account::new(Engine::EmrServerless);
    let mut stack = Stack::new(account.town());
    let create = stack.create(NEW, Properties { service_timeout: 60, ..Properties::default() });
    account.throttle(Function::Submitter, 1000);
    account.deliver_again(&create);
    sleep(Duration::from_secs(140)).await;
    account.throttle(Function::Submitter, 0);
    assert_eq!(account.deliver(&stack.delete_of("spark-job:nothing")).await.status, "SUCCESS");
    account.throttle(Function::Submitter, 1000);
    account.settled().await;
    assert!(account.town().bodies(&create).is_empty());
}

/// Delivers a request and returns when the workflow has it.
async fn claimed(account: &Account, request: &Delivery) {
    account.deliver_again(request);
    while account.executions().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_responder_for_which_there_is_no_room_for_minutes_is_called_until_there_is() {
    for calls in [4, 12, 20] {
        let account = Account::new(Engine::EmrServerless);
        account.cut_off(Function::Submitter, BUCKET);
        account.throttle(Function::Responder, calls);
        let begin = account.town().now();
        let answer = account.deliver(&Stack::new(account.town()).create(NEW, Properties::default())).await;
        assert_eq!(answer.status, "SUCCESS", "{calls}: {}", answer.reason);
        assert!(account.town().now().since(begin) < Duration::from_mins(6), "{calls}");
        account.settled().await;
        assert_eq!(account.executions(), [Status::Succeeded], "{calls}");
    }
}
