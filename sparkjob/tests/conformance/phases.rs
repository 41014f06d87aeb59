//! The phases of a run, and what is told and found of it in each.

use sparkjob::engine::{How, Kind, Lookup};
use sparkjob::job::{Phase, RunRef, Timestamp};

use crate::programs::{DYING, ENDLESS, SHORT, WAITING};
use crate::stand::{Scene, Stand};
use crate::ways::Again;

/// A moment after which no run was made.
const LATER: Timestamp = Timestamp(4_000_000_000_000);

/// From the first look to the last, of several runs at once, and what is found meanwhile.
pub async fn are_told(stand: &Stand) {
    let scene = stand.scene("phases");
    let (ended, died, running) =
        (scene.start("1", SHORT).await, scene.start("2", DYING).await, scene.start("3", ENDLESS).await);
    assert_eq!(scene.end(&ended).await, Phase::Succeeded);
    assert_eq!(scene.end(&died).await, Phase::Failed);
    scene.up(&running).await;
    the_dead_is_explained(&scene, &died).await;
    what_has_ended_stays(&scene, &ended).await;

    let held = stand.held_scene("phases");
    let cancelled = held.start("4", WAITING).await;
    held.stop(&cancelled).await;
    let waiting = held.start("5", WAITING).await;
    let phase = if stand.ways.holds { Phase::Waiting } else { Phase::Running };
    if !stand.ways.holds {
        held.up(&waiting).await;
    }
    let mut runs = vec![scene.unknown(&running), running.clone(), cancelled, ended.clone(), died, waiting.clone()];
    let mut phases = vec![Phase::Gone, Phase::Running, stand.ways.cancelled, Phase::Succeeded, Phase::Failed, phase];
    if running.name.is_some() {
        let name = Some("Another-0000000000000000-00000000-00000000".to_owned());
        runs.extend([RunRef { name, ..running.clone() }, RunRef { name: None, ..running.clone() }]);
        phases.extend([Phase::Gone, Phase::Gone]);
    }
    runs.push(running.clone());
    phases.push(Phase::Running);
    assert_eq!(scene.phases(&runs).await, phases);
    for (run, phase) in runs.iter().zip(&phases) {
        assert_eq!(scene.phase(run).await, *phase, "{run}");
    }
    // No run of another name is ever touched.
    let of_another_name = |run: &&RunRef| run.id == running.id && run.name != running.name;
    for run in runs.iter().filter(of_another_name).filter(|_| stand.ways.reuses_ids) {
        scene.engine.cancel(run, How::Kill).await.unwrap();
        assert_eq!(scene.phase(&running).await, Phase::Running);
    }
    held.stop(&waiting).await;
    each_lookup_selects(&scene, &ended, &running).await;

    scene.engine.cancel(&running, How::Ask).await.unwrap();
    if stand.ways.shows_ending {
        assert_eq!(scene.phase(&running).await, Phase::Ending);
    }
    scene.engine.cancel(&running, How::Ask).await.unwrap();
    scene.stop(&running).await;
    scene.engine.cancel(&running, How::Kill).await.unwrap();
    assert_eq!(scene.phase(&running).await, stand.ways.cancelled);
}

async fn the_dead_is_explained(scene: &Scene<'_>, died: &RunRef) {
    let ways = &scene.stand.ways;
    let status = scene.status(died).await;
    assert!(status.reason.contains(ways.reason), "{status:?}");
    assert_eq!(status.created.is_some(), ways.tells_time, "{status:?}");
    let report = scene.engine.report(died).await;
    assert!(report.exception.concat().contains(ways.exception), "{report:?}");
    assert!(!report.full_log.is_empty(), "{report:?}");
    assert_eq!(!report.links.console.is_empty(), ways.links, "{report:?}");
    assert_eq!(!report.links.log_uri.is_empty(), ways.links, "{report:?}");
}

async fn what_has_ended_stays(scene: &Scene<'_>, ended: &RunRef) {
    for how in [How::Ask, How::Kill] {
        scene.engine.cancel(ended, how).await.unwrap();
        assert_eq!(scene.phase(ended).await, Phase::Succeeded);
    }
    match scene.stand.ways.again {
        Again::Taken => {
            let again = scene.submit("1", &scene.stand.job(SHORT)).await;
            assert_eq!(again.unwrap_err().kind, Kind::Taken);
        }
        Again::Same => assert_eq!(scene.start("1", SHORT).await, *ended),
        Again::Twin => {}
    }
}

/// `ended` is the scene's first run, `running` its third, and the only one that is alive.
async fn each_lookup_selects(scene: &Scene<'_>, ended: &RunRef, running: &RunRef) {
    let (short, endless) = (scene.stand.job(SHORT), scene.stand.job(ENDLESS));
    let (over, alive) = (scene.identity("1", &short), scene.identity("3", &endless));
    for by in [Lookup::Name, Lookup::Token, Lookup::Spec] {
        assert_eq!(scene.found(&alive, by).await, std::slice::from_ref(running), "{by:?}");
        assert_eq!(scene.found(&scene.identity("6", &scene.stand.job(WAITING)), by).await, [], "{by:?}");
    }
    // Of an owner's runs the living ones are enough, but the newest is the first.
    assert_eq!(scene.found(&alive, Lookup::Owner).await[0], *running);
    for by in [Lookup::Name, Lookup::Token] {
        assert_eq!(scene.found(&over, by).await, std::slice::from_ref(ended), "{by:?}");
        let expected = if scene.stand.ways.tells_time { &[][..] } else { std::slice::from_ref(ended) };
        assert_eq!(scene.found_since(&over, by, LATER).await, expected, "{by:?}");
    }
    // What is alive is found however old it is.
    for by in [Lookup::Name, Lookup::Token, Lookup::Owner, Lookup::Spec] {
        assert_eq!(scene.found_since(&alive, by, LATER).await[0], *running, "{by:?}");
    }
}
