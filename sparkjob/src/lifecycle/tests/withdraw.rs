//! A request that nobody waits for any more: what it alone has submitted is cancelled, nothing else is touched.

use std::time::Duration;

use super::world::{BEGIN, Fate, World, plan, reference, wanted, wanted_at};
use crate::engine::{Kind, Trouble};
use crate::job::{Phase, Place, Status};
use crate::lifecycle::state::{Own, Purpose, Stopping};
use crate::lifecycle::{Action, Goal, Plan, Seen, Stage, State, Unseen, failure, learn, leave, withdraw};
use crate::properties::{Management, OnDeleteError, UpdateStrategy};

/// Withdraws `state`; what comes of it is told to nobody, whatever it is.
fn withdrawn(world: &mut World, plan: &Plan, state: State) {
    let now = world.now;
    let outcome = world.go_on(plan, withdraw(plan, state, None, now), now);
    assert!(outcome.is_withdrawn(), "{outcome:?}");
}

fn create() -> Plan {
    plan(Goal::Run(wanted("new.py", "r2")), Management::default())
}

fn update(strategy: UpdateStrategy) -> Plan {
    let (old, new) = (wanted("old.py", "r1"), wanted("new.py", "r2"));
    let goal = Goal::Replace {
        present: Some(reference(0, &old.identity.name())),
        wanted: new,
        old: Some(Box::new(old.into())),
        stays_as: None,
    };
    plan(goal, Management { update_strategy: strategy, ..Management::default() })
}

fn is_followed(state: &State) -> bool {
    state.stage == Stage::Follow
}

#[test]
fn the_job_that_it_has_submitted_is_cancelled() {
    let plan = create();
    let mut world = World::new();
    let state = world.run_until(&plan, is_followed);
    withdrawn(&mut world, &plan, state);
    assert_eq!((world.submissions(), world.alive().len()), (1, 0));
}

/// Both were to be stopped at the deadline.
#[test]
fn of_twins_that_are_being_stopped_none_is_left_but_the_one_that_was_answered_with() {
    let place = Place::EmrSteps("j-1".to_owned());
    let new = wanted_at(&place, "new.py", "r2");
    let plan = plan(Goal::Run(new.clone()), Management::default());
    for (keeps, alive) in [(false, 0), (true, 1)] {
        let twice = World::at(place.clone()).with(&new.identity, Phase::Running);
        let mut world = twice.with(&new.identity, Phase::Running);
        let [own, twin] = [0, 1].map(|id| world.reference(id, &new.identity.name()));
        let runs = Stopping::all([twin, own.clone()]);
        let state = State {
            stage: Stage::Stop { runs, purpose: Purpose::Abandon(failure::of_state()) },
            own: Some(Own::new(own.clone(), true)),
            given_up: true,
            ..State::begin(&plan, BEGIN)
        };
        let outcome = world.go_on(&plan, withdraw(&plan, state, keeps.then_some(own), BEGIN), BEGIN);
        assert!(outcome.is_withdrawn(), "{outcome:?}");
        let asked = cancelled(&world);
        assert_eq!((world.alive().len(), asked.contains(&"s-0")), (alive, !keeps), "{asked:?}");
    }
}

/// Another delivery, or try, may have answered with it meanwhile.
#[test]
fn before_a_job_is_stopped_at_the_deadline_it_is_asked_whether_it_is_awaited() {
    let plan = create();
    let mut world = World::new().fate(&[(0, Phase::Waiting)]);
    let is_about_to_stop = |state: &State| matches!(state.stage, Stage::Stop { purpose: Purpose::Abandon(_), .. });
    let state = world.run_until(&plan, is_about_to_stop);
    assert!(state.given_up && state.is_to_be_confirmed(&plan, world.now));
    assert!(!state.clone().confirmed(world.now).is_to_be_confirmed(&plan, world.now));
    let own = state.own.clone().map(|own| own.run);
    let gone_on = withdraw(&plan, state, own, world.now);
    assert!(!gone_on.is_to_be_confirmed(&plan, world.now));
    let outcome = world.go_on(&plan, gone_on, world.now);
    assert!(outcome.is_withdrawn() && world.alive().len() == 1, "{outcome:?}");
}

/// Its answer was lost, and what another try has submitted was found and answered with.
#[test]
fn what_it_has_submitted_late_beside_the_job_of_another_try_is_stopped() {
    let place = Place::EmrSteps("j-1".to_owned());
    let plan = plan(Goal::Run(wanted_at(&place, "new.py", "r2")), Management::default());
    let mut world = World::at(place.clone());
    let state = world.run_until(&plan, is_followed);
    let kept = state.own.clone().map(|own| own.run);
    let mut unseen = Unseen::default();
    unseen.lose(world.now);
    let late = world.now + Duration::from_secs(100);
    let name = wanted_at(&place, "new.py", "r2").identity.name();
    world.runs.push(Fate {
        name,
        phases: vec![(BEGIN, Phase::Gone), (late, Phase::Running)],
        silent: false,
        deaf: false,
    });
    let now = world.now;
    let outcome = world.go_on(&plan, withdraw(&plan, State { unseen, ..state }, kept, now), now);
    assert!(outcome.is_withdrawn() && world.now >= late, "{outcome:?}");
    // Of the same name, it is the first that stays.
    assert!(world.alive().len() == 1 && matches!(world.actions.last(), Some(Action::Find(..))), "{:?}", world.actions);
    assert_eq!(cancelled(&world), [world.reference(1, "").id]);
}

#[test]
fn the_job_that_it_has_submitted_and_another_delivery_has_answered_with_stays() {
    let plan = create();
    for (kept, alive) in [("new.py", 1), ("old.py", 0)] {
        let mut world = World::new();
        let state = world.run_until(&plan, is_followed);
        let own = state.own.clone().expect("it is followed").run;
        let kept = if kept == "new.py" { own } else { reference(7, "old") };
        let now = world.now;
        let outcome = world.go_on(&plan, withdraw(&plan, state, Some(kept), now), now);
        assert!(outcome.is_withdrawn(), "{outcome:?}");
        assert_eq!((world.submissions(), world.alive().len()), (1, alive));
    }
}

#[test]
fn what_another_try_will_find_is_left_to_it() {
    let plan = create();
    for is_lost in [false, true] {
        let weather =
            move |action: &Action, _| (is_lost && matches!(action, Action::Start(_))).then_some(Kind::Unclear);
        let mut world = World::new().weather(weather);
        let state = world.run_until(&plan, |state| state.unseen.is_tried() || is_followed(state));
        let (before, now) = (world.actions.len(), world.now);
        let outcome = world.go_on(&plan, leave(&plan, state, now), now);
        assert!(outcome.is_withdrawn(), "{outcome:?}");
        assert_eq!((world.actions.len(), world.alive().len()), (before, 1));
    }
}

/// Steps have neither tokens nor names that are taken.
#[test]
fn of_what_both_tries_have_submitted_the_first_stays() {
    let place = Place::EmrSteps("j-1ABC".to_owned());
    let new = wanted_at(&place, "new.py", "r2");
    let plan = plan(Goal::Run(new.clone()), Management::default());
    // The other try's was not to be seen yet before this one submitted, and neither is a moment later.
    for stale in [1, 3] {
        let mut world = World::at(place.clone()).with(&new.identity, Phase::Running);
        world.stale = stale;
        let state = world.run_until(&plan, |state| state.own.is_some());
        let now = world.now;
        let outcome = world.go_on(&plan, leave(&plan, state, now), now);
        assert!(outcome.is_withdrawn(), "{outcome:?}");
        assert_eq!(cancelled(&world), ["s-1"], "{stale}");
        assert_eq!((world.submissions(), world.alive().len()), (1, 1), "{stale}");
    }
}

/// It had just begun to stop its own beside the other try's when it learnt that nobody waits for either.
#[test]
fn of_what_both_tries_have_submitted_none_stays_where_nobody_waits() {
    let (mut world, plan, state) = stopping_a_twin(OnDeleteError::default());
    withdrawn(&mut world, &plan, state);
    assert_eq!((world.submissions(), world.alive().len()), (1, 0));
}

#[test]
fn of_what_both_tries_have_submitted_what_is_counted_on_stays() {
    let (mut world, plan, state) = stopping_a_twin(OnDeleteError::default());
    let (kept, now) = (world.reference(1, &world.runs[1].name), world.now);
    let outcome = world.go_on(&plan, withdraw(&plan, state, Some(kept), now), now);
    assert!(outcome.is_withdrawn(), "{outcome:?}");
    assert_eq!((cancelled(&world), world.alive().len()), (vec!["s-0"], 1));
}

/// Its own goes, whatever becomes of the other one.
#[test]
fn what_it_has_submitted_goes_although_its_twin_cannot_be_stopped() {
    for on_delete_error in [OnDeleteError::Fail, OnDeleteError::Ignore] {
        let (mut world, plan, state) = stopping_a_twin(on_delete_error);
        let is_twins = |action: &Action| matches!(action, Action::Cancel(run, _) if run.id == "s-1");
        world.weather = Box::new(move |action, _| is_twins(action).then_some(Kind::Denied));
        withdrawn(&mut world, &plan, state);
        assert_eq!(world.alive().len(), 1, "{on_delete_error:?}");
        assert!(cancelled(&world).contains(&"s-0"), "{on_delete_error:?}: {:?}", cancelled(&world));
    }
}

/// Somebody waits for it.
#[test]
fn a_twin_that_cannot_be_stopped_is_told_as_that() {
    let (mut world, plan, state) = stopping_a_twin(OnDeleteError::default());
    world.weather = Box::new(|action, _| matches!(action, Action::Cancel(..)).then_some(Kind::Denied));
    let now = world.now;
    let failure = world.go_on(&plan, state, now).failure.expect("a failure");
    assert!(failure.advice.contains("each submitted its job. Stop this one by hand"), "{failure:?}");
    assert!(!failure.advice.contains("old job"), "{failure:?}");
}

/// The one that was made first comes to its end before it can be stopped for that.
#[test]
fn a_twin_that_cannot_be_stopped_is_told_also_where_the_other_one_succeeds() {
    let (mut world, plan, state) = stopping_a_twin(OnDeleteError::default());
    let now = world.now;
    world.runs[0].phases.push((now + Duration::from_secs(20), Phase::Succeeded));
    world.weather =
        Box::new(|action, _| matches!(action, Action::Cancel(run, _) if run.id == "s-1").then_some(Kind::Denied));
    let outcome = world.go_on(&plan, state, now);
    assert_eq!((outcome.failure, world.alive().len()), (None, 1));
    assert!(
        outcome.notes.iter().any(|note| note.contains("Could not speak to the engine: Denied.")),
        "{:?}",
        outcome.notes
    );
}

/// It has come to its end when both are listed.
#[test]
fn a_twin_that_cannot_be_stopped_is_told_also_where_the_other_one_has_succeeded() {
    for on_delete_error in [OnDeleteError::Fail, OnDeleteError::Ignore] {
        for (trouble, told) in [
            (Kind::Denied, "may still run: Could not speak to the engine: Denied."),
            (Kind::Busy, "could not be asked to stop and may still run (could not speak to the engine: Busy.)."),
        ] {
            let (mut world, plan, state) = beside_one_that_has_succeeded(on_delete_error, true);
            world.weather = Box::new(move |action, _| matches!(action, Action::Cancel(..)).then_some(trouble));
            let now = world.now;
            let outcome = world.go_on(&plan, state, now);
            assert_eq!((outcome.failure, world.alive().len()), (None, 1), "{trouble:?}");
            let is_told =
                |note: &String| note.contains(told) && note.contains("Stop that one by hand: no Delete will.");
            assert!(outcome.notes.iter().any(is_told), "{told}: {:?}", outcome.notes);
        }
    }
}

/// Its engine knows how.
#[test]
fn how_to_stop_a_twin_by_hand_is_told() {
    let (world, plan, state) = beside_one_that_has_succeeded(OnDeleteError::Fail, true);
    let twin = world.reference(1, &world.runs[1].name);
    let advice = "Kill its application.".to_owned();
    let trouble = Trouble { advice, ..Trouble::new(Kind::Futile, "stop the step", "it lives on") };
    let state = learn(&plan, state, world.now, Seen::Cancelled(twin, Err(trouble)));
    let told = "may still run: Could not stop the step: it lives on. Kill its application. Stop that one by hand";
    assert!(state.notes.iter().any(|note| note.contains(told)), "{:?}", state.notes);
}

/// Whoever has submitted the one that has succeeded.
#[test]
fn a_twin_is_stopped_for_as_long_as_there_is_time_where_the_other_one_has_succeeded() {
    for ours in [true, false] {
        for seconds in [5, 240] {
            let (mut world, plan, state) = beside_one_that_has_succeeded(OnDeleteError::Fail, ours);
            let (now, busy_until) = (world.now, plan.deadlines.give_up + Duration::from_secs(seconds));
            world.weather = Box::new(move |action, at| {
                (matches!(action, Action::Cancel(..)) && at < busy_until).then_some(Kind::Busy)
            });
            let outcome = world.go_on(&plan, state, now);
            let told = format!("{ours}, {seconds}: {outcome:?}");
            assert_eq!(outcome.failure, None, "{told}");
            let is_stopped = busy_until < plan.deadlines.answer_by;
            assert_eq!((world.alive().is_empty(), outcome.notes.is_empty()), (is_stopped, is_stopped), "{told}");
        }
    }
}

/// What cannot be stopped is counted where no answer can fail for it.
#[test]
fn a_twin_that_a_rollback_cannot_stop_beside_a_job_that_has_succeeded_is_passed_over() {
    for trouble in [Kind::Denied, Kind::Busy, Kind::Futile] {
        let (mut world, plan, state) = beside_one_that_has_succeeded(OnDeleteError::Fail, true);
        let Goal::Run(wanted) = plan.goal else { unreachable!() };
        let plan = Plan { goal: Goal::Restore { wanted, old: None, present: None, stays_as: None }, ..plan };
        world.weather = Box::new(move |action, _| matches!(action, Action::Cancel(..)).then_some(trouble));
        let (outcome, passed_over) = world.run_to_the_end(&plan, state);
        assert_eq!((&outcome.failure, passed_over, world.alive().len()), (&None, 1, 1), "{outcome:?}");
    }
}

/// The same as [`stopping_a_twin`], where both are listed when its own, or another delivery's, has come to its end.
fn beside_one_that_has_succeeded(on_delete_error: OnDeleteError, ours: bool) -> (World, Plan, State) {
    let (mut world, plan, mut state) = stopping_a_twin(on_delete_error);
    let now = world.now;
    world.runs[0].phases.push((now, Phase::Succeeded));
    let status = Status { phase: Phase::Succeeded, word: "COMPLETED".to_owned(), ..Status::gone() };
    state.own = state.own.map(|own| Own { ours, ..own.listed_as(status) });
    (world, plan, state)
}

/// A Create on EMR steps that has submitted beside another try, whose step was not listed before, and is to stop its own.
fn stopping_a_twin(on_delete_error: OnDeleteError) -> (World, Plan, State) {
    let place = Place::EmrSteps("j-1ABC".to_owned());
    let new = wanted_at(&place, "new.py", "r2");
    let plan = plan(Goal::Run(new.clone()), Management { on_delete_error, ..Management::default() });
    let mut world = World::at(place).with(&new.identity, Phase::Running);
    world.stale = 1;
    let stops_a_twin = |state: &State| matches!(state.stage, Stage::Stop { purpose: Purpose::Twin, .. });
    let state = world.run_until(&plan, stops_a_twin);
    (world, plan, state)
}

/// The ids of what was asked to stop.
fn cancelled(world: &World) -> Vec<&str> {
    world
        .actions
        .iter()
        .filter_map(|action| match action {
            Action::Cancel(run, _) => Some(run.id.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn what_nobody_waits_for_submits_no_other_one_where_there_is_no_room_for_a_look() {
    let place = Place::EmrSteps("j-1ABC".to_owned());
    let plan = plan(Goal::Run(wanted_at(&place, "new.py", "r2")), Management::default());
    let mut world = World::at(place);
    let state = world.run_until(&plan, is_followed);
    let now = world.now;
    world.weather = Box::new(move |action, at| {
        (matches!(action, Action::Find(..)) && at < now + Duration::from_secs(20)).then_some(Kind::Busy)
    });
    let outcome = world.go_on(&plan, leave(&plan, state, now), now);
    assert!(outcome.is_withdrawn(), "{outcome:?}");
    assert_eq!((world.submissions(), world.alive().len()), (1, 1));
}

#[test]
fn a_job_that_was_there_before_is_not_touched() {
    let plan = create();
    let mut world = World::new().with(&wanted("new.py", "r2").identity, Phase::Running);
    let state = world.run_until(&plan, is_followed);
    withdrawn(&mut world, &plan, state);
    assert_eq!((world.submissions(), world.alive().len()), (0, 1));
}

#[test]
fn before_anything_is_submitted_nothing_is_touched() {
    let plan = update(UpdateStrategy::StopThenStart);
    let mut world = World::new().with(&wanted("old.py", "r1").identity, Phase::Running);
    let state = world.run_until(&plan, |state| state.stage == Stage::Adopt);
    withdrawn(&mut world, &plan, state);
    assert_eq!((world.submissions(), world.alive().len()), (0, 1));
}

#[test]
fn a_submission_whose_answer_was_lost_is_looked_for_and_cancelled() {
    let plan = create();
    let mut world = World::new().weather(|action, _| matches!(action, Action::Start(_)).then_some(Kind::Unclear));
    let state = world.run_until(&plan, |state| state.unseen.is_tried());
    withdrawn(&mut world, &plan, state);
    assert_eq!((world.submissions(), world.alive().len()), (1, 0));
}

/// It was answered within one invocation; then it was delivered again, to a workflow.
#[test]
fn what_an_earlier_delivery_has_made_and_answered_stays_as_it_is() {
    for place in [super::world::place(), Place::EmrServerless("00f1".to_owned())] {
        let new = wanted_at(&place, "new.py", "r2");
        let plan = plan(Goal::Run(new.clone()), Management::default());
        let mut world = World::at(place).with(&new.identity, Phase::Running);
        world.now = BEGIN + Duration::from_mins(2);
        let state = State::begin(&plan, world.now).alone();
        assert!(state.is_to_be_confirmed(&plan, world.now));
        withdrawn(&mut world, &plan, state);
        assert_eq!((world.submissions(), world.alive().len()), (0, 1));
    }
}

/// A late delivery may have found it before it began, and another one count on it since.
#[test]
fn what_seems_never_to_have_begun_is_stopped_only_once_that_is_known_to_be_awaited() {
    let plan = update(UpdateStrategy::StopThenStart);
    let mut world = World::new().with(&wanted("old.py", "r1").identity, Phase::Running);
    world.now = BEGIN + Duration::from_secs(30);
    let name = wanted("new.py", "r0").identity.name();
    world.runs.push(Fate { name, phases: vec![(BEGIN, Phase::Waiting)], silent: true, deaf: false });
    let is_about_to_stop = |state: &State| matches!(state.stage, Stage::Stop { purpose: Purpose::Useless, .. });
    let state = world.run_until(&plan, is_about_to_stop);
    assert!(state.is_to_be_confirmed(&plan, world.now));
    assert!(!state.clone().confirmed(world.now).is_to_be_confirmed(&plan, world.now));
    withdrawn(&mut world, &plan, state);
    assert_eq!((world.submissions(), world.alive().len()), (0, 2));
}

#[test]
fn what_a_step_submitted_that_died_is_cancelled() {
    let plan = create();
    let mut world = World::new().with(&wanted("new.py", "r2").identity, Phase::Running);
    let state = State::begin(&plan, BEGIN).alone().repeated(&plan, true, BEGIN, BEGIN);
    withdrawn(&mut world, &plan, state);
    assert!(world.alive().is_empty());
}

#[test]
fn a_job_that_ends_by_itself_meanwhile_sets_nothing_else_in_motion() {
    let plan = update(UpdateStrategy::StartThenStop);
    let lost = wanted("old.py", "lost");
    let mut world = World::new()
        .with(&wanted("old.py", "r1").identity, Phase::Running)
        .with(&lost.identity, Phase::Running)
        .fate(&[(0, Phase::Running), (3, Phase::Succeeded)]);
    let state = world.run_until(&plan, is_followed);
    // It is not deaf: it is over before it can be asked.
    world.now = world.now + Duration::from_secs(10);
    withdrawn(&mut world, &plan, state);
    assert_eq!(world.alive(), [wanted("old.py", "r1").identity.name(), lost.identity.name()]);
}

#[test]
fn a_refusal_is_told_to_nobody_either() {
    let plan = create();
    let mut world = World::new().weather(|action, _| matches!(action, Action::Start(_)).then_some(Kind::Rejected));
    let state = world.run_until(&plan, |state| state.refused.is_some());
    withdrawn(&mut world, &plan, state);
}

/// Whatever it is at, and whatever is the weather.
#[test]
fn it_ends_within_its_time_wherever_it_was() {
    let kinds = [None, Some(Kind::Denied), Some(Kind::Unavailable), Some(Kind::Unclear)];
    for kind in kinds {
        let plan = update(UpdateStrategy::StartThenStop);
        let mut world = World::new().with(&wanted("old.py", "r1").identity, Phase::Running);
        let state = world.run_until(&plan, |state| state.own.is_some());
        world.weather = Box::new(move |_, _| kind);
        withdrawn(&mut world, &plan, state);
        assert!(world.now <= plan.deadlines.answer_by, "{kind:?}");
        assert_eq!(world.phase(&wanted("old.py", "r1").identity.name()), Phase::Running, "{kind:?}");
    }
}
