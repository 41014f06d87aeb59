//! What a reader wants of a batch's log: the error, and the last lines that say something.
//!
//! A log is what `spark-submit` wrote: log4j's lines, the program's own, and the traces of exceptions of Java and Python.

mod errors;
mod lines;

use crate::engine::text::clip;
use crate::job::Phase;
use errors::name_errors;
use lines::{Line, read};

/// What is kept of a log, in lines and in characters of each.
const MAX_EXCEPTION: usize = 4;
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
    let mut named = name_errors(&lines, phase == Phase::Failed);
    named.truncate(MAX_EXCEPTION);
    let exception: Vec<String> = named.iter().map(|error| clip(&error.text, MAX_LINE).into_owned()).collect();
    let mut tail: Vec<&Line> = Vec::new();
    let mut in_library = false;
    for (index, line) in lines.iter().enumerate() {
        in_library = line.is_library_frame() || (in_library && line.text.starts_with("    "));
        if in_library
            || line.is_java_frame()
            || line.is_mark()
            || line.is_noise()
            || named.iter().any(|error| error.says(index, line))
        {
            continue;
        }
        // spark-submit says once a second that the application is still in its queue.
        if tail.last().is_some_and(|last| last.message() == line.message()) {
            tail.pop();
        }
        tail.push(line);
    }
    let skipped = tail.len().saturating_sub(MAX_TAIL);
    Told { exception, tail: tail[skipped..].iter().map(|line| clip(&line.text, MAX_LINE).into_owned()).collect() }
}

#[cfg(test)]
mod tests;
