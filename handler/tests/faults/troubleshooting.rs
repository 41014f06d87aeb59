//! The README's table of reasons, held against the reasons that are really given.

use std::path::Path;
use std::time::Duration;

use http::Method;
use sparkjob::testing::{Fault, Instead, Script, Version};

use crate::account::Account;
use crate::cloudformation::{Delivery, Properties, Stack, deliver};
use crate::town::{Engine, Town};
use crate::{DYING, NEW, REFUSED};

#[tokio::test(start_paused = true)]
async fn every_reason_in_the_readme_is_given() {
    let given = [
        faulty_properties().await,
        create(Town::new(Engine::Livy), NEW, |town| town.livy().fault_all(Fault::refused())).await,
        create(Town::new(Engine::Livy), NEW, |town| town.livy().fault_all(Fault::Before(Instead::Silence))).await,
        create(Town::new(Engine::Livy), DYING, |_| ()).await,
        create(Town::new(Engine::Livy), REFUSED, |_| ()).await,
        create(Town::new(Engine::Livy), REFUSED, lose_the_refusal).await,
        create(Town::new(Engine::Livy), NEW, delete_it_soon).await,
        create(Town::of(Engine::Livy, Version::V0_5), NEW, |_| ()).await,
        create(Town::new(Engine::Livy), NEW, |_| ()).await,
        delete_in_vain().await,
        die_each_time(Engine::Livy).await,
        die_each_time(Engine::EmrSteps).await,
    ];
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).expect("README.md");
    let rows = quoted(&readme);
    assert!(rows.len() >= 10, "{rows:?}");
    for row in rows {
        assert!(given.iter().any(|reason| holds(reason, row)), "nobody says {row:?}:\n{}", given.join("\n"));
    }
}

/// The reason of a Create that fails; it waits for the job's success, for longer than a test's jobs run.
async fn create(town: Town, file: &str, prepare: impl FnOnce(&Town)) -> String {
    prepare(&town);
    let told = Properties { wait_for: "Succeeded", ..Properties::default() };
    failed(&town, &Stack::new(&town).create(file, told)).await
}

async fn faulty_properties() -> String {
    let town = Town::new(Engine::Livy);
    let told = Properties { strategy: "Sometimes", ..Properties::default() };
    failed(&town, &Stack::new(&town).create("relative.py", told)).await
}

/// The reason of a Delete whose job does not stop.
async fn delete_in_vain() -> String {
    let town = Town::new(Engine::Livy);
    town.livy().script(NEW, Script { stops: Duration::from_hours(2), ..Script::endless() });
    let mut stack = Stack::new(&town);
    let created = deliver(&town, &stack.create(NEW, Properties::default())).await;
    stack.answered(&created);
    failed(&town, &stack.delete()).await
}

/// The reason of a Create whose function dies whenever it submits.
async fn die_each_time(engine: Engine) -> String {
    let account = Account::new(engine);
    let request = Stack::new(account.town()).create(NEW, Properties::default());
    account.way().fault_each(Method::POST, engine.submission(), Fault::Before(Instead::Death));
    let answer = account.deliver(&request).await;
    assert_eq!(answer.status, "FAILED");
    answer.reason
}

async fn failed(town: &Town, request: &Delivery) -> String {
    let answer = deliver(town, request).await;
    assert_eq!(answer.status, "FAILED");
    answer.reason
}

/// Livy registers the batch, cannot start it, and its answer does not tell.
fn lose_the_refusal(town: &Town) {
    let error = Instead::Answer(500, "\"java.io.IOException: Cannot run program\"".to_owned());
    town.livy().fault_next(Method::POST, "/batches", Fault::After(error));
}

fn delete_it_soon(town: &Town) {
    let livy = town.livy().clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_mins(1)).await;
        livy.delete(0);
    });
}

/// What the table's first column quotes.
fn quoted(readme: &str) -> Vec<&str> {
    let section = readme.split("\n## Troubleshooting").nth(1).expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `"));
    cells.filter_map(|row| row.split('`').next()).collect()
}

/// Whether all parts of `row` between its ellipses are in `reason`, in their order.
fn holds(reason: &str, row: &str) -> bool {
    let mut rest = reason;
    row.split('…').map(str::trim).all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}
