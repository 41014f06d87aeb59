//! What every engine must do.

use sparkjob::engine::{How, Kind, Lookup};
use sparkjob::job::{Phase, RunRef, Tags, Timestamp};
use tokio::time::{Duration, sleep};

use crate::programs::{DEAF, WAITING};
use crate::stand::Stand;
use crate::ways::Again;
use crate::{livy, phases, texts, weather};

/// All of it. Those scenes come first whose runs wait: a step that waits lets no other one pass.
pub async fn conforms(stand: &Stand) {
    a_run_is_waiting_until_it_is_stopped(stand).await;
    the_same_submission_again_is_what_the_engine_says(stand).await;
    of_two_submissions_at_once_no_run_is_lost(stand).await;
    a_listing_of_many_pages_is_read_whole(stand).await;
    tags_are_changed(stand).await;
    weather::passes(stand).await;
    what_is_gone_runs_nothing_and_needs_no_stopping(stand).await;
    tokio::join!(
        phases::are_told(stand),
        texts::arrive_as_they_are(stand),
        what_pays_no_heed_is_killed(stand),
        livy::conforms(stand),
    );
    what_runs_ends_with_its_place(stand).await;
    stand.world.close().await;
}

async fn a_run_is_waiting_until_it_is_stopped(stand: &Stand) {
    let scene = stand.held_scene("waiting");
    let run = scene.start("1", WAITING).await;
    if stand.ways.holds {
        assert_eq!(scene.phase(&run).await, Phase::Waiting);
    }
    for how in [How::Ask, How::Kill] {
        scene.engine.cancel(&run, how).await.unwrap();
    }
    scene.stop(&run).await;
    scene.engine.cancel(&run, How::Ask).await.unwrap();
    assert_eq!(scene.phase(&run).await, stand.ways.cancelled);

    let unknown = scene.unknown(&run);
    for how in [How::Ask, How::Kill] {
        scene.engine.cancel(&unknown, how).await.unwrap();
    }
    assert_eq!(scene.phase(&unknown).await, Phase::Gone);
}

async fn the_same_submission_again_is_what_the_engine_says(stand: &Stand) {
    let scene = stand.held_scene("again");
    let job = stand.job(WAITING);
    let identity = scene.identity("1", &job);
    assert_eq!(scene.found(&identity, Lookup::Name).await, []);
    let run = scene.submit("1", &job).await.unwrap();
    assert!(run.name.as_ref().is_none_or(|name| *name == identity.name()), "{run}");
    assert_eq!(scene.found(&identity, Lookup::Name).await, std::slice::from_ref(&run));

    let again = scene.submit("1", &job).await;
    let runs = match (stand.ways.again, again) {
        (Again::Taken, Err(trouble)) if trouble.kind == Kind::Taken => vec![run],
        (Again::Same, Ok(same)) if same == run => vec![run],
        (Again::Twin, Ok(twin)) if twin != run => vec![twin, run],
        (again, answer) => panic!("{again:?}, but {answer:?}"),
    };
    assert_eq!(scene.found(&identity, Lookup::Name).await, runs);
    for run in &runs {
        scene.stop(run).await;
    }

    // What was cancelled stays so.
    let next = scene.submit("1", &job).await.unwrap();
    assert_eq!(next == runs[0], stand.ways.again == Again::Same);
    scene.stop(&next).await;
    assert!(scene.phases(&runs).await.into_iter().all(|phase| phase == stand.ways.cancelled));
}

async fn of_two_submissions_at_once_no_run_is_lost(stand: &Stand) {
    let scene = stand.held_scene("twice");
    let job = stand.job(WAITING);
    let identity = scene.identity("1", &job);
    let (one, other) = tokio::join!(scene.submit("1", &job), scene.submit("1", &job));
    let made = match stand.ways.again {
        Again::Taken => {
            let (run, refused) = if one.is_ok() { (one, other) } else { (other, one) };
            assert_eq!(refused.unwrap_err().kind, Kind::Taken);
            vec![run.unwrap()]
        }
        Again::Same => {
            let run = one.unwrap();
            assert_eq!(other.unwrap(), run);
            vec![run]
        }
        Again::Twin => vec![one.unwrap(), other.unwrap()],
    };
    for by in [Lookup::Name, Lookup::Token, Lookup::Owner, Lookup::Spec, Lookup::History] {
        let found = scene.found(&identity, by).await;
        assert_eq!(found.len(), made.len(), "{found:?}");
        assert!(made.iter().all(|run| found.contains(run)), "{found:?}");
    }
    for run in made {
        scene.stop(&run).await;
    }
}

async fn a_listing_of_many_pages_is_read_whole(stand: &Stand) {
    let Some(count) = stand.ways.pages else { return };
    let scene = stand.held_scene("pages");
    let mut runs = Vec::new();
    for number in 0..count {
        runs.insert(0, scene.start(&number.to_string(), WAITING).await);
    }
    let oldest = scene.identity("0", &stand.job(WAITING));
    for by in [Lookup::Owner, Lookup::Spec, Lookup::History] {
        let found = scene.found(&oldest, by).await;
        assert_eq!(found.len(), count);
        assert!(runs.iter().all(|run| found.contains(run)), "{found:?}");
    }
    for by in [Lookup::Name, Lookup::Token] {
        assert_eq!(scene.found(&oldest, by).await, runs[count - 1..]);
    }
    assert!(scene.phases(&runs).await.into_iter().all(|phase| phase == Phase::Waiting));
    // They end in no order.
    futures_util::future::join_all(runs.iter().map(|run| scene.stop(run))).await;
    assert!(scene.phases(&runs).await.into_iter().all(|phase| phase == stand.ways.cancelled));
}

async fn tags_are_changed(stand: &Stand) {
    let tags = |pairs: &[(&str, &str)]| -> Tags {
        pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    };
    if !stand.ways.tags {
        return;
    }
    let scene = stand.held_scene("tags");
    let mut job = stand.job(WAITING);
    job.tags = tags(&[("kept", "1"), ("changed", "1"), ("gone", "1"), ("dropped", "1")]);
    let run = scene.submit("1", &job).await.unwrap();
    assert_eq!(stand.world.tags(&run).await, job.tags);
    let old = tags(&[("changed", "1"), ("gone", "1")]);
    let wanted = tags(&[("changed", "two words"), ("new: a =+/@_.-", "b=c+d/e@f ")]);
    let mut all = wanted.clone();
    all.extend(tags(&[("kept", "1"), ("dropped", "1")]));
    for _ in 0..2 {
        scene.engine.tag(&run, &wanted, &old).await.unwrap();
        assert_eq!(stand.world.tags(&run).await, all);
    }
    scene.stop(&run).await;
    scene.engine.tag(&run, &Tags::new(), &all).await.unwrap();
    assert_eq!(stand.world.tags(&run).await, Tags::new());
    scene.engine.tag(&scene.unknown(&run), &wanted, &old).await.unwrap();
}

async fn what_is_gone_runs_nothing_and_needs_no_stopping(stand: &Stand) {
    let scene = stand.held_scene("gone");
    let run = scene.start("1", WAITING).await;
    scene.stop(&run).await;
    for (how, place) in stand.world.gone().await {
        let engine = stand.held.at(&place, None);
        let mut job = stand.job(WAITING);
        job.place = place.clone();
        let identity = scene.identity("1", &job);
        let refused = engine.start(&job, &identity).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Rejected, "{how}: {refused:?}");
        assert!(!refused.said.is_empty() && !refused.advice.is_empty(), "{how}: {refused:?}");
        for by in [Lookup::Name, Lookup::Token, Lookup::Owner, Lookup::Spec, Lookup::History] {
            match engine.find(&identity, by, Timestamp::default()).await {
                Ok(found) => assert_eq!(found, [], "{how}"),
                Err(trouble) => assert_eq!(trouble.kind, Kind::Absent, "{how}: {trouble}"),
            }
        }
        let run = RunRef { place, ..scene.unknown(&run) };
        assert_eq!(engine.describe(&[run.clone(), run.clone()]).await.unwrap().len(), 2);
        assert_eq!(engine.describe(std::slice::from_ref(&run)).await.unwrap()[0].phase, Phase::Gone, "{how}");
        for how in [How::Ask, How::Kill] {
            engine.cancel(&run, how).await.unwrap();
        }
        engine.tag(&run, &Tags::new(), &Tags::new()).await.unwrap();
        let report = engine.report(&run).await;
        assert!(!report.full_log.is_empty() && report.exception.is_empty(), "{how}: {report:?}");
    }
}

async fn what_runs_ends_with_its_place(stand: &Stand) {
    let scene = stand.held_scene("last");
    let run = scene.start("1", WAITING).await;
    if !stand.world.terminate().await {
        scene.stop(&run).await;
        return;
    }
    for how in [How::Ask, How::Kill] {
        scene.engine.cancel(&run, how).await.unwrap();
        assert!(scene.end(&run).await.is_over());
    }
    let job = stand.job(WAITING);
    assert_eq!(scene.submit("2", &job).await.unwrap_err().kind, Kind::Rejected);
    assert_eq!(scene.found(&scene.identity("2", &job), Lookup::Token).await, []);
    assert!(!scene.engine.report(&run).await.full_log.is_empty());
}

async fn what_pays_no_heed_is_killed(stand: &Stand) {
    if !stand.ways.kills {
        return;
    }
    let scene = stand.scene("deaf");
    let file = stand.world.file("deaf");
    let mut job = stand.job(DEAF);
    job.parameters.as_mut().expect("a portable job").args = vec![file.clone()];
    let run = scene.submit("1", &job).await.unwrap();
    scene.up(&run).await;
    while !stand.world.is_there(&file) {
        assert_eq!(scene.phase(&run).await, Phase::Running);
        sleep(Duration::from_millis(300)).await;
    }
    scene.engine.cancel(&run, How::Ask).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert!(!scene.phase(&run).await.is_over());
    scene.engine.cancel(&run, How::Kill).await.unwrap();
    scene.stop(&run).await;
}
