//! The workflow's own definition, carried out: as much of the
//! [Amazon States Language](https://states-language.net/spec.html) as it makes use of. Whatever else stands there is refused,
//! so that nothing is passed over.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use handler::moment;
use sparkjob::job::Timestamp;

use super::data::Data;
use super::history::{Details, Kind};
use super::lambda::{Function, Missed, payload};
use super::{Account, LATENCY, Trouble, held};

/// What Step Functions [tells](https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html) of trouble of
/// Lambda's own: all [that there is](https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors) that passes.
pub const PASSING: [&str; 10] = [
    "ClientExecutionTimeoutException",
    "EC2ThrottledException",
    "EC2UnexpectedException",
    "ENILimitReachedException",
    "ENINotReadyException",
    "ResourceConflictException",
    "ResourceNotReadyException",
    "SdkClientException",
    "ServiceException",
    "SubnetIPAddressLimitReachedException",
];

/// A state machine.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Machine {
    #[serde(rename = "Comment")]
    _comment: String,
    start_at: String,
    timeout_seconds: u64,
    states: BTreeMap<String, State>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "Type")]
enum State {
    Task(Task),
    Choice(Choice),
    Wait(Wait),
    Succeed(#[expect(dead_code, reason = "it has nothing but a comment")] Succeed),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Task {
    #[serde(rename = "Comment", default)]
    _comment: String,
    resource: String,
    parameters: Value,
    output_path: String,
    timeout_seconds: u64,
    #[serde(default)]
    retry: Vec<Retrier>,
    #[serde(default)]
    catch: Vec<Catcher>,
    next: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Retrier {
    #[serde(rename = "Comment", default)]
    _comment: String,
    error_equals: Vec<String>,
    interval_seconds: f64,
    backoff_rate: f64,
    #[serde(default)]
    max_delay_seconds: Option<f64>,
    max_attempts: u32,
    #[serde(default)]
    jitter_strategy: Option<Jitter>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Jitter {
    Full,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Catcher {
    error_equals: Vec<String>,
    result_path: String,
    next: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Choice {
    #[serde(rename = "Comment", default)]
    _comment: String,
    choices: Vec<Rule>,
    default: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Rule {
    variable: String,
    #[serde(default)]
    boolean_equals: Option<bool>,
    #[serde(default)]
    is_present: Option<bool>,
    #[serde(default)]
    timestamp_greater_than_equals_path: Option<String>,
    next: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Wait {
    #[serde(rename = "Comment", default)]
    _comment: String,
    timestamp_path: String,
    next: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Succeed {
    #[serde(rename = "Comment", default)]
    _comment: String,
}

impl State {
    /// How a history calls that it is entered, and that it is left.
    fn kinds(&self) -> (Kind, Kind) {
        match self {
            Self::Task(_) => ("TaskStateEntered", "TaskStateExited"),
            Self::Choice(_) => ("ChoiceStateEntered", "ChoiceStateExited"),
            Self::Wait(_) => ("WaitStateEntered", "WaitStateExited"),
            Self::Succeed(_) => ("SucceedStateEntered", "SucceedStateExited"),
        }
    }
}

/// How an execution ended by itself.
pub enum Ended {
    Succeeded(Data),
    Failed(Fault),
}

/// Why a state failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub error: String,
    pub cause: String,
}

impl Fault {
    fn new(error: &str, cause: impl Into<String>) -> Self {
        Self { error: error.to_owned(), cause: cause.into() }
    }

    /// What Step Functions tells of trouble of Lambda's own: one after the other.
    fn of_lambda(count: usize) -> Self {
        Self::new(&format!("Lambda.{}", PASSING[count % PASSING.len()]), "Try again.")
    }

    /// What it tells where the workflow [may not call](https://github.com/awslabs/aws-deployment-framework/issues/460) a function.
    fn of_denial() -> Self {
        let cause = "User: role is not authorized to perform: lambda:InvokeFunction (Service: AWSLambda; Status Code: 403; Error \
                     Code: AccessDeniedException)";
        Self::new("Lambda.AWSLambdaException", cause)
    }

    /// `States.ALL` means all [but two](https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
    fn is_one_of(&self, errors: &[String]) -> bool {
        let is_any = !matches!(self.error.as_str(), "States.Runtime" | "States.DataLimitExceeded");
        errors.iter().any(|error| *error == self.error || (error == "States.ALL" && is_any))
    }
}

impl Machine {
    /// That of the template.
    pub fn of_the_template() -> Self {
        Self::of(&include_str!("../../../lifecycle.asl.json").replace("${Partition}", "aws"))
    }

    /// One of this definition.
    pub fn of(definition: &str) -> Self {
        serde_json::from_str(definition).expect("the definition has nothing that is not known here")
    }

    /// How long an execution may last.
    pub fn limit(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }
}

impl Account {
    /// Carries out the execution of this name, which began at `began`.
    pub(super) async fn run(&self, machine: &Machine, execution: &str, input: Data, began: &str) -> Ended {
        let (mut name, mut data) = (&machine.start_at, input);
        loop {
            sleep(LATENCY).await;
            let entered = moment::text(self.town().now());
            let context = json!({ "Execution": { "StartTime": began }, "State": { "EnteredTime": entered } });
            if data.is_too_large() {
                return Ended::Failed(Fault::new("States.DataLimitExceeded", format!("{name} got too much")));
            }
            let state = machine.states.get(name).unwrap_or_else(|| panic!("there is no state {name}"));
            let (enters, exits) = state.kinds();
            self.record(execution, enters, Details::Given(name.clone(), data.text.clone()));
            let moved = match state {
                State::Task(task) => self.task(task, execution, &data.value, &context).await.map(|(output, next)| {
                    data = output;
                    Some(next)
                }),
                State::Choice(choice) => choose(choice, &data.value, &context).map(Some),
                State::Wait(wait) => self.wait(wait, &data.value).await.map(Some),
                State::Succeed(_) => Ok(None),
            };
            let next = match moved {
                Ok(next) => next,
                Err(fault) => return Ended::Failed(fault),
            };
            self.record(execution, exits, Details::Left(name.clone(), data.text.clone()));
            let Some(next) = next else { return Ended::Succeeded(data) };
            name = next;
        }
    }

    /// One task until it succeeds, is caught, or fails: its output and what follows.
    async fn task<'a>(
        &self,
        task: &'a Task,
        execution: &str,
        input: &Value,
        context: &Value,
    ) -> Result<(Data, &'a String), Fault> {
        let (mut counts, mut context) = (vec![0; task.retry.len()], context.clone());
        loop {
            context["State"]["RetryCount"] = counts.iter().sum::<u32>().into();
            let limit = Duration::from_secs(task.timeout_seconds);
            self.record(execution, "TaskScheduled", Details::Called);
            self.record(execution, "TaskStarted", Details::Called);
            let (kind, fault) = match timeout(limit, self.attempt(task, input, &context)).await {
                Ok(Ok(output)) => {
                    self.record(execution, "TaskSucceeded", Details::Called);
                    return Ok((output, &task.next));
                }
                Ok(Err(fault)) => ("TaskFailed", fault),
                Err(_) => ("TaskTimedOut", Fault::new("States.Timeout", "")),
            };
            self.record(execution, kind, Details::Failed(fault.error.clone(), fault.cause.clone()));
            let retrier = task.retry.iter().position(|retrier| fault.is_one_of(&retrier.error_equals));
            match retrier {
                Some(index) if counts[index] < task.retry[index].max_attempts => {
                    sleep(task.retry[index].pause(counts[index])).await;
                    counts[index] += 1;
                }
                _ => return caught(task, input, fault),
            }
        }
    }

    async fn attempt(&self, task: &Task, input: &Value, context: &Value) -> Result<Data, Fault> {
        assert_eq!(task.resource, "arn:aws:states:::lambda:invoke");
        let parameters = filled(&task.parameters, input, context)?;
        let Value::Object(mut parameters) = parameters else { panic!("parameters are an object") };
        let called = parameters.remove("FunctionName").expect("the name of a function");
        let event = Data::from(parameters.remove("Payload").expect("a payload"));
        assert!(parameters.is_empty(), "{parameters:?}");
        let function = Function::ALL.into_iter().find(|function| called == function.arn()).expect("a function");
        if event.is_too_large() {
            return Err(Fault::new("States.DataLimitExceeded", "the parameters are too large"));
        }
        let (trouble, count) = match held(&self.0.troubles).get_mut(&function) {
            Some(troubles) => (troubles.pop(), troubles.len()),
            None => (None, 0),
        };
        let of_lambda = || Fault::of_lambda(count);
        if trouble == Some(Trouble::Denied) {
            return Err(Fault::of_denial());
        }
        if trouble == Some(Trouble::Before) {
            return Err(of_lambda());
        }
        let called = self.call_beside(function, event);
        let called = match trouble {
            Some(Trouble::Beside) => timeout(LATENCY * 2, called).await.map_err(|_| of_lambda())?,
            _ => called.await,
        };
        if trouble == Some(Trouble::After) {
            return Err(of_lambda());
        }
        let result = match called {
            Ok(returned) => json!({ "ExecutedVersion": "$LATEST", "Payload": returned, "StatusCode": 200 }),
            Err(Missed::Failed(failed)) => {
                return Err(Fault::new(&failed.error_type, payload(&failed).to_string()));
            }
            Err(Missed::Throttled) => return Err(Fault::new("Lambda.TooManyRequestsException", "Rate Exceeded.")),
        };
        // What the result holds besides is a few bytes.
        let output = Data::from(at(&task.output_path, &result)?.clone());
        if output.is_too_large() {
            return Err(Fault::new("States.DataLimitExceeded", "the result is too large"));
        }
        Ok(output)
    }

    /// Calls a function, which goes on although nobody may wait for it any more.
    async fn call_beside(&self, function: Function, event: Data) -> Result<Value, Missed> {
        let (tell, told) = oneshot::channel();
        let account = self.clone();
        self.spawn(async move {
            let _ = tell.send(account.call(function, &event.text).await);
        });
        told.await.expect("a call returns")
    }

    /// [Without the milliseconds](https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html) of the moment.
    async fn wait<'a>(&self, wait: &'a Wait, input: &Value) -> Result<&'a String, Fault> {
        let until = at(&wait.timestamp_path, input)?;
        let until = time(until).ok_or_else(|| Fault::new("States.Runtime", format!("{until} is no timestamp")))?;
        let until = Timestamp(until.0 - until.0 % 1000);
        sleep(until.since(self.town().now())).await;
        Ok(&wait.next)
    }
}

impl Retrier {
    /// The pause before the next try after so many; where it is to vary, a half of it.
    fn pause(&self, tries: u32) -> Duration {
        let growth = self.backoff_rate.powi(i32::try_from(tries).expect("a few"));
        let whole = (self.interval_seconds * growth).min(self.max_delay_seconds.unwrap_or(f64::MAX));
        let part = match self.jitter_strategy {
            Some(Jitter::Full) => 0.5,
            None => 1.0,
        };
        Duration::from_secs_f64(whole * part)
    }
}

fn caught<'a>(task: &'a Task, input: &Value, fault: Fault) -> Result<(Data, &'a String), Fault> {
    let Some(catcher) = task.catch.iter().find(|catcher| fault.is_one_of(&catcher.error_equals)) else {
        return Err(fault);
    };
    let name = catcher.result_path.strip_prefix("$.").filter(|name| !name.contains('.')).expect("one name");
    let mut output = input.clone();
    output[name] = json!({ "Error": fault.error, "Cause": fault.cause });
    Ok((output.into(), &catcher.next))
}

fn choose<'a>(choice: &'a Choice, input: &Value, context: &Value) -> Result<&'a String, Fault> {
    for rule in &choice.choices {
        if rule.is_so(input, context)? {
            return Ok(&rule.next);
        }
    }
    Ok(&choice.default)
}

impl Rule {
    fn is_so(&self, input: &Value, context: &Value) -> Result<bool, Fault> {
        let value = found(&self.variable, input, context);
        Ok(match (self.is_present, self.boolean_equals, &self.timestamp_greater_than_equals_path) {
            (Some(expected), None, None) => value.is_ok() == expected,
            // Another type than the one that is compared is simply not equal.
            (None, Some(expected), None) => *value? == expected,
            (None, None, Some(path)) => {
                let (at, least) = (time(value?), time(found(path, input, context)?));
                at.zip(least).is_some_and(|(at, least)| at >= least)
            }
            _ => panic!("one comparison: {self:?}"),
        })
    }
}

/// Parameters, with what their paths lead to.
fn filled(template: &Value, input: &Value, context: &Value) -> Result<Value, Fault> {
    let Value::Object(fields) = template else { return Ok(template.clone()) };
    let mut whole = Map::new();
    for (name, value) in fields {
        match name.strip_suffix(".$") {
            Some(name) => {
                let path = value.as_str().expect("a path");
                whole.insert(name.to_owned(), found(path, input, context)?.clone());
            }
            None => _ = whole.insert(name.clone(), filled(value, input, context)?),
        }
    }
    Ok(Value::Object(whole))
}

/// What a path leads to, in the input or, where it begins with `$$`, in the
/// [context object](https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html).
fn found<'a>(path: &str, input: &'a Value, context: &'a Value) -> Result<&'a Value, Fault> {
    match path.strip_prefix('$').filter(|rest| rest.starts_with('$')) {
        Some(path) => at(path, context),
        None => at(path, input),
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(moment::read)
}

/// What a path of names leads to.
fn at<'a>(path: &str, value: &'a Value) -> Result<&'a Value, Fault> {
    let mut names = path.split('.');
    assert_eq!(names.next(), Some("$"), "{path}");
    names
        .try_fold(value, |value, name| value.get(name))
        .ok_or_else(|| Fault::new("States.Runtime", format!("The JSONPath '{path}' could not be found in the input")))
}
