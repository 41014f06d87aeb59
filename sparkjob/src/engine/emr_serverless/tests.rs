//! The engine against the model: what it makes of the service's answers, and of none.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::engine::tests::{PI, engine, identity, invalid, phase, request, seconds, start, status, tags};
use crate::engine::{Engine, How, Kind, Lookup};
use crate::job::{Identity, Job, Mode, Native, Parameters, Phase, Place, RunRef, Status, Tags, Timestamp};
use crate::testing::{EmrRun, FakeEmr, Fault, Instead, OPENED, Script};

const APPLICATION: &str = "00f1abc";
const ROLE: &str = "arn:aws:iam::123456789012:role/etl";

fn place() -> Place {
    Place::EmrServerless(APPLICATION.to_owned())
}

fn job(file: &str) -> Job {
    let parameters = Parameters { file: file.to_owned(), ..Parameters::default() };
    Job { native: Native([("ExecutionRoleArn".to_owned(), json!(ROLE))].into()), ..Job::of(place(), parameters) }
}

fn monitored(monitoring: &Value) -> Job {
    let mut job = job(PI);
    job.native.0.insert("ConfigurationOverrides".to_owned(), json!({"monitoringConfiguration": monitoring}));
    job
}

/// Many runs of other people's.
async fn crowd(engine: &dyn Engine, size: usize) {
    for number in 0..size {
        let job = job("s3://code/other.py");
        let stranger = Identity::derive(&["other", "Pi"], &number.to_string(), "Pi", &job);
        engine.start(&job, &stranger).await.expect("it starts");
    }
}

fn sent(emr: &FakeEmr, method: &Method, part: &str) -> usize {
    emr.requests().iter().filter(|sent| sent.method == method && sent.path.contains(part)).count()
}

#[tokio::test(start_paused = true)]
async fn a_job_is_submitted_and_followed_to_its_end() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    emr.script(PI, Script { waits: Duration::from_secs(3), ..Script::default() });
    let run = start(&*engine, &job(PI)).await;
    let arn = "arn:aws:emr-serverless:eu-west-1:123456789012:/applications/00f1abc/jobruns/00f0000000000001";
    assert_eq!((run.to_string().as_str(), run.arn().as_deref(), run.name.clone()), (arn, Some(arn), None));
    let seen = status(&*engine, &run).await;
    assert_eq!((seen.phase, seen.word.as_str(), seen.reason.as_str()), (Phase::Waiting, "PENDING", ""));
    assert_eq!((seen.name, seen.created), (Some(identity(&job(PI)).name()), Some(OPENED)));
    seconds(4).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Running);
    seconds(10).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn what_the_service_gets_is_the_body_that_was_made() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = Job { mode: Mode::Streaming, tags: tags([("team", "etl")]), ..job(PI) };
    start(&*engine, &job).await;
    let EmrRun { request, name, file, tags, .. } = emr.runs().remove(0);
    assert_eq!(request, super::request::body(&job, &identity(&job)));
    assert_eq!((name, file.as_str(), tags), (identity(&job).name(), PI, job.tags));
}

#[tokio::test(start_paused = true)]
async fn the_same_request_again_is_the_same_run_and_another_one_is_another() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    let run = start(&*engine, &job).await;
    seconds(60).await;
    assert_eq!(start(&*engine, &job).await, run);
    assert_ne!(engine.start(&job, &request("request-2", &job)).await.unwrap(), run);
    assert_eq!(emr.runs().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_dies_says_why() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    emr.script(PI, Script::dying(Duration::from_secs(5)));
    let run = start(&*engine, &job(PI)).await;
    seconds(6).await;
    let seen = status(&*engine, &run).await;
    assert_eq!(seen.phase, Phase::Failed);
    assert!(seen.reason.ends_with("ExitCode: 1. Last few exceptions: ValueError: no column 'amount'"), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn many_are_described_in_their_order() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    let mine = start(&*engine, &job(PI)).await;
    let other = job("s3://code/other.py");
    let other = engine.start(&other, &request("request-2", &other)).await.unwrap();
    let unknown = RunRef { id: "00fzz".to_owned(), ..mine.clone() };
    seconds(11).await;
    let seen = engine.describe(&[unknown, other, mine]).await.unwrap();
    let phases: Vec<Phase> = seen.iter().map(|status| status.phase).collect();
    assert_eq!(phases, [Phase::Gone, Phase::Succeeded, Phase::Running]);
    assert_eq!(engine.describe(&[]).await.unwrap(), []);
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
        // The same again: whether or not the first had an effect, there is one run.
        let run = start(&*engine, &job).await;
        assert_eq!(emr.runs().len(), 1, "{fault:?}");

        emr.fault_all(fault.clone());
        let kinds = [
            engine.find(&identity(&job), Lookup::Name, Timestamp::default()).await.unwrap_err().kind,
            engine.find(&identity(&job), Lookup::Owner, Timestamp::default()).await.unwrap_err().kind,
            engine.describe(std::slice::from_ref(&run)).await.unwrap_err().kind,
            engine.tag(&run, &tags([("a", "1")]), &Tags::new()).await.unwrap_err().kind,
        ];
        assert_eq!(kinds, [Kind::Unavailable; 4], "{fault:?}");
        let cancelled = engine.cancel(&run, How::Ask).await;
        assert_eq!(cancelled.unwrap_err().kind, expected, "{fault:?}");
        assert!(engine.report(&run).await.full_log.contains("not read"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_denied_is_told_with_the_permission_that_is_missing() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    let run = start(&*engine, &job).await;
    for operation in ["StartJobRun", "PassRole", "ListJobRuns", "GetJobRun", "CancelJobRun"] {
        emr.deny(operation, true);
        let troubles = [
            engine.start(&job, &request(operation, &job)).await.err(),
            engine.find(&identity(&job), Lookup::Name, OPENED).await.err(),
            engine.describe(std::slice::from_ref(&run)).await.err(),
            engine.cancel(&run, How::Ask).await.err(),
        ];
        let troubles: Vec<_> = troubles.into_iter().flatten().collect();
        assert_eq!(troubles.len(), 1, "{operation}: {troubles:?}");
        let (kind, advice) = (troubles[0].kind, &troubles[0].advice);
        assert!(kind == Kind::Denied && advice.contains(operation), "{operation}: {advice}");
        emr.deny(operation, false);
    }
    emr.deny("PassRole", true);
    let trouble = engine.start(&job, &request("another", &job)).await.unwrap_err();
    assert!(trouble.advice.starts_with(&format!("Allow iam:PassRole on {ROLE} to")), "{}", trouble.advice);
}

#[tokio::test(start_paused = true)]
async fn what_is_throttled_may_be_tried_again() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    for operation in ["StartJobRun", "ListJobRuns", "GetJobRun", "CancelJobRun"] {
        emr.throttle(operation, 1);
    }
    assert_eq!(engine.start(&job, &identity(&job)).await.unwrap_err().kind, Kind::Busy);
    let run = start(&*engine, &job).await;
    let kinds = [
        engine.find(&identity(&job), Lookup::Owner, OPENED).await.unwrap_err().kind,
        engine.describe(std::slice::from_ref(&run)).await.unwrap_err().kind,
        engine.cancel(&run, How::Ask).await.unwrap_err().kind,
    ];
    assert_eq!(kinds, [Kind::Busy; 3]);
    engine.cancel(&run, How::Ask).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_is_exceeded_is_told_with_where_to_raise_it() {
    let emr = FakeEmr::new();
    let body = json!({
        "__type": "ServiceQuotaExceededException",
        "message": "The quota of 16 concurrent vCPUs per account is exceeded",
    });
    emr.fault_next(Method::POST, "/jobruns", Fault::Before(Instead::Answer(402, body.to_string())));
    let trouble = engine(&emr, &place()).start(&job(PI), &identity(&job(PI))).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Unavailable);
    assert!(trouble.said.contains("16 concurrent vCPUs"), "{trouble}");
    assert!(trouble.advice.contains("Service Quotas"), "{}", trouble.advice);
}

#[tokio::test(start_paused = true)]
async fn an_application_that_cannot_take_a_job_is_told_with_what_to_do() {
    let submitted = async |emr: FakeEmr| engine(&emr, &place()).start(&job(PI), &identity(&job(PI))).await.unwrap_err();
    let (stopped, terminated, unknown) = (FakeEmr::new(), FakeEmr::new(), FakeEmr::new());
    stopped.stop_application(APPLICATION);
    terminated.terminate(APPLICATION);
    unknown.forget(APPLICATION);
    for (emr, said, advice) in [
        (stopped, "Current status: STOPPED", "switch its auto-start on"),
        (terminated, "Current status: TERMINATED", "give the ApplicationId of another"),
        (unknown, "does not exist", "in this account and region"),
    ] {
        let trouble = submitted(emr).await;
        assert_eq!((trouble.kind, trouble.doing.as_str()), {
            (Kind::Rejected, "submit the job to EMR Serverless, application 00f1abc")
        });
        assert!(trouble.said.contains(said) && trouble.advice.contains(advice), "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_its_application_a_run_is_gone() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    let job = job(PI);
    let run = start(&*engine, &job).await;
    emr.terminate(APPLICATION);
    assert_eq!(phase(&*engine, &run).await, Phase::Cancelled);
    assert_eq!(engine.find(&identity(&job), Lookup::Owner, OPENED).await.unwrap(), []);
    engine.cancel(&run, How::Ask).await.unwrap();

    emr.forget(APPLICATION);
    assert_eq!(status(&*engine, &run).await, Status::gone_with_place());
    for by in [Lookup::Name, Lookup::Token, Lookup::Owner, Lookup::Spec, Lookup::History] {
        assert_eq!(engine.find(&identity(&job), by, OPENED).await.unwrap_err().kind, Kind::Absent);
    }
    engine.cancel(&run, How::Kill).await.unwrap();
    engine.tag(&run, &tags([("a", "1")]), &Tags::new()).await.unwrap();
    assert!(engine.report(&run).await.full_log.contains("does not know it any more"));
}

#[tokio::test(start_paused = true)]
async fn lookups_tell_apart_request_description_and_owner_newest_first() {
    let emr = FakeEmr::new();
    // The oldest still waits, and so is listed first.
    emr.script(PI, Script { waits: Duration::from_hours(1), ..Script::endless() });
    emr.script("s3://code/new.py", Script::endless());
    let engine = engine(&emr, &place());
    let (old, new) = (job(PI), job("s3://code/new.py"));
    let mut runs = Vec::new();
    for (number, job) in [("1", &old), ("2", &new), ("3", &new)] {
        runs.push(engine.start(job, &request(number, job)).await.unwrap());
        crowd(&*engine, 5).await;
    }
    let found = async |by| {
        let found = engine.find(&request("2", &new), by, OPENED).await.unwrap();
        assert!(found.iter().all(|found| found.status.created.is_some() && !found.name().is_empty()));
        found.into_iter().map(|found| runs.iter().position(|run| *run == found.run).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(found(Lookup::Name).await, [1]);
    assert_eq!(found(Lookup::Token).await, [1]);
    assert_eq!(found(Lookup::Spec).await, [2, 1]);
    assert_eq!(found(Lookup::History).await, [2, 1]);
    assert_eq!(found(Lookup::Owner).await, [2, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_request_finds_its_run_when_it_is_over_and_an_owner_only_the_living() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    let run = start(&*engine, &job).await;
    seconds(60).await;
    let found = async |by, since| {
        let found = engine.find(&identity(&job), by, since).await.unwrap();
        found.into_iter().map(|found| (found.run, found.status.phase)).collect::<Vec<_>>()
    };
    assert_eq!(found(Lookup::Name, OPENED).await, [(run.clone(), Phase::Succeeded)]);
    for by in [Lookup::Token, Lookup::History] {
        assert_eq!(found(by, OPENED).await, [(run.clone(), Phase::Succeeded)]);
        assert_eq!(found(by, OPENED + Duration::from_secs(30)).await, []);
    }
    assert_eq!((found(Lookup::Owner, OPENED).await, found(Lookup::Spec, OPENED).await), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_is_alive_is_found_however_old_it_is() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    let later = OPENED + Duration::from_hours(1);
    for by in [Lookup::Name, Lookup::Token, Lookup::Owner, Lookup::Spec, Lookup::History] {
        let found = engine.find(&identity(&job(PI)), by, later).await.unwrap();
        assert_eq!(found.into_iter().map(|found| found.run).collect::<Vec<_>>(), std::slice::from_ref(&run), "{by:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_of_many_pages_is_read_to_its_end() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    emr.script("s3://code/other.py", Script::endless());
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    crowd(&*engine, 90).await;
    for by in [Lookup::Name, Lookup::Owner] {
        let found = engine.find(&identity(&job(PI)), by, OPENED).await.unwrap();
        assert_eq!(found.into_iter().map(|found| found.run).collect::<Vec<_>>(), std::slice::from_ref(&run));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_on_while_the_list_is_read_is_not_missed() {
    let emr = FakeEmr::new();
    emr.script("s3://code/other.py", Script::endless());
    emr.script(PI, Script { waits: Duration::from_hours(1), ..Script::endless() });
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    crowd(&*engine, 9).await;
    let first = emr.sends() + 1;
    // It waits behind all that run, on the last page, until it is cancelled: then it is in a group that comes before.
    emr.show(&run.id, Some("CANCELLING"));
    let (meanwhile, id) = (emr.clone(), run.id.clone());
    emr.before(first + 1, move || meanwhile.show(&id, Some("SUBMITTED")));
    let found = engine.find(&identity(&job(PI)), Lookup::Owner, OPENED).await.unwrap();
    assert_eq!(found.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_to_its_end_is_never_a_short_one() {
    for (page, fault) in [
        (2, Fault::Before(Instead::Page(503))),
        (3, Fault::Before(Instead::Silence)),
        (2, Fault::Before(Instead::Answer(200, json!({"jobRuns": [], "nextToken": "4"}).to_string()))),
        (1, Fault::Before(Instead::Answer(400, json!({"__type": "ValidationException"}).to_string()))),
    ] {
        let emr = FakeEmr::new();
        let engine = engine(&emr, &place());
        crowd(&*engine, 12).await;
        emr.fault_at(emr.sends() + page, fault.clone());
        assert!(engine.find(&identity(&job(PI)), Lookup::Name, OPENED).await.is_err(), "{fault:?}");
    }
    let endless = FakeEmr::new();
    let engine = engine(&endless, &place());
    for page in 1..=200 {
        let body = json!({"jobRuns": [], "nextToken": page.to_string()}).to_string();
        endless.fault_at(page, Fault::Before(Instead::Answer(200, body)));
    }
    let trouble = engine.find(&identity(&job(PI)), Lookup::Name, OPENED).await.unwrap_err();
    assert_eq!((trouble.kind, trouble.said.as_str()), (Kind::Unavailable, "it has more job runs than can be listed"));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_waiting_or_running_is_cancelled() {
    for waits in [0, 100] {
        let emr = FakeEmr::new();
        emr.script(PI, Script { waits: Duration::from_secs(waits), ..Script::endless() });
        let engine = engine(&emr, &place());
        let run = start(&*engine, &job(PI)).await;
        seconds(1).await;
        engine.cancel(&run, How::Ask).await.unwrap();
        seconds(1).await;
        assert_eq!(phase(&*engine, &run).await, Phase::Cancelled);
        assert_eq!(sent(&emr, &Method::DELETE, "shutdownGracePeriodInSeconds"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_has_run_out_of_its_time_is_cancelled_by_the_service() {
    let emr = FakeEmr::new();
    emr.script(PI, Script { stops: Duration::from_secs(30), ..Script::endless() });
    let engine = engine(&emr, &place());
    let run = start(&*engine, &Job { timeout_minutes: Some(2), ..job(PI) }).await;
    for (after, expected) in [(119, Phase::Running), (2, Phase::Ending), (30, Phase::Cancelled)] {
        seconds(after).await;
        assert_eq!(phase(&*engine, &run).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_ending_or_over_needs_no_stopping() {
    for how in [How::Ask, How::Kill] {
        let emr = FakeEmr::new();
        emr.script(PI, Script { stops: Duration::from_mins(2), ..Script::endless() });
        let engine = engine(&emr, &place());
        let run = start(&*engine, &job(PI)).await;
        engine.cancel(&run, How::Ask).await.unwrap();
        assert_eq!(phase(&*engine, &run).await, Phase::Ending);
        assert_eq!(engine.find(&identity(&job(PI)), Lookup::Owner, OPENED).await.unwrap().len(), 1);
        engine.cancel(&run, how).await.unwrap();
        emr.fault_next(Method::DELETE, "/jobruns/", invalid("Job run is not in a cancellable state"));
        engine.cancel(&run, how).await.unwrap();
        assert_eq!(sent(&emr, &Method::DELETE, "/jobruns/"), 3);
        seconds(121).await;
        engine.cancel(&run, how).await.unwrap();
        assert_eq!(phase(&*engine, &run).await, Phase::Cancelled);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_pays_no_heed_is_killed_without_grace() {
    let emr = FakeEmr::new();
    emr.script(PI, Script { deaf: true, ..Script::endless() });
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    engine.cancel(&run, How::Ask).await.unwrap();
    seconds(60).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Running);
    engine.cancel(&run, How::Kill).await.unwrap();
    assert_eq!(sent(&emr, &Method::DELETE, "shutdownGracePeriodInSeconds=0"), 1);
    seconds(1).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn where_there_are_no_grace_periods_a_kill_does_without() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    let refused = invalid("emr-6.15.0 has no shutdownGracePeriodInSeconds");
    emr.fault_next(Method::DELETE, "shutdownGracePeriodInSeconds=0", refused);
    engine.cancel(&run, How::Kill).await.unwrap();
    seconds(1).await;
    assert_eq!(emr.alive(), []);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_that_is_refused_while_the_run_lives_is_an_error() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    emr.fault_next(Method::DELETE, "/jobruns/", invalid("Job run is not in a cancellable state"));
    let trouble = engine.cancel(&run, How::Ask).await.unwrap_err();
    assert_eq!(trouble.doing, "stop job run 00f0000000000001 at EMR Serverless, application 00f1abc");
    assert!(trouble.said.ends_with("Job run is not in a cancellable state"), "{trouble}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_another_run_is_none() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    for body in [json!({}), json!({"jobRun": {"applicationId": APPLICATION, "jobRunId": "00f2", "state": "SUCCESS"}})] {
        emr.fault_next(Method::GET, "/jobruns/", Fault::Before(Instead::Answer(200, body.to_string())));
        assert_eq!(engine.describe(std::slice::from_ref(&run)).await.unwrap_err().kind, Kind::Unavailable);
    }
    let elsewhere = "arn:aws:emr-serverless:eu-west-1:123456789012:/applications/00fzz/jobruns/00f2";
    for arn in ["", elsewhere] {
        let body = json!({"applicationId": APPLICATION, "jobRunId": "00f2", "arn": arn}).to_string();
        emr.fault_next(Method::POST, "/jobruns", Fault::Before(Instead::Answer(200, body)));
        assert_eq!(engine.start(&job(PI), &identity(&job(PI))).await.unwrap_err().kind, Kind::Unclear);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_state_is_still_going() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    emr.show(&run.id, Some("PONDERING"));
    let seen = status(&*engine, &run).await;
    assert_eq!((seen.phase, seen.word.as_str()), (Phase::Waiting, "PONDERING"));
}

#[tokio::test(start_paused = true)]
async fn tags_are_given_and_taken_and_others_stay() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let old = tags([("team", "etl"), ("stage", "test"), ("cost", "1")]);
    let run = start(&*engine, &Job { tags: old.clone(), ..job(PI) }).await;
    let wanted = tags([("team", "etl"), ("stage", "prod"), ("new one", "a=b+c/d")]);
    engine.tag(&run, &tags([("foreign", "yes")]), &Tags::new()).await.unwrap();
    engine.tag(&run, &wanted, &old).await.unwrap();
    let expected = tags([("team", "etl"), ("stage", "prod"), ("new one", "a=b+c/d"), ("foreign", "yes")]);
    assert_eq!(emr.runs()[0].tags, expected);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_tagged_where_nothing_changes() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let present = tags([("team", "etl")]);
    let run = start(&*engine, &Job { tags: present.clone(), ..job(PI) }).await;
    emr.deny("TagResource", true);
    emr.deny("UntagResource", true);
    engine.tag(&run, &present, &tags([("team", "old"), ("gone", "long ago")])).await.unwrap();
    let trouble = engine.tag(&run, &tags([("team", "new")]), &present).await.unwrap_err();
    assert!(trouble.kind == Kind::Denied && trouble.advice.contains("emr-serverless:TagResource"), "{trouble:?}");
    let trouble = engine.tag(&run, &Tags::new(), &present).await.unwrap_err();
    assert!(trouble.kind == Kind::Denied && trouble.advice.contains("emr-serverless:UntagResource"), "{trouble:?}");
    engine.tag(&run, &Tags::new(), &Tags::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_report_leads_to_the_logs() {
    let reported = async |monitoring: &Value| {
        let emr = FakeEmr::new();
        let engine = engine(&emr, &place());
        let run = start(&*engine, &monitored(monitoring)).await;
        engine.report(&run).await
    };
    let console = "https://eu-west-1.console.aws.amazon.com";
    let path = "/applications/00f1abc/jobs/00f0000000000001/";

    let by_default = reported(&json!({})).await;
    assert_eq!(by_default.links.console, format!("{console}/emr/home?region=eu-west-1#/serverless"));
    assert_eq!((by_default.links.log_uri.as_str(), by_default.links.driver_log.as_str()), ("", ""));
    assert!(by_default.full_log.starts_with("in EMR Studio, as EMR Serverless itself keeps it for 30 days"));
    assert!(by_default.full_log.contains("S3MonitoringConfiguration (LogUri)"), "{by_default:?}");

    let in_s3 = reported(&json!({"s3MonitoringConfiguration": {"logUri": "s3://logs/spark/"}})).await;
    assert_eq!(in_s3.links.log_uri, format!("s3://logs/spark{path}"));
    let encoded = format!("spark{path}").replace('/', "%2F");
    let folder = format!("{console}/s3/buckets/logs?region=eu-west-1&prefix={encoded}");
    assert_eq!(in_s3.links.driver_log, folder);
    assert!(in_s3.full_log.starts_with(&format!("s3://logs/spark{path}; the driver's in SPARK_DRIVER")), "{in_s3:?}");

    let streams = json!({"enabled": true, "logStreamNamePrefix": "etl"});
    let in_cloudwatch = reported(&json!({"cloudWatchLoggingConfiguration": streams})).await;
    assert!(in_cloudwatch.links.driver_log.starts_with(&format!("{console}/cloudwatch/home?region=eu-west-1#logsV2:")));
    let told = format!("streams etl{path}... of the CloudWatch log group /aws/emr-serverless");
    assert_eq!((in_cloudwatch.full_log, in_cloudwatch.links.log_uri), (told, String::new()));

    let off = json!({"enabled": false});
    let nowhere = json!({"managedPersistenceMonitoringConfiguration": off, "cloudWatchLoggingConfiguration": off});
    let nowhere = reported(&nowhere).await;
    assert!(nowhere.full_log.starts_with("nowhere, unless the application says where"), "{nowhere:?}");
}

#[tokio::test(start_paused = true)]
async fn a_living_run_is_found_by_every_key_however_old_it_is() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    emr.script(PI, Script::endless());
    let run = start(&*engine, &job(PI)).await;
    seconds(3600).await;
    let since = OPENED + Duration::from_mins(55);
    for by in [Lookup::Name, Lookup::Token, Lookup::Owner, Lookup::Spec] {
        let found = engine.find(&identity(&job(PI)), by, since).await.unwrap();
        assert_eq!(found.iter().map(|found| &found.run).collect::<Vec<_>>(), [&run], "{by:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_list_is_no_list_of_nothing() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    for answer in ["", "{}", r#"{"message": "welcome"}"#] {
        emr.fault_next(Method::GET, "/jobruns", Fault::Before(Instead::Answer(200, answer.to_owned())));
        let trouble = engine.find(&identity(&job(PI)), Lookup::Owner, OPENED).await.unwrap_err();
        assert_eq!(trouble.kind, Kind::Unavailable, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_permissions_of_the_run_and_its_application_are_needed() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    let run = start(&*engine, &job).await;
    engine.find(&identity(&job), Lookup::Owner, OPENED).await.unwrap();
    engine.tag(&run, &tags([("a", "1")]), &Tags::new()).await.unwrap();
    engine.tag(&run, &Tags::new(), &tags([("a", "1")])).await.unwrap();
    engine.cancel(&run, How::Ask).await.unwrap();
    let application = "arn:aws:emr-serverless:eu-west-1:123456789012:/applications/00f1abc";
    let job_run = run.to_string();
    let expected = [
        ("emr-serverless:CancelJobRun", job_run.as_str()),
        ("emr-serverless:GetJobRun", &job_run),
        ("emr-serverless:ListJobRuns", application),
        ("emr-serverless:StartJobRun", application),
        ("emr-serverless:TagResource", &job_run),
        ("emr-serverless:UntagResource", &job_run),
        ("iam:PassRole", ROLE),
    ];
    let operations = emr.operations();
    let operations: Vec<(&str, &str)> = operations.iter().map(|asked| (&*asked.action, &*asked.resource)).collect();
    assert_eq!(operations, expected);
}
