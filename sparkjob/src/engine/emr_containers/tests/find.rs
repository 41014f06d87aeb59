//! What is found.

use super::*;

/// The ids of what is found, the newest first, each as the number of its making.
async fn found(engine: &dyn Engine, identity: &Identity, by: Lookup, since: Timestamp) -> Vec<u64> {
    let runs = engine.find(identity, by, since).await.expect("a list");
    let number = |id: &str| u64::from_str_radix(id.trim_start_matches("00000003"), 16).expect("an id of the model");
    runs.iter().map(|found| number(&found.run.id)).collect()
}

#[tokio::test(start_paused = true)]
async fn lookups_tell_apart_request_description_and_owner_newest_first() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    emr.script("s3://code/other.py", Script::endless());
    let engine = engine(&emr, &place());
    let (old, new) = (job(PI), job("s3://code/other.py"));
    let stranger = Identity::derive(&["stack", "Other"], "2", "Pi", &new);
    for (identity, job) in [
        (request("1", &old), &old),
        (request("2", &new), &new),
        (request("3", &new), &new),
        (stranger, &new),
        (request("4", &old), &old),
    ] {
        engine.start(job, &identity).await.unwrap();
        seconds(1).await;
    }
    let wanted = request("2", &new);
    assert_eq!(found(&*engine, &wanted, Lookup::Name, OPENED).await, [1]);
    assert_eq!(found(&*engine, &wanted, Lookup::Token, OPENED).await, [1]);
    assert_eq!(found(&*engine, &wanted, Lookup::Spec, OPENED).await, [2, 1]);
    assert_eq!(found(&*engine, &wanted, Lookup::Owner, OPENED).await, [4, 2, 1, 0]);
    let runs = engine.find(&wanted, Lookup::Name, OPENED).await.unwrap();
    assert_eq!((runs[0].name(), runs[0].status.phase), (wanted.name().as_str(), Phase::Running));
    assert_eq!(runs[0].status.created, Some(OPENED + Duration::from_secs(1)));
}

#[tokio::test(start_paused = true)]
async fn by_name_and_token_what_is_over_is_found_if_it_was_made_recently_enough() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    seconds(100).await;
    start(&*engine, &job).await;
    let identity = identity(&job);
    seconds(60).await;
    for by in [Lookup::Name, Lookup::Token] {
        for (since, expected) in [(0, 1), (99_000, 1), (100_000, 1), (100_900, 1), (101_000, 0), (150_000, 0)] {
            let since = OPENED + Duration::from_millis(since);
            assert_eq!(found(&*engine, &identity, by, since).await.len(), expected, "{by:?} {since:?}");
        }
        assert_eq!(found(&*engine, &identity, by, Timestamp::default()).await, [0]);
    }
    for by in [Lookup::Owner, Lookup::Spec] {
        assert_eq!(found(&*engine, &identity, by, Timestamp::default()).await, [0; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_alive_is_found_however_long_ago_it_was_made() {
    let emr = FakeEmr::new();
    emr.script(PI, Script { stops: Duration::from_mins(30), ..Script::endless() });
    let engine = engine(&emr, &place());
    let job = job(PI);
    let run = start(&*engine, &job).await;
    seconds(100_000).await;
    let now = OPENED + Duration::from_secs(100_000);
    for word in [None, Some("PENDING"), Some("SUBMITTED"), Some("CANCEL_PENDING")] {
        emr.show(&run.id, word);
        for by in [Lookup::Name, Lookup::Token, Lookup::Owner, Lookup::Spec] {
            assert_eq!(found(&*engine, &identity(&job), by, now).await, [0], "{word:?} {by:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_listing_is_read_to_its_end() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    let job = job(PI);
    for number in 0..23 {
        engine.start(&job, &request(&number.to_string(), &job)).await.unwrap();
        seconds(1).await;
    }
    let before = emr.sends();
    let expected: Vec<u64> = (0..23).rev().collect();
    assert_eq!(found(&*engine, &identity(&job), Lookup::Owner, OPENED).await, expected);
    // All of what was made lately is on five pages, and nothing else is alive.
    assert_eq!(emr.sends() - before, 6);
    assert_eq!(found(&*engine, &request("0", &job), Lookup::Token, OPENED).await, [0]);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_is_cut_short_is_no_list() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    let job = job(PI);
    for number in 0..8 {
        engine.start(&job, &request(&number.to_string(), &job)).await.unwrap();
    }
    let list = async || engine.find(&identity(&job), Lookup::Owner, OPENED).await.map_err(|trouble| trouble.kind);
    let answer = |body: Value| Fault::Before(Instead::Answer(200, body.to_string()));
    emr.fault_next(Method::GET, "nextToken", Fault::After(Instead::Page(502)));
    assert_eq!(list().await, Err(Kind::Unavailable));
    // Not there any more, but it was when the listing began.
    emr.fault_next(Method::GET, "nextToken", Fault::Before(Instead::Answer(400, not_found())));
    assert!(list().await.is_err());
    emr.fault_next(Method::GET, "states", answer(json!({"jobRuns": [], "nextToken": "a"})));
    emr.fault_next(Method::GET, "nextToken=a", answer(json!({"jobRuns": [], "nextToken": "b"})));
    emr.fault_next(Method::GET, "nextToken=b", answer(json!({"jobRuns": [], "nextToken": "a"})));
    assert_eq!(list().await, Err(Kind::Unavailable));
    let nameless = json!({"jobRuns": [{"id": "1", "name": identity(&job).name(), "state": "RUNNING"}]});
    emr.fault_next(Method::GET, "states", answer(nameless));
    assert_eq!(list().await, Err(Kind::Unavailable));
    assert_eq!(list().await.map(|runs| runs.len()), Ok(8));
}

fn not_found() -> String {
    json!({"__type": "ResourceNotFoundException", "message": "Virtual cluster vc1 doesn't exist."}).to_string()
}

#[tokio::test(start_paused = true)]
async fn an_endless_listing_is_given_up() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    for page in 0..200 {
        let body = json!({"jobRuns": [], "nextToken": format!("t{page}")}).to_string();
        emr.fault_at(page + 1, Fault::Before(Instead::Answer(200, body)));
    }
    let trouble = engine.find(&identity(&job(PI)), Lookup::Owner, OPENED).await.unwrap_err();
    assert_eq!((trouble.kind, emr.sends()), (Kind::Unavailable, 120));
    assert!(trouble.said.contains("more job runs than can be listed"), "{trouble}");
}
