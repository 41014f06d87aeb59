//! What the template's role allows of engines is what the function does with them, no less and no more.

mod asked;

use std::collections::BTreeSet;

use sparkjob::testing::{ACCOUNT, Operation, REGION};

use crate::policy::{Right, Role};
use crate::template::Given;
use crate::town::{APPLICATION, CLUSTER, Engine, LIVY_SECRET, ROLE, VIRTUAL_CLUSTER};
use asked::TEMPLATE;

/// The engines, and their policies by their names in the template.
const ENGINES: [(Engine, &[&str]); 5] = [
    (Engine::Livy, &["livy-secrets"]),
    (Engine::LivyOnCluster, &["livy-on-cluster"]),
    (Engine::EmrOnEks, &["emr-on-eks", "emr-on-eks-job-templates"]),
    (Engine::EmrServerless, &["emr-serverless"]),
    (Engine::EmrSteps, &["emr-steps"]),
];

/// What Lambda itself needs, and what is there for the workflow: nothing that the function asks of engines. See
/// [`functions`](crate::functions).
const LAMBDA: [&str; 3] = ["logs", "network-interfaces", "workflow"];

/// What is always there.
const ALWAYS: [&str; 2] = ["logs", "workflow"];

/// A role that no parameter names.
const STRANGER: &str = "arn:aws:iam::123456789012:role/stranger";

#[tokio::test(start_paused = true)]
async fn every_operation_is_allowed_and_every_right_is_needed() {
    for (engine, _) in ENGINES {
        let role = Role::of(&switched_on(engine));
        let asked = asked::of(engine).await;
        for operation in &asked {
            assert!(role.allows(operation), "{engine:?}: nothing allows {operation:?}");
        }
        for right in role.rights().iter().filter(|right| !LAMBDA.contains(&right.policy.as_str())) {
            let others = |operation: &Operation| role.rights().iter().filter(|other| other.fits(operation)).count() - 1;
            let is_needed = asked.iter().any(|operation| right.fits(operation) && others(operation) == 0);
            assert!(is_needed, "{engine:?}: nothing needs {right:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_as_a_role_that_is_not_named_is_denied() {
    for (engine, actions) in [
        (Engine::EmrOnEks, &["emr-containers:StartJobRun", "iam:PassRole"][..]),
        (Engine::EmrServerless, &["iam:PassRole"]),
        (Engine::EmrSteps, &["elasticmapreduce:AddJobFlowSteps"]),
    ] {
        let role = Role::of(&switched_on(engine));
        let asked = asked::of_a_job_as(engine, STRANGER).await;
        let denied: BTreeSet<&str> =
            asked.iter().filter(|operation| !role.allows(operation)).map(|denied| denied.action.as_str()).collect();
        assert_eq!(denied, actions.iter().copied().collect(), "{engine:?}");
        let is_about_it = |operation: &&Operation| {
            operation.resource == STRANGER || operation.context.values().any(|value| value == STRANGER)
        };
        for operation in asked.iter().filter(is_about_it) {
            assert!(!role.allows(operation), "{operation:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_has_no_role_of_its_own_where_none_is_named() {
    let mut given = switched_on(Engine::EmrSteps);
    given.remove("EmrStepsExecutionRoleArns");
    let role = Role::of(&given);
    for operation in asked::of(Engine::EmrSteps).await {
        let has_role = operation.context.contains_key("elasticmapreduce:ExecutionRoleArn");
        assert_eq!(role.allows(&operation), !has_role, "{operation:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_is_passed_to_its_own_engine_only() {
    for engine in [Engine::EmrOnEks, Engine::EmrServerless] {
        let role = Role::of(&switched_on(engine));
        let asked = asked::of_a_job_as(engine, ROLE).await;
        let passing = asked.into_iter().find(|operation| operation.action == "iam:PassRole").expect("a role is passed");
        assert!(role.allows(&passing), "{engine:?}");
        for service in ["ec2.amazonaws.com", "lambda.amazonaws.com", "elasticmapreduce.amazonaws.com"] {
            let mut other = passing.clone();
            other.context.insert("iam:PassedToService", service.to_owned());
            assert!(!role.allows(&other), "{engine:?}: {service}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_run_in_the_named_places_only() {
    for (engine, _) in ENGINES {
        let mut given = switched_on(engine);
        let asked = asked::of(engine).await;
        let elsewhere = asked::elsewhere(&asked);
        let role = Role::of(&given);
        assert!(!elsewhere.is_empty(), "{engine:?}");
        for operation in &elsewhere {
            assert!(!role.allows(operation), "{engine:?}: {operation:?}");
        }
        // Both places of a list, in either order.
        let place = places(engine);
        let here = given[place].clone();
        for list in [format!("{here},{here}0"), format!("{here}0,{here}")] {
            given.insert(place, list);
            let role = Role::of(&given);
            for operation in asked.iter().chain(&elsewhere) {
                assert!(role.allows(operation), "{engine:?}: {operation:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_by_a_template_that_is_not_named_is_denied() {
    let asked = asked::of_a_job(Engine::EmrOnEks, asked::by_template()).await;
    let mut given = switched_on(Engine::EmrOnEks);
    let denied = |given: &Given| -> Vec<String> {
        let role = Role::of(given);
        asked.iter().filter(|operation| !role.allows(operation)).map(|denied| denied.action.clone()).collect()
    };
    assert!(denied(&given).is_empty());
    given.insert("EmrOnEksJobTemplateArns", arn("emr-containers", "/jobtemplates/0other"));
    assert_eq!(denied(&given), ["emr-containers:DescribeJobTemplate", "emr-containers:StartJobRun"]);
    given.remove("EmrOnEksJobTemplateArns");
    assert_eq!(denied(&given), ["emr-containers:DescribeJobTemplate", "emr-containers:StartJobRun"]);
    assert!(!Role::of(&given).policies().contains("emr-on-eks-job-templates"));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_switched_on_is_not_allowed() {
    let nothing = Role::of(&Given::new());
    assert_eq!(nothing.policies(), BTreeSet::from(ALWAYS));
    for (engine, policies) in ENGINES {
        let alone = Role::of(&switched_on(engine));
        let expected: BTreeSet<&str> = policies.iter().copied().chain(ALWAYS).collect();
        assert_eq!(alone.policies(), expected, "{engine:?}");
        let others = Role::of(&all_but(engine));
        assert!(others.policies().is_disjoint(&policies.iter().copied().collect()), "{engine:?}");
        assert_eq!(
            others.policies().len(),
            ENGINES.iter().map(|(_, all)| all.len()).sum::<usize>() + ALWAYS.len() - policies.len()
        );
        for operation in asked::of(engine).await {
            assert!(alone.allows(&operation), "{engine:?} alone: {operation:?}");
            assert!(!nothing.allows(&operation) && !others.allows(&operation), "without {engine:?}: {operation:?}");
        }
    }
}

#[test]
fn half_of_an_engine_s_parameters_switch_nothing_on() {
    for (engine, needed) in [
        (Engine::EmrOnEks, &["VirtualClusterArns", "EmrOnEksExecutionRoleArns"][..]),
        (Engine::EmrServerless, &["ApplicationArns", "EmrServerlessExecutionRoleArns"]),
        (Engine::EmrSteps, &["ClusterArns"]),
    ] {
        for parameter in needed {
            let mut given = switched_on(engine);
            given.remove(parameter);
            assert_eq!(Role::of(&given).policies(), BTreeSet::from(ALWAYS), "{engine:?} without {parameter}");
        }
    }
}

#[test]
fn rights_name_their_actions_and_those_of_engines_their_places() {
    let mut given: Given = ENGINES.iter().flat_map(|(engine, _)| switched_on(*engine)).collect();
    given.extend(in_a_vpc());
    for right in Role::of(&given).rights() {
        let Right { policy, action, resources, .. } = right;
        assert!(!action.contains(['*', '?']), "{right:?}");
        assert!(policy == "network-interfaces" || !resources.iter().any(|resource| resource == "*"), "{right:?}");
    }
}

#[test]
fn lambda_may_touch_network_interfaces_but_the_function_s_code_may_not() {
    let role = Role::of(&in_a_vpc());
    assert_eq!(role.policies(), LAMBDA.into());
    for right in role.rights().iter().filter(|right| right.policy == "network-interfaces") {
        let (action, resource) = (right.action.clone(), arn("ec2", "network-interface/eni-1"));
        let mut operation = Operation { action, resource, context: [].into() };
        assert!(role.allows(&operation), "{operation:?}");
        operation.context.insert("lambda:SourceFunctionArn", arn("lambda", "function:submitter"));
        assert!(!role.allows(&operation), "{operation:?}");
    }
}

/// The parameters that switch an engine on, whole.
fn switched_on(engine: Engine) -> Given {
    let role = ROLE.to_owned();
    let mut given = match engine {
        Engine::EmrOnEks => Given::from([
            ("EmrOnEksExecutionRoleArns", role),
            ("EmrOnEksJobTemplateArns", arn("emr-containers", &format!("/jobtemplates/{TEMPLATE}"))),
        ]),
        Engine::EmrServerless => Given::from([("EmrServerlessExecutionRoleArns", role)]),
        Engine::EmrSteps => Given::from([("EmrStepsExecutionRoleArns", role)]),
        Engine::Livy | Engine::LivyOnCluster => Given::new(),
    };
    let place = match engine {
        Engine::EmrOnEks => arn("emr-containers", &format!("/virtualclusters/{VIRTUAL_CLUSTER}")),
        Engine::EmrServerless => arn("emr-serverless", &format!("/applications/{APPLICATION}")),
        Engine::Livy => LIVY_SECRET.to_owned(),
        Engine::LivyOnCluster | Engine::EmrSteps => arn("elasticmapreduce", &format!("cluster/{CLUSTER}")),
    };
    given.insert(places(engine), place);
    given
}

/// Those that switch every other engine on: each elsewhere, since one cluster may have steps and a Livy.
fn all_but(engine: Engine) -> Given {
    let others = ENGINES.iter().map(|(other, _)| *other).filter(|other| *other != engine);
    let given = others.flat_map(|other| {
        let mut given = switched_on(other);
        given.get_mut(places(other)).expect("a place").push('0');
        given
    });
    given.collect()
}

/// The parameter that says where an engine's jobs may run.
fn places(engine: Engine) -> &'static str {
    match engine {
        Engine::EmrOnEks => "VirtualClusterArns",
        Engine::EmrServerless => "ApplicationArns",
        Engine::EmrSteps => "ClusterArns",
        Engine::LivyOnCluster => "LivyClusterArns",
        Engine::Livy => "LivySecretArns",
    }
}

fn in_a_vpc() -> Given {
    [("SubnetIds", "subnet-1".to_owned()), ("SecurityGroupIds", "sg-1".to_owned())].into()
}

fn arn(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}")
}
