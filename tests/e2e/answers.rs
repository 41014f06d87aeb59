//! The strict stand-in for the `ResponseURL`: takes an answer only as S3 would, and checks it as `CloudFormation` does.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::process::lambda_behind_has;
use crate::server::{Peer, Reply, serve};

/// `CloudFormation`'s limit for the whole body.
const MAX_ANSWER: usize = 4096;
/// `CloudFormation`'s limit for a `PhysicalResourceId`.
const MAX_ID: usize = 1024;
/// What a template may ask for with `Fn::GetAtt`: one that is missing fails a stack.
pub const ATTRIBUTES: [&str; 11] = [
    "Engine",
    "JobId",
    "Arn",
    "BatchId",
    "ApplicationId",
    "State",
    "Name",
    "SparkUiUrl",
    "DriverLogUrl",
    "LogUri",
    "ConsoleUrl",
];

/// What the signatures begin with, a secret.
pub const SIGNATURE: &str = "hunter2";

/// Where answers are put, each at an address of its own.
#[derive(Clone, Debug)]
pub struct Answers {
    port: u16,
    awaited: Arc<Mutex<HashMap<String, Awaited>>>,
}

#[derive(Debug, Default)]
struct Awaited {
    refusals: VecDeque<Refusal>,
    puts: Vec<Put>,
}

/// What happens to an answer instead of being taken.
#[derive(Clone, Copy, Debug)]
pub enum Refusal {
    /// It is answered with this status.
    Status(u16),
    /// The connection breaks when it was read, before the status.
    HangUp,
    /// The same from now on, but for the responder.
    HangUpOnTheSubmitter,
}

/// One attempt to answer.
#[derive(Clone, Debug)]
pub struct Put {
    /// What it was told; none where the connection broke.
    pub status: Option<u16>,
    /// What it carried.
    pub body: Bytes,
    /// What S3 would not have taken.
    faults: Vec<String>,
}

/// An answer, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// `SUCCESS` or `FAILED`.
    pub status: String,
    /// Empty where there is none.
    pub reason: String,
    /// What `CloudFormation` keeps of the resource.
    pub physical_id: String,
    /// What `Fn::GetAtt` gives.
    pub data: BTreeMap<String, String>,
}

impl Put {
    fn is_taken(&self) -> bool {
        self.status.is_some_and(|status| status < 300)
    }
}

impl Answers {
    /// Listens on this machine, and keeps in a file whatever is put, where `make e2e` looks for secrets.
    pub async fn listen(kept: &Path) -> Self {
        let awaited = Arc::<Mutex<HashMap<String, Awaited>>>::default();
        let takes = Arc::clone(&awaited);
        let kept = Arc::new(Mutex::new(File::create(kept).expect("the folder of the instance's logs is there")));
        let port = serve(move |request| {
            let mut kept = kept.lock().expect("no panic");
            kept.write_all(&[request.body(), &b"\n"[..]].concat()).expect("the file is written");
            drop(kept);
            let reply = take(&takes, &request);
            async move { reply }
        });
        Self { port: port.await, awaited }
    }

    /// A new address for one answer, presigned now; `token` tells it from all others.
    pub fn address(&self, token: &str) -> String {
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let now = OffsetDateTime::now_utc().format(format).expect("a date of this era");
        self.awaited.lock().expect("no panic").insert(token.to_owned(), Awaited::default());
        format!(
            "http://127.0.0.1:{}/{token}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={now}&X-Amz-SignedHeaders=host\
             &X-Amz-Expires=7200&X-Amz-Credential=AKIAEXAMPLE%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature={SIGNATURE}{token}",
            self.port
        )
    }

    /// Lets the next attempts at `token`'s address fare badly.
    pub fn fail(&self, token: &str, refusals: &[Refusal]) {
        let mut awaited = self.awaited.lock().expect("no panic");
        awaited.get_mut(token).expect("an address of ours").refusals.extend(refusals);
    }

    /// All attempts at `token`'s address, each as S3 would have taken it.
    pub fn puts(&self, token: &str) -> Vec<Put> {
        let puts = self.tried(token);
        for put in &puts {
            assert!(put.faults.is_empty(), "S3 would not have taken this answer: {:?}\n{put:?}", put.faults);
        }
        puts
    }

    /// All attempts at `token`'s address, whatever they are.
    pub fn tried(&self, token: &str) -> Vec<Put> {
        self.awaited.lock().expect("no panic")[token].puts.clone()
    }

    /// Whether an attempt was taken, after which there is to be none.
    pub fn is_taken(&self, token: &str) -> bool {
        self.tried(token).last().is_some_and(Put::is_taken)
    }

    /// The one answer to `event`. Where it took several attempts, all were the same.
    pub fn only(&self, token: &str, event: &Value) -> Answer {
        let puts = self.puts(token);
        let (last, earlier) = puts.split_last().unwrap_or_else(|| panic!("no answer to {event:#}"));
        assert!(last.is_taken(), "gave up: {puts:?}");
        for put in earlier {
            assert!(!put.is_taken(), "answered again after an answer was taken: {puts:?}");
            assert_eq!(put.body, last.body, "an attempt differs from the one before");
        }
        Answer::read(&last.body, event)
    }
}

impl Answer {
    /// Reads an answer as `CloudFormation` would, and panics where it would not take it.
    pub fn read(body: &[u8], event: &Value) -> Self {
        let text = String::from_utf8_lossy(body);
        let json: Value = serde_json::from_slice(body).unwrap_or_else(|error| panic!("not JSON ({error}): {text}"));
        assert!(body.len() <= MAX_ANSWER, "{} bytes, which is too long: {text}", body.len());
        for name in ["StackId", "RequestId", "LogicalResourceId"] {
            assert_eq!(json[name], event[name], "{name} must be the event's: {text}");
        }
        let field = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        let answer = Self {
            status: field("Status"),
            reason: field("Reason"),
            physical_id: field("PhysicalResourceId"),
            data: serde_json::from_value(json["Data"].clone()).unwrap_or_else(|error| panic!("Data: {error}: {text}")),
        };
        assert!((1..=MAX_ID).contains(&answer.physical_id.len()), "a bad PhysicalResourceId: {text}");
        match answer.status.as_str() {
            "SUCCESS" => {}
            "FAILED" => assert!(!answer.reason.is_empty(), "FAILED without a Reason: {text}"),
            _ => panic!("Status must be SUCCESS or FAILED: {text}"),
        }
        let missing: Vec<_> = ATTRIBUTES.iter().filter(|name| !answer.data.contains_key(**name)).collect();
        assert!(missing.is_empty(), "attributes are missing: {missing:?}: {text}");
        answer
    }

    /// This answer, which must be a success.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.status, "SUCCESS", "{}", self.reason);
        self
    }

    /// This answer, which must be a failure.
    #[track_caller]
    pub fn failed(self) -> Self {
        assert_eq!(self.status, "FAILED", "{self:?}");
        self
    }

    /// Panics unless the reason holds each of `texts`.
    #[track_caller]
    pub fn tells(&self, texts: &[&str]) {
        let missing: Vec<_> = texts.iter().filter(|text| !self.reason.contains(**text)).collect();
        assert!(missing.is_empty(), "the reason does not tell {missing:?}:\n{}", self.reason);
    }
}

fn take(awaited: &Mutex<HashMap<String, Awaited>>, request: &Request<Bytes>) -> Reply {
    let mut awaited = awaited.lock().expect("no panic");
    let Some(awaited) = awaited.get_mut(request.uri().path().trim_start_matches('/')) else { return status(403) };
    let faults = faults(request);
    let refusal = match awaited.refusals.front() {
        Some(Refusal::HangUpOnTheSubmitter) if is_responder(request) => None,
        Some(Refusal::HangUpOnTheSubmitter) => Some(Refusal::HangUp),
        _ => awaited.refusals.pop_front(),
    };
    let reply = match refusal {
        Some(Refusal::HangUp | Refusal::HangUpOnTheSubmitter) => None,
        Some(Refusal::Status(code)) => status(code),
        None if faults.is_empty() => status(200),
        None => status(403),
    };
    let status = reply.as_ref().map(|response| response.status().as_u16());
    awaited.puts.push(Put { status, body: request.body().clone(), faults });
    reply
}

fn is_responder(request: &Request<Bytes>) -> bool {
    let peer = request.extensions().get::<Peer>();
    peer.is_some_and(|peer| lambda_behind_has(*peer, "_HANDLER=responder"))
}

/// What S3 would not take: a type that was not signed, a length that is not told beforehand.
fn faults(request: &Request<Bytes>) -> Vec<String> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let mut faults = Vec::new();
    if request.method() != "PUT" {
        faults.push(format!("method {}", request.method()));
    }
    if header("content-type").is_some_and(|kind| !kind.is_empty()) {
        faults.push("a Content-Type".to_owned());
    }
    if header("transfer-encoding").is_some() {
        faults.push("a Transfer-Encoding".to_owned());
    }
    if header("content-length").and_then(|length| length.parse().ok()) != Some(request.body().len()) {
        faults.push("no Content-Length, or a wrong one".to_owned());
    }
    if !request.uri().query().is_some_and(|query| query.contains("X-Amz-Signature=")) {
        faults.push("another query than the presigned one".to_owned());
    }
    faults
}

fn status(code: u16) -> Reply {
    Response::builder().status(code).body(Bytes::new()).ok()
}
