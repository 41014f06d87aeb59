//! Functions, and requests, that have too little time.

use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::time::sleep;

use sparkjob::testing::Fault;

use crate::NEW;
use crate::account::{Account, Function};
use crate::cloudformation::{Properties, Stack};
use crate::town::{CLOUDFORMATION, Engine};

#[tokio::test(start_paused = true)]
async fn a_function_that_has_no_time_for_anything_still_leaves_an_answer() {
    for seconds in [1, 3, 10] {
        for engine in Engine::ALL {
            let told = format!("{engine:?}, {seconds} s");
            let account = Account::new(engine);
            account.limit(Function::Submitter, Duration::from_secs(seconds));
            // The function's first step has no answer before it ends, three times over.
            for _ in 0..3 {
                let slow = Fault::Slow(Duration::from_secs(15));
                account.way().fault_next(Method::POST, engine.submission(), slow);
            }
            let mut stack = Stack::new(account.town());
            let request = stack.create(NEW, Properties::default());
            let answer = account.deliver(&request).await;
            assert_eq!(account.town().ids_of_answers(&request).len(), 1, "{told}");
            assert!(account.town().jobs_of(NEW) <= 1, "{told}: {}", account.town().jobs_of(NEW));
            account.limit(Function::Submitter, Duration::from_mins(15));
            account.heal();
            account.finish(stack, &answer).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_asks_what_its_stack_is_about_for_too_long_is_given_up_before_its_function_is_stopped() {
    let account = Account::new(Engine::EmrOnEks);
    let mut stack = Stack::new(account.town());
    let created = account.deliver(&stack.create(NEW, Properties::default())).await;
    stack.answered(&created);
    account.settled().await;
    account.cut_off(Function::Submitter, CLOUDFORMATION);
    account.limit(Function::Submitter, Duration::from_secs(10));
    let failed = account.deliver(&stack.update(NEW, Properties::default())).await;
    assert_eq!((failed.status.as_str(), &failed.id), ("FAILED", &created.id));
    assert!(failed.reason.contains("there was no outcome in time"), "{}", failed.reason);
    account.settled().await;
    assert_eq!((account.failures(), account.town().jobs_of(NEW)), (vec![], 1));
    account.heal();
    let rolled_back = account.deliver(&stack.roll_back()).await;
    assert_eq!((rolled_back.status.as_str(), &rolled_back.id), ("SUCCESS", &created.id), "{}", rolled_back.reason);
    account.finish(stack, &rolled_back).await;
}

#[tokio::test(start_paused = true)]
async fn a_responder_that_is_called_late_does_not_ask_until_nobody_waits_any_more() {
    let account = Account::without_workflow(Engine::EmrServerless);
    account.cut_off(Function::Responder, CLOUDFORMATION);
    let told = Properties { service_timeout: 60, ..Properties::default() };
    let request = Stack::new(account.town()).create(NEW, told);
    sleep(Duration::from_secs(56)).await;
    account.invoke(Function::Responder, json!({ "requestPayload": request.event }));
    // In time, as this looks to.
    let answer = account.answer(&request).await.expect("an answer");
    assert_eq!(answer.status, "FAILED");
}
