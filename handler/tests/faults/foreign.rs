//! Input that nobody can make sense of, or only in part: each ends with a clear word in the log, and with an answer where a
//! request can be read.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use sparkjob::job::RunRef;
use sparkjob::testing::{Fault, Instead, Script};
use tokio::time::sleep;
use tracing::level_filters::LevelFilter;

use crate::account::{Account, Function, Missed, STATES, Status};
use crate::cloudformation::{INVENTED, Properties, Stack};
use crate::log::Log;
use crate::told::{RESPONDS, line};
use crate::town::{APPLICATION, CLUSTER, Engine, VIRTUAL_CLUSTER};
use crate::{NEW, OLD};

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
    account.finish(stack, &answer).await;
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
    account.finish(stack, &created).await;
}

#[tokio::test(start_paused = true)]
async fn a_turn_without_a_request_ends_with_a_clear_word() {
    let known = json!({"RequestType": "Create", "RequestId": "r-1", "LogicalResourceId": "Pi"});
    for (broken, failure, word) in [
        (json!({"Version": 1}), "holds no request", "execution broken holds no request"),
        (json!({"Version": 1, "Event": known}), "a step of the workflow failed: BadTurn", NOT_ANSWERABLE),
        (json!({"Version": 2, "Event": known}), "RequestId r-1, LogicalResourceId Pi: this step", NOT_ANSWERABLE),
        (json!({"Version": "one", "Event": 7}), "ResponseURL", NOT_ANSWERABLE),
    ] {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(Engine::Livy);
        account.start("broken", &turn(broken.clone()));
        account.settled().await;
        assert_eq!(account.executions(), [Status::Failed], "{broken}");
        let failures = account.failures();
        assert!(failures.iter().any(|told| told.contains(failure)), "{broken}: {failures:?}");
        // The step, the responder that the workflow calls, and nobody a second time.
        assert_eq!(failures.len(), 2, "{broken}: {failures:?}");
        assert!(has_line(&log, word), "{broken}: {}", log.text());
        if broken["Event"] == known {
            let line = line(&log, "r-1", NOT_ANSWERABLE).expect("a line about it");
            assert_eq!(line["LogicalResourceId"], "Pi");
        }
        assert!(account.town().alive().is_empty());
        assert!(account.way().requests().iter().all(|sent| LOOKS.contains(&&*sent.path)));
    }
}

/// What is said of an event that tells no address.
const NOT_ANSWERABLE: &str = "this event of a custom resource cannot be answered: ResponseURL is missing";

/// All that is sent then: the responder asks how the execution ended, and how far it came.
const LOOKS: [&str; 2] = ["/AWSStepFunctions.DescribeExecution", "/AWSStepFunctions.GetExecutionHistory"];

#[tokio::test(start_paused = true)]
async fn a_record_that_is_not_ours_is_a_line_in_the_log_and_no_failure() {
    let context = json!({"requestId": "8f5c", "condition": "RetriesExhausted", "approximateInvokeCount": 3});
    for (foreign, word) in [
        (
            json!({"requestPayload": {"job": 7}, "requestContext": context}),
            "(Lambda gave the request up (RetriesExhausted) after 3 invocations, Lambda's request id 8f5c)",
        ),
        (json!({"requestPayload": {"RequestId": "r-1"}}), "LogicalResourceId is missing (Lambda gave the request up)"),
        (
            json!({"requestPayload": {"job": 7}, "responsePayload": {"errorType": "Boom", "errorMessage": "it is hunter3"}}),
            "(Lambda gave the request up)",
        ),
        (json!({"Records": []}), "no request that somebody waits for: it is none of Lambda's records"),
        (json!({"detail": {}}), "no request that somebody waits for: missing field `name`"),
        (json!(null), "none of Lambda's records"),
    ] {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(Engine::Livy);
        account.invoke(Function::Responder, foreign.clone());
        account.settled().await;
        assert!(account.failures().is_empty(), "{foreign}: {:?}", account.failures());
        assert!(has_line(&log, word), "{foreign}: {}", log.text());
        assert!(account.way().requests().is_empty(), "{foreign}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_not_there_is_a_line_in_the_log_and_a_failure_where_aws_tells_of_it() {
    let by_hand = json!({"detail": {"name": "nobody", "status": "ABORTED", "input": null}});
    let told = json!({"source": "aws.states", "detail": by_hand["detail"]});
    let unseen = "execution nobody cannot be looked at";
    for (event, is_cut_off, failure) in [
        (&by_hand, false, None),
        (&told, false, Some("execution nobody is told of and not there")),
        (&by_hand, true, Some(unseen)),
        (&told, true, Some(unseen)),
    ] {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(Engine::Livy);
        if is_cut_off {
            account.cut_off(Function::Responder, STATES);
        }
        account.invoke(Function::Responder, event.clone());
        account.settled().await;
        let failures = account.failures();
        if let Some(failure) = failure {
            // Lambda tries three times.
            assert!(failures.len() == 3 && failures[0].contains(failure), "{failures:?}");
        } else {
            assert!(failures.is_empty(), "{failures:?}");
            assert!(has_line(&log, "there is no execution nobody"), "{}", log.text());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_by_hand_for_an_answer_that_the_workflow_is_at_is_told_so() {
    let account = Account::new(Engine::Livy);
    account.town().livy().script(NEW, Script::running(Duration::from_mins(40)));
    let mut stack = Stack::new(account.town());
    let request = stack.create(NEW, Properties { wait_for: "Succeeded", ..Properties::default() });
    account.deliver_again(&request);
    sleep(Duration::from_mins(2)).await;
    let [name] = &account.names()[..] else { panic!("one execution: {:?}", account.names()) };
    assert_eq!(account.bring(name).await, Ok(json!("AtWork")));
    // As well where what is brought is EventBridge's event, without where it comes from.
    let input = json!({"Version": 1, "Event": request.event, "Progress": "Claimed"}).to_string();
    let brought = json!({"detail": {"name": name, "status": "ABORTED", "input": input}}).to_string();
    assert_eq!(account.call(Function::Responder, &brought).await, Ok(json!("AtWork")));
    // What EventBridge tells has ended, though that is not told yet: it is tried again.
    let told = json!({"source": "aws.states", "detail": {"name": name, "status": "FAILED"}}).to_string();
    assert!(
        matches!(account.call(Function::Responder, &told).await, Err(Missed::Failed(failed)) if failed.error_type == "Running")
    );
    let answer = account.answer(&request).await.expect("an answer");
    assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
    assert_eq!(account.failures().len(), 1, "{:?}", account.failures());
    account.finish(stack, &answer).await;
}

/// Whether an error in the log holds these words.
fn has_line(log: &Log, words: &str) -> bool {
    log.text().lines().any(|line| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        line["level"] == "ERROR" && line["message"].as_str().is_some_and(|message| message.contains(words))
    })
}

#[tokio::test(start_paused = true)]
async fn a_token_that_names_nothing_is_deleted() {
    for engine in Engine::ALL {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(engine);
        let mut stack = Stack::new(account.town());
        stack.create(NEW, Properties::default());
        let (token, dated) = ("0f".repeat(32), "0e".repeat(32));
        let delete = stack.delete_of(&format!("spark-job:unknown:{token}:{dated}"));
        let answer = account.deliver(&delete).await;
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        let line =
            |message: &str| line(&log, &delete.id, message).unwrap_or_else(|| panic!("{message}: {}", log.text()));
        assert_eq!(line("answered")["job"], delete.event["PhysicalResourceId"], "{engine:?}");
        let told = format!("no live job bears the token {token} or {dated}: nothing is left to stop");
        assert_eq!(line("no live job")["message"], told, "{engine:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_names_nothing_in_the_time_that_there_is_has_a_line_of_its_own() {
    for engine in Engine::ALL {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(engine);
        let mut stack = Stack::new(account.town());
        stack.create(NEW, Properties { service_timeout: 40, ..Properties::default() });
        let delete = stack.delete_of(&format!("spark-job:unknown:{}", "0f".repeat(32)));
        let answer = account.deliver(&delete).await;
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        let told = line(&log, &delete.id, "no live job bears the token").unwrap_or_else(|| panic!("{}", log.text()));
        let is_so = |told: &str| told.ends_with(": there was no time to look on");
        assert!(told["message"].as_str().is_some_and(is_so), "{engine:?}: {told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_place_that_is_gone_names_nothing_either() {
    for engine in [Engine::EmrOnEks, Engine::EmrServerless, Engine::EmrSteps] {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(engine);
        let mut stack = Stack::new(account.town());
        stack.create(NEW, Properties::default());
        for place in [VIRTUAL_CLUSTER, APPLICATION, CLUSTER] {
            account.town().emr().forget(place);
        }
        let delete = stack.delete_of(&format!("spark-job:unknown:{}", "0f".repeat(32)));
        let answer = account.deliver(&delete).await;
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        assert!(line(&log, &delete.id, "no live job bears the token").is_some(), "{engine:?}: {}", log.text());
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_place_that_nothing_tells_of_names_nothing_and_the_log_says_that_nobody_looked() {
    let log = Log::at(LevelFilter::INFO);
    let account = Account::new(Engine::EmrServerless);
    let mut stack = Stack::new(account.town());
    stack.create_with(json!({"ApplicationId": "00f1", "ClusterId": "j-1ABC"}));
    let delete = stack.delete_of(&format!("spark-job:unknown:{}", "0f".repeat(32)));
    let answer = account.deliver(&delete).await;
    assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
    let told = line(&log, &delete.id, "the properties do not tell where").expect("a line about it");
    assert_eq!(told["level"], "WARN");
    assert_eq!(line(&log, &delete.id, "no live job"), None);
}

#[tokio::test(start_paused = true)]
async fn the_job_that_is_found_by_its_token_and_stopped_is_named_in_the_log() {
    for engine in Engine::ALL {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(engine);
        let mut stack = Stack::new(account.town());
        let request = stack.create(NEW, Properties::default());
        let created = account.deliver(&request).await;
        let job: RunRef = created.id.parse().expect("a job");
        let marker = stack.marker();
        let delete = stack.delete_of(&marker);
        assert_eq!(account.deliver(&delete).await.status, "SUCCESS", "{engine:?}");
        let told = line(&log, &delete.id, "stopping a job").unwrap_or_else(|| panic!("{}", log.text()));
        let stopped: RunRef = told["run"].as_str().expect("a text").parse().expect("a job");
        assert!(stopped.is_same(&job), "{engine:?}: {told}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_line_with_an_answer_names_the_job_that_it_tells_of() {
    for engine in Engine::UNLIKE {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(engine);
        let mut stack = Stack::new(account.town());
        let create = stack.create(OLD, Properties::BRIEF);
        let created = account.deliver(&create).await;
        stack.answered(&created);
        account.settled().await;
        let update = stack.update(NEW, Properties::BRIEF);
        let updated = account.deliver(&update).await;
        account.settled().await;
        for (request, answer) in [(create, created), (update, updated.clone())] {
            let told = line(&log, &request.id, "answered").expect("a line");
            assert_eq!(told["job"], answer.id, "{engine:?}: {}", log.text());
        }
        account.finish(stack, &updated).await;
    }
}

#[tokio::test(start_paused = true)]
async fn that_nobody_waits_any_more_is_a_line_in_the_log_whoever_asks_the_responder() {
    let log = Log::at(LevelFilter::INFO);
    let account = Account::new(Engine::EmrServerless);
    let mut stack = Stack::new(account.town());
    let late = stack.create(NEW, Properties::default());
    sleep(Duration::from_mins(1)).await;
    let delete = stack.delete_of("demo-Pi-1ABCDEFGHIJKL");
    assert_eq!(account.deliver(&delete).await.status, "SUCCESS");
    account.deliver_again(&late);
    account.settled().await;
    assert_eq!(account.bring(&late.execution()).await, Ok(json!("Superseded")));
    assert!(line(&log, &late.id, "CloudFormation has gone on: nobody").is_some(), "{}", log.text());
}

/// The function dies each time that it looks whether that is over which it has stopped for an Update that is rolled back.
#[tokio::test(start_paused = true)]
async fn what_may_run_on_of_a_request_that_nobody_waits_for_is_named_in_the_log() {
    for engine in Engine::ALL {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(engine);
        let mut stack = Stack::new(account.town());
        let created = account.deliver(&stack.create(OLD, Properties::default())).await;
        stack.answered(&created);
        account.settled().await;
        let goes_on = Script { stops: Duration::from_mins(30), ..Script::endless() };
        account.town().emr().script(NEW, goes_on.clone());
        account.town().livy().script(NEW, goes_on);
        let update =
            stack.update(NEW, Properties { strategy: "StartThenStop", wait_for: "Succeeded", ..Properties::USUAL });
        account.deliver_again(&update);
        until(|| account.town().jobs_of(NEW) > 0).await;
        sleep(Duration::from_secs(10)).await;
        stack.roll_back();
        until(|| log.text().contains("stopping a job")).await;
        for (method, part) in [(Method::GET, ""), (Method::POST, "DescribeStep"), (Method::POST, "ListSteps")] {
            account.way().fault_each(method, part, Fault::Before(Instead::Death));
        }
        account.settled().await;
        let told = line(&log, &update.id, "CloudFormation has gone on: nobody");
        let told = told.unwrap_or_else(|| panic!("{engine:?}: {}", log.text()));
        assert_eq!(account.town().alive().len(), 2, "{engine:?}");
        let job = told["told"].as_str().and_then(|told| told.split_once("; its job is ")).map_or("", |(_, job)| job);
        assert!(job.parse::<RunRef>().is_ok() && job != created.id, "{engine:?}: {told}");
    }
}

async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
    panic!("it never came to that");
}

#[tokio::test(start_paused = true)]
async fn where_nobody_could_look_the_log_does_not_say_that_nothing_is_left() {
    for engine in Engine::ALL {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(engine);
        // No look succeeds: those of steps are asked for by POST.
        for (method, part) in [(Method::GET, ""), (Method::POST, "ListSteps")] {
            account.way().fault_each(method, part, Fault::Before(Instead::Page(503)));
        }
        let mut stack = Stack::new(account.town());
        let mut properties = engine.target();
        properties["OnDeleteError"] = "Ignore".into();
        stack.create_with(properties);
        let delete = stack.delete_of(&format!("spark-job:unknown:{}", "0f".repeat(32)));
        let answer = account.deliver(&delete).await;
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        let left = line(&log, &delete.id, "OnDeleteError is Ignore").unwrap_or_else(|| panic!("{}", log.text()));
        assert_eq!(left["level"], "WARN", "{engine:?}");
        assert_eq!(line(&log, &delete.id, "no live job"), None, "{engine:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_template_that_names_the_responder_is_told_so_and_its_stack_can_go() {
    let log = Log::at(LevelFilter::INFO);
    let account = Account::new(Engine::Livy);
    let mut stack = Stack::new(account.town());
    let create = stack.create(NEW, Properties::default());
    account.invoke(Function::Responder, create.event.clone());
    let created = account.answer(&create).await.expect("an answer");
    assert_eq!((created.status.as_str(), created.id.as_str()), ("FAILED", "spark-job:nothing"));
    assert!(created.reason.contains("its ServiceToken names the responder"), "{}", created.reason);
    stack.answered(&created);
    let job = "emr-steps://j-1ABC/steps/s-1#pi-1";
    for (delete, status) in
        [(stack.delete_of(job), "FAILED"), (stack.delete_of(INVENTED), "SUCCESS"), (stack.delete(), "SUCCESS")]
    {
        account.invoke(Function::Responder, delete.event.clone());
        let answer = account.answer(&delete).await.expect("an answer");
        assert_eq!(answer.status, status);
        assert!(!answer.reason.contains("deploy again"), "{}", answer.reason);
    }
    let told = line(&log, &create.id, "a request failed").expect("it is counted as what it is about");
    assert_eq!(told["LogicalResourceId"], "Pi");
    assert!(account.failures().is_empty() && account.town().alive().is_empty());
}

/// An execution's input with what every turn has.
fn turn(mut changed: Value) -> Value {
    changed["Submitter"] = Function::Submitter.arn().into();
    changed["Responder"] = Function::Responder.arn().into();
    changed
}
