//! Real kills: whoever sends the k-th request to a neighbour dies of it, before it arrives or after it, while a real Livy, a
//! real EMR Serverless of the local default, the workflow and the place of the answer go on.
//!
//! Some of them are tried; with `SPARKJOB_ALL_KILLS=1`, as in `make chaos`, all.

use std::io::Write;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use serde_json::Value;

use crate::answers::Answer;
use crate::emr::Way;
use crate::event::Event;
use crate::functions::Unlike;
use crate::proxy::Deadly;
use crate::proxy::When::{self, After, Before};
use crate::scene::{Scene, play, with};
use crate::wait::until;

/// Whom the k-th request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Neighbour {
    StepFunctions,
    Engine,
    Answers,
}

use Neighbour::{Answers, Engine, StepFunctions};

/// Who sends the `k`-th request to a neighbour dies of it.
#[derive(Clone, Copy, Debug)]
struct Kill {
    /// The scene's name.
    scene: &'static str,
    neighbour: Neighbour,
    k: u32,
    /// How that request begins: its method and path.
    request: &'static str,
    when: When,
    /// Whether it is one of the few that are always tried.
    is_usual: bool,
}

/// The k-th request, and how it begins.
type Kth = (u32, &'static str);

const CLAIM: Kth = (1, "POST /");
const ANSWER: Kth = (1, "PUT /");

const LIVY_LOOK: Kth = (1, "GET /batches/");
/// What is not found by its name may be listed.
const LIVY_LIST: Kth = (2, "GET /batches?");
const LIVY_SUBMISSION: Kth = (3, "POST /batches");
const LIVY_WATCH: Kth = (4, "GET /batches/");

const ON_LIVY: [Kill; 12] = [
    kill("KillLivyClaim", StepFunctions, CLAIM, Before),
    kill("KillLivyClaimed", StepFunctions, CLAIM, After).usual(),
    kill("KillLivyLook", Engine, LIVY_LOOK, Before),
    kill("KillLivyLooked", Engine, LIVY_LOOK, After),
    kill("KillLivyList", Engine, LIVY_LIST, Before),
    kill("KillLivyListed", Engine, LIVY_LIST, After),
    kill("KillLivySubmission", Engine, LIVY_SUBMISSION, Before),
    kill("KillLivySubmitted", Engine, LIVY_SUBMISSION, After).usual(),
    kill("KillLivyWatch", Engine, LIVY_WATCH, Before),
    kill("KillLivyWatched", Engine, LIVY_WATCH, After),
    kill("KillLivyAnswer", Answers, ANSWER, Before),
    kill("KillLivyAnswered", Answers, ANSWER, After).usual(),
];

const EMR_SUBMISSION: Kth = (1, "POST /applications/");
const EMR_WATCH: Kth = (2, "GET /applications/");

const ON_SERVERLESS: [Kill; 8] = [
    kill("KillEmrClaim", StepFunctions, CLAIM, Before),
    kill("KillEmrClaimed", StepFunctions, CLAIM, After),
    kill("KillEmrSubmission", Engine, EMR_SUBMISSION, Before),
    kill("KillEmrSubmitted", Engine, EMR_SUBMISSION, After).usual(),
    kill("KillEmrWatch", Engine, EMR_WATCH, Before),
    kill("KillEmrWatched", Engine, EMR_WATCH, After),
    kill("KillEmrAnswer", Answers, ANSWER, Before).usual(),
    kill("KillEmrAnswered", Answers, ANSWER, After),
];

const fn kill(scene: &'static str, neighbour: Neighbour, (k, request): Kth, when: When) -> Kill {
    Kill { scene, neighbour, k, request, when, is_usual: false }
}

impl Kill {
    const fn usual(self) -> Self {
        Self { is_usual: true, ..self }
    }

    fn deadly(self) -> Deadly {
        Deadly::at(self.k, self.when)
    }

    /// Looks that somebody has died of the very request.
    fn assert_struck(self, deadly: &Deadly) {
        let requests = deadly.requests();
        let is_meant = matches!(&requests[..], [request] if request.starts_with(self.request));
        assert!(deadly.has_killed() && is_meant, "{self:?}: {requests:?}");
    }
}

#[test]
fn a_lambda_that_is_killed_at_any_request_of_a_create_on_livy_makes_one_job() {
    survive("Livy", &ON_LIVY, &async |scene, kill| {
        let deadly = kill.deadly();
        let before = Ways::of(scene, kill.neighbour, &deadly).await;
        let livy = before.way(Engine, &scene.livy.url()).await;
        let job = with(&scene.idle(900), serde_json::json!({ "LivyUrl": livy }));
        before.create(scene, &job).await;
        kill.assert_struck(&deadly);
        scene.only_batch();
    });
}

#[test]
fn a_lambda_that_is_killed_at_any_request_of_a_create_on_emr_serverless_makes_one_job() {
    survive("EMR Serverless", &ON_SERVERLESS, &async |scene, kill| {
        let deadly = kill.deadly();
        let place = scene.on(Way::Serverless).await;
        let before = Ways::of(scene, kill.neighbour, &deadly).await;
        before.create(scene, &scene.idle_on(&place, 900).await).await;
        kill.assert_struck(&deadly);
        place.only_run().await;
    });
}

/// Tries some of `kills`, or all, and tells how many.
fn survive(engine: &str, kills: &[Kill], create: &impl AsyncFn(&Scene, Kill)) {
    let all = std::env::var_os("SPARKJOB_ALL_KILLS").is_some();
    let tried: Vec<Kill> = kills.iter().filter(|kill| all || kill.is_usual).copied().collect();
    for &kill in &tried {
        play(kill.scene, async |scene| create(scene, kill).await);
    }
    // Past the test's own capture of what it prints.
    _ = writeln!(std::io::stderr(), "{engine}, for real: {} kills survived, 0 violations", tried.len());
}

/// The ways of a function of the scene's own, of which one is deadly.
struct Ways<'a> {
    scene: &'a Scene,
    neighbour: Neighbour,
    deadly: &'a Deadly,
}

impl<'a> Ways<'a> {
    async fn of(scene: &'a Scene, neighbour: Neighbour, deadly: &'a Deadly) -> Self {
        let ways = Self { scene, neighbour, deadly };
        let env = |name: &str| &scene.world.instance.env[name];
        let steps_at = Some(ways.way(StepFunctions, env("AWS_ENDPOINT_URL")).await);
        let serverless_at = Some(ways.way(Engine, env("AWS_ENDPOINT_URL_EMR_SERVERLESS")).await);
        scene.asks(&Unlike { steps_at, serverless_at, ..Unlike::default() }).await;
        ways
    }

    /// The way to a neighbour that is at `url`.
    async fn way(&self, neighbour: Neighbour, url: &str) -> String {
        let deadly = if neighbour == self.neighbour { self.deadly } else { &Deadly::never() };
        deadly.before(url, &self.scene.world.net).await
    }

    /// Has Lambda deliver a Create, and then a Delete of what it made. Each is answered well, with the same bytes each time.
    async fn create(&self, scene: &Scene, job: &Value) {
        let create = scene.create(job);
        let address = create.json["ResponseURL"].as_str().expect("a text");
        let (origin, path) = address.split_at("http://".len() + address["http://".len()..].find('/').expect("a path"));
        let deadly_address = format!("{}{path}", self.way(Answers, origin).await);
        let answer = delivered(scene, &create.with("ResponseURL", deadly_address)).await;
        scene.ask(&scene.delete(&answer.physical_id, job)).await.succeeded();
    }
}

/// Delivers an event as `CloudFormation` has it delivered, without waiting for what comes of it.
async fn delivered(scene: &Scene, event: &Event) -> Answer {
    let call = scene.world.lambda.invoke().function_name(scene.submitter()).invocation_type(InvocationType::Event);
    let sent = call.payload(Blob::new(event.json.to_string())).send().await;
    sent.unwrap_or_else(|error| panic!("Lambda did not take it: {error:?}"));
    until("there is an answer", async || scene.world.answers.is_taken(&event.token).then_some(())).await;
    assert_eq!(scene.world.workflow.ended(&event.token).await.status, "SUCCEEDED");
    let puts = scene.world.answers.puts(&event.token);
    assert!(puts.iter().all(|put| put.body == puts[0].body), "{puts:?}");
    Answer::read(&puts[0].body, &event.json).succeeded()
}
