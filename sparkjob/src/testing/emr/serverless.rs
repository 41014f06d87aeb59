//! EMR Serverless, as it is on the wire:
//! [its reference](https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_Operations.html). It does not publish
//! the words of its refusals.

mod list;
mod start;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};
use url::Url;

use super::runs::Run;
use super::{Answer, Operation, Refusal, Service, World};
use crate::job::Phase;
use crate::testing::aws::{ACCOUNT, REGION};

/// After so many minutes the service cancels a run that says nothing else.
const LONGEST_MINUTES: u64 = 720;

/// The release of every application.
const RELEASE: &str = "emr-7.10.0";

pub(super) fn answer(world: &mut World, request: &Request<Bytes>, body: &Value) -> Answer {
    let url = Url::parse(&request.uri().to_string()).map_err(|error| invalid(error.to_string()))?;
    let decoded = |part: &str| {
        let pair = format!("part={}", part.replace('+', "%2B"));
        url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, part)| part.into_owned()).unwrap_or_default()
    };
    let path: Vec<String> = url.path_segments().into_iter().flatten().map(decoded).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let method = request.method();
    match path.as_slice() {
        ["applications", application, "jobruns"] if method == Method::POST => start::start(world, application, body),
        ["applications", application, "jobruns"] if method == Method::GET => list::list(world, application, &url),
        ["applications", application, "jobruns", id] if method == Method::GET => get(world, application, id),
        ["applications", application, "jobruns", id] if method == Method::DELETE => {
            cancel(world, application, id, &url)
        }
        ["tags", arn] if method == Method::POST => tag(world, arn, body),
        ["tags", arn] if method == Method::DELETE => untag(world, arn, &url),
        _ => panic!("EMR Serverless has no {method} {}", url.path()),
    }
}

fn get(world: &mut World, application: &str, id: &str) -> Answer {
    admit(world, "GetJobRun", run_arn(application, id))?;
    let run = find(world, application, id)?;
    let member = |name: &str| world.runs[run].request.get(name).cloned();
    let mut told = summary(world, &world.runs[run]);
    told["jobRunId"] = json!(id);
    told["tags"] = json!(world.runs[run].tags);
    for name in ["jobDriver", "configurationOverrides", "retryPolicy", "executionIamPolicy"] {
        if let Some(value) = member(name) {
            told[name] = value;
        }
    }
    told["executionTimeoutMinutes"] = member("executionTimeoutMinutes").unwrap_or(json!(LONGEST_MINUTES));
    told.as_object_mut().expect("an object").remove("id");
    Ok(json!({"jobRun": told}))
}

/// A second request while it is being cancelled
/// [is ignored](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/job-cancellation-grace-period.html).
fn cancel(world: &mut World, application: &str, id: &str, url: &Url) -> Answer {
    admit(world, "CancelJobRun", run_arn(application, id))?;
    let run = find(world, application, id)?;
    let grace = value(url, "shutdownGracePeriodInSeconds").map(|seconds| seconds.parse::<u32>());
    if !matches!(grace, None | Some(Ok(0 | 15..=1800))) {
        return Err(invalid("shutdownGracePeriodInSeconds must be 0 or between 15 and 1800"));
    }
    let run = &mut world.runs[run];
    if run.phase().is_over() {
        return Err(invalid("Job run is not in a cancellable state"));
    }
    let is_heard = grace.is_some() || !run.script.deaf;
    if is_heard {
        run.cancel();
    }
    Ok(json!({"applicationId": application, "jobRunId": id}))
}

fn tag(world: &mut World, arn: &str, body: &Value) -> Answer {
    admit(world, "TagResource", arn.to_owned())?;
    let tags = tags(body)?;
    let run = by_arn(world, arn)?;
    world.runs[run].tags.extend(tags);
    Ok(json!({}))
}

fn untag(world: &mut World, arn: &str, url: &Url) -> Answer {
    admit(world, "UntagResource", arn.to_owned())?;
    let run = by_arn(world, arn)?;
    for key in values(url, "tagKeys") {
        world.runs[run].tags.remove(&key);
    }
    Ok(json!({}))
}

/// What a list tells of a run.
fn summary(world: &World, run: &Run) -> Value {
    let state = state(world, run);
    let details = match run.phase() {
        Phase::Failed => format!(
            "Job failed, please check complete logs in configured logging destination. ExitCode: 1. Last few exceptions: {}",
            run.last_words().lines().rev().find(|line| line.contains("Error:")).unwrap_or_default()
        ),
        _ => state.clone(),
    };
    let mut told = json!({
        "applicationId": run.place,
        "id": run.id,
        "arn": run_arn(&run.place, &run.id),
        "createdBy": format!("arn:aws:sts::{ACCOUNT}:assumed-role/spark-job/spark-job"),
        "createdAt": world.clock.seconds(run.at),
        "updatedAt": world.clock.seconds(run.over().unwrap_or(run.at)),
        "executionRole": run.request["executionRoleArn"],
        "state": state,
        "stateDetails": details,
        "releaseLabel": RELEASE,
        "type": "Spark",
        "mode": run.request.get("mode").cloned().unwrap_or(json!("BATCH")),
        "attempt": 1,
    });
    if !run.name.is_empty() {
        told["name"] = json!(run.name);
    }
    told
}

fn state(world: &World, run: &Run) -> String {
    if let Some(shown) = world.shown.get(&run.id) {
        return shown.clone();
    }
    let now = match run.phase() {
        Phase::Waiting => "PENDING",
        Phase::Running => "RUNNING",
        Phase::Ending => "CANCELLING",
        Phase::Succeeded => "SUCCESS",
        Phase::Failed => "FAILED",
        Phase::Cancelled | Phase::Gone => "CANCELLED",
    };
    now.to_owned()
}

/// Where a run is.
fn find(world: &World, application: &str, id: &str) -> Result<usize, Refusal> {
    known(world, application)?;
    let is_it = |run: &Run| run.service == Service::Serverless && run.place == application && run.id == id;
    let seen = |run: &&Run| is_it(run) && run.at.elapsed() >= world.delay;
    match world.runs.iter().find(seen) {
        Some(_) => Ok(world.runs.iter().position(is_it).expect("just seen")),
        None => Err(not_found(format!("Job run {id} does not exist"))),
    }
}

fn by_arn(world: &World, arn: &str) -> Result<usize, Refusal> {
    let is_it = |run: &Run| run.service == Service::Serverless && run_arn(&run.place, &run.id) == arn;
    world.runs.iter().position(is_it).ok_or_else(|| not_found(format!("Resource {arn} does not exist")))
}

fn known(world: &World, application: &str) -> Result<(), Refusal> {
    if world.unknown.contains(application) {
        return Err(not_found(format!("Application {application} does not exist")));
    }
    Ok(())
}

fn admit(world: &mut World, name: &str, resource: String) -> Result<(), Refusal> {
    world.admit(Service::Serverless, operation(name, resource))
}

fn operation(name: &str, resource: String) -> Operation {
    Operation::new(format!("emr-serverless:{name}"), resource)
}

fn application_arn(application: &str) -> String {
    format!("arn:aws:emr-serverless:{REGION}:{ACCOUNT}:/applications/{application}")
}

fn run_arn(application: &str, id: &str) -> String {
    format!("{}/jobruns/{id}", application_arn(application))
}

fn value(url: &Url, name: &str) -> Option<String> {
    values(url, name).into_iter().next()
}

fn values(url: &Url, name: &str) -> Vec<String> {
    url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
}

/// The tags of a submission or of `TagResource`, which may hold no other characters than
/// [these](https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_TagResource.html).
fn tags(body: &Value) -> Result<BTreeMap<String, String>, Refusal> {
    let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || " /_.:=+@-".contains(c));
    let tags: BTreeMap<String, String> = match body.get("tags") {
        None => BTreeMap::new(),
        Some(tags) => serde_json::from_value(tags.clone()).map_err(|error| invalid(error.to_string()))?,
    };
    let is_tag = |(key, value): (&String, &String)| {
        (1..=128).contains(&key.len()) && value.len() <= 256 && is_plain(key) && is_plain(value)
    };
    if tags.len() > 200 || !tags.iter().all(is_tag) {
        return Err(invalid("1 validation error detected: Value at 'tags' failed to satisfy constraint"));
    }
    Ok(tags)
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationException", message)
}

fn not_found(message: impl Into<String>) -> Refusal {
    Refusal::new(404, "ResourceNotFoundException", message)
}
