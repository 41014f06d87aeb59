//! What an answer needs: read first, so that whatever is wrong with the rest can be answered.

use std::fmt;

use serde_json::Value;

use crate::event::Event;
use crate::physical_id::PhysicalId;
use crate::presigned::ResponseUrl;
use crate::response;

/// Who asks for what, and where the answer goes: the
/// [fields of a request](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html) beside
/// the properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Where the answer goes.
    pub response_url: ResponseUrl,
    /// The stack's ARN, sent back as it came.
    pub stack_id: String,
    /// With the stack's ARN, this one request; the same again when `CloudFormation` repeats it.
    pub request_id: String,
    /// The resource's name in the template, sent back as it came.
    pub logical_id: String,
    /// What is asked for.
    pub action: Action,
    /// The resource as `CloudFormation` knows it; none before there is one.
    pub physical_id: Option<PhysicalId>,
    /// The type that the template gives the resource; empty where the event does not tell.
    pub resource_type: String,
}

/// What is asked for: the event's `RequestType`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A new resource.
    Create,
    /// Other properties.
    Update,
    /// No resource any more.
    Delete,
    /// Nothing that is known; the event's own words.
    Other(String),
}

impl Envelope {
    /// Reads what an answer needs strictly, and the rest as far as it can be read.
    ///
    /// # Errors
    /// [`Unreadable`]: nobody can be answered.
    pub fn read(event: &Event) -> Result<Self, Unreadable> {
        let mut faults = Vec::new();
        let mut take = |name| text(event, name).map_err(|fault| faults.push(format!("{name} {fault}"))).ok();
        let (address, stack_id, request_id, logical_id) =
            (take("ResponseURL"), take("StackId"), take("RequestId"), take("LogicalResourceId"));
        let response_url = address.and_then(|address| {
            ResponseUrl::parse(address).map_err(|fault| faults.push(format!("ResponseURL {fault}"))).ok()
        });
        let (Some(response_url), Some(stack_id), Some(request_id), Some(logical_id)) =
            (response_url, stack_id, request_id, logical_id)
        else {
            return Err(Unreadable(faults));
        };
        let envelope = Self {
            response_url,
            stack_id: stack_id.to_owned(),
            request_id: request_id.to_owned(),
            logical_id: logical_id.to_owned(),
            action: Action::read(event.field("RequestType")),
            // An empty id is none: CloudFormation would refuse it as an answer.
            physical_id: text(event, "PhysicalResourceId").ok().map(PhysicalId::from),
            resource_type: event.field("ResourceType").as_str().unwrap_or_default().to_owned(),
        };
        if response::can_answer(&envelope) { Ok(envelope) } else { Err(Unreadable::too_long()) }
    }
}

/// Why an event cannot be answered: it is no request of `CloudFormation`, or not a whole one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(Vec<String>);

impl Unreadable {
    fn too_long() -> Self {
        let limit = response::MAX_BYTES;
        Self(vec![format!("its ids are too long to be sent back in an answer of {limit} bytes")])
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this event of a custom resource cannot be answered: {}", self.0.join("; "))
    }
}

impl Action {
    fn read(value: &Value) -> Self {
        match value.as_str() {
            Some("Create") => Self::Create,
            Some("Update") => Self::Update,
            Some("Delete") => Self::Delete,
            _ => Self::Other(value.to_string().chars().take(80).collect()),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("Create"),
            Self::Update => f.write_str("Update"),
            Self::Delete => f.write_str("Delete"),
            Self::Other(word) => f.write_str(word),
        }
    }
}

/// A text that is not empty.
fn text<'e>(event: &'e Event, name: &str) -> Result<&'e str, String> {
    match event.field(name) {
        Value::String(text) if !text.is_empty() => Ok(text),
        Value::String(_) => Err("is empty".to_owned()),
        Value::Null => {
            Err(event.unreadable(name).map_or("is missing".to_owned(), |why| format!("cannot be read ({why})")))
        }
        _ => Err("is not text".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use proptest::prelude::*;
    use serde_json::json;

    fn refused(changes: Value) -> String {
        Envelope::read(&sample::event("Create", changes)).expect_err("unreadable").to_string()
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let none = Envelope::read(&Event::default()).expect_err("unreadable").to_string();
        assert_eq!(
            none,
            "this event of a custom resource cannot be answered: ResponseURL is missing; StackId is missing; \
             RequestId is missing; LogicalResourceId is missing"
        );
        let some = refused(json!({"StackId": 1, "RequestId": "", "LogicalResourceId": {}}));
        assert!(some.ends_with("StackId is not text; RequestId is empty; LogicalResourceId is not text"), "{some}");
    }

    #[test]
    fn an_address_that_is_not_safe_makes_it_unreadable_and_is_not_told() {
        let fault = refused(json!({"ResponseURL": format!("http://s3/?X-Amz-Signature={}", sample::SIGNATURE)}));
        assert_eq!(fault, "this event of a custom resource cannot be answered: ResponseURL must be https");
    }

    #[test]
    fn what_an_answer_does_not_need_may_be_missing_or_wrong() {
        let changes =
            json!({"RequestType": ["x"], "ResourceType": 1, "PhysicalResourceId": "", "ResourceProperties": 7});
        let envelope = sample::envelope(&sample::event("Create", changes));
        assert_eq!(envelope.action, Action::Other("[\"x\"]".to_owned()));
        assert_eq!(envelope.physical_id, None);
    }

    #[test]
    fn ids_that_no_answer_can_hold_make_it_unreadable() {
        for name in ["StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId"] {
            let fault = refused(json!({name: "\u{1}".repeat(600)}));
            assert!(fault.contains("too long to be sent back in an answer of 4096 bytes"), "{fault}");
        }
        // The longest that CloudFormation knows.
        let longest = json!({"StackId": "s".repeat(400), "LogicalResourceId": "l".repeat(255),
            "PhysicalResourceId": "p".repeat(1024)});
        assert!(Envelope::read(&sample::event("Delete", longest)).is_ok());
    }

    proptest! {
        #[test]
        fn any_event_is_read_or_refused(fields in proptest::collection::btree_map(name(), json(), 0..9)) {
            let event: Event = serde_json::from_value(json!(fields)).expect("JSON");
            _ = Envelope::read(&event);
        }

        #[test]
        fn no_debug_print_holds_the_signature(fields in proptest::collection::btree_map(name(), json(), 0..4)) {
            let event = sample::event("Update", json!({"Other": fields}));
            let shown = format!("{event:?} {:?}", sample::envelope(&event));
            prop_assert!(!shown.contains(sample::SIGNATURE));
        }
    }

    fn name() -> impl Strategy<Value = String> {
        "(ResponseURL|StackId|RequestId|LogicalResourceId|RequestType|PhysicalResourceId|ResourceType)"
    }

    fn json() -> impl Strategy<Value = Value> {
        prop_oneof![sample::json(), Just(json!("https://host/")), Just(json!("id"))]
    }
}
