//! The lines of a log, and whose they are.

use std::collections::VecDeque;

use crate::hidden::readable;

/// As many lines are looked at, the last ones: an entry may be of any number.
const MAX_LINES: usize = 2000;

/// One line of a log, not empty.
pub struct Line {
    pub text: String,
    /// Whether it is among what YARN says of the application.
    pub by_yarn: bool,
}

/// The lines of a log without the headings that [Livy puts between them](
/// https://github.com/apache/incubator-livy/blob/v0.8.0-incubating/server/src/main/scala/org/apache/livy/utils/SparkYarnApp.scala):
/// `stdout: `, `\nstderr: ` and `\nYARN Diagnostics: `.
pub fn read(log: &[String]) -> Vec<Line> {
    let mut by_yarn = false;
    let mut lines = VecDeque::new();
    for text in log.iter().flat_map(|entry| entry.split(['\n', '\r'])) {
        // The tab tells a Java frame.
        let text = readable(text);
        match text.trim() {
            "" | "stdout:" | "stderr:" => {}
            "YARN Diagnostics:" => by_yarn = true,
            _ => {
                if lines.len() == MAX_LINES {
                    lines.pop_front();
                }
                lines.push_back(Line { text: text.trim_end().to_owned(), by_yarn });
            }
        }
    }
    lines.into()
}

impl Line {
    /// log4j's level, and what follows it; none for a line that log4j did not write. Spark's own layout begins with date and
    /// time, others with one of them.
    pub fn logged(&self) -> Option<(&str, &str)> {
        const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
        let mut rest = self.text.as_str();
        for _ in 0..2 {
            let (stamp, message) = rest.split_once(' ')?;
            if !stamp.starts_with(|c: char| c.is_ascii_digit()) {
                return None;
            }
            rest = message.trim_start();
            let (level, message) = rest.split_once(' ')?;
            if LEVELS.contains(&level) {
                return Some((level, message));
            }
        }
        None
    }

    /// What it says, without the time at which it was said.
    pub fn message(&self) -> &str {
        self.logged().map_or(&self.text, |(_, message)| message)
    }

    pub fn is_java_frame(&self) -> bool {
        let text = self.text.trim_start();
        text == "Driver stacktrace:"
            || (text.starts_with("at ") && text.contains('('))
            || (text.starts_with("... ") && (text.ends_with(" more") || text.ends_with("common frames omitted")))
    }

    /// Whether it begins a frame of Python's in Spark's own code.
    pub fn is_library_frame(&self) -> bool {
        const LIBRARIES: [&str; 4] = ["/pyspark.zip/", "/py4j-", "/spark/python/", "-packages/pyspark/"];
        self.text.trim_start().starts_with("File \"") && LIBRARIES.iter().any(|part| self.text.contains(part))
    }

    /// Whether it is Python's underlining of a place in the line above.
    pub fn is_mark(&self) -> bool {
        self.text.trim_start().trim_matches(['^', '~']).is_empty()
    }

    /// What Spark says when it stops, whatever the reason.
    pub fn is_noise(&self) -> bool {
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
