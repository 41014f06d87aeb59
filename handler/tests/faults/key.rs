//! The key that executions of the workflow are encrypted with: whoever touches them may use it for them, and for nothing else.
//! [What each needs](https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html).

use std::collections::BTreeMap;

use serde_json::json;
use sparkjob::testing::Operation;

use crate::policy::Role;
use crate::template::{Given, properties, resources};

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
const OTHER_KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/ffffffff-4e5f-6071-8293-a4b5c6d7e8f9";

/// What Step Functions brings along with each use of the key, and what the log's delivery does.
const OF_WORKFLOW: &str = "kms:EncryptionContext:aws:states:stateMachineArn";
const OF_LOG: &str = "kms:EncryptionContext:SourceArn";

/// The state machine, and what stands for its ARN where the template can name it.
const MACHINE: &str = "SparkJobLifecycle";

fn given() -> Given {
    Given::from([("WorkflowKmsKeyArn", KEY.to_owned())])
}

/// The use of a key for what belongs to this.
fn using(action: &str, key: &str, context: Option<(&'static str, &str)>) -> Operation {
    let context = context.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    Operation { action: action.to_owned(), resource: key.to_owned(), context }
}

/// An ARN in this account, as the template writes it.
fn here(service: &str, resource: &str) -> String {
    format!("arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}")
}

/// The roles that use the key, each with all that they use it for.
fn uses() -> BTreeMap<String, Vec<Operation>> {
    let executes = properties(MACHINE, &given())["RoleArn"].clone();
    let uses = resources("AWS::IAM::Role").into_iter().map(|role| {
        let mut needed = Vec::new();
        let reads = ["states:DescribeExecution", "states:GetExecutionHistory"];
        if Role::named(&role, &given()).rights().iter().any(|right| reads.contains(&&*right.action)) {
            needed.push(using("kms:Decrypt", KEY, Some((OF_WORKFLOW, MACHINE))));
        }
        if executes == format!("{role}.Arn") {
            let arn = here("states", &format!("stateMachine:{MACHINE}-1"));
            needed.extend(
                ["kms:Decrypt", "kms:GenerateDataKey"].map(|action| using(action, KEY, Some((OF_WORKFLOW, &arn)))),
            );
            needed.push(using("kms:GenerateDataKey", KEY, Some((OF_LOG, &here("logs", "*")))));
        }
        (role, needed)
    });
    uses.collect()
}

#[test]
fn executions_are_encrypted_with_the_key_that_is_given() {
    let told = json!({"Type": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": KEY});
    assert_eq!(properties(MACHINE, &given())["EncryptionConfiguration"], told);
    assert!(properties(MACHINE, &Given::new()).get("EncryptionConfiguration").is_none());
}

#[test]
fn whoever_touches_executions_may_use_the_key_for_them() {
    for (role, needed) in uses() {
        assert!(!needed.is_empty(), "{role} is none that this test knows");
        let allowed = Role::named(&role, &given());
        for operation in &needed {
            assert!(allowed.allows(operation), "{role}: {operation:?}");
        }
        let rights = || allowed.rights().iter().filter(|right| right.action.starts_with("kms:"));
        assert!(rights().all(|right| needed.iter().any(|operation| right.fits(operation))), "{role}: {allowed:?}");
    }
}

#[test]
fn nobody_may_use_the_key_for_anything_else() {
    for (role, needed) in uses() {
        let allowed = Role::named(&role, &given());
        for action in ["kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt"] {
            for context in [None, Some((OF_WORKFLOW, "elsewhere")), Some((OF_LOG, "elsewhere"))] {
                assert!(!allowed.allows(&using(action, KEY, context)), "{role}: {action} {context:?}");
            }
        }
        for operation in needed {
            let other = Operation { resource: OTHER_KEY.to_owned(), ..operation };
            assert!(!allowed.allows(&other), "{role}: {other:?}");
        }
    }
}

#[test]
fn without_a_key_there_are_no_rights_on_any() {
    for role in resources("AWS::IAM::Role") {
        let allowed = Role::named(&role, &Given::new());
        assert!(allowed.rights().iter().all(|right| !right.action.starts_with("kms:")), "{role}");
    }
}
