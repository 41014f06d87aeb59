//! What comes of calls that go wrong, and of those that follow them.

use sparkjob::engine::{Engine, How, Kind, Lookup, Trouble};
use sparkjob::job::{Phase, RunRef, Tags, Timestamp};

use crate::programs::WAITING;
use crate::stand::{Blow, Call, Scene, Stand};

/// Has every call meet every blow, and holds what it makes of that and what comes next against the trait.
pub async fn passes(stand: &Stand) {
    for blow in [Blow::Error, Blow::Lost, Blow::Throttled, Blow::Denied] {
        let scene = stand.held_scene("weather");
        let run = the_job_is_submitted_in_the_end(&scene, blow).await;
        let calls = [Call::Find, Call::Describe, Call::Tag, Call::Cancel];
        for call in calls.into_iter().filter(|call| *call != Call::Tag || stand.ways.tags) {
            if stand.world.strike(call, blow).await {
                let trouble = make(&scene, call, &run).await.unwrap_err();
                is_told(stand, call, blow, &trouble);
                stand.world.heal().await;
            }
            make(&scene, call, &run).await.unwrap();
        }
        scene.stop(&run).await;
    }
}

/// After the first answer was lost or refused. What was not asked for in vain is there, and there is no more than that.
async fn the_job_is_submitted_in_the_end(scene: &Scene<'_>, blow: Blow) -> RunRef {
    let job = scene.stand.job(WAITING);
    let identity = scene.identity("1", &job);
    if !scene.stand.world.strike(Call::Start, blow).await {
        return scene.submit("1", &job).await.unwrap();
    }
    is_told(scene.stand, Call::Start, blow, &scene.submit("1", &job).await.unwrap_err());
    scene.stand.world.heal().await;
    let found = scene.found(&identity, Lookup::Name).await;
    assert_eq!(found.len(), usize::from(blow == Blow::Lost), "{found:?}");
    match found.into_iter().next() {
        Some(run) => run,
        None => scene.submit("1", &job).await.unwrap(),
    }
}

async fn make(scene: &Scene<'_>, call: Call, run: &RunRef) -> Result<(), Trouble> {
    let engine: &dyn Engine = &*scene.engine;
    match call {
        Call::Find => {
            let identity = scene.identity("1", &scene.stand.job(WAITING));
            let found = engine.find(&identity, Lookup::Owner, Timestamp::default()).await?;
            assert_eq!(found.iter().map(|found| &found.run).collect::<Vec<_>>(), [run]);
        }
        Call::Describe => {
            let statuses = engine.describe(std::slice::from_ref(run)).await?;
            assert!(matches!(statuses[0].phase, Phase::Waiting | Phase::Running), "{statuses:?}");
        }
        Call::Tag => {
            let tags = Tags::from([("weather".to_owned(), "fair".to_owned())]);
            engine.tag(run, &tags, &Tags::new()).await?;
        }
        Call::Cancel => engine.cancel(run, How::Ask).await?,
        Call::Start => unreachable!("its job is submitted"),
    }
    Ok(())
}

fn is_told(stand: &Stand, call: Call, blow: Blow, trouble: &Trouble) {
    let kind = match (blow, call) {
        (Blow::Throttled, _) => Kind::Busy,
        (Blow::Denied, _) => Kind::Denied,
        (Blow::Error | Blow::Lost, Call::Find | Call::Describe) => Kind::Unavailable,
        (Blow::Error | Blow::Lost, Call::Start | Call::Cancel | Call::Tag) => Kind::Unclear,
    };
    assert_eq!(trouble.kind, kind, "{call:?} met {blow:?}: {trouble:?}");
    assert!(!trouble.said.is_empty(), "{trouble:?}");
    if blow == Blow::Denied {
        let place = stand.job.place.to_string();
        let id = place.rsplit([' ', '/']).next().unwrap_or_default();
        assert!(trouble.advice.contains(call.at(&stand.job.place).action), "{trouble:?}");
        assert!(trouble.to_string().contains(id) || trouble.advice.contains(id), "{trouble:?}");
    }
}
