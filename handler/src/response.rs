//! The answer to a request: pure, one value, at most 4096 bytes.

use serde::Serialize;

use sparkjob::job::RunRef;
use sparkjob::outcome::{Made, Outcome};

use crate::envelope::{Action, Envelope};
use crate::physical_id::PhysicalId;
use crate::plan;
use crate::reason::{Reason, clean};
use crate::room::{cost, cut};

/// The longest body that `CloudFormation` takes, in bytes:
/// [response objects](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html).
pub const MAX_BYTES: usize = 4096;

/// The longest `PhysicalResourceId` of ours, in bytes, and the shortest reason that is worth sending.
const LONGEST_ID: usize = 1024;
const SHORTEST_REASON: usize = 200;

/// An answer, as `CloudFormation`
/// [reads it](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Response {
    /// How it ended.
    pub status: Status,
    /// Why it failed, or what else there is to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The resource from now on; another than before is a replacement.
    pub physical_resource_id: String,
    /// As it came.
    pub stack_id: String,
    /// As it came.
    pub request_id: String,
    /// As it came.
    pub logical_resource_id: String,
    /// What `Fn::GetAtt` gives.
    pub data: Attributes,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// As it was asked for.
    Success,
    /// Not so: `CloudFormation` rolls back.
    Failed,
}

/// What `Fn::GetAtt` gives. Every key is always there, empty where nothing is known: one that a template asks for and
/// that is missing fails the stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attributes {
    /// The engine: `livy`, `emr-on-eks`, `emr-serverless` or `emr-steps`.
    pub engine: String,
    /// The engine's id of the job.
    pub job_id: String,
    /// The job's ARN, where AWS has one.
    pub arn: String,
    /// Livy's batch id.
    pub batch_id: String,
    /// The Spark application's id.
    pub application_id: String,
    /// The engine's own word for where the job stands.
    pub state: String,
    /// The name under which the engine knows the job.
    pub name: String,
    /// The Spark UI.
    pub spark_ui_url: String,
    /// The driver's log.
    pub driver_log_url: String,
    /// The folder that holds the logs.
    pub log_uri: String,
    /// The page of the engine's own console.
    pub console_url: String,
}

/// The answer to `envelope` that tells `outcome`.
pub fn compose(envelope: &Envelope, outcome: &Outcome) -> Response {
    let reason = Reason::of(outcome);
    let attributes = attributes(outcome);
    let status = if outcome.failure.is_some() { Status::Failed } else { Status::Success };
    let mut response = skeleton(envelope, status, &physical_id(envelope, outcome).to_string());
    response.reason = reason.as_ref().map(|_| String::new());
    let room = MAX_BYTES.saturating_sub(response.text().len());
    // A failure is read by people, who need the reason; a success by templates, which need the attributes.
    let reserved = if status == Status::Failed { room } else { room / 3 };
    let reserved = reason.as_ref().map_or(0, |reason| reason.cost().min(reserved));
    let taken = fill(&mut response.data, attributes, room - reserved);
    response.reason = reason.map(|reason| reason.within(room - taken));
    response
}

impl Response {
    /// What is put.
    ///
    /// # Panics
    /// Never: plain text always serialises.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("plain text always serialises")
    }
}

/// Whether every answer to `envelope` fits, whatever comes of it; it sends the ids back as they came.
pub fn can_answer(envelope: &Envelope) -> bool {
    let response = Response {
        reason: Some("x".repeat(SHORTEST_REASON)),
        ..skeleton(envelope, Status::Success, &"x".repeat(LONGEST_ID))
    };
    let present = envelope.physical_id.as_ref().map_or(0, |id| cost(&id.to_string()));
    response.text().len() + present.saturating_sub(LONGEST_ID) <= MAX_BYTES
}

/// On Update and Delete never another id than the event's, unless a new job answers: any other is taken for a
/// replacement.
fn physical_id(envelope: &Envelope, outcome: &Outcome) -> PhysicalId {
    let made = || match &outcome.made {
        Made::Job(run) => PhysicalId::Run(run.clone()),
        Made::Unknown => PhysicalId::Unknown(plan::token(envelope), plan::dated_token(envelope)),
        Made::Nothing => PhysicalId::Nothing,
    };
    let present = || envelope.physical_id.clone().unwrap_or(PhysicalId::Nothing);
    match &envelope.action {
        Action::Create => made(),
        // One that succeeds without a job has taken an update back to one that is forgotten.
        Action::Update if outcome.failure.is_none() => made(),
        _ => present(),
    }
}

fn skeleton(envelope: &Envelope, status: Status, physical_id: &str) -> Response {
    Response {
        status,
        reason: None,
        physical_resource_id: physical_id.to_owned(),
        stack_id: envelope.stack_id.clone(),
        request_id: envelope.request_id.clone(),
        logical_resource_id: envelope.logical_id.clone(),
        data: Attributes::default(),
    }
}

fn attributes(outcome: &Outcome) -> Attributes {
    let Made::Job(run) = &outcome.made else { return Attributes::default() };
    let RunRef { place, id, name, .. } = run;
    let links = outcome.report.links.clone();
    let status = outcome.status.as_ref();
    Attributes {
        engine: place.engine().to_owned(),
        job_id: id.clone(),
        arn: run.arn().unwrap_or_default(),
        batch_id: if place.is_livy() { id.clone() } else { String::new() },
        application_id: status.and_then(|status| status.application.clone()).unwrap_or_default(),
        state: status.map(|status| status.word.clone()).unwrap_or_default(),
        name: name.clone().or_else(|| status.and_then(|status| status.name.clone())).unwrap_or_default(),
        spark_ui_url: links.spark_ui,
        driver_log_url: links.driver_log,
        log_uri: links.log_uri,
        console_url: links.console,
    }
}

/// Moves what fits into `room` from `known` to `shown`, the most important first, and returns its cost. What does not
/// fit stays empty: half an address leads nowhere.
fn fill(shown: &mut Attributes, known: Attributes, room: usize) -> usize {
    let mut left = room;
    let mut keep = |shown: &mut String, known: String| {
        let known = clean(&known);
        if cost(&known) <= left {
            left -= cost(&known);
            *shown = known;
        }
    };
    keep(&mut shown.engine, known.engine);
    keep(&mut shown.job_id, known.job_id);
    keep(&mut shown.batch_id, known.batch_id);
    keep(&mut shown.arn, known.arn);
    keep(&mut shown.name, known.name);
    keep(&mut shown.application_id, known.application_id);
    // The engine's words are short; ones that are not would take the room of all that follows.
    keep(&mut shown.state, cut(&known.state, 100));
    keep(&mut shown.spark_ui_url, known.spark_ui_url);
    keep(&mut shown.driver_log_url, known.driver_log_url);
    keep(&mut shown.log_uri, known.log_uri);
    keep(&mut shown.console_url, known.console_url);
    room - left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use sparkjob::engine::Report;

    const PRESENT: &str = "livy+http://emr:8998/batches/1#Pi-0123456789abcdef-01234567-00000000";
    const MADE: &str = "livy+http://emr:8998/batches/3#Pi-0123456789abcdef-01234567-89abcdef";

    fn envelope(request_type: &str, id: Option<&str>) -> Envelope {
        sample::envelope(&sample::event(request_type, json!({"PhysicalResourceId": id})))
    }

    fn outcome(failed: bool, made: Made) -> Outcome {
        let outcome = sample::dead_job();
        Outcome { failure: outcome.failure.filter(|_| failed), made, ..outcome }
    }

    fn id(request_type: &str, id: Option<&str>, failed: bool, made: Made) -> String {
        compose(&envelope(request_type, id), &outcome(failed, made)).physical_resource_id
    }

    fn job() -> Made {
        Made::Job(MADE.parse().expect("a run"))
    }

    #[test]
    fn a_create_answers_with_what_it_made() {
        assert_eq!(id("Create", None, false, job()), MADE);
        assert_eq!(id("Create", None, true, job()), MADE);
        assert_eq!(id("Create", None, true, Made::Nothing), "spark-job:nothing");
        let unknown = id("Create", None, true, Made::Unknown);
        assert!(matches!(PhysicalId::from(unknown.as_str()), PhysicalId::Unknown(_, Some(_))), "{unknown}");
    }

    #[test]
    fn only_an_update_that_succeeded_has_another_id() {
        assert_eq!(id("Update", Some(PRESENT), false, job()), MADE);
        for made in [job(), Made::Unknown, Made::Nothing] {
            assert_eq!(id("Update", Some(PRESENT), true, made), PRESENT);
        }
    }

    #[test]
    fn a_delete_answers_with_the_id_that_it_was_given() {
        for given in [PRESENT, "spark-job:nothing", "stack-Pi-1ABCDEFG", " "] {
            for (failed, made) in [(false, Made::Nothing), (true, job()), (false, job())] {
                assert_eq!(id("Delete", Some(given), failed, made), given);
            }
        }
    }

    #[test]
    fn an_event_without_an_id_is_answered_with_a_marker() {
        for request_type in ["Update", "Delete", "Upsert"] {
            assert_eq!(id(request_type, None, true, Made::Unknown), "spark-job:nothing");
        }
    }

    #[test]
    fn a_job_run_is_told_by_its_arn() {
        let arn = "arn:aws:emr-serverless:eu-west-1:123456789012:/applications/00f1/jobruns/00f2";
        let mut outcome = sample::dead_job();
        outcome.made = Made::Job(arn.parse().expect("a run"));
        outcome.status = outcome.status.map(|status| sparkjob::job::Status { name: Some("Pi-1".to_owned()), ..status });
        let response = compose(&sample::envelope(&sample::event("Create", serde_json::json!({}))), &outcome);
        let Attributes { engine, job_id, arn: told, batch_id, name, .. } = response.data;
        assert_eq!(response.physical_resource_id, arn);
        assert_eq!([engine, job_id, told, batch_id, name], ["emr-serverless", "00f2", arn, "", "Pi-1"]);
    }

    #[test]
    fn a_success_tells_all_attributes_and_no_reason() {
        let response = compose(&envelope("Create", None), &outcome(false, job()));
        insta::assert_json_snapshot!(response, @r#"
        {
          "Status": "SUCCESS",
          "PhysicalResourceId": "livy+http://emr:8998/batches/3#Pi-0123456789abcdef-01234567-89abcdef",
          "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/demo/0a1b2c3d",
          "RequestId": "0d3e1f2a-5b6c-4d7e-8f90-a1b2c3d4e5f6",
          "LogicalResourceId": "Pi",
          "Data": {
            "Engine": "livy",
            "JobId": "3",
            "Arn": "",
            "BatchId": "3",
            "ApplicationId": "application_1_2",
            "State": "dead",
            "Name": "Pi-0123456789abcdef-01234567-89abcdef",
            "SparkUiUrl": "http://emr:8088/proxy/application_1_2/",
            "DriverLogUrl": "",
            "LogUri": "",
            "ConsoleUrl": ""
          }
        }
        "#);
    }

    #[test]
    fn a_failure_that_nobody_explained_has_a_reason_and_every_key() {
        let mut untold = outcome(true, Made::Nothing);
        untold.failure.as_mut().expect("a failure").what.clear();
        untold.failure.as_mut().expect("a failure").advice.clear();
        untold.report = Report::default();
        let response = compose(&envelope("Update", Some(PRESENT)), &untold);
        insta::assert_json_snapshot!(response, @r#"
        {
          "Status": "FAILED",
          "Reason": "It failed for a reason that nobody told.",
          "PhysicalResourceId": "livy+http://emr:8998/batches/1#Pi-0123456789abcdef-01234567-00000000",
          "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/demo/0a1b2c3d",
          "RequestId": "0d3e1f2a-5b6c-4d7e-8f90-a1b2c3d4e5f6",
          "LogicalResourceId": "Pi",
          "Data": {
            "Engine": "",
            "JobId": "",
            "Arn": "",
            "BatchId": "",
            "ApplicationId": "",
            "State": "",
            "Name": "",
            "SparkUiUrl": "",
            "DriverLogUrl": "",
            "LogUri": "",
            "ConsoleUrl": ""
          }
        }
        "#);
    }

    #[test]
    fn an_address_that_does_not_fit_is_left_out_whole() {
        let mut outcome = outcome(false, job());
        outcome.report.links.driver_log = "u".repeat(5000);
        outcome.report.links.log_uri = "s3://logs/".to_owned();
        let data = compose(&envelope("Create", None), &outcome).data;
        assert_eq!((data.driver_log_url.as_str(), data.log_uri.as_str()), ("", "s3://logs/"));
    }

    proptest! {
        #[test]
        fn any_answer_fits_and_keeps_its_ids(
            ids in proptest::collection::vec("[ -~é🎇\\x00-\\x1f]{1,200}", 4),
            action in "(Create|Update|Delete|Upsert)",
            texts in proptest::collection::vec("[ -~é🎇\\x00-\\x1f]{0,900}", 12),
            failed in any::<bool>(),
            made in prop_oneof![Just(Made::Nothing), Just(Made::Unknown), Just(job())],
        ) {
            let event = sample::event(&action, json!({
                "StackId": ids[0], "RequestId": ids[1], "LogicalResourceId": ids[2], "PhysicalResourceId": ids[3],
            }));
            let Ok(envelope) = Envelope::read(&event) else { return Ok(()) };
            let response = compose(&envelope, &wordy(outcome(failed, made), texts));
            let body = response.text();
            prop_assert!(body.len() <= MAX_BYTES, "{} bytes", body.len());
            let read: Value = serde_json::from_str(&body).expect("JSON");
            prop_assert_eq!(&read["StackId"], &ids[0]);
            prop_assert_eq!(&read["RequestId"], &ids[1]);
            prop_assert_eq!(&read["LogicalResourceId"], &ids[2]);
            prop_assert!(action == "Create" || !failed || read["PhysicalResourceId"] == ids[3]);
            prop_assert!((1..=1024).contains(&response.physical_resource_id.len()));
            prop_assert!(!failed || read["Reason"].as_str().is_some_and(|reason| !reason.is_empty()));
            prop_assert_eq!(read["Data"].as_object().map(serde_json::Map::len), Some(11));
        }
    }

    fn wordy(mut outcome: Outcome, mut texts: Vec<String>) -> Outcome {
        let mut text = || texts.pop().expect("enough texts");
        if let Some(failure) = &mut outcome.failure {
            (failure.what, failure.advice) = (text(), text());
        }
        let status = outcome.status.as_mut().expect("a status");
        (status.word, status.application) = (text(), Some(text()));
        outcome.notes = vec![text()];
        let report = &mut outcome.report;
        (report.exception, report.tail, report.full_log) = (vec![text()], vec![text(), text()], text());
        (report.links.spark_ui, report.links.log_uri, report.links.console) = (text(), text(), text());
        outcome
    }
}
