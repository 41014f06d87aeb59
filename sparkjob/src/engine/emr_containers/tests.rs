//! The engine against the model: what it makes of the service's answers, and of none.

mod change;
mod find;

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::engine::tests::{PI, engine, identity, invalid, phase, request, seconds, start, status, tags};
use crate::engine::{Engine, How, Kind, Lookup};
use crate::job::{Identity, Job, Native, Parameters, Phase, Place, RunRef, Status, Tags, Timestamp};
use crate::spark_submit::quote;
use crate::testing::{FakeEmr, Fault, Instead, OPENED, Script};

const CLUSTER: &str = "vc1";

fn job(file: &str) -> Job {
    let parameters = Parameters { file: file.to_owned(), ..Parameters::default() };
    let native = json!({
        "ExecutionRoleArn": "arn:aws:iam::123456789012:role/job",
        "ReleaseLabel": "emr-7.5.0-latest",
        "ConfigurationOverrides": {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://logs/emr"}}},
    });
    Job { native: native_fields(native), ..Job::of(place(), parameters) }
}

fn native_fields(fields: Value) -> Native {
    Native(serde_json::from_value(fields).expect("an object"))
}

fn place() -> Place {
    Place::EmrOnEks(CLUSTER.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_job_is_submitted_and_followed_to_its_end() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    emr.script(PI, Script { waits: Duration::from_secs(4), ..Script::default() });
    let run = start(&*engine, &job(PI)).await;
    let arn = "arn:aws:emr-containers:eu-west-1:123456789012:/virtualclusters/vc1/jobruns/0000000300000000000";
    assert_eq!(run.to_string(), arn);
    assert_eq!(run.arn().as_deref(), Some(arn));
    let first = status(&*engine, &run).await;
    assert_eq!((first.phase, first.word.as_str()), (Phase::Waiting, "PENDING"));
    assert_eq!(first.name, Some(identity(&job(PI)).name()));
    assert_eq!(first.created, Some(OPENED));
    assert_eq!(first.application, None);
    seconds(2).await;
    assert_eq!(status(&*engine, &run).await.word, "SUBMITTED");
    seconds(2).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Running);
    seconds(10).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_is_what_was_said_and_nothing_that_the_sdk_makes_up() {
    let emr = FakeEmr::new();
    let mut job = job(PI);
    job.tags = tags([("team", "data")]);
    let identity = identity(&job);
    start(&*engine(&emr, &place()), &job).await;
    let sent = &emr.runs()[0].request;
    let mut expected = BTreeMap::from([
        ("clientToken", json!(identity.token.to_string())),
        ("name", json!(identity.name())),
        ("executionRoleArn", job.native.get("ExecutionRoleArn").unwrap().clone()),
        ("releaseLabel", json!("emr-7.5.0-latest")),
        ("configurationOverrides", job.native.get("ConfigurationOverrides").unwrap().clone()),
        ("tags", json!({"team": "data"})),
    ]);
    let parameters = format!("--conf spark.app.name={}", identity.name());
    assert_eq!(quote::split(&parameters).unwrap().len(), 2);
    let submit = json!({"entryPoint": PI, "sparkSubmitParameters": parameters});
    expected.insert("jobDriver", json!({"sparkSubmitJobDriver": submit}));
    assert_eq!(*sent, json!(expected));
    assert_eq!(emr.runs()[0].tags, tags([("team", "data")]));
    assert_eq!(emr.requests()[0].path, "/virtualclusters/vc1/jobruns");
}

#[tokio::test(start_paused = true)]
async fn a_native_driver_and_a_job_template_are_submitted() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let sql = json!({"JobDriver": {"sparkSqlJobDriver": {"entryPoint": "s3://code/a.sql"}}});
    let template = native_fields(json!({"JobTemplateId": "t1", "JobTemplateParameters": {"Day": "monday"}}));
    let mut with_driver = Job { parameters: None, ..job(PI) };
    with_driver.native.0.extend(native_fields(sql).0);
    let with_template = Job { parameters: None, native: template, ..job(PI) };
    engine.start(&with_driver, &request("1", &with_driver)).await.unwrap();
    engine.start(&with_template, &request("2", &with_template)).await.unwrap();
    let files: Vec<String> = emr.runs().into_iter().map(|run| run.file).collect();
    assert_eq!(files, ["s3://code/a.sql", "t1"]);
    assert_eq!(emr.runs()[1].request.get("executionRoleArn"), None);
}

#[tokio::test(start_paused = true)]
async fn the_same_request_again_is_the_same_run_and_another_one_is_another() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    let run = start(&*engine, &job).await;
    assert_eq!(start(&*engine, &job).await, run);
    let (one, other) = tokio::join!(start(&*engine, &job), start(&*engine, &job));
    assert_eq!((&one, &other), (&run, &run));
    seconds(60).await;
    assert_eq!(start(&*engine, &job).await, run);
    assert_eq!(emr.runs().len(), 1);
    assert_ne!(engine.start(&job, &request("request-2", &job)).await.unwrap(), run);
}

#[tokio::test(start_paused = true)]
async fn no_loss_of_an_answer_is_taken_for_success_or_refusal() {
    let job = job(PI);
    for fault in Fault::losses() {
        let emr = FakeEmr::new();
        let engine = engine(&emr, &place());
        emr.fault_at(1, fault.clone());
        let trouble = engine.start(&job, &identity(&job)).await.unwrap_err();
        let expected = if fault == Fault::refused() { Kind::Unavailable } else { Kind::Unclear };
        assert_eq!(trouble.kind, expected, "{fault:?}: {trouble}");
        assert_eq!(trouble.doing, "submit the job to EMR on EKS, virtual cluster vc1");
        let run = start(&*engine, &job).await;
        assert_eq!(emr.runs().len(), 1, "{fault:?}");

        emr.fault_all(fault.clone());
        let kinds = [
            engine.find(&identity(&job), Lookup::Name, OPENED).await.unwrap_err().kind,
            engine.find(&identity(&job), Lookup::Token, OPENED).await.unwrap_err().kind,
            engine.find(&identity(&job), Lookup::Owner, OPENED).await.unwrap_err().kind,
            engine.describe(std::slice::from_ref(&run)).await.unwrap_err().kind,
            engine.describe(&[run.clone(), run.clone()]).await.unwrap_err().kind,
            engine.tag(&run, &tags([("a", "b")]), &Tags::new()).await.unwrap_err().kind,
        ];
        assert_eq!(kinds, [Kind::Unavailable; 6], "{fault:?}");
        assert!(engine.report(&run).await.full_log.contains("not read"));
        let cancelled = engine.cancel(&run, How::Ask).await.map_err(|trouble| trouble.kind);
        // The answer to a cancellation says nothing that is needed.
        let unread = fault == Fault::After(Instead::Page(200));
        assert!(unread || cancelled == Err(expected), "{fault:?}: {cancelled:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_call_names_the_action_and_its_resource() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    emr.script(PI, Script::endless());
    let run = start(&*engine, &job).await;
    for operation in ["StartJobRun", "ListJobRuns", "DescribeJobRun", "CancelJobRun"] {
        emr.deny(operation, true);
    }
    let arn = run.to_string();
    let cluster = "arn:aws:emr-containers:eu-west-1:123456789012:/virtualclusters/vc1";
    for (trouble, operation, resource) in [
        (engine.start(&job, &identity(&job)).await.unwrap_err(), "StartJobRun", cluster),
        (engine.find(&identity(&job), Lookup::Spec, OPENED).await.unwrap_err(), "ListJobRuns", cluster),
        (engine.describe(std::slice::from_ref(&run)).await.unwrap_err(), "DescribeJobRun", &arn),
        (engine.cancel(&run, How::Ask).await.unwrap_err(), "CancelJobRun", &arn),
    ] {
        assert_eq!(trouble.kind, Kind::Denied);
        assert!(
            trouble.advice.starts_with(&format!("Allow emr-containers:{operation} on {resource} to")),
            "{trouble:?}"
        );
        assert!(trouble.said.contains("is not authorized to perform"), "{trouble}");
    }
    assert!(engine.report(&run).await.full_log.contains("not read: AccessDeniedException"));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_may_be_tried_again() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    for operation in ["StartJobRun", "ListJobRuns", "DescribeJobRun", "CancelJobRun"] {
        emr.throttle(operation, 1);
    }
    assert_eq!(engine.start(&job, &identity(&job)).await.unwrap_err().kind, Kind::Busy);
    let run = start(&*engine, &job).await;
    assert_eq!(engine.find(&identity(&job), Lookup::Name, OPENED).await.unwrap_err().kind, Kind::Busy);
    assert_eq!(engine.describe(std::slice::from_ref(&run)).await.unwrap_err().kind, Kind::Busy);
    assert_eq!(engine.cancel(&run, How::Ask).await.unwrap_err().kind, Kind::Busy);
    engine.cancel(&run, How::Ask).await.unwrap();
    // No call is repeated here.
    assert_eq!(emr.sends(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_waited_for_and_what_is_refused_beside_it_is_tried_again() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    emr.script(PI, Script { waits: Duration::from_mins(1), ..Script::default() });
    emr.limit_queue(CLUSTER, 1);
    let run = start(&*engine, &job).await;
    // Whatever has its room already keeps it.
    assert_eq!(start(&*engine, &job).await, run);
    let trouble = engine.start(&job, &request("2", &job)).await.unwrap_err();
    assert_eq!((trouble.kind, emr.requests()[3].path.as_str()), (Kind::Busy, "/virtualclusters/vc1"), "{trouble}");
    assert!(trouble.advice.contains("raise maxInQueueJobRuns"), "{trouble:?}");
    assert!(trouble.said.starts_with("its queue is full (1 of 1, its maxInQueueJobRuns); "), "{trouble}");
    seconds(60).await;
    engine.start(&job, &request("2", &job)).await.unwrap();
    seconds(60).await;
    // There may be room again as soon as the queue is looked at.
    emr.refuse(PI);
    let trouble = engine.start(&job, &request("3", &job)).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Unavailable, "{trouble}");
    assert!(trouble.advice.starts_with("If this is about the queue of virtual cluster vc1"), "{trouble:?}");
    emr.deny("DescribeVirtualCluster", true);
    assert_eq!(engine.start(&job, &request("3", &job)).await.unwrap_err().kind, Kind::Rejected);
    emr.deny("DescribeVirtualCluster", false);
    emr.throttle("DescribeVirtualCluster", 1);
    assert_eq!(engine.start(&job, &request("3", &job)).await.unwrap_err().kind, Kind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_in_a_virtual_cluster_without_a_limit_is_final() {
    let emr = FakeEmr::new();
    emr.refuse(PI);
    let trouble = engine(&emr, &place()).start(&job(PI), &identity(&job(PI))).await.unwrap_err();
    assert_eq!((trouble.kind, trouble.advice.as_str()), (Kind::Rejected, ""), "{trouble}");
}

#[tokio::test(start_paused = true)]
async fn what_is_over_needs_no_cancelling_in_whatever_words_that_is_refused() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    let run = start(&*engine, &job).await;
    let message = "Virtual cluster state ARRESTED is not valid to cancel JobRun.";
    let refused = invalid(message);
    emr.fault_at(2, refused.clone());
    let trouble = engine.cancel(&run, How::Ask).await.unwrap_err();
    assert_eq!((trouble.kind, trouble.said.contains(message)), (Kind::Rejected, true), "{trouble}");
    seconds(10).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Succeeded);
    emr.fault_at(emr.sends() + 1, refused);
    engine.cancel(&run, How::Ask).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_virtual_cluster_that_is_not_there_is_told_on_submission_and_runs_nothing() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    let run = start(&*engine, &job).await;
    emr.forget(CLUSTER);
    let trouble = engine.start(&job, &identity(&job)).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Rejected);
    assert_eq!(trouble.said, "ResourceNotFoundException: Virtual cluster vc1 doesn't exist.");
    assert!(trouble.advice.starts_with("Virtual cluster vc1 does not exist (any more)"), "{trouble:?}");
    for by in [Lookup::Name, Lookup::Token, Lookup::Owner, Lookup::Spec, Lookup::History] {
        assert_eq!(engine.find(&identity(&job), by, Timestamp::default()).await.unwrap(), []);
    }
    assert_eq!(status(&*engine, &run).await, Status::gone_with_place());
    engine.cancel(&run, How::Kill).await.unwrap();
    engine.tag(&run, &tags([("a", "b")]), &Tags::new()).await.unwrap();
    assert!(engine.report(&run).await.full_log.ends_with("EMR on EKS does not know it any more"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_alive_in_a_terminated_virtual_cluster() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    emr.script(PI, Script::endless());
    let run = start(&*engine, &job).await;
    emr.terminate(CLUSTER);
    let trouble = engine.start(&job, &request("2", &job)).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Rejected);
    assert!(trouble.advice.contains("only while it is RUNNING"), "{trouble:?}");
    assert_eq!(phase(&*engine, &run).await, Phase::Cancelled);
    assert_eq!(engine.find(&identity(&job), Lookup::Owner, OPENED).await.unwrap(), []);
    engine.cancel(&run, How::Ask).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_refuses_to_speak_of_a_terminated_virtual_cluster_has_said_enough() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    let run = start(&*engine, &job).await;
    let refused = |state: &str| invalid(&format!("Virtual cluster state {state} is not valid to use resource JobRun."));
    emr.fault_all(refused("TERMINATED"));
    assert_eq!(status(&*engine, &run).await, Status::gone_with_place());
    let looked = engine.find(&identity(&job), Lookup::Owner, OPENED).await.unwrap_err();
    assert_eq!(looked.kind, Kind::Absent, "{looked}");
    engine.cancel(&run, How::Ask).await.unwrap();
    engine.tag(&run, &tags([("a", "b")]), &Tags::new()).await.unwrap();
    // One that it cannot reach for now may well run something.
    emr.fault_all(refused("ARRESTED"));
    assert!(engine.describe(std::slice::from_ref(&run)).await.is_err());
    assert!(engine.find(&identity(&job), Lookup::Owner, OPENED).await.is_err());
    assert!(engine.cancel(&run, How::Ask).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_the_service_refuses_is_told_in_its_own_words() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let with = |property: &str, value: Option<Value>| {
        let mut job = job(PI);
        match value {
            Some(value) => job.native.0.insert(property.to_owned(), value),
            None => job.native.0.remove(property),
        };
        job
    };
    for (job, kind, words) in [
        (job(&"x".repeat(257)), Kind::Rejected, "Value at 'entryPoint' failed"),
        (with("ReleaseLabel", Some(json!("spark-3"))), Kind::Rejected, "Release spark-3 doesn't exist."),
        (with("ExecutionRoleArn", None), Kind::Denied, "is not authorized to perform: emr-containers:StartJobRun"),
    ] {
        let trouble = engine.start(&job, &identity(&job)).await.unwrap_err();
        assert_eq!(trouble.kind, kind, "{trouble}");
        assert!(trouble.said.contains(words), "{trouble}");
    }
    assert!(emr.runs().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_not_the_services_never_means_that_a_run_is_gone() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    for status in [302, 400, 404, 405] {
        emr.fault_all(Fault::Before(Instead::Page(status)));
        assert!(engine.start(&job(PI), &identity(&job(PI))).await.is_err());
        assert!(engine.find(&identity(&job(PI)), Lookup::Owner, OPENED).await.is_err());
        assert!(engine.describe(std::slice::from_ref(&run)).await.is_err());
        assert!(engine.cancel(&run, How::Ask).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn many_runs_are_described_in_the_order_in_which_they_are_asked_for() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    let job = job(PI);
    let mut runs = Vec::new();
    for number in 0..20 {
        runs.push(engine.start(&job, &request(&number.to_string(), &job)).await.unwrap());
    }
    emr.end(&runs[3].id, true);
    emr.end(&runs[7].id, false);
    runs.push(RunRef { id: "0000000000000000000".to_owned(), ..runs[0].clone() });
    let statuses = engine.describe(&runs).await.unwrap();
    for (index, status) in statuses.iter().enumerate() {
        let expected = match index {
            3 => Phase::Succeeded,
            7 => Phase::Failed,
            20 => Phase::Gone,
            _ => Phase::Running,
        };
        assert_eq!(status.phase, expected, "{index}");
    }
    assert_eq!(engine.describe(&[]).await.unwrap(), []);
    emr.fault_next(Method::GET, &runs[9].id, Fault::refused());
    assert_eq!(engine.describe(&runs).await.unwrap_err().kind, Kind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_failure_tells_why() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::dying(Duration::from_secs(5)));
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    seconds(6).await;
    let status = status(&*engine, &run).await;
    assert_eq!((status.phase, status.word.as_str()), (Phase::Failed, "FAILED"));
    assert!(status.reason.starts_with("USER_ERROR: JobRun failed. Please refer logs"), "{}", status.reason);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_state_is_still_going() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    emr.show(&run.id, Some("PONDERING"));
    let status = status(&*engine, &run).await;
    assert_eq!((status.phase, status.word.as_str()), (Phase::Waiting, "PONDERING"));
}

#[tokio::test(start_paused = true)]
async fn a_report_tells_where_the_logs_are() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    let report = engine.report(&run).await;
    assert_eq!(report.full_log, format!("s3://logs/emr/vc1/jobs/{}/", run.id));
    assert_eq!(report.links.log_uri, report.full_log);
    let console = "https://eu-west-1.console.aws.amazon.com";
    let driver_log = format!("{console}/s3/buckets/logs?region=eu-west-1&prefix=emr%2Fvc1%2Fjobs%2F{}%2F", run.id);
    assert_eq!(report.links.driver_log, driver_log);
    assert_eq!(report.links.console, format!("{console}/emr/home?region=eu-west-1#/eks/clusters/vc1"));
    let mut job = job(PI);
    job.native.0.remove("ConfigurationOverrides");
    let run = engine.start(&job, &request("2", &job)).await.unwrap();
    assert!(engine.report(&run).await.full_log.starts_with("nowhere, as no destination was configured"));
}

#[tokio::test(start_paused = true)]
async fn a_run_of_another_place_or_name_is_none_of_ours() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    let name = identity(&job).name();
    let arn =
        |cluster: &str| format!("arn:aws:emr-containers:eu-west-1:123456789012:/virtualclusters/{cluster}/jobruns/1");
    for answer in [
        json!({}),
        json!({"id": "1", "name": name}),
        json!({"id": "1", "name": name, "arn": "1"}),
        json!({"id": "1", "name": name, "arn": arn("vc2")}),
        json!({"id": "1", "name": "other", "arn": arn("vc1")}),
    ] {
        emr.fault_next(Method::POST, "/jobruns", Fault::Before(Instead::Answer(200, answer.to_string())));
        assert_eq!(engine.start(&job, &identity(&job)).await.unwrap_err().kind, Kind::Unclear, "{answer}");
    }
    // Such a one is no list of nothing, either.
    emr.fault_next(Method::GET, "/jobruns", Fault::Before(Instead::Answer(200, String::new())));
    let trouble = engine.find(&identity(&job), Lookup::Name, OPENED).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Unavailable);
    let run: RunRef = arn("vc1").parse().unwrap();
    for answer in [json!({}), json!({"jobRun": {}}), json!({"jobRun": {"id": "2", "state": "COMPLETED"}})] {
        emr.fault_next(Method::GET, "/jobruns/1", Fault::Before(Instead::Answer(200, answer.to_string())));
        let trouble = engine.describe(std::slice::from_ref(&run)).await.unwrap_err();
        assert_eq!(trouble.kind, Kind::Unavailable, "{answer}");
    }
}
