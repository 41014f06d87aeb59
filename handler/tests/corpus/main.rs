//! Everything that the fuzzer begins with, and what it found that was worth keeping.

mod check;

use std::fs;
use std::path::{Path, PathBuf};

use handler::arrival::Arrival;
use handler::mishap::{Closed, Mishap};
use handler::turn::VERSION;
use serde_json::Value;

use check::check;

/// The folders that the fuzzer reads.
const FOLDERS: [&str; 2] = ["events", "fuzz/corpus/event"];

/// What is in them, in the same order on every machine.
fn corpus() -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = FOLDERS.iter().map(|folder| fs::read_dir(root.join(folder)).expect("a folder"));
    let mut files: Vec<_> = folders.flatten().map(|file| file.expect("a file").path()).collect();
    files.sort();
    files.into_iter().map(|file| (file.clone(), fs::read(file).expect("a readable file"))).collect()
}

/// When the addresses in the corpus are signed, which is never over.
const SIGNED: &str = "X-Amz-Date=20991231T120000Z";

/// Seconds and hours before everything comes.
const SIGNED_EARLIER: [&str; 2] = ["X-Amz-Date=20261121T070000Z", "X-Amz-Date=20261121T030000Z"];

#[test]
fn what_must_hold_for_all_that_comes_holds_for_the_corpus() {
    for (file, bytes) in corpus() {
        // It is shown where something does not hold.
        println!("{}", file.display());
        check(&bytes);
    }
}

#[test]
fn it_holds_for_the_corpus_too_where_its_requests_come_in_time_and_where_nobody_waits_any_more() {
    let texts = corpus().into_iter().filter_map(|(file, bytes)| Some((file, String::from_utf8(bytes).ok()?)));
    let mut signed = 0;
    for (file, text) in texts.filter(|(_, text)| text.contains(SIGNED)) {
        for earlier in SIGNED_EARLIER {
            println!("{}, {earlier}", file.display());
            check(text.replace(SIGNED, earlier).as_bytes());
            signed += 1;
        }
    }
    assert!(signed >= 20, "{signed}");
}

/// Executions hold them while a new version of the function is deployed: written otherwise, these have to be written anew, and from the
/// first release on they are of another version.
#[test]
fn turns_of_this_version_are_read_and_written_as_they_are_kept() {
    let mut kept = 0;
    for (file, bytes) in corpus() {
        let mut asked: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if asked["Turn"]["Version"] != VERSION || asked["Began"].is_null() {
            continue;
        }
        let step = match serde_json::from_slice(&bytes) {
            Ok(Arrival::Step(step)) => step,
            other => panic!("{}: {other:?}", file.display()),
        };
        // The workflow adds what a step failed of.
        asked["Turn"].as_object_mut().map(|turn| turn.remove("Caught"));
        assert_eq!(serde_json::to_value(&step.turn).expect("a turn"), asked["Turn"], "{}", file.display());
        kept += 1;
    }
    assert!(kept >= 4, "{kept}");
}

/// The fuzzer finds nothing behind what cannot even be read: when a turn is written otherwise, so must these be.
#[test]
fn all_that_may_come_is_in_the_corpus() {
    let (mut arrivals, mut mishaps) = ([0; 3], [0; 6]);
    for (_, bytes) in corpus() {
        match serde_json::from_slice(&bytes) {
            Ok(Arrival::Request(event)) if event.has("RequestType") => arrivals[0] += 1,
            Ok(Arrival::Step(_)) => arrivals[1] += 1,
            Ok(Arrival::Unreadable(..)) => arrivals[2] += 1,
            Ok(Arrival::Request(_)) | Err(_) => {}
        }
        match serde_json::from_slice(&bytes) {
            Ok(Mishap::GivenUp { .. }) => mishaps[0] += 1,
            Ok(Mishap::Caught { .. }) => mishaps[1] += 1,
            Ok(Mishap::Closed(Closed { input: Some(_), .. })) => mishaps[2] += 1,
            Ok(Mishap::Closed(Closed { input: None, .. })) => mishaps[3] += 1,
            Ok(Mishap::BadTurn(_)) => mishaps[4] += 1,
            Ok(Mishap::Misdirected(_)) => mishaps[5] += 1,
            Ok(Mishap::Foreign(_)) | Err(_) => {}
        }
    }
    assert!(arrivals.iter().chain(&mishaps).all(|seeds| *seeds > 0), "{arrivals:?} {mishaps:?}");
}
