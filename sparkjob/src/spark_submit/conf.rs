//! The portable block as Spark properties.

use std::collections::BTreeMap;

use super::{Way, command};
use crate::job::Parameters;

/// All that is said as a property: the user's own ones, and the fields.
///
/// A field and the user's own property that stands for it say the same, however it is written, or else the description was
/// refused; so it does not matter which of the two is kept.
pub(super) fn conf(told: &Parameters, name: &str, way: Way) -> BTreeMap<String, String> {
    let mut conf = told.configuration.clone();
    for (property, value) in scalars(told) {
        conf.insert(property.to_owned(), value);
    }
    for (property, items) in lists(told, way) {
        for item in items {
            append(&mut conf, property, item);
        }
    }
    for (variable, value) in &told.environment {
        conf.insert(format!("spark.executorEnv.{variable}"), value.clone());
        if let Some(prefix) = driver_prefix(way) {
            conf.insert(format!("{prefix}{variable}"), value.clone());
        }
    }
    if way.is_on_yarn() {
        // By this one the application can be found, and killed without its step.
        append(&mut conf, "spark.yarn.tags", &yarn_tag(name));
    }
    if way == Way::ClusterStep {
        // Else the cluster's own defaults would decide whether the step goes on for as long as its application.
        conf.entry(command::WAITS.to_owned()).or_insert_with(|| "true".to_owned());
    }
    // Else Spark would show the class or the file, which many runs share.
    conf.entry("spark.app.name".to_owned()).or_insert_with(|| name.to_owned());
    conf
}

/// The tag of the YARN application of the run of this name. YARN keeps tags in lower case, and its command line takes for an
/// option what begins with a dash.
pub(crate) fn yarn_tag(name: &str) -> String {
    name.trim_start_matches('-').to_ascii_lowercase()
}

/// Adds `item` to the list, separated by commas, that `conf` has at `key`; nothing where it is in there.
pub(crate) fn append(conf: &mut BTreeMap<String, String>, key: &str, item: &str) {
    let list = conf.entry(key.to_owned()).or_default();
    if list.trim().is_empty() {
        item.clone_into(list);
    } else if !list.split(',').any(|present| present.trim() == item) {
        list.push(',');
        list.push_str(item);
    }
}

fn scalars(told: &Parameters) -> impl Iterator<Item = (&'static str, String)> {
    let number = |number: Option<u32>| number.map(|n| n.to_string());
    let values = [
        ("spark.app.name", told.name.clone()),
        ("spark.driver.memory", told.driver_memory.clone()),
        ("spark.driver.cores", number(told.driver_cores)),
        ("spark.executor.memory", told.executor_memory.clone()),
        ("spark.executor.cores", number(told.executor_cores)),
        ("spark.executor.instances", number(told.num_executors)),
        ("spark.yarn.queue", told.queue.clone()),
    ];
    values.into_iter().filter_map(|(property, value)| Some((property, value?)))
}

fn lists(told: &Parameters, way: Way) -> [(&'static str, &[String]); 5] {
    // `spark.archives` is of Spark 3.1; a cluster may be older, and YARN's own property means the same in all.
    let archives = if way.is_on_yarn() { "spark.yarn.dist.archives" } else { "spark.archives" };
    [
        ("spark.jars", &told.jars),
        ("spark.submit.pyFiles", &told.py_files),
        ("spark.files", &told.files),
        (archives, &told.archives),
        ("spark.jars.packages", &told.packages),
    ]
}

/// What makes a property of a variable of the driver's environment, where a property does.
///
/// See [Spark on Kubernetes](https://spark.apache.org/docs/latest/running-on-kubernetes.html#spark-properties),
/// [EMR Serverless](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/jobs-spark.html) and
/// [Spark on YARN](https://spark.apache.org/docs/latest/running-on-yarn.html#spark-properties), whose property is the
/// driver's in cluster mode only.
fn driver_prefix(way: Way) -> Option<&'static str> {
    match way {
        Way::EmrOnEks => Some("spark.kubernetes.driverEnv."),
        Way::EmrServerless => Some("spark.emr-serverless.driverEnv."),
        Way::ClusterStep => Some("spark.yarn.appMasterEnv."),
        Way::ClientStep => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_one_that_yarn_keeps_and_finds() {
        assert_eq!(yarn_tag("-Daily-0a"), "daily-0a");
    }

    #[test]
    fn a_list_is_appended_to_and_holds_nothing_twice() {
        let appended = |list: &str, items: &[&str]| {
            let mut conf = BTreeMap::from([("k".to_owned(), list.to_owned())]);
            for item in items {
                append(&mut conf, "k", item);
            }
            conf.remove("k").expect("the list")
        };
        assert_eq!(appended("", &["a"]), "a");
        assert_eq!(appended(" ", &["a", "b", "a"]), "a,b");
        assert_eq!(appended("a, b", &["b", "c"]), "a, b,c");
        assert_eq!(appended("ab", &["a"]), "ab,a");
    }
}
