//! Events and envelopes for the tests.

use proptest::prelude::*;
use serde_json::{Value, json};

use sparkjob::engine::{Links, Report};
use sparkjob::job::{Phase, Status};
use sparkjob::outcome::{Failure, FailureKind, Made, Outcome};

use crate::envelope::Envelope;
use crate::event::Event;

/// What no log, error or debug print may hold.
pub const SIGNATURE: &str = "5ec2e75ec2e7";

/// A request as `CloudFormation` sends it, with the fields of `changes` in place of its own; null leaves one out.
pub fn event(request_type: &str, changes: Value) -> Event {
    let mut event = json!({
        "RequestType": request_type,
        "RequestId": "0d3e1f2a-5b6c-4d7e-8f90-a1b2c3d4e5f6",
        "ResponseURL": format!("https://cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com/\
            arn%3Aaws?X-Amz-Date=20261121T070000Z&X-Amz-Signature={SIGNATURE}"),
        "ResourceType": "Custom::SparkJob",
        "LogicalResourceId": "Pi",
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/demo/0a1b2c3d",
        "ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:submitter",
        "ResourceProperties": properties(),
    });
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        event[name] = value;
    }
    serde_json::from_value(event).expect("JSON")
}

/// Properties without a fault.
pub fn properties() -> Value {
    json!({
        "ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:submitter",
        "LivyHost": "emr",
        "Parameters": { "File": "s3://bucket/pi.py", "Args": ["10"] },
    })
}

/// The same with other arguments: another job.
pub fn other_properties() -> Value {
    let mut other = properties();
    other["Parameters"]["Args"] = json!(["20"]);
    other
}

/// The envelope of an event that has one.
pub fn envelope(event: &Event) -> Envelope {
    Envelope::read(event).expect("an envelope")
}

/// How a job ends that fails, with all that there is to tell of it.
pub fn dead_job() -> Outcome {
    let log = |lines: [&str; 2]| lines.map(str::to_owned).to_vec();
    let failure = Failure {
        kind: FailureKind::Failed,
        what: "Pi failed on Livy at http://emr:8998: batch 3 is dead.".to_owned(),
        advice: "Fix the job and deploy again.".to_owned(),
    };
    let run = "livy+http://emr:8998/batches/3#Pi-0123456789abcdef-01234567-89abcdef".parse().expect("a run");
    let (word, application) = ("dead".to_owned(), Some("application_1_2".to_owned()));
    let status = Status { phase: Phase::Failed, word, application, ..Status::gone() };
    let links = Links { spark_ui: "http://emr:8088/proxy/application_1_2/".to_owned(), ..Links::default() };
    Outcome {
        failure: Some(failure),
        made: Made::Job(run),
        status: Some(status),
        report: Report {
            exception: log(["ValueError: no such column \"fare\"", "at pi.py, line 3"]),
            tail: log(["reading", "closing"]),
            full_log: "http://emr:8998/batches/3/log".to_owned(),
            links,
        },
        notes: Vec::new(),
    }
}

/// Any JSON, with the names and words that events use among others.
pub fn json() -> impl Strategy<Value = Value> {
    let words =
        "(LivyHost|LivyUrl|Parameters|File|Rerun|RunOn|StableSeconds|ServiceTimeout|emr|s3://b/pi.py|[0-9]{1,4})";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        words.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        let name = prop_oneof![any::<String>(), words];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(name, inner, 0..6).prop_map(|fields| json!(fields)),
        ]
    })
}
