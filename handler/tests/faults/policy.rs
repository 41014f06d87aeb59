//! The policies of the template's role, with every engine switched on.

use std::path::Path;

use saphyr::{LoadableYamlNode, Scalar, Yaml};

/// One action that is allowed, on these resources.
#[derive(Debug)]
pub struct Allowed {
    pub policy: String,
    pub action: String,
    pub resources: Vec<String>,
}

impl Allowed {
    /// Whether it lets this action be done to this resource.
    pub fn lets(&self, action: &str, resource: &str) -> bool {
        self.action == action && self.resources.iter().any(|pattern| matches(pattern, resource))
    }
}

/// What the role of `template.yaml` allows where `parameter` is the value of each parameter.
pub fn allowed(parameter: impl Fn(&str) -> String) -> Vec<Allowed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    let text = std::fs::read_to_string(path).expect("template.yaml");
    let template = Yaml::load_from_str(&text).expect("YAML");
    let role = Intrinsics { parameter: &parameter };
    let policies = &template[0]["Resources"]["SubmitterRole"]["Properties"]["Policies"];
    let mut allowed = Vec::new();
    for policy in policies.as_vec().expect("a list of policies").iter().map(switched_on) {
        let name = role.text(&policy["PolicyName"]);
        for statement in policy["PolicyDocument"]["Statement"].as_vec().expect("statements") {
            if role.text(&statement["Effect"]) != "Allow" {
                continue;
            }
            for action in role.list(&statement["Action"]) {
                let resources = role.list(&statement["Resource"]);
                allowed.push(Allowed { policy: name.clone(), action, resources });
            }
        }
    }
    allowed
}

/// What `!If` has where its condition holds.
fn switched_on<'a>(node: &'a Yaml<'a>) -> &'a Yaml<'a> {
    match node {
        Yaml::Tagged(tag, inner) if tag.suffix == "If" => &inner[1],
        other => other,
    }
}

/// What `CloudFormation` makes of a value, as far as the role's policies need it.
struct Intrinsics<'a> {
    parameter: &'a dyn Fn(&str) -> String,
}

impl Intrinsics<'_> {
    fn text(&self, node: &Yaml) -> String {
        match node {
            Yaml::Value(Scalar::String(text)) => text.to_string(),
            Yaml::Tagged(tag, inner) if tag.suffix == "Ref" => (self.parameter)(&self.text(inner)),
            Yaml::Tagged(tag, inner) if tag.suffix == "Join" => self.list(&inner[1]).join(&self.text(&inner[0])),
            // A resource of the template itself, which no engine has to do with.
            Yaml::Tagged(tag, inner) if tag.suffix == "GetAtt" => self.text(inner),
            other => panic!("not a text: {other:?}"),
        }
    }

    fn list(&self, node: &Yaml) -> Vec<String> {
        match node {
            Yaml::Sequence(nodes) => nodes.iter().map(|node| self.text(node)).collect(),
            Yaml::Tagged(tag, inner) if tag.suffix == "Split" => {
                self.text(&inner[1]).split(&self.text(&inner[0])).map(str::to_owned).collect()
            }
            one => vec![self.text(one)],
        }
    }
}

/// Whether `text` looks like `pattern`, in which a star stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, rest)) => text.strip_prefix(before).is_some_and(|after| {
            (0..=after.len()).filter(|&cut| after.is_char_boundary(cut)).any(|cut| matches(rest, &after[cut..]))
        }),
    }
}
