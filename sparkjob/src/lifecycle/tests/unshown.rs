//! Runs that their engine does not show: not yet, not any more, or never.

use std::time::Duration;

use super::world::{BEGIN, World, place, plan, wanted_at};
use crate::job::{Phase, Place, Status};
use crate::lifecycle::{Deadlines, Goal, Plan, Seen, Stage, State, Target, Wanted, learn};
use crate::outcome::Made;
use crate::properties::{Management, UpdateStrategy, WaitFor};

/// Those that may show a run late.
fn late_places() -> [Place; 3] {
    [Place::EmrOnEks("0abc".to_owned()), Place::EmrServerless("00f1".to_owned()), Place::EmrSteps("j-1ABC".to_owned())]
}

/// A world with one run, and the plan to delete it.
fn delete(place: &Place) -> (World, Plan) {
    let job = wanted_at(place, "pi.py", "r1");
    let world = World::at(place.clone()).with(&job.identity, Phase::Running);
    let run = world.reference(0, &job.identity.name());
    (world, plan(Goal::Stop(Target::Run(run)), Management::default()))
}

/// The plan to replace the one run there is.
fn replace(world: &World, old: &Wanted, update_strategy: UpdateStrategy) -> Plan {
    let goal = Goal::Replace {
        wanted: wanted_at(&world.place, "new.py", "r2"),
        old: Some(Box::new(old.clone().into())),
        present: Some(world.reference(0, &old.identity.name())),
        stays_as: None,
    };
    plan(goal, Management { update_strategy, wait_for: WaitFor::Submitted, ..Management::default() })
}

#[test]
fn a_delete_asks_a_run_again_that_is_not_shown_yet() {
    for place in late_places() {
        for hidden in [3, 20, 55] {
            let (mut world, plan) = delete(&place);
            world.hidden = Duration::from_secs(hidden);
            assert_eq!(world.run(&plan).failure, None, "{place}, {hidden}");
            assert!(world.alive().is_empty() && world.cancels() > 1, "{place}, {hidden}");
        }
    }
}

#[test]
fn a_delete_believes_after_a_minute_that_a_run_never_was() {
    for place in late_places() {
        let (mut world, plan) = delete(&place);
        world.hidden = Duration::MAX;
        assert_eq!(world.run(&plan).failure, None, "{place}");
        let took = world.now.since(BEGIN);
        assert!((60..62).contains(&took.as_secs()), "{place}: {took:?}");
        assert!((4..10).contains(&world.cancels()), "{place}: asked {} times", world.cancels());
    }
}

#[test]
fn a_delete_with_little_time_believes_it_in_time() {
    for place in late_places() {
        let (mut world, mut plan) = delete(&place);
        plan.deadlines = Deadlines::between(BEGIN, BEGIN + Duration::from_mins(1));
        world.hidden = Duration::MAX;
        assert_eq!(world.run(&plan).failure, None, "{place}");
    }
}

#[test]
fn with_its_place_and_on_livy_a_run_is_gone_at_once() {
    for place in late_places() {
        let (mut world, plan) = delete(&place);
        world.place_gone = true;
        assert_eq!(world.run(&plan).failure, None, "{place}");
        assert!(world.now < BEGIN + Duration::from_secs(10), "{place}");
    }
    let (mut world, plan) = delete(&place());
    world.hidden = Duration::MAX;
    assert_eq!(world.run(&plan).failure, None);
    assert_eq!((world.now, world.story()), (BEGIN, vec!["cancel", "look"]));
}

#[test]
fn what_was_shown_once_is_gone_as_soon_as_it_is_not_there() {
    for place in late_places() {
        let (_, plan) = delete(&place);
        let after = |state, seen| learn(&plan, state, BEGIN, seen);
        let described = |status| Seen::Described(Ok(vec![status]));
        let is_done = |state: &State| matches!(state.stage, Stage::Done(_));
        let Goal::Stop(Target::Run(run)) = &plan.goal else { panic!("one run is stopped") };
        let state = after(State::begin(&plan, BEGIN), Seen::Cancelled(run.clone(), Ok(())));
        let state = after(state, described(Status::gone()));
        assert!(!is_done(&state), "{place}");
        let state = after(state, described(Status { phase: Phase::Ending, ..Status::gone() }));
        assert!(!is_done(&state), "{place}");
        assert!(is_done(&after(state, described(Status::gone()))), "{place}");
    }
}

#[test]
fn an_old_job_that_is_not_shown_yet_does_not_meet_the_new_one() {
    for place in late_places() {
        for strategy in [UpdateStrategy::StopThenStart, UpdateStrategy::FinishThenStart] {
            let old = wanted_at(&place, "old.py", "r1");
            let mut world = World::at(place.clone()).with(&old.identity, Phase::Running);
            if strategy == UpdateStrategy::FinishThenStart {
                world.runs[0].phases.push((BEGIN + Duration::from_mins(5), Phase::Succeeded));
            }
            world.hidden = Duration::from_secs(40);
            world.unlisted = Some(0);
            let outcome = world.run(&replace(&world, &old, strategy));
            assert_eq!(outcome.failure, None, "{place}, {strategy:?}");
            let begun = world.runs[1].phases[0].0;
            let over = world.runs[0].phases.iter().find(|(_, phase)| phase.is_over()).map(|(at, _)| *at);
            assert!(over.is_some_and(|over| over <= begun), "{place}, {strategy:?}: {over:?}, {begun:?}");
            // One that never was is waited for no longer than a minute.
            let mut world = World::at(place.clone()).with(&old.identity, Phase::Running);
            (world.hidden, world.unlisted) = (Duration::MAX, Some(0));
            world.run(&replace(&world, &old, strategy));
            let waited = world.runs[1].phases[0].0.since(BEGIN);
            assert!((60..70).contains(&waited.as_secs()), "{place}, {strategy:?}: {waited:?}");
        }
    }
}

#[test]
fn an_old_job_that_went_with_its_place_is_not_waited_for() {
    for strategy in [UpdateStrategy::StopThenStart, UpdateStrategy::FinishThenStart] {
        for place in late_places() {
            let old = wanted_at(&place, "old.py", "r1");
            let mut world = World::at(place.clone()).with(&old.identity, Phase::Running);
            (world.place_gone, world.unlisted) = (true, Some(0));
            world.run(&replace(&world, &old, strategy));
            let waited = world.runs[1].phases[0].0.since(BEGIN);
            assert!(waited < Duration::from_secs(20), "{place}, {strategy:?}: {waited:?}");
        }
    }
}

#[test]
fn a_step_that_no_listing_ever_shows_gives_way_to_its_twin_that_is_listed() {
    // The other delivery had submitted its own before this one did. This one's can be seen late or never.
    let steps = Place::EmrSteps("j-1ABC".to_owned());
    for hidden in [Duration::ZERO, Duration::from_secs(100), Duration::from_mins(30)] {
        let wanted = wanted_at(&steps, "pi.py", "r1");
        let mut world = World::at(steps.clone()).with(&wanted.identity, Phase::Running);
        // The look before the submission does not show the other one, either.
        (world.stale, world.unlisted, world.hidden) = (1, Some(1), hidden);
        world.runs[0].phases[0].0 = BEGIN.before(Duration::from_hours(1));
        let management = Management { wait_for: WaitFor::Submitted, ..Management::default() };
        let outcome = world.run(&plan(Goal::Run(wanted.clone()), management));
        assert_eq!(outcome.failure, None, "{hidden:?}");
        assert_eq!(outcome.made, Made::Job(world.reference(0, &wanted.identity.name())), "{hidden:?}");
        assert_eq!(world.runs.len(), 2);
        // What is never shown cannot be stopped.
        if hidden < Duration::from_mins(30) {
            assert_eq!(world.alive().len(), 1, "{hidden:?}");
        }
    }
}

#[test]
fn of_twins_of_which_no_more_is_told_every_invocation_chooses_the_same() {
    let wanted = wanted_at(&Place::EmrSteps("j-1ABC".to_owned()), "pi.py", "r1");
    for newest_first in [true, false] {
        let mut world = World::at(wanted.job.place.clone())
            .with(&wanted.identity, Phase::Running)
            .with(&wanted.identity, Phase::Running);
        (world.untimed, world.oldest_first) = (true, !newest_first);
        let outcome = world.run(&plan(Goal::Run(wanted.clone()), Management::default()));
        assert_eq!(outcome.made, Made::Job(world.reference(0, &wanted.identity.name())));
        assert_eq!(world.alive().len(), 1);
    }
}
