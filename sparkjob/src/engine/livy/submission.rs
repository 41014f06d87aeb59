//! A job as the body of `POST /batches`.

use std::collections::BTreeMap;

use super::wire::Submission;
use crate::job::{Identity, Job, Parameters};

/// What Livy is sent to run `job` under `identity`'s name.
pub fn submission<'a>(job: &'a Job, identity: &Identity) -> Submission<'a> {
    let name = identity.name();
    let told = &job.parameters;
    Submission {
        file: &told.file,
        class_name: told.class_name.as_deref(),
        args: &told.args,
        jars: &told.jars,
        py_files: &told.py_files,
        files: &told.files,
        archives: &told.archives,
        driver_memory: told.driver_memory.as_deref(),
        driver_cores: told.driver_cores,
        executor_memory: told.executor_memory.as_deref(),
        executor_cores: told.executor_cores,
        num_executors: told.num_executors,
        queue: told.queue.as_deref(),
        proxy_user: told.proxy_user.as_deref(),
        // YARN keeps tags in lower case. By this one the application can be found after Livy has forgotten the batch.
        conf: conf(told, &name.to_ascii_lowercase()),
        name,
    }
}

/// The Spark properties: the user's own, and those for which Livy has no field.
fn conf(told: &Parameters, tag: &str) -> BTreeMap<String, String> {
    let mut conf = told.configuration.clone();
    for coordinates in &told.packages {
        append(&mut conf, "spark.jars.packages", coordinates);
    }
    for (name, value) in &told.environment {
        // The second reaches the driver in YARN cluster mode; in client mode it runs in Livy's own environment.
        conf.insert(format!("spark.executorEnv.{name}"), value.clone());
        conf.insert(format!("spark.yarn.appMasterEnv.{name}"), value.clone());
    }
    append(&mut conf, "spark.yarn.tags", tag);
    conf
}

/// Adds `item` to the list, separated by commas, that `conf` has at `key`.
fn append(conf: &mut BTreeMap<String, String>, key: &str, item: &str) {
    conf.entry(key.to_owned())
        .and_modify(|list| *list = if list.trim().is_empty() { item.to_owned() } else { format!("{list},{item}") })
        .or_insert_with(|| item.to_owned());
}
