//! Events as `CloudFormation` sends them: those of `events/`, made to fit a scene.

use serde_json::{Map, Value};

use crate::local::root;

/// An event, and the token of the address that awaits its answer.
#[derive(Clone, Debug)]
pub struct Event {
    /// What the Lambda gets.
    pub json: Value,
    /// See [`crate::answers::Answers::address`].
    pub token: String,
}

impl Event {
    /// One of `events/`, with an envelope of its own.
    pub fn read(file: &str, envelope: Envelope) -> Self {
        let text = std::fs::read_to_string(root().join(format!("events/{file}.json"))).expect("an event of ours");
        let mut json: Value = serde_json::from_str(&text).expect("JSON");
        for (name, value) in [
            ("ResponseURL", envelope.response_url),
            ("StackId", envelope.stack_id),
            ("LogicalResourceId", envelope.logical_id),
            ("RequestId", envelope.token.clone()),
        ] {
            json[name] = value.into();
        }
        Self { json, token: envelope.token }
    }

    /// Its properties, the new ones and the old ones.
    pub fn properties(&mut self) -> impl Iterator<Item = &mut Map<String, Value>> {
        let event = self.json.as_object_mut().expect("an object");
        event
            .iter_mut()
            .filter(|(name, _)| name.ends_with("ResourceProperties"))
            .filter_map(|(_, value)| value.as_object_mut())
    }

    /// The same with another value for a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.json[name] = value.into();
        self
    }

    /// The same without a field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.json.as_object_mut().expect("an object").remove(name);
        self
    }
}

/// Whose request it is, and where its answer goes.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Where the answer goes.
    pub response_url: String,
    /// The last part of that address; also the `RequestId`.
    pub token: String,
    /// The stack.
    pub stack_id: String,
    /// The resource.
    pub logical_id: String,
}
