//! `CloudFormation` and Lambda, as far as one resource sees them.

use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use tokio::time::Instant;

use handler::answer;
use sparkjob::drive::Clock;
use sparkjob::http::Transport;
use sparkjob::job::Timestamp;
use sparkjob::testing::engines;

use crate::town::{BUCKET, Engine, Town};

/// 2026-11-21T07:00:00Z, which the clock shows when a request is made; so every request is signed then.
const NOW: Timestamp = Timestamp(1_795_244_400_000);

/// What one invocation may take.
const INVOCATION: Duration = Duration::from_mins(15);

/// A request on its way, to be delivered at least once.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: String,
    event: Value,
    town: Town,
    made: Instant,
}

/// What a template says besides the file.
#[derive(Clone, Copy, Debug)]
pub struct Properties {
    pub strategy: &'static str,
    pub wait_for: &'static str,
    pub service_timeout: u32,
    /// Where the driver of a step runs; none where nothing is said.
    pub deploy_mode: Option<&'static str>,
}

impl Default for Properties {
    fn default() -> Self {
        Self { strategy: "StopThenStart", wait_for: "Running", service_timeout: 3600, deploy_mode: None }
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
    id: Option<String>,
    /// What the clean-up is to delete.
    replaced: Vec<String>,
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
            id: None,
            replaced: Vec::new(),
        }
    }

    pub fn create(&mut self, file: &str, told: Properties) -> Delivery {
        self.properties = properties(self.town.engine(), file, told);
        self.request("Create", json!({}))
    }

    /// A create with these properties and no others.
    pub fn create_with(&mut self, properties: Value) -> Delivery {
        self.properties = properties;
        self.request("Create", json!({}))
    }

    pub fn update(&mut self, file: &str, told: Properties) -> Delivery {
        let engine = self.town.engine();
        self.update_on(engine, file, told)
    }

    /// An update that moves the job to that engine.
    pub fn update_on(&mut self, engine: Engine, file: &str, told: Properties) -> Delivery {
        let old = std::mem::replace(&mut self.properties, properties(engine, file, told));
        let id = self.id.clone();
        self.request("Update", json!({ "OldResourceProperties": old, "PhysicalResourceId": id }))
    }

    /// An update of nothing but the tags, where the engine has tags.
    pub fn retag(&mut self) -> Delivery {
        let old = self.properties.clone();
        if matches!(self.town.engine(), Engine::EmrOnEks | Engine::EmrServerless) {
            let tag = if old["Tags"]["Team"].is_null() { "Team" } else { "Stage" };
            self.properties["Tags"] = json!({ tag: "data" });
        }
        let id = self.id.clone();
        self.request("Update", json!({ "OldResourceProperties": old, "PhysicalResourceId": id }))
    }

    /// An update to the present properties with these changed or added.
    pub fn change(&mut self, changes: Value) -> Delivery {
        let old = self.properties.clone();
        let Value::Object(changes) = changes else { unreachable!("changes are an object") };
        for (name, value) in changes {
            self.properties[name] = value;
        }
        let id = self.id.clone();
        self.request("Update", json!({ "OldResourceProperties": old, "PhysicalResourceId": id }))
    }

    pub fn delete(&mut self) -> Delivery {
        let id = self.id.clone();
        self.request("Delete", json!({ "PhysicalResourceId": id }))
    }

    /// Takes note of an answer: another id is a replacement.
    pub fn answered(&mut self, answer: &Answer) {
        let before = self.id.replace(answer.id.clone());
        self.replaced.extend(before.filter(|before| *before != answer.id));
    }

    /// Cleans up what was replaced, then deletes the resource.
    pub async fn finish(mut self, town: &Town) {
        for id in std::mem::take(&mut self.replaced) {
            let request = self.request("Delete", json!({ "PhysicalResourceId": id }));
            assert_eq!(deliver(town, &request).await.status, "SUCCESS");
        }
        assert_eq!(deliver(town, &self.delete()).await.status, "SUCCESS");
    }

    fn request(&mut self, request_type: &str, more: Value) -> Delivery {
        self.requests += 1;
        let id = format!("{}-request-{}", self.resource, self.requests);
        let mut event = json!({
            "RequestType": request_type,
            "RequestId": id,
            "ResponseURL": format!("https://{BUCKET}/{id}?X-Amz-Date=20261121T070000Z&X-Amz-Signature=5ec2e7"),
            "ResourceType": "Custom::SparkJob",
            "LogicalResourceId": self.resource,
            "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/demo/0a1b2c3d",
            "ResourceProperties": self.properties,
        });
        let Value::Object(more) = more else { unreachable!("more fields are an object") };
        for (name, value) in more {
            event[name] = value;
        }
        Delivery { id, event, town: self.town.clone(), made: Instant::now() }
    }
}

fn properties(engine: Engine, file: &str, told: Properties) -> Value {
    let mut properties = json!({
        "UpdateStrategy": told.strategy,
        "WaitFor": told.wait_for,
        "ServiceTimeout": told.service_timeout.to_string(),
        "Parameters": { "File": file },
    });
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
    for pause in [60, 120, 0] {
        if invoke(way, request).await {
            break;
        }
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
    read(request)
}

/// Delivers a request twice at the same time.
pub async fn deliver_twice(way: &(impl Transport + Clone + 'static), request: &Delivery) -> Vec<Answer> {
    let (first, second) = tokio::join!(deliver(way, request), deliver(way, request));
    vec![first, second]
}

async fn invoke(way: &(impl Transport + Clone + 'static), request: &Delivery) -> bool {
    let event = serde_json::from_value(request.event.clone()).expect("an event");
    let now = NOW + request.made.elapsed();
    let mut context = Context::default();
    context.deadline = (now + INVOCATION).0;
    let engines = engines(Arc::new(way.clone()));
    answer(LambdaEvent::new(event, context), &engines, Clock::showing(now)).await.is_ok()
}

fn read(request: &Delivery) -> Answer {
    let answer = request.town.answer(request).expect("every request is answered");
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    Answer { status: text("Status"), reason: text("Reason"), id: text("PhysicalResourceId") }
}
