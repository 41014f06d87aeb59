//! A request that comes again as another try of its own: what came to nothing is made anew, what lives is adopted.

use std::time::Duration;

use super::world::{BEGIN, World, place, plan, wanted_at};
use crate::engine::{Kind, Lookup};
use crate::job::{Digest, Identity, Phase, Place, Timestamp};
use crate::lifecycle::{Action, Goal, Plan, State, Target, Wanted};
use crate::outcome::Made;
use crate::properties::{Management, WaitFor};

/// When the request is tried again: an hour after a run of it was made, at `BEGIN`.
fn again() -> Timestamp {
    BEGIN + Duration::from_hours(1)
}

fn places() -> [Place; 3] {
    [Place::EmrOnEks("vc".to_owned()), Place::EmrServerless("00f1".to_owned()), Place::EmrSteps("j-1ABC".to_owned())]
}

fn dated(place: &Place, file: &str) -> Wanted {
    let Wanted { job, identity } = wanted_at(place, file, "r2");
    Wanted { job, identity: Identity { dated: Some(Digest::of(&["dated"])), ..identity } }
}

fn create(wanted: &Wanted) -> Plan {
    plan_of(wanted, Management::default())
}

fn plan_of(wanted: &Wanted, management: Management) -> Plan {
    let mut plan = plan(Goal::Run(wanted.clone()), management);
    plan.deadlines = crate::lifecycle::Deadlines::between(again(), again() + Duration::from_hours(1));
    plan
}

fn world(wanted: &Wanted, phase: Phase) -> World {
    let mut world = World::at(wanted.job.place.clone()).with(&wanted.identity, phase);
    world.now = again();
    world
}

/// The name of the dated run.
fn anew(wanted: &Wanted) -> String {
    wanted.identity.anew().expect("tries are told apart").name()
}

#[test]
fn what_came_to_nothing_in_an_earlier_try_is_made_anew() {
    for place in places() {
        for phase in [Phase::Failed, Phase::Cancelled] {
            let wanted = dated(&place, "new.py");
            let mut world = world(&wanted, phase);
            let outcome = world.run(&create(&wanted));
            assert_eq!(outcome.failure, None, "{place}");
            assert_eq!(outcome.made, Made::Job(world.reference(1, &anew(&wanted))), "{place}");
            assert_eq!(world.alive(), [anew(&wanted)], "{place}");
        }
    }
}

#[test]
fn so_it_is_when_the_first_look_comes_first() {
    for place in places() {
        let wanted = dated(&place, "new.py");
        let mut world = world(&wanted, Phase::Failed);
        world.now = again() + Duration::from_mins(2);
        let outcome = world.run(&create(&wanted));
        assert_eq!((outcome.failure, world.alive()), (None, vec![&*anew(&wanted)]), "{place}");
        // A token shows it as well, to whoever submits.
        let story: &[_] =
            if place.starts_once() { &["find own", "start"] } else { &["find own", "find spec", "start"] };
        assert!(world.story().starts_with(story), "{place}: {:?}", world.story());
    }
}

#[test]
fn what_lives_or_has_succeeded_is_adopted() {
    for place in places() {
        for phase in [Phase::Waiting, Phase::Running, Phase::Succeeded] {
            let wanted = dated(&place, "new.py");
            let mut world = world(&wanted, phase);
            world.runs[0].phases.push((again() + Duration::from_secs(7), Phase::Running));
            if phase == Phase::Succeeded {
                world.runs[0].phases.pop();
            }
            let outcome = world.run(&create(&wanted));
            assert_eq!(outcome.failure, None, "{place}, {phase:?}");
            assert_eq!(outcome.made, Made::Job(world.reference(0, &wanted.identity.name())), "{place}, {phase:?}");
            assert_eq!(world.runs.len(), 1, "{place}, {phase:?}");
        }
    }
}

/// The first look finds no room, so that this try submits under the name of the first one, and its answer is lost.
#[test]
fn what_this_try_may_have_submitted_is_not_taken_for_the_earlier_try_s() {
    let place = Place::EmrSteps("j-1ABC".to_owned());
    let wanted = dated(&place, "new.py");
    let mut world = world(&wanted, Phase::Failed);
    world.weather = Box::new(|action, now| match action {
        Action::Find(..) if now == again() => Some(Kind::Busy),
        Action::Start(_) => Some(Kind::Unclear),
        _ => None,
    });
    let state = world.run_until(&create(&wanted), |state| state.unseen.is_tried());
    // It takes effect a while later.
    world.runs[1].phases = vec![(again(), Phase::Gone), (again() + Duration::from_secs(20), Phase::Running)];
    let now = world.now;
    let outcome = world.go_on(&create(&wanted), state, now);
    assert_eq!((outcome.failure, world.submissions(), world.alive().len()), (None, 1, 1));
}

/// An earlier try, or another delivery, may be stopping it; Livy shows it as before until it is gone.
#[test]
fn what_another_one_has_submitted_to_livy_is_to_stay_before_it_is_answered_with() {
    for wait_for in [WaitFor::Submitted, WaitFor::Running] {
        for (ends, made) in [(None, 1), (Some(20), 2)] {
            let wanted = dated(&place(), "new.py");
            let plan = plan_of(&wanted, Management { wait_for, stable_seconds: Some(0), ..Management::default() });
            let mut world = world(&wanted, Phase::Running);
            let ends = ends.map(|seconds| (again() + Duration::from_secs(seconds), Phase::Gone));
            world.runs[0].phases.extend(ends);
            let outcome = world.run(&plan);
            assert_eq!((outcome.failure, world.runs.len()), (None, made), "{wait_for:?}, {ends:?}");
            assert_eq!(world.alive().len(), 1, "{wait_for:?}, {ends:?}");
            assert!(made == 2 || world.now == again() + Duration::from_secs(30), "{wait_for:?}: {:?}", world.now);
        }
    }
}

#[test]
fn what_another_one_has_submitted_to_livy_is_answered_with_at_the_last_look_although_it_was_not_seen_for_long() {
    let wanted = dated(&place(), "new.py");
    let plan = plan_of(&wanted, Management { wait_for: WaitFor::Submitted, ..Management::default() });
    let mut world = world(&wanted, Phase::Running);
    world.now = plan.deadlines.give_up.before(Duration::from_secs(10));
    assert_eq!(world.run(&plan).failure, None);
    assert!(world.now < plan.deadlines.give_up, "{:?}", world.now);
}

#[test]
fn a_job_of_this_very_try_that_failed_is_told() {
    for place in places() {
        let wanted = dated(&place, "new.py");
        let mut world = World::at(place.clone()).fate(&[(0, Phase::Failed)]);
        world.now = again();
        let outcome = world.run(&create(&wanted));
        assert!(outcome.failure.is_some(), "{place}");
        let runs = world.runs.len();
        // It is delivered once more.
        world.now = again() + Duration::from_mins(3);
        assert!(world.run(&create(&wanted)).failure.is_some(), "{place}");
        assert_eq!((runs, world.runs.len()), (1, 1), "{place}");
    }
}

#[test]
fn what_is_cancelled_while_another_try_watches_it_is_made_anew_and_what_fails_is_told() {
    for place in places() {
        for (phase, made) in [(Phase::Cancelled, 2), (Phase::Failed, 1)] {
            let wanted = dated(&place, "new.py");
            let mut world = world(&wanted, Phase::Waiting);
            world.runs[0].phases.push((again() + Duration::from_secs(40), phase));
            let outcome = world.run(&create(&wanted));
            assert_eq!((outcome.failure.is_none(), world.runs.len()), (made == 2, made), "{place}, {phase:?}");
        }
    }
}

#[test]
fn what_livy_forgets_while_another_try_watches_it_is_made_again_under_its_name() {
    let wanted = dated(&place(), "new.py");
    let mut world = world(&wanted, Phase::Waiting);
    world.untimed = true;
    world.runs[0].phases.push((again() + Duration::from_secs(40), Phase::Gone));
    let outcome = world.run(&create(&wanted));
    assert_eq!((outcome.failure, world.alive()), (None, vec![&*wanted.identity.name()]));
}

#[test]
fn what_a_try_between_the_first_and_this_one_has_made_is_adopted() {
    for place in places() {
        let wanted = dated(&place, "new.py");
        let second = Identity { token: Digest::of(&["dated otherwise"]), dated: None, ..wanted.identity.clone() };
        let mut world = world(&wanted, Phase::Failed).with(&second, Phase::Running);
        let outcome = world.run(&create(&wanted));
        assert_eq!(outcome.made, Made::Job(world.reference(1, &second.name())), "{place}: {:?}", world.story());
        assert_eq!(world.runs.len(), 2, "{place}");
    }
}

#[test]
fn what_another_request_has_made_and_somebody_cancels_is_told() {
    for place in [place()].into_iter().chain(places()) {
        let wanted = dated(&place, "new.py");
        let other = wanted_at(&place, "new.py", "r1");
        let gone = if place.is_livy() { Phase::Gone } else { Phase::Cancelled };
        let mut world = world(&other, Phase::Waiting);
        world.runs[0].phases.push((again() + Duration::from_secs(40), gone));
        let goal = Goal::Replace { wanted: wanted.clone(), old: None, present: None, stays_as: None };
        let outcome = world.run(&Plan { goal, ..create(&wanted) });
        assert!(outcome.failure.is_some(), "{place}");
        assert_eq!(world.runs.len(), 1, "{place}");
    }
}

#[test]
fn what_livy_forgets_of_this_very_try_is_told() {
    let wanted = dated(&place(), "new.py");
    let mut world = World::at(place()).fate(&[(0, Phase::Waiting), (40, Phase::Gone)]);
    (world.now, world.untimed) = (again(), true);
    let outcome = world.run(&create(&wanted));
    assert!(outcome.failure.is_some_and(|failure| failure.what.contains("disappeared")));
    assert_eq!(world.runs.len(), 1);
}

#[test]
fn the_other_try_delivered_again_is_the_same_run() {
    for place in places() {
        let wanted = dated(&place, "new.py");
        let mut world = world(&wanted, Phase::Cancelled);
        let first = world.run(&create(&wanted));
        world.now = again() + Duration::from_mins(3);
        let second = world.run(&create(&wanted));
        assert_eq!((first.made, world.runs.len()), (second.made, 2), "{place}");
    }
}

#[test]
fn a_step_of_the_other_try_that_died_is_found_again() {
    for place in places() {
        let wanted = dated(&place, "new.py");
        let plan = create(&wanted);
        let mut world = world(&wanted, Phase::Failed);
        // It submitted, and nobody knows.
        world.run_until(&plan, |state| state.own.is_some() && state.anew);
        let begun = State::begin(&plan, again()).alone();
        let now = world.now;
        let outcome = world.go_on(&plan, begun.repeated(&plan, true, BEGIN, now), now);
        assert_eq!((outcome.failure, world.runs.len()), (None, 2), "{place}");
    }
}

/// A step ends where the job that it followed is the request's no more, so that is what the next one begins with.
#[test]
fn a_step_that_died_of_making_a_job_anew_that_comes_late_makes_no_twin() {
    let place = Place::EmrSteps("j-1ABC".to_owned());
    let wanted = dated(&place, "new.py");
    let plan = create(&wanted);
    for late in [20, 60] {
        let mut world = world(&wanted, Phase::Waiting);
        world.runs[0].phases.push((again() + Duration::from_secs(40), Phase::Cancelled));
        let begun = State::begin(&plan, again()).alone();
        let mut had_job = false;
        let kept = world.run_until_or_done(&plan, begun, |state| {
            had_job |= state.own.is_some();
            had_job && state.own.is_none()
        });
        let now = world.now;
        let phases = vec![(now, Phase::Gone), (now + Duration::from_secs(late), Phase::Running)];
        world.runs.push(super::world::Fate { name: anew(&wanted), phases, silent: false, deaf: false });
        let outcome = world.go_on(&plan, kept.repeated(&plan, true, now, now), now);
        assert_eq!((outcome.failure, world.alive().len(), world.submissions()), (None, 1, 0), "{late} s late");
    }
}

#[test]
fn a_lost_submission_is_not_taken_for_another_try() {
    for place in places() {
        let wanted = dated(&place, "new.py");
        let mut world = world(&wanted, Phase::Failed);
        world.weather = Box::new(|action, now| {
            (matches!(action, Action::Start(_)) && now < again() + Duration::from_secs(3)).then_some(Kind::Unclear)
        });
        let outcome = world.run(&create(&wanted));
        assert_eq!(outcome.failure, None, "{place}");
        assert_eq!(world.alive().len(), 1, "{place}: {:?}", world.alive());
    }
}

/// Livy tells no times.
#[test]
fn on_livy_a_job_that_failed_is_told_and_one_that_was_cancelled_is_made_again() {
    let wanted = dated(&place(), "new.py");
    let mut failed = world(&wanted, Phase::Failed);
    assert!(failed.run(&create(&wanted)).failure.is_some());
    assert_eq!(failed.submissions(), 0);
    let mut cancelled = world(&wanted, Phase::Gone);
    assert_eq!(cancelled.run(&create(&wanted)).failure, None);
    assert_eq!(cancelled.alive(), [wanted.identity.name()]);
}

#[test]
fn a_marker_s_delete_stops_what_any_try_has_made() {
    for place in places() {
        let wanted = dated(&place, "new.py");
        let identity = Identity { spec: Digest::of(&[]), ..wanted.identity.clone() };
        let target =
            Target::Search { place: place.clone(), identity, by: Lookup::Token, made_since: None, spared: None };
        let delete = plan(Goal::Stop(target), Management::default());
        for live in [&wanted.identity, &wanted.identity.anew().expect("dated")] {
            let mut world = World::at(place.clone()).with(live, Phase::Running);
            assert_eq!((world.run(&delete).failure, world.alive().len()), (None, 0), "{place}");
        }
        // The first is dead, so the second may be under way.
        let mut world = World::at(place.clone()).with(&wanted.identity, Phase::Failed);
        world.runs.push(super::world::Fate {
            name: anew(&wanted),
            phases: vec![(BEGIN, Phase::Gone), (BEGIN + Duration::from_mins(1), Phase::Running)],
            silent: false,
            deaf: false,
        });
        assert_eq!((world.run(&delete).failure, world.alive().len()), (None, 0), "{place}");
    }
}
