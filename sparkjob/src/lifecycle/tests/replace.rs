//! Another job in place of the present one, in the order that the contract gives.

use std::time::Duration;

use super::world::{BEGIN, World, plan, reference, wanted, wanted_at};
use crate::engine::{Kind, Lookup};
use crate::job::{Phase, Place, RunRef};
use crate::lifecycle::{Action, Goal, Plan, Wanted};
use crate::outcome::Made;
use crate::properties::{Management, OnDeleteError, OnTimeout, UpdateStrategy, WaitFor};

/// The present job is run 0 of every world here.
pub(super) fn replace(strategy: UpdateStrategy, old: &Wanted, new: &Wanted) -> Plan {
    replacing(Management { update_strategy: strategy, ..Management::default() }, old, new)
}

fn replacing(management: Management, old: &Wanted, new: &Wanted) -> Plan {
    let goal = Goal::Replace {
        wanted: new.clone(),
        old: Some(Box::new(old.clone().into())),
        present: Some(present(old)),
        stays_as: None,
    };
    plan(goal, management)
}

fn present(old: &Wanted) -> RunRef {
    reference(0, &old.identity.name())
}

pub(super) fn jobs() -> (Wanted, Wanted) {
    (wanted("old.py", "r1"), wanted("new.py", "r2"))
}

#[test]
fn the_old_job_is_over_before_the_new_one_is_submitted() {
    let (old, new) = jobs();
    let mut world = World::new().with(&old.identity, Phase::Running);
    let outcome = world.run(&replace(UpdateStrategy::StopThenStart, &old, &new));
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.made, Made::Job(reference(1, &new.identity.name())));
    assert_eq!(world.story(), ["find own", "find spec", "cancel", "look", "start", "look", "report"]);
    assert_eq!(world.alive(), [new.identity.name()]);
}

#[test]
fn the_old_job_is_left_to_finish_where_that_is_asked_for() {
    let (old, new) = jobs();
    let mut world = World::new().with(&old.identity, Phase::Running);
    world.runs[0].phases.push((BEGIN + Duration::from_mins(10), Phase::Succeeded));
    let outcome = world.run(&replace(UpdateStrategy::FinishThenStart, &old, &new));
    assert_eq!(outcome.failure, None);
    assert_eq!(world.story(), ["find own", "find spec", "look", "start", "look", "report"]);
}

#[test]
fn an_old_job_that_does_not_finish_in_half_of_the_time_is_left_alone() {
    let (old, new) = jobs();
    let mut world = World::new().with(&old.identity, Phase::Running);
    let outcome = world.run(&replace(UpdateStrategy::FinishThenStart, &old, &new));
    assert!(outcome.failure.is_some());
    assert_eq!(world.submissions(), 0);
    assert_eq!(world.alive(), [old.identity.name()]);
    let took = world.now.since(BEGIN).as_secs();
    assert!((1800..1830).contains(&took), "took {took} s");
}

#[test]
fn the_new_job_is_up_before_the_clean_up_stops_the_old_one() {
    let (old, new) = jobs();
    let mut world = World::new().with(&old.identity, Phase::Running);
    let outcome = world.run(&replace(UpdateStrategy::StartThenStop, &old, &new));
    assert_eq!(outcome.made, Made::Job(reference(1, &new.identity.name())));
    assert_eq!(world.story(), ["find own", "find spec", "start", "look", "find spec", "report"]);
    assert_eq!(world.alive().len(), 2);
}

#[test]
fn a_new_job_that_fails_leaves_the_old_one_running_where_it_started_first() {
    let (old, new) = jobs();
    let mut world = World::new().with(&old.identity, Phase::Running).fate(&[(0, Phase::Failed)]);
    let outcome = world.run(&replace(UpdateStrategy::StartThenStop, &old, &new));
    assert!(outcome.failure.is_some());
    assert_eq!(world.alive(), [old.identity.name()]);
}

#[test]
fn a_live_job_of_the_wanted_description_is_kept() {
    let (old, new) = jobs();
    let earlier = wanted("new.py", "r0");
    let mut world = World::new().with(&old.identity, Phase::Running).with(&earlier.identity, Phase::Running);
    let outcome = world.run(&replace(UpdateStrategy::StopThenStart, &old, &new));
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.made, Made::Job(reference(1, &earlier.identity.name())));
    assert_eq!(world.submissions(), 0);
}

#[test]
fn a_finished_job_of_the_wanted_description_is_not_kept() {
    let (old, new) = jobs();
    let earlier = wanted("new.py", "r0");
    let mut world = World::new().with(&old.identity, Phase::Running).with(&earlier.identity, Phase::Succeeded);
    let outcome = world.run(&replace(UpdateStrategy::StopThenStart, &old, &new));
    assert_eq!(outcome.made, Made::Job(reference(2, &new.identity.name())));
}

#[test]
fn what_a_lost_update_left_behind_is_over_before_anything_is_submitted() {
    let (old, new) = jobs();
    let lost = wanted("old.py", "lost");
    for strategy in [UpdateStrategy::StopThenStart, UpdateStrategy::FinishThenStart] {
        let mut world = World::new().with(&old.identity, Phase::Running).with(&lost.identity, Phase::Running);
        world.runs[0].phases.push((BEGIN + Duration::from_mins(1), Phase::Succeeded));
        let outcome = world.run(&replace(strategy, &old, &new));
        assert_eq!(outcome.failure, None);
        let started = world.actions.iter().position(|action| matches!(action, Action::Start(_)));
        let cancelled = world.actions.iter().position(
            |action| matches!(action, Action::Cancel(run, _) if run.name.as_deref() == Some(&lost.identity.name())),
        );
        assert!(cancelled.is_some() && cancelled < started, "{strategy:?}");
        assert_eq!(world.alive(), [new.identity.name()]);
    }
}

#[test]
fn what_a_lost_update_left_behind_is_over_before_the_answer_where_the_new_job_starts_first() {
    let (old, new) = jobs();
    let lost = wanted("old.py", "lost");
    let mut world = World::new().with(&old.identity, Phase::Running).with(&lost.identity, Phase::Running);
    let outcome = world.run(&replace(UpdateStrategy::StartThenStop, &old, &new));
    assert_eq!(outcome.failure, None);
    assert_eq!(world.phase(&lost.identity.name()), Phase::Gone);
    assert_eq!(world.alive().len(), 2);
}

#[test]
fn an_old_engine_that_cannot_be_reached_is_for_on_delete_error_to_decide() {
    let (old, new) = jobs();
    for (on_delete_error, submissions) in [(OnDeleteError::Fail, 0), (OnDeleteError::Ignore, 1)] {
        let management = Management { on_delete_error, ..Management::default() };
        let mut world = World::new()
            .with(&old.identity, Phase::Running)
            .weather(|action, _| matches!(action, Action::Cancel(..)).then_some(Kind::Unavailable));
        let outcome = world.run(&replacing(management, &old, &new));
        assert_eq!(outcome.failure.is_some(), submissions == 0);
        assert_eq!(world.submissions(), submissions);
        assert_eq!(outcome.notes.is_empty(), submissions == 0);
    }
}

/// Where the description moved before without its job, as that was to wait.
#[test]
fn a_present_job_elsewhere_is_stopped_although_it_is_not_known_what_was_left_behind_where_the_old_one_was_to_be() {
    let (present, new) = jobs();
    let place = Place::EmrSteps("j-1".to_owned());
    let old = wanted_at(&place, "old.py", "r1");
    let is_away =
        |action: &Action, _| matches!(action, Action::Find(Place::EmrSteps(_), ..)).then_some(Kind::Unavailable);
    let mut world = World::new().with(&present.identity, Phase::Running).weather(is_away);
    let goal = Goal::Replace {
        wanted: new.clone(),
        old: Some(Box::new(old.into())),
        present: Some(self::present(&present)),
        stays_as: None,
    };
    let outcome =
        world.run(&plan(goal, Management { on_delete_error: OnDeleteError::Ignore, ..Management::default() }));
    assert_eq!((outcome.failure, world.alive()), (None, vec![&*new.identity.name()]));
}

#[test]
fn an_update_back_to_the_present_job_keeps_it_although_the_other_engine_is_away() {
    // The failed update named an address where nobody listens; this one takes it back.
    let (mistyped, original) = (wanted("new.py", "r2"), wanted("old.py", "r1"));
    let spec = mistyped.identity.spec;
    let mut world = World::new().with(&original.identity, Phase::Running).weather(move |action, _| match action {
        Action::Find(_, identity, Lookup::Spec, _) if identity.spec == spec => Some(Kind::Unavailable),
        _ => None,
    });
    let back = Wanted { identity: wanted("old.py", "r3").identity, ..original.clone() };
    let goal = Goal::Replace {
        wanted: back,
        old: Some(Box::new(mistyped.into())),
        present: Some(present(&original)),
        stays_as: None,
    };
    let outcome = world.run(&plan(goal, Management::default()));
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.made, Made::Job(present(&original)));
    assert_eq!(outcome.notes.len(), 1);
    assert_eq!(world.submissions(), 0);
}

#[test]
fn the_same_update_again_finds_its_job_and_stops_nothing() {
    let (old, new) = jobs();
    let mut world = World::new().with(&old.identity, Phase::Running).with(&new.identity, Phase::Running);
    let outcome = world.run(&replace(UpdateStrategy::StopThenStart, &old, &new));
    assert_eq!(outcome.made, Made::Job(reference(1, &new.identity.name())));
    assert_eq!(world.story(), ["find own", "look", "report"]);
}

#[test]
fn without_a_present_job_the_new_one_is_simply_started() {
    let (old, new) = jobs();
    let goal = Goal::Replace { wanted: new, old: Some(Box::new(old.into())), present: None, stays_as: None };
    let mut world = World::new();
    let outcome = world.run(&plan(goal, Management { wait_for: WaitFor::Submitted, ..Management::default() }));
    assert_eq!(outcome.failure, None);
    assert_eq!(world.story(), ["find own", "find spec", "start", "look", "report"]);
}

#[test]
fn keeping_the_present_job_looks_once() {
    let (old, _) = jobs();
    let mut world = World::new().with(&old.identity, Phase::Running);
    let outcome =
        world.run(&plan(Goal::Keep { run: present(&old), retag: None, is_back: false }, Management::default()));
    assert_eq!(outcome.failure, None);
    assert_eq!(world.story(), ["look", "report"]);
}

#[test]
fn keeping_succeeds_where_the_engine_has_forgotten_the_job_or_cannot_be_reached() {
    let (old, _) = jobs();
    let keep = plan(Goal::Keep { run: present(&old), retag: None, is_back: false }, Management::default());
    let forgotten = World::new().run(&keep);
    let unreachable = World::new().weather(|_, _| Some(Kind::Unavailable)).run(&keep);
    for outcome in [forgotten, unreachable] {
        assert_eq!(outcome.failure, None);
        assert_eq!(outcome.made, Made::Job(present(&old)));
        assert_eq!(outcome.notes.len(), 1);
    }
}

#[test]
fn a_name_without_a_job_is_not_kept_but_removed() {
    let (old, new) = jobs();
    let earlier = wanted("new.py", "r0");
    let mut world = World::new().with(&old.identity, Phase::Running).with(&earlier.identity, Phase::Waiting);
    world.runs[1].silent = true;
    let outcome = world.run(&replace(UpdateStrategy::StopThenStart, &old, &new));
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.made, Made::Job(reference(2, &new.identity.name())));
    assert_eq!(world.alive(), [new.identity.name()]);
}

#[test]
fn what_was_left_behind_is_stopped_also_where_the_new_job_is_accepted_at_the_deadline() {
    let (old, new) = jobs();
    let lost = wanted("old.py", "lost");
    let management = Management {
        update_strategy: UpdateStrategy::StartThenStop,
        wait_for: WaitFor::Succeeded,
        on_timeout: OnTimeout::Accept,
        ..Management::default()
    };
    let mut world = World::new().with(&old.identity, Phase::Running).with(&lost.identity, Phase::Running);
    let outcome = world.run(&replacing(management, &old, &new));
    assert_eq!(outcome.failure, None);
    assert_eq!(world.phase(&lost.identity.name()), Phase::Gone);
    assert_eq!(world.alive().len(), 2);
}
