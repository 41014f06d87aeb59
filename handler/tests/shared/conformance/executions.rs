//! Step Functions' API, as far as the product asks it.

use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::operation::start_execution::{StartExecutionError, StartExecutionOutput};
use aws_sdk_sfn::primitives::{DateTime, DateTimeFormat};
use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent, HistoryEventType};
use serde_json::{Value, json};

use super::{Machine, Side, until};

pub async fn the_same_again_is_the_same_execution_as_long_as_it_runs<S: Side>() {
    let machine = S::machine(waiting()).await;
    let input = for_long(&machine);
    let first = start(&machine, "twice", &input).await.unwrap();
    let again = start(&machine, "twice", &input).await.unwrap();
    assert_eq!((again.execution_arn(), again.start_date()), (first.execution_arn(), first.start_date()));
    machine.stop(first.execution_arn()).await;
    machine.remove().await;
}

pub async fn of_two_that_start_the_same_at_once_both_have_started_it<S: Side>() {
    let machine = S::machine(waiting()).await;
    let input = for_long(&machine);
    let (one, other) = tokio::join!(start(&machine, "at-once", &input), start(&machine, "at-once", &input));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((one.execution_arn(), one.start_date()), (other.execution_arn(), other.start_date()));
    machine.stop(one.execution_arn()).await;
    machine.remove().await;
}

pub async fn a_name_is_taken_while_an_execution_of_another_input_runs<S: Side>() {
    let machine = S::machine(waiting()).await;
    let mut input = for_long(&machine);
    let running = start(&machine, "other", &input).await.unwrap();
    input["Other"] = true.into();
    refused(start(&machine, "other", &input).await, "ExecutionAlreadyExists");
    assert_eq!(described(&machine, running.execution_arn()).await.status(), &ExecutionStatus::Running);
    machine.stop(running.execution_arn()).await;
    machine.remove().await;
}

pub async fn a_name_stays_taken_when_its_execution_is_over<S: Side>() {
    let machine = S::machine(waiting()).await;
    let mut input = for_long(&machine);
    let stopped = start(&machine, "stopped", &input).await.unwrap();
    machine.stop(stopped.execution_arn()).await;
    over(&machine, stopped.execution_arn()).await;
    refused(start(&machine, "stopped", &input).await, "ExecutionAlreadyExists");
    input["Until"] = text(machine.now()).into();
    let succeeded = start(&machine, "succeeded", &input).await.unwrap();
    over(&machine, succeeded.execution_arn()).await;
    refused(start(&machine, "succeeded", &input).await, "ExecutionAlreadyExists");
    input["Other"] = true.into();
    refused(start(&machine, "succeeded", &input).await, "ExecutionAlreadyExists");
    machine.remove().await;
}

pub async fn an_execution_that_runs_tells_its_input_and_no_output<S: Side>() {
    let machine = S::machine(waiting()).await;
    let input = for_long(&machine);
    let started = start(&machine, "runs", &input).await.unwrap();
    let told = described(&machine, started.execution_arn()).await;
    assert_eq!(told.status(), &ExecutionStatus::Running);
    assert_eq!((told.execution_arn(), told.start_date()), (started.execution_arn(), started.start_date()));
    assert_eq!((told.state_machine_arn(), told.name()), (&*machine.arn(), Some("runs")));
    assert_eq!((told.input(), told.output()), (Some(&*input.to_string()), None));
    assert_eq!((told.error(), told.cause()), (None, None));
    machine.stop(started.execution_arn()).await;
    machine.remove().await;
}

pub async fn an_execution_that_succeeded_tells_its_output<S: Side>() {
    let machine = S::machine(waiting()).await;
    let input = json!({ "Until": text(machine.now()), "Said": "für Élise" });
    let told = ended(&machine, "succeeds", &input).await;
    assert_eq!(told.status(), &ExecutionStatus::Succeeded);
    assert_eq!(read(told.output()), input);
    assert_eq!((told.error(), told.cause()), (None, None));
    machine.remove().await;
}

pub async fn an_execution_that_failed_tells_its_input_and_why<S: Side>() {
    let machine = S::machine(calling()).await;
    let input = json!({ "Function": machine.function(), "Script": ["Boom"] });
    let told = ended(&machine, "fails", &input).await;
    assert_eq!((told.status(), told.input()), (&ExecutionStatus::Failed, Some(&*input.to_string())));
    assert_eq!(told.error(), Some("Boom"));
    assert_eq!(read(told.cause()), json!({ "errorType": "Boom", "errorMessage": "as told" }));
    assert_eq!(told.output().is_none(), S::WAYS.has_output_of_success_alone, "{told:?}");
    machine.remove().await;
}

pub async fn an_execution_that_was_stopped_tells_its_input<S: Side>() {
    let machine = S::machine(waiting()).await;
    let input = for_long(&machine);
    let started = start(&machine, "stopped", &input).await.unwrap();
    machine.stop(started.execution_arn()).await;
    let told = over(&machine, started.execution_arn()).await;
    assert_eq!((told.status(), told.input()), (&ExecutionStatus::Aborted, Some(&*input.to_string())));
    assert_eq!(told.output(), None);
    let ended = told.stop_date().expect("a date").secs();
    assert!((told.start_date().secs()..=machine.now().secs() + 1).contains(&ended), "{told:?}");
    machine.remove().await;
}

pub async fn an_execution_that_nobody_started_does_not_exist<S: Side>() {
    let machine = S::machine(waiting()).await;
    let arn = format!("{}:nobody", machine.arn().replacen(":stateMachine:", ":execution:", 1));
    let told = machine.client().describe_execution().execution_arn(&arn).send().await;
    refused(told, "ExecutionDoesNotExist");
    let told = machine.client().get_execution_history().execution_arn(&arn).send().await;
    refused(told, "ExecutionDoesNotExist");
    machine.remove().await;
}

pub async fn a_history_tells_what_each_state_was_given_and_what_it_left<S: Side>() {
    let catch = json!({ "ErrorEquals": ["Boom"], "ResultPath": "$.Caught", "Next": "Done" });
    let act = task("$.Function", json!({ "Catch": [catch], "Next": "Done" }));
    let machine = S::machine(whole(&json!({ "Act": act, "Done": { "Type": "Succeed" } }))).await;
    for script in [json!([]), json!(["Boom"])] {
        let input = json!({ "Function": machine.function(), "Script": script });
        let told = ended(&machine, &format!("history-{}", script.as_array().expect("a list").len()), &input).await;
        let left = read(told.output());
        assert_eq!(left["Caught"]["Error"].as_str(), script[0].as_str(), "{left}");
        let carried: Vec<_> = history(&machine, told.execution_arn(), None).await.iter().filter_map(carried).collect();
        let expected = [("Done left", &left), ("Done entered", &left), ("Act left", &left), ("Act entered", &input)];
        assert_eq!(carried, expected.map(|(what, data)| (what.to_owned(), data.clone())));
    }
    machine.remove().await;
}

pub async fn a_history_tells_where_an_execution_was_stopped<S: Side>() {
    let machine = S::machine(waiting()).await;
    let input = for_long(&machine);
    let started = start(&machine, "stopped", &input).await.unwrap();
    let arn = started.execution_arn();
    until("it waits", async || history(&machine, arn, None).await.iter().find_map(carried)).await;
    machine.stop(arn).await;
    over(&machine, arn).await;
    let events = history(&machine, arn, None).await;
    assert_eq!(events[0].r#type(), &HistoryEventType::ExecutionAborted);
    assert_eq!(events.iter().find_map(carried), Some(("Act entered".to_owned(), input)));
    machine.remove().await;
}

pub async fn a_history_is_told_page_by_page<S: Side>() {
    let machine = S::machine(calling()).await;
    let input = json!({ "Function": machine.function(), "Script": [] });
    let told = ended(&machine, "pages", &input).await;
    let whole = history(&machine, told.execution_arn(), None).await;
    assert!(whole.len() > 3 && whole.iter().rev().map(HistoryEvent::id).eq(1..=whole.len().try_into().unwrap()));
    for size in 1..=i32::try_from(whole.len()).unwrap() {
        assert_eq!(history(&machine, told.execution_arn(), Some(size)).await, whole, "{size} a page");
    }
    machine.remove().await;
}

/// All that happened to an execution, the latest first, asked for so many at a time.
async fn history(machine: &impl Machine, execution: &str, size: Option<i32>) -> Vec<HistoryEvent> {
    let (mut events, mut token) = (Vec::new(), None);
    loop {
        let asked = machine.client().get_execution_history().execution_arn(execution).reverse_order(true);
        let asked = asked.include_execution_data(true).set_max_results(size).set_next_token(token);
        let page = asked.send().await.unwrap();
        assert!(size.is_none_or(|size| page.events().len() <= size.try_into().unwrap()), "{page:?}");
        events.extend(page.events);
        token = page.next_token;
        if token.is_none() {
            return events;
        }
    }
}

/// What a state was given when it was entered, or left when it was left; none of any other event.
fn carried(event: &HistoryEvent) -> Option<(String, Value)> {
    let entered = event.state_entered_event_details().map(|told| (told.name(), "entered", told.input()));
    let exited = event.state_exited_event_details().map(|told| (told.name(), "left", told.output()));
    let (name, how, data) = entered.or(exited)?;
    Some((format!("{name} {how}"), read(data)))
}

pub async fn an_execution_that_fails_or_is_stopped_is_told_of<S: Side>() {
    let machine = S::machine(calling()).await;
    let input = json!({ "Function": machine.function(), "Script": ["Boom"] });
    let failed = ended(&machine, "fails", &input).await;
    let notice = noticed(&machine, failed.execution_arn()).await;
    assert_eq!((&notice["status"], &notice["input"]), (&json!("FAILED"), &json!(input.to_string())));
    assert_eq!((&notice["error"], read(notice["cause"].as_str())), (&json!("Boom"), read(failed.cause())));

    let input = json!({ "Function": machine.function(), "Script": ["Sleeps"] });
    let stopped = start(&machine, "stopped", &input).await.unwrap();
    machine.stop(stopped.execution_arn()).await;
    let notice = noticed(&machine, stopped.execution_arn()).await;
    assert_eq!((&notice["status"], &notice["input"]), (&json!("ABORTED"), &json!(input.to_string())));
    assert_eq!((&notice["error"], &notice["cause"]), (&Value::Null, &Value::Null));
    machine.remove().await;
}

/// The detail of what is told of an execution.
async fn noticed(machine: &impl Machine, execution: &str) -> Value {
    let mut notice = until("it is told of", async || machine.notice(execution).await).await;
    assert_eq!(notice["source"], "aws.states");
    assert_eq!(notice["detail-type"], "Step Functions Execution Status Change");
    assert_eq!(notice["resources"], json!([execution]));
    let detail = notice["detail"].take();
    assert_eq!((&detail["executionArn"], &detail["stateMachineArn"]), (&json!(execution), &json!(machine.arn())));
    assert_eq!(execution.rsplit(':').next(), detail["name"].as_str());
    assert_eq!(detail["inputDetails"]["included"], true);
    assert!(detail["startDate"].as_i64() <= detail["stopDate"].as_i64() && detail["startDate"].is_i64(), "{detail}");
    detail
}

pub async fn a_state_machine_that_nobody_made_does_not_exist<S: Side>() {
    let machine = S::machine(waiting()).await;
    let nobody = format!("{}Nobody", machine.arn());
    let started = machine.client().start_execution().state_machine_arn(nobody).name("nobody").input("{}").send().await;
    refused(started, "StateMachineDoesNotExist");
    machine.remove().await;
}

/// An execution from its start to its end.
pub(super) async fn ended(machine: &impl Machine, name: &str, input: &Value) -> DescribeExecutionOutput {
    let started = start(machine, name, input).await.unwrap();
    over(machine, started.execution_arn()).await
}

pub(super) async fn start(
    machine: &impl Machine,
    name: &str,
    input: &Value,
) -> Result<StartExecutionOutput, SdkError<StartExecutionError>> {
    let request = machine.client().start_execution().state_machine_arn(machine.arn());
    request.name(name).input(input.to_string()).send().await
}

pub(super) async fn over(machine: &impl Machine, execution: &str) -> DescribeExecutionOutput {
    let is_over = async || {
        let told = described(machine, execution).await;
        (told.status() != &ExecutionStatus::Running).then_some(told)
    };
    until("the execution is over", is_over).await
}

pub(super) async fn described(machine: &impl Machine, execution: &str) -> DescribeExecutionOutput {
    machine.client().describe_execution().execution_arn(execution).send().await.unwrap()
}

#[track_caller]
fn refused<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(answer: Result<T, SdkError<E>>, code: &str) {
    let failed = answer.unwrap_err();
    assert_eq!(failed.code(), Some(code), "{failed:?}");
    assert_eq!(failed.raw_response().map(|response| response.status().as_u16()), Some(400));
}

/// A state machine of these states, of which `Act` is the first.
pub(super) fn whole(states: &Value) -> Value {
    json!({ "Comment": "Of the conformance suite.", "StartAt": "Act", "TimeoutSeconds": 600, "States": states })
}

/// A task that calls the function to which this path leads, as the workflow does and with the count of its tries; with `more`.
pub(super) fn task(function: &str, more: Value) -> Value {
    let mut task = json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName.$": function,
            "Payload": {
                "Turn.$": "$",
                "Fixed": 1,
                "Began.$": "$$.Execution.StartTime",
                "Tries.$": "$$.State.RetryCount",
            },
        },
        "OutputPath": "$.Payload",
        "TimeoutSeconds": 60,
    });
    let Value::Object(more) = more else { unreachable!("fields of a state are an object") };
    task.as_object_mut().expect("an object").extend(more);
    task
}

/// One that calls a function.
fn calling() -> Value {
    whole(&json!({ "Act": task("$.Function", json!({ "Next": "Done" })), "Done": { "Type": "Succeed" } }))
}

/// One that waits until its input says.
fn waiting() -> Value {
    whole(&json!({
        "Act": { "Type": "Wait", "TimestampPath": "$.Until", "Next": "Done" },
        "Done": { "Type": "Succeed" },
    }))
}

/// The input with which that waits for longer than a test takes.
fn for_long(machine: &impl Machine) -> Value {
    json!({ "Until": text(DateTime::from_secs(machine.now().secs() + 300)) })
}

/// A moment as Step Functions reads it.
pub(super) fn text(moment: DateTime) -> String {
    moment.fmt(DateTimeFormat::DateTime).expect("a date of this century")
}

pub(super) fn read(text: Option<&str>) -> Value {
    serde_json::from_str(text.expect("a text")).expect("JSON")
}
