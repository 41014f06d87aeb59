//! Submissions to EMR Serverless.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{LONGEST_MINUTES, admit, application_arn, invalid, known, operation, run_arn, tags};
use crate::spark_submit::quote;
use crate::testing::emr::runs::Run;
use crate::testing::emr::{Answer, Operation, Refusal, Service, World};
use crate::testing::script::Script;

/// The members of the request; whatever else there is is refused, as a typing error would be lost otherwise.
const MEMBERS: [&str; 10] = [
    "clientToken",
    "configurationOverrides",
    "executionIamPolicy",
    "executionRoleArn",
    "executionTimeoutMinutes",
    "jobDriver",
    "mode",
    "name",
    "retryPolicy",
    "tags",
];

pub(super) fn start(world: &mut World, application: &str, body: &Value) -> Answer {
    admit(world, "StartJobRun", application_arn(application))?;
    let token = token(body)?;
    let is_the_same = |run: &&Run| run.service == Service::Serverless && run.place == application && run.token == token;
    if let Some(run) = world.runs.iter().find(is_the_same) {
        return Ok(made(application, &run.id));
    }
    takes_jobs(world, application)?;
    let file = entry_point(body)?;
    world.vet(&file)?;
    admit_role(world, body)?;
    let id = format!("00f{:013x}", world.runs.len() + 1);
    let tags = tags(body)?;
    if !tags.is_empty() {
        world.permit(Service::Serverless, operation("TagResource", run_arn(application, &id)))?;
    }
    world.make(Run {
        service: Service::Serverless,
        place: application.to_owned(),
        id: id.clone(),
        name: body["name"].as_str().unwrap_or_default().to_owned(),
        token,
        file,
        tags,
        request: body.clone(),
        at: Instant::now(),
        script: Script::default(),
        cancelled: timeout(body).map(|timeout| Instant::now() + timeout),
        ended: None,
    });
    Ok(made(application, &id))
}

/// After how long the service cancels the run by itself: after twelve hours, unless something else is said, and never after 0.
fn timeout(body: &Value) -> Option<Duration> {
    let minutes = body["executionTimeoutMinutes"].as_u64().unwrap_or(LONGEST_MINUTES);
    (minutes > 0).then(|| Duration::from_mins(minutes))
}

fn made(application: &str, id: &str) -> Value {
    json!({"applicationId": application, "jobRunId": id, "arn": run_arn(application, id)})
}

fn takes_jobs(world: &World, application: &str) -> Result<(), Refusal> {
    known(world, application)?;
    for (set, state) in [(&world.terminated, "TERMINATED"), (&world.stopped, "STOPPED")] {
        if set.contains(application) {
            let message = format!(
                "Application {application} must be in one of the following statuses [STARTED]. Current status: {state}"
            );
            return Err(invalid(message));
        }
    }
    Ok(())
}

/// Whoever submits passes the role on.
fn admit_role(world: &mut World, body: &Value) -> Result<(), Refusal> {
    let role = body["executionRoleArn"].as_str().unwrap_or_default();
    if !role.starts_with("arn:aws:iam::") {
        return Err(constraint("executionRoleArn"));
    }
    let passing = Operation::new("iam:PassRole".to_owned(), role.to_owned());
    world.permit(Service::Serverless, passing.with("iam:PassedToService", "emr-serverless.amazonaws.com"))
}

fn token(body: &Value) -> Result<String, Refusal> {
    let members = body.as_object().ok_or_else(|| Refusal::new(400, "SerializationException", ""))?;
    if let Some(unknown) = members.keys().find(|member| !MEMBERS.contains(&member.as_str())) {
        return Err(invalid(format!("{unknown} is no member of StartJobRunRequest")));
    }
    let is_token = |token: &&str| {
        (1..=64).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    body["clientToken"].as_str().filter(is_token).map(str::to_owned).ok_or_else(|| constraint("clientToken"))
}

/// The file of the job, whose parameters can be split.
fn entry_point(body: &Value) -> Result<String, Refusal> {
    if let Some(query) = body.pointer("/jobDriver/hive/query").and_then(Value::as_str) {
        return Ok(query.to_owned());
    }
    let submit = &body["jobDriver"]["sparkSubmit"];
    let file = submit["entryPoint"].as_str().filter(|file| (1..=4096).contains(&file.len()));
    let file = file.ok_or_else(|| constraint("jobDriver.sparkSubmit.entryPoint"))?;
    let parameters = &submit["sparkSubmitParameters"];
    if !parameters.is_null() {
        let text = parameters.as_str().filter(|text| (1..=102_400).contains(&text.len()) && !text.contains('\n'));
        let text = text.ok_or_else(|| constraint("jobDriver.sparkSubmit.sparkSubmitParameters"))?;
        quote::split(text).map_err(|why| invalid(format!("sparkSubmitParameters cannot be read: {why}")))?;
    }
    if body["executionTimeoutMinutes"] == json!(0) && body["mode"] != "STREAMING" {
        return Err(invalid("executionTimeoutMinutes must be at least 1 for a job run of mode BATCH"));
    }
    Ok(file.to_owned())
}

fn constraint(member: &str) -> Refusal {
    invalid(format!("1 validation error detected: Value at '{member}' failed to satisfy constraint"))
}
