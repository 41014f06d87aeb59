//! What a job is, where it runs, how it is recognised: plain data, no I/O.

mod access;
mod address;
mod identity;
mod livy_url;
mod place;
mod reference;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hidden::Hidden;

pub use access::{Access, SecretArn};
pub use address::parse_address;
pub use identity::{Digest, Identity};
pub use livy_url::{DEFAULT_LIVY_PORT, LivyUrl};
pub use place::Place;
pub use reference::{Realm, RunRef};

/// A job: what defines it, and the tags that it carries.
///
/// Serialised, it is the description that a template would give, in canonical form: defaults and empty values left out,
/// fields in a fixed order. [`Identity::derive`] hashes just that, so neither the order nor the names here may change.
///
/// Debug shows it so, too, without what looks like a secret.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Job {
    /// Where it runs.
    #[serde(flatten)]
    pub place: Place,
    /// What runs, in the same words on every engine; none where [`Job::native`] says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
    /// Whether it is meant to end.
    #[serde(skip_serializing_if = "is_default")]
    pub mode: Mode,
    /// The engine cancels a run after so many minutes, 0 for never; none where the engine's own default holds.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout_minutes: Option<u32>,
    /// Where the driver of a step runs.
    #[serde(skip_serializing_if = "is_default")]
    pub deploy_mode: DeployMode,
    /// What is said in the words of the engine's own API.
    #[serde(flatten)]
    pub native: Native,
    /// Free text whose change asks for a new run of the same job.
    #[serde(skip_serializing_if = "is_default")]
    pub rerun: String,
    /// The tags of its runs, where the engine has tags. They are no part of what defines it: a job of other tags is the same
    /// job.
    #[serde(skip)]
    pub tags: Tags,
}

impl Job {
    /// A job of these parameters at `place`, with nothing else said.
    pub fn of(place: Place, parameters: Parameters) -> Self {
        Self {
            place,
            parameters: Some(parameters),
            mode: Mode::default(),
            timeout_minutes: None,
            deploy_mode: DeployMode::default(),
            native: Native::default(),
            rerun: String::new(),
            tags: Tags::new(),
        }
    }

    /// What people call it, where they call it anything.
    pub fn name(&self) -> Option<&str> {
        match &self.parameters {
            Some(parameters) => parameters.name.as_deref(),
            None => self.native.text("Name"),
        }
    }
}

/// Tags of a run, by their keys.
pub type Tags = BTreeMap<String, String>;

/// What is said in the words of the engine's own API: properties such as `JobDriver`, by their names here, each with its
/// value in the API's spelling and types. Debug shows no secrets.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Native(pub BTreeMap<String, Value>);

impl Native {
    /// The value of a property; none where it was not given.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The same of one that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }
}

/// The portable description of what runs, as `spark-submit` would take it. Debug shows no secrets.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Parameters {
    /// The jar or Python file.
    pub file: String,
    /// The main class of a jar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// The program's own arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Jars for the class path of driver and executors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jars: Vec<String>,
    /// Python files, eggs and zips for `PYTHONPATH`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub py_files: Vec<String>,
    /// Files for the working directory of each executor.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Archives to be unpacked in the working directory of each executor.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub archives: Vec<String>,
    /// Maven coordinates, `group:artifact:version`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
    /// The environment of driver and executors.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// The driver's memory, as Spark writes it: `512m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_memory: Option<String>,
    /// The driver's cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_cores: Option<u32>,
    /// Each executor's memory, as Spark writes it: `2g`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_memory: Option<String>,
    /// Each executor's cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_cores: Option<u32>,
    /// How many executors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_executors: Option<u32>,
    /// The YARN queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// The user on whose behalf the job runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_user: Option<String>,
    /// The name that people know the job by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Spark properties.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub configuration: BTreeMap<String, String>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Job").field(&Shown(self)).field(&Shown(&self.tags)).finish()
    }
}

impl fmt::Debug for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Native").field(&Shown(self)).finish()
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Parameters").field(&Shown(self)).finish()
    }
}

/// A part of a description, as JSON without secrets.
pub(crate) struct Shown<'a, T>(pub &'a T);

impl<T: Serialize> fmt::Debug for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = serde_json::to_value(self.0).map_err(|_| fmt::Error)?;
        let hidden = Hidden::in_description(&value);
        write!(f, "{}", hidden.shown(value))
    }
}

/// Whether a job is meant to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    /// It ends by itself.
    #[default]
    Batch,
    /// It runs until it is stopped.
    Streaming,
}

/// Where the driver of a step runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeployMode {
    /// In the step itself: what stops the step stops the job.
    #[default]
    Client,
    /// In YARN: the job outlives the step unless it is stopped there, too, which takes EMR 6.0 or later.
    Cluster,
}

/// Where a run stands, in words that all engines share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Accepted, not yet running.
    Waiting,
    /// Running.
    Running,
    /// Being cancelled, not yet over.
    Ending,
    /// Ended by itself, well.
    Succeeded,
    /// Ended by itself, badly.
    Failed,
    /// Stopped from outside.
    Cancelled,
    /// The engine does not know it: never made, forgotten or deleted.
    Gone,
}

impl Phase {
    /// Whether nothing of the run is alive any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Gone)
    }
}

/// What an engine says of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Where it stands.
    pub phase: Phase,
    /// The engine's own word for that.
    pub word: String,
    /// The engine's own explanation, where it gives one; else empty.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reason: String,
    /// The name under which the engine knows the run, where its reference does not hold it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: Option<String>,
    /// The Spark application's id, once the cluster manager has given one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub application: Option<String>,
    /// When the run was made, where the engine tells.
    #[serde(default, skip_serializing_if = "is_default")]
    pub created: Option<Timestamp>,
    /// The engine knows the run, but nothing shows that it was ever begun. A young run looks so for a moment; one that goes
    /// on like this is a name in the engine's books without a job behind it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub silent: bool,
    /// How the run ended, where something of it may live on until it is stopped: then it counts as [`Phase::Ending`], which
    /// nothing but stopping it ends, and is this afterwards.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ended: Option<Phase>,
    /// The run is gone, and so is its place: nothing of it can be left, whether or not it was ever shown.
    #[serde(default, skip_serializing_if = "is_default")]
    pub place_gone: bool,
}

impl Status {
    /// A run that the engine does not know.
    pub fn gone() -> Self {
        Self {
            phase: Phase::Gone,
            word: String::new(),
            reason: String::new(),
            name: None,
            application: None,
            created: None,
            silent: false,
            ended: None,
            place_gone: false,
        }
    }

    /// A run of a place that is not there (any more).
    pub fn gone_with_place() -> Self {
        Self { place_gone: true, ..Self::gone() }
    }
}

/// A run together with what its engine said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Which run.
    pub run: RunRef,
    /// Where it stands.
    pub status: Status,
}

impl Run {
    /// The name under which the engine knows it; empty where it has none.
    pub fn name(&self) -> &str {
        self.run.name.as_deref().or(self.status.name.as_deref()).unwrap_or_default()
    }
}

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The time from `earlier` to here; zero where `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// `duration` before this moment, not before 1970.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
