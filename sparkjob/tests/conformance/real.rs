//! The stands on this machine: a Livy and the local EMR, whose jobs are processes.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri};
use serde_json::Value;
use sparkjob::engine::Engines;
use sparkjob::http::{Lost, Net, Transport};
use sparkjob::job::{DeployMode, Place, RunRef, Tags};
use sparkjob::testing::Faulty;

use crate::livy::Server;
use crate::local_emr::LocalEmr;
use crate::models::{job, strike};
use crate::programs;
use crate::stand::{Blow, Call, Received, Stand, World};
use crate::ways::Ways;

pub fn livy() -> Stand {
    let way = Arc::new(Faulty::new(Net::default()));
    let transport: Arc<dyn Transport> = way.clone();
    let url: sparkjob::job::LivyUrl = setting("LIVY_URL").parse().expect("an address");
    let server = Server { url: url.clone(), transport: Arc::clone(&transport) };
    let engines = || Engines::new(Arc::clone(&transport));
    let world = LivyWorld { way, server: Some(server), cluster: None };
    stand(Place::Livy(url), engines(), engines(), unheld(Ways::of_livy()), Box::new(world))
}

pub async fn livy_on_cluster() -> Stand {
    let way = Arc::new(Faulty::new(Detour { net: Net::default(), livy: authority(&setting("LIVY_URL")) }));
    let local = LocalEmr::new(way.clone(), "livy").await;
    let id = local.cluster().await;
    let place = Place::LivyOnCluster(id.clone());
    let (engines, held) = (local.engines("livy"), local.held_engines());
    let world = LivyWorld { way, server: None, cluster: Some((local, id)) };
    stand(place, engines, held, unheld(Ways::of_livy_on_cluster()), Box::new(world))
}

pub async fn emr_on_eks() -> Stand {
    let place = Place::EmrOnEks(setting("SPARKJOB_VIRTUAL_CLUSTER_ID"));
    emr("eks", Some(place), Ways::of_emr_on_eks()).await
}

pub async fn emr_serverless() -> Stand {
    let place = Place::EmrServerless(setting("SPARKJOB_APPLICATION_ID"));
    // A batch job is given no grace, so it is killed at once.
    emr("serverless", Some(place), Ways { kills: false, ..Ways::of_emr_serverless() }).await
}

pub async fn steps() -> Stand {
    emr("steps", None, Ways::of_steps()).await
}

pub async fn steps_in_cluster() -> Stand {
    let mut stand = emr("steps-in-cluster", None, Ways::of_steps_in_cluster()).await;
    stand.job.deploy_mode = DeployMode::Cluster;
    stand
}

/// A stand on the local EMR: at `place`, or on a cluster of its own.
async fn emr(name: &str, place: Option<Place>, ways: Ways) -> Stand {
    let local = LocalEmr::new(Arc::new(Net::default()), name).await;
    let own = if place.is_none() { Some(local.cluster().await) } else { None };
    let place = place.or_else(|| own.clone().map(Place::EmrSteps)).expect("one of them");
    let (engines, held) = (local.engines(name), local.held_engines());
    // A page is one of the service's own.
    let ways = Ways { pages: Some(51), shows_ending: false, ..ways };
    let world = EmrWorld { local, place: place.clone(), own };
    stand(place, engines, held, ways, Box::new(world))
}

fn stand(place: Place, engines: Engines, held: Engines, ways: Ways, world: Box<dyn World>) -> Stand {
    let folder = setting("SPARKJOB_TEST_JOBS");
    programs::write(&folder);
    Stand { job: job(place, &setting("SPARKJOB_EXECUTION_ROLE_ARN")), engines, held, folder, ways, world }
}

/// Nothing keeps a batch waiting, and more than a page of those that run would be too many.
fn unheld(ways: Ways) -> Ways {
    Ways { holds: false, pages: None, ..ways }
}

pub fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// A file that is not there (any more).
fn file(name: &str) -> String {
    let file = format!("{}/{name}", setting("SPARKJOB_TEST_JOBS"));
    if let Err(error) = std::fs::remove_file(&file) {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{file}");
    }
    file
}

/// What the job has written.
fn received(file: &str) -> Received {
    let told = std::fs::read(file).expect("the job has written it");
    let told: Value = serde_json::from_slice(&told).expect("JSON");
    let texts = |part: &str| serde_json::from_value(told[part].clone()).expect("texts by their names");
    let args = serde_json::from_value(told["args"].clone()).expect("texts");
    Received { args, environment: texts("environment"), configuration: texts("configuration") }
}

/// The network, but that what goes to the port on which EMR has its Livy goes to where the local one is.
#[derive(Debug)]
struct Detour {
    net: Net,
    livy: String,
}

#[async_trait]
impl Transport for Detour {
    async fn send(&self, mut request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        if request.uri().port_u16() == Some(8998) {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            let uri = Uri::builder().scheme("http").authority(self.livy.as_str()).path_and_query(path).build();
            *request.uri_mut() = uri.expect("an address");
        }
        self.net.send(request, limit).await
    }
}

fn authority(url: &str) -> String {
    let uri: Uri = url.parse().expect("an address");
    uri.authority().expect("a host").to_string()
}

struct LivyWorld<T> {
    way: Arc<Faulty<T>>,
    server: Option<Server>,
    /// The local EMR, with the cluster that Livy is on.
    cluster: Option<(LocalEmr, String)>,
}

#[async_trait]
impl<T: Transport + 'static> World for LivyWorld<T> {
    /// It is no Livy that throttles or denies.
    async fn strike(&self, call: Call, blow: Blow) -> bool {
        if matches!(blow, Blow::Throttled | Blow::Denied) {
            return false;
        }
        let livy = Place::Livy("http://livy".parse().expect("an address"));
        strike(&self.way, call.at(&livy), blow);
        true
    }

    async fn heal(&self) {
        self.way.heal();
    }

    async fn gone(&self) -> Vec<(&'static str, Place)> {
        let Some((local, id)) = &self.cluster else { return Vec::new() };
        let place = Place::LivyOnCluster(id.clone());
        let unknown = Place::LivyOnCluster("j-UNKNOWN".to_owned());
        vec![("unknown", unknown), ("terminated", local.terminated(&place).await)]
    }

    async fn tags(&self, run: &RunRef) -> Tags {
        unreachable!("{run} has no tags")
    }

    async fn received(&self, _: &RunRef, file: &str) -> Received {
        received(file)
    }

    fn file(&self, name: &str) -> String {
        file(&format!("livy-{}-{name}", self.cluster.is_some()))
    }

    fn is_there(&self, file: &str) -> bool {
        Path::new(file).exists()
    }

    fn livy(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// The local Livy goes on without the cluster.
    async fn terminate(&self) -> bool {
        false
    }

    async fn close(&self) {
        if let Some((local, id)) = &self.cluster {
            local.heal().await;
            local.terminate(id).await;
        }
    }
}

struct EmrWorld {
    local: LocalEmr,
    place: Place,
    /// The cluster that was made for the stand.
    own: Option<String>,
}

#[async_trait]
impl World for EmrWorld {
    async fn strike(&self, call: Call, blow: Blow) -> bool {
        self.local.strike(call, blow, &self.place).await;
        true
    }

    /// Each fault strikes once.
    async fn heal(&self) {}

    async fn gone(&self) -> Vec<(&'static str, Place)> {
        let unknown = match &self.place {
            Place::EmrOnEks(_) => Place::EmrOnEks("unknown".to_owned()),
            Place::EmrServerless(_) => Place::EmrServerless("00f0unknown".to_owned()),
            _ => Place::EmrSteps("j-UNKNOWN".to_owned()),
        };
        vec![("unknown", unknown), ("terminated", self.local.terminated(&self.place).await)]
    }

    async fn tags(&self, run: &RunRef) -> Tags {
        self.local.tags(run).await
    }

    async fn received(&self, _: &RunRef, file: &str) -> Received {
        received(file)
    }

    fn file(&self, name: &str) -> String {
        file(&format!("{}-{name}", self.local.name()))
    }

    fn is_there(&self, file: &str) -> bool {
        Path::new(file).exists()
    }

    async fn terminate(&self) -> bool {
        if let Some(own) = &self.own {
            self.local.terminate(own).await;
        }
        self.own.is_some()
    }

    async fn close(&self) {
        self.local.heal().await;
    }
}
