//! Steps and clusters as the service writes them.

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::super::runs::Run;
use super::super::{Refusal, Service, World};
use super::books::{Chore, Command, EmrCluster};
use super::refused;
use crate::job::Phase;

/// A step, as it shows now.
pub struct Shown {
    pub id: String,
    pub name: String,
    pub word: String,
    /// What was asked for, and as whom.
    pub request: Value,
    failure: String,
    /// Since when it is over, where it is.
    pub over: Option<Instant>,
    created: f64,
    started: Option<f64>,
    ended: Option<f64>,
}

impl World {
    /// The steps of a cluster, the newest first: all of them, or those that may be seen by now.
    pub(super) fn shown(&self, place: &str, all: bool) -> Vec<Shown> {
        let is_seen = |at: Instant| all || at.elapsed() >= self.delay;
        let runs = self.runs.iter().filter(|run| run.service == Service::Emr && run.place == place && is_seen(run.at));
        let chores = self.steps.chores.iter().filter(|chore| chore.place == place && is_seen(chore.at));
        let mut shown: Vec<Shown> =
            runs.map(|run| self.show_run(run)).chain(chores.map(|chore| self.show_chore(chore))).collect();
        shown.sort_by(|one, other| other.id.cmp(&one.id));
        for step in &mut shown {
            if let Some(word) = self.shown.get(&step.id) {
                step.word.clone_from(word);
            }
        }
        shown
    }

    fn show_run(&self, run: &Run) -> Shown {
        let now = Instant::now();
        let begun = run.at + run.script.waits;
        let (word, ended) = self.state(run, now);
        let failure = if word == "FAILED" { self.last_words(run) } else { String::new() };
        let never_begun = word == "PENDING" || ended.is_some_and(|ended| ended < begun);
        Shown {
            id: run.id.clone(),
            name: run.name.clone(),
            word: word.to_owned(),
            request: run.request.clone(),
            failure,
            created: self.clock.seconds(run.at),
            started: (!never_begun).then(|| self.clock.seconds(begun)),
            over: ended,
            ended: ended.map(|ended| self.clock.seconds(ended)),
        }
    }

    /// The step's state, and since when it is over.
    fn state(&self, run: &Run, now: Instant) -> (&'static str, Option<Instant>) {
        let command = Command::of(&run.request);
        let begun = run.at + run.script.waits;
        let is_gone = self.terminated.contains(&run.place);
        let asked = self.steps.asked.get(&run.id).filter(|asked| run.over().is_none_or(|over| asked.at <= over));
        let left = asked.and_then(|asked| asked.over);
        let submitted = command.submits_within().map(|within| begun + within).filter(|submitted| *submitted <= now);
        match (run.phase(), left) {
            (_, _) if self.lost_client(run).is_some() => ("FAILED", self.lost_client(run)),
            (_, Some(left)) if command.runs_in_cluster() && left <= now => ("CANCELLED", Some(left)),
            (_, None) if submitted.is_some() => ("COMPLETED", submitted),
            (Phase::Cancelled, None) if command.runs_in_cluster() && !is_gone => ("FAILED", run.over()),
            (Phase::Waiting | Phase::Running, _) if asked.is_some() => ("CANCEL_PENDING", None),
            (Phase::Waiting, _) => ("PENDING", None),
            (Phase::Running, _) => ("RUNNING", None),
            (Phase::Ending, _) => ("CANCEL_PENDING", None),
            (Phase::Succeeded, _) => ("COMPLETED", run.over()),
            (Phase::Failed, _) => ("FAILED", run.over()),
            (Phase::Cancelled | Phase::Gone, _) => ("CANCELLED", run.over()),
        }
    }

    /// Since when the application of a step has had no client any more.
    fn lost_client(&self, run: &Run) -> Option<Instant> {
        let lost = run.at + run.script.waits + *self.steps.lost.get(&run.file)?;
        let left = self.steps.asked.get(&run.id).and_then(|asked| asked.over);
        let is_first = left.is_none_or(|left| lost < left) && run.over().is_none_or(|over| lost < over);
        (Command::of(&run.request).waits_for_application() && is_first && lost <= Instant::now()).then_some(lost)
    }

    /// What a step that failed left in its log: of a job that was no part of it, what the client had to say.
    fn last_words(&self, run: &Run) -> String {
        let client = |words: &str| format!("Exception in thread \"main\" {words}");
        let application =
            format!("org.apache.spark.SparkException: Application application_{}", run.id.trim_start_matches("s-"));
        match run.phase() {
            _ if self.lost_client(run).is_some() => client("java.lang.OutOfMemoryError: Java heap space"),
            _ if !Command::of(&run.request).runs_in_cluster() => run.last_words(),
            Phase::Cancelled => client(&format!("{application} is killed")),
            _ => client(&format!("{application} finished with failed status")),
        }
    }

    fn show_chore(&self, chore: &Chore) -> Shown {
        let word = match (chore.started, chore.done) {
            (_, None) if self.terminated.contains(&chore.place) => "CANCELLED",
            (None, _) => "PENDING",
            (Some(_), None) => "RUNNING",
            (_, Some(_)) if chore.fails => "FAILED",
            (_, Some(_)) => "COMPLETED",
        };
        Shown {
            id: chore.id.clone(),
            name: chore.name.clone(),
            word: word.to_owned(),
            request: chore.request.clone(),
            failure: if chore.fails { "exit code 1".to_owned() } else { String::new() },
            created: self.clock.seconds(chore.at),
            started: chore.started.map(|at| self.clock.seconds(at)),
            over: chore.done,
            ended: chore.done.map(|at| self.clock.seconds(at)),
        }
    }
}

/// A step in a listing, which is what its description says, too, but for the role.
pub fn summary(step: &Shown) -> Value {
    let jar = &step.request["HadoopJarStep"];
    let properties: Map<String, Value> = jar["Properties"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|property| Some((property["Key"].as_str()?.to_owned(), property["Value"].clone())))
        .collect();
    let mut timeline = json!({"CreationDateTime": step.created});
    for (field, moment) in [("StartDateTime", step.started), ("EndDateTime", step.ended)] {
        if let Some(moment) = moment {
            timeline[field] = moment.into();
        }
    }
    let mut status = json!({"State": step.word, "StateChangeReason": {}, "Timeline": timeline});
    if step.word == "FAILED" {
        let log = format!("s3://logs/emr/steps/{}/stderr.gz", step.id);
        status["FailureDetails"] = json!({"Reason": "Unknown Error", "Message": step.failure, "LogFile": log});
    }
    let mut summary = json!({
        "Id": step.id,
        "Name": step.name,
        "ActionOnFailure": step.request["ActionOnFailure"],
        "Config": {
            "Jar": jar["Jar"],
            "Args": jar["Args"].as_array().cloned().unwrap_or_default(),
            "MainClass": jar["MainClass"],
            "Properties": properties,
        },
        "Status": status,
    });
    let own = &step.request["StepMonitoringConfiguration"]["S3MonitoringConfiguration"]["LogUri"];
    if own.is_string() {
        summary["LogUri"] = own.clone();
    }
    summary
}

/// What `DescribeCluster` says, as far as anyone here asks.
pub fn cluster(id: &str, face: &EmrCluster) -> Value {
    let mut cluster = json!({
        "Id": id,
        "Name": "etl",
        "Status": {"State": face.state, "StateChangeReason": {"Message": face.reason}, "Timeline": {}},
        "ReleaseLabel": face.release,
        "StepConcurrencyLevel": if face.one_at_a_time { 1 } else { 10 },
    });
    for (field, text) in [("MasterPublicDnsName", &face.primary), ("LogUri", &face.log_uri)] {
        if let Some(text) = text {
            cluster[field] = text.as_str().into();
        }
    }
    cluster
}

/// What the service's model says of a step that is to be added.
pub fn check(step: &Value) -> Result<(), Refusal> {
    let refuse = |said: &str| Err(refused("ValidationException", said));
    let jar = &step["HadoopJarStep"];
    let texts = jar["Args"].as_array().into_iter().flatten().chain([&jar["Jar"], &jar["MainClass"]]);
    let length: usize = texts.filter_map(Value::as_str).map(|text| text.chars().count()).sum();
    if step["Name"].as_str().is_none_or(|name| name.chars().count() > 256) {
        return refuse("1 validation error detected: Value at 'steps.1.member.name' failed to satisfy constraint");
    }
    if jar["Jar"].as_str().is_none_or(str::is_empty) {
        return refuse("A step must have a jar");
    }
    if length > 10_240 {
        return refuse("Size of an individual step exceeded the maximum allowed");
    }
    if !["TERMINATE_JOB_FLOW", "TERMINATE_CLUSTER", "CANCEL_AND_WAIT", "CONTINUE"]
        .contains(&step["ActionOnFailure"].as_str().unwrap_or("CONTINUE"))
    {
        return refuse(
            "1 validation error detected: Value at 'steps.1.member.actionOnFailure' failed to satisfy constraint",
        );
    }
    Ok(())
}
