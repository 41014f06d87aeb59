//! Everything that the fuzzer begins with, and what it found that was worth keeping.

mod check;

use std::fs;
use std::path::{Path, PathBuf};

use handler::arrival::Arrival;
use handler::mishap::Mishap;

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

#[test]
fn what_must_hold_for_all_that_comes_holds_for_the_corpus() {
    for (file, bytes) in corpus() {
        // It is shown where something does not hold.
        println!("{}", file.display());
        check(&bytes);
    }
}

/// The fuzzer finds nothing behind what cannot even be read: when a turn is written otherwise, so must these be.
#[test]
fn all_that_may_come_is_in_the_corpus() {
    let (mut arrivals, mut mishaps) = ([0; 3], [0; 5]);
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
            Ok(Mishap::Closed { input: Some(_), .. }) => mishaps[2] += 1,
            Ok(Mishap::Closed { input: None, .. }) => mishaps[3] += 1,
            Ok(Mishap::BadTurn(_)) => mishaps[4] += 1,
            Ok(Mishap::Foreign(_)) | Err(_) => {}
        }
    }
    assert!(arrivals.iter().chain(&mishaps).all(|seeds| *seeds > 0), "{arrivals:?} {mishaps:?}");
}
