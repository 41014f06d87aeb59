//! What is handed on between states and functions: JSON, beside its text, which is what its limits count and what a history
//! keeps. It is written once, however often it is looked at.

use std::sync::Arc;

use serde_json::Value;

/// The longest of it, in bytes:
/// [quotas](https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
pub const LONGEST: usize = 256 * 1024;

/// A value and its text.
#[derive(Clone, Debug)]
pub struct Data {
    pub value: Value,
    pub text: Arc<str>,
}

impl Data {
    /// Whether no state and no execution takes it.
    pub fn is_too_large(&self) -> bool {
        self.text.len() > LONGEST
    }
}

impl From<Value> for Data {
    fn from(value: Value) -> Self {
        let text = value.to_string().into();
        Self { value, text }
    }
}
