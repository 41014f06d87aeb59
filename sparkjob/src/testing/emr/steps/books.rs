//! What the model of EMR on EC2 knows besides its runs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::super::World;

/// How long a step takes that kills applications.
const KILLING: Duration = Duration::from_secs(2);

/// How long `spark-submit` takes to submit an application that it does not wait for.
const SUBMITTING: Duration = Duration::from_secs(3);

/// Clusters, and what became of steps.
#[derive(Default)]
pub struct Books {
    pub clusters: BTreeMap<String, EmrCluster>,
    /// The cancellations of steps, by their ids.
    pub asked: BTreeMap<String, Asked>,
    pub chores: Vec<Chore>,
    /// How long after its beginning a step of an entry point loses the client that waits for its application.
    pub lost: BTreeMap<String, Duration>,
    /// How many of the next chores fail.
    pub failing: u32,
    made: u32,
}

/// What a cluster is and says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmrCluster {
    /// Its state, until it is terminated.
    pub state: String,
    /// Why it came to this state.
    pub reason: String,
    /// The name of its primary node, where it has one.
    pub primary: Option<String>,
    /// Where it keeps its logs, where it does.
    pub log_uri: Option<String>,
    /// Its release.
    pub release: String,
    /// Whether it cancels what runs, as it does from EMR 5.28 on.
    pub cancels_running: bool,
    /// Whether its steps need a runtime role; else they may have none.
    pub takes_roles: bool,
    /// Whether a step that kills applications waits until those before it are over, as at a `StepConcurrencyLevel` of 1.
    pub one_at_a_time: bool,
}

impl Default for EmrCluster {
    fn default() -> Self {
        Self {
            state: "WAITING".to_owned(),
            reason: String::new(),
            primary: Some("ip-10-0-0-7.eu-west-1.compute.internal".to_owned()),
            log_uri: Some("s3n://logs/emr/".to_owned()),
            release: "emr-7.5.0".to_owned(),
            cancels_running: true,
            takes_roles: false,
            one_at_a_time: false,
        }
    }
}

/// A cancellation of a step.
pub struct Asked {
    pub at: Instant,
    /// When the step was over because of it, or will be; none where it pays no heed.
    pub over: Option<Instant>,
}

/// A step that kills the applications of a tag.
pub struct Chore {
    pub place: String,
    pub id: String,
    pub name: String,
    pub at: Instant,
    pub request: Value,
    pub tag: String,
    pub fails: bool,
    pub started: Option<Instant>,
    pub done: Option<Instant>,
}

/// What a step's arguments run.
pub enum Command {
    Submit {
        file: String,
        tags: String,
        in_cluster: bool,
        waits: bool,
    },
    /// Kills the applications of this tag.
    Kill(String),
}

impl Command {
    pub fn of(step: &Value) -> Self {
        let args: Vec<&str> =
            step["HadoopJarStep"]["Args"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if let ["bash", "-c", script] = args.as_slice()
            && let Some((_, tag)) = script.split_once("-appTags ")
        {
            return Self::Kill(tag.split(' ').next().unwrap_or_default().to_owned());
        }
        let submits = args.iter().position(|arg| *arg == "spark-submit").map_or(args.len(), |at| at + 1);
        let mut rest = &args[submits..];
        let (mut tags, mut in_cluster, mut waits) = (String::new(), false, true);
        while let [option, value, more @ ..] = rest
            && option.starts_with("--")
        {
            match (*option, value.split_once('=')) {
                ("--deploy-mode", _) => in_cluster = *value == "cluster",
                ("--conf", Some(("spark.yarn.tags", given))) => given.clone_into(&mut tags),
                ("--conf", Some(("spark.yarn.submit.waitAppCompletion", given))) => {
                    waits = !given.eq_ignore_ascii_case("false");
                }
                _ => {}
            }
            rest = more;
        }
        // What is no `spark-submit` is known by its jar.
        let jar = step["HadoopJarStep"]["Jar"].as_str().unwrap_or_default();
        let file = rest.first().copied().unwrap_or(jar).to_owned();
        Self::Submit { file, tags, in_cluster, waits }
    }

    pub fn runs_in_cluster(&self) -> bool {
        matches!(self, Self::Submit { in_cluster: true, .. })
    }

    pub fn waits_for_application(&self) -> bool {
        matches!(self, Self::Submit { in_cluster: true, waits: true, .. })
    }

    /// How long after its beginning the step is over, where it does not wait for its application.
    pub fn submits_within(&self) -> Option<Duration> {
        matches!(self, Self::Submit { in_cluster: true, waits: false, .. }).then_some(SUBMITTING)
    }

    fn is_tagged(&self, tag: &str) -> bool {
        matches!(self, Self::Submit { tags, in_cluster: true, .. } if tags.split(',').any(|one| one == tag))
    }
}

impl Books {
    pub fn next_id(&mut self) -> String {
        self.made += 1;
        format!("s-{:013}", self.made)
    }
}

impl World {
    /// Begins and ends the steps that kill, as far as it is time.
    pub(super) fn go_on(&mut self) {
        let now = Instant::now();
        for index in 0..self.steps.chores.len() {
            let chore = &self.steps.chores[index];
            let (place, id, begun) = (chore.place.clone(), chore.id.clone(), chore.started.is_some());
            if !begun {
                let mut before = self.shown(&place, true);
                before.retain(|step| step.id < id && self.face(&place).one_at_a_time);
                if before.iter().any(|step| step.over.is_none()) {
                    continue;
                }
                let free = before.into_iter().filter_map(|step| step.over).max();
                let at = self.steps.chores[index].at;
                self.steps.chores[index].started = Some(free.map_or(at, |free| free.max(at)));
            }
            self.kill(index, now);
        }
    }

    /// Kills what the chore found at its beginning, once it has had the time.
    fn kill(&mut self, index: usize, now: Instant) {
        let chore = &mut self.steps.chores[index];
        let Some(started) = chore.started.filter(|started| chore.done.is_none() && now >= *started + KILLING) else {
            return;
        };
        chore.done = Some(started + KILLING);
        if chore.fails {
            return;
        }
        let found = self.runs.iter_mut().filter(|run| {
            run.place == chore.place
                && run.at + run.script.waits <= started
                && Command::of(&run.request).is_tagged(&chore.tag)
        });
        for run in found.filter(|run| !run.phase().is_over()) {
            run.cancelled = Some(started + KILLING);
            run.script.stops = Duration::ZERO;
        }
    }
}
