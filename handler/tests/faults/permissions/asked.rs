//! What the function does, and what it needs rights for.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sparkjob::testing::{ACCOUNT, Operation, REGION};

use crate::cloudformation::{Properties, Stack, deliver};
use crate::town::{APPLICATION, CLUSTER, Engine, LIVY_SECRET, ROLE, Town, VIRTUAL_CLUSTER};
use crate::{DYING, NEW, OLD, REFUSED};

/// A job template, which says all that a job needs, as which role it runs too: [`ROLE`].
pub const TEMPLATE: &str = "0def";

/// What is asked of an engine in the life of resources, and when things go wrong, in every way to start a job there.
pub async fn of(engine: Engine) -> BTreeSet<Operation> {
    let mut asked = of_a_life(engine).await;
    if !matches!(engine, Engine::Livy | Engine::LivyOnCluster) {
        asked.extend(of_a_job_as(engine, ROLE).await);
    }
    if engine == Engine::EmrOnEks {
        asked.extend(of_a_job(engine, by_template()).await);
    }
    asked
}

async fn of_a_life(engine: Engine) -> BTreeSet<Operation> {
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
    for fails in [REFUSED, DYING] {
        assert_eq!(deliver(&town, &stack.update(fails, Properties::default())).await.status, "FAILED");
        let restored = deliver(&town, &stack.roll_back()).await;
        assert_eq!(restored.status, "SUCCESS", "{engine:?}: {}", restored.reason);
        stack.answered(&restored);
    }
    stack.finish(&town).await;
    rights_of(&town)
}

/// What is asked for where a job runs as this role, in each way in which a template can name it.
pub async fn of_a_job_as(engine: Engine, role: &str) -> BTreeSet<Operation> {
    let mut job = engine.target();
    job["ExecutionRoleArn"] = role.into();
    job["Parameters"] = json!({"File": NEW});
    let mut asked = of_a_job(engine, job).await;
    if engine == Engine::EmrOnEks {
        let mut job = by_template();
        job["ExecutionRoleArn"] = role.into();
        asked.extend(of_a_job(engine, job).await);
    }
    asked
}

/// What is asked for where these properties are created and deleted.
pub async fn of_a_job(engine: Engine, properties: Value) -> BTreeSet<Operation> {
    let town = Town::new(engine);
    let takes_roles = !properties["ExecutionRoleArn"].is_null();
    town.emr().cluster(CLUSTER, |cluster| cluster.takes_roles = takes_roles);
    let mut stack = Stack::new(&town);
    let created = deliver(&town, &stack.create_with(properties)).await;
    assert_eq!(created.status, "SUCCESS", "{engine:?}: {}", created.reason);
    stack.answered(&created);
    stack.finish(&town).await;
    rights_of(&town)
}

/// A job of which everything is left to a template.
pub fn by_template() -> Value {
    json!({"VirtualClusterId": VIRTUAL_CLUSTER, "JobTemplateId": TEMPLATE})
}

/// All that the town's EMR and Secrets Manager were asked for, and what that implies, by the function's own code.
fn rights_of(town: &Town) -> BTreeSet<Operation> {
    let mut asked = town.emr().operations();
    asked.extend(town.secrets().operations());
    let implied: Vec<Operation> = asked.iter().filter_map(implied).collect();
    let function = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:submitter");
    let from_code = |mut operation: Operation| {
        operation.context.insert("lambda:SourceFunctionArn", function.clone());
        operation
    };
    asked.into_iter().chain(implied).map(from_code).collect()
}

/// The right to pass a job's role on to EKS Pod Identity,
/// [which a submission needs](https://docs.aws.amazon.com/service-authorization/latest/reference/list_emr-containers.html#list_emr-containers-operations).
/// The model of EMR does not ask for it, as no cluster must have that.
fn implied(operation: &Operation) -> Option<Operation> {
    let is_submission = operation.action == "emr-containers:StartJobRun";
    let role = operation.context.get("emr-containers:ExecutionRoleArn").map_or(ROLE, String::as_str);
    is_submission.then(|| Operation {
        action: "iam:PassRole".to_owned(),
        resource: role.to_owned(),
        context: [("iam:PassedToService", "pods.eks.amazonaws.com".to_owned())].into(),
    })
}

/// The same, with other places than those of a [`Town`].
pub fn elsewhere(asked: &BTreeSet<Operation>) -> BTreeSet<Operation> {
    let places = [VIRTUAL_CLUSTER, APPLICATION, CLUSTER];
    let moved = asked.iter().map(|operation| {
        let mut moved = operation.clone();
        for place in places {
            moved.resource = moved.resource.replace(&format!("/{place}"), &format!("/{place}0"));
        }
        moved.resource = moved.resource.replace(LIVY_SECRET, &format!("{LIVY_SECRET}0"));
        moved
    });
    moved.filter(|moved| !asked.contains(moved)).collect()
}
