//! EMR on EC2, as it is on the wire: clusters, their steps, and the applications on YARN that outlive their steps.
//!
//! A job whose deploy mode is `cluster` is an application: the run tells of that, and the step is only what shows of it.

mod books;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::runs::Run;
use super::{Answer, FakeEmr, Operation, Refusal, Service, World};
use crate::testing::aws::{ACCOUNT, REGION};
use crate::testing::script::Script;
pub(super) use books::Books;
pub use books::EmrCluster;
use books::{Asked, Chore, Command};
use wire::{Shown, cluster, summary};

/// Steps on a page: fewer than the service's 50, so that there are pages.
const PAGE: usize = 5;
/// Steps that may be active at the same time.
const MOST_ACTIVE: usize = 256;

impl FakeEmr {
    /// Changes what a cluster is and says of itself.
    pub fn cluster(&self, id: &str, change: impl FnOnce(&mut EmrCluster)) {
        change(self.world().steps.clusters.entry(id.to_owned()).or_default());
    }

    /// Has every `spark-submit` of the entry point `file` that waits for an application die so long after it was begun, of
    /// lack of memory: its step fails, and the application lives on.
    pub fn lose_client(&self, file: &str, after: Duration) {
        self.world().steps.lost.insert(file.to_owned(), after);
    }

    /// Cancels a step, as somebody does in the console.
    pub fn cancel_step(&self, id: &str) {
        self.world().cancel_step(id, true);
    }

    /// Has the next steps that kill applications fail, this many.
    pub fn fail_killing(&self, times: u32) {
        self.world().steps.failing = times;
    }

    /// Name and state of each step of a cluster, in the order in which they were made: those that kill, too.
    pub fn steps(&self, cluster: &str) -> Vec<(String, String)> {
        let mut world = self.world();
        world.go_on();
        let mut steps: Vec<(String, String)> =
            world.shown(cluster, true).into_iter().map(|step| (step.name, step.word)).collect();
        steps.reverse();
        steps
    }
}

pub(super) fn answer(world: &mut World, request: &Request<Bytes>, body: &Value) -> Answer {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix("ElasticMapReduce.").unwrap_or_default();
    let id_field = if operation == "AddJobFlowSteps" { "JobFlowId" } else { "ClusterId" };
    let id = body[id_field].as_str().unwrap_or_default();
    let resource = format!("arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:cluster/{id}");
    let call = Operation::new(format!("elasticmapreduce:{operation}"), resource);
    let call = call.with("elasticmapreduce:ExecutionRoleArn", body["ExecutionRoleArn"].as_str());
    world.admit(Service::Emr, call)?;
    world.go_on();
    if world.unknown.contains(id) {
        return Err(if operation == "AddJobFlowSteps" {
            refused("ValidationException", "Specified job flow ID does not exist.")
        } else {
            refused("InvalidRequestException", format!("Cluster id '{id}' is not valid."))
        });
    }
    match operation {
        "AddJobFlowSteps" => world.add_steps(id, body),
        "ListSteps" => world.list_steps(id, body),
        "DescribeStep" => world.describe_step(id, body["StepId"].as_str().unwrap_or_default()),
        "CancelSteps" => world.cancel_steps(id, body),
        "DescribeCluster" => Ok(json!({"Cluster": cluster(id, &world.face(id))})),
        _ => Err(refused("UnknownOperationException", target)),
    }
}

fn refused(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(400, code, message)
}

impl World {
    /// What a cluster says of itself now.
    fn face(&self, id: &str) -> EmrCluster {
        let mut face = self.steps.clusters.get(id).cloned().unwrap_or_default();
        if self.terminated.contains(id) {
            "TERMINATED".clone_into(&mut face.state);
            "Terminated by user request".clone_into(&mut face.reason);
        }
        face
    }

    fn add_steps(&mut self, id: &str, body: &Value) -> Answer {
        let face = self.face(id);
        if face.state.starts_with("TERMINAT") {
            let said = "A job flow that is shutting down, terminated, or finished may not be modified.";
            return Err(refused("ValidationException", said));
        }
        let role = body["ExecutionRoleArn"].as_str();
        match (face.takes_roles, role) {
            (false, Some(_)) => {
                let said = "Runtime roles are not supported on this cluster. Please remove the ExecutionRoleArn.";
                return Err(refused("ValidationException", said));
            }
            (true, None) => {
                let said = "Runtime roles are required for this cluster. Please specify the role using the \
                            ExecutionRoleArn parameter.";
                return Err(refused("ValidationException", said));
            }
            _ => {}
        }
        let steps = body["Steps"].as_array().cloned().unwrap_or_default();
        let active = self.shown(id, true).iter().filter(|step| step.over.is_none()).count();
        if active + steps.len() > MOST_ACTIVE {
            let said = "Maximum number of active steps(State = 'Running', 'Pending' or 'Cancel_Pending') for cluster \
                        exceeded.";
            return Err(refused("ValidationException", said));
        }
        for step in &steps {
            wire::check(step)?;
            if let Command::Submit { file, .. } = Command::of(step) {
                self.vet(&file)?;
            }
        }
        let ids: Vec<String> = steps.iter().map(|step| self.add_step(id, step, role)).collect();
        Ok(json!({"StepIds": ids}))
    }

    fn add_step(&mut self, place: &str, step: &Value, role: Option<&str>) -> String {
        let id = self.steps.next_id();
        let (place, name) = (place.to_owned(), step["Name"].as_str().unwrap_or_default().to_owned());
        let mut request = step.clone();
        request["ExecutionRoleArn"] = role.into();
        let at = Instant::now();
        match Command::of(step) {
            Command::Kill(tag) => {
                let fails = self.steps.failing > 0;
                self.steps.failing = self.steps.failing.saturating_sub(1);
                let chore = Chore { place, id: id.clone(), name, at, request, tag, fails, started: None, done: None };
                self.steps.chores.push(chore);
            }
            Command::Submit { file, .. } => {
                let tags = std::collections::BTreeMap::new();
                let (token, script) = (String::new(), Script::default());
                let service = Service::Emr;
                let (cancelled, ended) = (None, None);
                let id = id.clone();
                let run = Run { service, place, id, name, token, file, tags, request, at, script, cancelled, ended };
                self.make(run);
            }
        }
        id
    }

    fn list_steps(&self, id: &str, body: &Value) -> Answer {
        let texts = |field: &str| -> Vec<&str> {
            body[field].as_array().map(|texts| texts.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
        };
        let (ids, states) = (texts("StepIds"), texts("StepStates"));
        let steps = self.shown(id, false);
        if !ids.is_empty() && !states.is_empty() {
            return Err(refused("InvalidRequestException", "Cannot specify both StepIds and StepStates."));
        }
        if ids.len() > 10 {
            return Err(refused("InvalidRequestException", "The number of StepIds may not exceed 10."));
        }
        if let Some(unknown) = ids.iter().find(|id| steps.iter().all(|step| step.id != **id)) {
            return Err(refused("InvalidRequestException", format!("Step id '{unknown}' is not valid.")));
        }
        let wanted = |step: &&Shown| {
            (ids.is_empty() || ids.contains(&step.id.as_str()))
                && (states.is_empty() || states.contains(&step.word.as_str()))
        };
        let steps: Vec<&Shown> = steps.iter().filter(wanted).collect();
        let from = body["Marker"].as_str().and_then(|marker| marker.parse().ok()).unwrap_or(0);
        let size = self.page_size(PAGE);
        let page: Vec<Value> = steps.iter().skip(from).take(size).map(|step| summary(step)).collect();
        let mut answer = json!({"Steps": page});
        if from + size < steps.len() {
            answer["Marker"] = (from + size).to_string().into();
        }
        Ok(answer)
    }

    fn describe_step(&self, id: &str, step: &str) -> Answer {
        let steps = self.shown(id, false);
        let Some(step) = steps.iter().find(|known| known.id == step) else {
            return Err(refused("InvalidRequestException", format!("Step id '{step}' is not valid.")));
        };
        let mut answer = summary(step);
        answer["ExecutionRoleArn"] = step.request["ExecutionRoleArn"].clone();
        Ok(json!({"Step": answer}))
    }

    fn cancel_steps(&mut self, id: &str, body: &Value) -> Answer {
        let kill = body["StepCancellationOption"] == "TERMINATE_PROCESS";
        let ids: Vec<String> = serde_json::from_value(body["StepIds"].clone()).unwrap_or_default();
        let pending_only = !self.face(id).cancels_running;
        let mut answers = Vec::new();
        for step in ids {
            let word = self.shown(id, true).into_iter().find(|known| known.id == step).map(|known| known.word);
            let reason = match word.as_deref() {
                None => return Err(refused("InvalidRequestException", format!("Step id '{step}' is not valid."))),
                Some("RUNNING") if pending_only => "Only pending steps can be cancelled on this release",
                Some("PENDING" | "RUNNING" | "CANCEL_PENDING") => {
                    self.cancel_step(&step, kill);
                    answers.push(json!({"StepId": step, "Status": "SUBMITTED"}));
                    continue;
                }
                Some(_) => "The step is not in a state in which it can be cancelled",
            };
            answers.push(json!({"StepId": step, "Status": "FAILED", "Reason": reason}));
        }
        Ok(json!({"CancelStepsInfoList": answers}))
    }

    fn cancel_step(&mut self, id: &str, kill: bool) {
        let now = Instant::now();
        let Some(run) = self.runs.iter_mut().find(|run| run.id == id) else { return };
        let outlives = Command::of(&run.request).runs_in_cluster();
        let is_deaf = run.script.deaf && !kill;
        let asked = self.steps.asked.entry(id.to_owned()).or_insert(Asked { at: now, over: None });
        if asked.over.is_some() || is_deaf {
            return;
        }
        let has_begun = now >= run.at + run.script.waits;
        asked.over = Some(if has_begun { now + run.script.stops } else { now });
        // The application, once it is there, does not notice.
        if !outlives || !has_begun {
            run.cancelled = Some(now);
        }
    }
}
