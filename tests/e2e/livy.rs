//! The real Livy behind a recorder: each scene has a path of its own there, so that what it asked for can be told from what
//! the others did, and its connection can be made to fail.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use sparkjob::http::{Net, Transport};

use crate::process::kill_lambda_behind;
use crate::server::{Peer, Reply, serve};
use crate::wait::until;

/// A `DELETE` waits for the job's end.
const LIMIT: Duration = Duration::from_mins(3);

/// A Livy server, asked directly.
#[derive(Clone, Debug)]
pub struct Livy {
    url: String,
    net: Arc<Net>,
}

/// A batch as Livy shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Livy's number for it.
    pub id: u64,
    /// What it was submitted as; empty where it was given none.
    pub name: String,
    /// Livy's word for where it stands.
    pub state: String,
}

impl Batch {
    fn read(json: &Value) -> Self {
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        Self {
            id: json["id"].as_u64().unwrap_or_else(|| panic!("not a batch: {json}")),
            name: text("name"),
            state: text("state"),
        }
    }

    /// Whether it may still do something.
    pub fn is_live(&self) -> bool {
        !matches!(self.state.as_str(), "success" | "dead" | "killed" | "error")
    }
}

impl Livy {
    /// The server at `url`.
    pub fn at(url: &str, net: &Arc<Net>) -> Self {
        Self { url: url.to_owned(), net: Arc::clone(net) }
    }

    /// All batches that it knows, the newest last.
    pub async fn batches(&self) -> Vec<Batch> {
        let listed = self.ask(Method::GET, "/batches?from=0&size=10000", None).await;
        listed["sessions"].as_array().expect("a listing").iter().map(Batch::read).collect()
    }

    /// One batch; none where Livy does not know it.
    pub async fn batch(&self, id: u64) -> Option<Batch> {
        self.batches().await.into_iter().find(|batch| batch.id == id)
    }

    /// Submits a batch as somebody else would.
    pub async fn submit(&self, batch: &Value) -> Batch {
        Batch::read(&self.ask(Method::POST, "/batches", Some(batch)).await)
    }

    /// Makes Livy list so many batches more, which cost nothing: it refuses them, and lists them all the same.
    pub async fn crowd(&self, name: &str, count: usize) {
        for number in 0..count {
            let refused = json!({ "name": format!("{name}-{number}"), "file": "/not/a/permitted/file" });
            self.ask(Method::POST, "/batches", Some(&refused)).await;
        }
    }

    /// Kills and removes a batch as somebody else would.
    pub async fn kill(&self, id: u64) {
        self.ask(Method::DELETE, &format!("/batches/{id}"), None).await;
    }

    /// Waits until a batch is in `state`.
    pub async fn becomes(&self, id: u64, state: &str) {
        until(&format!("batch {id} is {state}"), async || self.batch(id).await.filter(|batch| batch.state == state))
            .await;
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let body = body.map_or_else(Bytes::new, |json| json.to_string().into());
        let request = Request::builder()
            .method(&method)
            .uri(format!("{}{path}", self.url))
            .header("Content-Type", "application/json")
            .header("X-Requested-By", "tests")
            .body(body)
            .expect("a request");
        let response = self.net.send(request, LIMIT).await.unwrap_or_else(|lost| panic!("{method} {path}: {lost}"));
        serde_json::from_slice(response.body())
            .unwrap_or_else(|error| panic!("{method} {path}: {error}: {:?}", response.body()))
    }
}

/// Forwards to a Livy server, and remembers what was said on each route.
#[derive(Clone, Debug)]
pub struct Recorder {
    port: u16,
    livy: Livy,
    routes: Arc<Mutex<HashMap<String, Recorded>>>,
}

#[derive(Debug, Default)]
struct Recorded {
    weather: Weather,
    /// The `Authorization` that lets in; none: everyone is.
    demanded: Option<&'static str>,
    calls: Vec<Call>,
    /// How many have died of asking.
    killed: u32,
}

/// How the connection on a route is.
#[derive(Clone, Copy, Debug, Default)]
pub enum Weather {
    /// As it should be.
    #[default]
    Fair,
    /// Each connection breaks before Livy hears of it.
    Down,
    /// Something else than Livy says this.
    Says(u16),
    /// The next submission reaches Livy, whose answer gets lost.
    LoseNextSubmission,
    /// The same, and from then on it is as [`Weather::Down`].
    DownAfterSubmission,
    /// The next submission reaches Livy, and whoever submitted dies of it; so does whoever asks after it, so many in all.
    KillFromSubmission(u32),
    /// So many times whoever asks dies of it, before Livy hears of it.
    Kill(u32),
}

impl Weather {
    fn is_for_a_submission(self) -> bool {
        !matches!(self, Self::Fair | Self::Down | Self::Says(_) | Self::Kill(_))
    }

    fn after_submission(self) -> Self {
        match self {
            Self::DownAfterSubmission => Self::Down,
            Self::KillFromSubmission(times) => Self::killing(times - 1),
            _ => Self::Fair,
        }
    }

    fn killing(times: u32) -> Self {
        if times > 0 { Self::Kill(times) } else { Self::Fair }
    }
}

/// One request and what Livy said.
#[derive(Clone, Debug)]
pub struct Call {
    /// `GET`, `POST`, `DELETE`.
    pub method: Method,
    /// Below the route, with its query.
    pub path: String,
    /// Null where there was none.
    pub sent: Value,
    /// None where nothing came back.
    pub status: Option<u16>,
    /// Null where it was no JSON.
    pub said: Value,
}

impl Recorder {
    /// Stands in front of `livy`.
    pub async fn before(livy: Livy) -> Self {
        let routes = Arc::<Mutex<HashMap<String, Recorded>>>::default();
        let (behind, taken) = (livy.clone(), Arc::clone(&routes));
        let port = serve(move |request| {
            let (livy, routes) = (behind.clone(), Arc::clone(&taken));
            async move { forward(&livy, &routes, request).await }
        });
        Self { port: port.await, livy, routes }
    }

    /// A way to Livy of one's own.
    pub fn route(&self, name: &str) -> Route {
        let taken = self.routes.lock().expect("no panic").insert(name.to_owned(), Recorded::default());
        assert!(taken.is_none(), "two scenes are called {name}");
        Route { name: name.to_owned(), recorder: self.clone() }
    }
}

/// One scene's way to Livy.
#[derive(Clone, Debug)]
pub struct Route {
    name: String,
    recorder: Recorder,
}

impl Route {
    /// What a template gives as `LivyUrl`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/{}", self.recorder.port, self.name)
    }

    /// Livy itself, past the recorder.
    pub fn livy(&self) -> &Livy {
        &self.recorder.livy
    }

    /// From now on.
    pub fn set(&self, weather: Weather) {
        self.recorded(|recorded| recorded.weather = weather);
    }

    /// Lets in, from now on, only who has this `Authorization`.
    pub fn demand(&self, authorization: &'static str) {
        self.recorded(|recorded| recorded.demanded = Some(authorization));
    }

    /// What was said so far.
    pub fn calls(&self) -> Vec<Call> {
        self.recorded(|recorded| recorded.calls.clone())
    }

    /// The batches that Livy ever made for this scene, the first one first.
    pub fn made(&self) -> Vec<Batch> {
        let made = |call: &Call| call.method == Method::POST && call.path == "/batches" && call.status == Some(201);
        self.calls().iter().filter(|call| made(call)).map(|call| Batch::read(&call.said)).collect()
    }

    /// Those of them that still live.
    pub async fn live(&self) -> Vec<Batch> {
        let made = self.made();
        let ours =
            |batch: &Batch| batch.is_live() && made.iter().any(|one| one.id == batch.id && one.name == batch.name);
        self.livy().batches().await.into_iter().filter(ours).collect()
    }

    /// How many have died of asking.
    pub fn killed(&self) -> u32 {
        self.recorded(|recorded| recorded.killed)
    }

    fn recorded<T>(&self, look: impl FnOnce(&mut Recorded) -> T) -> T {
        look(self.recorder.routes.lock().expect("no panic").get_mut(&self.name).expect("a route of ours"))
    }
}

async fn forward(livy: &Livy, routes: &Mutex<HashMap<String, Recorded>>, request: Request<Bytes>) -> Reply {
    let whole = request.uri().path_and_query()?.as_str().to_owned();
    let (name, path) = whole[1..].split_once('/').map(|(name, path)| (name.to_owned(), format!("/{path}")))?;
    let method = request.method().clone();
    let is_submission = method == Method::POST && path == "/batches";
    let authorization = request.headers().get("Authorization").and_then(|value| value.to_str().ok());
    let weather = routes.lock().expect("no panic").get_mut(&name).map(|recorded| match recorded.weather {
        _ if recorded.demanded.is_some() && recorded.demanded != authorization => Weather::Says(401),
        Weather::Kill(times) => std::mem::replace(&mut recorded.weather, Weather::killing(times - 1)),
        weather if weather.is_for_a_submission() && is_submission => {
            std::mem::replace(&mut recorded.weather, weather.after_submission())
        }
        weather => weather,
    })?;
    let sent = serde_json::from_slice(request.body()).unwrap_or_default();
    let peer = request.extensions().get::<Peer>().copied();
    let response = match weather {
        Weather::Down => None,
        Weather::Kill(_) => {
            kill(routes, &name, peer?);
            None
        }
        Weather::Says(code) => Response::builder().status(code).body("<html>not Livy</html>".into()).ok(),
        _ => pass(livy, &path, request).await,
    };
    let status = response.as_ref().map(|response| response.status().as_u16());
    let said = response.as_ref().map(|response| serde_json::from_slice(response.body()).unwrap_or_default());
    let call = Call { method, path, sent, status, said: said.unwrap_or_default() };
    routes.lock().expect("no panic").get_mut(&name)?.calls.push(call);
    match weather {
        Weather::LoseNextSubmission | Weather::DownAfterSubmission if is_submission => None,
        Weather::KillFromSubmission(_) if is_submission => {
            kill(routes, &name, peer?);
            None
        }
        _ => response,
    }
}

/// Kills whoever asks on a route.
fn kill(routes: &Mutex<HashMap<String, Recorded>>, name: &str, peer: Peer) {
    let killed = kill_lambda_behind(peer);
    if let Some(recorded) = routes.lock().expect("no panic").get_mut(name) {
        recorded.killed += killed;
    }
}

async fn pass(livy: &Livy, path: &str, mut request: Request<Bytes>) -> Reply {
    *request.uri_mut() = format!("{}{path}", livy.url).parse().ok()?;
    request.headers_mut().remove("host");
    livy.net.send(request, LIMIT).await.ok()
}
