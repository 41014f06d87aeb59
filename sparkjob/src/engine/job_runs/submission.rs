//! What both services are sent to run a job.

use serde_json::{Map, Value, json};

use crate::job::{Identity, Job, Parameters};
use crate::spark_submit::quote::{Splitter, join};
use crate::spark_submit::{Invocation, Way};

/// The members of the body of `StartJobRun` that both services have: what is said in the API's own words as it is, and the
/// rest in them. It may hold secrets.
///
/// `driver` is what a service makes of the portable block; what neither that nor the native properties say is left to the
/// service, or to a job template.
pub fn body(job: &Job, identity: &Identity, driver: impl Fn(&Parameters, &str) -> Value) -> Map<String, Value> {
    let name = identity.name();
    // What people call the job is a part of its name.
    let native = job.native.0.iter().filter(|(property, _)| *property != "Name");
    let mut body: Map<String, Value> = native.map(|(property, value)| (member(property), value.clone())).collect();
    if let Some(parameters) = &job.parameters {
        body.insert("jobDriver".to_owned(), driver(parameters, &name));
    }
    if !job.tags.is_empty() {
        body.insert("tags".to_owned(), json!(job.tags));
    }
    body.insert("clientToken".to_owned(), identity.token.to_string().into());
    body.insert("name".to_owned(), name.into());
    body
}

/// The portable block as both services' call of `spark-submit`.
pub fn spark_submit(parameters: &Parameters, name: &str, way: Way, splitter: Splitter) -> Value {
    let call = Invocation::of(parameters, name, way);
    let mut driver = json!({
        "entryPoint": call.entry_point,
        "sparkSubmitParameters": join(&call.parameters, splitter),
    });
    if !call.arguments.is_empty() {
        driver["entryPointArguments"] = call.arguments.into();
    }
    driver
}

/// A property's name in both APIs: `ReleaseLabel` is `releaseLabel`.
fn member(property: &str) -> String {
    let mut chars = property.chars();
    chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect()
}
