//! The template's two functions: each is told what its half of the program reads, may ask what that asks of Step Functions, and
//! has as long as it needs.

use std::sync::Arc;

use handler::claim::Successors;
use handler::workflow::Workflow;
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
        let may = |action: &str, resource: String| {
            role.allows(&Operation { action: format!("states:{action}"), resource, context: [].into() })
        };
        assert_eq!(may("StartExecution", "SparkJobLifecycle".to_owned()), starts, "{role:?}");
        for action in ["DescribeExecution", "GetExecutionHistory"] {
            assert!(may(action, here(ours)) && !may(action, here(another)), "{role:?}: {action}");
        }
        assert!(!may("StopExecution", here(ours)), "{role:?}");
    }
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
