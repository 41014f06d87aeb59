//! The template's two functions: each is told what its half of the program reads, may ask what that asks of Step Functions and
//! `CloudFormation`, may be called by those who call it, and has as long as it needs.

use std::sync::Arc;

use handler::claim::Successors;
use handler::workflow::Workflow;
use serde_json::json;
use sparkjob::testing::{Operation, engines};

use crate::account::{Function, PAUSES};
use crate::policy::Role;
use crate::template::{Given, properties};
use crate::town::{Engine, Town};

#[test]
fn each_function_knows_the_workflow_in_its_own_way() {
    let engines = engines(Arc::new(Town::new(Engine::Livy)));
    let variable = |function: &str, name: &str| {
        properties(function, &Given::new())["Environment"]["Variables"].get(name).map(ToString::to_string)
    };
    assert!(Successors::of(engines.aws(), |name| variable("Submitter", name)).is_some());
    assert!(Workflow::of(engines.aws(), |name| variable("Responder", name)).is_some());
    // It would be a circle in the template.
    assert!(Successors::of(engines.aws(), |name| variable("Responder", name)).is_none());
}

#[test]
fn each_function_may_ask_of_step_functions_what_it_asks() {
    let here =
        |resource: &str| format!("arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:{resource}");
    let (ours, another) = ("execution:SparkJobLifecycle.Name:0a1b", "execution:Another:0a1b");
    for (role, starts) in [("SubmitterRole", true), ("ResponderRole", false)] {
        let role = Role::named(role, &Given::new());
        let may = |action: &str, resource: &str| role.allows(&asked("states", action, resource));
        assert_eq!(may("StartExecution", "SparkJobLifecycle"), starts, "{role:?}");
        for action in ["DescribeExecution", "GetExecutionHistory"] {
            assert!(may(action, &here(ours)) && !may(action, &here(another)), "{role:?}: {action}");
        }
        assert!(!may("StopExecution", &here(ours)), "{role:?}");
    }
}

#[test]
fn each_function_may_ask_of_cloudformation_what_it_asks() {
    let here = "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/demo/0a1b2c3d";
    for (role, actions) in [
        ("SubmitterRole", &["DescribeStackResource", "DescribeStacks"][..]),
        ("ResponderRole", &["DescribeStackResource"]),
    ] {
        let role = Role::named(role, &Given::new());
        for action in ["DescribeStackResource", "DescribeStacks", "DescribeStackEvents", "DeleteStack"] {
            let expected = actions.contains(&action);
            assert_eq!(role.allows(&asked("cloudformation", action, here)), expected, "{role:?}: {action}");
        }
    }
}

#[test]
fn the_responder_may_be_called_by_those_who_call_it_and_the_submitter_by_the_workflow() {
    let called = |name: &str| properties(name, &Given::new());
    // By Lambda, with the submitter's rights, which hold for nothing else.
    let submitter = Role::named("SubmitterRole", &Given::new());
    let may_call = |function: &str| submitter.allows(&asked("lambda", "InvokeFunction", function));
    assert!(may_call("Responder.Arn") && !may_call("Submitter.Arn"), "{submitter:?}");
    let destination = &called("Submitter")["EventInvokeConfig"]["DestinationConfig"]["OnFailure"];
    assert_eq!(*destination, json!({"Type": "Lambda", "Destination": "Responder.Arn"}));
    // By the workflow; and the submitter by any of its names.
    let policy = called("LifecycleCalls");
    assert_eq!(policy["Roles"], json!(["LifecycleRole"]));
    assert_eq!(
        policy["PolicyDocument"]["Statement"],
        json!([{
            "Effect": "Allow",
            "Action": ["lambda:InvokeFunction"],
            "Resource": ["Submitter.Arn", "${Submitter.Arn}:*", "Responder.Arn"],
        }])
    );
    assert_eq!(called("SparkJobLifecycle")["RoleArn"], "LifecycleRole.Arn");
    // By the rule on executions.
    let expected = json!({
        "Action": "lambda:InvokeFunction",
        "FunctionName": "Responder",
        "Principal": "events.amazonaws.com",
        "SourceArn": "BrokenExecutions.Arn",
    });
    assert_eq!(called("BrokenExecutionsCallResponder"), expected);
    assert_eq!(called("BrokenExecutions")["Targets"][0]["Arn"], "Responder.Arn");
}

#[test]
fn the_responder_has_a_way_to_cloudformation_whatever_the_submitter_has() {
    let given = Given::from([("SubnetIds", "subnet-1".to_owned()), ("SecurityGroupIds", "sg-1".to_owned())]);
    assert!(properties("Submitter", &given)["VpcConfig"].is_object());
    assert!(properties("Responder", &given).get("VpcConfig").is_none());
}

#[test]
fn the_workflow_logs_nothing_of_what_it_carries() {
    let logging = properties("SparkJobLifecycle", &Given::new())["LoggingConfiguration"].clone();
    assert_eq!((&logging["Level"], &logging["IncludeExecutionData"]), (&json!("ERROR"), &json!(false)));
}

#[test]
fn the_rule_hands_over_whatever_ended_otherwise_than_it_should_and_later_what_it_cannot_at_once() {
    let rule = properties("BrokenExecutions", &Given::new());
    let told = &rule["EventPattern"]["detail"]["status"];
    assert_eq!(*told, json!(["FAILED", "TIMED_OUT", "ABORTED"]));
    let target = &rule["Targets"][0];
    assert_eq!(target["RetryPolicy"], json!({"MaximumRetryAttempts": 20, "MaximumEventAgeInSeconds": 900}));
}

fn asked(service: &str, action: &str, resource: &str) -> Operation {
    Operation { action: format!("{service}:{action}"), resource: resource.to_owned(), context: [].into() }
}

#[test]
fn each_function_has_as_long_as_the_tests_give_it() {
    for (function, name) in [(Function::Submitter, "Submitter"), (Function::Responder, "Responder")] {
        assert_eq!(properties(name, &Given::new())["Timeout"], function.limit().as_secs(), "{name}");
    }
}

#[test]
fn each_function_is_called_again_as_often_and_as_long_as_the_tests_have_it() {
    for (function, name) in [(Function::Submitter, "Submitter"), (Function::Responder, "Responder")] {
        let invoked = properties(name, &Given::new())["EventInvokeConfig"].clone();
        assert_eq!(invoked["MaximumRetryAttempts"], PAUSES.len(), "{name}");
        assert_eq!(invoked["MaximumEventAgeInSeconds"], function.longest_age().as_secs(), "{name}");
    }
}
