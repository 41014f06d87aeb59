//! The condition of a statement,
//! [as IAM evaluates it](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Texts, matches};

/// The keys that are known here: whoever records operations brings them where AWS does. Any other would never be there.
const KEYS: [&str; 7] = [
    "elasticmapreduce:ExecutionRoleArn",
    "emr-containers:ExecutionRoleArn",
    "emr-containers:JobTemplateArn",
    "iam:PassedToService",
    "kms:EncryptionContext:SourceArn",
    "kms:EncryptionContext:aws:states:stateMachineArn",
    "lambda:SourceFunctionArn",
];

/// What must hold of a request: all of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Condition(BTreeMap<Operator, BTreeMap<Key, Texts>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
enum Operator {
    ArnLike,
    ArnLikeIfExists,
    Null,
    StringEquals,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
struct Key(String);

impl Condition {
    /// Whether it holds of a request that brings this.
    pub fn is_met(&self, context: &BTreeMap<&'static str, String>) -> bool {
        self.0.iter().all(|(operator, keys)| {
            keys.iter().all(|(key, wanted)| operator.is_met(wanted, context.get(key.0.as_str()).map(String::as_str)))
        })
    }
}

impl Operator {
    /// Whether the value of a key, where there is one, is one of those that are wanted.
    fn is_met(self, wanted: &Texts, value: Option<&str>) -> bool {
        let is_one = |fits: fn(&str, &str) -> bool| value.map(|value| wanted.iter().any(|wanted| fits(wanted, value)));
        match self {
            Self::ArnLike => is_one(is_like).unwrap_or(false),
            Self::ArnLikeIfExists => is_one(is_like).unwrap_or(true),
            Self::StringEquals => is_one(|wanted, value| wanted == value).unwrap_or(false),
            Self::Null => wanted.iter().any(|wanted| wanted == if value.is_none() { "true" } else { "false" }),
        }
    }
}

impl TryFrom<String> for Key {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if KEYS.contains(&name.as_str()) { Ok(Self(name)) } else { Err(format!("nothing here brings the key {name}")) }
    }
}

/// Whether an ARN looks like another in each of its six parts, so that a star does not reach into the next.
fn is_like(pattern: &str, arn: &str) -> bool {
    let (patterns, parts): (Vec<_>, Vec<_>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    assert_eq!(patterns.len(), 6, "not an ARN: {pattern:?}");
    patterns.len() == parts.len() && patterns.iter().zip(parts).all(|(pattern, part)| matches(pattern, part))
}
