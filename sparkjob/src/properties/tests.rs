//! The description as a whole.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;

/// Without a limit, but for the tests of limits.
fn read(description: &Value) -> Result<Description, Faults> {
    super::read(description, &Limit::none())
}

fn told(description: &Value) -> Vec<String> {
    match read(description) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.as_slice().iter().map(Fault::to_string).collect(),
    }
}

/// The description that means `description`, as a template would give it.
fn written(description: &Description) -> Value {
    let mut written = serde_json::to_value(&description.job).expect("plain data");
    let management = serde_json::to_value(&description.management).expect("plain data");
    let properties = written.as_object_mut().expect("an object");
    properties.extend(management.as_object().expect("an object").clone());
    written
}

#[test]
fn a_resource_of_a_template_is_read() {
    let description = read(&json!({
        "ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:spark-job", "ServiceTimeout": "900",
        "LivyHost": "emr-master", "LivyPort": "8998", "LivyUrl": "", "Mode": "STREAMING", "Rerun": 7, "WaitFor": "Running",
        "Parameters": {"File": "s3://bucket/pi.py", "Args": ["10"], "DriverMemory": "512m", "NumExecutors": "2"},
    }))
    .expect("a sound description");
    let job = description.job;
    assert_eq!(job.place.to_string(), "Livy at http://emr-master:8998");
    assert_eq!((job.mode, job.rerun.as_str()), (Mode::Streaming, "7"));
    let parameters = job.parameters.expect("parameters");
    assert_eq!((parameters.num_executors, parameters.args), (Some(2), vec!["10".to_owned()]));
    assert_eq!(description.management, Management { service_timeout: 900, ..Management::default() });
}

#[test]
fn every_fault_is_told_at_once() {
    let faults = read(&json!({
        "LivyHost": "emr", "LivyUrl": "http://emr", "LivyPort": 99999, "Mode": "Batch", "WaitForIt": 1,
        "Parameters": {"ExecutorCores": "two", "ExecutorCore": 1},
    }))
    .expect_err("many faults");
    assert_eq!(
        faults.to_string(),
        "7 faults: more than one target (LivyHost, LivyUrl): give exactly one of LivyHost (with LivyPort, if not 8998), \
         LivyUrl, LivyClusterId, VirtualClusterId, ApplicationId and ClusterId; LivyPort: must be a whole number from 1 to 65535, got 99999; Parameters.File: required: the jar or Python \
         file, such as s3://bucket/job.py; Parameters.ExecutorCores: must be a whole number >= 1, got \"two\"; \
         Parameters.ExecutorCore: unknown; did you mean ExecutorCores?; Mode: must be BATCH or STREAMING (did you mean \
         BATCH?), got \"Batch\"; WaitForIt: unknown; did you mean WaitFor?"
    );
    // What an engine has no place for is told beside what no engine has.
    let parameters = json!({"File": "s3://code/a.py", "Queue": "q", "DriverMemory": "1.5g"});
    assert_eq!(
        told(
            &json!({"ApplicationId": "00f1", "ExecutionRoleArn": "arn:aws:iam::123456789012:role/job", "Parameters": parameters})
        ),
        [
            "Parameters.DriverMemory: must be a whole number and a unit (k, m, g or t), such as 512m; Spark takes no fractions, use \
             1536m, got \"1.5g\"",
            "Parameters.Queue: not possible on EMR Serverless: a queue is YARN's",
        ]
    );
    let unwaited = json!({"spark.yarn.submit.waitAppCompletion": "false"});
    let parameters = json!({"File": "s3://code/a.py", "DriverCores": "x", "Configuration": unwaited});
    let faults = told(&json!({
        "ClusterId": "j-1ABC", "DeployMode": "cluster", "WaitFor": "Succeeded", "Parameters": parameters,
    }));
    assert!(faults.len() == 2 && faults[1].starts_with("WaitFor: Succeeded waits for a job to end"), "{faults:?}");
}

#[test]
fn each_fault_of_the_whole_is_told() {
    let sound = json!({"File": "/pi.py"});
    let target = "no target: give exactly one of LivyHost (with LivyPort, if not 8998), LivyUrl, LivyClusterId, \
                  VirtualClusterId, ApplicationId and ClusterId";
    let parameters = "Parameters: required: what runs, such as {File: s3://bucket/job.py}";
    for (description, faults) in [
        (json!(null), vec![target, parameters]),
        (json!({}), vec![target, parameters]),
        (json!([1]), vec!["must be an object, got a list"]),
        (
            json!({"LivyHost": "a", "Parameters": "{\"Args\": [\"hunter2\"]}"}),
            vec!["Parameters: must be an object, got a string of 21 characters"],
        ),
        (json!({"LivyHost": "a", "Parameters": ""}), vec![parameters]),
        (json!({"LivyHost": "a", "Parameters": [sound]}), vec!["Parameters: must be an object, got a list"]),
        (
            json!({"LivyHost": "a", "File": "/pi.py"}),
            vec![parameters, "File: unknown here; it belongs into Parameters"],
        ),
        (
            json!({"Parameters": {"File": "/pi.py", "LivyHost": "a"}}),
            vec![target, "Parameters.LivyHost: unknown here; it belongs beside Parameters"],
        ),
        (
            json!({"LivyHost": "a", "Parameters": sound, "Mode": "STREAMING", "UpdateStrategy": "FinishThenStart"}),
            vec!["UpdateStrategy: FinishThenStart waits for a job to end, which one with Mode STREAMING does not"],
        ),
        (json!({"LivyHost": "a", "Parameters": sound, "Rerun": ["x"]}), vec!["Rerun: must be a string, got a list"]),
        (
            json!({"ClusterId": "j-1ABC", "step": {"hadoopJarStep": {"jar": ["a"]}, "jar": 1}, "ExecutionTimeoutMinutes": 1,
                "executionTimeoutMinutes": 2}),
            vec![
                "step.jar: unknown; known are Name, HadoopJarStep, ActionOnFailure, StepMonitoringConfiguration",
                "ExecutionTimeoutMinutes: given twice, as executionTimeoutMinutes and as ExecutionTimeoutMinutes",
                "step.hadoopJarStep.jar: must be a string, got a list",
                "ExecutionTimeoutMinutes: not possible on EMR steps, which knows no time limit",
            ],
        ),
        (
            json!({"JobFlowId": ["x"], "Parameters": sound, "executionTimeoutMinutes": "soon", "Name": ""}),
            vec![
                "JobFlowId: must be a string, got a list",
                "executionTimeoutMinutes: must be a whole number >= 0, got \"soon\"",
            ],
        ),
        (
            json!({"LivyHost": "a", "Parameters": sound, "Zzz": 1}),
            vec![
                "Zzz: unknown; known are LivyPort, LivyHost, LivyUrl, LivyClusterId, VirtualClusterId, ApplicationId, \
                 ClusterId, DeployMode, Parameters, ExecutionRoleArn, ReleaseLabel, JobDriver, JobTemplateId, \
                 JobTemplateParameters, HadoopJarStep, ConfigurationOverrides, RetryPolicyConfiguration, RetryPolicy, \
                 ExecutionIamPolicy, ActionOnFailure, StepMonitoringConfiguration, Mode, TimeoutMinutes, Tags, Rerun, LivySecretArn, RunOn, \
                 WaitFor, StableSeconds, UpdateStrategy, OnTimeout, OnDeleteError, ServiceTimeout",
            ],
        ),
    ] {
        assert_eq!(told(&description), faults, "{description}");
    }
}

#[test]
fn a_fault_of_time_is_told_with_all_others() {
    let limit = Limit { wait: Duration::from_mins(13), why: "an invocation ends after 900 s".to_owned() };
    let description = json!({"LivyHost": "a", "StableSeconds": "850", "Parameters": {"File": "/a", "Foo": 1}});
    let faults = super::read(&description, &limit).expect_err("faults");
    let paths: Vec<&str> = faults.as_slice().iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["Parameters.Foo", "StableSeconds"]);
    assert!(faults.to_string().contains("StableSeconds: must be at most 720: an invocation ends after 900 s, so"));
}

#[test]
fn faults_are_told_under_the_name_of_what_holds_the_description() {
    let faults = |description: &Value| read(description).expect_err("faults").under("ResourceProperties").to_string();
    assert_eq!(faults(&json!([1])), "1 fault: ResourceProperties: must be an object, got a list");
    let fault = faults(&json!({"LivyHost": "a", "Parameters": {"File": 1}}));
    assert!(fault.starts_with("1 fault: ResourceProperties.Parameters.File: "), "{fault}");
}

#[test]
fn a_secret_is_named_by_its_arn_and_is_for_livy_only() {
    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:livy-AbCdEf";
    let description = |value: Value| json!({"LivyHost": "a", "Parameters": {"File": "/pi.py"}, "LivySecretArn": value});
    let must = "LivySecretArn: must be the ARN of a secret: arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME";
    assert_eq!(told(&description(json!("hunter2"))), [must]);
    assert_eq!(told(&description(json!({"password": "hunter2"}))), ["LivySecretArn: must be a string, got an object"]);
    assert_eq!(read(&description(json!(""))).map(|read| read.secret), Ok(None));
    let of = |description: &Value| read(description).expect("no fault").secret.map(|secret| secret.to_string());
    assert_eq!(of(&description(json!(ARN))).as_deref(), Some(ARN));
    let elsewhere = json!({"ClusterId": "j-1ABC", "Parameters": {"File": "/pi.py"}, "LivySecretArn": ARN});
    assert_eq!(
        told(&elsewhere),
        ["LivySecretArn: is for Livy only: the other engines are asked with the submitter's own role"]
    );
}

#[test]
fn the_end_of_a_job_is_not_waited_for_that_nothing_tells() {
    let conf = "spark.yarn.submit.waitAppCompletion";
    let step = |no: &str| {
        let args = ["spark-submit", "--deploy-mode", "cluster", "--conf", &format!("{conf}={no}"), "/pi.py"];
        json!({"ClusterId": "j-1ABC", "HadoopJarStep": {"Jar": "command-runner.jar", "Args": args}})
    };
    let portable = |mode: &str| {
        let parameters = json!({"File": "/pi.py", "Configuration": {conf: "False"}});
        json!({"ClusterId": "j-1ABC", "DeployMode": mode, "Parameters": parameters})
    };
    let why = "waits for a job to end, of which nothing tells where its step does not wait for it \
               (spark.yarn.submit.waitAppCompletion is false)";
    let faults = [format!("UpdateStrategy: FinishThenStart {why}"), format!("WaitFor: Succeeded {why}")];
    for (mut description, is_fault) in
        [(step("false"), true), (step("true"), false), (portable("cluster"), true), (portable("client"), false)]
    {
        assert_eq!(read(&description).err(), None, "{description}");
        description["WaitFor"] = "Succeeded".into();
        description["UpdateStrategy"] = "FinishThenStart".into();
        let mut told = if read(&description).is_ok() { Vec::new() } else { told(&description) };
        told.sort();
        assert_eq!(told, if is_fault { faults.to_vec() } else { Vec::new() }, "{description}");
    }
}

#[test]
fn a_secret_is_no_part_of_what_defines_a_job() {
    let one = json!({"LivyHost": "a", "Parameters": {"File": "/pi.py"}});
    let mut other = one.clone();
    other["LivySecretArn"] = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:livy".into();
    assert_eq!(read(&one).expect("no fault").job, read(&other).expect("no fault").job);
}

#[test]
fn the_secret_of_a_place_is_read_whatever_else_is_wrong() {
    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:livy";
    let secret = |description: &Value| {
        let place = read_place(description)?;
        read_access(description).secret(&place).map(ToString::to_string)
    };
    assert_eq!(secret(&json!({"LivyUrl": "http://a", "LivySecretArn": ARN, "Mode": 7})).as_deref(), Some(ARN));
    assert_eq!(secret(&for_a_delete(&json!({"LivyUrl": "http://a", "LivySecretArn": ARN}))).as_deref(), Some(ARN));
    assert_eq!(secret(&json!({"LivyUrl": "http://a", "LivySecretArn": "hunter2"})), None);
    assert!(read_access(&json!({"LivySecretArn": ARN})).is_open());
}

/// Its jobs are looked for where they run, whatever the property is called that tells.
#[test]
fn a_delete_reads_what_it_needs_in_every_spelling() {
    for (target, value) in [
        ("LivyHost", "emr"),
        ("LivyUrl", "http://emr"),
        ("LivyClusterId", "j-1ABC"),
        ("VirtualClusterId", "0abc"),
        ("ApplicationId", "00f1"),
        ("ClusterId", "j-1ABC"),
    ] {
        let others = other_spellings().filter(|(_, name)| *name == target).map(|(spelt, _)| spelt);
        for spelt in others.chain([target.to_owned()]) {
            let description = json!({ &*spelt: value, "Parameters": {"File": "/pi.py"}, "OnDeleteError": "Ignore" });
            let kept = for_a_delete(&description);
            assert!(read_place(&description).is_some(), "{spelt}");
            assert_eq!(read_place(&kept), read_place(&description), "{spelt}");
            assert_eq!(kept, json!({ &*spelt: value, "OnDeleteError": "Ignore" }));
        }
    }
    assert_eq!(for_a_delete(&json!({"JobFlowId": "j-1ABC"})), json!({"JobFlowId": "j-1ABC"}));
}

#[test]
fn bad_input_of_any_size_has_a_bounded_answer() {
    let mut deep = json!("x");
    for _ in 0..100 {
        deep = json!({ "a": [deep] });
    }
    let odd: Map<String, Value> =
        (0..10_000).map(|i| (format!("a\"\n\u{1b}{i}{}", "n".repeat(200)), json!(i))).collect();
    for description in [
        json!({"LivyHost": "a", "Parameters": {"File": "/pi.py", "Args": ["a".repeat(1 << 20)]}}),
        json!({"LivyHost": "a", "Parameters": {"File": "a".repeat(1 << 20), "ClassName": "\n".repeat(1 << 20)}}),
        json!({"LivyHost": "a".repeat(1 << 20), "Parameters": deep.clone(), "Mode": deep}),
        json!({"LivyUrl": "b".repeat(1 << 20), "Parameters": {"File": "/a", "Configuration": odd.clone()}}),
        Value::Object(odd),
    ] {
        let text = read(&description).expect_err("faults").to_string();
        assert!(text.len() < 8000 && !text.contains(char::is_control), "{} bytes: {text}", text.len());
    }
}

#[test]
fn no_secret_is_told() {
    let text = read(&json!({
        "LivyUrl": "http://me:hunter2@emr", "LivySecretArn": "hunter2",
        "Parameters": {
            "File": "/pi.py", "Args": ["--password=hunter2\u{0}"], "ApiToken": "hunter2",
            "Environment": {"DB": "hunter2", "SECRET": ["hunter2"], "MY_ACCESS_KEY": "hunter2\u{0}", "C": "hunter2\u{0}"},
            "Configuration": {
                "spark.executorEnv.DB": "hunter2x", "fs.s3a.secret.key": "hunter2", "spark.a": "hunter2\u{0}",
                "spark.app.name": "hunter2",
            },
            "Name": "Pi", "Jars": ["https://me:hunter2@host"], "PyFiles": ["b.py?sig=hunter2"],
        },
    }))
    .expect_err("faults")
    .to_string();
    assert!(text.starts_with("13 faults: ") && !text.contains("hunter2"), "{text}");
    for description in [json!("hunter2"), json!({"LivyHost": "a", "Parameters": "{\"Args\": \"hunter2\"}"})] {
        assert!(!read(&description).expect_err("faults").to_string().contains("hunter2"));
    }
    for (jars, configuration) in [
        (json!("https://me:hunter2@repo/a.jar"), json!({})),
        (json!(["https://me:hunter2@repo/a.jar,https://repo/b.jar"]), json!({})),
        (json!(["https://me:hunter2@repo/a.jar"]), json!({"spark.jars": "s3://code/a.jar"})),
        (json!(["https://hunter2@repo/a.jar"]), json!({"spark.jars": "s3://code/a.jar"})),
    ] {
        let parameters = json!({"File": "s3://code/a.py", "Jars": jars, "Configuration": configuration});
        let text = told(&json!({"LivyHost": "a", "Parameters": parameters})).join("; ");
        assert!(text.contains("Jars") && !text.contains("hunter2"), "{text}");
    }
    let parameters = json!({"File": "s3://code/a.py", "Packages": ["https://hunter2@repo/a.jar"]});
    let text = told(&json!({"LivyHost": "a", "Parameters": parameters})).join("; ");
    assert!(text.contains("Packages[0]: must be Maven coordinates") && !text.contains("hunter2"), "{text}");
    for name in ["Args", "Environment", "Configuration"] {
        for value in [json!("hunter2,"), json!(["hunter2\u{0}"]), json!({"A": "hunter2\u{0}"})] {
            let text = told(&json!({"LivyHost": "a", "Parameters": {"File": "/a", name: value}})).join("; ");
            assert!(!text.is_empty() && !text.contains("hunter2"), "{text}");
        }
    }
}

#[test]
fn management_is_read_whatever_else_is_wrong() {
    let ignore = Management { on_delete_error: OnDeleteError::Ignore, ..Management::default() };
    for description in [
        json!({"OnDeleteError": "Ignore", "Parameters": 7, "LivyHost": ["x"], "Nonsense": {}}),
        json!({"OnDeleteError": "Ignore", "ServiceTimeout": "soon", "WaitFor": "now", "StableSeconds": -1}),
    ] {
        assert_eq!(read_management(&description), ignore);
    }
    assert_eq!(read_management(&json!("nonsense")), Management::default());
}

#[test]
fn what_defines_a_job_is_read_whatever_stands_beside_it() {
    let plain =
        json!({"LivyHost": "a", "Parameters": {"File": "/pi.py", "Args": ["1"]}, "Mode": "STREAMING", "Rerun": "7"});
    let job = read(&plain).expect("a sound description").job;
    let with = |name: &str, value: Value| {
        let mut description = plain.clone();
        description[name] = value;
        description
    };
    for beside in [
        with("OnTimeout", json!("Retry")),
        with("StableSeconds", json!([])),
        with("UpdateStrategy", json!("FinishThenStart")),
        with("Tags", json!({"a": "b"})),
        with("TimeoutMinutes", json!(5)),
        with("Zzz", json!(1)),
        with("Parameters", json!({"File": "/pi.py", "Args": ["1"], "Foo": 1})),
    ] {
        assert!(read(&beside).is_err(), "{beside}");
        assert_eq!(read_job(&beside).as_ref(), Some(&job), "{beside}");
    }
    for defining in [
        with("LivyHost", json!(["a"])),
        with("LivyUrl", json!("http://b")),
        with("ClusterId", json!("j-1")),
        with("JobDriver", json!({"SparkSubmit": {"EntryPoint": "s3://code/pi.py"}})),
        with("Parameters", json!({"File": "/pi.py", "Jars": 1})),
        with("Parameters", json!({"Args": []})),
        with("Mode", json!("Streaming")),
        with("Rerun", json!(["7"])),
        json!(null),
        json!([plain]),
    ] {
        assert_eq!(read_job(&defining), None, "{defining}");
    }
}

#[test]
fn the_place_is_read_whatever_else_is_wrong() {
    let place = |description: Value| read_place(&description).map(|place| place.to_string());
    let emr = Some("Livy at http://emr:8998".to_owned());
    assert_eq!(place(json!({"LivyHost": "emr", "Parameters": 7, "Mode": [], "Tags": {"a": "b"}, "X": 1})), emr);
    assert_eq!(place(json!({"LivyUrl": "http://emr:8998", "LivyPort": "8998"})), emr);
    assert_eq!(place(json!({"LivyHost": "emr", "LivyPort": "many"})), None);
    assert_eq!(place(json!({"LivyHost": "emr", "ClusterId": "j-1"})), None);
    assert_eq!(place(json!({"LivyHost": "emr", "LivyUrl": "http://emr"})), None);
    assert_eq!(place(json!(["nonsense"])), None);
}

/// A name that some object knows, or any.
fn any_name() -> impl Strategy<Value = String> {
    let known =
        [known_names().beside, parameters::names(), vec!["ServiceToken", "spark.executor.memory", "A"]].concat();
    prop_oneof![4 => proptest::sample::select(known).prop_map(str::to_owned), 1 => any::<String>()]
}

/// A value that some property takes, or any.
fn any_scalar() -> impl Strategy<Value = Value> {
    let sound =
        ["BATCH", "Rerun", "Change", "Accept", "s3://b/a.py", "2g", "1", "60", "http://emr", "emr", "a.B", "a:b:c", ""];
    prop_oneof![
        4 => proptest::sample::select(sound.to_vec()).prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    any_scalar().prop_recursive(5, 64, 12, |inner| {
        prop_oneof![
            3 => proptest::collection::btree_map(any_name(), inner.clone(), 0..12)
                .prop_map(|object| Value::Object(object.into_iter().collect())),
            1 => proptest::collection::vec(inner, 0..5).prop_map(Value::Array),
        ]
    })
}

/// Any JSON over a description that is sound without it.
fn any_spoilt() -> impl Strategy<Value = Value> {
    (
        proptest::collection::btree_map(any_name(), any_json(), 0..3),
        proptest::collection::btree_map(any_name(), any_json(), 0..3),
    )
        .prop_map(|(beside, within)| {
            let mut description = json!({"LivyHost": "emr", "Parameters": {"File": "/pi.py"}});
            for (name, value) in within {
                description["Parameters"][name] = value;
            }
            for (name, value) in beside {
                description[name] = value;
            }
            description
        })
}

/// The fields of a sound description's `Parameters`, each in one of the ways in which it can be given.
fn sound_parameters() -> impl Strategy<Value = Value> {
    let fields: Vec<(&str, BoxedStrategy<Value>)> = vec![
        ("ClassName", "[a-z]{1,5}(\\.[A-Z][a-z$]{0,5}){0,2}".prop_map(Value::from).boxed()),
        ("Args", proptest::collection::vec(argument(), 0..4).prop_map(Value::from).boxed()),
        ("Jars", locations()),
        ("PyFiles", locations()),
        ("Files", locations()),
        ("Archives", locations()),
        ("Packages", proptest::collection::vec("([a-z.]{1,5}:){2}[0-9]", 0..3).prop_map(Value::from).boxed()),
        ("Environment", map_of("[A-Z_][A-Z0-9_]{0,5}")),
        ("DriverMemory", size()),
        ("DriverCores", count()),
        ("ExecutorMemory", size()),
        ("ExecutorCores", count()),
        ("NumExecutors", count()),
        ("Queue", "\\PC{0,9}".prop_map(Value::from).boxed()),
        ("ProxyUser", "[a-z]{0,9}".prop_map(Value::from).boxed()),
        ("Name", "\\PC{0,60}".prop_map(Value::from).boxed()),
        ("Configuration", map_of("spark\\.[a-z.]{1,9}")),
    ];
    let fields =
        fields.into_iter().map(|(name, value)| proptest::option::of(value).prop_map(move |value| (name, value)));
    (fields.collect::<Vec<_>>(), "(s3|hdfs)://[a-z]{1,9}/[a-z]{1,9}(\\.jar)?|/[a-z]{1,9}\\.jar").prop_map(
        |(fields, file)| {
            let mut parameters = json!({ "File": file });
            for (name, value) in fields {
                if let Some(value) = value {
                    parameters[name] = value;
                }
            }
            parameters
        },
    )
}

fn argument() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[^\0]{0,20}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from)
    ]
}

fn locations() -> BoxedStrategy<Value> {
    proptest::collection::vec("(s3://b|file:|hdfs://)?/[a-z]{1,9}", 0..3).prop_map(Value::from).boxed()
}

fn map_of(name: &'static str) -> BoxedStrategy<Value> {
    proptest::collection::btree_map(name, argument(), 0..4)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
        .boxed()
}

fn size() -> BoxedStrategy<Value> {
    prop_oneof!["0?[1-9][0-9]{0,2}([mgtMGT][bB]?|)".prop_map(Value::from), (1_u32..9999).prop_map(Value::from)].boxed()
}

fn count() -> BoxedStrategy<Value> {
    prop_oneof![(1_u32..1000).prop_map(Value::from), "[1-9][0-9]{0,3}".prop_map(Value::from)].boxed()
}

fn sound_target() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[a-z][a-z0-9]{0,9}".prop_map(|host| json!({ "LivyHost": host })),
        ("[a-zA-Z][a-z0-9]{0,9}", 1_u16..)
            .prop_map(|(host, port)| json!({"LivyHost": host, "LivyPort": port.to_string()})),
        "https?://[a-z][a-z0-9]{0,9}(:[1-9][0-9]{1,3})?(/[a-z]{1,5}){0,2}/?".prop_map(|url| json!({ "LivyUrl": url })),
    ]
}

fn sound_management() -> impl Strategy<Value = Value> {
    use proptest::sample::select;
    (
        select(&["", "Change", "Rerun"][..]),
        select(&["", "Submitted", "Running", "Succeeded"][..]),
        select(&["", "StopThenStart", "StartThenStop"][..]),
        select(&["", "Cancel", "Accept"][..]),
        select(&["", "Fail", "Ignore"][..]),
        (proptest::option::of(0_u32..=900), 960_u32..=3600),
    )
        .prop_map(|(run_on, wait_for, strategy, on_timeout, on_delete_error, (stable, timeout))| {
            json!({
                "RunOn": run_on, "WaitFor": wait_for, "UpdateStrategy": strategy, "OnTimeout": on_timeout,
                "OnDeleteError": on_delete_error, "StableSeconds": stable, "ServiceTimeout": timeout.to_string(),
            })
        })
}

fn sound_description() -> impl Strategy<Value = Value> {
    let mode = proptest::sample::select(&["", "BATCH", "STREAMING"][..]);
    let all = (sound_target(), sound_management(), sound_parameters(), mode, argument());
    all.prop_map(|(target, management, parameters, mode, rerun)| {
        let mut description = json!({"Parameters": parameters, "Mode": mode, "Rerun": rerun});
        let properties = description.as_object_mut().expect("an object");
        for part in [target, management] {
            properties.extend(part.as_object().expect("an object").clone());
        }
        description
    })
}

fn holds_for_any(description: &Value) -> Result<(), TestCaseError> {
    let (place, management) = (read_place(description), read_management(description));
    let job = read_job(description);
    if let Some(job) = &job {
        prop_assert_eq!(Some(&job.place), place.as_ref());
        let written = serde_json::to_value(job).expect("plain data");
        prop_assert_eq!(read(&written).map(|description| description.job), Ok(job.clone()));
    }
    match read(description) {
        Ok(read_once) => {
            prop_assert_eq!(job.as_ref(), Some(&read_once.job));
            prop_assert_eq!(&management, &read_once.management);
            prop_assert_eq!(read(&written(&read_once)), Ok(read_once));
        }
        Err(faults) => {
            prop_assert!(!faults.as_slice().is_empty());
            let text = faults.to_string();
            prop_assert!(text.len() < 10_000 && !text.contains(char::is_control), "{}", text);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_json_has_an_answer(description in any_json()) {
        holds_for_any(&description)?;
    }

    #[test]
    fn any_spoilt_description_has_an_answer(description in any_spoilt()) {
        holds_for_any(&description)?;
    }

    #[test]
    fn a_sound_description_survives_being_written_and_read(description in sound_description()) {
        let read_once = read(&description).map_err(|faults| TestCaseError::fail(format!("{faults}")))?;
        prop_assert_eq!(read(&written(&read_once)), Ok(read_once.clone()));
        let canonical = serde_json::to_value(&read_once.job).expect("JSON");
        prop_assert_eq!(read_job(&canonical), Some(read_once.job));
    }
}
