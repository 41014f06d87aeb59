//! A stack with one resource, and all that its requests leave for: `CloudFormation` that answers, the engines, the bucket.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use tokio::time::Instant;

use handler::Submitter;
use handler::arrival::Arrival;
use handler::envelope::Envelope;
use handler::event::Event;
use handler::moment;
use handler::turn::{Step, Turn};
use sparkjob::drive::Clock;
use sparkjob::http::{Lost, Transport};
use sparkjob::job::Timestamp;
use sparkjob::testing::{FakeEmr, FakeLivy, Script, engines, note};

use crate::stacks::{STACK, Stacks};

/// 2026-11-21T07:00:00Z, at which every world begins.
const BEGIN: Timestamp = Timestamp(1_795_244_400_000);

const INVOCATION: Duration = Duration::from_mins(15);
const BUCKET: &str = "bucket.s3.eu-west-1.amazonaws.com";
const RESOURCE: &str = "Pi";

pub const GOOD: &str = "s3://code/good.py";
pub const BAD: &str = "s3://code/bad.py";

/// Where the jobs run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Livy,
    EmrOnEks,
    EmrServerless,
    EmrSteps,
    /// In an application of its own, which outlives its step.
    EmrStepsInCluster,
}

impl Engine {
    pub const ALL: [Self; 5] =
        [Self::Livy, Self::EmrOnEks, Self::EmrServerless, Self::EmrSteps, Self::EmrStepsInCluster];
}

/// Who works on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    OneInvocation,
    Workflow,
}

#[derive(Clone, Debug)]
pub struct World {
    pub engine: Engine,
    pub driver: Driver,
    pub livy: FakeLivy,
    pub emr: FakeEmr,
    stacks: Stacks,
    answers: Arc<Mutex<BTreeMap<String, Vec<Answer>>>>,
    began: Instant,
    panics: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: String,
    pub id: String,
    pub reason: String,
}

/// A request as it was made; it may be delivered any time, and often.
#[derive(Clone, Debug)]
pub struct Asked {
    key: String,
    event: Value,
}

impl Asked {
    /// What was sent.
    pub fn event(&self) -> Event {
        serde_json::from_value(self.event.clone()).expect("an event")
    }

    /// How its answer is called.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Every engine with every driver.
pub fn worlds() -> Vec<World> {
    let drivers = [Driver::OneInvocation, Driver::Workflow];
    Engine::ALL.into_iter().flat_map(|engine| drivers.map(|driver| World::new(engine, driver))).collect()
}

impl World {
    pub fn new(engine: Engine, driver: Driver) -> Self {
        let (livy, emr) = (FakeLivy::new(), FakeEmr::new());
        for file in [GOOD, BAD] {
            livy.script(file, Script::endless());
            emr.script(file, Script::endless());
        }
        let (stacks, answers, began) = (Stacks::new(BEGIN), Arc::default(), Instant::now());
        Self { engine, driver, livy, emr, stacks, answers, began, panics: false }
    }

    /// The same, where the function panics whenever it has to do with an engine.
    pub fn panicking(&self) -> Self {
        Self { panics: true, ..self.clone() }
    }

    /// How it is called in an assertion.
    pub fn name(&self) -> String {
        format!("{:?}, {:?}", self.engine, self.driver)
    }

    pub fn now(&self) -> Timestamp {
        BEGIN + self.began.elapsed()
    }

    /// The stack begins something new.
    pub fn stack_is(&self, status: &'static str) {
        self.stacks.go_on(status, self.now());
    }

    /// The stack takes its update back, as another one.
    pub fn stack_goes_back(&self) {
        self.stacks.go_back(self.now());
    }

    /// An update has deleted the resource, or its rollback has.
    pub fn loses_the_resource(&self) {
        self.stacks.forget(RESOURCE);
    }

    /// Whether `CloudFormation` may be asked from now on.
    pub fn may_ask(&self, may: bool) {
        self.stacks.may_be_asked(may);
    }

    /// `CloudFormation` takes an answer.
    pub fn takes(&self, answer: &Answer) {
        self.stacks.identify(RESOURCE, &answer.id, answer.status == "SUCCESS", self.now());
    }

    /// Makes a request: the resource is in progress from now on.
    pub fn ask(&self, request_type: &str, request: &str, changes: Value) -> Asked {
        self.stacks.ask(RESOURCE, request_type, self.now());
        self.asked(request_type, request, changes)
    }

    fn asked(&self, request_type: &str, request: &str, changes: Value) -> Asked {
        let date = moment::text(Timestamp(self.now().0 / 1000 * 1000)).replace(['-', ':'], "");
        let key = format!("{request}-{date}");
        let mut event = json!({
            "RequestType": request_type,
            "RequestId": request,
            "ResponseURL": format!("https://{BUCKET}/{key}?X-Amz-Date={date}&X-Amz-Signature=5ec2e7"),
            "ResourceType": "Custom::SparkJob",
            "LogicalResourceId": RESOURCE,
            "StackId": STACK,
        });
        let Value::Object(changes) = changes else { unreachable!("changes are an object") };
        for (name, value) in changes {
            event[name] = value;
        }
        Asked { key, event }
    }

    /// The properties of a job that runs `file`, with `more`.
    pub fn properties(&self, file: &str, more: &Value) -> Value {
        let mut properties = match self.engine {
            Engine::Livy => json!({"LivyHost": "emr"}),
            Engine::EmrOnEks => json!({
                "VirtualClusterId": "0abc", "ReleaseLabel": "emr-7.5.0-latest",
                "ExecutionRoleArn": "arn:aws:iam::123456789012:role/job",
            }),
            Engine::EmrServerless => {
                json!({"ApplicationId": "00f1", "ExecutionRoleArn": "arn:aws:iam::123456789012:role/job"})
            }
            // As a request to EMR has it, which a Delete is to know as well.
            Engine::EmrSteps => json!({"JobFlowId": "j-1ABC"}),
            Engine::EmrStepsInCluster => json!({"ClusterId": "j-1ABC", "DeployMode": "cluster"}),
        };
        properties["Parameters"] = json!({ "File": file });
        for (name, value) in more.as_object().expect("more properties") {
            properties[name] = value.clone();
        }
        properties
    }

    pub fn create(&self, request: &str, properties: &Value) -> Asked {
        self.ask("Create", request, json!({"ResourceProperties": properties}))
    }

    pub fn update(&self, request: &str, id: &str, old: &Value, new: &Value) -> Asked {
        let changes = json!({"PhysicalResourceId": id, "OldResourceProperties": old, "ResourceProperties": new});
        self.ask("Update", request, changes)
    }

    pub fn delete(&self, request: &str, id: &str, properties: &Value) -> Asked {
        self.ask("Delete", request, json!({"PhysicalResourceId": id, "ResourceProperties": properties}))
    }

    /// A Delete of what the resource was before: it goes on as what it is now.
    pub fn clean_up(&self, request: &str, id: &str, properties: &Value) -> Asked {
        self.asked("Delete", request, json!({"PhysicalResourceId": id, "ResourceProperties": properties}))
    }

    /// Delivers a request, to its end; what was answered last, if anything was this time.
    pub async fn deliver(&self, asked: &Asked) -> Option<Answer> {
        let before = self.answers(asked).len();
        match self.driver {
            Driver::OneInvocation => self.invoke(asked).await,
            Driver::Workflow => self.work(asked).await,
        }
        let answers = self.answers(asked);
        answers.last().filter(|_| answers.len() > before).cloned()
    }

    /// The same of one that must be answered well, whose answer `CloudFormation` takes.
    pub async fn succeeds(&self, asked: &Asked) -> String {
        let answer = self.deliver(asked).await.unwrap_or_else(|| panic!("{}: no answer to {}", self.name(), asked.key));
        assert_eq!(answer.status, "SUCCESS", "{}: {}", self.name(), answer.reason);
        self.takes(&answer);
        answer.id
    }

    /// All answers to a request.
    pub fn answers(&self, asked: &Asked) -> Vec<Answer> {
        lock(&self.answers).get(&asked.key).cloned().unwrap_or_default()
    }

    /// The files of the jobs that are alive.
    pub fn alive(&self) -> Vec<String> {
        let livy = self.livy.alive().into_iter().map(|batch| batch.file);
        let mut files: Vec<String> = livy.chain(self.emr.alive().into_iter().map(|run| run.file)).collect();
        files.sort();
        files
    }

    /// How many jobs of a file there ever were.
    pub fn made(&self, file: &str) -> usize {
        self.livy.batches().iter().filter(|batch| batch.file == file).count()
            + self.emr.runs().iter().filter(|run| run.file == file).count()
    }

    /// Ends all jobs of a file, well or badly, as if by themselves.
    pub fn end(&self, file: &str, well: bool) {
        for batch in self.livy.alive().iter().filter(|batch| batch.file == file) {
            self.livy.end(batch.id, if well { "success" } else { "dead" });
        }
        for run in self.emr.alive().iter().filter(|run| run.file == file) {
            self.emr.end(&run.id, well);
        }
    }

    fn submitter(&self) -> Submitter {
        Submitter { engines: engines(Arc::new(self.clone())), successors: None }
    }

    fn context(&self) -> Context {
        let mut context = Context::default();
        context.deadline = (self.now() + INVOCATION).0;
        context
    }

    async fn invoke(&self, asked: &Asked) {
        let event = LambdaEvent::new(Arrival::Request(asked.event()), self.context());
        self.submitter().serve(event, Clock::showing(self.now())).await.expect("it is answered, or withdrawn");
    }

    /// As the workflow does it, a step at a time.
    async fn work(&self, asked: &Asked) {
        let mut step = self.first_step(asked);
        while !step.turn.ended {
            step.turn = self.take_step(&step).await;
            let until = moment::read(&step.turn.until).expect("a moment");
            tokio::time::sleep(until.since(self.now())).await;
        }
    }

    /// The first step about a request that the workflow is handed now.
    pub fn first_step(&self, asked: &Asked) -> Step {
        let event = asked.event();
        let envelope = Envelope::read(&event).expect("an envelope");
        let request = handler::request::Request::of(envelope, event);
        let turn = Turn { old: request.old, ..Turn::of(request.event) };
        Step { turn, began: moment::text(self.now()), failed: None }
    }

    /// Takes a step: the next turn.
    pub async fn take_step(&self, step: &Step) -> Turn {
        // It is stored in between.
        let stored = serde_json::to_string(&step.turn).expect("a turn is stored");
        let step = Step { turn: serde_json::from_str(&stored).expect("and read"), ..step.clone() };
        let event = LambdaEvent::new(Arrival::Step(step), self.context());
        let taken = self.submitter().serve(event, Clock::showing(self.now())).await;
        taken.expect("a step is taken").expect("and tells the next turn")
    }

    fn take(&self, request: &Request<Bytes>) -> Response<Bytes> {
        note(&String::from_utf8_lossy(request.body()));
        let body: Value = serde_json::from_slice(request.body()).expect("an answer is JSON");
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let answer = Answer { status: text("Status"), id: text("PhysicalResourceId"), reason: text("Reason") };
        let key = request.uri().path().trim_start_matches('/').to_owned();
        lock(&self.answers).entry(key).or_default().push(answer);
        Response::new(Bytes::new())
    }
}

#[async_trait]
impl Transport for World {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        match request.uri().host().unwrap_or_default() {
            BUCKET => Ok(self.take(&request)),
            host if host.starts_with("cloudformation.") => Ok(self.stacks.answer(&request)),
            _ if self.panics => panic!("this engine is too much"),
            host if host.ends_with(".amazonaws.com") => self.emr.send(request, limit).await,
            _ => self.livy.send(request, limit).await,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
