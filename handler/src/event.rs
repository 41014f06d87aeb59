//! What `CloudFormation` sent, field by field.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The fields of an event, each read on its own: where one cannot be read (nested too deeply, a number beyond all
/// bounds) the others can, and among them those that an answer needs.
///
/// Reading one fails only where the payload is not JSON. Debug tells the names of the fields alone: their values hold
/// a credential and whatever a template keeps secret.
#[derive(Clone, Default, PartialEq)]
pub struct Event {
    fields: BTreeMap<String, Value>,
    unreadable: BTreeMap<String, String>,
}

/// JSON's null, for fields that are not there.
static NULL: Value = Value::Null;

impl Event {
    /// The value of a field; null where there is none.
    pub fn field(&self, name: &str) -> &Value {
        self.fields.get(name).unwrap_or(&NULL)
    }

    /// Why a field that is there cannot be read.
    pub fn unreadable(&self, name: &str) -> Option<&str> {
        self.unreadable.get(name).map(String::as_str)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let payload = Box::<RawValue>::deserialize(deserializer)?;
        // A payload that is not an object has no fields.
        let raw: BTreeMap<String, Box<RawValue>> = serde_json::from_str(payload.get()).unwrap_or_default();
        let mut event = Self::default();
        for (name, value) in raw {
            match serde_json::from_str(value.get()) {
                Ok(value) => _ = event.fields.insert(name, value),
                Err(error) => _ = event.unreadable.insert(name, error.to_string()),
            }
        }
        Ok(event)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.fields.keys()).entries(self.unreadable.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_nested_too_deeply_leaves_the_others_readable() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let text = format!(r#"{{"RequestId": "r", "ResourceProperties": {deep}}}"#);
        let event: Event = serde_json::from_slice(text.as_bytes()).expect("JSON");
        assert_eq!(event.field("RequestId"), "r");
        assert!(event.unreadable("ResourceProperties").is_some_and(|why| why.contains("recursion limit")));
    }

    #[test]
    fn whatever_is_json_is_an_event() {
        for text in ["null", "[1, 2]", "\"text\"", "{}", "7", r#"{"a": 1, "a": 2}"#] {
            let event: Event = serde_json::from_str(text).expect("JSON");
            assert_eq!(event.field("RequestId"), &Value::Null);
        }
        assert!(serde_json::from_str::<Event>("{").is_err());
    }

    #[test]
    fn debug_shows_names_only() {
        let event: Event =
            serde_json::from_str(r#"{"ResponseURL": "https://x/?secret", "Deep": 1e999}"#).expect("JSON");
        assert_eq!(format!("{event:?}"), r#"{"ResponseURL", "Deep"}"#);
    }
}
