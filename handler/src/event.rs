//! What `CloudFormation` sent, field by field.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
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

/// Under this name it is written down which fields could not be read, and why: no field of `CloudFormation`'s is called so.
const UNREADABLE: &str = "(unreadable)";

impl Event {
    /// The value of a field; null where there is none.
    pub fn field(&self, name: &str) -> &Value {
        self.fields.get(name).unwrap_or(&NULL)
    }

    /// Whether there is such a field, whatever it holds.
    pub fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name) || self.unreadable.contains_key(name)
    }

    /// Puts `value` in the place of a field's; null leaves the field out.
    pub fn set(&mut self, name: &str, value: Value) {
        self.unreadable.remove(name);
        if value.is_null() {
            self.fields.remove(name);
        } else {
            self.fields.insert(name.to_owned(), value);
        }
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
            if name == UNREADABLE {
                event.unreadable.extend(serde_json::from_str::<BTreeMap<_, _>>(value.get()).unwrap_or_default());
                continue;
            }
            match serde_json::from_str(value.get()) {
                Ok(value) => _ = event.fields.insert(name, value),
                Err(error) => _ = event.unreadable.insert(name, error.to_string()),
            }
        }
        Ok(event)
    }
}

/// As it can be read again.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        if !self.unreadable.is_empty() {
            map.serialize_entry(UNREADABLE, &self.unreadable)?;
        }
        map.end()
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
    fn what_was_read_is_written_and_read_again() {
        let event: Event = serde_json::from_str(r#"{"RequestId": "r", "Deep": 1e999, "Null": null}"#).expect("JSON");
        let text = serde_json::to_string(&event).expect("JSON");
        let again: Event = serde_json::from_str(&text).expect("JSON");
        assert_eq!(again, event);
        assert!(again.unreadable("Deep").is_some() && again.field("RequestId") == "r");
    }

    #[test]
    fn debug_shows_names_only() {
        let event: Event =
            serde_json::from_str(r#"{"ResponseURL": "https://x/?secret", "Deep": 1e999}"#).expect("JSON");
        assert_eq!(format!("{event:?}"), r#"{"ResponseURL", "Deep"}"#);
    }
}
