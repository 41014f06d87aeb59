//! What `CloudFormation` makes of `template.yaml`, as far as the tests need it. What it does not know makes it panic.

use std::collections::BTreeMap;
use std::path::Path;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

/// Parameters that are given; the others have their defaults.
pub type Given = BTreeMap<&'static str, String>;

/// The properties of a resource, with all functions and conditions evaluated.
pub fn properties(resource: &str, given: &Given) -> Value {
    read(|document| {
        for name in given.keys() {
            assert!(document["Parameters"].contains_mapping_key(name), "there is no parameter {name}");
        }
        let template = Template { document, given };
        template.value(&document["Resources"][resource]["Properties"]).expect("properties")
    })
}

/// The names of all resources of this type.
pub fn resources(of_type: &str) -> Vec<String> {
    read(|document| {
        let resources = document["Resources"].as_mapping().expect("resources").iter();
        let of_type = resources.filter(|(_, resource)| resource["Type"].as_str() == Some(of_type));
        of_type.map(|(name, _)| name.as_str().expect("a name").to_owned()).collect()
    })
}

fn read<T>(take: impl FnOnce(&Yaml) -> T) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    let text = std::fs::read_to_string(path).expect("template.yaml");
    let documents = Yaml::load_from_str(&text).expect("YAML");
    take(&documents[0])
}

struct Template<'a> {
    document: &'a Yaml<'a>,
    given: &'a Given,
}

impl Template<'_> {
    /// What stands there; nothing where that is `AWS::NoValue`.
    fn value(&self, node: &Yaml) -> Option<Value> {
        match node {
            Yaml::Value(Scalar::String(text)) => Some(Value::from(text.as_ref())),
            Yaml::Value(Scalar::Integer(number)) => Some(Value::from(*number)),
            Yaml::Value(Scalar::Boolean(is_so)) => Some(Value::from(*is_so)),
            Yaml::Sequence(nodes) => Some(nodes.iter().filter_map(|node| self.value(node)).collect()),
            Yaml::Mapping(entries) => {
                let entries = entries.iter().filter_map(|(name, node)| Some((self.text(name), self.value(node)?)));
                Some(Value::Object(entries.collect::<Map<_, _>>()))
            }
            Yaml::Tagged(function, argument) => self.call(&function.suffix, argument),
            other => panic!("neither scalar nor list nor mapping: {other:?}"),
        }
    }

    fn call(&self, function: &str, argument: &Yaml) -> Option<Value> {
        match function {
            "Ref" => match self.text(argument).as_str() {
                "AWS::NoValue" => None,
                pseudo if pseudo.starts_with("AWS::") => Some(pseudo.into()),
                // As of `GetAtt`: only that it is that of this resource.
                resource if self.document["Resources"].contains_mapping_key(resource) => Some(resource.into()),
                parameter => Some(self.parameter(parameter).into()),
            },
            // Nobody asks what it is, only that it is that of this resource.
            "GetAtt" => self.value(argument),
            "If" => self.value(&argument[if self.holds(&self.text(&argument[0])) { 1 } else { 2 }]),
            "Split" => Some(self.text(&argument[1]).split(&self.text(&argument[0])).collect()),
            // With the names that it is given itself; those of CloudFormation's own stay.
            "Sub" => {
                let (text, names) = match argument {
                    Yaml::Sequence(both) => (self.text(&both[0]), both[1].as_mapping()),
                    text => (self.text(text), None),
                };
                let filled = names.into_iter().flatten().fold(text, |text, (name, value)| {
                    text.replace(&format!("${{{}}}", self.text(name)), &self.text(value))
                });
                Some(filled.into())
            }
            "Join" => Some(self.texts(&argument[1]).join(&self.text(&argument[0])).into()),
            other => panic!("!{other} is not known here"),
        }
    }

    fn parameter(&self, name: &str) -> String {
        let default = || self.text(&self.document["Parameters"][name]["Default"]);
        self.given.get(name).cloned().unwrap_or_else(default)
    }

    /// Whether a condition of this name holds.
    fn holds(&self, condition: &str) -> bool {
        self.is_true(&self.document["Conditions"][condition])
    }

    fn is_true(&self, condition: &Yaml) -> bool {
        let Yaml::Tagged(function, argument) = condition else { panic!("not a condition: {condition:?}") };
        let all = || argument.as_vec().expect("conditions").iter();
        match function.suffix.as_str() {
            "Condition" => self.holds(&self.text(argument)),
            "Equals" => self.text(&argument[0]) == self.text(&argument[1]),
            "Not" => !self.is_true(&argument[0]),
            "And" => all().all(|one| self.is_true(one)),
            "Or" => all().any(|one| self.is_true(one)),
            other => panic!("!{other} is no condition that is known here"),
        }
    }

    fn text(&self, node: &Yaml) -> String {
        let value = self.value(node);
        let text = value.as_ref().and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("not a text: {node:?}")).to_owned()
    }

    fn texts(&self, node: &Yaml) -> Vec<String> {
        let value = self.value(node).expect("a list");
        serde_json::from_value(value).expect("a list of texts")
    }
}
