//! Whole requests, from the event to the answer that is put, with everything that they log.

use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use proptest::prelude::*;
use serde_json::{Value, json};
use sparkjob::drive::Clock;
use sparkjob::http::{Lost, Transport};
use sparkjob::job::Timestamp;
use sparkjob::testing::{Written, engines, note, start_recording};
use tokio::time::Instant;
use tracing::Span;
use tracing::level_filters::LevelFilter;

use handler::responder::Responder;
use handler::turn::Turn;
use handler::{ANSWER_FOLLOWS, Failed, Submitter, logs};

const SIGNATURE: &str = "5ec2e75ec2e7";

/// A value that only the job is to know.
const SECRET: &str = "hunter2";

/// 2026-11-21T07:00:00Z, at which the events are signed.
const SIGNED: Timestamp = Timestamp(1_795_244_400_000);

/// What an engine does with whatever it is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Engine {
    Panics,
    Hangs,
    Refuses,
    Busy,
    /// It gives back what it was sent, with this status.
    Echoes(u16),
    /// It knows no job, and refuses one with all that it was sent for a reason.
    Quotes,
    /// The way to it breaks in two, with all that was sent.
    PanicsAt,
}

/// An engine and the place where answers are put, which answers with each of `statuses` and then with the last of them.
#[derive(Debug)]
struct World {
    engine: Engine,
    statuses: Vec<u16>,
    put: Mutex<Vec<Bytes>>,
    calls: Mutex<usize>,
}

#[async_trait]
impl Transport for World {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        if request.method() == Method::PUT {
            let mut put = lock(&self.put);
            put.push(request.into_body());
            let mut response = Response::new(Bytes::new());
            *response.status_mut() =
                self.statuses[put.len().min(self.statuses.len()) - 1].try_into().expect("a status");
            return Ok(response);
        }
        *lock(&self.calls) += 1;
        match self.engine {
            Engine::Panics => panic!("the engine is at https://host/?X-Amz-Signature={SIGNATURE} and it is broken"),
            Engine::Hangs => {
                tokio::time::sleep(limit).await;
                Err(Lost::TimedOut)
            }
            Engine::Busy => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                Ok(response)
            }
            Engine::Echoes(status) => {
                let mut response = Response::new(request.into_body());
                *response.status_mut() = status.try_into().expect("a status");
                Ok(response)
            }
            Engine::Quotes => Ok(quote(&request)),
            Engine::PanicsAt => panic!("cannot send {}", String::from_utf8_lossy(request.body())),
            Engine::Refuses => Err(Lost::NotSent("Connection refused".to_owned())),
        }
    }
}

fn quote(request: &Request<Bytes>) -> Response<Bytes> {
    let sent = String::from_utf8_lossy(request.body());
    let asks_for_steps =
        request.headers().get("x-amz-target").is_some_and(|target| target == "ElasticMapReduce.ListSteps");
    let (status, body) = match request.method() {
        &Method::GET => (404, json!({"msg": "Session 'it' not found."})),
        _ if asks_for_steps => (200, json!({"Steps": []})),
        _ => (400, json!({"msg": sent, "message": sent, "__type": "ValidationException"})),
    };
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What came of a request.
struct Told {
    result: Result<(), Failed>,
    /// The workflow's next turn.
    turn: Option<Turn>,
    put: Vec<Bytes>,
    calls: usize,
    lines: Vec<Value>,
}

impl Told {
    /// What its lines count.
    fn counted(&self) -> Vec<&Value> {
        self.lines.iter().filter(|line| line["_aws"].is_object()).map(|line| &line["counter"]).collect()
    }

    /// The one answer that was put.
    fn answer(&self) -> Value {
        assert_eq!(self.put.len(), 1);
        assert!(self.put[0].len() <= 4096);
        serde_json::from_slice(&self.put[0]).expect("JSON")
    }
}

/// Sends `event` to the Lambda with all its logs on, and checks what must hold for every request.
async fn ask(event: Value, engine: Engine, statuses: &[u16]) -> Told {
    let world = Arc::new(World { engine, statuses: statuses.to_vec(), put: Mutex::default(), calls: Mutex::default() });
    start_recording();
    let lines = Written::default();
    let writer = lines.clone();
    let result = {
        let _guard = tracing::subscriber::set_default(logs::subscriber(LevelFilter::TRACE, move || writer.clone()));
        log_panics();
        let mut context = Context::default();
        "i-1".clone_into(&mut context.request_id);
        context.deadline = (SIGNED + Duration::from_secs(910)).0;
        let event = LambdaEvent::new(serde_json::from_value(event).expect("JSON"), context);
        // What other crates log at their lower levels is not ours to judge, so it must not be there.
        tracing::trace!(target: "lambda_runtime::layers", "raw event {event:?} {SIGNATURE}");
        let submitter = Submitter { engines: engines(world.clone()), successors: None };
        let served = submitter.serve(event, Clock::showing(SIGNED + Duration::from_secs(10)));
        Box::pin(served).await
    };
    let (result, turn) = match result {
        Ok(turn) => (Ok(()), turn),
        Err(failed) => (Err(failed), None),
    };
    let text = lines.text();
    let told = format!("{text}{result:?}{:?}", lock(&world.put));
    // The last two begin what the requests to AWS are signed with.
    for hidden in [SIGNATURE, SECRET, "AKIAMODEL", "AWS4-HMAC-SHA256"] {
        assert!(!told.contains(hidden), "{hidden}: {told}");
    }
    note(&told);
    Told { result, turn, put: lock(&world.put).clone(), calls: *lock(&world.calls), lines: lines.lines() }
}

/// Panics within a request are logged as the Lambda does it, those of the tests themselves told as ever.
fn log_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(
            move |panic| {
                if Span::current().is_none() { told(panic) } else { logs::log_panic(panic) }
            },
        ));
    });
}

fn event(request_type: &str) -> Value {
    json!({
        "RequestType": request_type,
        "RequestId": "r-1",
        "ResponseURL": format!("https://host/?X-Amz-Date=20261121T070000Z&X-Amz-Signature={SIGNATURE}"),
        "ResourceType": "Custom::SparkJob",
        "LogicalResourceId": "Pi",
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/demo/0a1b2c3d",
        "ResourceProperties": { "LivyHost": "emr", "Parameters": { "File": "s3://bucket/pi.py" } },
    })
}

fn with(mut event: Value, name: &str, value: Value) -> Value {
    event[name] = value;
    event
}

#[tokio::test(start_paused = true)]
async fn faults_are_answered_and_nothing_is_submitted() {
    let bad = [(json!(null), "Parameters"), (json!("x"), "must be an object"), (json!({"LivyHost": 1}), "Parameters")];
    for (properties, fault) in bad {
        let told = ask(with(event("Create"), "ResourceProperties", properties), Engine::Panics, &[200]).await;
        let answer = told.answer();
        assert_eq!((&answer["Status"], &answer["PhysicalResourceId"]), (&json!("FAILED"), &json!("spark-job:nothing")));
        let reason = answer["Reason"].as_str().expect("a reason");
        assert!(reason.starts_with("The properties of Pi have ") && reason.contains(fault), "{reason}");
        assert_eq!((told.result, told.calls), (Ok(()), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_request_is_answered() {
    let told = ask(with(event("Upsert"), "PhysicalResourceId", json!("some-id")), Engine::Panics, &[200]).await;
    let answer = told.answer();
    assert_eq!((&answer["Status"], &answer["PhysicalResourceId"]), (&json!("FAILED"), &json!("some-id")));
    assert_eq!(told.calls, 0);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_event_fails_the_invocation() {
    let told = ask(json!({"ResponseURL": format!("ftp://{SIGNATURE}"), "Records": []}), Engine::Panics, &[200]).await;
    assert!(told.put.is_empty());
    let diagnostic = Diagnostic::from(told.result.expect_err("a failure"));
    assert_eq!(diagnostic.error_type, "Unreadable");
    assert!(diagnostic.error_message.ends_with(
        "StackId is missing; RequestId is missing; LogicalResourceId is missing; ResponseURL must be https"
    ));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_answered_is_told_by_its_ids() {
    let properties = json!({"Parameters": {"Environment": {"DB_PASSWORD": SECRET}}});
    let event = with(event("Create"), "ResourceProperties", properties);
    let insecure = with(event.clone(), "ResponseURL", json!(format!("http://s3/?X-Amz-Signature={SIGNATURE}")));
    // What cannot be read is not quoted.
    let step = json!({"Turn": {"Version": 1, "Event": event, "Submitter": "s", "Responder": "r", "Ended": SECRET}});
    let unknown =
        json!({"Turn": {"Version": 1, "Event": event, "Submitter": "s", "Responder": "r", "Progress": SECRET}});
    for (event, kind, why) in [
        (unknown, "BadTurn", "this step of the workflow cannot be taken: unknown variant, expected one of"),
        (insecure, "Unreadable", "this event of a custom resource cannot be answered: ResponseURL must be https"),
        (step, "BadTurn", "this step of the workflow cannot be taken: invalid type, expected a boolean"),
    ] {
        let told = ask(event, Engine::Panics, &[200]).await;
        let line = told.lines.last().expect("a line");
        assert_eq!((&line["RequestId"], &line["LogicalResourceId"]), (&json!("r-1"), &json!("Pi")), "{line}");
        assert!(line["message"].as_str().is_some_and(|message| message.starts_with(why)), "{line}");
        let Diagnostic { error_type, error_message } = told.result.expect_err("a failure").into();
        assert_eq!(error_type, kind);
        let text = format!("RequestId r-1, LogicalResourceId Pi: {why}");
        assert!(error_message.starts_with(&text), "{error_message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_answered_and_leaves_a_trace_to_what_was_made() {
    let told = ask(event("Create"), Engine::Panics, &[200]).await;
    let answer = told.answer();
    assert_eq!(answer["Status"], "FAILED");
    assert!(answer["PhysicalResourceId"].as_str().is_some_and(|id| id.starts_with("spark-job:unknown:")));
    let reason = answer["Reason"].as_str().expect("a reason");
    assert!(
        reason.starts_with("The Lambda function gave up in the middle of the Create of Pi: it panicked ("),
        "{reason}"
    );
    assert!(!reason.contains(SIGNATURE));
    let panic = told.lines.iter().find(|line| line["message"].as_str().is_some_and(|text| text.starts_with("panic: ")));
    assert_eq!(panic.expect("a line about it")["RequestId"], "r-1");
}

#[tokio::test(start_paused = true)]
async fn an_update_that_panics_keeps_its_id() {
    let update = with(event("Update"), "PhysicalResourceId", json!("spark-job:nothing"));
    let told = ask(update, Engine::Panics, &[200]).await;
    assert_eq!(told.answer()["PhysicalResourceId"], "spark-job:nothing");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_never_answers_is_answered_for_in_time() {
    for request in [event("Create"), with(event("Delete"), "PhysicalResourceId", json!("cut-off"))] {
        for engine in [Engine::Hangs, Engine::Refuses] {
            let began = Instant::now();
            let told = ask(with(request.clone(), "ServiceTimeout", json!("300")), engine, &[200]).await;
            assert_eq!(told.answer()["Status"], "FAILED");
            assert!(began.elapsed() < Duration::from_secs(285), "{:?}", began.elapsed());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_create_tells_that_a_job_may_have_been_submitted_where_it_may() {
    let perhaps = "Whatever was submitted, what CloudFormation sends next settles it.";
    let told = |told: &Told| {
        let answer = told.answer();
        let may_be = answer["PhysicalResourceId"].as_str().is_some_and(|id| id.starts_with("spark-job:unknown:"));
        (may_be, answer["Reason"].as_str().expect("a reason").matches(perhaps).count())
    };
    // Nothing was ever sent, and this is the first delivery.
    assert_eq!(told(&ask(event("Create"), Engine::Refuses, &[200]).await), (false, 0));
    assert_eq!(told(&ask(event("Create"), Engine::Panics, &[200]).await), (true, 1));
    // A delivery before this one may have got through.
    let late = event("Create")["ResponseURL"].as_str().expect("an address").replace("T070000Z", "T065500Z");
    let again = with(event("Create"), "ResponseURL", json!(late));
    assert_eq!(told(&ask(again, Engine::Refuses, &[200]).await), (true, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failed_delete_tells_how_to_go_on_without_it() {
    let id = json!("livy+http://emr:8998/batches/3#Pi-0123456789abcdef-01234567-89abcdef");
    for engine in [Engine::Refuses, Engine::Panics, Engine::Hangs] {
        let told = ask(with(event("Delete"), "PhysicalResourceId", id.clone()), engine, &[200]).await;
        let answer = told.answer();
        let reason = answer["Reason"].as_str().expect("a reason");
        let advice = "a stack that is being deleted can be deleted again; to go on without stopping the job, delete it with this \
                      resource retained, and stop the job by hand.";
        assert!(reason.contains(advice) && !reason.contains("Whatever was submitted"), "{reason}");
        assert_eq!((&answer["Status"], &answer["PhysicalResourceId"]), (&json!("FAILED"), &id));
    }
    let ignored = with(event("Delete"), "PhysicalResourceId", id);
    let ignored = with(ignored, "ResourceProperties", json!({"OnDeleteError": "Ignore"}));
    let answer = ask(ignored, Engine::Refuses, &[200]).await.answer();
    assert_eq!(answer["Status"], "SUCCESS");
    assert!(!answer["Reason"].as_str().expect("a note").contains("retained"));
}

#[tokio::test(start_paused = true)]
async fn what_a_job_is_given_is_never_told() {
    let role = "arn:aws:iam::123456789012:role/job";
    let parameters = json!({
        "File": "s3://bucket/pi.py",
        "Args": [SECRET],
        "Environment": {"PASSWORD": SECRET},
        "Configuration": {"spark.redaction": SECRET},
    });
    for target in [
        json!({"VirtualClusterId": "0abc", "ExecutionRoleArn": role, "ReleaseLabel": "emr-7.5.0-latest"}),
        json!({"ApplicationId": "00f1", "ExecutionRoleArn": role}),
        json!({"ClusterId": "j-1ABC"}),
    ] {
        let mut properties = target;
        properties["Parameters"] = parameters.clone();
        let create = with(event("Create"), "ResourceProperties", properties);
        for engine in [Engine::Echoes(200), Engine::Echoes(400), Engine::Echoes(500), Engine::Hangs, Engine::Panics] {
            let told = ask(create.clone(), engine, &[200]).await;
            assert_eq!(told.answer()["Status"], "FAILED", "{engine:?}");
            assert!(told.calls > 0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_value_that_looks_like_a_secret_never_comes_out(
        secret in "[A-Za-z0-9+/=_.:@-]{8,24}",
        long in "[a-z ]{0,700}",
        engine in prop_oneof![Just(Engine::Quotes), Just(Engine::Echoes(400)), Just(Engine::PanicsAt)],
        place in 0..6_usize,
        target in 0..4_usize,
    ) {
        let role = "arn:aws:iam::123456789012:role/job";
        let mut properties = [
            json!({"LivyHost": "emr"}),
            json!({"VirtualClusterId": "0abc", "ExecutionRoleArn": role, "ReleaseLabel": "emr-7.5.0-latest"}),
            json!({"ApplicationId": "00f1", "ExecutionRoleArn": role}),
            json!({"ClusterId": "j-1ABC"}),
        ][target].clone();
        let mut parameters = json!({"File": "s3://bucket/pi.py", "Args": [format!("a{long}")]});
        match place {
            0 => parameters["Environment"] = json!({ "DB_PASSWORD": secret }),
            1 => parameters["Configuration"] = json!({ "spark.my.secret": secret }),
            2 => parameters["Args"] = json!(["a", "--api-token", secret]),
            3 => parameters["Args"] = json!([format!("--password={secret}")]),
            4 => parameters["Configuration"] = json!({"spark.x": format!("-Dmy.password={secret} -Dx=y")}),
            _ => parameters["Environment"] = json!({"URL": format!("jdbc:x://h/?password={secret}")}),
        }
        properties["Parameters"] = parameters;
        let create = with(event("Create"), "ResourceProperties", properties);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let told = runtime.expect("a runtime").block_on(ask(create, engine, &[200]));
        prop_assert_eq!(&told.answer()["Status"], "FAILED");
        let shown = format!("{:?} {} {:?}", told.put, json!(told.lines), told.result);
        prop_assert!(!shown.contains(&secret), "{}", shown);
    }
}

/// The turn with which the workflow begins on a job that knows a secret.
fn claimed() -> Value {
    let mut properties = json!({"ApplicationId": "00f1", "ExecutionRoleArn": "arn:aws:iam::123456789012:role/job"});
    properties["Parameters"] = json!({"File": "s3://bucket/pi.py", "Environment": {"DB_PASSWORD": SECRET}});
    json!({
        "Version": 1,
        "Event": with(event("Create"), "ResourceProperties", properties),
        "Old": {"Rerun": null},
        "Submitter": "s",
        "Responder": "r",
        "RespondAt": "2026-11-21T07:58:00Z",
        "Progress": "Claimed",
        "Until": "2026-11-21T07:00:10Z",
        "Ended": false,
    })
}

fn step(turn: &Value, tries: u32) -> Value {
    json!({"Turn": turn, "Began": "2026-11-21T07:00:05Z", "Tries": tries})
}

/// The line about a panic is written by whoever catches it, who knows of no request.
#[tokio::test(start_paused = true)]
async fn a_step_that_panics_shows_no_secret() {
    let told = ask(step(&claimed(), 0), Engine::PanicsAt, &[200]).await;
    told.result.as_ref().expect("it is told by the next step");
    let panic = told.lines.iter().find_map(|line| line["message"].as_str().filter(|text| text.starts_with("panic: ")));
    assert!(panic.is_some_and(|text| text.contains("***")), "{panic:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_property_is_told_without_secrets() {
    let mut properties = json!({"LivyHost": "emr", "WaitFor": SECRET});
    properties["Parameters"] = json!({"File": "/pi.py", "Environment": {"DB_PASSWORD": SECRET}});
    let told = ask(with(event("Create"), "ResourceProperties", properties), Engine::Panics, &[200]).await;
    let told = told.answer()["Reason"].to_string();
    assert!(told.contains("WaitFor: must be") && told.contains("***") && !told.contains(SECRET), "{told}");
}

#[tokio::test(start_paused = true)]
async fn what_killed_an_invocation_is_told_without_secrets() {
    let properties =
        json!({"LivyHost": "emr", "Parameters": {"File": "/pi.py", "Environment": {"DB_PASSWORD": SECRET}}});
    let record = json!({
        "requestContext": {"requestId": "r", "condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": with(event("Create"), "ResourceProperties", properties),
        "responsePayload": {"errorType": "Crash", "errorMessage": format!("it fell over {SECRET}")},
    });
    let told = tell_the_responder(record, &[200]).await;
    told.result.as_ref().expect("it is answered");
    let shown = format!("{} {:?}", json!(told.lines), told.put);
    assert!(shown.contains("it fell over ***") && !shown.contains(SECRET), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn what_each_step_dies_of_is_told_without_secrets() {
    let cause = json!({"errorType": "Runtime.ExitError", "errorMessage": format!("it fell over {SECRET}")});
    let caught = json!({"Error": "Runtime.ExitError", "Cause": cause.to_string()});
    let mut turn = claimed();
    let mut deaths = 0;
    let told = loop {
        let told = ask(step(&with(turn, "Caught", caught.clone()), 1), Engine::Busy, &[200]).await;
        if !told.put.is_empty() {
            break told;
        }
        turn = serde_json::to_value(told.turn.as_ref().expect("a turn")).expect("plain data");
        deaths += 1;
        assert!(deaths < 10, "{turn}");
    };
    let reason = told.answer()["Reason"].to_string();
    assert!(reason.contains("had to be taken again") && reason.contains("it fell over ***"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_a_request_that_cannot_be_answered_is_told_without_secrets() {
    let parameters = json!({"File": "/pi.py", "Environment": {"DB_PASSWORD": SECRET}});
    let request = with(event("Create"), "ResourceProperties", json!({"LivyHost": "emr", "Parameters": parameters}));
    let record = json!({
        "requestContext": {"requestId": "r", "condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": with(request, "StackId", json!(null)),
        "responsePayload": {"errorType": "Crash", "errorMessage": format!("it fell over {SECRET}")},
    });
    let told = tell_the_responder(record, &[200]).await;
    let shown = format!("{} {:?}", json!(told.lines), told.result);
    assert!(shown.contains("StackId is missing") && shown.contains("it fell over ***"), "{shown}");
    assert!(told.put.is_empty() && !shown.contains(SECRET), "{shown}");
}

/// Hands the responder the record of an event that Lambda gave up.
async fn tell_the_responder(record: Value, statuses: &[u16]) -> Told {
    let world = Arc::new(World {
        engine: Engine::Hangs,
        statuses: statuses.to_vec(),
        put: Mutex::default(),
        calls: Mutex::default(),
    });
    start_recording();
    let lines = Written::default();
    let writer = lines.clone();
    let _guard = tracing::subscriber::set_default(logs::subscriber(LevelFilter::TRACE, move || writer.clone()));
    let mut context = Context::default();
    context.deadline = (SIGNED + Duration::from_secs(910)).0;
    let event = LambdaEvent::new(serde_json::from_value(record).expect("JSON"), context);
    let responder = Responder { engines: engines(world.clone()), workflow: None };
    let served = responder.serve(event, Clock::showing(SIGNED + Duration::from_secs(10)));
    let result = Box::pin(served).await.map(|_| ());
    note(&lines.text());
    Told { result, turn: None, put: lock(&world.put).clone(), calls: *lock(&world.calls), lines: lines.lines() }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_undelivered_once_the_responder_cannot_put_it() {
    let record = json!({
        "requestContext": {"requestId": "r", "condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": event("Create"),
    });
    for (status, counted) in
        [(200, &["Failed"][..]), (403, &["Failed", "Undelivered"]), (503, &["Failed", "Undelivered"])]
    {
        let told = tell_the_responder(record.clone(), &[status]).await;
        assert_eq!(told.counted(), counted, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_tells_when_the_functions_own_time_was_the_limit() {
    for (seconds, tells) in [("3600", true), ("300", false)] {
        let request = with(event("Create"), "ServiceTimeout", json!(seconds));
        let reason = ask(request, Engine::Busy, &[200]).await.answer()["Reason"].to_string();
        assert_eq!(reason.contains("One invocation of the function"), tells, "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_arrive_fails_the_invocation() {
    let told = ask(with(event("Create"), "ResourceProperties", json!({})), Engine::Panics, &[503]).await;
    assert!(told.put.len() > 3 && told.put.iter().all(|body| *body == told.put[0]));
    // It is delivered again, and then the responder is called.
    assert_eq!(told.counted(), ["Failed"]);
    let diagnostic = Diagnostic::from(told.result.expect_err("a failure"));
    assert_eq!(diagnostic.error_type, "Unanswered");
    assert!(
        diagnostic.error_message.starts_with("RequestId r-1, Create of Pi: the answer could not be put in time: 503")
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_refused_is_handed_on_after_one_try() {
    let told = ask(with(event("Create"), "ResourceProperties", json!({})), Engine::Panics, &[403]).await;
    // Only the responder knows whether it is refused from anywhere.
    assert_eq!((told.counted().len(), told.put.len()), (1, 1), "{:?}", told.counted());
    let last = told.lines.last().expect("a line");
    assert_eq!(last["level"], "ERROR");
    assert!(
        last["message"].as_str().is_some_and(|text| text.starts_with("not answered: this address takes no answer"))
    );
    let diagnostic = Diagnostic::from(told.result.expect_err("a failure"));
    let (_, answer) = diagnostic.error_message.rsplit_once(ANSWER_FOLLOWS).expect("the answer");
    assert_eq!(answer.as_bytes(), told.put[0]);
}

#[tokio::test(start_paused = true)]
async fn every_line_tells_whose_it_is() {
    let told = ask(event("Create"), Engine::Panics, &[200]).await;
    assert!(told.lines.len() >= 3);
    for line in &told.lines {
        assert_eq!(
            (&line["RequestId"], &line["LogicalResourceId"], &line["action"], &line["invocation"]),
            (&json!("r-1"), &json!("Pi"), &json!("Create"), &json!("i-1"))
        );
        for name in ["timestamp", "level", "target", "message"] {
            assert!(line[name].is_string(), "{line}");
        }
    }
    assert_eq!(told.lines[0]["message"], "began");
    let last = told.lines.last().expect("a line");
    assert_eq!((&last["message"], &last["level"]), (&json!("answered"), &json!("WARN")));
    assert!(last["answer"].as_str().is_some_and(|answer| answer.contains("FAILED")), "{last}");
    assert!(last["job"].as_str().is_some_and(|job| job.starts_with("Pi-")), "{last}");
}

#[tokio::test(start_paused = true)]
async fn the_same_event_has_the_same_answer() {
    let first = ask(event("Create"), Engine::Panics, &[200]).await;
    let again = ask(event("Create"), Engine::Panics, &[500, 200]).await;
    assert_eq!(again.put, [first.put[0].clone(), first.put[0].clone()]);
}
