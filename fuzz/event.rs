//! The whole event: whatever bytes come, from reading them to the answer that is put.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../handler/tests/corpus/check.rs"]
mod check;

fuzz_target!(|bytes: &[u8]| check::check(bytes));
