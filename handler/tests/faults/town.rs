//! All that a request leaves for: the engines, and the bucket that takes the answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use sparkjob::http::{Lost, Transport};
use sparkjob::job::Timestamp;
use sparkjob::testing::OPENED;
use sparkjob::testing::{FakeEmr, FakeLivy, FakeSecrets, Script, Version, note};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::cloudformation::Delivery;
use crate::stacks::Stacks;

/// The bucket's host, in the answers' addresses.
pub const BUCKET: &str = "cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com";

/// Where stacks can be asked about.
pub const CLOUDFORMATION: &str = "cloudformation.eu-west-1.amazonaws.com";

/// All keys that `Fn::GetAtt` may ask for.
const ATTRIBUTES: [&str; 11] = [
    "ApplicationId",
    "Arn",
    "BatchId",
    "ConsoleUrl",
    "DriverLogUrl",
    "Engine",
    "JobId",
    "LogUri",
    "Name",
    "SparkUiUrl",
    "State",
];

/// Where a town's jobs run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Livy,
    LivyOnCluster,
    EmrOnEks,
    EmrServerless,
    EmrSteps,
}

impl Engine {
    pub const ALL: [Self; 5] = [Self::Livy, Self::LivyOnCluster, Self::EmrOnEks, Self::EmrServerless, Self::EmrSteps];

    /// One that looks before it submits, one that takes the same submission again for the first, and one that takes it for
    /// another.
    pub const UNLIKE: [Self; 3] = [Self::Livy, Self::EmrOnEks, Self::EmrSteps];

    /// The properties that say so.
    pub fn target(self) -> Value {
        match self {
            Self::Livy => json!({"LivyHost": "emr", "LivySecretArn": LIVY_SECRET}),
            Self::LivyOnCluster => json!({"LivyClusterId": CLUSTER}),
            Self::EmrOnEks => json!({
                "VirtualClusterId": VIRTUAL_CLUSTER, "ExecutionRoleArn": ROLE, "ReleaseLabel": "emr-7.5.0-latest",
            }),
            Self::EmrServerless => json!({"ApplicationId": APPLICATION, "ExecutionRoleArn": ROLE}),
            Self::EmrSteps => json!({"ClusterId": CLUSTER}),
        }
    }

    /// What the path of a submission has and no other.
    pub fn submission(self) -> &'static str {
        match self {
            Self::Livy | Self::LivyOnCluster => "/batches",
            Self::EmrOnEks | Self::EmrServerless => "/jobruns",
            Self::EmrSteps => "AddJobFlowSteps",
        }
    }
}

pub const VIRTUAL_CLUSTER: &str = "0abc";
pub const APPLICATION: &str = "00f1";
pub const CLUSTER: &str = "j-1ABC";
/// What every job knows, and no one else is to.
pub const PASSWORD: &str = "hunter2-db";
/// The secret that lets into [`Engine::Livy`].
pub const LIVY_SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:livy-AbCdEf";
pub const ROLE: &str = "arn:aws:iam::123456789012:role/job";

/// Engines whose jobs run until they are stopped, and the bucket. Clones share one town.
#[derive(Clone, Debug)]
pub struct Town {
    engine: Engine,
    livy: FakeLivy,
    emr: FakeEmr,
    secrets: FakeSecrets,
    stacks: Stacks,
    /// The request of each resource whose answer `CloudFormation` takes next.
    awaited: Arc<Mutex<BTreeMap<String, String>>>,
    /// The bodies that were put, for each request.
    answers: Arc<Mutex<BTreeMap<String, Vec<Bytes>>>>,
    /// News of each.
    answered: Arc<Notify>,
}

/// A job that there was.
struct Job {
    name: String,
    file: String,
    at: Duration,
    over: Option<Duration>,
}

impl Town {
    /// One whose jobs run there.
    pub fn new(engine: Engine) -> Self {
        Self::of(engine, Version::V0_7)
    }

    /// One with this Livy.
    pub fn of(engine: Engine, version: Version) -> Self {
        let (livy, emr) = (FakeLivy::of(version), FakeEmr::new());
        for file in [crate::OLD, crate::NEW, crate::ORPHAN] {
            livy.script(file, Script::endless());
            emr.script(file, Script::endless());
        }
        let says = vec![format!("connecting as me with {PASSWORD}")];
        let dying = Script { says, ..Script::dying(Duration::from_secs(5)) };
        livy.script(crate::DYING, dying.clone());
        emr.script(crate::DYING, dying);
        emr.lose_client(crate::ORPHAN, Duration::from_secs(5));
        livy.allow_local(&["/jobs/"]);
        emr.refuse(crate::REFUSED);
        let secrets = FakeSecrets::new();
        secrets.keep(LIVY_SECRET, r#"{"token": "hunter2"}"#);
        if engine == Engine::Livy {
            livy.demand(Some(("authorization", "Bearer hunter2")));
        }
        Self {
            engine,
            livy,
            emr,
            secrets,
            stacks: Stacks::new(OPENED),
            awaited: Arc::default(),
            answers: Arc::default(),
            answered: Arc::default(),
        }
    }

    /// What every clock shows.
    pub fn now(&self) -> Timestamp {
        OPENED + self.emr.opened().elapsed()
    }

    /// The same engines, with the answers of that town.
    pub fn answering(&self, town: &Self) -> Self {
        Self { answers: Arc::clone(&town.answers), answered: Arc::clone(&town.answered), ..self.clone() }
    }

    /// Where its jobs run.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Whether its jobs have tags.
    pub fn has_tags(&self) -> bool {
        matches!(self.engine, Engine::EmrOnEks | Engine::EmrServerless)
    }

    /// Its Livy.
    pub fn livy(&self) -> &FakeLivy {
        &self.livy
    }

    /// Its EMR.
    pub fn emr(&self) -> &FakeEmr {
        &self.emr
    }

    /// Its Secrets Manager.
    pub fn secrets(&self) -> &FakeSecrets {
        &self.secrets
    }

    /// What `CloudFormation` tells of its stacks.
    pub fn stacks(&self) -> &Stacks {
        &self.stacks
    }

    /// From now on `CloudFormation` waits for the answer to that request of the resource, and for none before.
    pub fn await_answer(&self, logical_id: &str, request: &str) {
        let mut awaited = self.awaited.lock().expect("no test panics while it holds it");
        awaited.insert(logical_id.to_owned(), request.to_owned());
    }

    fn awaits(&self, logical_id: &str, request: &str) -> bool {
        let awaited = self.awaited.lock().expect("no test panics while it holds it");
        awaited.get(logical_id).is_some_and(|awaited| awaited == request)
    }

    /// Ends the old job, well or not.
    pub fn end_old(&self, well: bool) {
        let word = if well { "success" } else { "dead" };
        for job in self.livy.alive().iter().filter(|job| job.file == crate::OLD) {
            self.livy.end(job.id, word);
        }
        for job in self.emr.alive().iter().filter(|job| job.file == crate::OLD) {
            self.emr.end(&job.id, well);
        }
    }

    /// Ends it well after this time.
    pub fn finish_old_within(&self, time: Duration) {
        let town = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            town.end_old(true);
        });
    }

    /// The last answer to a request.
    pub fn answer(&self, request: &Delivery) -> Option<Value> {
        let answers = self.answers.lock().expect("no test panics while it holds it");
        let body = answers.get(&request.id)?.last()?;
        Some(serde_json::from_slice(body).expect("was read before"))
    }

    /// The first answer to a request, as soon as it was put: `CloudFormation` goes on then.
    pub async fn first_answer(&self, request: &Delivery) -> Value {
        loop {
            let news = self.answered.notified();
            if let Some(body) = self.bodies(request).first() {
                return serde_json::from_slice(body).expect("was read before");
            }
            news.await;
        }
    }

    /// All that was put for a request.
    pub fn bodies(&self, request: &Delivery) -> Vec<Bytes> {
        let answers = self.answers.lock().expect("no test panics while it holds it");
        answers.get(&request.id).cloned().unwrap_or_default()
    }

    /// The different ids in the answers to a request.
    pub fn ids_of_answers(&self, request: &Delivery) -> BTreeSet<String> {
        let id = |body: &Bytes| -> Value { serde_json::from_slice(body).expect("was read before") };
        self.bodies(request).iter().map(|body| id(body)["PhysicalResourceId"].to_string()).collect()
    }

    pub fn distinct_answers(&self, request: &Delivery) -> usize {
        let mut bodies = self.bodies(request);
        bodies.sort();
        bodies.dedup();
        bodies.len()
    }

    /// The names of the jobs that are alive, on whichever engine.
    pub fn alive(&self) -> Vec<String> {
        self.jobs().into_iter().filter(|job| job.over.is_none()).map(|job| job.name).collect()
    }

    /// How many jobs were alive at the same time at most.
    pub fn most_alive(&self) -> usize {
        let jobs = self.jobs();
        let is_alive = |job: &Job, moment| job.at <= moment && job.over.is_none_or(|over| over > moment);
        jobs.iter().map(|new| jobs.iter().filter(|job| is_alive(job, new.at)).count()).max().unwrap_or(0)
    }

    /// How many names Livy still holds that no job was ever behind.
    pub fn phantoms(&self) -> usize {
        self.livy.batches().iter().filter(|batch| batch.known && !batch.begun).count()
    }

    /// How many jobs of this file there ever were, without those that were stopped before they began.
    pub fn jobs_of(&self, file: &str) -> usize {
        self.jobs().iter().filter(|job| job.file == file).count()
    }

    fn jobs(&self) -> Vec<Job> {
        let batches = self.livy.batches().into_iter().filter(|batch| batch.begun);
        let batches = batches.map(|batch| Job { name: batch.name, file: batch.file, at: batch.at, over: batch.over });
        let since = |moment: Instant| moment.duration_since(self.emr.opened());
        let runs = self.emr.runs().into_iter().map(|run| Job {
            name: run.name,
            file: run.file,
            at: since(run.at),
            over: run.over.map(since),
        });
        batches.chain(runs).collect()
    }

    /// Takes an answer as strictly as the strictest reader.
    fn take(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let (headers, body) = (request.headers(), request.body());
        assert_eq!(request.method(), Method::PUT);
        assert!(!headers.contains_key(header::CONTENT_TYPE) && !headers.contains_key(header::TRANSFER_ENCODING));
        assert_eq!(headers[header::CONTENT_LENGTH], body.len().to_string());
        assert!(body.len() <= 4096, "{} bytes", body.len());
        note(&String::from_utf8_lossy(body));
        let answer: Value = serde_json::from_slice(body).expect("an answer is JSON");
        let id = answer["PhysicalResourceId"].as_str().expect("an id");
        assert!((1..=1024).contains(&id.len()));
        assert!(answer["Status"] == "SUCCESS" || answer["Reason"].as_str().is_some_and(|reason| !reason.is_empty()));
        let keys: Vec<&String> = answer["Data"].as_object().expect("attributes").keys().collect();
        assert_eq!(keys, ATTRIBUTES);
        let text = |name: &str| answer[name].as_str().expect("a text").to_owned();
        let mut answers = self.answers.lock().expect("no test panics while it holds it");
        let answered = answers.entry(text("RequestId")).or_default();
        if answered.is_empty() && self.awaits(&text("LogicalResourceId"), &text("RequestId")) {
            self.stacks.identify(&text("LogicalResourceId"), id, answer["Status"] == "SUCCESS", self.now());
        }
        answered.push(body.clone());
        drop(answers);
        self.answered.notify_waiters();
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::OK;
        response
    }
}

#[async_trait]
impl Transport for Town {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        if request.uri().host() == Some(BUCKET) {
            return Ok(self.take(&request));
        }
        let host = request.uri().host().unwrap_or_default();
        if host == CLOUDFORMATION {
            return Ok(self.stacks.answer(&request));
        }
        if host.starts_with("secretsmanager.") {
            self.secrets.send(request, limit).await
        } else if host.ends_with(".amazonaws.com") {
            self.emr.send(request, limit).await
        } else {
            self.livy.send(request, limit).await
        }
    }
}
