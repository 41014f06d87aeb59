//! Tags, which templates write in two ways.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::fault::Fault;
use super::super::reader::{Read, Reader, is_given};
use super::{Api, read};

/// Reads tags that are an object, `{Team: data}`, or a list as most resources of `CloudFormation` have it,
/// `[{Key: Team, Value: data}]`, within the API's limits. A tag without a value is one that was left out.
pub(in super::super) fn tags(api: Api) -> impl Fn(&Value) -> Read<BTreeMap<String, String>> {
    move |value| {
        if api == Api::Emr {
            // What would be none elsewhere is none here.
            let none = tags(Api::EmrContainers)(value).ok().filter(BTreeMap::is_empty);
            return none.ok_or_else(|| vec![Fault::new("must be left out: a step has no tags")]);
        }
        let (object, mut faults) = match value {
            Value::Array(entries) => from_list(api, entries),
            object => (object.clone(), Vec::new()),
        };
        match read(api, "tags")(&object) {
            Ok(tags) if faults.is_empty() => Ok(texts(tags.as_ref())),
            Ok(_) => Err(faults),
            Err(more) => {
                faults.extend(more);
                Err(faults)
            }
        }
    }
}

/// An object of the entries that are sound, and the faults of the others.
fn from_list(api: Api, entries: &[Value]) -> (Value, Vec<Fault>) {
    let (mut object, mut faults) = (Map::new(), Vec::new());
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| is_given(entry)) {
        match from_entry(api, entry) {
            Ok(Some((key, _))) if object.contains_key(&key) => {
                faults.push(Fault::wrong("given twice", &key.into()).under("Key").at(index));
            }
            Ok(tag) => object.extend(tag),
            Err(more) => faults.extend(more.into_iter().map(|fault| fault.at(index))),
        }
    }
    (object.into(), faults)
}

fn from_entry(api: Api, entry: &Value) -> Read<Option<(String, Value)>> {
    let mut reader = Reader::over(entry)?;
    if reader.has("Value") {
        reader.require("Key", "the tag's name");
    }
    let key = reader.take("Key", read(api, "tags.key")).flatten();
    let name = entry["Key"].as_str().unwrap_or_default();
    let named = |faults: Vec<Fault>| faults.into_iter().map(|fault| fault.named(name)).collect();
    let value = reader.take("Value", |value| read(api, "tags.value")(value).map_err(named)).flatten();
    let faults = reader.finish(|_| None);
    let key = key.and_then(|key| key.as_str().map(str::to_owned));
    if faults.is_empty() { Ok(key.zip(value)) } else { Err(faults) }
}

fn texts(tags: Option<&Value>) -> BTreeMap<String, String> {
    let tags = tags.and_then(Value::as_object).into_iter().flatten();
    tags.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(api: Api, given: &Value) -> Vec<String> {
        tags(api)(given).expect_err("a fault").iter().map(Fault::to_string).collect()
    }

    #[test]
    fn tags_are_an_object_or_a_list() {
        let same =
            BTreeMap::from([("Team", "data"), ("Cost", "7")].map(|(key, value)| (key.to_owned(), value.to_owned())));
        for api in [Api::EmrContainers, Api::EmrServerless] {
            for given in [
                json!({"Team": "data", "Cost": 7, "Owner": "", "Stage": null}),
                json!([{"Key": "Team", "Value": "data"}, {"Key": "Cost", "Value": "7"}, {"Key": "Owner", "Value": ""}, ""]),
            ] {
                assert_eq!(tags(api)(&given), Ok(same.clone()), "{given}");
            }
            for nothing in [json!({}), json!([]), json!([{}])] {
                assert_eq!(tags(api)(&nothing), Ok(BTreeMap::new()), "{nothing}");
            }
        }
    }

    #[test]
    fn each_fault_of_tags_is_told() {
        let long = "x".repeat(129);
        for (given, faults) in [
            (json!("Team=data"), vec!["must be an object, got a string of 9 characters".to_owned()]),
            (
                json!({"a#b": 1}),
                vec!["[\"a#b\"]: its name must be letters, digits, blanks and / _ . : = + @ -".to_owned()],
            ),
            (json!({"a": "b#"}), vec!["a: must be letters, digits, blanks and / _ . : = + @ -, got \"b#\"".to_owned()]),
            (json!({"a": ["b"]}), vec!["a: must be a string, got a list".to_owned()]),
            (
                json!([{"Key": "DbPassword", "Value": "hunter2#"}]),
                vec![
                    "[0].Value: must be letters, digits, blanks and / _ . : = + @ -, got a string of 8 characters"
                        .to_owned(),
                ],
            ),
            (
                json!([{"Key": "a", "Value": 1}, {"Key": "a", "Value": 2}]),
                vec!["[1].Key: given twice, got \"a\"".to_owned()],
            ),
            (
                json!([{"Key": long, "Value": "a"}, {"key": "a", "Value": "b"}, "c"]),
                vec![
                    format!("[0].Key: must be at most 128 characters long, got \"{}...\" (129 bytes)", "x".repeat(79)),
                    "[1].Key: required: the tag's name".to_owned(),
                    "[1].key: unknown; did you mean Key?".to_owned(),
                    "[2]: must be an object, got a string of 1 character".to_owned(),
                ],
            ),
        ] {
            assert_eq!(told(Api::EmrServerless, &given), faults, "{given}");
        }
        assert_eq!(told(Api::Emr, &json!({"a": "b"})), ["must be left out: a step has no tags"]);
        assert_eq!(
            [json!({}), json!([])].map(|nothing| tags(Api::Emr)(&nothing)),
            [Ok(BTreeMap::new()), Ok(BTreeMap::new())]
        );
    }

    #[test]
    fn an_api_takes_so_many_tags() {
        for (api, most) in [(Api::EmrContainers, 50), (Api::EmrServerless, 200)] {
            let keys = |count: usize| (0..count).map(|i| format!("k{i}"));
            let object = |count| keys(count).map(|key| (key, json!("v"))).collect::<Value>();
            let list = |count| keys(count).map(|key| json!({"Key": key, "Value": "v"})).collect::<Value>();
            assert_eq!(tags(api)(&object(most)).map(|tags| tags.len()), Ok(most));
            assert_eq!(tags(api)(&list(most)).map(|tags| tags.len()), Ok(most));
            let fault = format!("must have at most {most} entries, got {}", most + 1);
            assert_eq!(told(api, &object(most + 1)), [fault.as_str()]);
            assert_eq!(told(api, &list(most + 1)), [fault.as_str()]);
        }
    }
}
