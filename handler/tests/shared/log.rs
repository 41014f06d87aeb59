//! What the functions of a test log.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;

use handler::logs;
use sparkjob::testing::{note, start_recording};

/// The log of this thread's functions, for as long as it is held.
pub struct Log {
    written: Written,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics while holding it").write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// One of this level, which begins now.
    pub fn at(level: LevelFilter) -> Self {
        start_recording();
        let written = Written::default();
        let writer = written.clone();
        let subscriber = logs::subscriber(level, move || writer.clone());
        Self { written, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// All that was written so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.written.0.lock().expect("nobody panics while holding it").clone()).expect("text")
    }

    /// What it counts, each metric with the first of its sets of dimensions: `Failed livy Invalid`.
    pub fn counted(&self) -> Vec<String> {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        lines.filter(|line: &Value| line["_aws"].is_object()).map(|line| counted(&line)).collect()
    }
}

/// What was written is looked through for secrets, whoever judged it.
impl Drop for Log {
    fn drop(&mut self) {
        let written = self.written.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        note(&String::from_utf8_lossy(&written));
    }
}

fn counted(line: &Value) -> String {
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    let dimensions = directive["Dimensions"][0].as_array().expect("dimensions").iter();
    let values = dimensions.map(|dimension| &line[dimension.as_str().expect("a name")]);
    // The first tells the submitter.
    let words = [&directive["Metrics"][0]["Name"]].into_iter().chain(values.skip(1));
    words.map(|word| word.as_str().expect("a word")).collect::<Vec<_>>().join(" ")
}
