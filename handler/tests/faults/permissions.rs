//! What the template's role allows is what the function does, no less and no more.

use std::collections::BTreeSet;

use sparkjob::testing::ACCOUNT;

use crate::cloudformation::{Properties, Stack, deliver};
use crate::policy::{Allowed, allowed};
use crate::town::{APPLICATION, CLUSTER, Engine, ROLE, Town, VIRTUAL_CLUSTER};
use crate::{DYING, NEW, OLD};

/// The policies of the engines, by their names in the template.
const ENGINES: [(Engine, &[&str]); 4] = [
    (Engine::LivyOnCluster, &["livy-on-cluster"]),
    (Engine::EmrOnEks, &["emr-on-eks", "emr-on-eks-job-templates"]),
    (Engine::EmrServerless, &["emr-serverless"]),
    (Engine::EmrSteps, &["emr-steps"]),
];

/// Rights that a service asks for of whoever calls another operation, and what that operation is.
const IMPLIED: [(&str, &str); 2] =
    [("iam:PassRole", "StartJobRun"), ("emr-containers:DescribeJobTemplate", "StartJobRun")];

#[tokio::test(start_paused = true)]
async fn every_operation_is_allowed_and_every_right_is_used() {
    let allowed = allowed(parameter);
    for (engine, policies) in ENGINES {
        let asked = everything_asked_of(engine).await;
        assert!(!asked.is_empty(), "{engine:?}");
        let ours = || allowed.iter().filter(|allowed| policies.contains(&allowed.policy.as_str()));
        for (action, resource) in &asked {
            assert!(ours().any(|one| one.lets(action, resource)), "{engine:?}: nothing allows {action} on {resource}");
        }
        for right in ours() {
            assert!(is_used(right, &asked), "{engine:?}: {} is never needed on {:?}", right.action, right.resources);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_switched_on_is_not_allowed() {
    let allowed = allowed(parameter);
    for action in allowed.iter().map(|one| one.action.as_str()) {
        assert!(!action.contains('*'), "{action}");
    }
    for one in allowed.iter().filter(|one| one.policy.starts_with("emr") || one.policy.starts_with("livy")) {
        assert!(!one.resources.iter().any(|resource| resource == "*"), "{one:?}");
    }
}

fn is_used(right: &Allowed, asked: &BTreeSet<(String, String)>) -> bool {
    let implied = IMPLIED.iter().any(|(action, by)| {
        right.action == *action && asked.iter().any(|(action, _)| action.ends_with(&format!(":{by}")))
    });
    implied || asked.iter().any(|(action, resource)| right.lets(action, resource))
}

fn parameter(name: &str) -> String {
    let arn = |service: &str, resource: &str| format!("arn:aws:{service}:eu-west-1:{ACCOUNT}:{resource}");
    match name {
        "VirtualClusterArns" => arn("emr-containers", &format!("/virtualclusters/{VIRTUAL_CLUSTER}")),
        "ApplicationArns" => arn("emr-serverless", &format!("/applications/{APPLICATION}")),
        "ClusterArns" | "LivyClusterArns" => arn("elasticmapreduce", &format!("cluster/{CLUSTER}")),
        "EmrOnEksJobTemplateArns" => arn("emr-containers", "/jobtemplates/*"),
        _ => ROLE.to_owned(),
    }
}

/// What the function does in the life of a resource, and when things go wrong.
async fn everything_asked_of(engine: Engine) -> BTreeSet<(String, String)> {
    let town = Town::new(engine);
    let mut stack = Stack::new(&town);
    let created = deliver(&town, &stack.create(OLD, Properties::default())).await;
    stack.answered(&created);
    let updated = deliver(&town, &stack.update(NEW, Properties::default())).await;
    assert_eq!(updated.status, "SUCCESS", "{engine:?}: {}", updated.reason);
    stack.answered(&updated);
    for _ in 0..2 {
        let retagged = deliver(&town, &stack.retag()).await;
        assert_eq!(retagged.status, "SUCCESS", "{engine:?}: {}", retagged.reason);
    }
    assert_eq!(deliver(&town, &stack.update(DYING, Properties::default())).await.status, "FAILED");
    stack.finish(&town).await;
    town.emr().operations()
}
