//! What is counted of whole requests, whoever works on them, also where nothing but errors is logged.

use http::Method;
use serde_json::{Value, json};
use sparkjob::testing::{Fault, Instead};
use tracing::level_filters::LevelFilter;

use crate::account::{Account, Function};
use crate::cloudformation::{Properties, Stack};
use crate::log::Log;
use crate::told::{RESPONDS, line};
use crate::town::{BUCKET, Engine};
use crate::undelivered::refused;
use crate::{DYING, NEW, OLD, REFUSED};

/// What a town's engine is called.
fn word(engine: Engine) -> &'static str {
    match engine {
        Engine::Livy | Engine::LivyOnCluster => "livy",
        Engine::EmrOnEks => "emr-on-eks",
        Engine::EmrServerless => "emr-serverless",
        Engine::EmrSteps => "emr-steps",
    }
}

/// Every engine, with the workflow and without.
fn accounts() -> impl Iterator<Item = Account> {
    Engine::ALL.into_iter().flat_map(|engine| [Account::new(engine), Account::without_workflow(engine)])
}

#[tokio::test(start_paused = true)]
async fn a_job_is_counted_once_it_is_submitted_and_once_it_is_told() {
    for account in accounts() {
        let engine = word(account.town().engine());
        let log = Log::at(LevelFilter::ERROR);
        let mut stack = Stack::new(account.town());
        let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
        account.settled().await;
        assert_eq!(log.counted(), [format!("Submitted {engine}"), format!("Succeeded {engine}")]);
        stack.answered(&answer);
        for delete in stack.deletes() {
            account.deliver(&delete).await;
        }
        account.settled().await;
        assert_eq!(log.counted()[2..], [format!("Succeeded {engine}")]);
        assert_all_have_a_request(&log);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_counted_by_its_kind() {
    let told = Properties { wait_for: "Succeeded", ..Properties::default() };
    for (file, kind) in [("", "Invalid"), (REFUSED, "Rejected"), (DYING, "Failed")] {
        for account in accounts() {
            let engine = word(account.town().engine());
            let log = Log::at(LevelFilter::ERROR);
            let answer = account.deliver(&Stack::new(account.town()).create(file, told)).await;
            account.settled().await;
            let counted = log.counted();
            assert_eq!(counted.last(), Some(&format!("Failed {engine} {kind}")), "{}", answer.reason);
            let submitted = counted.iter().filter(|counted| **counted == format!("Submitted {engine}")).count();
            assert_eq!((submitted, counted.len()), if file == DYING { (1, 2) } else { (0, 1) }, "{counted:?}");
            assert_all_have_a_request(&log);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_look_that_a_rollback_goes_on_without_is_counted() {
    for account in accounts() {
        let engine = word(account.town().engine());
        let mut stack = Stack::new(account.town());
        let created = account.deliver(&stack.create(OLD, Properties::default())).await;
        stack.answered(&created);
        let refusal = account.deliver(&stack.update(REFUSED, Properties::default())).await;
        stack.fails(&refusal);
        account.settled().await;
        let log = Log::at(LevelFilter::ERROR);
        account.town().livy().fault_all(Fault::refused());
        account.town().emr().fault_all(Fault::refused());
        let back = account.deliver(&stack.roll_back()).await;
        account.settled().await;
        assert_eq!((&*back.status, &back.id), ("SUCCESS", &created.id), "{engine}: {}", back.reason);
        // Whose job that is, where its id does not tell; else what a lost update may have left, and how the job is.
        let looks = if engine == "emr-on-eks" || engine == "emr-serverless" { 1 } else { 2 };
        let passed_over = std::iter::repeat_n(format!("PassedOver {engine}"), looks);
        let counted: Vec<String> = passed_over.chain([format!("Succeeded {engine}")]).collect();
        assert_eq!(log.counted(), counted, "{}", back.reason);
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_a_rollback_cannot_stop_is_counted() {
    for account in accounts() {
        let engine = word(account.town().engine());
        let mut stack = Stack::new(account.town());
        let created = account.deliver(&stack.create(OLD, Properties::default())).await;
        stack.answered(&created);
        let updated = account.deliver(&stack.update(NEW, Properties::default())).await;
        account.settled().await;
        for (method, part) in [(Method::DELETE, "/"), (Method::POST, "CancelSteps")] {
            account.way().fault_each(method, part, Fault::Before(Instead::Page(403)));
        }
        let log = Log::at(LevelFilter::ERROR);
        let back = account.deliver(&stack.take_back(&updated)).await;
        account.settled().await;
        assert!(back.status == "SUCCESS" && back.reason.contains("may have been left running"), "{engine}: {back:?}");
        assert_eq!(account.town().alive().len(), 2, "{engine}");
        let counted = log.counted();
        let passed_over = format!("PassedOver {engine}");
        assert_eq!(counted.iter().filter(|counted| **counted == passed_over).count(), 1, "{counted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_large_for_the_workflow_is_counted() {
    let account = Account::new(Engine::EmrOnEks);
    let mut properties = Engine::EmrOnEks.target();
    properties["Parameters"] = json!({"File": NEW, "Args": ["x".repeat(300_000)]});
    let log = Log::at(LevelFilter::ERROR);
    let answer = account.deliver(&Stack::new(account.town()).create_with(properties)).await;
    assert!(answer.reason.contains("too large by"), "{}", answer.reason);
    assert_eq!(log.counted(), ["Failed emr-on-eks Invalid"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_put_again_is_not_counted_again() {
    let account = Account::new(Engine::EmrServerless);
    account.cut_off(Function::Submitter, BUCKET);
    let log = Log::at(LevelFilter::ERROR);
    let request = Stack::new(account.town()).create(NEW, Properties::default());
    account.deliver(&request).await;
    account.settled().await;
    account.heal();
    account.deliver_again(&request);
    account.settled().await;
    assert_eq!(account.town().bodies(&request).len(), 2);
    assert_eq!(log.counted(), ["Submitted emr-serverless", "Succeeded emr-serverless"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_arrived_and_is_refused_when_the_responder_puts_it_again_has_been_delivered() {
    let account = Account::new(Engine::EmrServerless);
    let log = Log::at(LevelFilter::INFO);
    let request = Stack::new(account.town()).create(NEW, Properties::default());
    account.deliver(&request).await;
    account.settled().await;
    for (is_refused, told, came_to) in
        [(false, "answered once more", "Answered"), (true, "not answered once more", "Refused")]
    {
        if is_refused {
            account.way().fault_each(Method::PUT, "request-1", refused());
        }
        assert_eq!(account.bring(&request.execution()).await, Ok(json!(came_to)));
        assert!(line(&log, &request.id, told).is_some(), "{}", log.text());
    }
    assert!(line(&log, &request.id, RESPONDS).is_none(), "{}", log.text());
    assert_eq!(log.counted(), ["Submitted emr-serverless", "Succeeded emr-serverless"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_responder_s_own_is_counted_once() {
    let account = Account::new(Engine::EmrSteps);
    account.way().fault_each(Method::POST, "StartExecution", Fault::Before(Instead::Page(503)));
    let log = Log::at(LevelFilter::ERROR);
    account.deliver(&Stack::new(account.town()).create(NEW, Properties::default())).await;
    account.settled().await;
    assert_eq!(log.counted(), ["Failed emr-steps Unavailable"]);
}

fn assert_all_have_a_request(log: &Log) {
    for line in log.text().lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert!(line["RequestId"].is_string(), "{line}");
    }
}
