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

/// Adds `item` to the list, separated by commas, that `conf` has at `key`; nothing where it is in there.
fn append(conf: &mut BTreeMap<String, String>, key: &str, item: &str) {
    let list = conf.entry(key.to_owned()).or_default();
    if list.trim().is_empty() {
        item.clone_into(list);
    } else if !list.split(',').any(|present| present.trim() == item) {
        list.push(',');
        list.push_str(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_twice_is_written_once() {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let packages = |said: &str, listed: &[&str]| {
            let configuration = [("spark.jars.packages".to_owned(), said.to_owned())].into();
            let told = Parameters { configuration, packages: texts(listed), ..Parameters::default() };
            conf(&told, "tag").remove("spark.jars.packages").unwrap_or_default()
        };
        assert_eq!(packages("a:b:1", &["a:b:1"]), "a:b:1");
        assert_eq!(packages("a:b:1, c:d:2", &["c:d:2", "a:b:1"]), "a:b:1, c:d:2");
        assert_eq!(packages(" ", &["a:b:1", "c:d:2", "a:b:1"]), "a:b:1,c:d:2");
        assert_eq!(packages("a:b:10", &["a:b:1"]), "a:b:10,a:b:1");
    }

    #[test]
    fn the_tag_stands_beside_those_of_the_user() {
        let tags = |own: &str| {
            let configuration = [("spark.yarn.tags".to_owned(), own.to_owned())].into();
            conf(&Parameters { configuration, ..Parameters::default() }, "tag").remove("spark.yarn.tags")
        };
        assert_eq!((tags("nightly").as_deref(), tags("").as_deref()), (Some("nightly,tag"), Some("tag")));
    }
}
