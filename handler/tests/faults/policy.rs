//! What the template's roles allow, decided
//! [as IAM decides](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html). What of a
//! policy is not known here makes it panic, so that nothing passes unread.

mod condition;

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use sparkjob::testing::Operation;

use crate::template::{self, Given};
use condition::Condition;

/// A role.
#[derive(Debug)]
pub struct Role {
    rights: Vec<Right>,
    denials: Vec<Right>,
}

/// One action of a statement.
#[derive(Debug)]
pub struct Right {
    pub policy: String,
    pub action: String,
    pub resources: Vec<String>,
    condition: Condition,
}

impl Role {
    /// That of a submitter with these parameters.
    pub fn of(given: &Given) -> Self {
        Self::named("SubmitterRole", given)
    }

    /// The one of this name.
    pub fn named(name: &str, given: &Given) -> Self {
        let Value::Object(properties) = template::properties(name, given) else { panic!("not a role") };
        let names: Vec<&String> = properties.keys().collect();
        assert_eq!(names, ["AssumeRolePolicyDocument", "Description", "Policies"], "rights of the role not read here");
        let policies: Vec<Policy> = serde_json::from_value(properties["Policies"].clone()).expect("policies");
        let mut role = Self { rights: Vec::new(), denials: Vec::new() };
        for policy in policies {
            for statement in policy.policy_document.statement {
                role.add(&policy.policy_name, &statement);
            }
        }
        role
    }

    fn add(&mut self, policy: &str, statement: &Statement) {
        let rights = match statement.effect {
            Effect::Allow => &mut self.rights,
            Effect::Deny => &mut self.denials,
        };
        rights.extend(statement.action.iter().map(|action| Right {
            policy: policy.to_owned(),
            action: action.to_owned(),
            resources: statement.resource.iter().map(str::to_owned).collect(),
            condition: statement.condition.clone(),
        }));
    }

    /// Whether this may be done.
    pub fn allows(&self, operation: &Operation) -> bool {
        let is_among = |rights: &[Right]| rights.iter().any(|right| right.fits(operation));
        is_among(&self.rights) && !is_among(&self.denials)
    }

    /// What its statements allow, where none denies it.
    pub fn rights(&self) -> &[Right] {
        &self.rights
    }

    /// The names of its policies.
    pub fn policies(&self) -> BTreeSet<&str> {
        self.rights.iter().chain(&self.denials).map(|right| right.policy.as_str()).collect()
    }
}

impl Right {
    /// Whether it is about this operation, its condition included.
    pub fn fits(&self, operation: &Operation) -> bool {
        matches(&self.action, &operation.action)
            && self.resources.iter().any(|pattern| matches(pattern, &operation.resource))
            && self.condition.is_met(&operation.context)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Policy {
    policy_name: String,
    policy_document: Document,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    #[serde(rename = "Version")]
    _version: Version,
    statement: Vec<Statement>,
}

#[derive(Deserialize)]
enum Version {
    #[serde(rename = "2012-10-17")]
    Current,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    effect: Effect,
    action: Texts,
    resource: Texts,
    #[serde(default)]
    condition: Condition,
}

#[derive(Deserialize)]
enum Effect {
    Allow,
    Deny,
}

/// One text or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

impl Texts {
    fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Several(texts) => texts,
        }
        .iter()
        .map(String::as_str)
    }
}

/// Whether `text` looks like `pattern`, in which a star stands for anything and a question mark for one character.
fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = text.chars();
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let after = &pattern[1..];
            matches(after, text) || rest.next().is_some_and(|_| matches(pattern, rest.as_str()))
        }
        Some(wanted) => {
            let fits = rest.next().is_some_and(|found| wanted == '?' || wanted == found);
            fits && matches(&pattern[wanted.len_utf8()..], rest.as_str())
        }
    }
}
