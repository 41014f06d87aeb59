//! One suite for a real Livy and for the model of it: what holds for both is what the other tests may rely on.
//!
//! The real one is asked for by name, since it has to be there:
//!
//! ```sh
//! export SPARKJOB_TEST_LIVY=http://127.0.0.1:8998    # 0.6 or later, with a local master
//! export SPARKJOB_TEST_JOBS=/some/folder             # the suite writes its jobs there; Livy must be allowed to read them
//! cargo test -p sparkjob --test livy_conformance -- --ignored
//! ```

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request};
use serde_json::Value;
use sparkjob::engine::{Engine, Engines, How, Kind, Lookup};
use sparkjob::http::{Net, Transport};
use sparkjob::job::{Identity, Job, LivyUrl, Parameters, Phase, Place, RunRef, Timestamp};
use sparkjob::testing::{End, FakeLivy, Script, Version};
use tokio::time::{Instant, sleep};

/// The jobs of the suite. They do without Spark, which `spark-submit` takes as it takes any Python: so each is up in a
/// second or two.
const JOBS: [(&str, &str); 4] = [
    ("short.py", "print('done')"),
    // A deletion ends `spark-submit`, which leaves its Python behind.
    ("endless.py", "import os, time\nparent = os.getppid()\nwhile os.getppid() == parent:\n    time.sleep(0.2)"),
    ("dying.py", "raise ValueError('no orders')"),
    ("talkative.py", "for line in range(1000):\n    print('line', line)\nraise SystemExit('that was all')"),
];

/// A file that Livy may not hand to a job.
const FORBIDDEN: &str = "/etc/passwd";

#[tokio::test(start_paused = true)]
async fn the_models_conform() {
    for version in [Version::V0_7, Version::V0_8] {
        let livy = FakeLivy::of(version);
        livy.allow_local(&["/jobs/"]);
        let brief = Script { runs: Some(Duration::from_secs(2)), says: vec!["done".to_owned()], ..Script::default() };
        let ending = |words: &[&str]| End::Dead(words.iter().map(|&word| word.to_owned()).collect());
        let traceback = [
            "Traceback (most recent call last):",
            "  File \"/jobs/dying.py\", line 1, in <module>",
            "ValueError: no orders",
        ];
        let lines: Vec<String> = (0..1000).map(|line| format!("line {line}")).collect();
        livy.script("/jobs/short.py", brief.clone());
        livy.script("/jobs/endless.py", Script { runs: None, ..brief.clone() });
        livy.script("/jobs/dying.py", Script { end: ending(&traceback), ..brief.clone() });
        livy.script("/jobs/talkative.py", Script { says: lines, end: ending(&["that was all"]), ..brief });
        conformance(&Stand::new("http://emr:8998", "/jobs", Arc::new(livy))).await;
    }
}

#[tokio::test]
#[ignore = "needs a real Livy: SPARKJOB_TEST_LIVY and SPARKJOB_TEST_JOBS"]
async fn the_real_livy_conforms() {
    let setting = |name| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let folder = setting("SPARKJOB_TEST_JOBS");
    for (file, program) in JOBS {
        std::fs::write(Path::new(&folder).join(file), program).expect("the folder can be written to");
    }
    conformance(&Stand::new(&setting("SPARKJOB_TEST_LIVY"), &folder, Arc::new(Net::default()))).await;
}

/// A Livy, the way to it, and where its jobs lie.
struct Stand {
    url: LivyUrl,
    transport: Arc<dyn Transport>,
    engine: Arc<dyn Engine>,
    folder: String,
    /// Whose jobs these are: a real Livy still knows those of the suite's last run.
    owner: String,
}

impl Stand {
    fn new(url: &str, folder: &str, transport: Arc<dyn Transport>) -> Self {
        let url: LivyUrl = url.parse().expect("an address");
        let engine = Engines::new(Arc::clone(&transport)).at(&Place::Livy(url.clone()));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_nanos();
        Self { url, transport, engine, folder: folder.to_owned(), owner: format!("conformance-{now}") }
    }

    fn job(&self, file: &str) -> Job {
        let file = if file.starts_with('/') { file.to_owned() } else { format!("{}/{file}", self.folder) };
        let parameters = Parameters { file, ..Parameters::default() };
        Job::of(Place::Livy(self.url.clone()), parameters)
    }

    fn identity(&self, request: &str, job: &Job) -> Identity {
        Identity::derive(&[&self.owner], request, "Conformance", job)
    }

    /// Submits the job of this file.
    async fn start(&self, request: &str, file: &str) -> RunRef {
        let job = self.job(file);
        self.engine.start(&job, &self.identity(request, &job)).await.expect("it is submitted")
    }

    async fn phase(&self, run: &RunRef) -> Phase {
        self.engine.describe(std::slice::from_ref(run)).await.expect("it is described").remove(0).phase
    }

    /// Waits until the run is over, and tells how it ended.
    async fn end(&self, run: &RunRef) -> Phase {
        self.wait(run, Phase::is_over).await
    }

    /// Waits until the run is up.
    async fn up(&self, run: &RunRef) {
        assert_eq!(self.wait(run, |phase| phase != Phase::Waiting).await, Phase::Running);
    }

    async fn wait(&self, run: &RunRef, until: impl Fn(Phase) -> bool) -> Phase {
        let begin = Instant::now();
        loop {
            let phase = self.phase(run).await;
            if until(phase) {
                return phase;
            }
            assert!(begin.elapsed() < Duration::from_mins(2), "{run} is still {phase:?}");
            sleep(Duration::from_millis(500)).await;
        }
    }

    async fn found(&self, identity: &Identity, by: Lookup) -> Vec<RunRef> {
        let found = self.engine.find(identity, by, Timestamp::default()).await.expect("it is looked for");
        found.into_iter().map(|run| run.run).collect()
    }

    /// What is said, word for word, where the engine is not asked.
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

/// What an engine on Livy, and Livy itself, must do.
async fn conformance(stand: &Stand) {
    refusals_are_worded_alike(stand).await;
    a_name_is_taken_until_its_batch_is_deleted(stand).await;
    lookups_and_descriptions_agree(stand).await;
    a_running_job_is_cancelled_and_gone(stand).await;
    of_two_submissions_at_once_one_is_taken(stand).await;
    what_is_not_there_need_not_be_cancelled(stand).await;
    a_refused_submission_leaves_a_silent_phantom_that_can_be_removed(stand).await;
    a_dead_jobs_report_names_the_exception(stand).await;
    of_a_long_log_the_end_is_told(stand).await;
}

async fn refusals_are_worded_alike(stand: &Stand) {
    let unknown = r#"{"msg":"Session '77777' not found."}"#;
    for (method, path) in
        [(Method::GET, "/batches/77777"), (Method::GET, "/batches/77777/log"), (Method::DELETE, "/batches/77777")]
    {
        assert_eq!(stand.raw(method, path, true, "").await, (404, unknown.to_owned()));
    }
    let unnamed = (404, r#"{"msg":"Session 'no-such-name' not found."}"#.to_owned());
    assert_eq!(stand.raw(Method::GET, "/batches/no-such-name", true, "").await, unnamed);
    let (status, said) = stand.raw(Method::GET, "/batches/9999999999", true, "").await;
    assert_eq!((status, said.contains("For input string")), (400, true), "{said}");
    let (status, said) = stand.raw(Method::GET, "/batches/77777/nothing", true, "").await;
    assert_eq!((status, said.as_str()), (404, ""));

    let (status, said) = stand.raw(Method::POST, "/batches", false, "{}").await;
    assert_eq!(
        (status, said.contains("<pre>    Missing Required Header for CSRF protection.</pre>")),
        (400, true),
        "{said}"
    );
    let (status, said) = stand.raw(Method::POST, "/batches", true, "{").await;
    assert_eq!((status, said.starts_with("\"Unexpected end-of-input")), (400, true), "{said}");
    let (status, said) = stand.raw(Method::POST, "/batches", true, r#"{"fil": "x"}"#).await;
    assert_eq!((status, said.starts_with(r#""Unrecognized field \"fil\" (class org."#)), (400, true), "{said}");
    let (status, said) = stand.raw(Method::POST, "/batches", true, r#"{"file": "x", "name": "12"}"#).await;
    assert_eq!((status, said.contains("Invalid session name: 12")), (400, true), "{said}");
}

async fn a_name_is_taken_until_its_batch_is_deleted(stand: &Stand) {
    let job = stand.job("short.py");
    let identity = stand.identity("taken", &job);
    assert_eq!(stand.found(&identity, Lookup::Name).await, []);
    let run = stand.start("taken", "short.py").await;
    assert_eq!(run.name.as_deref(), Some(identity.name().as_str()));
    let again = stand.engine.start(&job, &identity).await.unwrap_err();
    assert_eq!(again.kind, Kind::Taken, "{again}");
    assert_eq!(stand.found(&identity, Lookup::Name).await, std::slice::from_ref(&run));

    assert_eq!(stand.end(&run).await, Phase::Succeeded);
    assert_eq!(stand.engine.start(&job, &identity).await.unwrap_err().kind, Kind::Taken);
    // A finished batch is left alone: its log may still be wanted.
    stand.engine.cancel(&run, How::Ask).await.unwrap();
    assert_eq!(stand.phase(&run).await, Phase::Succeeded);
    let path = format!("/batches/{}", identity.name());
    assert_eq!(stand.raw(Method::DELETE, &path, true, "").await, (200, r#"{"msg":"deleted"}"#.to_owned()));
    assert_eq!(stand.phase(&run).await, Phase::Gone);
}

async fn lookups_and_descriptions_agree(stand: &Stand) {
    let first = stand.start("look-1", "short.py").await;
    let second = stand.start("look-2", "endless.py").await;
    let job = stand.job("endless.py");
    let identity = stand.identity("look-2", &job);
    assert!(id(&second) > id(&first));
    assert_eq!(stand.found(&identity, Lookup::Token).await, std::slice::from_ref(&second));
    assert_eq!(stand.found(&identity, Lookup::Spec).await, std::slice::from_ref(&second));
    assert_eq!(stand.found(&identity, Lookup::Owner).await, [second.clone(), first.clone()]);
    assert_eq!(stand.found(&stand.identity("look-3", &job), Lookup::Token).await, []);

    stand.end(&first).await;
    stand.up(&second).await;
    let mut other = second.clone();
    other.name = Some("Another-0000000000000000-00000000-00000000".to_owned());
    let unknown = RunRef { id: "77777".to_owned(), ..second.clone() };
    let nameless = RunRef { name: None, ..second.clone() };
    let runs = [unknown, second.clone(), first, nameless, other.clone()];
    let together = stand.engine.describe(&runs).await.unwrap();
    let phases: Vec<Phase> = together.iter().map(|status| status.phase).collect();
    assert_eq!(phases, [Phase::Gone, Phase::Running, Phase::Succeeded, Phase::Gone, Phase::Gone]);
    for (run, status) in runs.iter().zip(&together) {
        assert_eq!(stand.phase(run).await, status.phase);
    }

    // A batch of another name is never touched.
    stand.engine.cancel(&other, How::Kill).await.unwrap();
    assert_eq!(stand.phase(&second).await, Phase::Running);
    stand.engine.cancel(&second, How::Ask).await.unwrap();
}

async fn a_running_job_is_cancelled_and_gone(stand: &Stand) {
    let run = stand.start("cancel", "endless.py").await;
    stand.up(&run).await;
    stand.engine.cancel(&run, How::Ask).await.unwrap();
    assert_eq!(stand.end(&run).await, Phase::Gone);
    stand.engine.cancel(&run, How::Ask).await.unwrap();
    // The name is free again.
    let next = stand.start("cancel", "endless.py").await;
    assert_ne!(next, run);
    assert_eq!(stand.phase(&run).await, Phase::Gone);
    stand.engine.cancel(&next, How::Ask).await.unwrap();
}

async fn of_two_submissions_at_once_one_is_taken(stand: &Stand) {
    let job = stand.job("short.py");
    let identity = stand.identity("twice", &job);
    let (one, other) = tokio::join!(stand.engine.start(&job, &identity), stand.engine.start(&job, &identity));
    let (run, refused) = if one.is_ok() { (one, other) } else { (other, one) };
    assert_eq!(refused.unwrap_err().kind, Kind::Taken);
    assert_eq!(stand.found(&identity, Lookup::Owner).await[0], run.unwrap());
}

async fn what_is_not_there_need_not_be_cancelled(stand: &Stand) {
    for name in [None, Some("Another-0000000000000000-00000000-00000000".to_owned())] {
        let run = RunRef { place: Place::Livy(stand.url.clone()), id: "77777".to_owned(), realm: None, name };
        stand.engine.cancel(&run, How::Ask).await.unwrap();
        assert_eq!(stand.phase(&run).await, Phase::Gone);
    }
}

async fn a_refused_submission_leaves_a_silent_phantom_that_can_be_removed(stand: &Stand) {
    let job = stand.job(FORBIDDEN);
    let identity = stand.identity("refused", &job);
    let refused = stand.engine.start(&job, &identity).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Rejected, "{refused}");
    assert!(refused.said.contains("Local path /etc/passwd cannot be added to user sessions."), "{refused}");
    let found = stand.engine.find(&identity, Lookup::Name, Timestamp::default()).await.unwrap();
    let status = &found[0].status;
    assert_eq!((status.phase, status.silent, status.word.as_str()), (Phase::Waiting, true, "starting"));
    stand.engine.cancel(&found[0].run, How::Ask).await.unwrap();
    assert_eq!(stand.found(&identity, Lookup::Name).await, []);

    // A job that is really there has something to show from the first moment on.
    let run = stand.start("heard", "short.py").await;
    let status = stand.engine.describe(std::slice::from_ref(&run)).await.unwrap().remove(0);
    assert!(!status.silent, "{status:?}");
    stand.end(&run).await;
}

async fn a_dead_jobs_report_names_the_exception(stand: &Stand) {
    let run = stand.start("dying", "dying.py").await;
    assert_eq!(stand.end(&run).await, Phase::Failed);
    let report = stand.engine.report(&run).await;
    assert_eq!(report.exception, ["ValueError: no orders"]);
    assert!(report.tail.iter().any(|line| line.contains("dying.py\", line 1")), "{report:?}");
    let address = stand.url.join(&format!("/batches/{}/log", run.id));
    assert!(report.full_log.starts_with(&format!("GET {address}, until Livy forgets")), "{report:?}");
    let (status, body) = stand.raw(Method::GET, &format!("/batches/{}", run.id), true, "").await;
    let batch: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, &batch["state"], &batch["appId"]), (200, &Value::from("dead"), &Value::Null));
    assert_eq!(batch["log"][0], "stdout: ");
}

async fn of_a_long_log_the_end_is_told(stand: &Stand) {
    let run = stand.start("talkative", "talkative.py").await;
    assert_eq!(stand.end(&run).await, Phase::Failed);
    let report = stand.engine.report(&run).await;
    assert_eq!(report.exception, ["the last it said: that was all"]);
    let last = report.tail.last().expect("a tail");
    assert_eq!((last.as_str(), report.tail.len()), ("line 999", 20));
    // Livy keeps 200 lines, and puts a heading before each stream.
    let (_, body) = stand.raw(Method::GET, &format!("/batches/{}/log?size=500", run.id), true, "").await;
    let log: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(log["total"], 202);
    let (_, body) = stand.raw(Method::GET, &format!("/batches/{}/log?size=3", run.id), true, "").await;
    let log: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&log["from"], &log["log"][1]), (&Value::from(199), &Value::from("that was all")));
}

fn id(run: &RunRef) -> u64 {
    run.id.parse().expect("digits")
}
