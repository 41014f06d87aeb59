use serde_json::{Value, json};

use super::super::native::{Api, limits};
use super::super::{Description, Limit, read as read_all};
use crate::job::{DeployMode, Job};

const ROLE: &str = "arn:aws:iam::123456789012:role/job";

fn job(description: &Value) -> Job {
    let read = read_all(description, &Limit::none());
    let Description { job, .. } = read.unwrap_or_else(|faults| panic!("{description}: {faults}"));
    job
}

fn told(description: &Value) -> Vec<String> {
    let faults = read_all(description, &Limit::none()).map_or_else(|faults| faults.as_slice().to_vec(), |_| Vec::new());
    faults.iter().map(ToString::to_string).collect()
}

/// `description` with `more` in it.
fn with(description: &Value, more: &Value) -> Value {
    let mut both = description.clone();
    for (name, value) in more.as_object().expect("an object") {
        both[name] = value.clone();
    }
    both
}

/// The least that each engine takes, with the same portable block.
fn portable() -> [(&'static str, Value); 4] {
    let parameters = json!({"File": "s3://b/pi.py", "Args": [10]});
    [
        ("livy", json!({"LivyHost": "emr", "Parameters": parameters})),
        (
            "emr-on-eks",
            json!({
                "VirtualClusterId": "0abc", "ExecutionRoleArn": ROLE, "ReleaseLabel": "emr-7.5.0-latest",
                "Parameters": parameters,
            }),
        ),
        ("emr-serverless", json!({"ApplicationId": "00f1", "ExecutionRoleArn": ROLE, "Parameters": parameters})),
        ("emr-steps", json!({"ClusterId": "j-1ABC", "Parameters": parameters})),
    ]
}

fn engine(word: &str) -> Value {
    portable().into_iter().find(|(engine, _)| *engine == word).expect("an engine").1
}

#[test]
fn one_block_is_read_alike_on_every_engine() {
    for (engine, description) in portable() {
        let job = job(&description);
        assert_eq!(job.place.engine(), engine);
        assert_eq!(job.parameters.expect("parameters").args, ["10"]);
    }
}

#[test]
fn where_nothing_says_what_runs_all_that_the_engine_allows_is_named() {
    for (word, instead) in [
        ("livy", ""),
        ("emr-on-eks", "; or, in the words of EMR on EKS, JobDriver or JobTemplateId"),
        ("emr-serverless", "; or, in the words of EMR Serverless, JobDriver"),
        ("emr-steps", "; or, in the words of EMR steps, HadoopJarStep"),
    ] {
        let description = with(&engine(word), &json!({"Parameters": null}));
        let required = format!("Parameters: required: what runs, such as {{File: s3://bucket/job.py}}{instead}");
        assert_eq!(told(&description), [required]);
    }
}

#[test]
fn a_block_of_an_api_is_read_as_the_task_and_the_documentation_spell_it() {
    let task = json!({
        "VirtualClusterId": "0abc", "Name": "nightly", "ExecutionRoleArn": ROLE, "ReleaseLabel": "emr-7.5.0-latest",
        "JobDriver": {"SparkSubmitJobDriver": {"EntryPoint": "s3://b/pi.py", "EntryPointArguments": ["10"]}},
        "ConfigurationOverrides": {
            "ApplicationConfiguration": [
                {"Classification": "spark-defaults", "Properties": {"spark.executor.memory": "2G"}},
            ],
            "MonitoringConfiguration": {"S3MonitoringConfiguration": {"LogUri": "s3://logs/"}},
        },
        "RetryPolicyConfiguration": {"MaxAttempts": "2"}, "Tags": {"Team": "data"},
    });
    let documented = json!({
        "virtualClusterId": "0abc", "name": "nightly", "executionRoleArn": ROLE, "releaseLabel": "emr-7.5.0-latest",
        "jobDriver": {"sparkSubmitJobDriver": {"entryPoint": "s3://b/pi.py", "entryPointArguments": [10]}},
        "configurationOverrides": {
            "applicationConfiguration": [
                {"classification": "spark-defaults", "properties": {"spark.executor.memory": "2G"}},
            ],
            "monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://logs/"}},
        },
        "retryPolicyConfiguration": {"maxAttempts": 2}, "tags": {"Team": "data"},
    });
    let job = job(&task);
    assert_eq!(job, self::job(&documented));
    assert_eq!((job.parameters.is_none(), job.name(), job.tags["Team"].as_str()), (true, Some("nightly"), "data"));
    assert_eq!(job.native.get("RetryPolicyConfiguration"), Some(&json!({"maxAttempts": 2})));

    let step = json!({
        "ClusterId": "j-1ABC", "Name": "nightly", "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["spark-submit", "s3://b/pi.py"]},
    });
    let job = self::job(&step);
    assert_eq!((job.native.get("ActionOnFailure"), job.native.text("Name")), (None, Some("nightly")));
    assert_eq!(job.native.get("HadoopJarStep").expect("a step")["Jar"], "command-runner.jar");
}

#[test]
fn the_token_of_a_copied_request_is_left_out() {
    let token = json!({"ClientToken": "a"});
    for word in ["emr-on-eks", "emr-serverless"] {
        let description = engine(word);
        assert_eq!(job(&with(&description, &token)), job(&description));
        assert_eq!(job(&with(&description, &json!({"clientToken": "b"}))), job(&description));
    }
    let (livy, steps) = (told(&with(&engine("livy"), &token)), told(&with(&engine("emr-steps"), &token)));
    assert!(livy == steps && livy[0].starts_with("ClientToken: unknown"), "{livy:?}");
}

#[test]
fn the_step_of_a_task_is_read_as_if_its_parts_stood_beside_the_cluster() {
    let parts = json!({
        "Name": "nightly", "ActionOnFailure": "CANCEL_AND_WAIT",
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["spark-submit", "s3://b/pi.py"]},
    });
    let cluster = json!({"ClusterId": "j-1ABC", "ExecutionRoleArn": ROLE});
    let task = with(&cluster, &json!({"Step": parts}));
    assert_eq!(job(&task), job(&with(&cluster, &parts)));
    let of_the_api = json!({
        "name": "nightly", "actionOnFailure": "CANCEL_AND_WAIT",
        "hadoopJarStep": {"jar": "command-runner.jar", "args": ["spark-submit", "s3://b/pi.py"]},
    });
    assert_eq!(job(&with(&cluster, &json!({"step": of_the_api}))), job(&task));
    assert_eq!(job(&with(&engine("emr-steps"), &json!({"Step": {}}))), job(&engine("emr-steps")));
    for (more, fault) in [
        (json!({"Name": "other"}), "Name: given twice, once in Step"),
        (
            json!({"Step": with(&parts, &json!({"HadoopJarStep": {"Jar": "a.jar", "Args": "-v"}}))}),
            "Step.HadoopJarStep.Args: must be a list of strings, got a string of 2 characters",
        ),
        (
            json!({"Step": with(&parts, &json!({"ActionOnFailure": "PANIC"}))}),
            "Step.ActionOnFailure: must be TERMINATE_JOB_FLOW, TERMINATE_CLUSTER, CANCEL_AND_WAIT or CONTINUE, got \"PANIC\"",
        ),
        (
            json!({"Step": with(&parts, &json!({"Jar": "a.jar"}))}),
            "Step.Jar: unknown; known are Name, HadoopJarStep, ActionOnFailure, StepMonitoringConfiguration",
        ),
    ] {
        assert_eq!(told(&with(&task, &more)), [fault]);
    }
    let described = with(&with(&cluster, &parts), &json!({"Step": "a secret"}));
    assert_eq!(told(&described), ["Step: must be an object, got a string of 8 characters"]);
}

#[test]
fn a_request_that_adds_a_step_is_read_as_the_step_and_its_cluster() {
    let step = json!({"Name": "nightly", "HadoopJarStep": {"Jar": "a.jar"}});
    let request = json!({"JobFlowId": "j-1ABC", "Steps": [step]});
    assert_eq!(job(&request), job(&with(&json!({"ClusterId": "j-1ABC"}), &step)));
    for (steps, faults) in [
        (json!([step, step]), vec!["Steps: must be a list of one step, as one resource is one, got a list"]),
        (
            json!([{"HadoopJarStep": {"Jar": ["a.jar"], "Arg": []}}]),
            vec![
                "Steps[0].HadoopJarStep.Jar: must be a string, got a list",
                "Steps[0].HadoopJarStep.Arg: unknown; did you mean Args?",
            ],
        ),
    ] {
        assert_eq!(told(&json!({"JobFlowId": "j-1ABC", "Steps": steps})), faults);
    }
    let on_livy = told(&with(&engine("livy"), &json!({"JobFlowId": "j-1ABC"})));
    assert!(on_livy[0].contains("LivyHost") && on_livy[0].contains("ClusterId"), "{on_livy:?}");
}

#[test]
fn a_job_template_says_what_runs_and_as_whom() {
    let job = job(&json!({
        "VirtualClusterId": "0abc", "JobTemplateId": "0def", "JobTemplateParameters": {"Day": "2026-11-21"},
    }));
    assert_eq!(job.native.text("JobTemplateId"), Some("0def"));
    assert_eq!(job.native.get("JobTemplateParameters"), Some(&json!({"Day": "2026-11-21"})));
}

#[test]
fn a_limit_of_time_is_for_whoever_knows_one() {
    let serverless = engine("emr-serverless");
    for (more, minutes) in [
        (json!({"TimeoutMinutes": "90"}), Some(90)),
        (json!({"ExecutionTimeoutMinutes": 90}), Some(90)),
        (json!({}), None),
        // Never: what a stream does unless told otherwise.
        (json!({"Mode": "STREAMING", "TimeoutMinutes": 0}), None),
        (json!({"Mode": "STREAMING", "TimeoutMinutes": 60}), Some(60)),
    ] {
        assert_eq!(job(&with(&serverless, &more)).timeout_minutes, minutes, "{more}");
    }
    assert_eq!(
        told(&with(&serverless, &json!({"TimeoutMinutes": 0}))),
        ["TimeoutMinutes: must be at least 1 with Mode BATCH on EMR Serverless"]
    );
    for (word, name) in [("livy", "Livy"), ("emr-on-eks", "EMR on EKS"), ("emr-steps", "EMR steps")] {
        assert_eq!(
            told(&with(&engine(word), &json!({"TimeoutMinutes": "60"}))),
            [format!("TimeoutMinutes: not possible on {name}, which knows no time limit")]
        );
        assert_eq!(job(&with(&engine(word), &json!({"TimeoutMinutes": "0"}))).timeout_minutes, None);
    }
}

#[test]
fn all_texts_of_a_native_step_together_have_a_limit() {
    let step = |length: usize| {
        let properties = json!([{"Key": "k", "Value": "v"}]);
        let args = json!(["spark-submit", "é".repeat(length - "a.jarMainspark-submitkv".len())]);
        json!({"ClusterId": "j-1ABC", "HadoopJarStep":
            {"Jar": "a.jar", "MainClass": "Main", "Args": args, "Properties": properties}})
    };
    assert_eq!(told(&step(10_240)), Vec::<String>::new());
    let fault =
        "HadoopJarStep: must be at most 10240 characters in all, got 10241: put what is large into a file of its own";
    assert_eq!(told(&step(10_241)), [fault]);
    let in_cluster = |length: usize| {
        let mut args = ["spark-submit", "--deploy-mode", "cluster"].map(str::to_owned).to_vec();
        args.push("x".repeat(length - "a.jar".len() - args.concat().len()));
        json!({"ClusterId": "j-1ABC", "HadoopJarStep": {"Jar": "a.jar", "Args": args}})
    };
    let tag = "--confspark.yarn.tags=".len() + 64 + "-0abcdef1".len();
    let added = tag + "--confspark.yarn.submit.waitAppCompletion=true".len();
    assert_eq!(told(&in_cluster(10_240 - added)), Vec::<String>::new());
    let fault = format!(
        "HadoopJarStep: must be at most 10240 characters in all, got {} and {added} that are added, as it runs in cluster \
         mode: put what is large into a file of its own",
        10_241 - added
    );
    assert_eq!(told(&in_cluster(10_241 - added)), [fault]);
    let tags = format!("spark.yarn.tags=a{}", ",".repeat(200));
    let args = ["spark-submit", "--deploy-mode", "cluster", "--conf", &tags, "a.py"];
    let shrinks = json!({"ClusterId": "j-1ABC", "HadoopJarStep": {"Jar": "a.jar", "Args": args}});
    assert_eq!(told(&shrinks), Vec::<String>::new());
}

#[test]
fn each_mode_has_its_own_count_of_retries() {
    let policy = |mode: &str, policy: Value| {
        told(&with(&engine("emr-serverless"), &json!({"Mode": mode, "RetryPolicy": policy})))
    };
    for most in [1, 10] {
        assert_eq!(policy("BATCH", json!({"maxAttempts": most})), Vec::<String>::new());
        assert_eq!(policy("STREAMING", json!({"MaxFailedAttemptsPerHour": most.to_string()})), Vec::<String>::new());
    }
    for (mode, given, fault) in [
        ("BATCH", json!({"MaxAttempts": "11"}), "MaxAttempts: must be at most 10 on EMR Serverless, got 11"),
        ("BATCH", json!({"MaxAttempts": 0}), "MaxAttempts: must be a whole number >= 1, got 0"),
        (
            "BATCH",
            json!({"MaxAttempts": 2, "MaxFailedAttemptsPerHour": 11}),
            "MaxFailedAttemptsPerHour: goes with Mode STREAMING only; for BATCH there is MaxAttempts",
        ),
        (
            "STREAMING",
            json!({"maxAttempts": 2}),
            "MaxAttempts: goes with Mode BATCH only; for STREAMING there is MaxFailedAttemptsPerHour",
        ),
        (
            "STREAMING",
            json!({"MaxFailedAttemptsPerHour": 11}),
            "MaxFailedAttemptsPerHour: must be at most 10 on EMR Serverless, got 11",
        ),
    ] {
        assert_eq!(policy(mode, given), [format!("RetryPolicy.{fault}")]);
    }
}

#[test]
fn the_deploy_mode_is_for_portable_steps() {
    let step = engine("emr-steps");
    assert_eq!(job(&with(&step, &json!({"DeployMode": "cluster"}))).deploy_mode, DeployMode::Cluster);
    assert_eq!(job(&with(&step, &json!({"DeployMode": "client"}))), job(&step));
    let native = json!({"ClusterId": "j-1ABC", "DeployMode": "cluster", "HadoopJarStep": {"Jar": "a.jar"}});
    for (description, fault) in [
        (
            with(&step, &json!({"DeployMode": "Cluster"})),
            r#"DeployMode: must be client or cluster (did you mean cluster?), got "Cluster""#,
        ),
        (native, "DeployMode: goes with Parameters only: the arguments of a HadoopJarStep say it themselves"),
        (
            with(&engine("emr-serverless"), &json!({"DeployMode": "cluster"})),
            "DeployMode: not possible on EMR Serverless: it belongs to EMR steps",
        ),
    ] {
        assert_eq!(told(&description), [fault]);
    }
}

#[test]
fn each_fault_is_told() {
    let (livy, eks, serverless, step) =
        (engine("livy"), engine("emr-on-eks"), engine("emr-serverless"), engine("emr-steps"));
    let driver = json!({"SparkSubmit": {"EntryPoint": "s3://b/pi.py"}});
    let tags: serde_json::Map<String, Value> = (0..51).map(|n| (n.to_string(), json!("x"))).collect();
    for (description, faults) in [
        (
            with(&serverless, &json!({"JobDriver": driver})),
            vec!["more than one says what runs (Parameters, JobDriver): give exactly one"],
        ),
        (
            json!({"VirtualClusterId": "0abc", "Parameters": {"File": "/pi.py"}}),
            vec![
                "ExecutionRoleArn: required on EMR on EKS: the role that the job runs as",
                "ReleaseLabel: required on EMR on EKS, such as emr-7.9.0-latest",
            ],
        ),
        (
            json!({"ApplicationId": "00f1", "Parameters": {"File": "/pi.py"}}),
            vec!["ExecutionRoleArn: required on EMR Serverless: the role that the job runs as"],
        ),
        (
            with(&serverless, &json!({"ExecutionRoleArn": "job-role"})),
            vec![
                "ExecutionRoleArn: must be a role's ARN, such as arn:aws:iam::123456789012:role/spark, got \"job-role\"",
            ],
        ),
        (
            with(&livy, &json!({"ExecutionRoleArn": ROLE, "Tags": {"a": "b"}, "RetryPolicy": {"MaxAttempts": 2}})),
            vec![
                "ExecutionRoleArn: not possible on Livy: it belongs to EMR on EKS and EMR Serverless and EMR steps",
                "RetryPolicy: not possible on Livy: it belongs to EMR Serverless (on EMR on EKS it is \
                 RetryPolicyConfiguration)",
                "Tags: not possible on Livy, whose batches have no tags",
            ],
        ),
        (with(&step, &json!({"Tags": {"a": "b"}})), vec!["Tags: must be left out: a step has no tags"]),
        (with(&eks, &json!({"Tags": tags})), vec!["Tags: must have at most 50 entries, got 51"]),
        (
            with(&eks, &json!({"JobTemplateParameters": {"Day": "x"}})),
            vec!["JobTemplateParameters: goes with JobTemplateId only"],
        ),
        (with(&eks, &json!({"Name": "x"})), vec!["Name: unknown here; it belongs into Parameters"]),
        (
            with(&serverless, &json!({"configurationOverrides": {"monitoringConfiguration": {"s3Monitoring": {}}}})),
            vec![
                "configurationOverrides.monitoringConfiguration.s3Monitoring: unknown; did you mean s3MonitoringConfiguration?",
            ],
        ),
        (
            with(&serverless, &json!({"tags": {"a": "b"}, "Tags": {"a": "c"}})),
            vec!["Tags: given twice, as tags and as Tags"],
        ),
        (
            with(&eks, &json!({"Parameters": {"File": "/pi.py", "Queue": "etl", "Args": [""]}})),
            vec![
                "Parameters.Args[0]: must not be empty or blank on EMR on EKS",
                "Parameters.Queue: not possible on EMR on EKS: a queue is YARN's",
            ],
        ),
    ] {
        assert_eq!(told(&description), faults, "{description}");
    }
}

#[test]
fn what_belongs_to_other_engines_may_be_left_empty() {
    let empty = json!({
        "ExecutionRoleArn": "", "ReleaseLabel": null, "JobDriver": {}, "HadoopJarStep": {}, "Tags": [], "DeployMode": "",
        "RetryPolicy": {}, "TimeoutMinutes": "",
    });
    assert_eq!(job(&with(&engine("livy"), &empty)), job(&engine("livy")));
}

#[test]
fn the_limits_of_the_portable_block_are_those_that_aws_publishes() {
    for (engine, api, place, field) in [
        ("emr-on-eks", Api::EmrContainers, "jobDriver.sparkSubmitJobDriver.entryPoint", "File"),
        ("emr-on-eks", Api::EmrContainers, "jobDriver.sparkSubmitJobDriver.entryPointArguments.member", "Args"),
        ("emr-serverless", Api::EmrServerless, "jobDriver.sparkSubmit.entryPoint", "File"),
    ] {
        let most = limits(api, place).most.expect("a limit");
        let long = |length: usize| {
            let text = format!("/{}", "a".repeat(length - 1));
            let value = if field == "Args" { json!([text]) } else { json!(text) };
            with(
                &self::engine(engine),
                &json!({"Parameters": with(&json!({"File": "/pi.py"}), &json!({field: value}))}),
            )
        };
        assert_eq!(told(&long(most)), Vec::<String>::new(), "{place}");
        assert_eq!(told(&long(most + 1)).len(), 1, "{place}");
    }
}
