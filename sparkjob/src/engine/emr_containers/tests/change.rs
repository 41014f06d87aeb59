//! What is stopped and tagged.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_run_is_cancelled_in_whatever_state_it_is() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let job = job(PI);
    let waits = Duration::from_mins(1);
    emr.script(PI, Script { waits, stops: Duration::from_secs(30), ..Script::endless() });
    let pending = start(&*engine, &job).await;
    engine.cancel(&pending, How::Ask).await.unwrap();
    assert_eq!(phase(&*engine, &pending).await, Phase::Cancelled);

    let running = engine.start(&job, &request("2", &job)).await.unwrap();
    seconds(61).await;
    engine.cancel(&running, How::Ask).await.unwrap();
    assert_eq!(phase(&*engine, &running).await, Phase::Ending);
    engine.cancel(&running, How::Kill).await.unwrap();
    seconds(31).await;
    assert_eq!(phase(&*engine, &running).await, Phase::Cancelled);
    // Over, unknown, and such as the service could not have given.
    engine.cancel(&running, How::Ask).await.unwrap();
    let id = |id: &str| RunRef { id: id.to_owned(), ..running.clone() };
    engine.cancel(&id("0000000000000000000"), How::Ask).await.unwrap();
    let before = emr.sends();
    for never in ["a-b", "", &"a".repeat(65)] {
        engine.cancel(&id(never), How::Ask).await.unwrap();
        assert_eq!(phase(&*engine, &id(never)).await, Phase::Gone);
    }
    assert_eq!(emr.sends(), before);
    assert!(emr.alive().is_empty());
}

#[tokio::test(start_paused = true)]
async fn tags_are_changed_where_they_differ_and_others_stay() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let mut job = job(PI);
    job.tags = tags([("team", "data"), ("stage", "dev"), ("old", "1"), ("foreign", "x")]);
    let run = start(&*engine, &job).await;
    let old = tags([("team", "data"), ("stage", "dev"), ("old", "1"), ("never", "there")]);
    let new = tags([("team", "data"), ("stage", "prod"), ("a key: \u{e9}", "")]);
    engine.tag(&run, &new, &old).await.unwrap();
    let expected = tags([("team", "data"), ("stage", "prod"), ("a key: \u{e9}", ""), ("foreign", "x")]);
    assert_eq!(emr.runs()[0].tags, expected);
    let asked = emr.operations();
    let operations: Vec<&str> = asked.iter().map(|asked| asked.action.as_str()).collect();
    let wanted = ["DescribeJobRun", "StartJobRun", "TagResource", "UntagResource"];
    assert_eq!(operations, wanted.map(|operation| format!("emr-containers:{operation}")));
    assert!(
        asked.iter().any(|asked| asked.action == "emr-containers:TagResource" && asked.resource == run.to_string())
    );
}

#[tokio::test(start_paused = true)]
async fn tags_that_need_no_change_need_no_permission() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let mut job = job(PI);
    job.tags = tags([("team", "data")]);
    let run = start(&*engine, &job).await;
    emr.deny("TagResource", true);
    emr.deny("UntagResource", true);
    engine.tag(&run, &job.tags, &tags([("gone", "1")])).await.unwrap();
    for (wanted, old, operation) in
        [(tags([("team", "x")]), Tags::new(), "TagResource"), (Tags::new(), job.tags.clone(), "UntagResource")]
    {
        let trouble = engine.tag(&run, &wanted, &old).await.unwrap_err();
        assert_eq!(trouble.kind, Kind::Denied);
        assert_eq!(trouble.doing, format!("tag job run {} at EMR on EKS, virtual cluster vc1", run.id));
        assert!(trouble.advice.contains(&format!("emr-containers:{operation} on {run}")), "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_away_while_it_is_tagged_needs_no_tags() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let mut job = job(PI);
    job.tags = tags([("old", "1")]);
    let run = start(&*engine, &job).await;
    let meanwhile = emr.clone();
    emr.before(3, move || meanwhile.forget(CLUSTER));
    engine.tag(&run, &tags([("new", "1")]), &job.tags).await.unwrap();
    assert_eq!(emr.sends(), 4);
}
