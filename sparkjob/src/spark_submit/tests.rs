use std::collections::BTreeMap;

use super::quote::{self, Splitter};
use super::*;

const WAYS: [Way; 4] = [Way::EmrOnEks, Way::EmrServerless, Way::ClientStep, Way::ClusterStep];

const NAME: &str = "Daily-orders-2f1f1ec0a005fab5-4f53cda1-0a48c751";

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn map<const N: usize>(entries: [(&str, &str); N]) -> BTreeMap<String, String> {
    entries.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// Every field.
fn full() -> Parameters {
    Parameters {
        file: "s3://code/pi.jar".to_owned(),
        class_name: Some("org.apache.spark.examples.SparkPi".to_owned()),
        args: texts(&["10", "two words"]),
        jars: texts(&["s3://code/a.jar", "s3://code/b.jar"]),
        py_files: texts(&["s3://code/b.zip"]),
        files: texts(&["s3://code/c.txt"]),
        archives: texts(&["s3://code/d.tgz#d"]),
        packages: texts(&["org.a:b:1", "org.c:d:2"]),
        environment: map([("STAGE", "prod"), ("TITLE", "it's \"so\"")]),
        driver_memory: Some("512m".to_owned()),
        driver_cores: Some(1),
        executor_memory: Some("2g".to_owned()),
        executor_cores: Some(2),
        num_executors: Some(3),
        queue: Some("etl".to_owned()),
        proxy_user: Some("alice".to_owned()),
        name: Some("Daily orders".to_owned()),
        configuration: map([
            ("spark.yarn.tags", "orders,daily"),
            ("spark.eventLog.enabled", "true"),
            ("spark.jars.packages", "org.a:b:1"),
        ]),
    }
}

/// What each option and each property says; a property may be said once.
fn said(invocation: &Invocation) -> (BTreeMap<&str, &str>, BTreeMap<&str, &str>) {
    let (mut options, mut properties) = (BTreeMap::new(), BTreeMap::new());
    for pair in invocation.parameters.chunks(2) {
        let twice = match [pair[0].as_str(), pair[1].as_str()] {
            ["--conf", property] => {
                let (name, value) = property.split_once('=').expect("name=value");
                properties.insert(name, value)
            }
            [option, value] => options.insert(option, value),
        };
        assert_eq!(twice, None, "{pair:?}");
    }
    (options, properties)
}

#[test]
fn only_what_is_said_is_sent() {
    let told = Parameters { file: "s3://code/pi.py".to_owned(), ..Parameters::default() };
    let name = format!("spark.app.name={NAME}");
    let invocation = Invocation::of(&told, NAME, Way::EmrServerless);
    let expected = Invocation {
        environment: vec![],
        parameters: texts(&["--conf", &name]),
        entry_point: "s3://code/pi.py".to_owned(),
        arguments: vec![],
    };
    assert_eq!(invocation, expected);
    let tags = format!("spark.yarn.tags={}", NAME.to_lowercase());
    let command = ["spark-submit", "--deploy-mode", "client", "--conf", &name, "--conf", &tags, "s3://code/pi.py"];
    assert_eq!(Invocation::of(&told, NAME, Way::ClientStep).command(), command);
}

#[test]
fn every_field_is_told_in_the_words_of_each_engine() {
    let everywhere = map([
        ("spark.app.name", "Daily orders"),
        ("spark.driver.cores", "1"),
        ("spark.driver.memory", "512m"),
        ("spark.eventLog.enabled", "true"),
        ("spark.executor.cores", "2"),
        ("spark.executor.instances", "3"),
        ("spark.executor.memory", "2g"),
        ("spark.executorEnv.STAGE", "prod"),
        ("spark.executorEnv.TITLE", "it's \"so\""),
        ("spark.files", "s3://code/c.txt"),
        ("spark.jars", "s3://code/a.jar,s3://code/b.jar"),
        ("spark.jars.packages", "org.a:b:1,org.c:d:2"),
        ("spark.submit.pyFiles", "s3://code/b.zip"),
        ("spark.yarn.queue", "etl"),
    ]);
    let tags = format!("orders,daily,{}", NAME.to_lowercase());
    let archives = "s3://code/d.tgz#d";
    let on_kubernetes = [("spark.archives", archives), ("spark.yarn.tags", "orders,daily")];
    let on_yarn = [("spark.yarn.dist.archives", archives), ("spark.yarn.tags", &tags)];
    let variables = |prefix: &str| [(format!("{prefix}STAGE"), "prod"), (format!("{prefix}TITLE"), "it's \"so\"")];
    let in_cluster = [on_yarn.as_slice(), &[("spark.yarn.submit.waitAppCompletion", "true")]].concat();
    for (way, mode, own, driver) in [
        (Way::EmrOnEks, None, &on_kubernetes[..], Some("spark.kubernetes.driverEnv.")),
        (Way::EmrServerless, None, &on_kubernetes, Some("spark.emr-serverless.driverEnv.")),
        (Way::ClientStep, Some("client"), &on_yarn, None),
        (Way::ClusterStep, Some("cluster"), &in_cluster, Some("spark.yarn.appMasterEnv.")),
    ] {
        let told = full();
        let invocation = Invocation::of(&told, NAME, way);
        let (options, properties) = said(&invocation);
        let variables = driver.map(variables).into_iter().flatten().collect::<Vec<_>>();
        let variables = variables.iter().map(|(name, value)| (name.as_str(), *value));
        let everywhere = everywhere.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        assert_eq!(properties, everywhere.chain(own.iter().copied()).chain(variables).collect(), "{way:?}");
        let class = ("--class", "org.apache.spark.examples.SparkPi");
        let mode = mode.map(|mode| ("--deploy-mode", mode));
        assert_eq!(options, [class, ("--proxy-user", "alice")].into_iter().chain(mode).collect(), "{way:?}");
        assert_eq!((&invocation.entry_point, &invocation.arguments), (&told.file, &told.args));
    }
}

#[test]
fn the_driver_of_a_client_step_has_the_environment_of_its_process() {
    let command = Invocation::of(&full(), NAME, Way::ClientStep).command();
    assert_eq!(command[..4], ["env", "STAGE=prod", "TITLE=it's \"so\"", "spark-submit"]);
    assert_eq!(command[command.len() - 3..], ["s3://code/pi.jar", "10", "two words"]);
    for way in [Way::EmrOnEks, Way::EmrServerless, Way::ClusterStep] {
        assert_eq!(Invocation::of(&full(), NAME, way).command()[0], "spark-submit", "{way:?}");
    }
}

#[test]
fn the_name_is_the_users_however_it_is_said() {
    let shown = |name: Option<&str>, property: Option<&str>| {
        let configuration = property.map(|value| ("spark.app.name".to_owned(), value.to_owned())).into_iter().collect();
        let told = Parameters { name: name.map(str::to_owned), configuration, ..Parameters::default() };
        let invocation = Invocation::of(&told, NAME, Way::EmrOnEks);
        said(&invocation).1["spark.app.name"].to_owned()
    };
    assert_eq!(shown(None, None), NAME);
    assert_eq!(shown(Some("Pi"), None), "Pi");
    assert_eq!(shown(None, Some("Pi")), "Pi");
    assert_eq!(shown(Some("Pi"), Some("Pi")), "Pi");
}

#[test]
fn what_is_said_twice_is_written_once() {
    let told = Parameters {
        configuration: map([
            ("spark.driver.memory", "512M"),
            ("spark.jars", "s3://code/a.jar, s3://code/b.jar"),
            ("spark.archives", "s3://code/d.tgz#d"),
            ("spark.executorEnv.STAGE", "prod"),
        ]),
        ..full()
    };
    for way in WAYS {
        let invocation = Invocation::of(&told, NAME, way);
        let (_, properties) = said(&invocation);
        assert_eq!(properties["spark.driver.memory"], "512m");
        assert_eq!(properties["spark.jars"], "s3://code/a.jar, s3://code/b.jar");
        assert_eq!(properties["spark.archives"], "s3://code/d.tgz#d");
    }
}

#[test]
fn the_parameters_are_one_text_that_is_split_again() {
    for (way, splitter) in [(Way::EmrOnEks, Splitter::EmrOnEks), (Way::EmrServerless, Splitter::EmrServerless)] {
        let parameters = Invocation::of(&full(), NAME, way).parameters;
        assert_eq!(quote::split(&quote::join(&parameters, splitter)), Ok(parameters));
    }
}
