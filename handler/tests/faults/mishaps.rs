//! What no single fault brings about: no workflow, executions that are stopped by hand, functions that die at every try, no
//! way to the bucket, and input that nobody can make sense of.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::time::sleep;
use tracing::level_filters::LevelFilter;

use handler::envelope::Envelope;
use handler::event::Event;
use handler::workflow::execution_name;
use sparkjob::testing::{Fault, Instead, Script};

use crate::account::{Account, Function, STATES, Status};
use crate::cloudformation::{Answer, Delivery, Properties, Stack};
use crate::durable::faults;
use crate::log::Log;
use crate::sample::{self, Tally};
use crate::town::{BUCKET, Engine, PASSWORD};
use crate::{NEW, OLD};

const START: &str = "StartExecution";
const DESCRIBE: &str = "DescribeExecution";

#[tokio::test(start_paused = true)]
async fn without_a_way_to_the_workflow_the_function_does_it_alone_and_says_so() {
    let denied = |account: &Account| account.deny(START);
    let refused = |account: &Account| account.way().fault_each(Method::POST, START, Fault::refused());
    for (hinder, why) in [(&denied as &dyn Fn(&Account), "AccessDenied"), (&refused, "could not connect")] {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(Engine::EmrServerless);
        hinder(&account);
        let mut stack = Stack::new(account.town());
        let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
        assert_eq!((answer.status.as_str(), account.executions().len()), ("SUCCESS", 0), "{why}: {}", answer.reason);
        assert!(log.text().contains("worked on within one invocation") && log.text().contains(why), "{}", log.text());
        finish(&account, stack, &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_knows_of_no_workflow_does_it_alone() {
    let account = Account::without_workflow(Engine::Livy);
    let mut stack = Stack::new(account.town());
    let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
    assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
    finish(&account, stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_answer_is_lost_is_made_again_until_lambda_delivers_once_more() {
    for lost in [Fault::Before(Instead::Silence), Fault::Before(Instead::Page(503))] {
        let account = Account::new(Engine::EmrOnEks);
        let mut stack = Stack::new(account.town());
        account.way().fault_each(Method::POST, START, lost);
        let request = stack.create(NEW, Properties::default());
        account.deliver_again(&request);
        sleep(Duration::from_secs(100)).await;
        let tries = account.way().sends();
        assert!(tries > 1 && account.failures().len() == 1, "{tries} tries");
        account.heal();
        let answer = account.answer(&request).await.expect("an answer");
        assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
        finish(&account, stack, &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_nobody_hears_of_is_a_claim() {
    // Every execution starts, and the function never learns of it: the responder is called, and stands back.
    let account = Account::new(Engine::EmrServerless);
    let mut stack = Stack::new(account.town());
    account.way().fault_each(Method::POST, START, Fault::After(Instead::Page(503)));
    let told = Properties { wait_for: "Succeeded", ..Properties::default() };
    account.town().emr().script(NEW, Script::running(Duration::from_mins(30)));
    let request = stack.create(NEW, told);
    let answer = account.deliver(&request).await;
    assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
    account.settled().await;
    assert_eq!((account.failures().len(), account.town().distinct_answers(&request)), (3, 1));
    account.heal();
    finish(&account, stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn without_any_answer_of_the_workflow_s_the_responder_says_so_and_there_is_no_job() {
    let account = Account::new(Engine::EmrServerless);
    let mut stack = Stack::new(account.town());
    account.way().fault_each(Method::POST, START, Fault::Before(Instead::Page(503)));
    let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
    assert_eq!((answer.status.as_str(), account.town().jobs_of(NEW)), ("FAILED", 0));
    assert!(answer.reason.contains("after 3 invocations") && answer.reason.contains("503"), "{}", answer.reason);
    assert!(answer.id.starts_with("spark-job:unknown:"), "{}", answer.id);
    account.heal();
    finish(&account, stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_delivery_has_nothing_to_do_while_the_first_is_worked_on() {
    let account = Account::new(Engine::EmrSteps);
    let mut stack = Stack::new(account.town());
    let request = stack.create(NEW, Properties::default());
    account.deliver_again(&request);
    sleep(Duration::from_secs(5)).await;
    let answer = account.deliver(&request).await;
    account.settled().await;
    assert_eq!((account.executions().len(), account.town().bodies(&request).len()), (1, 1));
    finish(&account, stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_delivery_afterwards_puts_the_same_answer_again() {
    let account = Account::new(Engine::Livy);
    let mut stack = Stack::new(account.town());
    let request = stack.create(NEW, Properties::default());
    let answer = account.deliver(&request).await;
    account.settled().await;
    let sends = account.way().sends();
    account.deliver_again(&request);
    account.settled().await;
    let bodies = account.town().bodies(&request);
    assert_eq!((bodies.len(), account.town().distinct_answers(&request)), (2, 1));
    assert_eq!(account.way().sends() - sends, 3, "it was claimed, looked at and put, no more");
    finish(&account, stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_stopped_by_hand_is_answered_and_its_job_is_deleted() {
    for engine in Engine::ALL {
        let clean = durations(engine).await;
        for moment in 0..=clean {
            let told = format!("{engine:?}, stopped after {moment} s");
            let log = Log::at(LevelFilter::INFO);
            let account = Account::new(engine);
            let mut stack = Stack::new(account.town());
            let request = stack.create(NEW, Properties::default());
            account.deliver_again(&request);
            sleep(Duration::from_millis(moment * 1000 + 40)).await;
            account.stop_executions();
            let answer = account.answer(&request).await.expect("an answer");
            if account.executions() == [Status::Aborted] {
                assert_eq!(answer.status, "FAILED", "{told}");
                let execution =
                    format!("its execution {} of the workflow is ABORTED", execution_name(&envelope(&request)));
                assert!(answer.reason.contains(&execution), "{told}: {}", answer.reason);
                let line = line(&log, &request.id, RESPONDS).expect("a line of the responder's");
                assert_eq!(line["told"], execution, "{told}");
            }
            assert_eq!(account.town().ids_of_answers(&request).len(), 1, "{told}");
            finish(&account, stack, &answer).await;
        }
    }
}

/// How many seconds a Create takes to which nothing happens.
async fn durations(engine: Engine) -> u64 {
    let account = Account::new(engine);
    let begin = account.town().now();
    account.deliver(&Stack::new(account.town()).create(NEW, Properties::default())).await;
    account.town().now().since(begin).as_secs()
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_told_of_by_its_name_alone_is_answered_from_its_input() {
    let account = Account::new(Engine::EmrServerless);
    let mut stack = Stack::new(account.town());
    let request = stack.create(NEW, Properties::default());
    account.deliver_again(&request);
    sleep(Duration::from_millis(40)).await;
    // Whoever is told as usual cannot answer.
    account.cut_off(Function::Responder, BUCKET);
    account.stop_executions();
    account.settled().await;
    assert!(account.town().bodies(&request).is_empty() && account.executions() == [Status::Aborted]);
    account.heal();
    let name = execution_name(&envelope(&request));
    account.invoke(Function::Responder, json!({"detail": {"name": name, "status": "ABORTED"}}));
    let answer = account.answer(&request).await.expect("an answer");
    assert_eq!(answer.status, "FAILED", "{}", answer.reason);
    assert!(answer.reason.contains("ABORTED"), "{}", answer.reason);
    finish(&account, stack, &answer).await;
}

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
            let rolled_back = account.deliver(&stack.update(OLD, Properties::default())).await;
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
            while !account.way().requests().iter().any(|sent| sent.fault.as_ref() == Some(&late)) {
                sleep(Duration::from_millis(50)).await;
            }
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
        let (why, soon) = match engine {
            Engine::EmrSteps => ("steps came to nothing", Duration::from_mins(10)),
            _ => ("memory", Duration::from_mins(1)),
        };
        assert!(answer.reason.contains(why) && answer.reason.contains("request-1"), "{}", answer.reason);
        assert!(account.town().now().since(begin) < soon, "{engine:?}: {:?}", account.town().now().since(begin));
        account.heal();
        finish(&account, stack, &answer).await;
        assert_eq!(account.town().jobs_of(NEW), 0, "{engine:?}");
    }
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
        finish(&account, stack, &answer).await;
        assert_eq!(account.town().jobs_of(NEW), 1, "{engine:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_is_killed_whatever_it_does_after_its_submission_leaves_an_answer_and_no_job() {
    for engine in Engine::ALL {
        let account = Account::new(engine);
        let mut stack = Stack::new(account.town());
        let request = stack.create(NEW, Properties::default());
        account.deliver_again(&request);
        while account.town().jobs_of(NEW) == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        // Whatever the submitter still does, it does not outlive the first of it; the responder is not concerned.
        account.limit(Function::Submitter, Duration::from_millis(2));
        let answer = account.answer(&request).await.expect("an answer");
        assert_eq!(answer.status, "FAILED", "{engine:?}");
        assert!(answer.reason.contains("in time"), "{}", answer.reason);
        account.heal();
        finish(&account, stack, &answer).await;
        assert_eq!(account.town().jobs_of(NEW), 1, "{engine:?}");
    }
}

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
        finish(&account, stack, &answer).await;
    }
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
    finish(&account, stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_the_function_cannot_put_is_put_as_it_is_by_the_responder() {
    for engine in Engine::ALL {
        // Also where it comes at the last moment.
        for (wait_for, service_timeout, status) in [("Running", 3600, "SUCCESS"), ("Succeeded", 120, "FAILED")] {
            let account = Account::new(engine);
            account.cut_off(Function::Submitter, BUCKET);
            let mut stack = Stack::new(account.town());
            let begin = account.town().now();
            let told = Properties { wait_for, service_timeout, ..Properties::default() };
            let request = stack.create(NEW, told);
            let answer = account.deliver(&request).await;
            assert_eq!(answer.status, status, "{engine:?}: {}", answer.reason);
            assert!(!answer.reason.contains("Nobody finished"), "{engine:?}: {}", answer.reason);
            assert!(!answer.id.contains("unknown"), "{engine:?}: {}", answer.id);
            assert!(account.town().now().since(begin) < Duration::from_mins(2), "{engine:?}");
            finish(&account, stack, &answer).await;
            assert!(account.executions().iter().all(|status| *status == Status::Succeeded));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_made_without_the_workflow_and_cannot_be_put_is_put_as_it_is_by_the_responder() {
    for engine in Engine::ALL {
        let account = Account::new(engine);
        account.way().fault_each(Method::POST, START, Fault::refused());
        account.cut_off(Function::Submitter, BUCKET);
        let mut stack = Stack::new(account.town());
        let begin = account.town().now();
        let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        // Lambda delivers twice more first, after a minute and after two.
        assert!(account.town().now().since(begin) < Duration::from_mins(7), "{engine:?}");
        account.heal();
        finish(&account, stack, &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_large_is_told_so_by_the_responder_where_the_function_cannot() {
    let account = Account::new(Engine::EmrServerless);
    account.cut_off(Function::Submitter, BUCKET);
    let mut properties = Engine::EmrServerless.target();
    properties["Parameters"] = json!({"File": NEW, "Args": ["x".repeat(260_000)]});
    let mut stack = Stack::new(account.town());
    let begin = account.town().now();
    let answer = account.deliver(&stack.create_with(properties)).await;
    let is_told = answer.reason.contains("too large by") && !answer.id.contains("unknown");
    assert!(answer.status == "FAILED" && is_told, "{}: {}", answer.id, answer.reason);
    assert!(account.town().now().since(begin) < Duration::from_mins(6));
}

#[tokio::test(start_paused = true)]
async fn a_second_delivery_that_cannot_put_the_answer_fails_by_itself() {
    let account = Account::new(Engine::EmrServerless);
    account.cut_off(Function::Submitter, BUCKET);
    let request = Stack::new(account.town()).create(NEW, Properties::default());
    account.deliver(&request).await;
    account.settled().await;
    account.deliver_again(&request);
    account.settled().await;
    assert!(account.failures().iter().all(|failed| !failed.contains("timed out")), "{:?}", account.failures());
    assert_eq!(account.town().distinct_answers(&request), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_repeats_the_request_is_told_without_its_secrets() {
    for code in ["ValidationException", "InvalidExecutionInput"] {
        let log = Log::at(LevelFilter::TRACE);
        let account = Account::new(Engine::EmrServerless);
        let request = Stack::new(account.town()).create(NEW, Properties::default());
        let quoted = json!({ "__type": code, "message": format!("Value '{}' at 'input'", request.event) });
        let refused = Fault::Before(Instead::Answer(400, quoted.to_string()));
        account.way().fault_each(Method::POST, START, refused);
        let answer = account.deliver(&request).await;
        let told = [account.failures().concat(), log.text(), answer.reason].concat();
        assert!(told.contains(code), "{told}");
        assert!(!told.contains("5ec2e7") && !told.contains(PASSWORD), "{code}: {told}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_the_function_cannot_put_goes_to_the_responder_without_another_try() {
    for engine in Engine::ALL {
        let clean = durations(engine).await;
        let account = Account::new(engine);
        account.cut_off(Function::Submitter, BUCKET);
        let begin = account.town().now();
        account.deliver(&Stack::new(account.town()).create(NEW, Properties::default())).await;
        let longer = account.town().now().since(begin).as_secs() - clean;
        // One call of the function puts for half a minute.
        assert!((25..=35).contains(&longer), "{engine:?}: {longer} s longer than {clean} s");
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

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_longer_than_many_invocations_is_followed_to_its_end() {
    for engine in Engine::ALL {
        let account = Account::new(engine);
        account.limit(Function::Submitter, Duration::from_mins(1));
        let script = Script::running(Duration::from_mins(40));
        account.town().emr().script(NEW, script.clone());
        account.town().livy().script(NEW, script);
        let mut stack = Stack::new(account.town());
        let told = Properties { wait_for: "Succeeded", ..Properties::default() };
        let answer = account.deliver(&stack.create(NEW, told)).await;
        assert_eq!((answer.status.as_str(), account.town().jobs_of(NEW)), ("SUCCESS", 1), "{}", answer.reason);
        assert!(account.failures().is_empty(), "{:?}", account.failures());
        finish(&account, stack, &answer).await;
    }
}

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
            finish(&account, stack, &answer).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_responder_does_survives_any_one_fault() {
    // Once because every step dies, once because nothing can be claimed, once because the answer cannot be put.
    let dies = |account: &Account| {
        account.way().fault_each(Method::POST, "/jobruns", Fault::Before(Instead::Death));
    };
    let claims_nothing = |account: &Account| {
        account.cut_off(Function::Submitter, STATES);
    };
    let cannot_put = |account: &Account| account.cut_off(Function::Submitter, BUCKET);
    let mut tally = Tally::default();
    for hinder in [&dies as &dyn Fn(&Account), &claims_nothing, &cannot_put] {
        let clean = respond(hinder, None).await;
        for k in 1..=clean {
            for fault in sample::of(faults(), sample::DURABLE, Engine::EmrServerless, k) {
                respond(hinder, Some((k, fault))).await;
                tally.survived(1);
            }
        }
    }
    tally.tell("the responder");
}

/// A Create that the responder answers; how many requests it took.
async fn respond(hinder: &dyn Fn(&Account), fault: Option<(usize, Fault)>) -> usize {
    let told = format!("{fault:?}");
    let account = Account::new(Engine::EmrServerless);
    hinder(&account);
    if let Some((k, fault)) = fault {
        account.way().fault_at(k, fault);
    }
    let mut stack = Stack::new(account.town());
    let request = stack.create(NEW, Properties::default());
    let answer = account.ask(&request).await.unwrap_or_else(|| panic!("{told}: nobody answered"));
    account.settled().await;
    let sends = account.way().sends();
    assert_eq!(account.town().ids_of_answers(&request).len(), 1, "{told}");
    account.heal();
    finish(&account, stack, &answer).await;
    sends
}

#[tokio::test(start_paused = true)]
async fn a_turn_of_a_newer_version_is_answered_as_far_as_it_can_be_read() {
    let log = Log::at(LevelFilter::INFO);
    let account = Account::new(Engine::Livy);
    let mut stack = Stack::new(account.town());
    let request = stack.create(NEW, Properties::default());
    account.start("newer", &turn(json!({"Version": 2, "Event": request.event, "Progress": {"Dreaming": {}}})));
    let answer = account.answer(&request).await.expect("an answer");
    assert_eq!(answer.status, "FAILED");
    assert!(answer.reason.contains("version 2"), "{}", answer.reason);
    let refusal = "this step of the workflow cannot be taken: it is of version 2";
    let line = |message: &str| line(&log, &request.id, message).unwrap_or_else(|| panic!("{message}: {}", log.text()));
    assert_eq!(line(refusal)["LogicalResourceId"], request.event["LogicalResourceId"]);
    assert!(line(RESPONDS)["told"].as_str().is_some_and(|told| told.contains(refusal)));
    assert!(account.failures()[0].starts_with(&format!("RequestId {}, ", request.id)), "{:?}", account.failures());
    finish(&account, stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_a_turn_of_a_newer_version_is_put_as_it_is() {
    let account = Account::new(Engine::Livy);
    let mut stack = Stack::new(account.town());
    let first = stack.create(NEW, Properties::default());
    let created = account.deliver(&first).await;
    account.settled().await;
    let body = account.town().bodies(&first)[0].clone();
    let text = String::from_utf8(body.to_vec()).expect("text");
    account.start("newer", &turn(json!({"Version": 2, "Event": first.event, "Progress": {"Answer": text}})));
    account.settled().await;
    assert_eq!((account.town().bodies(&first).len(), account.town().distinct_answers(&first)), (2, 1));
    finish(&account, stack, &created).await;
}

#[tokio::test(start_paused = true)]
async fn a_turn_without_a_request_ends_with_a_clear_word() {
    let known = json!({"RequestType": "Create", "RequestId": "r-1", "LogicalResourceId": "Pi"});
    for (broken, why) in [
        (json!({"Version": 1}), "holds no request"),
        (json!({"Version": 1}), "execution broken tells no request"),
        (json!({"Version": 1, "Event": known}), "RequestId r-1, LogicalResourceId Pi: this event"),
        (json!({"Version": 1, "Event": known}), "a step of the workflow failed: BadTurn"),
        (json!({"Version": 2, "Event": known}), "RequestId r-1, LogicalResourceId Pi: this step"),
        (json!({"Version": "one", "Event": 7}), "ResponseURL"),
    ] {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(Engine::Livy);
        account.start("broken", &turn(broken.clone()));
        account.settled().await;
        assert_eq!(account.executions(), [Status::Failed], "{broken}");
        let failures = account.failures();
        assert!(failures.iter().any(|failure| failure.contains(why)), "{broken}: {failures:?}");
        if broken["Event"] == known {
            let line = line(&log, "r-1", "this event of a custom resource cannot be answered: ResponseURL is missing");
            assert_eq!(line.expect("a line about it")["LogicalResourceId"], "Pi");
        }
        assert!(account.town().alive().is_empty());
        assert!(account.way().requests().iter().all(|sent| LOOKS.contains(&&*sent.path)));
    }
}

/// All that is sent then: the responder asks how the execution ended, and how far it came.
const LOOKS: [&str; 2] = ["/AWSStepFunctions.DescribeExecution", "/AWSStepFunctions.GetExecutionHistory"];

#[tokio::test(start_paused = true)]
async fn a_record_that_is_not_ours_ends_with_a_clear_word() {
    let stopped = json!({"name": "nobody", "status": "ABORTED", "input": null});
    for (foreign, why) in [
        (json!({"requestPayload": {"job": 7}, "requestContext": {"requestId": "8f5c"}}), "(Lambda's request id 8f5c)"),
        (json!({"requestPayload": {"RequestId": "r-1"}}), "RequestId r-1: this event"),
        (json!({"requestPayload": {"job": 7}, "responsePayload": "boom"}), "ResponseURL"),
        (json!({"Records": []}), "none of Lambda's records"),
        (json!({"detail": stopped}), "execution nobody"),
        (json!({"detail": {}}), "name"),
        (json!(null), "none of Lambda's records"),
    ] {
        let account = Account::new(Engine::Livy);
        account.invoke(Function::Responder, foreign.clone());
        account.settled().await;
        let failures = account.failures();
        assert!(failures.iter().any(|failure| failure.contains(why)), "{foreign}: {failures:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_names_nothing_is_deleted() {
    for engine in Engine::ALL {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(engine);
        let mut stack = Stack::new(account.town());
        stack.create(NEW, Properties::default());
        let delete = stack.delete_of(&format!("spark-job:unknown:{}", "0f".repeat(32)));
        let answer = account.deliver(&delete).await;
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        let line = line(&log, &delete.id, "answered").expect("a line about it");
        assert_eq!(line["job"], delete.event["PhysicalResourceId"], "{engine:?}");
        assert!(line["answer"].as_str().is_some_and(|answer| answer.contains("SUCCESS")), "{engine:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_responder_answers_once_it_cannot_ask_for_the_execution() {
    let log = Log::at(LevelFilter::INFO);
    let account = Account::new(Engine::Livy);
    account.way().fault_each(Method::POST, START, Fault::Before(Instead::Silence));
    account.way().fault_each(Method::POST, DESCRIBE, Fault::Before(Instead::Silence));
    let mut stack = Stack::new(account.town());
    let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
    assert_eq!(answer.status, "FAILED");
    assert!(log.text().contains("whether the workflow works on the request is not known"), "{}", log.text());
    account.heal();
    finish(&account, stack, &answer).await;
}

fn envelope(request: &Delivery) -> Envelope {
    let event: Event = serde_json::from_value(request.event.clone()).expect("an event");
    Envelope::read(&event).expect("a request")
}

/// What the responder says when it answers.
const RESPONDS: &str = "nobody answered: the responder does";

/// The line about a request that begins so, found as the runbook finds it.
fn line(log: &Log, request_id: &str, message: &str) -> Option<Value> {
    let text = log.text();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.find(|line| {
        line["RequestId"] == request_id && line["message"].as_str().is_some_and(|text| text.starts_with(message))
    })
}

/// Deletes what an answer tells of, and looks that nothing is left.
async fn finish(account: &Account, mut stack: Stack, answer: &Answer) {
    stack.answered(answer);
    for delete in stack.deletes() {
        let deleted = account.deliver(&delete).await;
        assert_eq!(deleted.status, "SUCCESS", "{}", deleted.reason);
    }
    assert!(account.town().alive().is_empty(), "{:?} is left", account.town().alive());
    account.settled().await;
    assert!(account.town().alive().is_empty(), "{:?} came afterwards", account.town().alive());
}

/// An execution's input with what every turn has.
fn turn(mut changed: Value) -> Value {
    changed["Submitter"] = Function::Submitter.arn().into();
    changed["Responder"] = Function::Responder.arn().into();
    changed
}
