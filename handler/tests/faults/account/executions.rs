//! Step Functions' API, and the rule of `EventBridge` on executions that end otherwise than they should.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::timeout;

use handler::moment;
use sparkjob::job::Timestamp;
use sparkjob::testing::{ACCOUNT, REGION};

use super::data::{Data, LONGEST};
use super::history::{Details, History, Kind, Refusal};
use super::machine::{Ended, Fault};
use super::{Account, Function, MACHINE, held, rule};

/// Where an execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Aborted,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted => "ABORTED",
        }
    }

    /// How its history calls its end.
    fn kind(self) -> Kind {
        match self {
            Self::Running => unreachable!("it is not over"),
            Self::Succeeded => "ExecutionSucceeded",
            Self::Failed => "ExecutionFailed",
            Self::TimedOut => "ExecutionTimedOut",
            Self::Aborted => "ExecutionAborted",
        }
    }
}

/// All executions of the workflow, by their names.
#[derive(Debug, Default)]
pub struct Executions {
    by_name: BTreeMap<String, Execution>,
    denied: BTreeSet<&'static str>,
    lag: Duration,
}

#[derive(Clone, Debug)]
struct Execution {
    input: Arc<str>,
    began: Timestamp,
    ended: Option<Timestamp>,
    status: Status,
    output: Option<Arc<str>>,
    fault: Option<Fault>,
    history: History,
    stop: Arc<Notify>,
}

impl Account {
    /// Denies an operation of Step Functions: `StartExecution`, say.
    pub fn deny(&self, operation: &'static str) {
        held(&self.0.executions).denied.insert(operation);
    }

    /// Has nothing told of an execution before it is so old.
    pub fn lag(&self, lag: Duration) {
        held(&self.0.executions).lag = lag;
    }

    /// How each execution stands, in no order.
    pub fn executions(&self) -> Vec<Status> {
        held(&self.0.executions).by_name.values().map(|execution| execution.status).collect()
    }

    /// What they are called.
    pub fn names(&self) -> Vec<String> {
        held(&self.0.executions).by_name.keys().cloned().collect()
    }

    /// How often all of them together have entered this state.
    pub fn entered(&self, state: &str) -> usize {
        held(&self.0.executions).by_name.values().map(|execution| execution.history.entered(state)).sum()
    }

    /// Whether some execution has stored an answer.
    pub fn holds_an_answer(&self) -> bool {
        held(&self.0.executions).by_name.values().any(|execution| execution.history.holds_an_answer())
    }

    /// Stops every execution that runs, as a person would by hand.
    pub fn stop_executions(&self) {
        for execution in held(&self.0.executions).by_name.values() {
            execution.stop.notify_one();
        }
    }

    /// Stops the execution of this ARN, as a person would by hand.
    pub fn stop(&self, asked: &str) {
        let executions = held(&self.0.executions);
        let named = executions.by_name.iter().find(|(name, _)| arn(name) == asked);
        named.expect("an execution").1.stop.notify_one();
    }

    /// Starts an execution with this input, whoever would give it that.
    pub fn start(&self, name: &str, input: &Value) {
        self.start_execution(&json!({
            "stateMachineArn": Self::workflow_arn(), "name": name, "input": input.to_string(),
        }))
        .expect("it can be started");
    }

    pub(super) fn answer_states(&self, request: &Request<Bytes>) -> Response<Bytes> {
        assert_eq!(request.headers()[header::CONTENT_TYPE], "application/x-amz-json-1.0");
        let target = request.headers()["x-amz-target"].to_str().expect("an operation");
        let body: Value = serde_json::from_slice(request.body()).expect("JSON");
        let operation = target.strip_prefix("AWSStepFunctions.").expect("Step Functions");
        let answer = if held(&self.0.executions).denied.contains(operation) {
            Err(("AccessDeniedException", format!("User: role is not authorized to perform: states:{operation}")))
        } else {
            match operation {
                "StartExecution" => self.start_execution(&body),
                "DescribeExecution" => self.describe_execution(&body),
                "GetExecutionHistory" => self.get_execution_history(&body),
                _ => panic!("{operation} is asked of Step Functions"),
            }
        };
        respond(answer)
    }

    /// [Idempotent](https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html) as long as the
    /// execution runs.
    fn start_execution(&self, body: &Value) -> Result<Value, Refusal> {
        let machine = body["stateMachineArn"].as_str().expect("an ARN");
        if machine != Self::workflow_arn() {
            return Err(("StateMachineDoesNotExist", format!("State Machine Does Not Exist: '{machine}'")));
        }
        let name = body["name"].as_str().expect("a name");
        let input = body["input"].as_str().expect("an input");
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!((1..=80).contains(&name.len()) && name.chars().all(is_name), "{name}");
        if input.len() > LONGEST {
            return Err(("InvalidExecutionInput", format!("{} bytes", input.len())));
        }
        let began = self.town().now();
        let answer = |began| json!({ "executionArn": arn(name), "startDate": seconds(began) });
        if let Some(execution) = held(&self.0.executions).by_name.get(name) {
            return if execution.status == Status::Running && *execution.input == *input {
                Ok(answer(execution.began))
            } else {
                Err(("ExecutionAlreadyExists", format!("Execution Already Exists: '{}'", arn(name))))
            };
        }
        let (stop, text) = (Arc::new(Notify::new()), Arc::from(input));
        let execution = Execution {
            input: Arc::clone(&text),
            began,
            ended: None,
            status: Status::Running,
            output: None,
            fault: None,
            history: History::default(),
            stop: Arc::clone(&stop),
        };
        held(&self.0.executions).by_name.insert(name.to_owned(), execution);
        self.record(name, "ExecutionStarted", Details::Began(Arc::clone(&text)));
        let (account, name) = (self.clone(), name.to_owned());
        let input = Data { value: serde_json::from_str(input).expect("an input is JSON"), text };
        self.spawn(async move { account.execute(name, input, began, stop).await });
        Ok(answer(began))
    }

    fn describe_execution(&self, body: &Value) -> Result<Value, Refusal> {
        let execution = self.asked_for(body)?;
        let mut told = json!({
            "executionArn": body["executionArn"],
            "stateMachineArn": Self::workflow_arn(),
            "name": body["executionArn"].as_str().and_then(|asked| asked.rsplit(':').next()),
            "status": execution.status.word(),
            "startDate": seconds(execution.began),
            "input": &*execution.input,
            "inputDetails": { "included": true },
        });
        if let Some(ended) = execution.ended {
            told["stopDate"] = seconds(ended).into();
        }
        if let Some(output) = &execution.output {
            told["output"] = (**output).into();
        }
        if let Some(Fault { error, cause }) = &execution.fault {
            (told["error"], told["cause"]) = (error.clone().into(), cause.clone().into());
        }
        Ok(told)
    }

    fn get_execution_history(&self, body: &Value) -> Result<Value, Refusal> {
        self.asked_for(body)?.history.page(body)
    }

    /// The execution that is named by its ARN.
    fn asked_for(&self, body: &Value) -> Result<Execution, Refusal> {
        let asked = body["executionArn"].as_str().expect("an ARN");
        let name = asked.rsplit(':').next().expect("a name");
        assert_eq!(asked, arn(name));
        let executions = held(&self.0.executions);
        let is_told = |execution: &&Execution| self.town().now() >= execution.began + executions.lag;
        let known = executions.by_name.get(name).filter(is_told).cloned();
        known.ok_or_else(|| ("ExecutionDoesNotExist", format!("Execution Does Not Exist: '{asked}'")))
    }

    /// Adds an event to the history of the execution of this name.
    pub(super) fn record(&self, name: &str, kind: Kind, details: Details) {
        let now = self.town().now();
        let mut executions = held(&self.0.executions);
        executions.by_name.get_mut(name).expect("it was started").history.add(now, kind, details);
    }

    async fn execute(&self, name: String, input: Data, began: Timestamp, stop: Arc<Notify>) {
        let (limit, began) = (self.0.machine.limit(), moment::text(began));
        let ended = tokio::select! {
            biased;
            () = stop.notified() => (Status::Aborted, None, None),
            ended = timeout(limit, self.run(&self.0.machine, &name, input, &began)) => match ended {
                Ok(Ended::Succeeded(output)) => (Status::Succeeded, Some(output.text), None),
                Ok(Ended::Failed(fault)) => (Status::Failed, None, Some(fault)),
                Err(_) => (Status::TimedOut, None, None),
            },
        };
        self.record(&name, ended.0.kind(), last_words(&ended));
        let mut executions = held(&self.0.executions);
        let execution = executions.by_name.get_mut(&name).expect("it was started");
        (execution.status, execution.output, execution.fault) = ended;
        execution.ended = Some(self.town().now());
        let execution = execution.clone();
        drop(executions);
        let notice = notice(&name, &execution, self.town().now());
        if rule::takes(&notice) {
            held(&self.0.notices).push(notice.clone());
            self.invoke(Function::Responder, notice);
        }
    }
}

/// What the last event of a history says.
fn last_words((_, output, fault): &(Status, Option<Arc<str>>, Option<Fault>)) -> Details {
    match (output, fault) {
        (Some(output), _) => Details::Came(Arc::clone(output)),
        (None, Some(Fault { error, cause })) => Details::Failed(error.clone(), cause.clone()),
        (None, None) => Details::None,
    }
}

/// What `EventBridge` brings to the responder:
/// [the event](https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html). An input that is too long
/// is left out.
fn notice(name: &str, execution: &Execution, now: Timestamp) -> Value {
    const ROOM: usize = 248 * 1024;
    let input = Value::from(&*execution.input);
    let has_room = input.to_string().len() <= ROOM;
    let fault = execution.fault.clone();
    json!({
        "version": "0",
        "id": "315c1398-40ff-a850-213b-158f73e60175",
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": ACCOUNT,
        "time": moment::text(now),
        "region": REGION,
        "resources": [arn(name)],
        "detail": {
            "executionArn": arn(name),
            "stateMachineArn": Account::workflow_arn(),
            "name": name,
            "status": execution.status.word(),
            "startDate": execution.began.0,
            "stopDate": now.0,
            "input": if has_room { input } else { Value::Null },
            "inputDetails": { "included": has_room },
            "output": null,
            "outputDetails": null,
            "stateMachineVersionArn": null,
            "stateMachineAliasArn": null,
            "redriveCount": 0,
            "redriveDate": null,
            "redriveStatus": "REDRIVABLE",
            "redriveStatusReason": null,
            "error": fault.as_ref().map(|fault| &fault.error),
            "cause": fault.as_ref().map(|fault| &fault.cause),
        },
    })
}

fn arn(name: &str) -> String {
    format!("arn:aws:states:{REGION}:{ACCOUNT}:execution:{MACHINE}:{name}")
}

fn seconds(moment: Timestamp) -> f64 {
    Duration::from_millis(moment.0).as_secs_f64()
}

fn respond(answer: Result<Value, Refusal>) -> Response<Bytes> {
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err((code, message)) => (StatusCode::BAD_REQUEST, json!({ "__type": code, "message": message })),
    };
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
