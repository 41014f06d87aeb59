//! What the service takes for a submission.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Refusal, invalid, unknown};
use crate::spark_submit::quote;

/// The most tags of a job run.
pub const MOST_TAGS: usize = 50;

const MEMBERS: [&str; 10] = [
    "name",
    "clientToken",
    "executionRoleArn",
    "releaseLabel",
    "jobDriver",
    "configurationOverrides",
    "tags",
    "jobTemplateId",
    "jobTemplateParameters",
    "retryPolicyConfiguration",
];

/// What a submission asks for.
pub struct Asked {
    pub name: String,
    pub token: String,
    /// The entry point, or the id of the job template that says it.
    pub file: String,
    pub tags: BTreeMap<String, String>,
}

/// Reads the body of `StartJobRun`.
///
/// # Panics
/// It has a member that the API has not, which the service would ignore.
pub fn read(body: &Value) -> Result<Asked, Refusal> {
    let foreign = body.as_object().and_then(|body| body.keys().find(|key| !MEMBERS.contains(&key.as_str())));
    assert_eq!(foreign, None, "StartJobRun has no such member");
    let text = |member: &str| body.get(member).and_then(Value::as_str);
    let token = text("clientToken").ok_or_else(|| constraint("clientToken", "Member must not be null"))?;
    if !(1..=64).contains(&token.len()) {
        return Err(constraint("clientToken", "Member must have length less than or equal to 64"));
    }
    let name = text("name").unwrap_or_default();
    if name.len() > 64 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/#".contains(&b)) {
        return Err(constraint("name", "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"));
    }
    let file = match text("jobTemplateId") {
        Some(template) => template.to_owned(),
        None => whole(body)?,
    };
    let (name, token) = (name.to_owned(), token.to_owned());
    Ok(Asked { name, token, file, tags: tags(body)? })
}

/// The entry point of a submission that leaves nothing to a job template.
fn whole(body: &Value) -> Result<String, Refusal> {
    if body.get("executionRoleArn").is_none() {
        let message = "User: arn:aws:sts::123456789012:assumed-role/spark-job/spark-job is not authorized to perform: \
                       emr-containers:StartJobRun";
        return Err(Refusal::new(403, "AccessDeniedException", message));
    }
    let release = body.get("releaseLabel").and_then(Value::as_str).unwrap_or_default();
    if !release.starts_with("emr-") {
        return Err(unknown(format!("Release {release} doesn't exist.")));
    }
    if let Some(uri) = body.pointer("/configurationOverrides/monitoringConfiguration/s3MonitoringConfiguration/logUri")
        && !uri.as_str().is_some_and(|uri| uri.starts_with("s3://"))
    {
        let member = "configurationOverrides.monitoringConfiguration.s3MonitoringConfiguration.logUri";
        return Err(constraint(member, "logUri should be in the format of s3://..."));
    }
    match (body.pointer("/jobDriver/sparkSubmitJobDriver"), body.pointer("/jobDriver/sparkSqlJobDriver")) {
        (Some(driver), None) => spark_submit(driver),
        (None, Some(driver)) => entry_point(driver),
        _ => Err(constraint("jobDriver", "Exactly one job driver is required")),
    }
}

fn spark_submit(driver: &Value) -> Result<String, Refusal> {
    if let Some(parameters) = driver.get("sparkSubmitParameters") {
        let parameters = parameters.as_str().filter(|text| (1..=102_400).contains(&text.chars().count()));
        let parameters =
            parameters.ok_or_else(|| constraint("sparkSubmitParameters", "Member has the wrong length"))?;
        if let Err(error) = quote::split(parameters) {
            return Err(constraint("sparkSubmitParameters", error));
        }
    }
    let arguments = driver.get("entryPointArguments").map(|list| list.as_array().map(Vec::as_slice));
    let is_argument = |argument: &Value| argument.as_str().is_some_and(|text| (1..=10_280).contains(&text.len()));
    if arguments.is_some_and(|list| !list.is_some_and(|list| list.iter().all(is_argument))) {
        return Err(constraint("entryPointArguments", "Member must be a list of texts of 1 to 10280 characters"));
    }
    entry_point(driver)
}

fn entry_point(driver: &Value) -> Result<String, Refusal> {
    let file = driver.get("entryPoint").and_then(Value::as_str).filter(|file| (1..=256).contains(&file.len()));
    let wrong = || constraint("entryPoint", "Member must have length less than or equal to 256");
    file.map(str::to_owned).ok_or_else(wrong)
}

/// The tags of a submission or of `TagResource`.
pub fn tags(body: &Value) -> Result<BTreeMap<String, String>, Refusal> {
    let Some(tags) = body.get("tags") else { return Ok(BTreeMap::new()) };
    let tags: Option<BTreeMap<String, String>> = serde_json::from_value(tags.clone()).ok();
    let is_tag = |(key, value): (&String, &String)| (1..=128).contains(&key.len()) && value.len() <= 256;
    let tags = tags.filter(|tags| tags.len() <= MOST_TAGS && tags.iter().all(is_tag));
    tags.ok_or_else(|| constraint("tags", "Member must have at most 50 entries of 1 to 128 and 0 to 256 characters"))
}

fn constraint(member: &str, rule: &str) -> Refusal {
    invalid(format!("1 validation error detected: Value at '{member}' failed to satisfy constraint: {rule}"))
}
