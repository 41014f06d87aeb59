//! The local EMR, asked directly: what a scene's jobs run on, what became of them, and faults on demand.
//!
//! Nothing here is signed: the local EMR tells its APIs apart by the path and by the target of a request.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};
use sparkjob::http::{Net, Transport};

use crate::local::{Instance, root};
use crate::process::running_with;
use crate::scene::{unique, with};
use crate::wait::until;

const LIMIT: Duration = Duration::from_mins(1);
/// Where jobs and logs lie in the emulator's S3.
const BUCKET: &str = "e2e-jobs";
/// Where logs go.
pub const LOGS: &str = "s3://e2e-jobs/logs/";

/// One of the three ways to run a job on EMR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Job runs in a virtual cluster.
    OnEks,
    /// Job runs in an application.
    Serverless,
    /// Steps of a cluster.
    Steps,
}

impl Way {
    /// What `Fn::GetAtt` of `Engine` says.
    pub fn engine(self) -> &'static str {
        match self {
            Self::OnEks => "emr-on-eks",
            Self::Serverless => "emr-serverless",
            Self::Steps => "emr-steps",
        }
    }

    /// The property that names its places.
    pub fn property(self) -> &'static str {
        match self {
            Self::OnEks => "VirtualClusterId",
            Self::Serverless => "ApplicationId",
            Self::Steps => "ClusterId",
        }
    }

    /// The operation that submits a job.
    pub fn start(self) -> &'static str {
        if self == Self::Steps { "AddJobFlowSteps" } else { "StartJobRun" }
    }

    /// The operation that looks at one.
    pub fn look(self) -> &'static str {
        match self {
            Self::OnEks => "DescribeJobRun",
            Self::Serverless => "GetJobRun",
            Self::Steps => "ListSteps",
        }
    }

    /// The operation that stops one.
    pub fn cancel(self) -> &'static str {
        if self == Self::Steps { "CancelSteps" } else { "CancelJobRun" }
    }

    /// Its word for a job that ended well.
    pub fn success(self) -> &'static str {
        if self == Self::Serverless { "SUCCESS" } else { "COMPLETED" }
    }

    /// The folder of its places in the path of a request.
    fn folder(self) -> &'static str {
        if self == Self::OnEks { "/virtualclusters" } else { "/applications" }
    }
}

/// The three APIs of the local default.
#[derive(Clone, Debug)]
pub struct Emr {
    url: String,
    s3: String,
    role: String,
    runs: PathBuf,
    net: Arc<Net>,
}

/// A job run or a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The service's id of it.
    pub id: String,
    /// What it was submitted as.
    pub name: String,
    /// The service's word for where it stands.
    pub state: String,
}

impl Run {
    /// Whether it may still do something.
    pub fn is_live(&self) -> bool {
        !matches!(self.state.as_str(), "COMPLETED" | "SUCCESS" | "FAILED" | "CANCELLED" | "INTERRUPTED")
    }
}

impl Emr {
    /// The one of an instance of the local default.
    pub fn of(instance: &Instance, net: &Arc<Net>) -> Self {
        let env = |name: &str| instance.env[name].clone();
        Self {
            url: env("AWS_ENDPOINT_URL_EMR"),
            s3: env("AWS_ENDPOINT_URL"),
            role: env("SPARKJOB_EXECUTION_ROLE_ARN"),
            runs: instance.emr_runs.clone(),
            net: Arc::clone(net),
        }
    }

    /// Makes something to run jobs on.
    pub async fn make(&self, way: Way) -> Place {
        self.make_with(way, json!({})).await
    }

    /// The same, with further members of the request.
    pub async fn make_with(&self, way: Way, more: Value) -> Place {
        let (name, token) = (format!("scene-{}", unique()), unique());
        let made = match way {
            Way::OnEks => {
                let info = json!({ "eksInfo": { "namespace": name } });
                let provider = json!({ "id": "scenes", "type": "EKS", "info": info });
                let request = json!({ "name": name, "clientToken": token, "containerProvider": provider });
                self.ask(Method::POST, way.folder(), &with(&request, more)).await["id"].clone()
            }
            Way::Serverless => {
                let request =
                    json!({ "name": name, "clientToken": token, "type": "SPARK", "releaseLabel": "emr-7.5.0" });
                self.ask(Method::POST, way.folder(), &with(&request, more)).await["applicationId"].clone()
            }
            Way::Steps => {
                let instances = json!({ "KeepJobFlowAliveWhenNoSteps": true });
                let request = json!({
                    "Name": name, "ReleaseLabel": "emr-7.5.0", "Instances": instances, "LogUri": LOGS,
                    "Applications": [{ "Name": "Spark" }, { "Name": "Livy" }],
                });
                self.act("RunJobFlow", &with(&request, more)).await["JobFlowId"].clone()
            }
        };
        self.place(way, made.as_str().expect("an id"))
    }

    /// Something to run jobs on that a stack has made.
    pub fn place(&self, way: Way, id: &str) -> Place {
        Place { way, id: id.to_owned(), emr: self.clone() }
    }

    /// The role that jobs run as.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// Puts a file of this repository into S3, and returns where it is.
    pub async fn file(&self, file: &str) -> String {
        let content = std::fs::read(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        self.s3(Method::PUT, "", Bytes::new()).await;
        self.s3(Method::PUT, &format!("/{file}"), content.into()).await;
        format!("s3://{BUCKET}/{file}")
    }

    /// What S3 lists below a folder of logs, as it lists it.
    pub async fn logs(&self, uri: &str) -> String {
        let prefix = uri.strip_prefix(&format!("s3://{BUCKET}/")).unwrap_or_else(|| panic!("not a log of ours: {uri}"));
        String::from_utf8_lossy(&self.s3(Method::GET, &format!("?list-type=2&prefix={prefix}"), Bytes::new()).await)
            .into_owned()
    }

    /// Asks one of the two APIs whose operations are paths.
    pub async fn ask(&self, method: Method, path: &str, body: &Value) -> Value {
        self.send(Request::builder().method(method).uri(format!("{}{path}", self.url)), body).await
    }

    /// Asks the API whose operations are targets.
    pub async fn act(&self, operation: &str, body: &Value) -> Value {
        let request = Request::builder().method(Method::POST).uri(format!("{}/", self.url));
        self.send(request.header("X-Amz-Target", format!("ElasticMapReduce.{operation}")), body).await
    }

    async fn send(&self, request: http::request::Builder, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = request.body(body.into()).expect("a request");
        let asked = format!("{} {}", request.method(), request.uri());
        let response = self.net.send(request, LIMIT).await.unwrap_or_else(|lost| panic!("{asked}: {lost}"));
        let told = String::from_utf8_lossy(response.body()).into_owned();
        assert!(response.status().is_success(), "{asked}: {} {told}", response.status());
        serde_json::from_str(&told).unwrap_or_default()
    }

    async fn s3(&self, method: Method, path: &str, content: Bytes) -> Bytes {
        let scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request";
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/{BUCKET}{path}", self.s3))
            .header("Authorization", format!("{scope}, SignedHeaders=host, Signature=0"))
            .body(content)
            .expect("a request");
        let response = self.net.send(request, LIMIT).await.unwrap_or_else(|lost| panic!("S3: {path}: {lost}"));
        assert!(response.status().is_success(), "S3: {path}: {response:?}");
        response.into_body()
    }
}

/// A virtual cluster, an application or a cluster of a scene's own.
#[derive(Clone, Debug)]
pub struct Place {
    /// What it is.
    pub way: Way,
    /// The service's id of it.
    pub id: String,
    /// The local EMR.
    pub emr: Emr,
}

impl Place {
    /// The properties that lead a job here.
    pub fn target(&self) -> Value {
        let mut target = json!({ self.way.property(): self.id });
        if self.way != Way::Steps {
            target["ExecutionRoleArn"] = self.emr.role.as_str().into();
        }
        if self.way == Way::OnEks {
            target["ReleaseLabel"] = "emr-7.5.0-latest".into();
        }
        target
    }

    /// All jobs that were ever submitted here, the oldest first.
    pub async fn runs(&self) -> Vec<Run> {
        let (listed, name, id) = if self.way == Way::Steps {
            let listed = self.emr.act("ListSteps", &json!({ "ClusterId": self.id })).await;
            (listed["Steps"].clone(), "Name", "Id")
        } else {
            let listed = self.emr.ask(Method::GET, &self.path(""), &Value::Null).await;
            (listed["jobRuns"].clone(), "name", "id")
        };
        let read = |run: &Value| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let state = if self.way == Way::Steps { &run["Status"]["State"] } else { &run["state"] };
            Run { id: text(&run[id]), name: text(&run[name]), state: text(state) }
        };
        listed.as_array().expect("a listing").iter().rev().map(read).collect()
    }

    /// Those that still live.
    pub async fn live(&self) -> Vec<Run> {
        self.runs().await.into_iter().filter(Run::is_live).collect()
    }

    /// The only job that was ever submitted here.
    pub async fn only_run(&self) -> Run {
        let [run]: [Run; 1] = self.runs().await.try_into().unwrap_or_else(|runs| panic!("not one: {runs:?}"));
        run
    }

    /// All that the service tells of a job.
    pub async fn described(&self, id: &str) -> Value {
        if self.way == Way::Steps {
            return self.emr.act("DescribeStep", &json!({ "ClusterId": self.id, "StepId": id })).await["Step"].clone();
        }
        self.emr.ask(Method::GET, &self.path(&format!("/{id}")), &Value::Null).await["jobRun"].clone()
    }

    /// Whether one job was over when the other one was made.
    pub async fn in_turn(&self, first: &str, second: &str) -> bool {
        let (first, second) = (self.described(first).await, self.described(second).await);
        let (over, made) = match self.way {
            Way::OnEks => (&first["finishedAt"], &second["createdAt"]),
            Way::Serverless => (&first["endedAt"], &second["createdAt"]),
            Way::Steps => {
                (&first["Status"]["Timeline"]["EndDateTime"], &second["Status"]["Timeline"]["CreationDateTime"])
            }
        };
        seconds(over) <= seconds(made)
    }

    /// Lets calls about this place, and what runs there, fare badly.
    pub async fn fault(&self, fault: Value) {
        self.emr.ask(Method::POST, "/_local/faults", &with(&fault, json!({ "resource": self.id }))).await;
    }

    /// Lets them fare well again.
    pub async fn heal(&self) {
        self.emr.ask(Method::DELETE, &format!("/_local/faults?resource={}", self.id), &Value::Null).await;
    }

    /// The faults that still wait for a call about this place.
    pub async fn waiting_faults(&self) -> Vec<Value> {
        let waiting = self.emr.ask(Method::GET, "/_local/faults", &Value::Null).await;
        let waiting = waiting.as_array().expect("a listing").iter();
        waiting.filter(|fault| fault["resource"] == self.id.as_str()).cloned().collect()
    }

    /// The operations that were asked for about this place, with the code of the error of each.
    pub async fn calls(&self) -> Vec<(String, String)> {
        let calls = self.emr.ask(Method::GET, "/_local/calls", &Value::Null).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let ours =
            |call: &&Value| text(&call["resource"]).contains(&self.id) && text(&call["agent"]).contains("aws-sdk");
        let calls = calls.as_array().expect("a listing").iter().filter(ours);
        calls.map(|call| (text(&call["operation"]), text(&call["code"]))).collect()
    }

    /// The processes that run for a job.
    pub fn processes(&self, id: &str) -> Vec<String> {
        running_with(&format!("SPARKJOB_RUN={}", self.emr.runs.join(id).display()))
    }

    /// Waits until a job of its own is there, running.
    pub async fn runs_one(&self) -> Run {
        let running = async || self.live().await.into_iter().find(|run| run.state == "RUNNING");
        until(&format!("something runs at {}", self.id), running).await
    }

    /// Stops a job as somebody else would.
    pub async fn cancel(&self, id: &str) {
        if self.way == Way::Steps {
            let request =
                json!({ "ClusterId": self.id, "StepIds": [id], "StepCancellationOption": "TERMINATE_PROCESS" });
            self.emr.act("CancelSteps", &request).await;
        } else {
            self.emr.ask(Method::DELETE, &self.path(&format!("/{id}")), &Value::Null).await;
        }
    }

    /// Stops an application, which was started if need be.
    pub async fn stop(&self) {
        let application = format!("/applications/{}", self.id);
        let is = async |state: &str| {
            until(&format!("{} is {state}", self.id), async || self.state().await.eq(state).then_some(())).await;
        };
        if self.state().await == "CREATING" {
            is("CREATED").await;
        }
        self.emr.ask(Method::POST, &format!("{application}/start"), &json!({})).await;
        is("STARTED").await;
        self.emr.ask(Method::POST, &format!("{application}/stop"), &json!({})).await;
        is("STOPPED").await;
    }

    /// Ends the place itself, on which nothing runs, and waits until it is over.
    pub async fn end(&self) {
        if self.state().await == "CREATING" {
            until(&format!("{} is made", self.id), async || self.state().await.ne("CREATING").then_some(())).await;
        }
        match self.way {
            Way::Steps => _ = self.emr.act("TerminateJobFlows", &json!({ "JobFlowIds": [self.id] })).await,
            _ => _ = self.emr.ask(Method::DELETE, &format!("{}/{}", self.way.folder(), self.id), &Value::Null).await,
        }
        let ended = async || self.state().await.eq("TERMINATED").then_some(());
        until(&format!("{} is over", self.id), ended).await;
    }

    /// The service's word for where the place itself stands.
    pub async fn state(&self) -> String {
        let told = if self.way == Way::Steps {
            self.emr.act("DescribeCluster", &json!({ "ClusterId": self.id })).await["Cluster"]["Status"]["State"]
                .clone()
        } else {
            let path = format!("{}/{}", self.way.folder(), self.id);
            let told = self.emr.ask(Method::GET, &path, &Value::Null).await;
            let inner = if self.way == Way::OnEks { "virtualCluster" } else { "application" };
            told[inner]["state"].clone()
        };
        told.as_str().unwrap_or_default().to_owned()
    }

    fn path(&self, rest: &str) -> String {
        format!("{}/{}/jobruns{rest}", self.way.folder(), self.id)
    }
}

/// A moment as the services write it: seconds since 1970, or a date.
fn seconds(moment: &Value) -> f64 {
    let date = |text: &str| {
        let format = &time::format_description::well_known::Rfc3339;
        let moment = time::OffsetDateTime::parse(text, format).unwrap_or_else(|error| panic!("{text}: {error}"));
        (moment - time::OffsetDateTime::UNIX_EPOCH).as_seconds_f64()
    };
    moment.as_f64().or_else(|| moment.as_str().map(date)).unwrap_or_else(|| panic!("no moment: {moment}"))
}
