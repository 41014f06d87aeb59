//! `CloudFormation` and Lambda, as far as one resource sees them.

use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use tokio::time::timeout;

use handler::arrival::Arrival;
use handler::envelope::Envelope;
use handler::event::Event;
use handler::physical_id::PhysicalId;
use handler::workflow::execution_name;
use handler::{Submitter, moment, plan};
use sparkjob::drive::Clock;
use sparkjob::http::Transport;
use sparkjob::job::Timestamp;
use sparkjob::testing::engines;

use crate::stacks::STACK;
use crate::town::{BUCKET, Engine, PASSWORD, Town};

/// What one invocation may take.
const INVOCATION: Duration = Duration::from_mins(15);

/// What `CloudFormation` invents for a Create that it cut off.
pub const INVENTED: &str = "demo-Pi-1ABCDEFGHIJKL";

/// A request on its way, to be delivered at least once.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: String,
    pub event: Value,
    /// For so long it is waited for an answer.
    pub until: Timestamp,
    town: Town,
}

impl Delivery {
    /// The name of the execution that works on it.
    pub fn execution(&self) -> String {
        execution_name(&self.envelope())
    }

    /// The id that the responder gives where it cannot know what a Create made.
    fn marker(&self) -> String {
        let envelope = self.envelope();
        PhysicalId::Unknown(plan::token(&envelope), plan::dated_token(&envelope)).to_string()
    }

    fn envelope(&self) -> Envelope {
        let event: Event = serde_json::from_value(self.event.clone()).expect("an event");
        Envelope::read(&event).expect("a request")
    }
}

/// What a template says besides the file.
#[derive(Clone, Copy, Debug)]
pub struct Properties {
    pub strategy: &'static str,
    pub wait_for: &'static str,
    pub service_timeout: u32,
    /// How long a job must run before it counts as running; none where nothing is said.
    pub stable_seconds: Option<u32>,
    /// Where the driver of a step runs; none where nothing is said.
    pub deploy_mode: Option<&'static str>,
}

impl Properties {
    /// What a template says that says nothing.
    pub const USUAL: Self = Self {
        strategy: "StopThenStart",
        wait_for: "Running",
        service_timeout: 3600,
        stable_seconds: None,
        deploy_mode: None,
    };

    /// The same with few looks at a running job: what is tried at each request need not be tried at many that are alike.
    pub const BRIEF: Self = Self { stable_seconds: Some(10), ..Self::USUAL };
}

impl Default for Properties {
    fn default() -> Self {
        Self::USUAL
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: String,
    pub reason: String,
    pub id: String,
}

/// A stack with one resource.
#[derive(Debug)]
pub struct Stack {
    town: Town,
    resource: String,
    requests: u32,
    properties: Value,
    /// Its Create.
    created: Option<Delivery>,
    id: Option<String>,
    /// What the resource of that id was described as.
    described: Value,
    /// What the clean-up is to delete, each as it was described.
    replaced: Vec<(String, Value)>,
}

impl Stack {
    pub fn new(town: &Town) -> Self {
        Self::named(town, "Pi")
    }

    /// One whose resource is called so.
    pub fn named(town: &Town, resource: &str) -> Self {
        Self {
            town: town.clone(),
            resource: resource.to_owned(),
            requests: 0,
            properties: Value::Null,
            created: None,
            id: None,
            described: Value::Null,
            replaced: Vec::new(),
        }
    }

    pub fn create(&mut self, file: &str, told: Properties) -> Delivery {
        self.create_with(properties(self.town.engine(), file, told))
    }

    /// A create with these properties and no others.
    pub fn create_with(&mut self, properties: Value) -> Delivery {
        self.properties = properties;
        let create = self.request("Create", "CREATE_IN_PROGRESS", json!({}));
        self.created = Some(create.clone());
        create
    }

    /// Its Create as `CloudFormation` itself tries it again: the same request, with another address for the answer.
    pub fn again(&self) -> Delivery {
        let mut create = self.created();
        create.event["ResponseURL"] = self.address(&create.id).into();
        create.until = self.town.now() + Duration::from_hours(1);
        create
    }

    /// The id that the responder gives where it cannot know what its Create made.
    pub fn marker(&self) -> String {
        self.created().marker()
    }

    fn created(&self) -> Delivery {
        self.created.clone().expect("a stack begins with a Create")
    }

    pub fn update(&mut self, file: &str, told: Properties) -> Delivery {
        let engine = self.town.engine();
        self.update_on(engine, file, told)
    }

    /// An update that moves the job to that engine.
    pub fn update_on(&mut self, engine: Engine, file: &str, told: Properties) -> Delivery {
        self.update_with(properties(engine, file, told))
    }

    /// An update to these properties and no others.
    pub fn update_with(&mut self, properties: Value) -> Delivery {
        let old = std::mem::replace(&mut self.properties, properties);
        let id = self.id.clone();
        self.request("Update", "UPDATE_IN_PROGRESS", json!({ "OldResourceProperties": old, "PhysicalResourceId": id }))
    }

    /// An update of nothing but the tags, where the engine has tags.
    pub fn retag(&mut self) -> Delivery {
        let old = self.properties.clone();
        if self.town.has_tags() {
            let tag = if old["Tags"]["Team"].is_null() { "Team" } else { "Stage" };
            self.properties["Tags"] = json!({ tag: "data" });
        }
        let id = self.id.clone();
        self.request("Update", "UPDATE_IN_PROGRESS", json!({ "OldResourceProperties": old, "PhysicalResourceId": id }))
    }

    /// An update to the present properties with these changed or added.
    pub fn change(&mut self, changes: Value) -> Delivery {
        let old = self.properties.clone();
        let Value::Object(changes) = changes else { unreachable!("changes are an object") };
        for (name, value) in changes {
            self.properties[name] = value;
        }
        let id = self.id.clone();
        self.request("Update", "UPDATE_IN_PROGRESS", json!({ "OldResourceProperties": old, "PhysicalResourceId": id }))
    }

    /// The update back to what the resource was before the last update, which failed.
    pub fn roll_back(&mut self) -> Delivery {
        let failed = std::mem::replace(&mut self.properties, self.described.clone());
        let more = json!({ "OldResourceProperties": failed, "PhysicalResourceId": self.id });
        self.request("Update", "UPDATE_ROLLBACK_IN_PROGRESS", more)
    }

    /// The same update back once more, after it failed, as somebody has `CloudFormation` continue.
    pub fn continue_back(&mut self, back: &Delivery) -> Delivery {
        let more = json!({
            "OldResourceProperties": back.event["OldResourceProperties"],
            "PhysicalResourceId": back.event["PhysicalResourceId"],
        });
        self.request("Update", "UPDATE_ROLLBACK_IN_PROGRESS", more)
    }

    /// The update back from the last one, which was answered so, because another resource failed. The clean-up deletes what
    /// that had made.
    pub fn take_back(&mut self, updated: &Answer) -> Delivery {
        self.id = Some(updated.id.clone());
        let failed = self.properties.clone();
        let back = self.roll_back();
        self.described = failed;
        back
    }

    pub fn delete(&mut self) -> Delivery {
        let id = self.id.clone();
        self.request("Delete", "DELETE_IN_PROGRESS", json!({ "PhysicalResourceId": id }))
    }

    /// Takes note of an answer: another id is a replacement.
    pub fn answered(&mut self, answer: &Answer) {
        let before = self.id.replace(answer.id.clone());
        let described = std::mem::replace(&mut self.described, self.properties.clone());
        self.replaced.extend(before.filter(|before| *before != answer.id).map(|before| (before, described)));
    }

    /// Takes note of the answer to an update that failed: it must name the job that there was before.
    pub fn fails(&self, answer: &Answer) {
        assert_eq!((answer.status.as_str(), Some(&answer.id)), ("FAILED", self.id.as_ref()), "{}", answer.reason);
    }

    /// Cleans up what was replaced, then deletes the resource.
    pub async fn finish(mut self, town: &Town) {
        for request in self.deletes() {
            assert_eq!(deliver(town, &request).await.status, "SUCCESS");
        }
    }

    /// What `CloudFormation` sends to clean up what was replaced, and then to delete the resource.
    pub fn deletes(&mut self) -> Vec<Delivery> {
        let replaced = std::mem::take(&mut self.replaced);
        let clean_up = |(id, described): (String, Value)| {
            let more = json!({ "PhysicalResourceId": id, "ResourceProperties": described });
            self.request("Delete", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", more)
        };
        let mut deletes: Vec<Delivery> = replaced.into_iter().map(clean_up).collect();
        deletes.push(self.delete());
        deletes
    }

    /// A Delete of the resource that has this id.
    pub fn delete_of(&mut self, id: &str) -> Delivery {
        self.request("Delete", "DELETE_IN_PROGRESS", json!({ "PhysicalResourceId": id }))
    }

    /// A request while the stack is at `status`.
    fn request(&mut self, request_type: &str, status: &'static str, more: Value) -> Delivery {
        self.town.stacks().go_on(status, self.town.now());
        self.town.stacks().ask(&self.resource, request_type, self.town.now());
        self.requests += 1;
        let id = format!("{}-request-{}", self.resource, self.requests);
        self.town.await_answer(&self.resource, &id);
        let mut event = json!({
            "RequestType": request_type,
            "RequestId": id,
            "ResponseURL": self.address(&id),
            "ResourceType": "Custom::SparkJob",
            "LogicalResourceId": self.resource,
            "StackId": STACK,
            "ResourceProperties": self.properties,
        });
        let Value::Object(more) = more else { unreachable!("more fields are an object") };
        for (name, value) in more {
            event[name] = value;
        }
        let limit = event["ResourceProperties"]["ServiceTimeout"].as_str().and_then(|seconds| seconds.parse().ok());
        let until = self.town.now() + Duration::from_secs(limit.unwrap_or(3600));
        Delivery { id, event, until, town: self.town.clone() }
    }

    /// Where the answer to the request of this id goes, signed now.
    fn address(&self, id: &str) -> String {
        format!("https://{BUCKET}/{id}?X-Amz-Date={}&X-Amz-Signature=5ec2e7", self.signed())
    }

    /// The present second as signatures have it: `20261121T070000Z`.
    fn signed(&self) -> String {
        let second: String = moment::text(self.town.now()).chars().take("2026-11-21T07:00:00".len()).collect();
        format!("{}Z", second.replace(['-', ':'], ""))
    }
}

fn properties(engine: Engine, file: &str, told: Properties) -> Value {
    let mut properties = json!({
        "UpdateStrategy": told.strategy,
        "WaitFor": told.wait_for,
        "ServiceTimeout": told.service_timeout.to_string(),
        "Parameters": { "File": file, "Environment": { "DB_PASSWORD": PASSWORD } },
    });
    if let Some(seconds) = told.stable_seconds {
        properties["StableSeconds"] = seconds.to_string().into();
    }
    if let Some(deploy_mode) = told.deploy_mode {
        properties["DeployMode"] = deploy_mode.into();
    }
    let Value::Object(target) = engine.target() else { unreachable!("a target is an object") };
    for (name, value) in target {
        properties[name] = value;
    }
    properties
}

/// Delivers a request as Lambda does: again after a minute and after two more, where the invocation fails.
pub async fn deliver(way: &(impl Transport + Clone + 'static), request: &Delivery) -> Answer {
    let answered = async {
        request.town.first_answer(request).await;
        request.town.now()
    };
    let ((), at) = tokio::join!(deliver_unheard(way, request), timeout(INVOCATION * 4, answered));
    let at = at.expect("every request is answered");
    assert!(at <= request.until, "CloudFormation has given up: {:?} late for {request:?}", at.since(request.until));
    read(request)
}

/// The same where it does not matter whether there is an answer.
pub async fn deliver_unheard(way: &(impl Transport + Clone + 'static), request: &Delivery) {
    for pause in [60, 120, 0] {
        if invoke(way, request).await {
            break;
        }
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
}

/// Delivers a request twice at the same time.
pub async fn deliver_twice(way: &(impl Transport + Clone + 'static), request: &Delivery) -> Vec<Answer> {
    let (first, second) = tokio::join!(deliver(way, request), deliver(way, request));
    vec![first, second]
}

async fn invoke(way: &(impl Transport + Clone + 'static), request: &Delivery) -> bool {
    let event = serde_json::from_value(request.event.clone()).expect("an event");
    let now = request.town.now();
    let mut context = Context::default();
    context.deadline = (now + INVOCATION).0;
    let engines = engines(Arc::new(way.clone()));
    let submitter = Submitter { engines, successors: None };
    let served = submitter.serve(LambdaEvent::new(Arrival::Request(event), context), Clock::showing(now));
    timeout(INVOCATION, served).await.expect("an invocation ends before Lambda ends it").is_ok()
}

fn read(request: &Delivery) -> Answer {
    Answer::of(&request.town.answer(request).expect("every request is answered"))
}

impl Answer {
    pub fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        Self { status: text("Status"), reason: text("Reason"), id: text("PhysicalResourceId") }
    }
}
