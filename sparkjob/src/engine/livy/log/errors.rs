//! Which lines name an error, and how much each of them tells.

use std::cmp::Reverse;

use super::lines::Line;

/// A line that names an error.
pub struct Error {
    telling: Telling,
    line: usize,
    pub text: String,
}

impl Error {
    /// Whether `line` has nothing to add to what this error says.
    pub fn says(&self, index: usize, line: &Line) -> bool {
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
pub fn name_errors(lines: &[Line], failed: bool) -> Vec<Error> {
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
            let text = format!("the last it said: {}", text.trim());
            Error { telling: Telling::LastWords, line, text }
        }));
    }
    errors.sort_by_key(|error| (error.telling, Reverse(error.line)));
    let mut best: Vec<Error> = Vec::new();
    for error in errors {
        if best.iter().all(|other| other.text != error.text) {
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
        if text.is_empty() {
            return None;
        }
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
    // The traceback that follows the last one names the error.
    WRAPPERS.iter().any(|wrapper| text.contains(wrapper))
        || text.trim_end().ends_with(':')
        || text.ends_with("api.python.PythonException")
}
