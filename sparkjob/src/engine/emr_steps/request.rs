//! What EMR is sent: the step that runs a job, and the step that kills what a stopped one left behind.

use serde_json::{Value, json};

use crate::job::{DeployMode, Identity, Job, Parameters};
use crate::spark_submit::{Invocation, Way, command};

const COMMAND_RUNNER: &str = "command-runner.jar";

/// `AddJobFlowSteps` for `job` under `identity`'s name; none where the job says nothing of what runs. `mark` is another one
/// for each submission, also of the same job: it tells the applications of twins apart.
pub fn submission(cluster: &str, job: &Job, identity: &Identity, mark: u32) -> Option<Value> {
    let name = identity.name();
    let jar_step = match (&job.parameters, job.native.get("HadoopJarStep")) {
        (Some(parameters), _) => portable(parameters, job.deploy_mode, &name),
        (None, Some(native)) => native.clone(),
        (None, None) => return None,
    };
    let jar_step = command::with_tag(jar_step, &command::marked_tag(&name, mark));
    let mut step = json!({
        "Name": name,
        "ActionOnFailure": job.native.text("ActionOnFailure").unwrap_or("CONTINUE"),
        "HadoopJarStep": jar_step,
    });
    if let Some(monitoring) = job.native.get("StepMonitoringConfiguration") {
        step["StepMonitoringConfiguration"] = monitoring.clone();
    }
    Some(added(cluster, &step, job.native.text("ExecutionRoleArn")))
}

/// `AddJobFlowSteps` for a step that kills the application of the step `id`, which carries `tag`, as whom that one ran.
pub fn killing(cluster: &str, id: &str, tag: &str, role: Option<&str>) -> Value {
    let step = json!({
        "Name": killer(id),
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {"Jar": COMMAND_RUNNER, "Args": ["bash", "-c", script(tag)]},
    });
    added(cluster, &step, role)
}

/// The name of the step that kills what the step `id` left behind: none that a job of ours could have.
pub fn killer(id: &str) -> String {
    format!("kill-{id}")
}

fn added(cluster: &str, step: &Value, role: Option<&str>) -> Value {
    let mut body = json!({"JobFlowId": cluster, "Steps": [step]});
    if let Some(role) = role {
        body["ExecutionRoleArn"] = role.into();
    }
    body
}

fn portable(parameters: &Parameters, deploy_mode: DeployMode, name: &str) -> Value {
    let way = match deploy_mode {
        DeployMode::Client => Way::ClientStep,
        DeployMode::Cluster => Way::ClusterStep,
    };
    json!({"Jar": COMMAND_RUNNER, "Args": Invocation::of(parameters, name, way).command()})
}

/// Kills every application of `tag` that is alive, and fails where one is left or YARN cannot be asked.
///
/// `-appTags` is of [Hadoop 3](https://hadoop.apache.org/docs/r3.2.2/hadoop-yarn/hadoop-yarn-site/YarnCommands.html), which
/// EMR has [from 6.0 on](https://docs.aws.amazon.com/emr/latest/ReleaseGuide/Hadoop-release-history.html). The `yarn` of
/// Hadoop 2, up to its [last release](https://hadoop.apache.org/docs/r2.10.2/hadoop-yarn/hadoop-yarn-site/YarnCommands.html),
/// fails on it. `-kill` returns once the application is over.
fn script(tag: &str) -> String {
    let list = format!("yarn application -list -appTags {tag} -appStates NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING");
    let id = "^ *application_[0-9]+_[0-9]+";
    format!(
        "alive() {{ {list}; }}; found=$(alive) || exit 1; \
         for id in $(grep -oE '{id}' <<< \"$found\"); do yarn application -kill \"$id\"; done; \
         left=$(alive) || exit 1; ! grep -E '{id}' <<< \"$left\""
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::process::Command;

    use super::*;
    use crate::job::{Digest, Native, Place};
    use crate::spark_submit::yarn_tag;

    fn job() -> Job {
        let configuration = BTreeMap::from([("spark.sql.shuffle.partitions".to_owned(), "8".to_owned())]);
        let environment = BTreeMap::from([("STAGE".to_owned(), "prod \"a\"".to_owned())]);
        let parameters = Parameters {
            file: "s3://code/pi.py".to_owned(),
            args: vec!["10".to_owned(), "two words".to_owned()],
            driver_memory: Some("2g".to_owned()),
            environment,
            configuration,
            ..Parameters::default()
        };
        Job::of(Place::EmrSteps("j-1".to_owned()), parameters)
    }

    fn sent(job: &Job) -> Value {
        // The hashes in the name are not this module's business.
        let identity = Identity { spec: Digest::of(&[]), ..Identity::derive(&["stack", "Pi"], "1", "Pi", job) };
        submission("j-1", job, &identity, MARK).expect("it says what runs")
    }

    fn native(fields: Value) -> Job {
        let fields = serde_json::from_value(fields).expect("a map");
        Job { parameters: None, native: Native(fields), ..job() }
    }

    const MARK: u32 = 0x0abc_def1;

    const NAME: &str = "Pi-2f1f1ec0a005fab5-4f53cda1-0a48c751";

    #[test]
    fn a_portable_job_is_a_command_whose_driver_is_a_part_of_the_step() {
        let expected = json!({
            "JobFlowId": "j-1",
            "Steps": [{
                "Name": NAME,
                "ActionOnFailure": "CONTINUE",
                "HadoopJarStep": {
                    "Jar": "command-runner.jar",
                    "Args": [
                        "env", "STAGE=prod \"a\"", "spark-submit", "--deploy-mode", "client",
                        "--conf", format!("spark.app.name={NAME}"),
                        "--conf", "spark.driver.memory=2g",
                        "--conf", "spark.executorEnv.STAGE=prod \"a\"",
                        "--conf", "spark.sql.shuffle.partitions=8",
                        "--conf", format!("spark.yarn.tags={}", NAME.to_lowercase()),
                        "s3://code/pi.py", "10", "two words",
                    ],
                },
            }],
        });
        assert_eq!(sent(&job()), expected);
    }

    #[test]
    fn in_the_cluster_the_application_carries_a_tag_and_the_step_waits_for_it() {
        let args = |job: &Job| -> Vec<String> {
            serde_json::from_value(sent(job)["Steps"][0]["HadoopJarStep"]["Args"].clone()).expect("texts")
        };
        let mut job = Job { deploy_mode: DeployMode::Cluster, ..job() };
        let tag = yarn_tag(NAME);
        assert_eq!(command::own_tag(&args(&job), &tag), Some(&*format!("{tag}-0abcdef1")));
        assert!(args(&job).contains(&format!("spark.yarn.tags={tag},{tag}-0abcdef1")));
        assert!(args(&job).contains(&"spark.yarn.submit.waitAppCompletion=true".to_owned()));
        let configuration = &mut job.parameters.as_mut().expect("portable").configuration;
        configuration.insert("spark.yarn.submit.waitAppCompletion".to_owned(), "false".to_owned());
        assert!(!command::waits(&args(&job)));
    }

    #[test]
    fn a_native_step_is_sent_as_it_is() {
        let jar_step = json!({
            "Jar": "s3://code/a.jar", "MainClass": "A", "Args": ["1"], "Properties": [{"Key": "a", "Value": "b"}],
        });
        let monitoring = json!({"S3MonitoringConfiguration": {"LogUri": "s3://logs/mine/"}});
        let job = native(json!({
            "HadoopJarStep": jar_step,
            "ActionOnFailure": "CANCEL_AND_WAIT",
            "StepMonitoringConfiguration": monitoring,
            "ExecutionRoleArn": "arn:aws:iam::123456789012:role/job",
            "Name": "Mine",
        }));
        let expected = json!({
            "JobFlowId": "j-1",
            "ExecutionRoleArn": "arn:aws:iam::123456789012:role/job",
            "Steps": [{
                "Name": NAME.replacen("Pi", "Mine", 1),
                "ActionOnFailure": "CANCEL_AND_WAIT",
                "HadoopJarStep": jar_step,
                "StepMonitoringConfiguration": monitoring,
            }],
        });
        assert_eq!(sent(&job), expected);
    }

    #[test]
    fn a_native_step_that_runs_in_the_cluster_is_sent_with_a_tag() {
        let args = ["spark-submit", "--deploy-mode", "cluster", "s3://code/pi.py"];
        let job = native(json!({"HadoopJarStep": {"Jar": "command-runner.jar", "Args": args}}));
        let tagged = format!("spark.yarn.tags={}-0abcdef1", NAME.to_lowercase());
        let waits = "spark.yarn.submit.waitAppCompletion=true";
        let expected =
            ["spark-submit", "--conf", &tagged, "--conf", waits, "--deploy-mode", "cluster", "s3://code/pi.py"];
        assert_eq!(sent(&job)["Steps"][0]["HadoopJarStep"]["Args"], json!(expected));
    }

    #[test]
    fn a_job_that_says_nothing_of_what_runs_makes_no_step() {
        let job = native(json!({"ActionOnFailure": "CONTINUE"}));
        assert_eq!(submission("j-1", &job, &Identity::derive(&["a"], "1", "Pi", &job), MARK), None);
    }

    #[test]
    fn a_killing_step_is_nobodys_job_and_runs_as_the_one_that_it_kills() {
        let body = killing("j-1", "s-2ABC", NAME, Some("arn:aws:iam::123456789012:role/job"));
        let identity = Identity::derive(&["stack", "Pi"], "1", "Pi", &job());
        let name = body["Steps"][0]["Name"].as_str().expect("a name");
        assert!(!identity.owns(name) && name == "kill-s-2ABC");
        assert_eq!(body["ExecutionRoleArn"], "arn:aws:iam::123456789012:role/job");
        assert_eq!(killing("j-1", "s-2ABC", NAME, None).get("ExecutionRoleArn"), None);
    }

    #[test]
    fn the_application_of_a_name_that_begins_with_a_dash_is_found_by_its_tag() {
        let mut job = Job { deploy_mode: DeployMode::Cluster, ..job() };
        job.parameters.as_mut().expect("portable").name = Some("\u{c9}tude".to_owned());
        let identity = Identity::derive(&["stack", "Pi"], "1", "Pi", &job);
        assert!(identity.name().starts_with("-tude-"));
        let body = submission("j-1", &job, &identity, MARK).expect("it says what runs");
        let args = serde_json::from_value::<Vec<String>>(body["Steps"][0]["HadoopJarStep"]["Args"].clone());
        let args = args.expect("texts");
        let tag = command::own_tag(&args, &yarn_tag(&identity.name())).expect("a tag");
        let kill = killing("j-1", "s-1", tag, None)["Steps"][0]["HadoopJarStep"]["Args"][2].to_string();
        assert!(kill.contains("-appTags tude-") && !kill.contains("-appTags -"), "{kill}");
    }

    /// A `yarn` whose applications are in `$apps`, one line each; without that it fails. It kills what is `killable`.
    const YARN: &str = r#"yarn() {
  [ "${apps+known}" ] || return 255
  case "$2" in
  -list)
    [ "$3 $4 $5 $6 $7" = "-appTags pi-1 -appStates NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING " ] || return 255
    echo "Total number of applications (application-types: [] and states: [RUNNING] and tags: [pi-1]):1"
    printf '%30s\t%20s\n' Application-Id Application-Name
    while read -r id name; do printf '%30s\t%20s\n' "$id" "$name"; done <<< "$apps" ;;
  -kill) apps=$(grep -v "^$3 killable" <<< "$apps") ;;
  esac
}
"#;

    /// Whether the script succeeds where these applications are alive; none: where YARN does not answer.
    fn kills(apps: Option<&str>) -> bool {
        let mut bash = Command::new("bash");
        bash.args(["-c", &format!("{YARN}{}", script("pi-1"))]).env_remove("apps");
        if let Some(apps) = apps {
            bash.env("apps", apps);
        }
        bash.output().expect("bash runs").status.success()
    }

    #[test]
    fn the_script_kills_all_that_is_alive_and_fails_where_something_is_left() {
        assert!(kills(Some("")));
        assert!(kills(Some("application_1_0001 killable\napplication_1_0002 killable")));
        assert!(!kills(Some("application_1_0001 killable\napplication_1_0002 stubborn")));
        assert!(!kills(None));
    }
}
