//! The states language, as far as the workflow's definition makes use of it.

use std::time::Duration;

use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::primitives::{DateTime, DateTimeFormat};
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::executions::{described, ended, over, read, start, task, text, whole};
use super::{Machine, Side, until};

pub async fn a_task_is_given_what_its_paths_lead_to<S: Side>() {
    let machine = S::machine(one_task(json!({}))).await;
    let input = scripted(&machine, &[]);
    let told = ended(&machine, "paths", &input).await;
    let mut output = output(&told);
    let began = output["Began"].take();
    assert_eq!(output, json!({ "Turn": input, "Fixed": 1, "Began": null, "Tries": 0 }));
    let began = DateTime::from_str(began.as_str().expect("a text"), DateTimeFormat::DateTime).unwrap();
    // One is told to the millisecond as text, the other one as a number.
    assert!((began.as_secs_f64() - told.start_date().as_secs_f64()).abs() < 0.001, "{began} {told:?}");
    machine.remove().await;
}

pub async fn a_task_that_fails_is_tried_again_with_the_count_of_its_tries<S: Side>() {
    let machine = S::machine(one_task(json!({ "Retry": [retrier("States.ALL", 3)] }))).await;
    let told = ended(&machine, "third", &scripted(&machine, &["Boom", "Bang"])).await;
    assert_eq!(output(&told)["Tries"], 2);
    let told = ended(&machine, "last", &scripted(&machine, &["Boom", "Bang", "Boom"])).await;
    assert_eq!(output(&told)["Tries"], 3);
    let told = ended(&machine, "none", &scripted(&machine, &["Boom", "Bang", "Boom", "Bang"])).await;
    failed(&told, "Bang");
    machine.remove().await;
}

pub async fn a_state_that_is_entered_anew_counts_its_tries_anew<S: Side>() {
    let retry = json!({ "Retry": [retrier("States.ALL", 1)], "Next": "Again" });
    let again = task("$.Turn.Function", json!({ "Next": "Done" }));
    let states = json!({ "Act": task("$.Function", retry), "Again": again, "Done": { "Type": "Succeed" } });
    let machine = S::machine(whole(&states)).await;
    let told = ended(&machine, "anew", &scripted(&machine, &["Boom"])).await;
    let output = output(&told);
    assert_eq!((&output["Tries"], &output["Turn"]["Tries"]), (&json!(0), &json!(1)));
    machine.remove().await;
}

pub async fn the_first_retrier_that_matches_decides<S: Side>() {
    let retry = json!({ "Retry": [retrier("Boom", 0), retrier("States.ALL", 3)] });
    let machine = S::machine(one_task(retry)).await;
    let told = ended(&machine, "first", &scripted(&machine, &["Boom"])).await;
    failed(&told, "Boom");
    let told = ended(&machine, "second", &scripted(&machine, &["Bang"])).await;
    assert_eq!(output(&told)["Tries"], 1);
    machine.remove().await;
}

pub async fn each_retrier_counts_for_itself<S: Side>() {
    let retry = json!({ "Retry": [retrier("Boom", 1), retrier("States.ALL", 1)] });
    let machine = S::machine(one_task(retry)).await;
    let told = ended(&machine, "each", &scripted(&machine, &["Boom", "Bang"])).await;
    assert_eq!(output(&told)["Tries"], 2);
    let told = ended(&machine, "more", &scripted(&machine, &["Boom", "Bang", "Boom"])).await;
    failed(&told, "Boom");
    machine.remove().await;
}

pub async fn a_function_that_dies_is_called_again<S: Side>() {
    let machine = S::machine(one_task(json!({ "Retry": [retrier("States.ALL", 1)] }))).await;
    let told = ended(&machine, "once", &scripted(&machine, &["Dies"])).await;
    assert_eq!(output(&told)["Tries"], 1);
    let told = ended(&machine, "twice", &scripted(&machine, &["Dies", "Dies"])).await;
    failed(&told, "Runtime.ExitError");
    machine.remove().await;
}

pub async fn a_task_that_takes_too_long_is_tried_again<S: Side>() {
    let retry = json!({ "Retry": [retrier("States.Timeout", 1)], "TimeoutSeconds": 4 });
    let machine = S::machine(one_task(retry)).await;
    let told = ended(&machine, "once", &scripted(&machine, &["Sleeps"])).await;
    assert_eq!(output(&told)["Tries"], 1);
    let told = ended(&machine, "twice", &scripted(&machine, &["Sleeps", "Sleeps"])).await;
    failed(&told, "States.Timeout");
    machine.remove().await;
}

pub async fn what_is_caught_after_the_last_try_is_added_to_the_input<S: Side>() {
    let retry = json!({ "Retry": [retrier("Boom", 1)], "Catch": [catcher("States.ALL", "$.Caught")] });
    let machine = S::machine(one_task(retry)).await;
    let input = scripted(&machine, &["Boom", "Boom"]);
    let told = ended(&machine, "caught", &input).await;
    let mut output = output(&told);
    let caught = output.as_object_mut().expect("an object").remove("Caught").expect("what was caught");
    assert_eq!(output, input);
    assert_eq!(caught["Error"], "Boom");
    assert_eq!(read(caught["Cause"].as_str()), json!({ "errorType": "Boom", "errorMessage": "as told" }));
    machine.remove().await;
}

pub async fn the_first_catcher_that_matches_decides<S: Side>() {
    let catch = [catcher("Boom", "$.Boom"), catcher("States.ALL", "$.Any"), catcher("Bang", "$.Bang")];
    let machine = S::machine(one_task(json!({ "Catch": catch }))).await;
    for (script, caught) in [("Boom", "Boom"), ("Bang", "Any")] {
        let told = ended(&machine, script, &scripted(&machine, &[script])).await;
        let output = output(&told);
        assert_eq!(output[caught]["Error"], script, "{output}");
        assert_eq!(output.as_object().expect("an object").len(), 3, "{output}");
    }
    machine.remove().await;
}

pub async fn what_no_catcher_names_fails_the_execution<S: Side>() {
    let machine = S::machine(one_task(json!({ "Catch": [catcher("Bang", "$.Caught")] }))).await;
    let told = ended(&machine, "uncaught", &scripted(&machine, &["Boom"])).await;
    failed(&told, "Boom");
    machine.remove().await;
}

pub async fn a_choice_takes_the_rule_that_is_true<S: Side>() {
    let machine = S::machine(choosing(json!({ "Variable": "$.Ended", "BooleanEquals": true }))).await;
    for (number, (ended, is_so)) in
        [(json!(true), true), (json!(false), false), (json!("true"), false)].iter().enumerate()
    {
        let input = scripted_with(&machine, &json!({ "Ended": ended }));
        let told = self::ended(&machine, &format!("choice-{number}"), &input).await;
        chosen(&told, &input, *is_so);
    }
    machine.remove().await;
}

pub async fn a_choice_knows_what_is_there<S: Side>() {
    let machine = S::machine(choosing(json!({ "Variable": "$.Progress.Answer", "IsPresent": true }))).await;
    for (number, (progress, is_so)) in
        [(json!({ "Answer": "{}" }), true), (json!({ "Answered": "{}" }), false), (json!("Claimed"), false)]
            .iter()
            .enumerate()
    {
        let input = scripted_with(&machine, &json!({ "Progress": progress }));
        let told = ended(&machine, &format!("there-{number}"), &input).await;
        chosen(&told, &input, *is_so);
    }
    machine.remove().await;
}

pub async fn a_choice_knows_whether_a_moment_has_come<S: Side>() {
    let rule = json!({ "Variable": "$$.State.EnteredTime", "TimestampGreaterThanEqualsPath": "$.RespondAt" });
    let machine = S::machine(choosing(rule)).await;
    for (name, seconds, is_so) in [("past", -60, true), ("future", 60, false)] {
        let input = scripted_with(&machine, &json!({ "RespondAt": from_now(&machine, seconds) }));
        let told = ended(&machine, name, &input).await;
        chosen(&told, &input, is_so && S::WAYS.compares_moments);
    }
    machine.remove().await;
}

pub async fn a_wait_lasts_until_its_moment<S: Side>() {
    let wait = json!({ "Type": "Wait", "TimestampPath": "$.Until", "Next": "Call" });
    let entered = json!({ "Turn.$": "$", "Entered.$": "$$.State.EnteredTime" });
    let mut call = task("$.Function", json!({ "Next": "Done" }));
    call["Parameters"]["Payload"] = entered;
    let machine = S::machine(whole(&json!({ "Act": wait, "Call": call, "Done": { "Type": "Succeed" } }))).await;
    for (name, seconds) in [("future", 2), ("past", -60)] {
        let input = scripted_with(&machine, &json!({ "Until": from_now(&machine, seconds) }));
        let told = ended(&machine, name, &input).await;
        let output = output(&told);
        assert_eq!(output["Turn"], input);
        let moment =
            |text: &Value| DateTime::from_str(text.as_str().expect("a text"), DateTimeFormat::DateTime).unwrap();
        assert!(moment(&output["Entered"]) >= moment(&input["Until"]), "{output}");
    }
    machine.remove().await;
}

pub async fn a_path_that_leads_nowhere_fails_the_execution_and_nothing_catches_it<S: Side>() {
    let mut call = task("$.Function", json!({ "Catch": [catcher("States.ALL", "$.Caught")], "Next": "Done" }));
    call["Parameters"]["Payload"] = json!({ "Lost.$": "$.Lost" });
    let rule = |rule: Value| json!({ "Type": "Choice", "Choices": [rule], "Default": "Done" });
    let path = "TimestampGreaterThanEqualsPath";
    for (name, act) in [
        ("task", call),
        ("choice", rule(json!({ "Variable": "$.Lost", "BooleanEquals": true, "Next": "Done" }))),
        ("moments", rule(json!({ "Variable": "$$.State.EnteredTime", path: "$.Lost", "Next": "Done" }))),
        ("wait", json!({ "Type": "Wait", "TimestampPath": "$.Lost", "Next": "Done" })),
    ] {
        let machine = S::machine(whole(&json!({ "Act": act, "Done": { "Type": "Succeed" } }))).await;
        let input = scripted(&machine, &[]);
        let told = ended(&machine, name, &input).await;
        if S::WAYS.fails_on_lost_paths {
            failed(&told, "States.Runtime");
        } else {
            assert_eq!(output(&told), if name == "task" { json!({ "Lost": null }) } else { input });
        }
        machine.remove().await;
    }
}

pub async fn more_than_a_state_may_carry_fails_the_execution_and_nothing_catches_it<S: Side>() {
    let mut act = task("$.Function", json!({ "Catch": [catcher("States.ALL", "$.Caught")], "Next": "Done" }));
    act["Parameters"]["Payload"] = json!({ "Once.$": "$.Much", "Twice.$": "$.Much" });
    let machine = S::machine(whole(&json!({ "Act": act, "Done": { "Type": "Succeed" } }))).await;
    let much = "x".repeat(200 * 1024);
    let told = ended(&machine, "much", &scripted_with(&machine, &json!({ "Much": much }))).await;
    if S::WAYS.has_a_limit_of_data {
        failed(&told, "States.DataLimitExceeded");
    } else {
        assert_eq!(output(&told), json!({ "Once": much, "Twice": much }));
    }
    machine.remove().await;
}

pub async fn an_execution_that_takes_too_long_is_ended_and_nothing_catches_it<S: Side>() {
    let mut definition = one_task(json!({ "Catch": [catcher("States.ALL", "$.Caught")] }));
    definition["TimeoutSeconds"] = 1.into();
    let machine = S::machine(definition).await;
    let told = ended(&machine, "long", &scripted(&machine, &["Sleeps"])).await;
    if S::WAYS.has_a_limit_of_time {
        assert_eq!((told.status(), told.output()), (&ExecutionStatus::TimedOut, None));
    } else {
        assert_eq!(output(&told)["Tries"], 0);
    }
    machine.remove().await;
}

pub async fn an_execution_that_is_stopped_is_ended_and_nothing_catches_it<S: Side>() {
    let machine = S::machine(one_task(json!({ "Catch": [catcher("States.ALL", "$.Caught")] }))).await;
    let told = stopped(&machine, &["Sleeps"]).await;
    // Longer than what was under way.
    sleep(Duration::from_secs(10)).await;
    let told = described(&machine, told.execution_arn()).await;
    assert_eq!((told.status(), told.output()), (&ExecutionStatus::Aborted, None));
    machine.remove().await;
}

pub async fn an_execution_that_is_stopped_stays_so_whatever_comes_of_its_task<S: Side>() {
    let mut retry = retrier("Boom", 1);
    retry["IntervalSeconds"] = 60.into();
    let machine = S::machine(one_task(json!({ "Retry": [retry] }))).await;
    let told = stopped(&machine, &["Boom", "Boom"]).await;
    if S::WAYS.stays_stopped {
        sleep(Duration::from_mins(2)).await;
        let told = described(&machine, told.execution_arn()).await;
        assert_eq!((told.status(), told.error()), (&ExecutionStatus::Aborted, None));
    } else {
        let fails = async || {
            let told = described(&machine, told.execution_arn()).await;
            (told.status() == &ExecutionStatus::Failed).then_some(told)
        };
        failed(&until("its task has failed", fails).await, "Boom");
    }
    machine.remove().await;
}

/// What an execution of this script is, that was stopped while its task was under way.
async fn stopped(machine: &impl Machine, script: &[&str]) -> DescribeExecutionOutput {
    let started = start(machine, "stopped", &scripted(machine, script)).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    machine.stop(started.execution_arn()).await;
    let told = over(machine, started.execution_arn()).await;
    assert_eq!((told.status(), told.output()), (&ExecutionStatus::Aborted, None));
    told
}

/// A state machine with one task, which is the workflow's with `more`.
fn one_task(more: Value) -> Value {
    let mut act = task("$.Function", json!({ "Next": "Done" }));
    let Value::Object(more) = more else { unreachable!("fields of a state are an object") };
    act.as_object_mut().expect("an object").extend(more);
    whole(&json!({ "Act": act, "Done": { "Type": "Succeed" } }))
}

/// A state machine that calls the function where a rule is true.
fn choosing(rule: Value) -> Value {
    let mut rule = rule;
    rule["Next"] = "Call".into();
    whole(&json!({
        "Act": { "Type": "Choice", "Choices": [rule], "Default": "Done" },
        "Call": task("$.Function", json!({ "Next": "Done" })),
        "Done": { "Type": "Succeed" },
    }))
}

/// Whether the rule of such a state machine was true.
#[track_caller]
fn chosen(told: &DescribeExecutionOutput, input: &Value, is_so: bool) {
    let output = output(told);
    assert_eq!(if is_so { &output["Turn"] } else { &output }, input, "{output}");
}

/// What the function is to do, try by try.
fn scripted(machine: &impl Machine, script: &[&str]) -> Value {
    json!({ "Function": machine.function(), "Script": script })
}

/// Input with these fields and the function, which does nothing in particular.
fn scripted_with(machine: &impl Machine, fields: &Value) -> Value {
    let mut input = fields.clone();
    input["Function"] = machine.function().into();
    input
}

fn retrier(error: &str, attempts: u32) -> Value {
    json!({ "ErrorEquals": [error], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": attempts })
}

fn catcher(error: &str, path: &str) -> Value {
    json!({ "ErrorEquals": [error], "ResultPath": path, "Next": "Done" })
}

fn from_now(machine: &impl Machine, seconds: i64) -> String {
    text(DateTime::from_millis((machine.now().secs() + seconds) * 1000))
}

/// What an execution came to that succeeded.
#[track_caller]
fn output(told: &DescribeExecutionOutput) -> Value {
    assert_eq!(told.status(), &ExecutionStatus::Succeeded, "{told:?}");
    read(told.output())
}

#[track_caller]
fn failed(told: &DescribeExecutionOutput, error: &str) {
    assert_eq!((told.status(), told.error()), (&ExecutionStatus::Failed, Some(error)), "{told:?}");
}
