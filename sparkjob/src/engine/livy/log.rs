//! What a reader wants of a batch's log: the error, and the last lines that say something.
//!
//! A log is what `spark-submit` wrote: log4j's lines, the program's own, and the traces of exceptions of Java and Python.

use std::cmp::Reverse;

use super::text::clip;
use crate::job::Phase;

/// What is kept of a log, in lines and in characters of each.
const MAX_EXCEPTION: usize = 6;
const MAX_TAIL: usize = 20;
const MAX_LINE: usize = 400;

/// What there is to tell of a log.
#[derive(Debug, Default, PartialEq)]
pub struct Told {
    /// The lines that name the error, the most telling first.
    pub exception: Vec<String>,
    /// The last other lines that say something, the oldest first.
    pub tail: Vec<String>,
}

/// What `log` tells of a batch in this phase.
pub fn told(log: &[String], phase: Phase) -> Told {
    let lines = read(log);
    let named = name_errors(&lines, phase == Phase::Failed);
    let exception: Vec<String> = named.iter().map(|error| clip(&error.text, MAX_LINE).into_owned()).collect();
    let told = |(index, line): &(usize, &Line)| {
        !line.is_java_frame() && !line.is_noise() && !named.iter().any(|error| error.says(*index, line))
    };
    let mut tail: Vec<&Line> = Vec::new();
    for (_, line) in lines.iter().enumerate().filter(told) {
        // spark-submit says once a second that the application is still in its queue.
        if tail.last().is_some_and(|last| last.message() == line.message()) {
            tail.pop();
        }
        tail.push(line);
    }
    let skipped = tail.len().saturating_sub(MAX_TAIL);
    Told { exception, tail: tail[skipped..].iter().map(|line| clip(&line.text, MAX_LINE).into_owned()).collect() }
}

/// One line of a log, not empty.
struct Line {
    text: String,
    /// Whether it is among what YARN says of the application.
    by_yarn: bool,
}

/// The lines of a log without the headings that [Livy puts between them](
/// https://github.com/apache/incubator-livy/blob/v0.8.0-incubating/server/src/main/scala/org/apache/livy/utils/SparkYarnApp.scala):
/// `stdout: `, `\nstderr: ` and `\nYARN Diagnostics: `.
fn read(log: &[String]) -> Vec<Line> {
    let mut by_yarn = false;
    let mut lines = Vec::new();
    for text in log.iter().flat_map(|entry| entry.split(['\n', '\r'])) {
        // Colours and the like; the tab tells a Java frame.
        let text = text.replace(|c: char| c.is_control() && c != '\t', "");
        match text.trim() {
            "" | "stdout:" | "stderr:" => {}
            "YARN Diagnostics:" => by_yarn = true,
            _ => lines.push(Line { text: text.trim_end().to_owned(), by_yarn }),
        }
    }
    lines
}

impl Line {
    /// log4j's level, logger and message; none for a line that log4j did not write.
    fn logged(&self) -> Option<(&str, &str)> {
        const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
        let (stamp, rest) = self.text.split_once(' ')?;
        let (time, rest) = rest.split_once(' ')?;
        let (level, message) = rest.trim_start().split_once(' ')?;
        let is_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        (is_number(stamp) && is_number(time) && LEVELS.contains(&level)).then_some((level, message))
    }

    /// What it says, without the time at which it was said.
    fn message(&self) -> &str {
        self.logged().map_or(&self.text, |(_, message)| message)
    }

    fn is_java_frame(&self) -> bool {
        let text = self.text.trim_start();
        let is_at = text.starts_with("at ") && text.contains('(');
        is_at || (text.starts_with("... ") && (text.ends_with(" more") || text.ends_with("common frames omitted")))
    }

    /// What Spark says when it stops, whatever the reason.
    fn is_noise(&self) -> bool {
        const LOGGERS: [&str; 9] = [
            "AbstractConnector",
            "BlockManager",
            "BlockManagerInfo",
            "BlockManagerMaster",
            "MapOutputTrackerMasterEndpoint",
            "MemoryStore",
            "OutputCommitCoordinator$OutputCommitCoordinatorEndpoint",
            "ShutdownHookManager",
            "SparkUI",
        ];
        self.logged().is_some_and(|(level, message)| {
            level == "INFO" && message.split_once(':').is_some_and(|(logger, _)| LOGGERS.contains(&logger))
        })
    }
}

/// A line that names an error.
struct Error {
    telling: Telling,
    line: usize,
    text: String,
}

impl Error {
    /// Whether `line` has nothing to add to what this error says.
    fn says(&self, index: usize, line: &Line) -> bool {
        self.line == index || line.text.trim() == self.text
    }
}

/// How much a line tells, the most telling first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Telling {
    /// Memory ran out: what else failed, failed of that.
    Memory,
    /// What ended the program.
    Final,
    /// What that goes back to.
    Root,
    /// An exception that may have been survived.
    Passing,
    /// What YARN says of an application that failed.
    Yarn,
    /// An exception between the final and its root; or one that says only that there was another.
    Wrapper,
    /// A line that log4j calls an error.
    Logged,
    /// The last that a program said before it exited.
    LastWords,
}

/// The most telling lines; of lines that tell as much as each other, the last first.
fn name_errors(lines: &[Line], failed: bool) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut trace = Trace::default();
    for (index, line) in lines.iter().enumerate() {
        if let Some((telling, text)) = trace.read(line, failed) {
            if telling == Telling::Root {
                trace.demote_root(&mut errors, index);
            }
            errors.push(Error { telling, line: index, text: text.trim().to_owned() });
        }
    }
    // log4j's errors repeat what the exceptions say; where there are none, they are all that there is.
    if errors.iter().any(|error| error.telling < Telling::Logged) {
        errors.retain(|error| error.telling < Telling::Logged);
    }
    if errors.is_empty() && failed {
        // `sys.exit("no input")` leaves no other trace than its text.
        let said = |(_, line): &(usize, &Line)| line.logged().is_none() && !line.is_java_frame();
        let last = lines.iter().enumerate().rfind(said);
        errors.extend(last.map(|(line, Line { text, .. })| {
            let text = text.trim().to_owned();
            Error { telling: Telling::LastWords, line, text }
        }));
    }
    errors.sort_by_key(|error| (error.telling, Reverse(error.line)));
    let mut best: Vec<Error> = Vec::new();
    for error in errors {
        if best.len() < MAX_EXCEPTION && best.iter().all(|other| other.text != error.text) {
            best.push(error);
        }
    }
    best
}

/// Where in an exception's trace a reader is.
#[derive(Default)]
struct Trace {
    /// Among the frames of a Python traceback.
    in_python: bool,
    /// The line before named py4j's wrapper of a Java exception.
    after_py4j: bool,
    /// The last `Caused by` of the present exception, by its place among the lines.
    root: Option<usize>,
}

impl Trace {
    /// How telling `line` is, and what it tells.
    fn read<'a>(&mut self, line: &'a Line, failed: bool) -> Option<(Telling, &'a str)> {
        const TRACEBACK: &str = "Traceback (most recent call last):";
        let after_py4j = std::mem::take(&mut self.after_py4j);
        let text = line.text.as_str();
        if text.starts_with(char::is_whitespace) && (self.in_python || line.is_java_frame()) {
            return None;
        }
        let was_in_python = std::mem::replace(&mut self.in_python, text.ends_with(TRACEBACK));
        let text = text.strip_suffix(TRACEBACK).map_or(text, |before| before.trim_end_matches([' ', ':']));
        let found = if after_py4j && text.starts_with(": ") {
            (Telling::Final, &text[2..])
        } else if was_in_python && line.logged().is_none() {
            self.after_py4j = text.starts_with("py4j.");
            (if is_wrapper(text) { Telling::Wrapper } else { Telling::Final }, text)
        } else {
            (classify(line, text, failed)?, text)
        };
        if found.0 != Telling::Root {
            self.root = None;
        }
        Some(found)
    }

    /// Only the last of an exception's causes is its root.
    fn demote_root(&mut self, errors: &mut [Error], root: usize) {
        if let Some(earlier) = self.root.replace(root) {
            errors.iter_mut().filter(|error| error.line == earlier).for_each(|error| error.telling = Telling::Wrapper);
        }
    }
}

/// How telling a line is that stands for itself.
fn classify(line: &Line, text: &str, failed: bool) -> Option<Telling> {
    /// What YARN, Spark and the JVM say where memory ran out. 137 is 128 + SIGKILL, which is how a kernel or a node takes
    /// memory back.
    const OUT_OF_MEMORY: [&str; 7] = [
        "OutOfMemoryError",
        "exceeding memory limits",
        "exceeding physical memory limits",
        "running beyond physical memory limits",
        "xit code is 137",
        "xitCode: 137",
        "xit status: 137",
    ];
    let logged = line.logged().map(|(level, _)| level);
    if OUT_OF_MEMORY.iter().any(|sign| text.contains(sign)) {
        Some(Telling::Memory)
    } else if text.starts_with("Exception in thread \"main\"") || text.contains("User class threw exception: ") {
        Some(if is_wrapper(text) { Telling::Wrapper } else { Telling::Final })
    } else if text.starts_with("Caused by: ") {
        Some(Telling::Root)
    } else if line.by_yarn {
        failed.then_some(Telling::Yarn)
    } else if matches!(logged, Some("ERROR" | "FATAL")) {
        Some(Telling::Logged)
    } else if logged.is_some() {
        None
    } else if text.starts_with("Error: ") || text.contains(": can't open file '") {
        // spark-submit's own words, and those of the Python that it starts.
        Some(Telling::Final)
    } else {
        names_exception(text).then(|| if is_wrapper(text) { Telling::Wrapper } else { Telling::Passing })
    }
}

/// Whether a line is `package.SomeError: text`, or the like in another thread than the main one.
fn names_exception(text: &str) -> bool {
    const KINDS: [&str; 5] = ["Error", "Exception", "Exit", "Interrupt", "Throwable"];
    if text.starts_with("Exception in thread ") {
        return true;
    }
    let class = text.split_once(':').map_or(text, |(class, _)| class);
    let is_name = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
    class.split('.').all(is_name) && KINDS.iter().any(|kind| class.ends_with(kind))
}

/// Whether an exception says only that there was another.
fn is_wrapper(text: &str) -> bool {
    const WRAPPERS: [&str; 5] = [
        "py4j.protocol.Py4JJavaError",
        "SparkUserAppException: User application exited with",
        "finished with failed status",
        "java.lang.reflect.InvocationTargetException",
        "java.lang.reflect.UndeclaredThrowableException",
    ];
    WRAPPERS.iter().any(|wrapper| text.contains(wrapper)) || text.trim_end().ends_with(':')
}
