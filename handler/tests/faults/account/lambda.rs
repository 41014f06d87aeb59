//! Lambda: functions in sandboxes, called by whoever waits, or asynchronously.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use handler::claim::Successors;
use handler::responder::Responder;
use handler::workflow::Workflow;
use handler::{Failed, Submitter};
use sparkjob::drive::Clock;
use sparkjob::engine::Engines;
use sparkjob::http::{Lost, Transport};
use sparkjob::testing::{ACCOUNT, Death, Faulty, REGION, engines, note};

use super::{Account, LATENCY, World, held, scripted};

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    Submitter,
    Responder,
    /// None of the template's: that of the conformance suite.
    Scripted,
}

/// The longest pause before a call for which there was no room is repeated.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// The [pauses](https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html) between deliveries of an
/// event whose invocations fail.
pub const PAUSES: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(2)];

/// How a call of a function ended that did not return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missed {
    /// It failed, with what it says of that.
    Failed(Diagnostic),
    /// It was not called: there was no room.
    Throttled,
}

/// When trouble of Lambda's own comes, of which a caller [hears no more than that](https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors)
/// there is some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Before the function is called, so that it is not.
    Before,
    /// While the function works, which goes on.
    Beside,
    /// After the function was called and did its work.
    After,
    /// The workflow may not call it.
    Denied,
}

/// Sandboxes that wait for their next call; one whose process died does not come back.
#[derive(Debug, Default)]
pub struct Sandboxes(BTreeMap<Function, Vec<Sandbox>>);

/// A process of a function.
#[derive(Debug)]
struct Sandbox {
    code: Code,
    death: Death,
}

#[derive(Debug)]
enum Code {
    Submitter(Submitter),
    Responder(Responder),
    Scripted,
}

impl Function {
    pub const ALL: [Self; 3] = [Self::Submitter, Self::Responder, Self::Scripted];

    pub fn arn(self) -> String {
        let name = match self {
            Self::Submitter => "submitter",
            Self::Responder => "responder",
            Self::Scripted => "scripted",
        };
        format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
    }

    /// Until when an event is delivered again: `MaximumEventAgeInSeconds`.
    pub fn longest_age(self) -> Duration {
        match self {
            Self::Submitter => Duration::from_mins(9),
            Self::Responder | Self::Scripted => Duration::from_hours(1),
        }
    }

    /// How long a call may last.
    pub fn limit(self) -> Duration {
        match self {
            Self::Submitter => Duration::from_mins(15),
            Self::Responder => Duration::from_mins(5),
            Self::Scripted => Duration::from_secs(30),
        }
    }
}

impl Account {
    /// Brings an execution of this name before the responder by hand, as the runbook says.
    pub async fn bring(&self, name: &str) -> Result<Value, Missed> {
        let asked = json!({"detail": {"name": name, "status": "FAILED"}}).to_string();
        self.call(Function::Responder, &asked).await
    }

    /// Calls a function and waits for what it returns.
    pub async fn call(&self, function: Function, payload: &str) -> Result<Value, Missed> {
        sleep(LATENCY).await;
        let returned = self.called(function, payload).await;
        if let Err(Missed::Failed(failed)) = &returned {
            note(&failed.error_message);
            held(&self.0.failures).push(failed.error_message.clone());
        }
        returned
    }

    async fn called(&self, function: Function, payload: &str) -> Result<Value, Missed> {
        if let Some(times) = held(&self.0.throttled).get_mut(&function).filter(|times| **times > 0) {
            *times -= 1;
            return Err(Missed::Throttled);
        }
        let idle = held(&self.0.sandboxes).0.get_mut(&function).and_then(Vec::pop);
        let sandbox = idle.unwrap_or_else(|| self.sandbox(function));
        let limit = held(&self.0.limits).get(&function).copied().unwrap_or(function.limit());
        let is_frozen = held(&self.0.frozen).contains(&function);
        let served = async {
            if is_frozen {
                pending::<()>().await;
            }
            sandbox.serve(function, payload, self.clock(), limit).await
        };
        let served = tokio::select! {
            biased;
            () = sandbox.death.comes() => return Err(killed()),
            () = self.0.end_of_calls.notified() => return Err(killed()),
            served = timeout(limit, served) => served,
        };
        let Ok(served) = served else {
            return Err(crashed("Sandbox.Timedout", &format!("Task timed out after {}.00 seconds", limit.as_secs())));
        };
        held(&self.0.sandboxes).0.entry(function).or_default().push(sandbox);
        served.map_err(Missed::Failed)
    }

    /// Hands an event over to a function, which is called until it succeeds, three times at most; then the responder is told
    /// of one that the submitter did not take.
    pub fn invoke(&self, function: Function, event: Value) {
        let account = self.clone();
        self.spawn(async move {
            if let Some(record) = account.invoked(function, event).await
                && function == Function::Submitter
            {
                account.invoke(Function::Responder, record);
            }
        });
    }

    /// The record of an event that was given up.
    async fn invoked(&self, function: Function, event: Value) -> Option<Value> {
        let (begin, payload) = (Instant::now(), event.to_string());
        let mut pauses = PAUSES.iter();
        for count in 1.. {
            let missed = match self.when_there_is_room(function, &payload, begin).await {
                Ok(_) => return None,
                Err(Missed::Throttled) => {
                    return Some(record(function, &event, "EventAgeExceeded", count, &Missed::Throttled));
                }
                Err(missed) => missed,
            };
            let Some(pause) = pauses.next() else {
                return Some(record(function, &event, "RetriesExhausted", count, &missed));
            };
            if begin.elapsed() + *pause > function.longest_age() {
                return Some(record(function, &event, "EventAgeExceeded", count, &missed));
            }
            sleep(*pause).await;
        }
        None
    }

    /// Calls a function for an event that Lambda has had since `begin`: a call for which there is no room is
    /// [no try](https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html), and is repeated, with longer
    /// and longer pauses, for as long as the event is kept.
    async fn when_there_is_room(&self, function: Function, payload: &str, begin: Instant) -> Result<Value, Missed> {
        let mut pause = Duration::from_secs(1);
        loop {
            match self.call(function, payload).await {
                Err(Missed::Throttled) if begin.elapsed() + pause <= function.longest_age() => {
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                called => return called,
            }
        }
    }

    fn sandbox(&self, function: Function) -> Sandbox {
        let (way, death) = self.way().process();
        let engines = engines(Arc::new(Process { way, cut_off: Arc::clone(&self.0.cut_off), function }));
        let workflow = |engines: &Engines| {
            let workflow = Workflow::new(Self::workflow_arn(), engines.aws());
            (!self.0.is_without_workflow).then_some(workflow)
        };
        let code = match function {
            Function::Submitter => {
                let responder = Function::Responder.arn();
                let successors = workflow(&engines).map(|workflow| Successors { workflow, responder });
                Code::Submitter(Submitter { engines, successors })
            }
            Function::Responder => Code::Responder(Responder { workflow: workflow(&engines), engines }),
            Function::Scripted => Code::Scripted,
        };
        Sandbox { code, death }
    }

    fn clock(&self) -> Clock {
        Clock::showing(self.town().now())
    }
}

impl Sandbox {
    /// One call, as the runtime makes it: text comes in, text goes out.
    async fn serve(
        &self,
        function: Function,
        payload: &str,
        clock: Clock,
        limit: Duration,
    ) -> Result<Value, Diagnostic> {
        let mut context = Context::default();
        context.deadline = (clock.now() + limit).0;
        context.invoked_function_arn = function.arn();
        match &self.code {
            Code::Submitter(code) => {
                returned(code.serve(LambdaEvent::new(read(payload), context), clock).boxed().await)
            }
            Code::Responder(code) => {
                returned(code.serve(LambdaEvent::new(read(payload), context), clock).boxed().await)
            }
            Code::Scripted => scripted::serve(&read(payload)).await,
        }
    }
}

/// What the runtime makes of what a function returns.
fn returned(served: Result<impl Serialize, Failed>) -> Result<Value, Diagnostic> {
    served.map(|done| serde_json::to_value(done).expect("plain data")).map_err(Diagnostic::from)
}

fn read<T: DeserializeOwned>(payload: &str) -> T {
    serde_json::from_str(payload).expect("whatever is JSON is taken")
}

fn killed() -> Missed {
    crashed("Runtime.ExitError", "Runtime exited with error: signal: killed")
}

fn crashed(error_type: &str, message: &str) -> Missed {
    let error_message = format!("RequestId: 8f5c Error: {message}");
    Missed::Failed(Diagnostic { error_type: error_type.to_owned(), error_message })
}

/// What is told of an event that was
/// [given up](https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
fn record(function: Function, event: &Value, condition: &str, count: u32, missed: &Missed) -> Value {
    let mut record = json!({
        "version": "1.0",
        "timestamp": "2026-11-21T07:00:00.000Z",
        "requestContext": {
            "requestId": "8f5c",
            "functionArn": format!("{}:$LATEST", function.arn()),
            "condition": condition,
            "approximateInvokeCount": count,
        },
        "requestPayload": event,
    });
    if let Missed::Failed(failed) = missed {
        record["responseContext"] =
            json!({ "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" });
        record["responsePayload"] = payload(failed);
    }
    record
}

/// What a call that failed returns.
pub fn payload(failed: &Diagnostic) -> Value {
    json!({ "errorType": failed.error_type, "errorMessage": failed.error_message })
}

/// For so long it is tried to connect, as [`Net`](sparkjob::http::Net) does.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// The way out of one process.
#[derive(Debug)]
struct Process {
    way: Faulty<World>,
    cut_off: Arc<Mutex<BTreeSet<(Function, String)>>>,
    function: Function,
}

#[async_trait]
impl Transport for Process {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        if held(&self.cut_off).contains(&(self.function, host)) {
            sleep(limit.min(CONNECT_LIMIT)).await;
            let is_short = limit < CONNECT_LIMIT;
            return Err(if is_short { Lost::TimedOut } else { Lost::NotSent("operation timed out".to_owned()) });
        }
        self.way.send(request, limit).await
    }
}
