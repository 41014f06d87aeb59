//! The local EMR (`local/emr.py`): the way to its APIs as two callers, and to what it can be told besides.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_emr::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_emr::types::JobFlowInstancesConfig;
use aws_sdk_emrcontainers::types::{ContainerInfo, ContainerProvider, ContainerProviderType, EksInfo};
use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};
use sparkjob::engine::Engines;
use sparkjob::http::Transport;
use sparkjob::http::sdk::Aws;
use sparkjob::job::{Place, RunRef, Tags};
use tokio::time::{Instant, sleep};

use crate::real::setting;
use crate::stand::{Blow, Call};

/// Steps that run side by side.
const LEVEL: i32 = 8;

/// One stand's way there. Faults are told by the access key of whom they are meant for, so that stands are not in each
/// other's way, and a stand's runs that are to wait not in that of those that are to run.
pub struct LocalEmr {
    transport: Arc<dyn Transport>,
    aws: Aws,
    /// The access key of the stand's caller whose runs wait.
    held: String,
}

impl LocalEmr {
    pub async fn new(transport: Arc<dyn Transport>, name: &str) -> Self {
        let aws = aws(&transport, name);
        let local = Self { transport, aws, held: format!("{name}-held") };
        local.heal().await;
        local.fault(json!({"fault": "hold", "seconds": 3600, "times": null})).await;
        local
    }

    pub fn name(&self) -> &str {
        &self.held
    }

    /// Engines whose runs run.
    pub fn engines(&self, name: &str) -> Engines {
        Engines::with(Arc::clone(&self.transport), aws(&self.transport, name))
    }

    /// Engines whose runs wait, and which faults strike.
    pub fn held_engines(&self) -> Engines {
        Engines::with(Arc::clone(&self.transport), aws(&self.transport, &self.held))
    }

    pub async fn strike(&self, call: Call, blow: Blow, place: &Place) {
        let operation = call.at(place).action;
        self.fault(match blow {
            Blow::Error => json!({"fault": "error", "status": 503, "operation": operation}),
            Blow::Lost => json!({"fault": "drop", "when": "after", "operation": operation}),
            Blow::Throttled => json!({"fault": "throttle", "operation": operation}),
            Blow::Denied => json!({"fault": "deny", "operation": operation}),
        })
        .await;
    }

    async fn fault(&self, mut fault: Value) {
        fault["access_key"] = self.held.as_str().into();
        self.tell(Method::POST, &fault).await;
    }

    /// Takes back all that was meant for this stand.
    pub async fn heal(&self) {
        self.tell(Method::DELETE, &Value::Null).await;
    }

    async fn tell(&self, method: Method, body: &Value) {
        let uri = format!("{}/_local/faults?access_key={}", setting("AWS_ENDPOINT_URL_EMR"), self.held);
        let request = Request::builder().method(method).uri(uri).body(Bytes::from(body.to_string()));
        let answer = self.transport.send(request.expect("a request"), Duration::from_secs(10)).await;
        assert!(answer.expect("the local EMR answers").status().is_success(), "{body}");
    }

    /// A place like this one that was there once.
    pub async fn terminated(&self, place: &Place) -> Place {
        match place {
            Place::EmrOnEks(_) => {
                let client = self.containers();
                let id = self.virtual_cluster().await;
                client.delete_virtual_cluster().id(&id).send().await.expect("it is deleted");
                Place::EmrOnEks(id)
            }
            Place::EmrServerless(_) => {
                let client = self.serverless();
                let made = client.create_application().name("gone").r#type("SPARK").release_label("emr-7.5.0");
                let id = made.client_token(unique()).send().await.expect("it is made").application_id;
                // It is CREATING first.
                let begin = Instant::now();
                while client.delete_application().application_id(&id).send().await.is_err() {
                    wait(begin).await;
                }
                Place::EmrServerless(id)
            }
            Place::EmrSteps(_) => Place::EmrSteps(self.terminated_cluster().await),
            Place::Livy(_) | Place::LivyOnCluster(_) => Place::LivyOnCluster(self.terminated_cluster().await),
        }
    }

    async fn virtual_cluster(&self) -> String {
        let namespace = EksInfo::builder().namespace(unique()).build();
        let provider = ContainerProvider::builder().id("local").r#type(ContainerProviderType::Eks);
        let provider = provider.info(ContainerInfo::EksInfo(namespace)).build().expect("complete");
        let client = self.containers();
        let made = client.create_virtual_cluster().name("gone").container_provider(provider);
        let made = made.client_token(unique()).send().await.expect("it is made");
        made.id.expect("it has an id")
    }

    /// A cluster whose steps run side by side, and whose logs go to a folder.
    pub async fn cluster(&self) -> String {
        let kept = JobFlowInstancesConfig::builder().keep_job_flow_alive_when_no_steps(true).build();
        let client = self.emr();
        let made = client.run_job_flow().name("conformance").release_label("emr-7.5.0").instances(kept);
        let made = made.step_concurrency_level(LEVEL).log_uri("s3://conformance/logs/");
        made.send().await.expect("it is made").job_flow_id.expect("it has an id")
    }

    async fn terminated_cluster(&self) -> String {
        let id = self.cluster().await;
        self.terminate(&id).await;
        id
    }

    /// Ends a cluster, and waits until it has.
    pub async fn terminate(&self, cluster: &str) {
        let client = self.emr();
        client.terminate_job_flows().job_flow_ids(cluster).send().await.expect("it is terminated");
        let begin = Instant::now();
        loop {
            let described = client.describe_cluster().cluster_id(cluster).send().await.expect("it is described");
            let status = described.cluster.and_then(|cluster| cluster.status);
            if status.and_then(|status| status.state).is_some_and(|state| state.as_str() == "TERMINATED") {
                return;
            }
            wait(begin).await;
        }
    }

    pub async fn tags(&self, run: &RunRef) -> Tags {
        let arn = run.arn().expect("what has tags has an ARN");
        let tags = if let Place::EmrOnEks(_) = run.place {
            let asked = self.containers().list_tags_for_resource().resource_arn(arn).send().await;
            asked.expect("they are listed").tags
        } else {
            let asked = self.serverless().list_tags_for_resource().resource_arn(arn).send().await;
            asked.expect("they are listed").tags
        };
        tags.unwrap_or_default().into_iter().collect()
    }

    fn containers(&self) -> aws_sdk_emrcontainers::Client {
        aws_sdk_emrcontainers::Client::new(self.aws.config())
    }

    fn serverless(&self) -> aws_sdk_emrserverless::Client {
        aws_sdk_emrserverless::Client::new(self.aws.config())
    }

    fn emr(&self) -> aws_sdk_emr::Client {
        aws_sdk_emr::Client::new(self.aws.config())
    }
}

/// Gives what was begun then a moment more.
async fn wait(begin: Instant) {
    assert!(begin.elapsed() < Duration::from_mins(2), "it is not done");
    sleep(Duration::from_millis(200)).await;
}

/// What no earlier run of the suite can have said.
fn unique() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
    format!("conformance-{}", now.as_nanos())
}

/// What the environment says, but for who calls.
fn aws(transport: &Arc<dyn Transport>, access_key: &str) -> Aws {
    let caller = Credentials::new(access_key, "test", None, None, "conformance");
    let environment = Aws::new(transport).config().clone().into_builder();
    Aws::of(transport, environment.credentials_provider(SharedCredentialsProvider::new(caller)).build())
}
