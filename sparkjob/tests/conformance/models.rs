//! The stands in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use sparkjob::http::{Lost, Transport};
use sparkjob::job::{DeployMode, Job, Native, Parameters, Place, RunRef, Tags};
use sparkjob::spark_submit::quote;
use sparkjob::testing::{FakeEmr, FakeLivy, Fault, Faulty, Instead, Version, engines};

use crate::livy::Server;
use crate::programs;
use crate::stand::{Blow, Call, Operation, Received, Stand, World};
use crate::ways::Ways;

/// Where the models' programs lie.
const FOLDER: &str = "/jobs";
const CLUSTER: &str = "j-1ABCDEFGHIJKL";
const ROLE: &str = "arn:aws:iam::123456789012:role/job";

pub fn livy(version: Version) -> Stand {
    let place = Place::Livy("http://emr:8998".parse().expect("an address"));
    Town::stand(place, version, Ways::of_livy())
}

pub fn livy_on_cluster() -> Stand {
    Town::stand(Place::LivyOnCluster(CLUSTER.to_owned()), Version::V0_7, Ways::of_livy_on_cluster())
}

pub fn emr_on_eks() -> Stand {
    Town::stand(Place::EmrOnEks("vc0123456789".to_owned()), Version::V0_7, Ways::of_emr_on_eks())
}

pub fn emr_serverless() -> Stand {
    Town::stand(Place::EmrServerless("00f1abcdefgh".to_owned()), Version::V0_7, Ways::of_emr_serverless())
}

pub fn steps() -> Stand {
    Town::stand(Place::EmrSteps(CLUSTER.to_owned()), Version::V0_7, Ways::of_steps())
}

pub fn steps_in_cluster() -> Stand {
    let mut stand = Town::stand(Place::EmrSteps(CLUSTER.to_owned()), Version::V0_7, Ways::of_steps_in_cluster());
    stand.job.deploy_mode = DeployMode::Cluster;
    stand
}

/// A job at `place`, with what an engine demands beside the portable block, and with a folder for its logs where that is
/// the job's to say.
pub fn job(place: Place, role: &str) -> Job {
    let overrides =
        json!({"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://conformance/logs/"}}});
    let mut native = BTreeMap::new();
    if matches!(place, Place::EmrOnEks(_) | Place::EmrServerless(_)) {
        native.insert("ExecutionRoleArn".to_owned(), Value::from(role));
        native.insert("ConfigurationOverrides".to_owned(), overrides);
    }
    if matches!(place, Place::EmrOnEks(_)) {
        native.insert("ReleaseLabel".to_owned(), "emr-7.5.0-latest".into());
    }
    Job { native: Native(native), ..Job::of(place, Parameters::default()) }
}

/// An account's EMR and a Livy.
#[derive(Clone, Debug)]
struct Town {
    place: Place,
    emr: FakeEmr,
    livy: FakeLivy,
    /// What was submitted to Livy.
    submitted: Arc<Mutex<Vec<Value>>>,
}

impl Town {
    fn stand(place: Place, version: Version, ways: Ways) -> Stand {
        let (emr, livy) = (FakeEmr::new(), FakeLivy::of(version));
        livy.allow_local(&["/jobs/"]);
        for (file, script) in programs::scripts() {
            let file = format!("{FOLDER}/{file}");
            livy.script(&file, script.clone());
            emr.script(&file, script);
        }
        let town = Self { place: place.clone(), emr, livy, submitted: Arc::default() };
        let way: Arc<dyn Transport> = Arc::new(town.clone());
        let server = match &place {
            Place::Livy(url) => Some(Server { url: url.clone(), transport: Arc::clone(&way) }),
            _ => None,
        };
        Stand {
            job: job(place, ROLE),
            engines: engines(Arc::clone(&way)),
            held: engines(way),
            folder: FOLDER.to_owned(),
            ways,
            world: Box::new(Model { town, server }),
        }
    }
}

#[async_trait]
impl Transport for Town {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        if request.uri().host().is_some_and(|host| host.ends_with(".amazonaws.com")) {
            return self.emr.send(request, limit).await;
        }
        if *request.method() == Method::POST {
            self.submitted.lock().unwrap().extend(serde_json::from_slice::<Value>(request.body()));
        }
        self.livy.send(request, limit).await
    }
}

struct Model {
    town: Town,
    server: Option<Server>,
}

#[async_trait]
impl World for Model {
    async fn strike(&self, call: Call, blow: Blow) -> bool {
        let Town { place, emr, livy, .. } = &self.town;
        let operation = call.at(place);
        let name = operation.action.split(':').next_back().unwrap_or_default();
        match blow {
            Blow::Error | Blow::Lost if place.is_livy() => strike(livy, operation, blow),
            Blow::Error | Blow::Lost => strike(emr, operation, blow),
            // Livy is busy with submissions only.
            Blow::Throttled if place.is_livy() && call != Call::Start => return false,
            Blow::Throttled if place.is_livy() => livy.be_busy(1),
            Blow::Throttled => emr.throttle(name, 1),
            Blow::Denied if place.is_livy() => livy.deny(Some(403)),
            Blow::Denied => emr.deny(name, true),
        }
        true
    }

    async fn heal(&self) {
        let Town { place, emr, livy, .. } = &self.town;
        livy.heal();
        livy.deny(None);
        emr.heal();
        for call in Call::ALL.into_iter().filter(|_| !place.is_livy()) {
            if let Some(name) = call.at(place).action.split(':').next_back() {
                emr.deny(name, false);
            }
        }
    }

    async fn gone(&self) -> Vec<(&'static str, Place)> {
        let emr = &self.town.emr;
        let made = |id: &str| match &self.town.place {
            Place::Livy(_) => None,
            Place::LivyOnCluster(_) => Some(Place::LivyOnCluster(format!("j-{}", id.to_uppercase()))),
            Place::EmrOnEks(_) => Some(Place::EmrOnEks(id.to_owned())),
            Place::EmrServerless(_) => Some(Place::EmrServerless(id.to_owned())),
            Place::EmrSteps(_) => Some(Place::EmrSteps(format!("j-{}", id.to_uppercase()))),
        };
        for id in ["j-UNKNOWN", "unknown"] {
            emr.forget(id);
        }
        for id in ["j-TERMINATED", "terminated"] {
            emr.terminate(id);
        }
        ["unknown", "terminated"].into_iter().filter_map(|id| Some((id, made(id)?))).collect()
    }

    async fn tags(&self, run: &RunRef) -> Tags {
        self.town.emr.runs().into_iter().find(|known| known.id == run.id).expect("it was made").tags
    }

    /// What the request says.
    async fn received(&self, run: &RunRef, file: &str) -> Received {
        let Town { place, emr, submitted, .. } = &self.town;
        if place.is_livy() {
            let submitted = submitted.lock().unwrap();
            let body = submitted.iter().find(|body| body["name"].as_str() == run.name.as_deref());
            return submitted_to_livy(body.expect("it was submitted"));
        }
        let request = emr.runs().into_iter().find(|known| known.id == run.id).expect("it was made").request;
        let words: Vec<String> = match place {
            Place::EmrOnEks(_) => call_of(&request["jobDriver"]["sparkSubmitJobDriver"]),
            Place::EmrServerless(_) => call_of(&request["jobDriver"]["sparkSubmit"]),
            _ => texts(&request["HadoopJarStep"]["Args"]),
        };
        let at = words.iter().position(|word| word == file).expect("the first argument");
        let conf = words[..at].iter().zip(&words[1..]).filter(|(option, _)| *option == "--conf").map(|(_, pair)| pair);
        let configuration = pairs(conf);
        let driver = ["spark.kubernetes.driverEnv.", "spark.emr-serverless.driverEnv.", "spark.yarn.appMasterEnv."];
        let mut environment: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &configuration {
            let name = driver.iter().find_map(|prefix| name.strip_prefix(prefix));
            environment.extend(name.map(|name| (name.to_owned(), value.clone())));
        }
        // `env NAME=value ... spark-submit`
        environment.extend(pairs(words[..at].iter().take_while(|word| *word != "spark-submit").skip(1)));
        Received { args: words[at + 1..].to_vec(), environment, configuration }
    }

    fn file(&self, name: &str) -> String {
        format!("/told/{name}")
    }

    fn is_there(&self, _: &str) -> bool {
        true
    }

    fn livy(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// A Livy in memory is on no cluster.
    async fn terminate(&self) -> bool {
        let Town { place, emr, .. } = &self.town;
        let id = match place {
            Place::Livy(_) | Place::LivyOnCluster(_) => return false,
            Place::EmrOnEks(id) | Place::EmrServerless(id) | Place::EmrSteps(id) => id,
        };
        emr.terminate(id);
        true
    }

    async fn close(&self) {
        assert_eq!(self.town.livy.alive(), []);
        assert_eq!(self.town.emr.alive(), []);
    }
}

/// Has the next request of this kind have no answer, or a bad one.
pub fn strike<T>(way: &Faulty<T>, operation: Operation, blow: Blow) {
    let fault = match blow {
        Blow::Lost => Fault::After(Instead::Lost(Lost::Unclear("Connection reset by peer (os error 104)".to_owned()))),
        _ => Fault::Before(Instead::Page(502)),
    };
    way.fault_next(operation.method, operation.part, fault);
}

/// The words behind `spark-submit`, as a service splits and joins them.
fn call_of(driver: &Value) -> Vec<String> {
    let parameters = driver["sparkSubmitParameters"].as_str().unwrap_or_default();
    let words = quote::split(parameters).expect("the parameters can be split");
    let entry_point = driver["entryPoint"].as_str().map(str::to_owned);
    words.into_iter().chain(entry_point).chain(texts(&driver["entryPointArguments"])).collect()
}

fn submitted_to_livy(body: &Value) -> Received {
    let conf: BTreeMap<String, String> = serde_json::from_value(body["conf"].clone()).expect("properties");
    Received { args: texts(&body["args"]).split_off(1), environment: BTreeMap::new(), configuration: conf }
}

fn texts(list: &Value) -> Vec<String> {
    serde_json::from_value(list.clone()).expect("texts")
}

fn pairs<'a>(words: impl Iterator<Item = &'a String>) -> BTreeMap<String, String> {
    let pairs = words.filter_map(|word| word.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
