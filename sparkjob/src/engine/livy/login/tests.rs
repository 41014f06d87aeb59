//! The engine against a Livy that lets in only whom a secret lets in.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};

use crate::drive::{self, Clock, Requester, Stance};
use crate::engine::tests::{PI, identity, start};
use crate::engine::{Engine, How, Kind, Lookup, Trouble};
use crate::hidden::Hidden;
use crate::http::{Lost, Transport, Trust};
use crate::job::{Access, Job, Parameters, Place, RunRef, SecretArn, Timestamp};
use crate::lifecycle::{Deadlines, Goal, Plan, Target, Wanted};
use crate::outcome::{FailureKind, Outcome};
use crate::properties::{Management, WaitFor};
use crate::testing::{FakeLivy, FakeSecrets, Fault, Instead, Script, engines};

const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:livy-AbCdEf";
const HUNTER: &str = r#"{"username": "me", "password": "hunter2"}"#;
/// `me:hunter2` and `me:hunter3`.
const HUNTER_SENT: &str = "Basic bWU6aHVudGVyMg==";
const NEXT: &str = r#"{"username": "me", "password": "hunter3"}"#;
const NEXT_SENT: &str = "Basic bWU6aHVudGVyMw==";

/// A Livy that asks for credentials, and Secrets Manager.
#[derive(Clone, Debug)]
struct Town {
    livy: FakeLivy,
    secrets: FakeSecrets,
    /// Whom each request to Livy trusts.
    trusted: Arc<Mutex<Vec<Option<Trust>>>>,
}

impl Town {
    fn new() -> Self {
        let town = Self { livy: FakeLivy::new(), secrets: FakeSecrets::new(), trusted: Arc::default() };
        town.livy.script(PI, Script::endless());
        town.turn(HUNTER, HUNTER_SENT);
        town
    }

    /// Has another secret let in.
    fn turn(&self, secret: &str, sent: &str) {
        self.secrets.keep(ARN, secret);
        self.livy.demand(Some(("authorization", sent)));
    }

    fn engine(&self, place: &Place) -> Arc<dyn Engine> {
        engines(Arc::new(self.clone())).at(place, Some(&secret()))
    }

    async fn refused(&self) -> Trouble {
        let job = job();
        let engine = self.engine(&job.place);
        let trouble = engine.start(&job, &identity(&job)).await.expect_err("nobody is let in");
        assert_eq!(self.livy.batches(), []);
        let told = format!("{trouble:?} {trouble} {engine:?}");
        assert!(!told.contains("hunter") && !told.contains("bWU6"), "{told}");
        trouble
    }
}

#[async_trait]
impl Transport for Town {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        if request.uri().host().is_some_and(|host| host.starts_with("secretsmanager.")) {
            assert!(!request.headers()["authorization"].to_str().expect("text").starts_with("Basic"));
            return self.secrets.send(request, limit).await;
        }
        self.trusted.lock().expect("no panic").push(request.extensions().get().cloned());
        self.livy.send(request, limit).await
    }
}

fn secret() -> SecretArn {
    ARN.parse().expect("an ARN")
}

fn job() -> Job {
    let place = Place::Livy("https://livy.example.org".parse().expect("an address"));
    Job::of(place, Parameters { file: PI.to_owned(), ..Parameters::default() })
}

#[tokio::test(start_paused = true)]
async fn the_secret_is_fetched_when_it_is_first_needed_and_kept() {
    let town = Town::new();
    let job = job();
    let engine = town.engine(&job.place);
    assert_eq!((town.secrets.sends(), town.livy.sends()), (0, 0));
    let run = start(&*engine, &job).await;
    assert_eq!(engine.describe(std::slice::from_ref(&run)).await.map(|all| all.len()), Ok(1));
    engine.cancel(&run, How::Ask).await.expect("it is stopped");
    assert_eq!((town.secrets.sends(), town.livy.alive()), (1, vec![]));
}

#[tokio::test(start_paused = true)]
async fn every_form_lets_in() {
    for (secret, header, value) in [
        (HUNTER, "authorization", HUNTER_SENT),
        (r#"{"token": "hunter2"}"#, "authorization", "Bearer hunter2"),
        (r#"{"headers": {"X-Api-Key": "hunter2"}}"#, "x-api-key", "hunter2"),
    ] {
        let town = Town::new();
        town.secrets.keep(ARN, secret);
        town.livy.demand(Some((header, value)));
        start(&*town.engine(&job().place), &job()).await;
        assert_eq!(town.livy.alive().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_turned_is_fetched_anew_and_the_request_made_once() {
    let town = Town::new();
    let job = job();
    let engine = town.engine(&job.place);
    assert_eq!(engine.find(&identity(&job), Lookup::Name, Timestamp::default()).await, Ok(vec![]));
    town.turn(NEXT, NEXT_SENT);
    start(&*engine, &job).await;
    assert_eq!((town.secrets.sends(), town.livy.batches().len()), (2, 1));
    assert_eq!(engine.find(&identity(&job), Lookup::Name, Timestamp::default()).await.map(|runs| runs.len()), Ok(1));
    assert_eq!(town.secrets.sends(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_is_not_let_in_asks_once_more_and_no_more_than_that() {
    let town = Town::new();
    let job = job();
    let engine = town.engine(&job.place);
    start(&*engine, &job).await;
    town.livy.demand(Some(("authorization", "Basic bWU6c29tZXRoaW5n")));
    let sends = town.livy.sends();
    let trouble = engine.find(&identity(&job), Lookup::Name, Timestamp::default()).await.expect_err("locked out");
    // The same again would be refused again.
    assert_eq!((trouble.kind, town.livy.sends() - sends, town.secrets.sends()), (Kind::Denied, 1, 2));
    assert!(trouble.advice.starts_with(&format!("Check what {ARN} holds (LivySecretArn)")), "{trouble:?}");
    // Who may not do what was asked is known: other credentials are of no use.
    town.livy.demand(None);
    town.livy.deny(Some(403));
    assert_eq!(engine.describe(&[run()]).await.expect_err("denied").kind, Kind::Denied);
    assert_eq!(town.secrets.sends(), 2);
}

fn run() -> RunRef {
    RunRef { place: job().place, id: "0".to_owned(), realm: None, name: Some(identity(&job()).name()) }
}

#[tokio::test(start_paused = true)]
async fn a_livy_that_asks_for_credentials_and_gets_none_says_how_to_give_them() {
    let town = Town::new();
    let engine = engines(Arc::new(town.clone())).at(&job().place, None);
    let trouble = engine.start(&job(), &identity(&job())).await.expect_err("locked out");
    assert_eq!((trouble.kind, town.secrets.sends()), (Kind::Denied, 0));
    assert!(trouble.advice.contains("LivySecretArn"), "{trouble:?}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_not_to_be_had_says_what_to_do() {
    let get = "secretsmanager:GetSecretValue";
    for (code, words, advice) in [
        (
            "AccessDeniedException",
            "User: arn:aws:sts::1:assumed-role/r is not authorized to perform: secretsmanager:GetSecretValue on resource: \
             arn:aws:secretsmanager:eu-central-1:123456789012:secret:livy-AbCdEf because no identity-based policy allows it",
            format!("Allow {get} on {ARN} to the role of the submitter"),
        ),
        ("AccessDeniedException", "Access to KMS is not allowed", format!("Allow kms:Decrypt on the key of {ARN}")),
        ("DecryptionFailure", "Secrets Manager can't decrypt it.", format!("Allow kms:Decrypt on the key of {ARN}")),
        ("ResourceNotFoundException", "Secrets Manager can't find it.", format!("See that {ARN} is there")),
        ("InvalidRequestException", "It is marked for deletion.", format!("See that {ARN} is there")),
        (
            "ExpiredTokenException",
            "The token has expired",
            "Check the credentials, the region and the clock".to_owned(),
        ),
    ] {
        let town = Town::new();
        town.secrets.refuse(Some((code, words)));
        let trouble = town.refused().await;
        assert_eq!(trouble.kind, Kind::Denied, "{code}");
        assert_eq!(trouble.said, format!("its secret could not be read: {code}: {words}"));
        assert!(trouble.advice.starts_with(&advice), "{trouble:?}");
        assert_eq!(town.livy.sends(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_not_read_for_now_means_that_nothing_was_submitted() {
    for fault in Fault::losses() {
        let town = Town::new();
        town.secrets.fault_at(1, fault.clone());
        let job = job();
        let engine = town.engine(&job.place);
        let trouble = engine.start(&job, &identity(&job)).await.expect_err("a loss");
        assert_eq!((trouble.kind, town.livy.sends()), (Kind::Unavailable, 0), "{fault:?}: {trouble:?}");
        start(&*engine, &job).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_secret_should_not_hold_is_told_without_a_word_of_it() {
    let town = Town::new();
    for secret in
        ["hunter2", "{}", r#"{"token": "hunter2", "password": "hunter2"}"#, r#"{"token": "hunter2", "ca": "hunter2"}"#]
    {
        town.secrets.keep(ARN, secret);
        let trouble = town.refused().await;
        assert_eq!(trouble.kind, Kind::Denied);
        assert!(trouble.said.starts_with("its secret is of no use: it"), "{trouble:?}");
        assert!(trouble.advice.starts_with(&format!("Correct what {ARN} holds")), "{trouble:?}");
    }
    town.secrets.keep_binary(ARN);
    assert_eq!(town.refused().await.said, "its secret is of no use: it holds no text");
    assert_eq!(town.livy.sends(), 0);
}

/// A certificate of an authority of one's own.
fn authority() -> String {
    rcgen::generate_simple_self_signed(["livy.example.org".to_owned()]).expect("a certificate").cert.pem()
}

#[tokio::test(start_paused = true)]
async fn an_authority_goes_with_each_request_and_with_none_over_http() {
    let authority = authority();
    let secret = serde_json::json!({"token": "hunter2", "ca": authority}).to_string();
    let town = Town::new();
    town.turn(&secret, "Bearer hunter2");
    start(&*town.engine(&job().place), &job()).await;
    let trusted = Trust::read(&authority).expect("a certificate");
    assert_eq!(*town.trusted.lock().expect("no panic"), [Some(trusted)]);

    let open = Job { place: Place::Livy("http://emr:8998".parse().expect("an address")), ..job() };
    let engine = town.engine(&open.place);
    for _ in 0..2 {
        let trouble = engine.start(&open, &identity(&open)).await.expect_err("an authority without TLS");
        assert!(trouble.said.contains("it has a ca, and this Livy is spoken to over http"), "{trouble:?}");
    }
    assert_eq!(town.livy.sends(), 1);
    // Corrected, it is of use at once.
    town.turn(HUNTER, HUNTER_SENT);
    start(&*engine, &open).await;
}

#[tokio::test(start_paused = true)]
async fn an_authority_that_was_turned_is_fetched_anew() {
    let unknown = || Fault::Before(Instead::Lost(Lost::NotSent("invalid peer certificate: UnknownIssuer".to_owned())));
    let town = Town::new();
    let job = job();
    let engine = town.engine(&job.place);
    let run = start(&*engine, &job).await;
    let authority = authority();
    let turned = serde_json::json!({"username": "me", "password": "hunter2", "ca": authority}).to_string();
    town.secrets.keep(ARN, &turned);
    town.livy.fault_next(Method::GET, "/batches", unknown());
    assert_eq!(engine.describe(std::slice::from_ref(&run)).await.map(|all| all.len()), Ok(1));
    assert_eq!(town.trusted.lock().expect("no panic").last(), Some(&Trust::read(&authority).ok()));
    assert_eq!(town.secrets.sends(), 2);
    // Where the secret is as it was, or is not to be had, Livy's own trouble is told, and nothing is sent again.
    for refusal in [None, Some(("AccessDeniedException", "no identity-based policy allows it"))] {
        town.secrets.refuse(refusal);
        let sends = town.livy.sends();
        town.livy.fault_next(Method::GET, "/batches", unknown());
        let trouble = engine.describe(std::slice::from_ref(&run)).await.expect_err("no connection");
        assert_eq!((trouble.kind, town.livy.sends() - sends), (Kind::Unavailable, 1), "{trouble:?}");
        assert!(trouble.said.contains("UnknownIssuer"), "{trouble:?}");
    }
}

/// Somebody who waits.
struct Patient;

#[async_trait]
impl Requester for Patient {
    async fn stance(&self, _: Duration) -> Stance {
        Stance::Waits
    }
}

/// What becomes of a plan with the secret.
async fn carried_out(town: &Town, goal: Goal, wait_for: WaitFor, secret: Option<SecretArn>) -> Outcome {
    let now = Timestamp(1_795_244_400_000);
    let plan = Plan {
        goal,
        management: Management { wait_for, ..Management::default() },
        deadlines: Deadlines::between(now, now + Duration::from_hours(1)),
        access: Access::to(job().place, secret),
        hidden: Hidden::default(),
    };
    drive::run(&plan, &engines(Arc::new(town.clone())), &Clock::showing(now), &Patient).await
}

fn wanted() -> Goal {
    let job = job();
    Goal::Run(Wanted { identity: identity(&job), job })
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_turned_while_a_job_is_followed_changes_nothing() {
    let town = Town::new();
    town.livy.script(PI, Script::running(Duration::from_mins(20)));
    let turned = town.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_mins(5)).await;
        // First the server, and a while later the secret, as a rotation does.
        turned.livy.demand(Some(("authorization", NEXT_SENT)));
        tokio::time::sleep(Duration::from_mins(1)).await;
        turned.secrets.keep(ARN, NEXT);
    });
    let outcome = carried_out(&town, wanted(), WaitFor::Succeeded, Some(secret())).await;
    assert_eq!(outcome.failure, None);
    assert_eq!(town.livy.batches().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_is_stopped_with_its_secret_and_not_without() {
    let town = Town::new();
    let run = start(&*town.engine(&job().place), &job()).await;
    let stop = || Goal::Stop(Target::Run(run.clone()));
    let outcome = carried_out(&town, stop(), WaitFor::Running, None).await;
    assert_eq!(outcome.failure.map(|failure| failure.kind), Some(FailureKind::Denied));
    assert_eq!(town.livy.alive().len(), 1);
    assert_eq!(carried_out(&town, stop(), WaitFor::Running, Some(secret())).await.failure, None);
    assert_eq!(town.livy.alive(), []);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_come_back_are_told_to_nobody() {
    let town = Town::new();
    let echo = |text: &str| Fault::Before(Instead::Answer(400, format!(r#"{{"msg": "{text}"}}"#)));
    town.livy.fault_next(Method::POST, "/batches", echo("no: Authorization: Basic bWU6aHVudGVyMg== (hunter2)"));
    let outcome = carried_out(&town, wanted(), WaitFor::Running, Some(secret())).await;
    let what = outcome.failure.expect("it was refused").what;
    assert!(what.contains("no: Authorization: *** (***)"), "{what}");
}
