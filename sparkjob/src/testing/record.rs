//! What all tests make the code write, where `make unit` looks for what nobody may see.
//!
//! With `SPARKJOB_TEST_RECORD` naming a folder, each process of tests keeps a file there. Logs go to it at every level as soon
//! as a model is made; whatever else leaves for a reader is [noted](note).

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::drive::COUNT;

/// The variable that names the folder.
const FOLDER: &str = "SPARKJOB_TEST_RECORD";

/// The crates whose lines it is about, and what is counted: of others the function itself writes only warnings and errors.
const OURS: [&str; 3] = ["handler", "sparkjob", COUNT];

/// Puts into the record what someone reads, unless it is there already.
///
/// # Panics
/// The record cannot be written.
pub fn note(text: &str) {
    if let Some(record) = of_this_process() {
        record.add(text);
    }
}

/// Has the logs of this process go into the record, or to nobody where there is none. Tests that judge their logs themselves
/// call this, and then set a subscriber of their own.
pub fn start() {
    static STARTED: OnceLock<()> = OnceLock::new();
    STARTED.get_or_init(|| {
        // It fails only where logs go somewhere else already.
        _ = match of_this_process() {
            Some(record) => tracing::subscriber::set_global_default(Recorder(record)),
            None => tracing::subscriber::set_global_default(Nobody),
        };
    });
}

fn of_this_process() -> Option<&'static Lines<File>> {
    static LINES: OnceLock<Option<Lines<File>>> = OnceLock::new();
    let open = || {
        let folder = std::env::var_os(FOLDER).filter(|folder| !folder.is_empty())?;
        let path = std::path::Path::new(&folder).join(std::process::id().to_string());
        Some(Lines::to(File::create(path).expect("the folder of the record is there")))
    };
    LINES.get_or_init(open).as_ref()
}

/// Lines, each of them once: runs with faults differ in few.
struct Lines<W> {
    writer: Mutex<(W, HashSet<u64>)>,
}

impl<W: Write> Lines<W> {
    fn to(writer: W) -> Self {
        Self { writer: Mutex::new((writer, HashSet::new())) }
    }

    fn add(&self, line: &str) {
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        let mut guard = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let (writer, known) = &mut *guard;
        if known.insert(hasher.finish()) {
            writeln!(writer, "{line}").expect("the record is written");
        }
    }
}

/// Logs without times, and without what they are a part of.
struct Recorder<W: Write + Send + 'static>(&'static Lines<W>);

impl<W: Write + Send> Recorder<W> {
    fn add(&self, what: &str, record: impl FnOnce(&mut Fields)) {
        let mut fields = Fields(what.to_owned());
        record(&mut fields);
        self.0.add(&fields.0);
    }
}

impl<W: Write + Send> Subscriber for Recorder<W> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let is_ours = OURS.iter().any(|name| metadata.target().split("::").next() == Some(name));
        is_ours || *metadata.level() <= Level::WARN
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.add(span.metadata().name(), |fields| span.record(fields));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.add("", |fields| values.record(fields));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.add(event.metadata().target(), |fields| event.record(fields));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Hears nothing, and lets others hear. A line that a thread without any subscriber is the first to come by is
/// [switched off](https://docs.rs/tracing-core/0.1.36/tracing_core/callsite/index.html) for the one that only another thread has.
struct Nobody;

impl Subscriber for Nobody {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        _ = write!(self.0, " {field}={value:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Shared(std::sync::Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_logged_is_recorded_once() {
        // Or lines that other threads, without a subscriber yet, are the first to come by are off.
        start();
        let written = Shared::default();
        let recorder = Recorder(Box::leak(Box::new(Lines::to(written.clone()))));
        tracing::subscriber::with_default(recorder, || {
            for state in ["dead", "dead", "running"] {
                tracing::trace!(state, polls = 7, "looked");
            }
            tracing::error_span!("request", id = "r-1").in_scope(|| tracing::info!("within"));
            tracing::debug!(target: "hyper::client", "a body");
            tracing::warn!(target: "hyper::client", "a warning");
        });
        let written = String::from_utf8(written.0.lock().expect("no panic").clone()).expect("UTF-8");
        let here = module_path!();
        assert_eq!(
            written,
            format!(
                "{here} message=looked state=\"dead\" polls=7\n{here} message=looked state=\"running\" polls=7\n\
                 request id=\"r-1\"\n{here} message=within\nhyper::client message=a warning\n"
            )
        );
    }
}
