//! Executions that are stopped by hand, or fail: an answer that was stored is put as it is, whoever is asked; and what a step
//! still does that was under way is found by what `CloudFormation` sends next.

use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::time::sleep;
use tracing::level_filters::LevelFilter;

use sparkjob::job::RunRef;
use sparkjob::testing::{Fault, Instead};

use crate::account::{Account, Function, Status};
use crate::cloudformation::{Delivery, Properties, Stack};
use crate::durable::duration;
use crate::log::Log;
use crate::told::{RESPONDS, line, lines};
use crate::town::{BUCKET, Engine};
use crate::{NEW, OLD};

const DESCRIBE: &str = "DescribeExecution";
const HISTORY: &str = "GetExecutionHistory";

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_stopped_by_hand_is_answered_and_its_job_is_deleted() {
    for engine in Engine::ALL {
        let clean = duration(engine).await / 1000;
        let mut named = 0;
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
                let execution = format!("its execution {} of the workflow is ABORTED", request.execution());
                assert!(answer.reason.contains(&execution), "{told}: {}", answer.reason);
                let line = line(&log, &request.id, RESPONDS).expect("a line of the responder's");
                assert_eq!(line["told"], execution, "{told}");
                if let Some((_, job)) = answer.reason.split_once("; its job is ") {
                    let (job, _) = job.split_once(". ").expect("a sentence");
                    assert!(job.parse::<RunRef>().is_ok() && line["job"] == job, "{told}: {job}: {line}");
                    named += 1;
                }
            }
            assert_eq!(account.town().ids_of_answers(&request).len(), 1, "{told}");
            account.finish(stack, &answer).await;
        }
        assert!(named > 0, "{engine:?}: whoever stops an execution is told its job");
    }
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_told_of_by_its_name_alone_is_answered_from_its_input() {
    // Also where it is shown only when the responder has looked for it once, and, where AWS itself tells of it, been called once.
    for (lag, source) in [(0, None), (2, None), (30, Some("aws.states"))] {
        let account = Account::new(Engine::EmrServerless);
        let mut stack = Stack::new(account.town());
        let begin = account.town().now();
        let request = stack.create(NEW, Properties::default());
        account.deliver_again(&request);
        sleep(Duration::from_millis(40)).await;
        // Whoever is told as usual cannot answer.
        account.cut_off(Function::Responder, BUCKET);
        account.stop_executions();
        account.settled().await;
        assert!(account.town().bodies(&request).is_empty() && account.executions() == [Status::Aborted]);
        account.heal();
        account.lag(account.town().now().since(begin) + Duration::from_secs(lag));
        let name = request.execution();
        account.invoke(Function::Responder, json!({"source": source, "detail": {"name": name, "status": "ABORTED"}}));
        let answer = account.answer(&request).await.unwrap_or_else(|| panic!("an answer, {lag} s"));
        assert_eq!(answer.status, "FAILED", "{}", answer.reason);
        assert!(answer.reason.contains("ABORTED"), "{}", answer.reason);
        account.finish(stack, &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stored_answer_is_put_as_it_is_by_a_responder_that_dies_of_each_put() {
    let (account, request) = without_a_way_to_the_bucket();
    // Of the calls by the workflow none returns, so that the rule on failed executions has to make one more.
    for _ in 0..4 {
        account.way().fault_next(Method::PUT, "request-1", Fault::After(Instead::Death));
    }
    let answer = account.deliver(&request).await;
    assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
    account.settled().await;
    assert_eq!(account.executions(), [Status::Failed]);
    assert_eq!((account.town().bodies(&request).len(), account.town().distinct_answers(&request)), (5, 1));
}

#[tokio::test(start_paused = true)]
async fn a_stored_answer_is_put_as_it_is_when_room_for_the_responder_comes_after_its_workflow_ended() {
    let (account, request) = without_a_way_to_the_bucket();
    account.throttle(Function::Responder, 26);
    let answer = account.deliver(&request).await;
    assert_eq!((answer.status.as_str(), account.executions()), ("SUCCESS", vec![Status::Failed]), "{}", answer.reason);
}

/// An account whose submitter can put no answer, and a Create.
fn without_a_way_to_the_bucket() -> (Account, Delivery) {
    let account = Account::new(Engine::EmrServerless);
    account.cut_off(Function::Submitter, BUCKET);
    let request = Stack::new(account.town()).create(NEW, Properties::default());
    (account, request)
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_on_its_way_when_its_execution_is_stopped_is_put_again_at_once() {
    let slow = Fault::Slow(Duration::from_secs(5));
    for fault in [Fault::After(Instead::Silence), Fault::Before(Instead::Silence), slow] {
        let (account, request) = stopped_at(&fault, Method::PUT, "request-1").await;
        let stopped = account.town().now();
        let answer = account.answer(&request).await.expect("an answer");
        assert_eq!(answer.status, "SUCCESS", "{fault:?}: {}", answer.reason);
        assert!(account.town().now().since(stopped) < Duration::from_secs(1), "{fault:?}: no step is at an engine");
        account.settled().await;
        assert_eq!(account.executions(), [Status::Aborted]);
        // A second delivery finds it as well, and needs nobody's help.
        let calls = account.failures().len();
        account.deliver_again(&request);
        account.settled().await;
        assert_eq!((account.town().distinct_answers(&request), account.failures().len()), (1, calls), "{fault:?}");
        assert!(account.town().bodies(&request).len() >= 2, "{fault:?}");
    }
}

/// A Create whose execution is stopped while this happens to its first request of that kind.
async fn stopped_at(fault: &Fault, method: Method, path: &str) -> (Account, Delivery) {
    let account = Account::new(Engine::EmrServerless);
    let request = Stack::new(account.town()).create(NEW, Properties::default());
    account.way().fault_next(method, path, fault.clone());
    account.deliver_again(&request);
    until_struck(&account, fault).await;
    account.stop_executions();
    (account, request)
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_stopped_at_any_moment_about_its_answer_is_answered_alike() {
    for engine in Engine::ALL {
        let whole = duration(engine).await;
        for milliseconds in whole.saturating_sub(60)..whole + 60 {
            let told = format!("{engine:?}, {milliseconds} of {whole} ms");
            let account = Account::new(engine);
            let request = Stack::new(account.town()).create(NEW, Properties::default());
            account.deliver_again(&request);
            sleep(Duration::from_millis(milliseconds)).await;
            let is_stored = account.holds_an_answer();
            account.stop_executions();
            account.settled().await;
            assert_eq!(account.town().distinct_answers(&request), 1, "{told}");
            let answer = account.town().answer(&request).expect("an answer");
            assert!(!is_stored || answer["Status"] == "SUCCESS", "{told}: {answer}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn why_an_execution_ended_is_told_alike_by_whoever_brings_it_before_the_responder() {
    let account = Account::new(Engine::EmrServerless);
    account.town().stacks().may_be_asked(false);
    let told = Properties { wait_for: "Succeeded", ..Properties::default() };
    let request = Stack::new(account.town()).create(NEW, told);
    account.deliver_again(&request);
    sleep(Duration::from_secs(20)).await;
    account.stop_executions();
    let answer = account.answer(&request).await.expect("an answer");
    assert!(answer.reason.contains("of the workflow is ABORTED"), "{}", answer.reason);
    account.settled().await;
    // Lambda gives this one up.
    account.deliver_again(&request);
    account.settled().await;
    assert_eq!((account.town().bodies(&request).len(), account.town().distinct_answers(&request)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn why_a_step_came_to_nothing_is_told_alike_by_the_workflow_and_after_its_end() {
    for engine in [Engine::Livy, Engine::EmrOnEks, Engine::EmrServerless] {
        let account = Account::new(engine);
        // Who may ask stands back from an answer that has arrived.
        account.town().stacks().may_be_asked(false);
        account.way().fault_each(Method::POST, engine.submission(), Fault::Before(Instead::Death));
        let mut stack = Stack::new(account.town());
        let request = stack.create(NEW, Properties::default());
        // The responder dies of each of its puts, which take effect.
        for _ in 0..4 {
            account.way().fault_next(Method::PUT, "request-1", Fault::After(Instead::Death));
        }
        let answer = account.deliver(&request).await;
        assert!(answer.reason.contains("a step of the workflow failed"), "{engine:?}: {}", answer.reason);
        account.settled().await;
        let answers = (account.town().bodies(&request).len(), account.town().distinct_answers(&request));
        assert_eq!(answers, (5, 1), "{engine:?}");
        account.heal();
        stack.answered(&answer);
        stack.finish(account.town()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_cannot_be_looked_at_is_answered_from_its_event() {
    let unavailable =
        |account: &Account| account.way().fault_each(Method::POST, DESCRIBE, Fault::Before(Instead::Page(503)));
    let no_history = |account: &Account| {
        account.way().fault_each(Method::POST, HISTORY, Fault::After(Instead::Answer(200, "{}".to_owned())));
    };
    let denied = |account: &Account| account.deny(HISTORY);
    for (hinder, why) in [
        (&unavailable as &dyn Fn(&Account), "is not known"),
        (&no_history, "an answer that is no history"),
        (&denied, "may not be read, only its input"),
    ] {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(Engine::EmrServerless);
        let mut stack = Stack::new(account.town());
        let request = stack.create(NEW, Properties { wait_for: "Succeeded", ..Properties::default() });
        account.deliver_again(&request);
        sleep(Duration::from_secs(20)).await;
        hinder(&account);
        account.stop_executions();
        let answer = account.answer(&request).await.expect("an answer");
        assert_eq!(answer.status, "FAILED", "{why}");
        assert!(answer.reason.contains("of the workflow is ABORTED"), "{why}: {}", answer.reason);
        let lines = lines(&log, &request.id);
        assert!(lines.iter().any(|line| line.to_string().contains(why)), "{}", log.text());
        account.heal();
        stack.answered(&answer);
        stack.finish(account.town()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_told_to_run_though_it_ended_is_looked_at_again() {
    let slow = Fault::Slow(Duration::from_secs(5));
    let (account, request) = stopped_at(&slow, Method::PUT, "request-1").await;
    let behind = json!({ "status": "RUNNING", "startDate": 1.0, "input": "{}" });
    account.way().fault_next(Method::POST, DESCRIBE, Fault::After(Instead::Answer(200, behind.to_string())));
    account.settled().await;
    let answer = account.town().answer(&request).expect("an answer");
    assert_eq!(
        (answer["Status"].as_str(), account.town().distinct_answers(&request)),
        (Some("SUCCESS"), 1),
        "{answer}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_found_in_a_history_that_may_not_be_read_for_a_moment() {
    let slow = Fault::Slow(Duration::from_secs(5));
    let (account, request) = stopped_at(&slow, Method::PUT, "request-1").await;
    let denied = r#"{"__type": "AccessDeniedException", "message": "not yet"}"#;
    for _ in 0..3 {
        account.way().fault_next(Method::POST, HISTORY, Fault::Before(Instead::Answer(400, denied.to_owned())));
    }
    account.settled().await;
    let answer = account.town().answer(&request).expect("an answer");
    assert_eq!(
        (answer["Status"].as_str(), account.town().distinct_answers(&request)),
        (Some("SUCCESS"), 1),
        "{answer}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_execution_whose_end_has_no_time_leaves_its_step_as_long_as_any() {
    let account = Account::new(Engine::EmrServerless);
    let request = Stack::new(account.town()).create(NEW, Properties::default());
    account.deliver_again(&request);
    sleep(Duration::from_secs(2)).await;
    let ended = json!({ "status": "ABORTED", "startDate": 1.0, "input": "{}" });
    account.way().fault_each(Method::POST, DESCRIBE, Fault::After(Instead::Answer(200, ended.to_string())));
    let stopped = account.town().now();
    account.stop_executions();
    account.answer(&request).await.expect("an answer");
    let took = account.town().now().since(stopped).as_secs();
    assert!((10..=12).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn a_short_request_whose_execution_is_stopped_is_answered_in_time() {
    for (service_timeout, at) in [(12, 8), (20, 14), (30, 21), (60, 44)] {
        for fails in [false, true] {
            let account = Account::new(Engine::EmrServerless);
            let told = Properties { wait_for: "Succeeded", service_timeout, ..Properties::default() };
            let request = Stack::new(account.town()).create(NEW, told);
            account.deliver_again(&request);
            sleep(Duration::from_secs(at)).await;
            if fails {
                account.way().fault_each(Method::POST, DESCRIBE, Fault::Before(Instead::Silence));
            }
            account.stop_executions();
            let stopped = account.town().now();
            let answer = account.answer(&request).await.expect("an answer in time");
            assert_eq!(answer.status, "FAILED", "stopped after {at} of {service_timeout} s");
            let (took, left) = (account.town().now().since(stopped), request.until.since(stopped));
            // Each of two waits takes half of what is left at most: that for a look, and that for the step.
            assert!(took < left * 7 / 8, "stopped after {at} of {service_timeout} s: {took:?} of {left:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_stopped_does_not_wait_as_long_as_an_update() {
    for (is_update, least, most) in [(false, 10, 12), (true, 120, 122)] {
        let account = Account::new(Engine::EmrServerless);
        let mut stack = Stack::new(account.town());
        let mut request = stack.create(OLD, Properties::default());
        if is_update {
            let created = account.deliver(&request).await;
            stack.answered(&created);
            account.settled().await;
            request = stack.update(NEW, Properties { wait_for: "Succeeded", ..Properties::default() });
        }
        account.deliver_again(&request);
        sleep(Duration::from_secs(2)).await;
        let stopped = account.town().now();
        account.stop_executions();
        account.answer(&request).await.expect("an answer");
        let took = account.town().now().since(stopped).as_secs();
        assert!((least..=most).contains(&took), "{took} s, {is_update}");
    }
}

/// Returns when this has happened to a request.
pub async fn until_struck(account: &Account, fault: &Fault) {
    while !account.way().requests().iter().any(|sent| sent.fault.as_ref() == Some(fault)) {
        sleep(Duration::from_millis(50)).await;
    }
}
