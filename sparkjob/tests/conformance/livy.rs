//! What is Livy's own: its wording, its log, the names that it gives out once and the phantoms that it leaves behind.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::Value;
use sparkjob::engine::{How, Kind, Lookup};
use sparkjob::http::Transport;
use sparkjob::job::{LivyUrl, Phase, Timestamp};

use crate::programs::{DYING, ENDLESS, SHORT, TALKATIVE};
use crate::stand::{Scene, Stand};

/// A file that Livy may not hand to a job.
const FORBIDDEN: &str = "/etc/passwd";

/// A Livy, to be asked word for word where the engine is not asked.
pub struct Server {
    pub url: LivyUrl,
    pub transport: Arc<dyn Transport>,
}

impl Server {
    async fn raw(&self, method: Method, path: &str, header: bool, body: &str) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(self.url.join(path));
        if header {
            request = request.header("x-requested-by", "conformance");
        }
        let request = request.header("content-type", "application/json");
        let request = request.body(Bytes::from(body.to_owned())).expect("a request");
        let answer = self.transport.send(request, Duration::from_secs(30)).await.expect("an answer");
        (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
    }
}

/// What Livy itself must do, where the stand has one.
pub async fn conforms(stand: &Stand) {
    let Some(server) = stand.world.livy() else { return };
    let scene = &stand.scene("livy");
    refusals_are_worded_alike(server).await;
    a_refused_submission_leaves_a_silent_phantom_that_can_be_removed(scene).await;
    a_name_is_free_when_its_batch_is_deleted(scene, server).await;
    tokio::join!(a_dead_jobs_report_names_the_exception(scene, server), of_a_long_log_the_end_is_told(scene, server));
}

async fn refusals_are_worded_alike(server: &Server) {
    let unknown = r#"{"msg":"Session '77777' not found."}"#;
    for (method, path) in
        [(Method::GET, "/batches/77777"), (Method::GET, "/batches/77777/log"), (Method::DELETE, "/batches/77777")]
    {
        assert_eq!(server.raw(method, path, true, "").await, (404, unknown.to_owned()));
    }
    let unnamed = (404, r#"{"msg":"Session 'no-such-name' not found."}"#.to_owned());
    assert_eq!(server.raw(Method::GET, "/batches/no-such-name", true, "").await, unnamed);
    let (status, said) = server.raw(Method::GET, "/batches/9999999999", true, "").await;
    assert_eq!((status, said.contains("For input string")), (400, true), "{said}");
    let (status, said) = server.raw(Method::GET, "/batches/77777/nothing", true, "").await;
    assert_eq!((status, said.as_str()), (404, ""));

    let (status, said) = server.raw(Method::POST, "/batches", false, "{}").await;
    assert_eq!(
        (status, said.contains("<pre>    Missing Required Header for CSRF protection.</pre>")),
        (400, true),
        "{said}"
    );
    let (status, said) = server.raw(Method::POST, "/batches", true, "{").await;
    assert_eq!((status, said.starts_with("\"Unexpected end-of-input")), (400, true), "{said}");
    let (status, said) = server.raw(Method::POST, "/batches", true, r#"{"fil": "x"}"#).await;
    assert_eq!((status, said.starts_with(r#""Unrecognized field \"fil\" (class org."#)), (400, true), "{said}");
    let (status, said) = server.raw(Method::POST, "/batches", true, r#"{"file": "x", "name": "12"}"#).await;
    assert_eq!((status, said.contains("Invalid session name: 12")), (400, true), "{said}");
}

async fn a_refused_submission_leaves_a_silent_phantom_that_can_be_removed(scene: &Scene<'_>) {
    let job = scene.stand.job(FORBIDDEN);
    let identity = scene.identity("refused", &job);
    let refused = scene.engine.start(&job, &identity).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Rejected, "{refused}");
    assert!(refused.said.contains("Local path /etc/passwd cannot be added to user sessions."), "{refused}");
    let found = scene.engine.find(&identity, Lookup::Name, Timestamp::default()).await.unwrap();
    let status = &found[0].status;
    assert_eq!((status.phase, status.silent, status.word.as_str()), (Phase::Waiting, true, "starting"));
    scene.engine.cancel(&found[0].run, How::Ask).await.unwrap();
    assert_eq!(scene.found(&identity, Lookup::Name).await, []);

    // A job that is really there has something to show from the first moment on.
    let run = scene.start("heard", SHORT).await;
    let status = scene.engine.describe(std::slice::from_ref(&run)).await.unwrap().remove(0);
    assert!(!status.silent, "{status:?}");
    scene.end(&run).await;
}

async fn a_name_is_free_when_its_batch_is_deleted(scene: &Scene<'_>, server: &Server) {
    let job = scene.stand.job(ENDLESS);
    let first = scene.submit("free", &job).await.unwrap();
    let path = format!("/batches/{}", scene.identity("free", &job).name());
    assert_eq!(server.raw(Method::DELETE, &path, true, "").await, (200, r#"{"msg":"deleted"}"#.to_owned()));
    assert_eq!(scene.phase(&first).await, Phase::Gone);
    let second = scene.submit("free", &job).await.unwrap();
    let id = |text: &str| text.parse::<u64>().expect("digits");
    assert!(id(&second.id) > id(&first.id));
    assert_eq!(scene.phase(&first).await, Phase::Gone);
    scene.stop(&second).await;
}

async fn a_dead_jobs_report_names_the_exception(scene: &Scene<'_>, server: &Server) {
    let run = scene.start("dying", DYING).await;
    assert_eq!(scene.end(&run).await, Phase::Failed);
    let report = scene.engine.report(&run).await;
    assert_eq!(report.exception, ["ValueError: no orders"]);
    assert!(report.tail.iter().any(|line| line.contains("dying.py\", line 1")), "{report:?}");
    let address = server.url.join(&format!("/batches/{}/log", run.id));
    assert!(report.full_log.starts_with(&format!("GET {address}, until Livy forgets")), "{report:?}");
    let (status, body) = server.raw(Method::GET, &format!("/batches/{}", run.id), true, "").await;
    let batch: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, &batch["state"], &batch["appId"]), (200, &Value::from("dead"), &Value::Null));
    assert_eq!(batch["log"][0], "stdout: ");
}

async fn of_a_long_log_the_end_is_told(scene: &Scene<'_>, server: &Server) {
    let run = scene.start("talkative", TALKATIVE).await;
    assert_eq!(scene.end(&run).await, Phase::Failed);
    let report = scene.engine.report(&run).await;
    assert_eq!(report.exception, ["the last it said: that was all"]);
    let last = report.tail.last().expect("a tail");
    assert_eq!((last.as_str(), report.tail.len()), ("line 999", 20));
    // Livy keeps 200 lines, and puts a heading before each stream.
    let (_, body) = server.raw(Method::GET, &format!("/batches/{}/log?size=500", run.id), true, "").await;
    let log: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(log["total"], 202);
    let (_, body) = server.raw(Method::GET, &format!("/batches/{}/log?size=3", run.id), true, "").await;
    let log: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&log["from"], &log["log"][1]), (&Value::from(199), &Value::from("that was all")));
}
