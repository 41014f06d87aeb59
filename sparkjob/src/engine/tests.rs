//! What holds for the engines of AWS alike, and what the tests of all engines share.

pub mod answers;

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use serde_json::json;
use tokio::time::sleep;

use super::{Engine, Engines, Kind, Lookup};
use crate::http::Transport;
use crate::http::sdk::Aws;
use crate::job::{Identity, Job, Native, Parameters, Phase, Place, RunRef, Status, Tags, Timestamp};
use crate::testing::{self, FakeEmr, Fault, Instead};
use answers::Parrot;

/// The entry point of most jobs.
pub const PI: &str = "s3://code/pi.py";

/// The identity of what `request` asks for.
pub fn request(request: &str, job: &Job) -> Identity {
    Identity::derive(&["stack", "Pi"], request, "Pi", job)
}

/// The identity of what the first request asks for.
pub fn identity(job: &Job) -> Identity {
    request("request-1", job)
}

pub fn engine(emr: &FakeEmr, place: &Place) -> Arc<dyn Engine> {
    testing::engines(Arc::new(emr.clone())).at(place, None)
}

/// What a service of AWS says of what was asked wrongly, for whatever reason.
pub fn invalid(message: &str) -> Fault {
    let body = json!({"__type": "ValidationException", "message": message});
    Fault::Before(Instead::Answer(400, body.to_string()))
}

pub async fn start(engine: &dyn Engine, job: &Job) -> RunRef {
    engine.start(job, &identity(job)).await.expect("it starts")
}

pub async fn status(engine: &dyn Engine, run: &RunRef) -> Status {
    engine.describe(std::slice::from_ref(run)).await.expect("it is described").remove(0)
}

pub async fn phase(engine: &dyn Engine, run: &RunRef) -> Phase {
    status(engine, run).await.phase
}

pub async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

pub fn tags<const N: usize>(tags: [(&str, &str); N]) -> Tags {
    tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

#[test]
fn no_more_engines_are_kept_than_are_asked_for_at_a_time() {
    let engines = testing::engines(Arc::new(FakeEmr::new()));
    let at = |number: usize| engines.at(&Place::EmrSteps(format!("j-{number}")), None);
    let first = at(0);
    assert!(Arc::ptr_eq(&first, &at(0)));
    let count = || engines.known.lock().expect("no panic while it is held").len();
    for number in 0..500 {
        at(number);
        assert!(count() <= super::MOST_KNOWN, "{number}");
    }
    // Whoever holds one goes on with it.
    assert!(!Arc::ptr_eq(&first, &at(0)));
}

/// A job that each engine takes, and the reference of a run of it.
fn jobs() -> [(Job, RunRef); 3] {
    let role = ("ExecutionRoleArn".to_owned(), json!("arn:aws:iam::123456789012:role/job"));
    let release = ("ReleaseLabel".to_owned(), json!("emr-7.5.0-latest"));
    let arn = |path: &str| format!("arn:aws:{}", path.replace('@', ":eu-west-1:123456789012:"));
    [
        (
            Place::EmrOnEks("vc1".to_owned()),
            vec![role.clone(), release],
            arn("emr-containers@/virtualclusters/vc1/jobruns/1"),
        ),
        (Place::EmrServerless("00f1".to_owned()), vec![role], arn("emr-serverless@/applications/00f1/jobruns/1")),
        (Place::EmrSteps("j-1".to_owned()), vec![], "emr-steps://j-1/steps/s-1#Pi".to_owned()),
    ]
    .map(|(place, native, run)| {
        let parameters = Parameters { file: PI.to_owned(), ..Parameters::default() };
        let job = Job { native: Native(native.into_iter().collect()), ..Job::of(place, parameters) };
        (job, run.parse().expect("a reference"))
    })
}

#[tokio::test(start_paused = true)]
async fn nothing_is_quoted_of_an_answer_that_is_not_the_services() {
    const SECRET: &str = "hunter2";
    for (job, run) in jobs() {
        for (status, body) in [
            (200, r#"{"jobRun": {"state": 7, "x": "hunter2"}, "Steps": "hunter2", "StepIds": "hunter2", "id": 7}"#),
            (200, r#"{"jobRun": {"createdAt": "hunter2"}, "jobRuns": "hunter2", "Steps": "hunter2""#),
            (400, r#"{"jobDriver": "hunter2"}"#),
            (502, "<html>hunter2</html>"),
            // The service's own, which repeats what was asked.
            (
                403,
                r#"{"__type": "InvalidSignatureException", "message": "The request signature we calculated does not match the signature you provided.\n\nThe Canonical String for this request should have been\n'POST\n/\n\nhost:a\nx-amz-security-token:hunter2\n'"}"#,
            ),
        ] {
            let engine = testing::engines(Arc::new(Parrot::of(status, body))).at(&job.place, None);
            let told = [
                format!("{:?}", engine.start(&job, &identity(&job)).await),
                format!("{:?}", engine.find(&identity(&job), Lookup::Owner, Timestamp::default()).await),
                format!("{:?}", engine.describe(std::slice::from_ref(&run)).await),
                format!("{:?}", engine.report(&run).await),
            ];
            assert!(told.iter().all(|told| !told.contains(SECRET)), "{status} {body}: {told:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_signed_or_addressed_was_not_sent_and_is_not_sent_again() {
    for (job, run) in jobs() {
        for region in [None, Some(Region::from_static("eu-west-1"))] {
            let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).region(region).build();
            let emr = FakeEmr::new();
            let transport: Arc<dyn Transport> = Arc::new(emr.clone());
            let aws = Aws::of(&transport, config);
            let engines = Engines::with(transport, aws);
            let engine = engines.at(&job.place, None);
            let troubles = [
                engine.start(&job, &identity(&job)).await.expect_err("nothing to sign it with"),
                engine.describe(std::slice::from_ref(&run)).await.expect_err("nothing to sign it with"),
            ];
            for trouble in troubles {
                assert_eq!((trouble.kind, emr.sends()), (Kind::Denied, 0), "{trouble:?}");
                assert_eq!(trouble.advice, "Check the credentials, the region and the clock of the submitter.");
            }
        }
    }
}
