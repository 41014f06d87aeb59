//! What is found in the lists of both services: above all what is in a state that they have added since this was written.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use proptest::prelude::*;
use serde_json::json;
use tokio::time::sleep;

use crate::engine::tests::{PI, engine, identity, request, seconds, start};
use crate::engine::{Engine, Kind, Lookup};
use crate::job::{Identity, Job, Mode, Native, Parameters, Phase, Place, RunRef, Timestamp};
use crate::testing::{FakeEmr, Fault, Instead, OPENED, Script};

const UNKNOWN: &str = "HIBERNATING";
const LOOKUPS: [Lookup; 4] = [Lookup::Name, Lookup::Token, Lookup::Owner, Lookup::Spec];

fn places() -> [Place; 2] {
    [Place::EmrOnEks("vc1".to_owned()), Place::EmrServerless("00f1".to_owned())]
}

fn job(place: &Place) -> Job {
    let native = json!({"ExecutionRoleArn": "arn:aws:iam::123456789012:role/job", "ReleaseLabel": "emr-7.5.0-latest"});
    let parameters = Parameters { file: PI.to_owned(), ..Parameters::default() };
    let mut job = Job::of(place.clone(), parameters);
    job.native = Native(serde_json::from_value(native).expect("an object"));
    if matches!(place, Place::EmrServerless(_)) {
        job.native.0.remove("ReleaseLabel");
    }
    job
}

/// An account whose jobs run until they are stopped, one of its engines, and a job of that.
fn account(place: &Place) -> (FakeEmr, Arc<dyn Engine>, Job) {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, place);
    (emr, engine, job(place))
}

/// Runs of other people's, each over after ten seconds.
async fn crowd(engine: &dyn Engine, place: &Place, size: usize) {
    let mut job = job(place);
    job.parameters = Some(Parameters { file: "s3://code/other.py".to_owned(), ..Parameters::default() });
    for number in 0..size {
        let stranger = Identity::derive(&["other", "Pi"], &number.to_string(), "Pi", &job);
        engine.start(&job, &stranger).await.expect("it starts");
    }
}

async fn found(engine: &dyn Engine, identity: &Identity, by: Lookup, since: Timestamp) -> Vec<RunRef> {
    let found = engine.find(identity, by, since).await.expect("a list");
    assert!(found.iter().all(|found| !found.status.phase.is_over()), "{found:?}");
    found.into_iter().map(|found| found.run).collect()
}

#[tokio::test(start_paused = true)]
async fn a_run_in_an_unknown_state_is_found_as_one_that_is_alive() {
    for place in places() {
        let (emr, engine, job) = account(&place);
        let run = start(&*engine, &job).await;
        emr.show(&run.id, Some(UNKNOWN));
        for by in LOOKUPS {
            let found = engine.find(&identity(&job), by, OPENED).await.unwrap();
            let found: Vec<_> =
                found.iter().map(|found| (&found.run, found.status.phase, &*found.status.word)).collect();
            assert_eq!(found, [(&run, Phase::Waiting, UNKNOWN)], "{place} {by:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_request_finds_what_an_earlier_one_left_behind_in_an_unknown_state() {
    for place in places() {
        let (emr, engine, job) = account(&place);
        let left = start(&*engine, &job).await;
        emr.show(&left.id, Some(UNKNOWN));
        sleep(Duration::from_hours(20)).await;
        let since = OPENED + Duration::from_hours(20);
        let next = engine.start(&job, &request("request-2", &job)).await.unwrap();
        emr.show(&next.id, Some(UNKNOWN));
        assert_eq!(found(&*engine, &identity(&job), Lookup::Token, since).await, std::slice::from_ref(&left));
        for by in [Lookup::Owner, Lookup::Spec] {
            assert_eq!(
                found(&*engine, &identity(&job), by, since).await,
                [next.clone(), left.clone()],
                "{place} {by:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_been_up_for_months_is_found_in_every_published_state() {
    for place in places() {
        let words = match place {
            Place::EmrOnEks(_) => &["PENDING", "SUBMITTED", "RUNNING", "CANCEL_PENDING"][..],
            _ => &["SUBMITTED", "QUEUED", "PENDING", "SCHEDULED", "RUNNING", "CANCELLING"],
        };
        let (emr, engine, job) = account(&place);
        let run = start(&*engine, &job).await;
        sleep(Duration::from_hours(24 * 100)).await;
        for word in words {
            emr.show(&run.id, Some(word));
            for by in LOOKUPS {
                let since = OPENED + Duration::from_hours(24 * 100);
                assert_eq!(
                    found(&*engine, &identity(&job), by, since).await,
                    std::slice::from_ref(&run),
                    "{word} {by:?}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_up_costs_two_calls_however_much_has_ended_before_yesterday() {
    for place in places() {
        let (emr, engine, job) = account(&place);
        crowd(&*engine, &place, 300).await;
        // One that the service does not end by itself.
        let job = Job { mode: Mode::Streaming, ..job };
        let run = start(&*engine, &job).await;
        sleep(Duration::from_hours(25)).await;
        let before = emr.sends();
        let since = OPENED + Duration::from_hours(25);
        assert_eq!(found(&*engine, &identity(&job), Lookup::Owner, since).await, [run], "{place}");
        assert_eq!(emr.sends() - before, 2, "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn however_busy_a_day_calls_are_bounded_and_none_that_is_known_to_be_alive_is_hidden() {
    for place in places() {
        let (emr, engine, job) = account(&place);
        let old = start(&*engine, &job).await;
        crowd(&*engine, &place, 300).await;
        seconds(60).await;
        let new = engine.start(&job, &request("request-2", &job)).await.unwrap();
        let before = emr.sends();
        let since = OPENED + Duration::from_mins(1);
        assert_eq!(found(&*engine, &identity(&job), Lookup::Owner, since).await, [new.clone(), old.clone()], "{place}");
        assert_eq!(emr.sends() - before, 21, "{place}");
        // What is on the pages that are read is found in whatever state.
        emr.show(&new.id, Some(UNKNOWN));
        let found_now = found(&*engine, &identity(&job), Lookup::Spec, since).await;
        assert_eq!(found_now, [new.clone(), old.clone()], "{place}");
        // Where others need the calls, two of these pages have to do.
        let (busy, first) = (emr.clone(), emr.sends() + 1);
        emr.before(first + 2, move || busy.throttle("ListJobRuns", 1));
        assert_eq!(found(&*engine, &identity(&job), Lookup::Spec, since).await, [new, old], "{place}");
        assert_eq!(emr.sends() + 1 - first, 4, "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_one_call_too_many_is_waited_for() {
    for place in places() {
        let (emr, engine, job) = account(&place);
        let run = start(&*engine, &job).await;
        crowd(&*engine, &place, 9).await;
        let (busy, first) = (emr.clone(), emr.sends() + 1);
        emr.before(first + 1, move || busy.throttle("ListJobRuns", 3));
        assert_eq!(found(&*engine, &identity(&job), Lookup::Owner, OPENED).await, [run], "{place}");
        // Two or three pages of all, one of the living, and three that were refused.
        let pages = emr.sends() + 1 - first;
        assert!((6..=10).contains(&pages), "{place}: {pages}");

        let (busy, first) = (emr.clone(), emr.sends() + 1);
        emr.before(first + 1, move || busy.throttle("ListJobRuns", 1000));
        let trouble = engine.find(&identity(&job), Lookup::Owner, OPENED).await.unwrap_err();
        assert_eq!((trouble.kind, emr.sends() + 1 - first), (Kind::Busy, 61), "{place}");
        emr.throttle("ListJobRuns", 1);
        let before = emr.sends();
        let trouble = engine.find(&identity(&job), Lookup::Owner, OPENED).await.unwrap_err();
        assert_eq!((trouble.kind, emr.sends() - before), (Kind::Busy, 1), "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_of_what_was_made_lately_that_breaks_off_is_no_list() {
    for place in places() {
        let (emr, engine, job) = account(&place);
        start(&*engine, &job).await;
        crowd(&*engine, &place, 9).await;
        for call in 1..=3 {
            emr.fault_at(emr.sends() + call, Fault::After(Instead::Page(502)));
            let trouble = engine.find(&identity(&job), Lookup::Owner, OPENED).await.unwrap_err();
            assert_eq!(trouble.kind, Kind::Unavailable, "{place} {call}");
        }
        emr.fault_next(Method::GET, "createdA", Fault::refused());
        assert!(engine.find(&identity(&job), Lookup::Spec, OPENED).await.is_err(), "{place}");
    }
}

/// Every word, but those for what is over.
fn any_word_of_the_living() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[A-Z_]{1,20}",
        "\\PC{0,100}",
        prop::sample::select(vec!["running", "Success", "FAILING", "CANCELLED ", "RUNNING", "COMPLETED_"])
            .prop_map(str::to_owned),
    ];
    word.prop_filter("it is over", |word| !["SUCCESS", "COMPLETED", "FAILED", "CANCELLED"].contains(&word.as_str()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_word_hides_a_run(
        place in prop::sample::select(places().to_vec()),
        words in prop::collection::vec(any_word_of_the_living(), 1..6),
        strangers in 0..8_usize,
        age in 0..86_000_u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let (emr, engine, job) = account(&place);
            let mut runs = Vec::new();
            for (number, word) in words.iter().enumerate() {
                let run = engine.start(&job, &request(&number.to_string(), &job)).await.expect("it starts");
                emr.show(&run.id, Some(word));
                runs.insert(0, run);
                seconds(1).await;
            }
            crowd(&*engine, &place, strangers).await;
            seconds(age).await;
            let since = OPENED + Duration::from_secs(age);
            for by in [Lookup::Owner, Lookup::Spec] {
                prop_assert_eq!(&found(&*engine, &identity(&job), by, since).await, &runs, "{:?}", by);
            }
            let oldest = &runs[runs.len() - 1..];
            prop_assert_eq!(found(&*engine, &request("0", &job), Lookup::Token, since).await, oldest);
            prop_assert_eq!(found(&*engine, &request("0", &job), Lookup::Name, OPENED).await, oldest);
            Ok(())
        })?;
    }
}
