//! The README's templates are the files that the tests deploy, and its tables name all that there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use handler::counters::COUNTERS;
use handler::response::Attributes;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("README.md")
}

/// The texts of all files of a folder.
fn texts(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect(folder);
    entries.filter_map(|entry| fs::read_to_string(entry.expect("an entry").path()).ok()).collect()
}

#[test]
fn every_template_is_part_of_an_example() {
    let examples = texts("examples");
    let pages = [vec![readme()], texts("docs")].concat();
    let templates = |page: &str| -> Vec<String> {
        page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
    };
    assert!(templates(&pages[0]).len() >= 8, "{:?}", templates(&pages[0]));
    for template in pages.iter().flat_map(|page| templates(page)) {
        assert!(examples.iter().any(|example| example.contains(&template)), "in no example:\n{template}");
    }
}

#[test]
fn every_attribute_is_in_the_table() {
    let Ok(Value::Object(attributes)) = serde_json::to_value(Attributes::default()) else { panic!("an object") };
    let readme = readme();
    let table =
        readme.split("\n## What it returns").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("the section");
    for name in attributes.keys() {
        assert!(table.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn every_counter_is_in_the_table() {
    for counter in COUNTERS {
        let by = |set: &&[&str]| set.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let sets: Vec<String> = counter.dimensions.iter().map(by).collect();
        let row = readme().lines().find(|line| line.starts_with(&format!("| `{}` |", counter.name))).map(str::to_owned);
        let row = row.unwrap_or_else(|| panic!("no row for {}", counter.name));
        assert!(row.ends_with(&format!("| {} |", sets.join("; and again by "))), "{row}");
    }
}

#[test]
fn every_parameter_of_the_submitter_is_in_the_table() {
    let template = fs::read_to_string(root().join("template.yaml")).expect("template.yaml");
    let parameters = template.split("\nParameters:\n").nth(1).expect("parameters");
    // The section ends where the next one begins.
    let lines = parameters.lines().take_while(|line| line.starts_with([' ', '#']) || line.is_empty());
    let names: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'))
        .filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
        .collect();
    assert!(names.len() >= 9, "{names:?}");
    let table = readme();
    let table = table.split("\n## Install it").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("the section");
    for name in names {
        assert!(table.contains(&format!("`{name}`")), "{name}");
    }
}

/// What a section of the README names: in the first cells of its table, and anywhere in its heading and its table.
struct Section {
    listed: BTreeSet<String>,
    mentioned: BTreeSet<String>,
}

/// The section whose heading begins with `title`.
fn section(title: &str) -> Section {
    let readme = readme();
    let start = readme.find(&format!("\n### {title}")).unwrap_or_else(|| panic!("no section {title}"));
    let mut lines = readme[start + 1..].lines();
    let heading = lines.next().unwrap_or_default();
    let rows: Vec<&str> =
        lines.take_while(|line| !line.starts_with('#')).filter(|line| line.starts_with("| `")).collect();
    let first_cells = rows.iter().filter_map(|row| row.split('|').nth(1));
    Section {
        listed: first_cells.flat_map(quoted).collect(),
        mentioned: rows.iter().copied().chain([heading]).flat_map(quoted).collect(),
    }
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

#[test]
fn the_tables_list_the_properties_that_are_known_and_no_others() {
    let parameters = section("What runs");
    let tables =
        ["Where it runs", "In the engine's own words", "What stands beside it", "How it is managed"].map(section);
    let known = sparkjob::properties::known_names();
    let names = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|&name| name.to_owned()).collect() };
    let (beside, within) = (names(&known.beside), names(&known.within));
    let none = BTreeSet::new();

    let listed: BTreeSet<String> = tables.iter().flat_map(|table| table.listed.clone()).collect();
    let mentioned: BTreeSet<String> = tables.iter().flat_map(|table| table.mentioned.clone()).collect();
    assert_eq!(&beside - &(&mentioned | &parameters.mentioned), none, "known, but not in the tables");
    assert_eq!(&within - &parameters.listed, none, "known within Parameters, but not in the table");
    assert_eq!(&listed - &beside, none, "in the tables, but not known");
    assert_eq!(&parameters.listed - &within, none, "in the table of Parameters, but not known there");
}
