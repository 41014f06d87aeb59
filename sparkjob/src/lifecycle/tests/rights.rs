//! What is denied: a right that is missing, or one that takes effect with a delay.

use std::time::Duration;

use super::world::{BEGIN, World, place, plan, wanted_at};
use crate::engine::Kind;
use crate::job::{Phase, Place, Timestamp};
use crate::lifecycle::{Action, Goal, Target};
use crate::outcome::{FailureKind, Made};
use crate::properties::{Management, OnDeleteError, UpdateStrategy, WaitFor};

/// One of each engine.
fn places() -> [Place; 4] {
    [
        place(),
        Place::EmrOnEks("0abc".to_owned()),
        Place::EmrServerless("00f1".to_owned()),
        Place::EmrSteps("j-1ABC".to_owned()),
    ]
}

/// A world in which all that `is_meant` is denied from `from` to `to`, in seconds.
fn denying(place: &Place, from: u64, to: u64, is_meant: fn(&Action) -> bool) -> World {
    let between = BEGIN + Duration::from_secs(from)..BEGIN + Duration::from_secs(to);
    World::at(place.clone())
        .weather(move |action, now| (is_meant(action) && between.contains(&now)).then_some(Kind::Denied))
}

fn until_done() -> Management {
    Management { wait_for: WaitFor::Succeeded, ..Management::default() }
}

#[test]
fn a_right_that_takes_effect_with_a_delay_is_waited_for() {
    for place in places() {
        let mut world = denying(&place, 0, 25, |_| true);
        let outcome = world.run(&plan(Goal::Run(wanted_at(&place, "pi.py", "r1")), Management::default()));
        assert_eq!((outcome.failure, world.submissions() > 0, world.runs.len()), (None, true, 1), "{place}");
    }
}

#[test]
fn a_right_that_is_missing_is_told_within_a_minute_whichever_it_is() {
    let rights: [fn(&Action) -> bool; 4] = [
        |_| true,
        |action| matches!(action, Action::Start(_)),
        |action| matches!(action, Action::Describe(_)),
        |action| matches!(action, Action::Describe(_) | Action::Cancel(..)),
    ];
    for place in places() {
        for (right, is_meant) in rights.into_iter().enumerate() {
            let mut world = denying(&place, 0, u64::MAX / 1_000_000, is_meant);
            let outcome = world.run(&plan(Goal::Run(wanted_at(&place, "pi.py", "r1")), until_done()));
            assert_eq!(outcome.failure.map(|failure| failure.kind), Some(FailureKind::Denied), "{place}, {right}");
            let took = world.now.since(BEGIN);
            assert!(took < Duration::from_secs(75), "{place}, {right}: {took:?}");
            assert_eq!(outcome.made == Made::Nothing, right < 2, "{place}, {right}");
            // What may be stopped is stopped.
            assert_eq!(world.alive().len(), usize::from(right == 3), "{place}, {right}");
        }
    }
}

#[test]
fn what_is_denied_after_other_trouble_has_been_denied_only_since() {
    for (place, (from, minutes)) in
        places().into_iter().flat_map(|place| [(0, 2), (0, 5), (60, 5)].map(|time| (place.clone(), time)))
    {
        let weather = move |_: &Action, now: Timestamp| match now.since(BEGIN).as_secs().checked_sub(from) {
            Some(seconds) if seconds < 60 * minutes => Some(Kind::Unavailable),
            Some(seconds) if seconds < 60 * minutes + 20 => Some(Kind::Denied),
            _ => None,
        };
        let mut world = World::at(place.clone()).weather(weather).fate(&[(0, Phase::Running), (600, Phase::Succeeded)]);
        let outcome = world.run(&plan(Goal::Run(wanted_at(&place, "pi.py", "r1")), until_done()));
        assert_eq!((outcome.failure, world.runs.len()), (None, 1), "{place}, {from} s, {minutes} min");
    }
}

#[test]
fn a_job_that_was_followed_for_hours_is_not_failed_by_a_moment_without_the_right() {
    for place in places() {
        let mut world =
            denying(&place, 1800, 1800 + 240, |_| true).fate(&[(0, Phase::Running), (2400, Phase::Succeeded)]);
        let outcome = world.run(&plan(Goal::Run(wanted_at(&place, "pi.py", "r1")), until_done()));
        assert_eq!(outcome.failure, None, "{place}");
    }
}

#[test]
fn a_job_that_may_not_be_looked_at_any_more_is_told_as_denied() {
    for place in places() {
        let mut world =
            denying(&place, 1800, 7200, |action| matches!(action, Action::Describe(_))).fate(&[(0, Phase::Running)]);
        let failure = world.run(&plan(Goal::Run(wanted_at(&place, "pi.py", "r1")), until_done())).failure;
        let failure = failure.expect("a failure");
        assert_eq!(failure.kind, FailureKind::Denied, "{place}");
        assert!(failure.what.contains("cannot be followed any longer"), "{failure:?}");
    }
}

#[test]
fn a_delete_that_is_denied_is_for_on_delete_error_to_decide_within_a_minute() {
    for place in places() {
        let job = wanted_at(&place, "pi.py", "r1");
        for (on_delete_error, kind) in [(OnDeleteError::Fail, Some(FailureKind::Denied)), (OnDeleteError::Ignore, None)]
        {
            let mut world = denying(&place, 0, 7200, |_| true).with(&job.identity, Phase::Running);
            let goal = Goal::Stop(Target::Run(world.reference(0, &job.identity.name())));
            let management = Management { on_delete_error, ..Management::default() };
            let outcome = world.run(&plan(goal, management));
            assert_eq!(outcome.failure.map(|failure| failure.kind), kind, "{place}");
            assert!(world.now < BEGIN + Duration::from_mins(1), "{place}");
        }
    }
}

#[test]
fn a_stop_that_is_under_way_outlasts_a_moment_without_the_right() {
    for place in places() {
        let job = wanted_at(&place, "pi.py", "r1");
        let mut world = denying(&place, 100, 300, |_| true).with(&job.identity, Phase::Running);
        // It is ending, and goes on doing so.
        world.runs[0].deaf = true;
        let goal = Goal::Stop(Target::Run(world.reference(0, &job.identity.name())));
        let failure = world.run(&plan(goal, Management::default())).failure.expect("a failure");
        assert!(failure.what.starts_with("Not stopped in time"), "{failure:?}");
    }
}

#[test]
fn a_wait_for_the_old_jobs_end_outlasts_a_moment_without_the_right() {
    for place in places() {
        let (old, new) = (wanted_at(&place, "old.py", "r1"), wanted_at(&place, "new.py", "r2"));
        let mut world = denying(&place, 300, 500, |_| true).with(&old.identity, Phase::Running);
        world.runs[0].phases.push((BEGIN + Duration::from_mins(10), Phase::Succeeded));
        let goal = Goal::Replace {
            wanted: new,
            old: Some(Box::new(old.clone().into())),
            present: Some(world.reference(0, &old.identity.name())),
            stays_as: None,
        };
        let update_strategy = UpdateStrategy::FinishThenStart;
        let outcome = world.run(&plan(goal, Management { update_strategy, ..Management::default() }));
        assert_eq!((outcome.failure, world.submissions()), (None, 1), "{place}");
    }
}
