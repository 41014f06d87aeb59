use std::sync::Arc;

use tokio::time::sleep;

use super::*;
use crate::job::{Access, Digest, Identity, Job, Parameters, Place};
use crate::lifecycle::{Deadlines, Goal, Own, Stage, Wanted};
use crate::properties::Management;
use crate::testing::{FakeEmr, FakeLivy, OPENED, Script, engines};

const PI: &str = "s3://code/pi.py";

/// Somebody who never says whether they wait.
struct Silent;

#[async_trait]
impl Requester for Silent {
    async fn stance(&self, within: Duration) -> Stance {
        sleep(within * 2).await;
        Stance::WentOn(None)
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_submitted_is_handed_back_in_time_though_nobody_says_whether_it_is_awaited() {
    let (plan, engines) = on_livy();
    let (clock, end) = (Clock::showing(OPENED), OPENED + Duration::from_secs(20));
    let span = Span { rest: OPENED + Duration::from_secs(10), end };
    let state = advance(&plan, State::begin(&plan, OPENED), &engines, &clock, &Silent, span).await;
    assert!(state.own.is_some() && clock.now() <= end, "{state:?}");
}

/// A plan to run a job of an hour on a Livy.
fn on_livy() -> (Plan, Engines) {
    let livy = FakeLivy::new();
    livy.script(PI, Script::running(Duration::from_hours(1)));
    let place = Place::Livy("http://emr:8998".parse().expect("an address"));
    let job = Job::of(place, Parameters { file: PI.to_owned(), ..Parameters::default() });
    let plan = Plan {
        goal: Goal::Run(Wanted { identity: Identity::derive(&["stack", "Pi"], "request-1", "Pi", &job), job }),
        management: Management::default(),
        deadlines: Deadlines::between(OPENED, OPENED + Duration::from_hours(1)),
        access: Access::default(),
        hidden: Hidden::default(),
    };
    (plan, engines(Arc::new(livy)))
}

/// Somebody who waits.
struct Patient;

#[async_trait]
impl Requester for Patient {
    async fn stance(&self, _: Duration) -> Stance {
        Stance::Waits
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_submitted_is_handed_back_before_it_is_looked_at() {
    let (plan, engines) = on_livy();
    let (clock, span) = (Clock::showing(OPENED), Span::ENDLESS);
    let state = advance(&plan, State::begin(&plan, OPENED), &engines, &clock, &Patient, span).await;
    let own = state.own.expect("a job");
    assert!(own.ours && own.status.is_none(), "{own:?}");
}

/// Whoever dies of submitting another one is known to have had none then.
#[tokio::test(start_paused = true)]
async fn a_job_that_is_not_the_request_s_any_more_is_let_go_of_before_another_one_is_submitted() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::running(Duration::from_hours(1)));
    let (clock, engines) = (Clock::showing(OPENED), engines(Arc::new(emr.clone())));
    let place = Place::EmrSteps("j-1ABC".to_owned());
    let job = Job::of(place.clone(), Parameters { file: PI.to_owned(), ..Parameters::default() });
    let identity = Identity::derive(&["stack", "Pi"], "request-1", "Pi", &job);
    let earlier = engines.at(&place, None).start(&job, &identity).await.expect("it is taken");
    emr.end(&earlier.id, false);
    tokio::time::sleep(Duration::from_mins(1)).await;
    let now = clock.now();
    let identity = Identity { dated: Some(Digest::of(&["another try"])), ..identity };
    let plan = Plan {
        goal: Goal::Run(Wanted { job, identity }),
        management: Management::default(),
        deadlines: Deadlines::between(now, now + Duration::from_hours(1)),
        access: Access::default(),
        hidden: Hidden::default(),
    };
    let own = Own { shown_by: Some(now), ..Own::new(earlier, false) };
    let found = State { stage: Stage::Follow, own: Some(own), ..State::begin(&plan, now) };
    let span = Span { rest: now + Duration::from_mins(5), end: now + Duration::from_mins(10) };
    let let_go = advance(&plan, found, &engines, &clock, &Patient, span).await;
    assert_eq!((let_go.own.as_ref(), emr.runs().len()), (None, 1), "{let_go:?}");
    let state = advance(&plan, let_go, &engines, &clock, &Patient, span).await;
    assert!(state.own.is_some() && emr.runs().len() == 2, "{state:?}");
}

/// A proxy, say, may repeat what it was sent.
#[test]
fn nothing_that_is_said_of_a_call_shows_what_is_hidden() {
    let calls: [fn(Trouble) -> Seen; 5] = [
        |said| Seen::Found(Err(said)),
        |said| Seen::Started(Err(said)),
        |said| Seen::Described(Err(said)),
        |said| Seen::Tagged(Err(said)),
        |said| {
            let place = Place::EmrSteps("j-1ABC".to_owned());
            Seen::Cancelled(RunRef { place, id: "s-1".to_owned(), realm: None, name: None }, Err(said))
        },
    ];
    let said = |said: &str| Trouble::new(Kind::Unavailable, "look", said.to_owned());
    for call in calls {
        let seen = masked(call(said("there is no way for hunter2 to it")), &Hidden::of(["hunter2"]));
        assert_eq!(seen, call(said("there is no way for *** to it")));
    }
}

#[test]
fn nothing_that_is_said_of_a_run_shows_what_is_hidden() {
    let said = |words: &str| Status {
        word: words.to_owned(),
        reason: words.to_owned(),
        application: Some(words.to_owned()),
        ..Status::gone()
    };
    let seen = masked(Seen::Described(Ok(vec![said("dead of hunter2")])), &Hidden::of(["hunter2"]));
    assert_eq!(seen, Seen::Described(Ok(vec![said("dead of ***")])));
    let coloured = said("dead of hun\u{1b}[1;36mter\u{1b}[0m\u{0}2");
    let seen = masked(Seen::Described(Ok(vec![coloured])), &Hidden::of(["hunter2"]));
    assert_eq!(seen, Seen::Described(Ok(vec![said("dead of ***")])));
    let shown =
        Status { word: "RUNNING".to_owned(), application: Some("application_1700_0001".to_owned()), ..Status::gone() };
    let seen = masked(Seen::Described(Ok(vec![shown.clone()])), &Hidden::of(["1700"]));
    assert_eq!(seen, Seen::Described(Ok(vec![shown])));
    let report = |full_log: &str, log_uri: &str| {
        let links = Links { log_uri: log_uri.to_owned(), console: "https://console".to_owned(), ..Links::default() };
        Seen::Reported(Report { full_log: full_log.to_owned(), links, ..Report::default() })
    };
    let seen = masked(report("in s3://hunter2/a", "s3://hunter2/a"), &Hidden::of(["hunter2"]));
    assert_eq!(seen, report("in s3://***/a", ""));
}
