//! The README's templates are the files that the tests deploy, and its tables name all that there is.

use std::fs;
use std::path::Path;

use handler::response::Attributes;
use serde_json::{Value, json};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("README.md")
}

#[test]
fn every_template_is_part_of_an_example() {
    let examples: Vec<String> = fs::read_dir(root().join("examples"))
        .expect("examples")
        .filter_map(|entry| fs::read_to_string(entry.expect("an entry").path()).ok())
        .collect();
    let readme = readme();
    let templates: Vec<&str> =
        readme.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect();
    assert!(templates.len() >= 7, "{} templates", templates.len());
    for template in templates {
        assert!(examples.iter().any(|example| example.contains(template)), "in no example:\n{template}");
    }
}

#[test]
fn every_attribute_is_in_the_table() {
    let Ok(Value::Object(attributes)) = serde_json::to_value(Attributes::default()) else { panic!("an object") };
    for name in attributes.keys() {
        assert!(readme().contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn every_property_in_the_tables_is_known() {
    let known = ["LivyHost", "LivyPort", "LivyUrl", "Mode", "Rerun", "RunOn", "WaitFor", "StableSeconds"]
        .into_iter()
        .chain(["UpdateStrategy", "OnTimeout", "OnDeleteError", "ServiceTimeout"])
        .map(|name| (name, json!({ name: ["a list"] })));
    let fields = ["File", "ClassName", "Args", "Jars", "PyFiles", "Files", "Archives", "Packages", "Environment"]
        .into_iter()
        .chain(["DriverMemory", "ExecutorMemory", "DriverCores", "ExecutorCores", "NumExecutors", "Queue"])
        .chain(["ProxyUser", "Name", "Configuration"])
        .map(|name| (name, json!({ "Parameters": { name: 7.5 } })));
    for (name, properties) in known.chain(fields) {
        assert!(readme().contains(&format!("`{name}`")), "{name} is not in the README");
        let faults = sparkjob::properties::read(&properties).expect_err("faults").to_string();
        assert!(!faults.contains("unknown"), "{name}: {faults}");
    }
}
