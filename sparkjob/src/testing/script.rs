//! What becomes of a job on a model.

use std::time::Duration;

/// What becomes of a job that is left to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// How long it waits before it runs.
    pub waits: Duration,
    /// How long it runs; none: until it is stopped.
    pub runs: Option<Duration>,
    /// How it ends then.
    pub end: End,
    /// What it writes once it runs.
    pub says: Vec<String>,
    /// How long it takes to stop where it is stopped.
    pub stops: Duration,
    /// Whether it pays no heed to being asked, and has to be killed, where that makes a difference.
    pub deaf: bool,
    /// On YARN: how long after its submission the application's id is known. None: a local master, which has none.
    pub application: Option<Duration>,
    /// On Livy: whether `running` is ever shown; it is not on YARN in client mode from 0.8 on.
    pub shows_running: bool,
}

/// How a job ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Well.
    Success,
    /// Badly, with these last words.
    Dead(Vec<String>),
}

impl Default for Script {
    /// A Python pi on a local master: it runs for 10 seconds and succeeds.
    fn default() -> Self {
        let line = "26/11/21 07:00:00 INFO SparkContext: Running Spark version 3.5.8".to_owned();
        Self {
            waits: Duration::ZERO,
            runs: Some(Duration::from_secs(10)),
            end: End::Success,
            says: vec![line, "Pi is roughly 3.1416".to_owned()],
            stops: Duration::from_millis(500),
            deaf: false,
            application: None,
            shows_running: true,
        }
    }
}

impl Script {
    /// A job that runs until it is stopped.
    pub fn endless() -> Self {
        Self { runs: None, ..Self::default() }
    }

    /// A job that runs for this long and succeeds.
    pub fn running(runs: Duration) -> Self {
        Self { runs: Some(runs), ..Self::default() }
    }

    /// A job that runs for this long and dies of a Python exception.
    pub fn dying(runs: Duration) -> Self {
        let words = [
            "Traceback (most recent call last):",
            "  File \"/jobs/fail.py\", line 16, in <module>",
            "    main()",
            "ValueError: no column 'amount'",
            "26/11/21 07:00:03 INFO ShutdownHookManager: Shutdown hook called",
        ];
        Self { end: End::Dead(words.map(str::to_owned).to_vec()), ..Self::running(runs) }
    }
}
