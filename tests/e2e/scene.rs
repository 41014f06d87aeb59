//! One test's own corner of the world: a resource, its stack, its way to Livy. Ends with nothing left behind.

use std::collections::HashSet;
use std::net::TcpListener;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::LogType;
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::answers::Answer;
use crate::emr::{Place, Way};
use crate::event::{Envelope, Event};
use crate::functions::Unlike;
use crate::livy::{Batch, Livy, Route};
use crate::local::root;
use crate::wait::until;
use crate::world::{ROOM_FOR_JOBS, RUNTIME, World};

/// Plays a scene whose jobs keep the machine busy: only a few of these are played at a time.
pub fn play(name: &'static str, body: impl AsyncFnOnce(&Scene)) {
    RUNTIME.block_on(async {
        let _room = ROOM_FOR_JOBS.acquire().await.expect("never closed");
        stage(name, body).await;
    });
}

/// Plays a scene without jobs.
pub fn play_light(name: &'static str, body: impl AsyncFnOnce(&Scene)) {
    RUNTIME.block_on(stage(name, body));
}

async fn stage(name: &'static str, body: impl AsyncFnOnce(&Scene)) {
    let world = World::get().await;
    let scene = Scene {
        name,
        world,
        livy: world.recorder.route(name),
        stack_id: format!("arn:aws:cloudformation:us-east-1:000000000000:stack/{name}/{}", unique()),
        function: OnceLock::new(),
        places: Mutex::default(),
        stacks: Mutex::default(),
        events: Mutex::default(),
        is_answered_again: AtomicBool::new(false),
    };
    let played = AssertUnwindSafe(async {
        body(&scene).await;
        scene.left_nothing().await;
    });
    let played = played.catch_unwind().await;
    if played.is_err() {
        // On this thread, so that it is shown with the failure.
        eprintln!("{}", scene.evidence().await);
        scene.clear().await;
    }
    if let Some(function) = scene.function.get() {
        world.functions.remove(function).await;
    }
    if let Err(panic) = played {
        std::panic::resume_unwind(panic);
    }
}

/// A resource of its own, named after the scene.
#[derive(Debug)]
pub struct Scene {
    /// The resource's `LogicalResourceId`.
    pub name: &'static str,
    /// What is shared.
    pub world: &'static World,
    /// Its way to Livy.
    pub livy: Route,
    stack_id: String,
    /// A function of its own, which it asks instead of the deployed one.
    function: OnceLock<String>,
    /// What it made of EMR's to run its jobs on.
    places: Mutex<Vec<Place>>,
    /// Those that it made.
    stacks: Mutex<Vec<String>>,
    /// Those that it sent.
    events: Mutex<Vec<Event>>,
    is_answered_again: AtomicBool,
}

/// What came of an invocation.
#[derive(Debug)]
pub struct Invocation {
    /// What Lambda calls a function error, with its text.
    pub error: Option<String>,
    /// The end of what the invocation logged.
    pub log: String,
}

impl Scene {
    /// One of `events/`, about this scene's resource, with its job on this scene's Livy.
    pub fn event(&self, file: &str) -> Event {
        let token = unique();
        let mut event = Event::read(
            file,
            Envelope {
                response_url: self.world.answers.address(&token),
                token,
                stack_id: self.stack_id.clone(),
                logical_id: self.name.to_owned(),
            },
        );
        for properties in event.properties() {
            properties.remove("LivyHost");
            properties.remove("LivyPort");
            properties.insert("LivyUrl".to_owned(), self.livy.url().into());
        }
        self.events.lock().expect("no panic").push(event.clone());
        event
    }

    /// A Create of `properties`.
    pub fn create(&self, properties: &Value) -> Event {
        self.event("create").with("ResourceProperties", properties.clone())
    }

    /// An Update of the resource `id` from `old` to `new` properties.
    pub fn update(&self, id: &str, old: &Value, new: &Value) -> Event {
        self.event("update-replacement")
            .with("PhysicalResourceId", id)
            .with("OldResourceProperties", old.clone())
            .with("ResourceProperties", new.clone())
    }

    /// A Delete of the resource `id`.
    pub fn delete(&self, id: &str, properties: &Value) -> Event {
        self.event("delete").with("PhysicalResourceId", id).with("ResourceProperties", properties.clone())
    }

    /// From now on its requests go to a function of its own.
    pub async fn asks(&self, unlike: &Unlike) {
        let function = self.world.functions.make(self.name, unlike).await;
        self.function.set(function).expect("one function for a scene");
    }

    /// The function that its requests go to.
    pub fn submitter(&self) -> &str {
        self.function.get().unwrap_or(&self.world.submitter)
    }

    /// Invokes the Lambda with `event`, which is to be answered once.
    pub async fn ask(&self, event: &Event) -> Answer {
        let invocation = self.invoke(event.json.to_string()).await;
        assert_eq!(invocation.error, None, "the invocation failed:\n{}", invocation.log);
        self.answered(event).await
    }

    /// The one answer to an event, once somebody has given it.
    pub async fn answered(&self, event: &Event) -> Answer {
        let taken = async || self.world.answers.is_taken(&event.token).then_some(());
        until("there is an answer", taken).await;
        self.answer(event)
    }

    /// The one answer to an event.
    pub fn answer(&self, event: &Event) -> Answer {
        self.world.answers.only(&event.token, &event.json)
    }

    /// Invokes the Lambda with whatever it is.
    pub async fn invoke(&self, payload: impl Into<Vec<u8>>) -> Invocation {
        let call = self.world.lambda.invoke().function_name(self.submitter()).log_type(LogType::Tail);
        let sent = call.payload(Blob::new(payload)).send().await;
        let output = sent.unwrap_or_else(|error| panic!("Lambda did not take it: {error:?}"));
        let payload =
            output.payload().map(|blob| String::from_utf8_lossy(blob.as_ref()).into_owned()).unwrap_or_default();
        Invocation {
            error: output.function_error().map(|kind| format!("{kind}: {payload}")),
            log: output.log_result().map(decode).unwrap_or_default(),
        }
    }

    /// Properties of a job that does nothing for so many seconds, on this scene's Livy.
    pub fn idle(&self, seconds: u32) -> Value {
        self.job("tests/jobs/idle.py", &[&seconds.to_string()])
    }

    /// Properties of the job in a file of this repository, on this scene's Livy.
    pub fn job(&self, file: &str, arguments: &[&str]) -> Value {
        json!({
            "ServiceToken": self.submitter(),
            "LivyUrl": self.livy.url(),
            "StableSeconds": "2",
            "Parameters": { "File": path(file), "Args": arguments },
        })
    }

    /// Something of the scene's own to run jobs on.
    pub async fn on(&self, way: Way) -> Place {
        self.owns_place(self.world.emr.make(way).await)
    }

    /// Takes note of where its jobs run, so that none of them is left there.
    pub fn owns_place(&self, place: Place) -> Place {
        self.places.lock().expect("no panic").push(place.clone());
        place
    }

    /// Properties of a job that does nothing for so many seconds, on EMR.
    pub async fn idle_on(&self, place: &Place, seconds: u32) -> Value {
        self.job_on(place, "tests/jobs/idle.py", &[&seconds.to_string()]).await
    }

    /// Properties of the job in a file of this repository, on EMR.
    pub async fn job_on(&self, place: &Place, file: &str, arguments: &[&str]) -> Value {
        let parameters = json!({ "File": place.emr.file(file).await, "Args": arguments });
        let properties = json!({ "ServiceToken": self.submitter(), "StableSeconds": "2", "Parameters": parameters });
        with(&properties, place.target())
    }

    /// Takes note of a stack, so that it goes with the scene.
    pub fn owns_stack(&self, id: &str) {
        self.stacks.lock().expect("no panic").push(id.to_owned());
    }

    /// From now on its answers may be put more than once: Lambda gives requests up that were claimed, and when the responder
    /// asks for the execution, that may have come to its end.
    pub fn may_be_answered_again(&self) {
        self.is_answered_again.store(true, Ordering::Relaxed);
    }

    /// Invariants that hold at the end of whatever happened.
    async fn left_nothing(&self) {
        assert_eq!(self.livy.live().await, [], "jobs were left running");
        for place in self.places() {
            assert_eq!(place.live().await, [], "jobs were left running at {place:?}");
            for run in place.runs().await {
                assert_eq!(place.processes(&run.id), [""; 0], "{run:?} is over, and its processes are not");
            }
        }
        for stack in self.stacks() {
            self.stack_was_answered_well(&stack);
        }
    }

    /// Each request of a stack was answered, with the same bytes each time, and `CloudFormation` found nothing wrong.
    fn stack_was_answered_well(&self, stack: &str) {
        let exchanges = self.exchanges(stack);
        let of = |kind: &str| exchanges.iter().filter(move |line| line["kind"] == *kind).collect::<Vec<_>>();
        for request in of("request") {
            let answers: Vec<_> =
                of("answer").into_iter().filter(|line| line["RequestId"] == request["RequestId"]).collect();
            let is_once = answers.len() == 1 || self.is_answered_again.load(Ordering::Relaxed);
            let is_same = answers.iter().all(|answer| answer["body"] == answers[0]["body"]);
            assert!(!answers.is_empty() && is_once && is_same, "answers to {request:#}: {answers:#?}");
            assert_eq!(answers[0]["refused"], "", "S3 refused an answer to {request:#}");
            assert_eq!(answers[0]["fault"], "", "a fault in the answer to {request:#}");
            Answer::read(answers[0]["body"].as_str().unwrap_or_default().as_bytes(), request);
        }
    }

    /// What the emulator noted of a stack's requests and answers.
    pub fn exchanges(&self, stack: &str) -> Vec<Value> {
        let log = std::fs::read_to_string(&self.world.instance.custom_resources).unwrap_or_default();
        let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let ids: Vec<_> =
            lines.iter().filter(|line| line["StackId"] == *stack).map(|line| &line["RequestId"]).collect();
        lines.iter().filter(|line| ids.contains(&&line["RequestId"])).cloned().collect()
    }

    /// Removes what a scene that failed left behind.
    async fn clear(&self) {
        for stack in self.stacks() {
            _ = self.world.cloudformation.delete_stack().stack_name(stack).send().await;
        }
        for batch in self.livy.live().await {
            self.livy.livy().kill(batch.id).await;
        }
        for place in self.places() {
            for run in place.live().await {
                place.cancel(&run.id).await;
            }
        }
    }

    /// All that helps to see what went wrong.
    async fn evidence(&self) -> String {
        let mut told = vec![format!("\n=== {}\n--- what was said to Livy", self.name)];
        for call in self.livy.calls() {
            let status = call.status.map_or("nothing came back".to_owned(), |status| status.to_string());
            told.push(format!("{} {} {}-> {status} {}", call.method, call.path, brief(&call.sent), brief(&call.said)));
        }
        for place in self.places() {
            told.push(format!(
                "--- what was said to EMR about {}\n{:?}\n{:#?}",
                place.id,
                place.calls().await,
                place.runs().await
            ));
        }
        told.push(format!("still live: {:?}\n--- events and answers", self.livy.live().await));
        for event in self.events.lock().expect("no panic").iter() {
            told.push(format!("{} {:?}", event.json["RequestType"], self.world.answers.tried(&event.token)));
        }
        for stack in self.stacks() {
            told.extend(self.exchanges(&stack).iter().map(ToString::to_string));
            told.push(crate::stack::events(self.world, &stack).await);
        }
        told.push(format!("--- the Lambda's log\n{}", self.log()));
        told.join("\n")
    }

    /// The lines of the Lambda's log that are about this scene's requests.
    pub fn log(&self) -> String {
        let sent = self.events.lock().expect("no panic").iter().map(|event| event.token.clone()).collect::<Vec<_>>();
        let exchanges = self.stacks().into_iter().flat_map(|stack| self.exchanges(&stack));
        let ids = exchanges.filter_map(|line| line["RequestId"].as_str().map(str::to_owned)).chain(sent);
        let ids: HashSet<_> = ids.collect();
        let log = std::fs::read_to_string(&self.world.instance.lambda_log).unwrap_or_default();
        let lines = log.lines().filter(|line| ids.iter().any(|id| line.contains(id)));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn places(&self) -> Vec<Place> {
        self.places.lock().expect("no panic").clone()
    }

    fn stacks(&self) -> Vec<String> {
        self.stacks.lock().expect("no panic").clone()
    }

    /// Livy, past the recorder.
    pub fn real_livy(&self) -> &Livy {
        self.livy.livy()
    }

    /// The only batch that was ever made for this scene.
    #[track_caller]
    pub fn only_batch(&self) -> Batch {
        let made = self.livy.made();
        assert_eq!(made.len(), 1, "{made:?}");
        made.into_iter().next().expect("one")
    }
}

/// `properties` with further ones, or others.
#[must_use]
pub fn with(properties: &Value, others: Value) -> Value {
    let (mut properties, Value::Object(others)) = (properties.clone(), others) else {
        panic!("properties are an object")
    };
    properties.as_object_mut().expect("an object").extend(others);
    properties
}

/// The absolute path of a file of this repository, as Livy takes it.
pub fn path(file: &str) -> String {
    root().join(file).to_str().expect("a path in UTF-8").to_owned()
}

/// An address of this machine where nobody listens.
pub fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("a bound socket"))
}

/// A text in the shape of a UUID that nobody else has.
pub fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_micros();
    format!(
        "{:08x}-{:04x}-4000-8000-{:012x}",
        now >> 16 & 0xffff_ffff,
        now & 0xffff,
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

fn brief(json: &Value) -> String {
    if json.is_null() { String::new() } else { format!("{} ", json.to_string().chars().take(400).collect::<String>()) }
}

/// Base64, as Lambda gives the end of a log.
fn decode(text: &str) -> String {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Vec<u8> = text.bytes().filter_map(digit).collect();
    let bytes = digits.chunks(4).flat_map(|four| {
        let bits = four.iter().fold(0_u32, |bits, digit| bits << 6 | u32::from(*digit)) << (6 * (4 - four.len()));
        bits.to_be_bytes()[1..four.len()].to_vec()
    });
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
}
