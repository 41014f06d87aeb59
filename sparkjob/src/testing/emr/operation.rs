//! What IAM is asked before anything is done.

use std::collections::BTreeMap;

/// One thing that was asked for, as IAM decides on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// The action: `emr-containers:StartJobRun`.
    pub action: String,
    /// The ARN of what it is done to.
    pub resource: String,
    /// What the request brings for conditions: the services' own keys and `iam:PassedToService`, nothing about tags.
    pub context: BTreeMap<&'static str, String>,
}

impl Operation {
    /// One that brings nothing for conditions.
    pub(in crate::testing) fn new(action: String, resource: String) -> Self {
        Self { action, resource, context: BTreeMap::new() }
    }

    /// One that brings this, where there is a value.
    pub(super) fn with<'a>(mut self, key: &'static str, value: impl Into<Option<&'a str>>) -> Self {
        self.context.extend(value.into().map(|value| (key, value.to_owned())));
        self
    }

    /// What the action is called within its service.
    pub(super) fn name(&self) -> &str {
        self.action.split_once(':').map_or("", |(_, name)| name)
    }
}
