//! Logs: one JSON object a line, on stdout, where Lambda takes it as it is.
//!
//! Every line has `timestamp`, `level`, `target` and `message`; lines about a request also have `RequestId`,
//! `LogicalResourceId`, `action`, `invocation` and, once it is known, `job`, at the top level, where a query finds them:
//! `fields @timestamp, message | filter RequestId = "..."`. A line that [counts](crate::counters) something has also what
//! `CloudWatch` reads that from.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::panic::PanicHookInfo;
use std::str::FromStr;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Span, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::{LookupSpan, Scope};

use sparkjob::drive::COUNT;
use sparkjob::hidden::Hidden;

use crate::counters;
use crate::envelope::Envelope;
use crate::event;
use crate::presigned::without_signatures;

/// The environment variable that says how much is logged.
const LEVEL_VARIABLE: &str = "SPARK_JOB_LOG";

/// The crates whose lines it is about. Of the others, only warnings and errors are logged: at their lower levels they
/// write whole events and requests, and with them what must not be known.
const OURS: [&str; 2] = ["handler", "sparkjob"];

/// Sends the logs of this process to stdout, panics among them.
pub fn start() {
    let word = std::env::var(LEVEL_VARIABLE).unwrap_or_default();
    let known = level(&word);
    let subscriber = subscriber(known.unwrap_or(LevelFilter::INFO), io::stdout);
    // It fails only where logs were started before.
    _ = tracing::subscriber::set_global_default(subscriber);
    std::panic::set_hook(Box::new(log_panic));
    if known.is_none() {
        tracing::warn!("{LEVEL_VARIABLE} must be error, warn, info or debug, got {word:?}: info is taken");
    }
}

/// Writes lines of `level` and above to `writer`, and those that count something at any level.
pub fn subscriber<W>(level: LevelFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let targets = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(OURS.map(|name| (name, level)))
        .with_target(COUNT, LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer().fmt_fields(JsonFields::new()).event_format(Lines).with_writer(writer);
    tracing_subscriber::registry().with(targets).with(lines)
}

/// The span of one request in one invocation, which Lambda knows by that id; its fields are on every line within it. `job` is the
/// one that the event names, until another is known.
pub fn request(envelope: &Envelope, invocation: &str) -> Span {
    // An error's span is there at every level.
    tracing::error_span!(
        "request",
        RequestId = envelope.request_id,
        LogicalResourceId = envelope.logical_id,
        action = %envelope.action,
        invocation,
        job = envelope.physical_id.as_ref().map(tracing::field::display),
    )
}

/// The same of an event that may be no whole request, with what it tells of whose it is.
pub fn fragment(event: &event::Event, invocation: &str) -> Span {
    tracing::error_span!(
        "request",
        RequestId = id(event, "RequestId"),
        LogicalResourceId = id(event, "LogicalResourceId"),
        action = id(event, "RequestType"),
        invocation,
    )
}

/// The longest part of an id that is told of an event that may be anything, in characters: none of `CloudFormation`'s is
/// longer.
const LONGEST_ID: usize = 255;

/// What such an event has under the name of an id, if it is a text.
pub fn id<'e>(event: &'e event::Event, name: &str) -> Option<&'e str> {
    let id = event.field(name).as_str()?;
    let end = id.char_indices().nth(LONGEST_ID).map_or(id.len(), |(end, _)| end);
    Some(&id[..end])
}

/// From now on no line that this thread writes shows what is hidden here: the texts that an engine brings are without it
/// already, but nobody knows what a panic says. The function works on one request at a time, on one thread.
pub fn hide(hidden: Hidden) {
    HIDDEN.set(hidden);
}

/// A text without what is hidden, and without signatures.
pub fn shown(text: &str) -> String {
    without_signatures(&HIDDEN.with_borrow(|hidden| hidden.mask(text).into_owned()))
}

thread_local! {
    static HIDDEN: RefCell<Hidden> = RefCell::default();
}

/// Says that this process panicked, and where, as a line like any other. Lambda would take text on stderr for lines of
/// its own, one for each of ours.
pub fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, "panic: {}", panic.payload_as_str().unwrap_or("without a message"));
}

/// The level that a word means, info where there is none; nothing for an unknown word.
fn level(word: &str) -> Option<LevelFilter> {
    let word = word.trim().to_ascii_lowercase();
    match word.as_str() {
        "" => Some(LevelFilter::INFO),
        "error" | "warn" | "info" | "debug" => LevelFilter::from_str(&word).ok(),
        _ => None,
    }
}

/// One event as one line. The fields of its spans come to the top level, so that their place does not depend on how
/// many spans there are.
struct Lines;

impl<S> FormatEvent<S, JsonFields> for Lines
where
    S: Subscriber + for<'l> LookupSpan<'l>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields(Map::new());
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            let extensions = span.extensions();
            let known = extensions.get::<FormattedFields<JsonFields>>().map_or("", |known| known.fields.as_str());
            fields.0.extend(serde_json::from_str::<Map<String, Value>>(known).unwrap_or_default());
        }
        event.record(&mut fields);
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        // These are our own words, whatever is hidden.
        let (level, target) = (event.metadata().level().as_str(), event.metadata().target());
        let own = [("timestamp", &*timestamp), ("level", level), ("target", target)];
        fields.0.extend(own.map(|(name, word)| (name.to_owned(), word.into())));
        fields.0.extend(counters::members(event));
        writeln!(writer, "{}", Value::Object(fields.0))
    }
}

/// The fields of a line. No text that is told in it holds a signature or what is hidden, whoever wrote it; the ids of its spans
/// are as they are, so that a request is found by them.
struct Fields(Map<String, Value>);

impl Fields {
    fn text(&mut self, name: &str, text: &str) {
        self.0.insert(name.to_owned(), shown(text).into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field.name(), &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_one_of_four_words() {
        assert_eq!(level(""), Some(LevelFilter::INFO));
        assert_eq!(level(" Debug "), Some(LevelFilter::DEBUG));
        for unknown in ["off", "trace", "5", "handler=debug", "verbose"] {
            assert_eq!(level(unknown), None, "{unknown}");
        }
    }
}
