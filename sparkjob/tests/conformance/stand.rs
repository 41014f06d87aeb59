//! An engine with what it runs on, and how it differs from the others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use http::Method;
use sparkjob::engine::{Engine, Engines, How, Lookup, Trouble};
use sparkjob::job::{Identity, Job, Phase, Place, Run, RunRef, Status, Tags, Timestamp};
use tokio::time::{Instant, sleep};

use crate::ways::Ways;

/// What the suite is held against.
pub struct Stand {
    /// A job there, without its file.
    pub job: Job,
    /// The way there.
    pub engines: Engines,
    /// The way there for runs of [`programs::WAITING`](crate::programs::WAITING), and for weather.
    pub held: Engines,
    /// Where the programs lie.
    pub folder: String,
    pub ways: Ways,
    pub world: Box<dyn World>,
}

/// What the suite does behind the engine's back.
#[async_trait]
pub trait World: Send + Sync {
    /// Has the next such call of the [held](Stand::held) engine meet this; false where that cannot be.
    async fn strike(&self, call: Call, blow: Blow) -> bool;

    /// Takes back what did not strike.
    async fn heal(&self);

    /// Places of this engine's that are gone, each told by how.
    async fn gone(&self) -> Vec<(&'static str, Place)>;

    /// The tags of a run.
    async fn tags(&self, run: &RunRef) -> Tags;

    /// What the job of this run got. A real one writes it to the file that its first argument names.
    async fn received(&self, run: &RunRef, file: &str) -> Received;

    /// Where a real job may write to.
    fn file(&self, name: &str) -> String;

    /// Whether a job has written there; a model's jobs always have.
    fn is_there(&self, file: &str) -> bool;

    /// The server to be asked word for word, where it is Livy.
    fn livy(&self) -> Option<&crate::livy::Server> {
        None
    }

    /// Ends the stand's place with all that runs there; false where it is others', too.
    async fn terminate(&self) -> bool;

    /// Leaves nothing behind.
    async fn close(&self);
}

/// What a job got.
#[derive(Debug)]
pub struct Received {
    pub args: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub configuration: BTreeMap<String, String>,
}

/// One of the trait's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Start,
    Find,
    Describe,
    Cancel,
    Tag,
}

/// What can meet it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// A 5xx; it had no effect.
    Error,
    /// It took effect, but no answer came.
    Lost,
    /// Too many calls.
    Throttled,
    /// It is not allowed.
    Denied,
}

/// The request that a call comes to: by IAM's name for it, which Livy has not, and on the wire.
pub struct Operation {
    pub action: &'static str,
    pub method: Method,
    pub part: &'static str,
}

impl Call {
    pub const ALL: [Self; 5] = [Self::Start, Self::Find, Self::Describe, Self::Cancel, Self::Tag];

    pub fn at(self, place: &Place) -> Operation {
        let (method, part) = match self {
            Self::Start => (Method::POST, "/jobruns"),
            Self::Find => (Method::GET, "/jobruns?"),
            Self::Describe => (Method::GET, "/jobruns/"),
            Self::Cancel => (Method::DELETE, "/jobruns/"),
            Self::Tag => (Method::POST, "/tags/"),
        };
        match place {
            Place::Livy(_) | Place::LivyOnCluster(_) => {
                Operation { action: "", method, part: if self == Self::Find { "/batches?" } else { "/batches" } }
            }
            Place::EmrOnEks(_) => Operation { action: self.on_eks(), method, part },
            Place::EmrServerless(_) => Operation { action: self.on_serverless(), method, part },
            Place::EmrSteps(_) => {
                let action = self.on_steps();
                Operation { action, method: Method::POST, part: &action["elasticmapreduce:".len()..] }
            }
        }
    }

    fn on_eks(self) -> &'static str {
        match self {
            Self::Start => "emr-containers:StartJobRun",
            Self::Find => "emr-containers:ListJobRuns",
            Self::Describe => "emr-containers:DescribeJobRun",
            Self::Cancel => "emr-containers:CancelJobRun",
            Self::Tag => "emr-containers:TagResource",
        }
    }

    fn on_serverless(self) -> &'static str {
        match self {
            Self::Start => "emr-serverless:StartJobRun",
            Self::Find => "emr-serverless:ListJobRuns",
            Self::Describe => "emr-serverless:GetJobRun",
            Self::Cancel => "emr-serverless:CancelJobRun",
            Self::Tag => "emr-serverless:TagResource",
        }
    }

    fn on_steps(self) -> &'static str {
        match self {
            Self::Start => "elasticmapreduce:AddJobFlowSteps",
            Self::Find => "elasticmapreduce:ListSteps",
            Self::Describe => "elasticmapreduce:DescribeStep",
            Self::Cancel => "elasticmapreduce:CancelSteps",
            // Steps have no tags.
            Self::Tag => "elasticmapreduce:AddTags",
        }
    }
}

/// What the suite does of one subject, with runs of an owner of their own.
pub struct Scene<'a> {
    pub stand: &'a Stand,
    pub engine: Arc<dyn Engine>,
    owner: String,
}

impl Stand {
    /// A scene whose jobs run.
    pub fn scene(&self, subject: &str) -> Scene<'_> {
        Scene::new(self, &self.engines, subject)
    }

    /// A scene whose jobs wait, where they can be kept waiting.
    pub fn held_scene(&self, subject: &str) -> Scene<'_> {
        Scene::new(self, &self.held, subject)
    }

    /// The job of this file.
    pub fn job(&self, file: &str) -> Job {
        let mut job = self.job.clone();
        let parameters = job.parameters.as_mut().expect("a portable job");
        parameters.file = if file.starts_with('/') { file.to_owned() } else { format!("{}/{file}", self.folder) };
        job
    }
}

impl<'a> Scene<'a> {
    /// A real engine still knows the runs of the suite's last run.
    fn new(stand: &'a Stand, engines: &Engines, subject: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_nanos();
        Self { stand, engine: engines.at(&stand.job.place, None), owner: format!("{subject}-{now}") }
    }

    pub fn identity(&self, request: &str, job: &Job) -> Identity {
        Identity::derive(&[&self.owner], request, "Conformance", job)
    }

    pub async fn start(&self, request: &str, file: &str) -> RunRef {
        let job = self.stand.job(file);
        self.submit(request, &job).await.expect("it is submitted")
    }

    pub async fn submit(&self, request: &str, job: &Job) -> Result<RunRef, Trouble> {
        let run = self.engine.start(job, &self.identity(request, job)).await?;
        assert_eq!(run.to_string().parse().as_ref(), Ok(&run), "whoever keeps its text can read it");
        Ok(run)
    }

    pub async fn status(&self, run: &RunRef) -> Status {
        self.engine.describe(std::slice::from_ref(run)).await.expect("it is described").remove(0)
    }

    pub async fn phase(&self, run: &RunRef) -> Phase {
        self.status(run).await.phase
    }

    /// The phases of `runs`, asked for at once.
    pub async fn phases(&self, runs: &[RunRef]) -> Vec<Phase> {
        let statuses = self.engine.describe(runs).await.expect("they are described");
        statuses.into_iter().map(|status| status.phase).collect()
    }

    /// Waits until the run is up.
    pub async fn up(&self, run: &RunRef) {
        assert_eq!(self.wait(run, |phase| phase != Phase::Waiting).await, Phase::Running, "{run}");
    }

    /// Waits until the run is over, and tells how it ended. What it may have left alive is stopped, as the life cycle does.
    pub async fn end(&self, run: &RunRef) -> Phase {
        self.wait(run, Phase::is_over).await
    }

    async fn wait(&self, run: &RunRef, until: impl Fn(Phase) -> bool) -> Phase {
        let begin = Instant::now();
        let mut is_asked = false;
        loop {
            let Status { phase, ended, .. } = self.status(run).await;
            if until(phase) {
                return phase;
            }
            if ended.is_some() && !std::mem::replace(&mut is_asked, true) {
                self.engine.cancel(run, How::Ask).await.expect("what is left of it is stopped");
            }
            assert!(begin.elapsed() < Duration::from_mins(2), "{run} is still {phase:?}");
            sleep(Duration::from_millis(300)).await;
        }
    }

    /// Stops the run, and sees to it that it is over: asks again where that has not helped for a while, as the life cycle
    /// does.
    pub async fn stop(&self, run: &RunRef) {
        let mut asked: Option<Instant> = None;
        let begin = Instant::now();
        loop {
            if asked.is_none_or(|asked| asked.elapsed() > Duration::from_secs(8)) {
                self.engine.cancel(run, How::Ask).await.expect("it is cancelled");
                asked = Some(Instant::now());
            }
            let phase = self.phase(run).await;
            if phase.is_over() {
                assert_eq!(phase, self.stand.ways.cancelled, "{run}");
                return;
            }
            assert!(begin.elapsed() < Duration::from_mins(2), "{run} is still {phase:?}");
            sleep(Duration::from_millis(300)).await;
        }
    }

    pub async fn found(&self, identity: &Identity, by: Lookup) -> Vec<RunRef> {
        self.found_since(identity, by, Timestamp::default()).await
    }

    pub async fn found_since(&self, identity: &Identity, by: Lookup, since: Timestamp) -> Vec<RunRef> {
        let found: Vec<Run> = self.engine.find(identity, by, since).await.expect("it is looked for");
        assert!(found.iter().all(|run| identity.owns(run.name())), "{found:?}");
        found.into_iter().map(|run| run.run).collect()
    }

    /// A run that was never made, where `like` was.
    pub fn unknown(&self, like: &RunRef) -> RunRef {
        RunRef { id: self.stand.ways.unknown.to_owned(), ..like.clone() }
    }
}
