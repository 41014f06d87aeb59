//! What the suite's jobs run: really, or by a model's script.

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use sparkjob::testing::{End, Script};

/// Done at once.
pub const SHORT: &str = "short.py";
/// Runs until it is stopped.
pub const ENDLESS: &str = "endless.py";
/// Runs until it is killed, which it shows by the file that its first argument names.
pub const DEAF: &str = "deaf.py";
/// Waits where that can be had, else runs until it is stopped.
pub const WAITING: &str = "waiting.py";
/// Raises `ValueError: no orders`.
pub const DYING: &str = "dying.py";
/// Says 1,000 lines and dies.
pub const TALKATIVE: &str = "talkative.py";
/// Writes what it got into the file that its first argument names.
pub const TELLING: &str = "telling.py";

/// Most do without Spark, which `spark-submit` takes as it takes any Python: so each is up in a second or two.
const ENDLESS_PROGRAM: &str = "\
import os, time
# A deletion on Livy ends `spark-submit`, which leaves its Python behind.
parent = os.getppid()
while os.getppid() == parent:
    time.sleep(0.2)";

const DEAF_PROGRAM: &str = "\
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], 'w').close()
time.sleep(300)";

/// The JVM of `spark-submit` has the Spark properties, and is asked for them without starting Spark.
const TELLING_PROGRAM: &str = "\
import json, os, sys
from pyspark import SparkConf
from pyspark.java_gateway import launch_gateway
configuration = dict(SparkConf(_jvm=launch_gateway().jvm).getAll())
told = {'args': sys.argv[2:], 'environment': dict(os.environ), 'configuration': configuration}
with open(sys.argv[1] + '.new', 'w') as file:
    json.dump(told, file)
os.replace(sys.argv[1] + '.new', sys.argv[1])";

const PROGRAMS: [(&str, &str); 7] = [
    (SHORT, "print('done')"),
    (ENDLESS, ENDLESS_PROGRAM),
    (WAITING, ENDLESS_PROGRAM),
    (DEAF, DEAF_PROGRAM),
    (DYING, "raise ValueError('no orders')"),
    (TALKATIVE, "for line in range(1000):\n    print('line', line)\nraise SystemExit('that was all')"),
    (TELLING, TELLING_PROGRAM),
];

/// Writes the programs, once for all stands.
pub fn write(folder: &str) {
    static WRITTEN: Once = Once::new();
    WRITTEN.call_once(|| {
        std::fs::create_dir_all(folder).expect("the folder can be made");
        for (file, program) in PROGRAMS {
            std::fs::write(Path::new(folder).join(file), program).expect("the folder can be written to");
        }
    });
}

/// What a model does instead.
pub fn scripts() -> [(&'static str, Script); 7] {
    let short = Script { runs: Some(Duration::from_secs(2)), says: vec!["done".to_owned()], ..Script::default() };
    let endless = Script { runs: None, stops: Duration::from_secs(3), ..short.clone() };
    let waits = Duration::from_hours(24);
    let dying = |words: &[&str]| End::Dead(words.iter().map(|&word| word.to_owned()).collect());
    let traceback = [
        "Traceback (most recent call last):",
        "  File \"/jobs/dying.py\", line 1, in <module>",
        "ValueError: no orders",
    ];
    let lines: Vec<String> = (0..1000).map(|line| format!("line {line}")).collect();
    [
        (SHORT, short.clone()),
        (TELLING, short.clone()),
        (WAITING, Script { waits, ..endless.clone() }),
        (DEAF, Script { deaf: true, ..endless.clone() }),
        (ENDLESS, endless),
        (DYING, Script { end: dying(&traceback), ..short.clone() }),
        (TALKATIVE, Script { says: lines, end: dying(&["that was all"]), ..short }),
    ]
}
