//! EMR on EKS, as it is on the wire.
//!
//! What is refused, and how, is what the [API](https://docs.aws.amazon.com/emr-on-eks/latest/APIReference/Welcome.html) and the
//! [common errors](https://docs.aws.amazon.com/emr/latest/EMR-on-EKS-DevelopmentGuide/emr-eks-jobs-error.html) publish.

mod submission;

use aws_sdk_emrcontainers::primitives::{DateTime, DateTimeFormat};
use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::runs::Run;
use super::{ACCOUNT, Answer, Operation, REGION, Refusal, Service, World};
use crate::job::{Phase, Timestamp};

/// Job runs in a page of the listing: few, so that tests have many pages.
const PAGE: usize = 5;

/// What it says of every job that fails, whatever that itself has said:
/// [as people met it](https://github.com/stitchfix/flotilla-os/pull/407).
const FAILED: &str =
    "JobRun failed. Please refer logs uploaded to S3/CloudWatch based on your monitoring configuration.";

pub(super) fn answer(world: &mut World, request: &Request<Bytes>, body: &Value) -> Answer {
    let uri = request.uri();
    let path: Vec<String> = uri.path().split('/').skip(1).map(decoded).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let query: Vec<(String, String)> = parsed(uri.query().unwrap_or_default());
    match (request.method(), path.as_slice()) {
        (&Method::POST, ["virtualclusters", cluster, "jobruns"]) => start(world, cluster, body),
        (&Method::GET, ["virtualclusters", cluster, "jobruns"]) => list(world, cluster, &query),
        (&Method::GET, ["virtualclusters", cluster, "jobruns", id]) => describe(world, cluster, id),
        (&Method::DELETE, ["virtualclusters", cluster, "jobruns", id]) => cancel(world, cluster, id),
        (&Method::GET, ["virtualclusters", cluster]) => describe_cluster(world, cluster),
        (&Method::POST, ["tags", arn]) => tag(world, arn, body),
        (&Method::DELETE, ["tags", arn]) => untag(world, arn, &query),
        (method, _) => panic!("the model of EMR on EKS does not know {method} {uri}"),
    }
}

fn start(world: &mut World, cluster: &str, body: &Value) -> Answer {
    admit_submission(world, cluster, body)?;
    if world.unknown.contains(cluster) {
        return Err(unknown(format!("Virtual cluster {cluster} doesn't exist.")));
    }
    if world.terminated.contains(cluster) {
        return Err(invalid("Virtual cluster state TERMINATED is not valid to create resource JobRun."));
    }
    let asked = submission::read(body)?;
    world.vet(&asked.file)?;
    let is_same = |run: &Run| run.service == Service::Containers && run.place == cluster && run.token == asked.token;
    let index = match world.runs.iter().position(is_same) {
        Some(index) => index,
        // Its words for that are published nowhere.
        None if world.queues.get(cluster).is_some_and(|most| waiting(world, cluster) >= *most) => {
            return Err(invalid("There is no room."));
        }
        None => make(world, cluster, asked, body)?,
    };
    let run = &world.runs[index];
    Ok(json!({"id": run.id, "name": run.name, "arn": run_arn(cluster, &run.id), "virtualClusterId": cluster}))
}

/// [What a submission needs a right for](https://docs.aws.amazon.com/service-authorization/latest/reference/list_emr-containers.html#list_emr-containers-operations),
/// but for that to pass the role on: no pod gets its role by EKS Pod Identity here.
fn admit_submission(world: &mut World, cluster: &str, body: &Value) -> Result<(), Refusal> {
    let template = body["jobTemplateId"].as_str();
    let template = template.map(|id| format!("arn:aws:emr-containers:{REGION}:{ACCOUNT}:/jobtemplates/{id}"));
    let submission = operation("StartJobRun", cluster_arn(cluster))
        .with("emr-containers:ExecutionRoleArn", body["executionRoleArn"].as_str())
        .with("emr-containers:JobTemplateArn", template.as_deref());
    world.admit(Service::Containers, submission)?;
    template.map_or(Ok(()), |template| world.permit(Service::Containers, operation("DescribeJobTemplate", template)))
}

fn make(world: &mut World, cluster: &str, asked: submission::Asked, body: &Value) -> Result<usize, Refusal> {
    let id = format!("00000003{:011x}", world.runs.len());
    if !asked.tags.is_empty() {
        world.permit(Service::Containers, operation("TagResource", run_arn(cluster, &id)))?;
    }
    Ok(world.make(Run {
        service: Service::Containers,
        place: cluster.to_owned(),
        id,
        name: asked.name,
        token: asked.token,
        file: asked.file,
        tags: asked.tags,
        request: body.clone(),
        at: Instant::now(),
        script: crate::testing::Script::default(),
        cancelled: None,
        ended: None,
    }))
}

fn list(world: &mut World, cluster: &str, query: &[(String, String)]) -> Answer {
    admit(world, "ListJobRuns", cluster_arn(cluster))?;
    let all = |key: &str| -> Vec<&str> { query.iter().filter(|(k, _)| k == key).map(|(_, v)| v.as_str()).collect() };
    let one = |key: &str| all(key).first().copied();
    let states = all("states");
    let after = one("createdAfter").map(moment).transpose()?;
    let before = one("createdBefore").map(moment).transpose()?;
    let is_wanted = |run: &&Run| {
        one("name").is_none_or(|name| name == run.name)
            && (states.is_empty() || states.contains(&state(world, run).as_str()))
            && after.is_none_or(|after| seconds(world.clock.shows(run.at)) > after)
            && before.is_none_or(|before| seconds(world.clock.shows(run.at)) < before)
    };
    // It publishes no error for a virtual cluster that is not there.
    let runs = if world.unknown.contains(cluster) { Vec::new() } else { world.visible(Service::Containers, cluster) };
    let runs: Vec<&Run> = runs.into_iter().filter(is_wanted).collect();
    let from = match one("nextToken") {
        Some(last) => runs.iter().position(|run| run.id.as_str() < last).unwrap_or(runs.len()),
        None => 0,
    };
    let most = world.page_size(PAGE);
    let size = one("maxResults").and_then(|size| size.parse().ok()).map_or(most, |size: usize| size.min(most));
    let page = &runs[from..runs.len().min(from + size)];
    let mut answer = json!({"jobRuns": page.iter().map(|run| described(world, run)).collect::<Vec<_>>()});
    if let Some(last) = page.last().filter(|_| from + size < runs.len()) {
        answer["nextToken"] = last.id.clone().into();
    }
    Ok(answer)
}

fn describe(world: &mut World, cluster: &str, id: &str) -> Answer {
    admit(world, "DescribeJobRun", run_arn(cluster, id))?;
    if world.unknown.contains(cluster) {
        return Err(unknown(format!("Virtual cluster {cluster} doesn't exist.")));
    }
    let run = find(world, cluster, id).ok_or_else(|| unknown(format!("Job run {id} doesn't exist.")))?;
    Ok(json!({"jobRun": described(world, run)}))
}

fn describe_cluster(world: &mut World, cluster: &str) -> Answer {
    admit(world, "DescribeVirtualCluster", cluster_arn(cluster))?;
    if world.unknown.contains(cluster) {
        return Err(unknown(format!("Virtual cluster {cluster} doesn't exist.")));
    }
    let state = if world.terminated.contains(cluster) { "TERMINATED" } else { "RUNNING" };
    let mut described = json!({"id": cluster, "arn": cluster_arn(cluster), "state": state});
    if let Some(most) = world.queues.get(cluster) {
        described["schedulerConfiguration"] = json!({"maxInQueueJobRuns": most});
        described["schedulerStatus"] = json!({"currentInQueueJobRuns": waiting(world, cluster)});
    }
    Ok(json!({"virtualCluster": described}))
}

/// How many job runs of a virtual cluster are in its queue.
fn waiting(world: &World, cluster: &str) -> usize {
    let runs = world.runs.iter().filter(|run| run.service == Service::Containers && run.place == cluster);
    runs.filter(|run| run.phase() == Phase::Waiting).count()
}

fn cancel(world: &mut World, cluster: &str, id: &str) -> Answer {
    admit(world, "CancelJobRun", run_arn(cluster, id))?;
    // It publishes no other error for one that is not there.
    let run = find(world, cluster, id).ok_or_else(|| invalid(format!("Job run {id} doesn't exist.")))?;
    if run.phase().is_over() {
        return Err(invalid(format!("Job run {id} is not in a cancellable state")));
    }
    if let Some(run) = world.runs.iter_mut().find(|run| run.id == id) {
        run.cancelled = run.cancelled.or(Some(Instant::now()));
    }
    Ok(json!({"id": id, "virtualClusterId": cluster}))
}

fn tag(world: &mut World, arn: &str, body: &Value) -> Answer {
    admit(world, "TagResource", arn.to_owned())?;
    let tags = submission::tags(body)?;
    let run = tagged(world, arn)?;
    run.tags.extend(tags);
    assert!(run.tags.len() <= submission::MOST_TAGS, "a job run has no room for so many tags");
    Ok(json!({}))
}

fn untag(world: &mut World, arn: &str, query: &[(String, String)]) -> Answer {
    admit(world, "UntagResource", arn.to_owned())?;
    let run = tagged(world, arn)?;
    run.tags.retain(|key, _| !query.iter().any(|(name, value)| name == "tagKeys" && value == key));
    Ok(json!({}))
}

fn tagged<'a>(world: &'a mut World, arn: &str) -> Result<&'a mut Run, Refusal> {
    let not_there = || unknown(format!("Resource {arn} doesn't exist."));
    let (is_known, runs) = (|place: &str| !world.unknown.contains(place), &mut world.runs);
    let is_meant = |run: &&mut Run| run_arn(&run.place, &run.id) == arn && is_known(&run.place);
    runs.iter_mut().find(is_meant).ok_or_else(not_there)
}

fn find<'a>(world: &'a World, cluster: &str, id: &str) -> Option<&'a Run> {
    if world.unknown.contains(cluster) {
        return None;
    }
    world.visible(Service::Containers, cluster).into_iter().find(|run| run.id == id)
}

/// A job run, as it is described and listed.
fn described(world: &World, run: &Run) -> Value {
    let state = state(world, run);
    let asked = |member: &str| run.request.get(member).cloned();
    let mut description = json!({
        "id": run.id,
        "name": run.name,
        "virtualClusterId": run.place,
        "arn": run_arn(&run.place, &run.id),
        "state": state,
        "clientToken": run.token,
        "createdAt": written(world.clock.shows(run.at)),
        "createdBy": format!("arn:aws:sts::{ACCOUNT}:assumed-role/spark-job/spark-job"),
        "tags": run.tags,
    });
    let members =
        ["executionRoleArn", "releaseLabel", "jobDriver", "configurationOverrides", "retryPolicyConfiguration"];
    let object: &mut Map<String, Value> = description.as_object_mut().expect("just made");
    object.extend(members.iter().filter_map(|member| Some(((*member).to_owned(), asked(member)?))));
    if let Some(over) = run.over() {
        object.insert("finishedAt".to_owned(), written(world.clock.shows(over)).into());
    }
    if state == "FAILED" {
        object.insert("stateDetails".to_owned(), FAILED.into());
        object.insert("failureReason".to_owned(), "USER_ERROR".into());
    }
    description
}

fn state(world: &World, run: &Run) -> String {
    let state = match run.phase() {
        Phase::Waiting if run.at.elapsed() * 2 < run.script.waits => "PENDING",
        Phase::Waiting => "SUBMITTED",
        Phase::Running => "RUNNING",
        Phase::Ending => "CANCEL_PENDING",
        Phase::Succeeded => "COMPLETED",
        Phase::Failed => "FAILED",
        Phase::Cancelled | Phase::Gone => "CANCELLED",
    };
    world.shown.get(&run.id).cloned().unwrap_or_else(|| state.to_owned())
}

fn admit(world: &mut World, name: &str, resource: String) -> Result<(), Refusal> {
    world.admit(Service::Containers, operation(name, resource))
}

fn operation(name: &str, resource: String) -> Operation {
    Operation::new(format!("emr-containers:{name}"), resource)
}

fn cluster_arn(cluster: &str) -> String {
    format!("arn:aws:emr-containers:{REGION}:{ACCOUNT}:/virtualclusters/{cluster}")
}

fn run_arn(cluster: &str, id: &str) -> String {
    format!("{}/jobruns/{id}", cluster_arn(cluster))
}

fn unknown(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ResourceNotFoundException", message)
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationException", message)
}

/// The service tells times in whole seconds.
fn seconds(moment: Timestamp) -> i64 {
    i64::try_from(moment.0 / 1000).expect("a time of our days")
}

fn written(moment: Timestamp) -> String {
    DateTime::from_secs(seconds(moment)).fmt(DateTimeFormat::DateTime).expect("a time of our days")
}

fn moment(text: &str) -> Result<i64, Refusal> {
    let read = DateTime::from_str(text, DateTimeFormat::DateTime);
    read.map(|moment| moment.secs()).map_err(|error| invalid(format!("{text} is no time: {error}")))
}

fn decoded(segment: &str) -> String {
    let text = parsed(&segment.replace('+', "%2B").replace('=', "%3D").replace('&', "%26"));
    text.into_iter().next().map(|(text, _)| text).unwrap_or_default()
}

fn parsed(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
