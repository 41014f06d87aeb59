//! What must hold for whatever bytes come to the Lambda: for the fuzzer, which finds them, and for the tests, which keep what
//! it found.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;
use url::Url;

use handler::arrival::Arrival;
use handler::claim::Successors;
use handler::envelope::Envelope;
use handler::event::Event;
use handler::mishap::{Closed, Mishap};
use handler::responder::Responder;
use handler::response::MAX_BYTES;
use handler::turn::{Answer, Progress, Turn};
use handler::workflow::{LONGEST_INPUT, Workflow};
use handler::{Failed, Submitter, logs, moment};
use sparkjob::drive::Clock;
use sparkjob::job::Timestamp;
use sparkjob::testing::{Written, engines, note};

#[path = "world.rs"]
mod world;

pub use world::Weather;
use world::World;

/// 2026-11-21T07:00:10Z, at which everything comes.
const NOW: Timestamp = Timestamp(1_795_244_410_000);
const INVOCATION: Duration = Duration::from_mins(15);

/// The steps after which a request is left alone, and the longest pause between two of them that is waited for: more than any
/// request needs, and less than a state that nobody ever wrote may ask for.
const MOST_STEPS: usize = 500;
const LONGEST_PAUSE: Duration = Duration::from_hours(2);

/// Gives `bytes` to the function that takes requests and steps, and to the responder, in every weather.
///
/// # Panics
/// Where something does not hold that must.
pub fn check(bytes: &[u8]) {
    for weather in Weather::ALL {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let lines = Written::default();
        let writer = lines.clone();
        let subscriber = logs::subscriber(LevelFilter::TRACE, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            runtime.expect("a runtime").block_on(async {
                let stage = Stage::new(bytes, weather, &lines);
                if let Ok(arrival) = serde_json::from_slice::<Arrival>(bytes) {
                    Box::pin(stage.submit(arrival)).await;
                }
                if let Ok(mishap) = serde_json::from_slice::<Mishap>(bytes) {
                    stage.respond(mishap).await;
                }
            });
        });
    }
}

/// The two functions in their world.
struct Stage<'a> {
    bytes: &'a [u8],
    world: Arc<World>,
    lines: &'a Written,
    clock: Clock,
    submitter: Submitter,
    responder: Responder,
}

impl<'a> Stage<'a> {
    fn new(bytes: &'a [u8], weather: Weather, lines: &'a Written) -> Self {
        let world = Arc::new(World::new(weather));
        let engines = || engines(world.clone());
        let arn = |of: &str| format!("arn:aws:{of}");
        let workflow = || {
            let machine = arn("states:eu-west-1:123456789012:stateMachine:lifecycle");
            Workflow::new(machine, engines().aws())
        };
        let responder = arn("lambda:eu-west-1:123456789012:function:responder");
        // What never answers leaves it open whether there is a workflow, and then nothing more is done.
        let has_workflow = weather != Weather::Silent;
        let successors = has_workflow.then(|| Successors { workflow: workflow(), responder });
        let submitter = Submitter { engines: engines(), successors };
        let responder = Responder { engines: engines(), workflow: has_workflow.then(workflow) };
        Self { bytes, lines, clock: Clock::showing(NOW), submitter, responder, world }
    }

    async fn submit(&self, arrival: Arrival) {
        match arrival {
            Arrival::Request(event) => {
                let came = self.take(Arrival::Request(event.clone())).await;
                let has_failed = came.is_err();
                let came = match self.world.claimed() {
                    Some(input) => self.steps(&input).await,
                    None => came.map(|_| ()),
                };
                let put = self.judge(&event, &came);
                let is_answerable = Envelope::read(&event).is_ok();
                assert!(is_answerable || has_failed, "an unreadable event is taken");
                assert!(put.is_some() == is_answerable, "a request was not answered: {came:?}");
            }
            Arrival::Step(step) => {
                let (event, known) = (step.turn.event.clone(), known(&step.turn.progress));
                let is_due = matches!(step.turn.progress, Progress::Answer(_)) && Envelope::read(&event).is_ok();
                let first = self.take(Arrival::Step(step)).await;
                let came = match first {
                    Ok(Some(turn)) => self.go_on(turn).await,
                    came => came.map(|_| ()),
                };
                assert!(self.judge_after(&event, &came, known) || !is_due, "the answer was not put: {came:?}");
            }
            Arrival::Unreadable(..) => {
                let came = self.take(arrival).await.map(|_| ());
                assert!(came.is_err() && self.put(None, &came).is_empty(), "{came:?}");
            }
        }
    }

    async fn respond(&self, mishap: Mishap) {
        let turn = match &mishap {
            Mishap::GivenUp { event, answer, .. } => Some((event.clone(), answer.clone(), true)),
            Mishap::Misdirected(event) => Some((event.clone(), None, true)),
            Mishap::Caught { turn, .. } | Mishap::Closed(Closed { input: Some(turn), .. }) => {
                Some((turn.event.clone(), known(&turn.progress), turn.progress != Progress::Superseded))
            }
            Mishap::Closed(Closed { input: None, .. }) | Mishap::BadTurn(_) | Mishap::Foreign(_) => None,
        };
        // The workflow has to know that there is no answer; to others there was nothing to do, unless another look tells more.
        let (fails, ends_well) = (matches!(mishap, Mishap::BadTurn(_)), matches!(mishap, Mishap::Foreign(_)));
        let came = self.responder.serve(LambdaEvent::new(mishap, self.context()), self.clock.clone()).await;
        let came = came.map(|_| ());
        if let Some((event, known, is_awaited)) = turn {
            let is_answerable = is_awaited && Envelope::read(&event).is_ok();
            assert!(self.judge_after(&event, &came, known) || !is_answerable, "nobody was answered: {came:?}");
        } else {
            assert!(if came.is_err() { !ends_well } else { !fails }, "{came:?}");
            assert!(self.put(None, &came).is_empty());
        }
    }

    async fn take(&self, arrival: Arrival) -> Result<Option<Turn>, Failed> {
        self.submitter.serve(LambdaEvent::new(arrival, self.context()), self.clock.clone()).await
    }

    /// Takes all steps of a new execution with this input.
    async fn steps(&self, input: &str) -> Result<(), Failed> {
        self.go_on(serde_json::from_str(input).expect("a turn")).await
    }

    /// Takes step after step, as the workflow does.
    async fn go_on(&self, mut turn: Turn) -> Result<(), Failed> {
        for _ in 0..MOST_STEPS {
            if turn.ended {
                return Ok(());
            }
            let until = moment::read(&turn.until).unwrap_or(NOW);
            if until.since(self.clock.now()) > LONGEST_PAUSE {
                return Ok(());
            }
            self.clock.sleep_until(until).await;
            let step = json!({ "Turn": turn, "Began": moment::text(NOW), "Tries": 0 }).to_string();
            assert!(step.len() <= LONGEST_INPUT, "a step of {} bytes", step.len());
            let arrival = serde_json::from_str(&step).expect("a step");
            turn = self.take(arrival).await?.expect("a step leads to a turn");
        }
        panic!("the workflow takes step after step, and none is the last: {turn:?}");
    }

    fn context(&self) -> Context {
        let mut context = Context::default();
        context.deadline = (self.clock.now() + INVOCATION).0;
        "arn:aws:lambda:eu-west-1:123456789012:function:submitter".clone_into(&mut context.invoked_function_arn);
        context
    }

    /// Judges what came of a turn which somebody else wrote, so that its answer is whatever they made it; whether it was put.
    fn judge_after(&self, event: &Event, came: &Result<(), Failed>, known: Option<Answer>) -> bool {
        let Some(Answer(answer)) = known else { return self.judge(event, came).is_some() };
        let put = self.put(Some(event), came);
        for body in &put {
            assert_eq!(*body, answer, "another answer than the one that there was");
        }
        !put.is_empty()
    }

    /// Judges all that was done about a request, and gives back its answer.
    fn judge(&self, event: &Event, came: &Result<(), Failed>) -> Option<Bytes> {
        let put = self.put(Some(event), came);
        let first = put.first()?.clone();
        for body in &put {
            assert_eq!(*body, first, "two answers");
        }
        judge_answer(event, &first);
        Some(first)
    }

    /// All answers that were put, where nothing was written that must not be, and none was put elsewhere.
    fn put(&self, event: Option<&Event>, came: &Result<(), Failed>) -> Vec<Bytes> {
        let (addresses, bodies): (Vec<Uri>, Vec<Bytes>) = self.world.take_put().into_iter().unzip();
        let logged = self.lines.text();
        note(&logged);
        // Each line can be read.
        self.lines.lines();
        self.lines.clear();
        let told = format!("{logged}{came:?}{bodies:?}");
        for secret in self.secrets() {
            assert!(!told.contains(&secret), "{secret} is told: {told}");
        }
        if !addresses.is_empty() {
            let envelope = Envelope::read(event.expect("a request")).expect("only what can be read is answered");
            let uri = envelope.response_url.uri();
            assert!(addresses.iter().all(|address| address == uri), "an answer to somewhere else");
        }
        bodies
    }

    /// What must not be known of an address, wherever it came, as far as it is long enough to be told from other text and stands
    /// nowhere else.
    fn secrets(&self) -> Vec<String> {
        let mut addresses = Vec::new();
        collect_addresses(&serde_json::from_slice(self.bytes).unwrap_or_default(), &mut addresses);
        let all = String::from_utf8_lossy(self.bytes);
        let pairs = addresses.iter().flat_map(|address| address.query().unwrap_or_default().split('&'));
        let values = pairs.filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            ["X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token"].contains(&name).then_some(value)
        });
        values.filter(|value| value.len() >= 20 && all.matches(value).count() == 1).map(str::to_owned).collect()
    }
}

/// The addresses for answers in JSON, and in the JSON that its texts hold.
fn collect_addresses(value: &Value, addresses: &mut Vec<Url>) {
    match value {
        Value::String(text) => {
            if let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
                collect_addresses(&inner, addresses);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect_addresses(value, addresses)),
        Value::Object(fields) => {
            let address = fields.get("ResponseURL").and_then(Value::as_str);
            addresses.extend(address.and_then(|text| Url::parse(text).ok()));
            fields.values().for_each(|value| collect_addresses(value, addresses));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The answer that there is.
fn known(progress: &Progress) -> Option<Answer> {
    match progress {
        Progress::Answer(answer) | Progress::Answered(answer) => Some(answer.clone()),
        Progress::Claimed | Progress::Working(_) | Progress::Superseded => None,
    }
}

/// Judges an answer by what [`CloudFormation`
/// takes](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html).
fn judge_answer(event: &Event, body: &[u8]) {
    assert!(body.len() <= MAX_BYTES, "an answer of {} bytes", body.len());
    let answer: Value = serde_json::from_slice(body).expect("JSON");
    for name in ["StackId", "RequestId", "LogicalResourceId"] {
        assert_eq!(answer[name], *event.field(name), "{name}");
    }
    let id = &answer["PhysicalResourceId"];
    let length = id.as_str().expect("an id").len();
    assert!((1..=1024).contains(&length) || id == event.field("PhysicalResourceId"), "an id of {length} bytes");
    let reason = answer["Reason"].as_str().unwrap_or_default();
    match answer["Status"].as_str().expect("a status") {
        "SUCCESS" => {}
        "FAILED" => assert!(!reason.trim().is_empty(), "a failure without a reason"),
        status => panic!("{status}"),
    }
    let attributes = answer["Data"].as_object().expect("attributes");
    assert_eq!(attributes.len(), 11);
    for text in attributes.values().map(|value| value.as_str().expect("text")).chain([reason]) {
        let is_plain = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
        assert!(text.chars().all(|c| c == '\n' || is_plain(c)), "CloudFormation cannot show {text:?}");
    }
    // A panic that was caught, and a driver that went on for too long, are answered so.
    assert!(!reason.starts_with("The Lambda function gave up in the middle of"), "{reason}");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An answer that was put, and where.
type Put = (Uri, Bytes);
