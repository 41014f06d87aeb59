//! No job.

use std::time::Duration;

use super::world::{BEGIN, Fate, World, place, plan, reference, wanted, wanted_at};
use crate::engine::{Kind, Lookup};
use crate::job::{Phase, Place, RunRef};
use crate::lifecycle::{A_TRY_BEFORE, Action, Goal, Stage, State, Target, Wanted, next};
use crate::properties::{Management, OnDeleteError};

fn run_of(wanted: &Wanted) -> RunRef {
    reference(0, &wanted.identity.name())
}

fn search(wanted: &Wanted, by: Lookup) -> Goal {
    Goal::Stop(Target::Search { place: place(), identity: wanted.identity.clone(), by, made_since: None, spared: None })
}

#[test]
fn a_running_job_is_cancelled_and_seen_to_be_over() {
    let job = wanted("pi.py", "r1");
    let mut world = World::new().with(&job.identity, Phase::Running);
    let outcome = world.run(&plan(Goal::Stop(Target::Run(run_of(&job))), Management::default()));
    assert_eq!(outcome.failure, None);
    assert_eq!(world.story(), ["cancel", "look"]);
    assert!(world.alive().is_empty());
}

#[test]
fn a_job_that_nobody_knows_is_over() {
    let outcome =
        World::new().run(&plan(Goal::Stop(Target::Run(run_of(&wanted("pi.py", "r1")))), Management::default()));
    assert_eq!(outcome.failure, None);
}

#[test]
fn nothing_made_needs_no_call() {
    let mut world = World::new();
    assert_eq!(world.run(&plan(Goal::Stop(Target::Nothing), Management::default())).failure, None);
    assert!(world.actions.is_empty());
}

#[test]
fn an_engine_that_cannot_be_reached_or_denies_is_for_on_delete_error_to_decide() {
    let job = wanted("pi.py", "r1");
    for kind in [Kind::Unavailable, Kind::Denied] {
        for (on_delete_error, fails) in [(OnDeleteError::Fail, true), (OnDeleteError::Ignore, false)] {
            let management = Management { on_delete_error, ..Management::default() };
            let mut world = World::new().with(&job.identity, Phase::Running).weather(move |_, _| Some(kind));
            let outcome = world.run(&plan(Goal::Stop(Target::Run(run_of(&job))), management));
            assert_eq!(outcome.failure.is_some(), fails, "{kind:?} {on_delete_error:?}");
        }
    }
}

#[test]
fn a_cancel_whose_answer_was_lost_is_looked_after() {
    let job = wanted("pi.py", "r1");
    let mut world = World::new()
        .with(&job.identity, Phase::Running)
        .weather(|action, _| matches!(action, Action::Cancel(..)).then_some(Kind::Unclear));
    let outcome = world.run(&plan(Goal::Stop(Target::Run(run_of(&job))), Management::default()));
    assert_eq!(outcome.failure, None);
    assert!(world.alive().is_empty());
}

#[test]
fn what_came_in_the_way_of_asking_a_job_to_stop_is_over_once_it_was_asked() {
    let job = wanted("pi.py", "r1");
    let plan = plan(Goal::Stop(Target::Run(run_of(&job))), Management::default());
    let gone_until = BEGIN + Duration::from_secs(20);
    let mut world = World::new()
        .with(&job.identity, Phase::Running)
        .weather(move |_, now| (now < gone_until).then_some(Kind::Unavailable));
    let is_asked = |state: &State| matches!(&state.stage, Stage::Stop { runs, .. } if runs[0].asked.is_some());
    let mut has_failed = false;
    let state = world.run_until_or_done(&plan, State::begin(&plan, BEGIN), |state| {
        has_failed |= state.weather.is_some();
        is_asked(state)
    });
    assert!(is_asked(&state) && has_failed, "{state:?}");
    assert_eq!((&state.weather, state.failing), (&None, None));
}

#[test]
fn a_search_stops_all_that_it_finds() {
    let (first, second) = (wanted("pi.py", "r1"), wanted("pi.py", "r2"));
    let mut world = World::new().with(&first.identity, Phase::Running).with(&second.identity, Phase::Waiting);
    let outcome = world.run(&plan(search(&first, Lookup::Owner), Management::default()));
    assert_eq!(outcome.failure, None);
    assert!(world.alive().is_empty());
}

/// What was found may be an older job of the resource, which somebody retained.
#[test]
fn a_search_goes_on_after_what_it_has_found_is_over() {
    for (tells_times, made_since, is_over, seconds) in [
        (false, None, false, 120..150),
        // As young as it is, it is all there is.
        (true, Some(BEGIN.before(A_TRY_BEFORE)), false, 0..20),
        // It may be of an earlier request, or, since it is over, a twin.
        (true, Some(BEGIN), false, 120..150),
        (true, Some(BEGIN.before(A_TRY_BEFORE)), true, 20..50),
    ] {
        let (first, second) = (wanted("pi.py", "r1"), wanted("pi.py", "r2"));
        let place = if tells_times { Place::EmrOnEks("vc1".to_owned()) } else { place() };
        let phase = if is_over { Phase::Cancelled } else { Phase::Running };
        let mut world = World::at(place.clone()).with(&first.identity, phase);
        let late = if seconds.start == 0 { Phase::Gone } else { Phase::Running };
        world.runs.push(Fate {
            name: second.identity.name(),
            phases: vec![(BEGIN, Phase::Gone), (BEGIN + Duration::from_secs(20), late)],
            silent: false,
            deaf: false,
        });
        let target =
            Target::Search { place, identity: first.identity.clone(), by: Lookup::Owner, made_since, spared: None };
        assert_eq!(world.run(&plan(Goal::Stop(target), Management::default())).failure, None);
        assert!(world.alive().is_empty(), "{:?}", world.alive());
        let took = world.now.since(BEGIN).as_secs();
        assert!(seconds.contains(&took), "{made_since:?}, {is_over}: {took} s");
    }
}

#[test]
fn a_search_by_token_leaves_other_jobs_of_the_resource_alone() {
    let (first, second) = (wanted("pi.py", "r1"), wanted("pi.py", "r2"));
    let mut world = World::new().with(&first.identity, Phase::Running).with(&second.identity, Phase::Waiting);
    world.run(&plan(search(&first, Lookup::Token), Management::default()));
    assert_eq!(world.alive(), [second.identity.name()]);
}

#[test]
fn a_search_leaves_alone_what_was_made_before_it_counts_where_the_engine_tells() {
    for place in [Place::EmrServerless("00f1".to_owned()), place()] {
        let (old, new) = (wanted_at(&place, "pi.py", "r1"), wanted_at(&place, "pi.py", "r2"));
        let mut world =
            World::at(place.clone()).with(&old.identity, Phase::Running).with(&new.identity, Phase::Running);
        world.now = BEGIN + Duration::from_hours(1);
        world.runs[1].phases[0].0 = world.now;
        let target = Target::Search {
            place: place.clone(),
            identity: new.identity.clone(),
            by: Lookup::Owner,
            made_since: Some(world.now + Duration::from_millis(999)),
            spared: None,
        };
        let mut delete = plan(Goal::Stop(target), Management::default());
        delete.deadlines = crate::lifecycle::Deadlines::between(world.now, world.now + Duration::from_hours(1));
        assert_eq!(world.run(&delete).failure, None);
        // Livy tells no times, so all of them go.
        assert_eq!(world.alive().len(), usize::from(!place.is_livy()), "{place}");
        assert!(world.phase(&new.identity.name()).is_over(), "{place}");
    }
}

#[test]
fn a_search_leaves_alone_what_it_is_to_spare_and_goes_on_beside_it() {
    let (first, second) = (wanted("pi.py", "r1"), wanted("pi.py", "r2"));
    let mut world = World::new().with(&first.identity, Phase::Running);
    let spared = run_of(&first);
    world.runs.push(Fate {
        name: second.identity.name(),
        phases: vec![(BEGIN, Phase::Gone), (BEGIN + Duration::from_secs(20), Phase::Running)],
        silent: false,
        deaf: false,
    });
    let (identity, by) = (first.identity.clone(), Lookup::Owner);
    let target = Target::Search { place: place(), identity, by, made_since: None, spared: Some(Box::new(spared)) };
    assert_eq!(world.run(&plan(Goal::Stop(target), Management::default())).failure, None);
    assert_eq!(world.alive(), [first.identity.name()]);
}

#[test]
fn a_search_goes_on_for_as_long_as_a_submission_may_take() {
    let mut world = World::new();
    let outcome = world.run(&plan(search(&wanted("pi.py", "r1"), Lookup::Owner), Management::default()));
    assert_eq!(outcome.failure, None);
    let took = world.now.since(super::world::BEGIN);
    assert!(took >= crate::engine::SUBMISSION_LIMIT, "took {took:?}");
}

#[test]
fn a_search_counts_its_time_from_the_first_look_that_told_anything() {
    let job = wanted("pi.py", "r1");
    let good_from = BEGIN + Duration::from_secs(150);
    let mut world = World::new().weather(move |_, now| (now < good_from).then_some(Kind::Unavailable));
    // A submission that was still on its way: it appears half a minute after the engine is back.
    world.runs.push(Fate {
        name: job.identity.name(),
        phases: vec![(BEGIN, Phase::Gone), (good_from + Duration::from_secs(30), Phase::Running)],
        silent: false,
        deaf: false,
    });
    let outcome = world.run(&plan(search(&job, Lookup::Owner), Management::default()));
    assert_eq!(outcome.failure, None);
    assert!(world.alive().is_empty());
}

#[test]
fn a_search_that_was_never_told_anything_has_not_found_nothing() {
    let job = wanted("pi.py", "r1");
    for by in [Lookup::Token, Lookup::Owner] {
        for (kind, begins, (on_delete_error, fails)) in [
            (Some(Kind::Busy), BEGIN, (OnDeleteError::Fail, true)),
            (Some(Kind::Busy), BEGIN, (OnDeleteError::Ignore, false)),
            // It is taken up when there is no time left.
            (None, BEGIN + Duration::from_hours(1), (OnDeleteError::Fail, true)),
        ] {
            let plan = plan(search(&job, by), Management { on_delete_error, ..Management::default() });
            let mut world = World::new().with(&job.identity, Phase::Running).weather(move |_, _| kind);
            world.now = begins;
            let outcome = world.run(&plan);
            assert_eq!(outcome.failure.is_some(), fails, "{by:?}, {kind:?}, {on_delete_error:?}: {outcome:?}");
            assert!(fails || !outcome.notes.is_empty());
        }
    }
}

#[test]
fn a_run_that_cannot_be_stopped_does_not_keep_others_from_it() {
    let steps = Place::EmrSteps("j-1ABC".to_owned());
    let jobs = [wanted_at(&steps, "pi.py", "r1"), wanted_at(&steps, "pi.py", "r2"), wanted_at(&steps, "pi.py", "r3")];
    for (stuck, kind) in (0..3).flat_map(|stuck| [(stuck, Kind::Unavailable), (stuck, Kind::Futile)]) {
        let mut world =
            jobs.iter().fold(World::at(steps.clone()), |world, job| world.with(&job.identity, Phase::Running));
        let id = world.reference(stuck, "").id;
        world.weather = Box::new(move |action, _| {
            let is_it = matches!(action, Action::Cancel(run, _) if run.id == id);
            is_it.then_some(kind)
        });
        let identity = jobs[0].identity.clone();
        let goal = Target::Search { place: steps.clone(), identity, by: Lookup::Owner, made_since: None, spared: None };
        let outcome = world.run(&plan(Goal::Stop(goal), Management::default()));
        assert!(outcome.failure.is_some());
        // What was asked takes a moment.
        world.now = world.now + Duration::from_secs(5);
        assert_eq!(world.alive(), [jobs[stuck].identity.name()], "{kind:?}");
    }
}

#[test]
fn each_run_that_does_not_heed_is_asked_again_in_its_turn() {
    let steps = Place::EmrSteps("j-1ABC".to_owned());
    let jobs = [wanted_at(&steps, "pi.py", "r1"), wanted_at(&steps, "pi.py", "r2")];
    let mut world = jobs.iter().fold(World::at(steps.clone()), |world, job| world.with(&job.identity, Phase::Running));
    world.runs.iter_mut().for_each(|fate| fate.deaf = true);
    let identity = jobs[0].identity.clone();
    let goal = Target::Search { place: steps.clone(), identity, by: Lookup::Owner, made_since: None, spared: None };
    assert!(world.run(&plan(Goal::Stop(goal), Management::default())).failure.is_some());
    let asked =
        |id: &str| world.actions.iter().filter(|it| matches!(it, Action::Cancel(run, _) if run.id == id)).count();
    assert!(asked("s-0") > 10 && asked("s-0").abs_diff(asked("s-1")) <= 1, "{} and {}", asked("s-0"), asked("s-1"));
}

/// A step that is over may have left its application alive. Elsewhere what is over is just that.
#[test]
fn steps_are_searched_for_as_long_as_they_may_have_been_there() {
    let minutes = |minutes| BEGIN.before(Duration::from_mins(minutes));
    let made = minutes(2 * 24 * 60);
    for (place, made_since, since) in [
        (Place::EmrSteps("j-1ABC".to_owned()), None, minutes(7 * 24 * 60)),
        (Place::EmrSteps("j-1ABC".to_owned()), Some(made), made.before(Duration::from_mins(5))),
        (Place::EmrSteps("j-1ABC".to_owned()), Some(BEGIN), minutes(5)),
        (Place::EmrSteps("j-1ABC".to_owned()), Some(minutes(30 * 24 * 60)), minutes(7 * 24 * 60)),
        (Place::EmrServerless("00f1".to_owned()), Some(made), minutes(5)),
        (place(), None, minutes(5)),
    ] {
        let identity = wanted_at(&place, "pi.py", "r1").identity;
        let target = Target::Search { place, identity, by: Lookup::Owner, made_since, spared: None };
        let plan = plan(Goal::Stop(target), Management::default());
        let looks_since = |state: &State| match next(&plan, state, BEGIN) {
            Action::Find(.., since) => since,
            other => panic!("no look: {other:?}"),
        };
        let first = State::begin(&plan, BEGIN);
        assert_eq!(looks_since(&first), since, "{made_since:?}");
        // What comes yet is young.
        let later = State { stage: Stage::Search { since: Some(BEGIN) }, ..first };
        assert_eq!(looks_since(&later), minutes(5), "{made_since:?}");
    }
}
