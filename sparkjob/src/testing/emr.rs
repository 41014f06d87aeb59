//! A model of an account's EMR: EMR on EKS, EMR Serverless and EMR on EC2.

mod clock;
mod containers;
mod operation;
mod rates;
mod runs;
mod serverless;
mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::aws::{ACCOUNT, REGION};
use super::script::Script;
use super::served::{Answers, Served};
use clock::Clock;
pub use clock::OPENED;
pub use operation::Operation;
pub use runs::EmrRun;
pub use steps::EmrCluster;

/// The services, each at an address of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// EMR on EKS: `emr-containers`.
    Containers,
    /// EMR Serverless: `emr-serverless`.
    Serverless,
    /// EMR on EC2: `elasticmapreduce`.
    Emr,
}

/// The EMR of an account, in memory. Clones share it.
///
/// It answers as the services do where that is published, and the conformance suite holds it against a local one whose jobs
/// are real. Jobs follow the [`Script`] of their entry point; any virtual cluster, application and cluster is there until it
/// is [terminated](FakeEmr::terminate) or [unknown](FakeEmr::forget). It has the methods of a [`Faulty`](super::Faulty), too.
pub type FakeEmr = Served<World>;

impl FakeEmr {
    /// An account in which nothing has run yet.
    #[expect(clippy::new_without_default, reason = "a service is opened, not defaulted")]
    pub fn new() -> Self {
        Self::serving(World::new())
    }

    /// Has every later run of the entry point `file` follow `script`; others follow [`Script::default`].
    pub fn script(&self, file: &str, script: Script) {
        self.world().scripts.insert(file.to_owned(), script);
    }

    /// Lists and descriptions show a new run only so long after it was made.
    pub fn show_after(&self, delay: Duration) {
        self.world().delay = delay;
    }

    /// Denies this operation, `StartJobRun` say, from now on, or no longer.
    pub fn deny(&self, operation: &str, denied: bool) {
        let mut world = self.world();
        if denied {
            world.denied.insert(operation.to_owned())
        } else {
            world.denied.remove(operation)
        };
    }

    /// Refuses every submission of this entry point.
    pub fn refuse(&self, file: &str) {
        self.world().refused.insert(file.to_owned());
    }

    /// Allows no more calls than AWS publishes, from now on, and has as much on a page of a listing as AWS has.
    pub fn limit_rates(&self) {
        self.world().buckets = Some(rates::Buckets::default());
    }

    /// How many calls there were since the rates were limited, and how many of them were one too many.
    pub fn throttling(&self) -> (usize, usize) {
        self.world().buckets.as_ref().map_or((0, 0), |buckets| (buckets.calls, buckets.refused))
    }

    /// When it was opened: what the times of its runs count from.
    pub fn opened(&self) -> Instant {
        self.world().clock.opened
    }

    /// Throttles the next `times` calls of this operation.
    pub fn throttle(&self, operation: &str, times: u32) {
        self.world().throttled.insert(operation.to_owned(), times);
    }

    /// Ends a virtual cluster, an application or a cluster, with all that runs there; it is still known.
    pub fn terminate(&self, place: &str) {
        self.world().terminate(place);
    }

    /// Has a virtual cluster, an application or a cluster be one that was never there.
    pub fn forget(&self, place: &str) {
        self.world().unknown.insert(place.to_owned());
    }

    /// Lets no more than `most` job runs of a virtual cluster wait.
    pub fn limit_queue(&self, cluster: &str, most: usize) {
        self.world().queues.insert(cluster.to_owned(), most);
    }

    /// Stops an application that does not start itself for a job.
    pub fn stop_application(&self, application: &str) {
        self.world().stopped.insert(application.to_owned());
    }

    /// Has a run show this word for its state, whatever it really does; none: the true one again.
    pub fn show(&self, id: &str, word: Option<&str>) {
        let shown = &mut self.world().shown;
        match word {
            Some(word) => shown.insert(id.to_owned(), word.to_owned()),
            None => shown.remove(id),
        };
    }

    /// Ends a living run, as if by itself.
    pub fn end(&self, id: &str, well: bool) {
        self.world().end(id, well);
    }

    /// Every run there ever was, in the order in which they were made.
    pub fn runs(&self) -> Vec<EmrRun> {
        self.world().runs()
    }

    /// The runs that are alive now.
    pub fn alive(&self) -> Vec<EmrRun> {
        self.runs().into_iter().filter(EmrRun::is_alive).collect()
    }

    /// The operations that were asked for, with those that others bring with them: each is what a right must be there for.
    pub fn operations(&self) -> BTreeSet<Operation> {
        self.world().operations.clone()
    }
}

/// What the model knows.
pub struct World {
    clock: Clock,
    scripts: BTreeMap<String, Script>,
    runs: Vec<runs::Run>,
    delay: Duration,
    denied: BTreeSet<String>,
    throttled: BTreeMap<String, u32>,
    buckets: Option<rates::Buckets>,
    refused: BTreeSet<String>,
    terminated: BTreeSet<String>,
    unknown: BTreeSet<String>,
    stopped: BTreeSet<String>,
    queues: BTreeMap<String, usize>,
    shown: BTreeMap<String, String>,
    operations: BTreeSet<Operation>,
    steps: steps::Books,
}

/// A body, or an error: status, code, message.
type Answer = Result<Value, Refusal>;

/// How a service refuses.
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

impl World {
    fn new() -> Self {
        Self {
            clock: Clock::default(),
            scripts: BTreeMap::new(),
            runs: Vec::new(),
            delay: Duration::ZERO,
            denied: BTreeSet::new(),
            throttled: BTreeMap::new(),
            buckets: None,
            refused: BTreeSet::new(),
            terminated: BTreeSet::new(),
            stopped: BTreeSet::new(),
            queues: BTreeMap::new(),
            unknown: BTreeSet::new(),
            shown: BTreeMap::new(),
            operations: BTreeSet::new(),
            steps: steps::Books::default(),
        }
    }

    /// How much is on a page of a listing: where rates do not matter a few, so that tests have many pages.
    fn page_size(&self, few: usize) -> usize {
        if self.buckets.is_some() { 50 } else { few }
    }

    /// Lets a call in that is neither denied nor throttled, and takes note of it.
    fn admit(&mut self, service: Service, call: Operation) -> Result<(), Refusal> {
        let name = call.name().to_owned();
        self.permit(service, call)?;
        let is_allowed = self.buckets.as_mut().is_none_or(|buckets| buckets.take(service, &name));
        let ordered = self.throttled.get_mut(&name).filter(|times| **times > 0);
        if is_allowed && ordered.is_none() {
            return Ok(());
        }
        if let Some(times) = ordered {
            *times -= 1;
        }
        let status = if service == Service::Emr { 400 } else { 429 };
        Err(Refusal::new(status, "ThrottlingException", "Rate exceeded"))
    }

    /// Lets be done what is not denied, and takes note of it: a call, or what another call needs a right for besides.
    fn permit(&mut self, service: Service, operation: Operation) -> Result<(), Refusal> {
        let is_denied = self.denied.contains(operation.name());
        let Operation { action, resource, .. } = &operation;
        let message = format!(
            "User: arn:aws:sts::{ACCOUNT}:assumed-role/spark-job/spark-job is not authorized to perform: {action} on \
             resource: {resource} because no identity-based policy allows the {action} action"
        );
        self.operations.insert(operation);
        if is_denied {
            let status = if service == Service::Emr { 400 } else { 403 };
            return Err(Refusal::new(status, "AccessDeniedException", message));
        }
        Ok(())
    }
}

impl Answers for World {
    fn answer(&mut self, request: &Request<Bytes>) -> (Response<Bytes>, Duration) {
        (response(&answer(self, request)), Duration::ZERO)
    }
}

fn answer(world: &mut World, request: &Request<Bytes>) -> Answer {
    let host = request.uri().host().unwrap_or_default();
    let body = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
    match host.strip_suffix(&format!(".{REGION}.amazonaws.com")) {
        Some("emr-containers") => containers::answer(world, request, &body),
        Some("emr-serverless") => serverless::answer(world, request, &body),
        Some("elasticmapreduce") => steps::answer(world, request, &body),
        _ => panic!("nobody answers at {host}"),
    }
}

fn response(answer: &Answer) -> Response<Bytes> {
    let (status, body, code) = match answer {
        Ok(body) => (200, body.clone(), None),
        Err(refusal) => {
            let body = json!({"__type": refusal.code, "message": refusal.message});
            (refusal.status, body, Some(refusal.code))
        }
    };
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(code) = code {
        response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(code));
    }
    response
}
