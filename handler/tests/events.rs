//! The events that people send by hand: each must mean what its name says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use handler::deadlines::Times;
use handler::envelope::Envelope;
use handler::event::Event;
use handler::plan::{Refused, plan};
use handler::request::Request;
use sparkjob::job::Timestamp;
use sparkjob::lifecycle::{Goal, Target};

/// 2026-11-21T07:00:00Z, and the end of an invocation that begins then.
const NOW: Timestamp = Timestamp(1_795_244_400_000);
const LAMBDA_ENDS: Timestamp = Timestamp(1_795_245_300_000);

/// What each event in the folder asks for, in short; faults are told whole.
fn meanings() -> BTreeMap<String, Result<String, String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let files = fs::read_dir(folder).expect("the folder of events").map(|file| file.expect("a file").path());
    let events = files.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
    events.map(|file| (file.file_stem().expect("a name").to_string_lossy().into_owned(), meaning(&file))).collect()
}

fn meaning(file: &Path) -> Result<String, String> {
    let text = fs::read(file).expect("a readable file");
    let event: Event = serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let envelope = Envelope::read(&event).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let times = Times::of(&envelope, &event, NOW, LAMBDA_ENDS);
    let plan = plan(&Request::of(envelope, event), &times, None);
    plan.map(|plan| told(&plan.goal)).map_err(|refused| match refused {
        Refused::Request(fault) => fault,
        Refused::Properties(faults) => faults.to_string(),
    })
}

fn told(goal: &Goal) -> String {
    match goal {
        Goal::Run(wanted) => format!("run {} on {}", wanted.identity.name(), wanted.job.place),
        Goal::Keep { run, .. } => format!("keep {run}"),
        Goal::Replace { wanted, old: Some(_), present: Some(run), .. } => {
            format!("replace {run} by {}", wanted.identity.name())
        }
        Goal::Stop(Target::Run(run)) => format!("stop {run}"),
        Goal::Stop(Target::Nothing) => "stop nothing".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn each_event_means_what_its_name_says() {
    let mut meanings = meanings();
    let faults = meanings.remove("bad-properties").expect("an event with faults").expect_err("faults");
    let named = ["LivyHost", "Parameters.File", "Parameters.ExecutorMemroy", "WaitFor", "Reruns"];
    assert!(named.iter().all(|name| faults.contains(name)), "{faults}");

    let run = |spec_and_token: &str, place: &str| format!("run Pi-e9a907e2f2836d5a-{spec_and_token} on {place}");
    let first = "livy+http://emr-master.internal:8998/batches/17#Pi-e9a907e2f2836d5a-7a5f9bff-59f94258";
    let second = "livy+http://emr-master.internal:8998/batches/18#Pi-e9a907e2f2836d5a-b9c6e36c-23909cad";
    let expected = [
        ("create", run("7a5f9bff-59f94258", "Livy at http://emr-master.internal:8998")),
        ("create-emr-on-eks", run("d6b65c5f-e750b404", "EMR on EKS, virtual cluster 7rq2v0d5xk3mzt81hwa6bcy4e")),
        ("create-emr-serverless", run("bc5a518d-13890d6a", "EMR Serverless, application 00frq3d7m2v9k80l")),
        ("create-emr-steps", run("54d817b7-e7062486", "EMR, cluster j-2QX7T5B9KD4EM")),
        ("create-livy-on-cluster", run("00f98b11-19bcb201", "Livy on cluster j-2QX7T5B9KD4EM")),
        ("delete", format!("stop {first}")),
        ("delete-after-failed-create", "stop nothing".to_owned()),
        ("rollback-update-new-id", format!("replace {second} by Pi-e9a907e2f2836d5a-7a5f9bff-7de2fa98")),
        ("rollback-update-old-id", format!("replace {first} by Pi-e9a907e2f2836d5a-7a5f9bff-7d48fdec")),
        ("update-management-only", format!("keep {first}")),
        ("update-replacement", format!("replace {first} by Pi-e9a907e2f2836d5a-b9c6e36c-23909cad")),
    ];
    let expected = expected.map(|(name, meaning)| (name.to_owned(), Ok(meaning)));
    assert_eq!(meanings, BTreeMap::from(expected));
}
