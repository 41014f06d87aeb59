//! Blocks as people write them, and what becomes of them.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::table::{Shape, shapes};
use super::*;

const APIS: [Api; 3] = [Api::Emr, Api::EmrContainers, Api::EmrServerless];

/// The faults of what is given for a member, with their paths from the member on.
fn told(api: Api, member: &'static str, given: &Value) -> Vec<String> {
    let faults = read(api, member)(given).expect_err("a fault");
    faults.into_iter().map(|fault| fault.under(member).to_string()).collect()
}

fn names(api: Api) -> Vec<&'static str> {
    match Slot::request(api).shape() {
        Shape::Structure(request) => request.members.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

fn pascal(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}

#[test]
fn every_member_of_a_request_is_a_native_property_or_ours() {
    let ours = [
        ("applicationId", "the property ApplicationId, which is where the job runs"),
        ("clientToken", "the identity of the request, so that a repeated one starts nothing"),
        ("executionTimeoutMinutes", "the property TimeoutMinutes, which every engine has"),
        ("mode", "the property Mode, which every engine has"),
        ("name", "made of the identity of the request, so that the job is found again"),
        ("Name", "the same on EMR"),
        ("tags", "the property Tags, which is no part of what defines the job"),
        ("virtualClusterId", "the property VirtualClusterId, which is where the job runs"),
    ];
    for api in APIS {
        let native = |name: &str| members(api).contains(&&*pascal(name));
        for name in names(api) {
            let is_ours = ours.iter().any(|(ours, _)| *ours == name);
            assert!(native(name) != is_ours, "{api:?}: {name} must be either among the members or ours");
        }
        for member in members(api) {
            assert_eq!(read(api, member)(&Value::Null), Ok(None), "{api:?}: {member}");
        }
    }
}

#[test]
fn every_shape_that_is_named_is_in_the_table() {
    for api in APIS {
        for (name, shape) in shapes(api) {
            let inside: Vec<&str> = match shape {
                Shape::Structure(structure) => {
                    assert!(structure.required.iter().all(|member| structure.members.contains_key(member)), "{name}");
                    structure.members.keys().map(String::as_str).collect()
                }
                Shape::List(_) => vec!["member"],
                Shape::Map(_) => vec!["key", "value"],
                Shape::String(_) | Shape::Integer(_) | Shape::Long(_) | Shape::Boolean {} => Vec::new(),
            };
            for step in inside {
                let slot = Slot::named(api, name).inside(step).expect("what is inside");
                assert!(slot.shape().limits().most != Some(0), "{api:?}: {name}");
            }
        }
    }
    for name in check::ARGUMENTS.iter().chain(&check::PRIVATE) {
        assert!(APIS.iter().any(|api| shapes(*api).contains_key(*name)), "{name} has another name now");
    }
}

#[test]
fn a_task_of_step_functions_and_the_documentation_say_the_same() {
    let task = json!({
        "ApplicationConfiguration": [{
            "Classification": "spark-defaults",
            "Properties": {"spark.executor.memory": "2G", "Spark.Odd": "1", "spark.executor.cores": 4, "spark.a": true},
            "Configurations": [{"Classification": "export", "Properties": {"JAVA_HOME": "/opt/java"}}],
        }],
        "MonitoringConfiguration": {
            "PersistentAppUI": "ENABLED",
            "ManagedLogs": {"AllowAWSToRetainLogs": "DISABLED"},
            "CloudWatchMonitoringConfiguration": {"LogGroupName": "/emr/logs", "LogStreamNamePrefix": ""},
            "S3MonitoringConfiguration": {"LogUri": "s3://bucket/logs/"},
            "ContainerLogRotationConfiguration": {"RotationSize": "2KB", "MaxFilesToKeep": "10"},
        },
    });
    let documented = json!({
        "applicationConfiguration": [{
            "classification": "spark-defaults",
            "properties": {"spark.executor.memory": "2G", "Spark.Odd": "1", "spark.executor.cores": "4", "spark.a": "true"},
            "configurations": [{"classification": "export", "properties": {"JAVA_HOME": "/opt/java"}}],
        }],
        "monitoringConfiguration": {
            "persistentAppUI": "ENABLED",
            "managedLogs": {"allowAWSToRetainLogs": "DISABLED"},
            "cloudWatchMonitoringConfiguration": {"logGroupName": "/emr/logs"},
            "s3MonitoringConfiguration": {"logUri": "s3://bucket/logs/"},
            "containerLogRotationConfiguration": {"rotationSize": "2KB", "maxFilesToKeep": 10},
        },
    });
    for member in ["ConfigurationOverrides", "configurationOverrides"] {
        let read = read(Api::EmrContainers, member);
        assert_eq!(read(&task), Ok(Some(documented.clone())));
        assert_eq!(read(&documented), Ok(Some(documented.clone())));
    }
}

#[test]
fn each_driver_is_read() {
    let arguments = json!(["s3://bucket/in", 10, true, "a b"]);
    let texts = json!(["s3://bucket/in", "10", "true", "a b"]);
    for (api, member, given, canonical) in [
        (
            Api::EmrContainers,
            "JobDriver",
            json!({"SparkSubmitJobDriver": {
                "EntryPoint": "s3://b/a.py", "EntryPointArguments": arguments, "SparkSubmitParameters": "--conf a=b",
            }, "SparkSqlJobDriver": {"EntryPoint": ""}}),
            json!({"sparkSubmitJobDriver": {
                "entryPoint": "s3://b/a.py", "entryPointArguments": texts, "sparkSubmitParameters": "--conf a=b",
            }}),
        ),
        (
            Api::EmrContainers,
            "JobDriver",
            json!({"sparkSqlJobDriver": {"entryPoint": "s3://b/a.sql", "SparkSqlParameters": "-d a=\n1"}}),
            json!({"sparkSqlJobDriver": {"entryPoint": "s3://b/a.sql", "sparkSqlParameters": "-d a=\n1"}}),
        ),
        (
            Api::EmrServerless,
            "JobDriver",
            json!({"SparkSubmit": {"EntryPoint": "s3://b/a.py", "EntryPointArguments": ["", 0.5]}}),
            json!({"sparkSubmit": {"entryPoint": "s3://b/a.py", "entryPointArguments": ["", "0.5"]}}),
        ),
        (
            Api::Emr,
            "HadoopJarStep",
            json!({"jar": "command-runner.jar", "Args": ["spark-submit", "", 1], "properties": [{"Key": "a", "value": 1}]}),
            json!({"Jar": "command-runner.jar", "Args": ["spark-submit", "", "1"], "Properties": [{"Key": "a", "Value": "1"}]}),
        ),
    ] {
        assert_eq!(read(api, member)(&given), Ok(Some(canonical.clone())), "{given}");
        assert_eq!(read(api, member)(&canonical), Ok(Some(canonical)));
    }
}

#[test]
fn what_stands_beside_a_driver_is_read() {
    let role = "arn:aws:iam::123456789012:role/spark";
    for (api, member, given, canonical) in [
        (Api::EmrContainers, "ExecutionRoleArn", json!(role), json!(role)),
        (Api::EmrContainers, "ReleaseLabel", json!("emr-7.5.0-latest"), json!("emr-7.5.0-latest")),
        (Api::EmrContainers, "JobTemplateId", json!("0000abc"), json!("0000abc")),
        (Api::EmrContainers, "JobTemplateParameters", json!({"Size": 3, "b": ""}), json!({"Size": "3"})),
        (Api::EmrContainers, "RetryPolicyConfiguration", json!({"MaxAttempts": "5"}), json!({"maxAttempts": 5})),
        (
            Api::EmrServerless,
            "RetryPolicy",
            json!({"MaxAttempts": 2.0, "maxFailedAttemptsPerHour": ""}),
            json!({"maxAttempts": 2}),
        ),
        (
            Api::EmrServerless,
            "ExecutionIamPolicy",
            json!({"Policy": "{\n}", "PolicyArns": ["", "arn:aws:iam::aws:policy/A", null]}),
            json!({"policy": "{\n}", "policyArns": ["arn:aws:iam::aws:policy/A"]}),
        ),
        (
            Api::EmrServerless,
            "ConfigurationOverrides",
            json!({"MonitoringConfiguration": {
                "CloudWatchLoggingConfiguration": {"Enabled": "true", "LogTypes": {"SPARK_DRIVER": ["STDOUT", ""], "HIVE": []}},
                "ManagedPersistenceMonitoringConfiguration": {"Enabled": false},
            }}),
            json!({"monitoringConfiguration": {
                "cloudWatchLoggingConfiguration": {"enabled": true, "logTypes": {"SPARK_DRIVER": ["STDOUT"]}},
                "managedPersistenceMonitoringConfiguration": {"enabled": false},
            }}),
        ),
        (Api::Emr, "ExecutionRoleArn", json!(role), json!(role)),
        (Api::Emr, "ActionOnFailure", json!("CONTINUE"), json!("CONTINUE")),
        (
            Api::Emr,
            "StepMonitoringConfiguration",
            json!({"s3MonitoringConfiguration": {"logUri": "s3://b/l"}}),
            json!({"S3MonitoringConfiguration": {"LogUri": "s3://b/l"}}),
        ),
    ] {
        assert_eq!(read(api, member)(&given), Ok(Some(canonical)), "{given}");
    }
}

#[test]
fn nothing_given_is_nothing() {
    for given in [
        json!(null),
        json!(""),
        json!({}),
        json!({"SparkSubmitJobDriver": {}}),
        json!({"SparkSubmitJobDriver": {"EntryPoint": "", "EntryPointArguments": []}, "SparkSqlJobDriver": null}),
    ] {
        assert_eq!(read(Api::EmrContainers, "JobDriver")(&given), Ok(None), "{given}");
    }
    let retries = read(Api::EmrContainers, "RetryPolicyConfiguration");
    assert_eq!(retries(&json!({"MaxAttempts": ""})), Ok(None), "an optional parameter that was left out");
    let overrides = read(Api::EmrServerless, "ConfigurationOverrides");
    assert_eq!(overrides(&json!({"ApplicationConfiguration": [{"Classification": ""}, {}, ""]})), Ok(None));
}

#[test]
fn each_fault_is_told_with_its_path() {
    let submit = |fields: Value| json!({"SparkSubmitJobDriver": fields});
    let parameters = "must be at most 102400 characters long, got a string of 102401 characters";
    for (given, faults) in [
        (json!("s3://b/a.py"), vec!["JobDriver: must be an object, got a string of 11 characters"]),
        (json!(["a"]), vec!["JobDriver: must be an object, got a list"]),
        (submit(json!({"EntryPointArguments": ["a"]})), vec!["JobDriver.SparkSubmitJobDriver.EntryPoint: required"]),
        (
            json!({"sparkSubmitJobDriver": {"entryPointArguments": ["a"]}}),
            vec!["JobDriver.sparkSubmitJobDriver.entryPoint: required"],
        ),
        (
            submit(json!({"EntryPoint": "s3://b/".to_owned() + &"a".repeat(250)})),
            vec![
                "JobDriver.SparkSubmitJobDriver.EntryPoint: must be at most 256 characters long, got a string of 257 characters",
            ],
        ),
        (
            submit(json!({"EntryPoint": ["a"], "EntryPointArguments": "--pin,hunter2,12345"})),
            vec![
                "JobDriver.SparkSubmitJobDriver.EntryPoint: must be a string, got a list",
                "JobDriver.SparkSubmitJobDriver.EntryPointArguments: must be a list of strings (!Split makes one of a string \
                 with commas), got a string of 19 characters",
            ],
        ),
        (
            submit(json!({"EntryPoint": "a", "EntryPointArguments": ["a", "", {}, null, " "]})),
            vec![
                "JobDriver.SparkSubmitJobDriver.EntryPointArguments[1]: must not be blank, got a string of 0 characters",
                "JobDriver.SparkSubmitJobDriver.EntryPointArguments[2]: must be a string, got an object",
                "JobDriver.SparkSubmitJobDriver.EntryPointArguments[3]: must be a string, got null",
                "JobDriver.SparkSubmitJobDriver.EntryPointArguments[4]: must not be blank, got a string of 1 character",
            ],
        ),
        (
            submit(json!({"EntryPoint": "a", "SparkSubmitParameters": "x".repeat(102_401)})),
            vec![&*format!("JobDriver.SparkSubmitJobDriver.SparkSubmitParameters: {parameters}")],
        ),
        (
            submit(json!({"entryPoint": "a", "EntryPoint": "b", "EntryPointArgument": [], "Colour": 1})),
            vec![
                "JobDriver.SparkSubmitJobDriver.entryPoint: given twice, as EntryPoint and as entryPoint",
                "JobDriver.SparkSubmitJobDriver.Colour: unknown; known are EntryPoint, EntryPointArguments, \
                 SparkSubmitParameters",
                "JobDriver.SparkSubmitJobDriver.EntryPointArgument: unknown; did you mean EntryPointArguments?",
            ],
        ),
        (
            json!({"sparkSubmitJobDriver": {"entrypoint": "a", "colour": ""}}),
            vec![
                "JobDriver.sparkSubmitJobDriver.entryPoint: required",
                "JobDriver.sparkSubmitJobDriver.colour: unknown; known are entryPoint, entryPointArguments, \
                 sparkSubmitParameters",
                "JobDriver.sparkSubmitJobDriver.entrypoint: unknown; did you mean entryPoint?",
            ],
        ),
        (
            json!({"SparkSubmitJobDriver": {"EntryPoint": "a"}, "SparkSqlJobDriver": {"EntryPoint": "a"}}),
            vec!["JobDriver: must have only one of SparkSqlJobDriver and SparkSubmitJobDriver"],
        ),
    ] {
        assert_eq!(told(Api::EmrContainers, "JobDriver", &given), faults, "{given}");
    }
}

#[test]
fn each_limit_of_what_stands_beside_a_driver_is_told() {
    let role = "must be a role's ARN, such as arn:aws:iam::123456789012:role/spark";
    let words = "must be TERMINATE_JOB_FLOW, TERMINATE_CLUSTER, CANCEL_AND_WAIT or CONTINUE (did you mean CONTINUE?)";
    for (api, member, given, faults) in [
        (
            Api::Emr,
            "ExecutionRoleArn",
            json!("my-role-that-is-none"),
            vec![format!(": {role}, got \"my-role-that-is-none\"")],
        ),
        (Api::EmrContainers, "ExecutionRoleArn", json!("spark"), vec![format!(": {role}, got \"spark\"")]),
        (Api::EmrServerless, "ExecutionRoleArn", json!({}), vec![": must be a string, got an object".to_owned()]),
        (Api::Emr, "ActionOnFailure", json!("Continue"), vec![format!(": {words}, got \"Continue\"")]),
        (
            Api::EmrContainers,
            "RetryPolicyConfiguration",
            json!({"MaxAttempts": "many"}),
            vec![".MaxAttempts: must be a whole number >= 0, got \"many\"".to_owned()],
        ),
        (
            Api::EmrServerless,
            "RetryPolicy",
            json!({"MaxAttempts": 0, "Attempts": 1}),
            vec![
                ".MaxAttempts: must be a whole number >= 1, got 0".to_owned(),
                ".Attempts: unknown; did you mean MaxAttempts?".to_owned(),
            ],
        ),
        (
            Api::EmrServerless,
            "JobDriver",
            json!({"Hive": {"Query": "q"}}),
            vec![".Hive: unknown here; it belongs to jobs of Hive, which run no Spark".to_owned()],
        ),
        (
            Api::EmrServerless,
            "JobDriver",
            json!({"SparkSubmit": {"EntryPoint": "a", "EntryPointArguments": vec!["a"; 1025]}}),
            vec![".SparkSubmit.EntryPointArguments: must have at most 1024 elements, got 1025".to_owned()],
        ),
        (
            Api::EmrContainers,
            "JobTemplateParameters",
            json!({"a b": "x", "a": ["y"]}),
            vec![
                ".a: must be a string, got a list".to_owned(),
                "[\"a b\"]: its name must be letters, digits and . - _ #".to_owned(),
            ],
        ),
        (
            Api::Emr,
            "HadoopJarStep",
            json!({"Args": ["\u{1b}"]}),
            vec![
                ".Args[0]: must not hold control characters, got a string of 1 character".to_owned(),
                ".Jar: required".to_owned(),
            ],
        ),
    ] {
        let faults: Vec<_> = faults.iter().map(|fault| format!("{member}{fault}")).collect();
        assert_eq!(told(api, member, &given), faults, "{given}");
    }
}

#[test]
fn each_limit_of_configurations_is_told() {
    let application = |configuration: Value| json!({"ApplicationConfiguration": configuration});
    let monitoring = |configuration: Value| json!({"MonitoringConfiguration": configuration});
    let properties = |count: usize| (0..count).map(|i| (format!("spark.p{i}"), json!(i))).collect::<Value>();
    let key = "must be a KMS key's ARN, such as arn:aws:kms:eu-west-1:123456789012:key/1234abcd";
    for (given, faults) in [
        (application(json!({"Classification": "a"})), vec![".ApplicationConfiguration: must be a list, got an object".to_owned()]),
        (application(json!("a,b")), vec![".ApplicationConfiguration: must be a list, got a string of 3 characters".to_owned()]),
        (
            application(json!([{"Classification": "a"}, {"Properties": {"a": "b"}}])),
            vec![".ApplicationConfiguration[1].Classification: required".to_owned()],
        ),
        (
            application(json!([{"Classification": "a", "Properties": properties(101)}])),
            vec![".ApplicationConfiguration[0].Properties: must have at most 100 entries, got 101".to_owned()],
        ),
        (
            application(json!([{"Classification": "a", "Properties": {"spark.a": "b".repeat(1025), "spark.b": {}, " ": 1}}])),
            vec![
                ".ApplicationConfiguration[0].Properties[\" \"]: its name must not be blank".to_owned(),
                ".ApplicationConfiguration[0].Properties.spark.a: must be at most 1024 characters long, got a string of 1025 \
                 characters"
                    .to_owned(),
                ".ApplicationConfiguration[0].Properties.spark.b: must be a string, got an object".to_owned(),
            ],
        ),
        (
            application(Value::from(vec![json!({"classification": "a"}); 101])),
            vec![".ApplicationConfiguration: must have at most 100 elements, got 101".to_owned()],
        ),
        (
            monitoring(json!({"cloudWatchLoggingConfiguration": {"enabled": "yes", "logTypes": {"X": ["a,b"]}}})),
            vec![
                ".MonitoringConfiguration.cloudWatchLoggingConfiguration.enabled: must be true or false, got \"yes\"".to_owned(),
                ".MonitoringConfiguration.cloudWatchLoggingConfiguration.logTypes.X: its name must be two letters or more, \
                 with hyphens or underscores in one place between them at most, such as SPARK_DRIVER"
                    .to_owned(),
                ".MonitoringConfiguration.cloudWatchLoggingConfiguration.logTypes.X[0]: must be two letters or more, with \
                 hyphens or underscores in one place between them at most, such as SPARK_DRIVER, got \"a,b\""
                    .to_owned(),
            ],
        ),
        (
            monitoring(json!({"S3MonitoringConfiguration": {"EncryptionKeyArn": "alias/a"}})),
            vec![format!(".MonitoringConfiguration.S3MonitoringConfiguration.EncryptionKeyArn: {key}, got \"alias/a\"")],
        ),
        (
            json!({"DiskEncryptionConfiguration": {"EncryptionContext": {"": "x", "a": "y".repeat(385)}}}),
            vec![
                ".DiskEncryptionConfiguration.EncryptionContext[\"\"]: its name must not be empty".to_owned(),
                format!(
                    ".DiskEncryptionConfiguration.EncryptionContext.a: must be at most 384 characters long, got \"{}...\" \
                     (385 bytes)",
                    "y".repeat(79)
                ),
            ],
        ),
    ] {
        let faults: Vec<_> = faults.iter().map(|fault| format!("ConfigurationOverrides{fault}")).collect();
        assert_eq!(told(Api::EmrServerless, "ConfigurationOverrides", &given), faults, "{given}");
    }
}

#[test]
fn configurations_within_configurations_have_an_end() {
    let nested = |levels: usize| {
        let innermost = json!({"classification": "a"});
        let wrap = |inner, _| json!({"classification": "a", "configurations": [inner]});
        json!({"applicationConfiguration": [(0..levels).fold(innermost, wrap)]})
    };
    for api in [Api::EmrContainers, Api::EmrServerless] {
        assert_eq!(read(api, "ConfigurationOverrides")(&nested(40)), Ok(Some(nested(40))));
        let faults = told(api, "ConfigurationOverrides", &nested(200));
        assert_eq!(faults.len(), 1);
        assert!(faults[0].ends_with("configurations[0]: must be nested 100 levels deep at most"), "{}", faults[0]);
    }
}

#[test]
fn no_secret_is_told() {
    let secret = "hunter2".repeat(20_000);
    let properties = json!([{"Classification": "a", "Properties": {"spark.a": secret}}]);
    for (api, member, given) in [
        (
            Api::EmrContainers,
            "JobDriver",
            json!({"SparkSubmitJobDriver": {
                "EntryPoint": secret, "EntryPointArguments": [secret], "SparkSubmitParameters": secret,
            }}),
        ),
        (Api::EmrContainers, "JobDriver", json!({"SparkSqlJobDriver": {"SparkSqlParameters": secret}})),
        (Api::EmrContainers, "JobTemplateParameters", json!({"a": secret})),
        (Api::EmrContainers, "ConfigurationOverrides", json!({"ApplicationConfiguration": properties})),
        (
            Api::EmrServerless,
            "JobDriver",
            json!({"SparkSubmit": {"EntryPoint": secret, "SparkSubmitParameters": secret}}),
        ),
        (Api::EmrServerless, "ConfigurationOverrides", json!({"ApplicationConfiguration": properties})),
        (
            Api::Emr,
            "HadoopJarStep",
            json!({"Jar": "a", "Args": [secret], "Properties": [{"Key": secret, "Value": secret}]}),
        ),
    ] {
        let told = told(api, member, &given).join("; ");
        assert!(!told.contains("hunter2") && told.contains("got a string of 140000 characters"), "{told}");
    }
}

#[test]
fn limits_are_those_of_the_models() {
    for (api, place, least, most) in [
        (Api::EmrContainers, "jobDriver.sparkSubmitJobDriver.entryPoint", 1, Some(256)),
        (Api::EmrContainers, "jobDriver.sparkSubmitJobDriver.entryPointArguments", 0, None),
        (Api::EmrContainers, "jobDriver.sparkSubmitJobDriver.entryPointArguments.member", 1, Some(10_280)),
        (Api::EmrContainers, "tags", 0, Some(50)),
        (Api::EmrContainers, "name", 1, Some(64)),
        (Api::EmrServerless, "jobDriver.sparkSubmit.entryPoint", 1, Some(4096)),
        (Api::EmrServerless, "jobDriver.sparkSubmit.entryPointArguments", 0, Some(1024)),
        (Api::EmrServerless, "JobDriver.SparkSubmit.SparkSubmitParameters", 1, Some(102_400)),
        (Api::EmrServerless, "tags", 0, Some(200)),
        (Api::EmrServerless, "tags.value", 0, Some(256)),
        (Api::Emr, "Name", 0, Some(256)),
        (Api::Emr, "HadoopJarStep.Args.member", 0, Some(10_280)),
        (Api::EmrServerless, "retryPolicy", 0, None),
    ] {
        assert_eq!(limits(api, place), Limits { least, most }, "{place}");
    }
}

#[test]
#[should_panic(expected = "EmrServerless has no sparkSubmitJobDriver in jobDriver.sparkSubmitJobDriver.entryPoint")]
fn a_place_that_is_none_is_a_mistake_of_ours() {
    limits(Api::EmrServerless, "jobDriver.sparkSubmitJobDriver.entryPoint");
}

/// JSON with the names that the APIs know, in both spellings, and others.
fn any_block() -> impl Strategy<Value = Value> {
    let known: Vec<String> = APIS
        .iter()
        .flat_map(|api| shapes(*api).values())
        .filter_map(|shape| if let Shape::Structure(structure) = shape { Some(structure) } else { None })
        .flat_map(|structure| structure.members.keys())
        .flat_map(|name| [name.clone(), pascal(name)])
        .collect();
    let name = prop_oneof![8 => proptest::sample::select(known), 1 => any::<String>()];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (1_u32..60).prop_map(|n| n.to_string().into()),
        any::<f64>().prop_map(Value::from),
        "[a-zA-Z0-9:/. \\n-]{0,12}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        proptest::sample::select(&["", "ENABLED", "true", "arn:aws:iam::123456789012:role/a"][..])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        let object = proptest::collection::vec((name.clone(), inner.clone()), 0..6);
        prop_oneof![
            2 => object.prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
            1 => proptest::collection::vec(inner, 0..6).prop_map(Value::from),
        ]
    })
}

proptest! {
    #[test]
    fn any_block_has_an_answer(block in any_block()) {
        for api in APIS {
            for member in names(api) {
                match read(api, member)(&block) {
                    Ok(None) => {}
                    Ok(Some(canonical)) => {
                        let again = read(api, member)(&canonical);
                        prop_assert_eq!(again, Ok(Some(canonical)), "what is canonical stays as it is");
                    }
                    Err(faults) => {
                        prop_assert!(!faults.is_empty());
                        prop_assert!(faults.iter().all(|fault| fault.to_string().len() < 4096));
                    }
                }
            }
            let tags = tags(api)(&block).unwrap_or_default();
            prop_assert!(api != Api::Emr || tags.is_empty());
        }
    }
}
