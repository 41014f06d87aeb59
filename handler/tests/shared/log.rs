//! What the functions of a test log.

use serde_json::Value;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;

use handler::logs;
use sparkjob::testing::{Written, note, start_recording};

/// The log of this thread's functions, for as long as it is held.
pub struct Log {
    written: Written,
    _guard: DefaultGuard,
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
        self.written.text()
    }

    /// What it counts, each metric with the first of its sets of dimensions: `Failed livy Invalid`.
    pub fn counted(&self) -> Vec<String> {
        self.written.lines().iter().filter(|line| line["_aws"].is_object()).map(counted).collect()
    }
}

/// What was written is looked through for secrets, whoever judged it.
impl Drop for Log {
    fn drop(&mut self) {
        note(&self.text());
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
