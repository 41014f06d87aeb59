//! What becomes of a request whose time runs out.

use std::cell::Cell;
use std::time::Duration;

use super::world::{BEGIN, World, place, reference, wanted, wanted_at};
use crate::engine::Kind;
use crate::hidden::Hidden;
use crate::job::{Access, Phase, Place};
use crate::lifecycle::state::{Own, Purpose, Stopping};
use crate::lifecycle::{Action, Deadlines, Goal, Plan, Stage, State, Target};
use crate::outcome::{FailureKind, Made};
use crate::properties::{Management, OnDeleteError, OnTimeout, UpdateStrategy, WaitFor};

fn short(goal: Goal, management: Management, seconds: u64) -> Plan {
    let deadlines = Deadlines::between(BEGIN, BEGIN + Duration::from_secs(seconds));
    Plan { goal, management, deadlines, access: Access::default(), hidden: Hidden::default() }
}

fn until_done(on_timeout: OnTimeout) -> Management {
    Management { wait_for: WaitFor::Succeeded, on_timeout, ..Management::default() }
}

pub(super) fn submitted() -> Management {
    Management { wait_for: WaitFor::Submitted, ..Management::default() }
}

#[test]
fn the_times_before_the_end_shrink_with_the_whole() {
    let of = |seconds| {
        let times = Deadlines::between(BEGIN, BEGIN + Duration::from_secs(seconds));
        [times.give_up, times.answer_by, times.over].map(|time| times.end.since(time).as_secs())
    };
    assert_eq!(of(3600), [120, 30, 5]);
    assert_eq!(of(60), [15, 6, 1]);
    assert_eq!(of(0), [0, 0, 0]);
}

#[test]
fn a_job_that_misses_the_deadline_is_cancelled_and_the_request_fails() {
    let mut world = World::new();
    let outcome = world.run(&short(Goal::Run(wanted("pi.py", "r1")), until_done(OnTimeout::Cancel), 900));
    assert!(outcome.failure.is_some());
    assert!(world.alive().is_empty());
    assert_eq!(world.story(), ["find own", "start", "look", "late", "report", "cancel", "look"]);
    assert!(world.now < BEGIN + Duration::from_secs(870));
}

#[test]
fn a_job_that_misses_the_deadline_may_go_on_where_that_is_accepted() {
    let mut world = World::new();
    let outcome = world.run(&short(Goal::Run(wanted("pi.py", "r1")), until_done(OnTimeout::Accept), 900));
    assert_eq!(outcome.failure, None);
    assert_eq!(world.alive().len(), 1);
    assert_eq!(outcome.notes.len(), 1);
    // That it could not be looked at once more is told beside it.
    let plan = short(Goal::Run(wanted("pi.py", "r1")), until_done(OnTimeout::Accept), 900);
    let is_last = plan.deadlines.give_up.before(Duration::from_secs(10));
    let mut world = World::new().weather(move |_, now| (now > is_last).then_some(Kind::Busy));
    let outcome = world.run(&plan);
    assert_eq!((outcome.failure, world.alive().len(), outcome.notes.len()), (None, 1, 2));
    assert!(outcome.notes[0].starts_with("The job could not be looked at again: "), "{:?}", outcome.notes);
}

#[test]
fn a_job_that_was_adopted_and_never_looked_at_is_no_success_when_the_answer_is_due() {
    for (strategy, is_success) in [(UpdateStrategy::StopThenStart, false), (UpdateStrategy::StartThenStop, true)] {
        let (old, new) = (wanted("old.py", "r1"), wanted("new.py", "r2"));
        let management = Management { update_strategy: strategy, ..until_done(OnTimeout::Cancel) };
        let goal = Goal::Replace { wanted: new, old: Some(Box::new(old.into())), present: None, stays_as: None };
        let plan = short(goal, management, 900);
        let own = Some(Own::new(reference(0, "adopted"), false));
        for stage in
            [Stage::FindOld, Stage::Stop { runs: Stopping::all([reference(1, "old")]), purpose: Purpose::LeftBehind }]
        {
            let looks = stage == Stage::FindOld;
            let state = State { stage, own: own.clone(), given_up: true, ..State::begin(&plan, BEGIN) };
            let answer_by = plan.deadlines.answer_by;
            let outcome = World::new().go_on(&plan, state, answer_by);
            assert_eq!(outcome.failure.is_none(), is_success, "{strategy:?}: {outcome:?}");
            let what = outcome.failure.map(|failure| failure.what).unwrap_or_default();
            let told =
                "What an earlier request may have left on Livy at http://livy:8998 could not be looked for in time.";
            assert_eq!(what.starts_with(told), looks && !is_success, "{what}");
        }
    }
}

#[test]
fn stable_seconds_give_way_to_a_time_that_is_shorter_than_the_template_could_know_of() {
    let management = Management { stable_seconds: Some(900), ..Management::default() };
    let mut world = World::new();
    let outcome = world.run(&short(Goal::Run(wanted("pi.py", "r1")), management, 900));
    assert_eq!(outcome.failure, None);
    let took = world.now.since(BEGIN).as_secs();
    assert!((720..780).contains(&took), "{took} s");
}

#[test]
fn a_delivery_that_found_its_job_never_cancels_it() {
    let job = wanted("pi.py", "r1");
    let mut world = World::new().with(&job.identity, Phase::Running);
    let outcome = world.run(&short(Goal::Run(job.clone()), until_done(OnTimeout::Cancel), 900));
    assert!(outcome.failure.is_some());
    assert_eq!(outcome.made, Made::Job(reference(0, &job.identity.name())));
    assert_eq!(world.alive().len(), 1);
}

/// Every submission's answer is lost, and the engine shows what came of it only after the request was given up.
fn shown_too_late(place: Place) -> World {
    let give_up = Deadlines::between(BEGIN, BEGIN + Duration::from_mins(4)).give_up;
    World::at(place).weather(move |action, now| match action {
        Action::Start(_) => Some(Kind::Unclear),
        Action::Find(..) if now > BEGIN && now < give_up + Duration::from_secs(5) => Some(Kind::Unavailable),
        _ => None,
    })
}

#[test]
fn a_submission_that_was_never_seen_is_looked_for_until_the_answer_is_due() {
    let mut world = shown_too_late(place());
    let outcome = world.run(&short(Goal::Run(wanted("pi.py", "r1")), Management::default(), 240));
    let what = outcome.failure.expect("a failure").what;
    assert!(what.contains("was found only when the time was over: it is running."), "{what}");
    assert!(matches!(outcome.made, Made::Job(_)));
    assert!(world.alive().is_empty());
}

#[test]
fn a_job_that_is_found_too_late_and_has_all_that_is_asked_for_is_none_that_failed() {
    let running = [(0, Phase::Running)];
    let done = [(0, Phase::Running), (60, Phase::Succeeded)];
    for (management, fate, notes, alive) in [
        (submitted(), running.as_slice(), 0, 1),
        (Management { stable_seconds: Some(0), ..Management::default() }, &running, 0, 1),
        (until_done(OnTimeout::Cancel), &done, 0, 0),
        (Management::default(), &done, 0, 0),
        (until_done(OnTimeout::Accept), &running, 1, 1),
    ] {
        let mut world = shown_too_late(place()).fate(fate);
        let outcome = world.run(&short(Goal::Run(wanted("pi.py", "r1")), management.clone(), 240));
        assert_eq!((outcome.failure, world.alive().len()), (None, alive), "{management:?}");
        let accepted = |note: &&String| note.contains("OnTimeout is Accept");
        assert_eq!(outcome.notes.iter().filter(accepted).count(), notes, "{management:?}: {:?}", outcome.notes);
    }
}

#[test]
fn a_job_that_is_found_too_late_and_has_come_to_nothing_is_told_as_that() {
    for (phase, kind) in [(Phase::Failed, FailureKind::Failed), (Phase::Cancelled, FailureKind::Cancelled)] {
        let mut world = shown_too_late(Place::EmrServerless("00f1".to_owned())).fate(&[(0, phase)]);
        let job = wanted_at(&world.place, "pi.py", "r1");
        let failure = world.run(&short(Goal::Run(job), Management::default(), 240)).failure.expect("a failure");
        assert_eq!(failure.kind, kind, "{failure:?}");
    }
}

/// Livy could not run spark-submit: it waits for ever.
#[test]
fn a_job_that_is_found_too_late_and_never_began_is_no_success() {
    let mut world = shown_too_late(place()).with(&wanted("pi.py", "r1").identity, Phase::Waiting);
    world.runs[0].silent = true;
    let plan = short(Goal::Run(wanted("pi.py", "r1")), submitted(), 240);
    let state = State::begin(&plan, BEGIN).alone().repeated(&plan, true, BEGIN, BEGIN);
    assert!(world.go_on(&plan, state, BEGIN).failure.is_some());
    assert!(world.alive().is_empty());
}

/// Two steps have died that had submitted, or two other deliveries have.
#[test]
fn of_twins_that_are_found_too_late_one_is_left_at_most() {
    let accepted = until_done(OnTimeout::Accept);
    for (ours, management, is_success, alive, notes) in [
        (true, Management::default(), false, 0, 0),
        (true, submitted(), true, 1, 0),
        (true, accepted.clone(), true, 1, 1),
        // What is another's is followed for as long as there is time.
        (false, Management::default(), true, 1, 0),
        (false, submitted(), true, 1, 0),
        (false, accepted, true, 1, 1),
    ] {
        let (mut world, plan, state) = twins_too_late(ours, management);
        let outcome = world.go_on(&plan, state, BEGIN);
        let told = format!("{ours}, {:?}: {outcome:?}", plan.management);
        assert_eq!((outcome.failure.is_none(), world.alive().len()), (is_success, alive), "{told}");
        let accepts = outcome.notes.iter().filter(|note| note.contains("OnTimeout is Accept")).count();
        assert_eq!(accepts, notes, "{told}");
    }
}

/// EMR lists no steps for as long as there is time, or for five minutes.
#[test]
fn a_job_that_was_submitted_is_not_told_as_none_where_nobody_can_look_for_a_twin() {
    let steps = Place::EmrSteps("j-1".to_owned());
    let each =
        [(WaitFor::Submitted, Kind::Busy), (WaitFor::Submitted, Kind::Unavailable), (WaitFor::Running, Kind::Busy)];
    for (wait_for, kind) in each {
        let plan =
            short(Goal::Run(wanted_at(&steps, "pi.py", "r1")), Management { wait_for, ..Management::default() }, 240);
        let is_submitted = Cell::new(false);
        let no_room = move |action: &Action, _| {
            is_submitted.set(is_submitted.get() || matches!(action, Action::Start(_)));
            (matches!(action, Action::Find(..)) && is_submitted.get()).then_some(kind)
        };
        let mut world = World::at(steps.clone()).weather(no_room);
        let outcome = world.run(&plan);
        let is_success = wait_for == WaitFor::Submitted;
        assert_eq!(
            (outcome.failure.is_none(), world.alive().len()),
            (is_success, usize::from(is_success)),
            "{wait_for:?}"
        );
        let is_told = outcome.notes.iter().any(|note| note.contains("another one beside it is not known"));
        assert_eq!(is_told, is_success, "{:?}", outcome.notes);
    }
}

/// Both are stopped then, and one comes to its end before it is asked; the other one goes on, or what is left of it cannot be asked for.
#[test]
fn a_job_that_succeeds_when_it_is_too_late_is_a_success_that_tells_of_its_twin() {
    for (trouble, told) in [
        (None, "Not stopped in time: Step s-1"),
        (Some(Kind::Futile), "may still run: Could not speak to the engine: Futile."),
    ] {
        let (mut world, plan, state) = twins_too_late(true, Management::default());
        let give_up = plan.deadlines.give_up;
        world.runs[0].phases.push((give_up + Duration::from_secs(3), Phase::Succeeded));
        world.runs[1].deaf = true;
        world.takes = Duration::from_secs(5);
        world.weather = Box::new(move |action, now| match action {
            _ if now < give_up => Some(Kind::Busy),
            Action::Cancel(run, _) if run.id == "s-1" => Some(Kind::Unclear),
            Action::Describe(runs) if runs.len() == 1 => trouble,
            _ => None,
        });
        let outcome = world.go_on(&plan, state, BEGIN);
        assert_eq!((&outcome.failure, world.alive().len()), (&None, 1), "{outcome:?}");
        assert!(outcome.notes.iter().any(|note| note.contains(told)), "{outcome:?}");
    }
}

#[test]
fn a_job_that_was_at_its_goal_when_its_twin_was_stopped_is_a_success_although_nobody_can_look_again() {
    let (mut world, plan, state) = twins_too_late(false, submitted());
    let give_up = plan.deadlines.give_up;
    world.weather = Box::new(move |action, now| {
        let looks_again = matches!(action, Action::Describe(runs) if runs.iter().all(|run| run.id == "s-0"));
        if now < give_up { Some(Kind::Busy) } else { looks_again.then_some(Kind::Unavailable) }
    });
    let outcome = world.go_on(&plan, state, BEGIN);
    assert_eq!((outcome.failure, world.alive().len()), (None, 1));
}

/// EMR answers, and does not list the step for as long as there is time.
#[test]
fn a_listing_that_is_behind_until_the_end_is_told_as_that() {
    let steps = Place::EmrSteps("j-1".to_owned());
    let plan = short(Goal::Run(wanted_at(&steps, "pi.py", "r1")), submitted(), 60);
    let mut world = World::at(steps);
    let state = world.run_until(&plan, |state| state.stage == Stage::Settle);
    world.stale = 100;
    let now = world.now;
    let outcome = world.go_on(&plan, state, now);
    assert_eq!((outcome.failure, world.alive().len()), (None, 1));
    let note =
        "Whether the request has submitted another one beside it is not known: the engine has not listed the job yet.";
    assert_eq!(outcome.notes, [note]);
}

/// Two steps of EMR of one request, which can be looked for only when it is given up.
fn twins_too_late(ours: bool, management: Management) -> (World, Plan, State) {
    let steps = Place::EmrSteps("j-1".to_owned());
    let job = wanted_at(&steps, "pi.py", "r1");
    let mut plan = short(Goal::Run(job.clone()), management, 240);
    let twins = World::at(steps).with(&job.identity, Phase::Running).with(&job.identity, Phase::Running);
    let give_up = plan.deadlines.give_up;
    let world = twins.weather(move |_, now| (now < give_up).then_some(Kind::Busy));
    let state = if ours {
        State::begin(&plan, BEGIN).alone().repeated(&plan, true, BEGIN, BEGIN)
    } else {
        plan.deadlines.asked = BEGIN.before(Duration::from_mins(2));
        State::begin(&plan, BEGIN)
    };
    (world, plan, state)
}

/// The old job is elsewhere, and nobody can look there for what was left behind, or stop it.
#[test]
fn a_new_job_that_is_well_is_for_on_delete_error_to_decide_where_the_old_engine_has_no_room() {
    let other = Place::Livy("http://other:8998".parse().expect("an address"));
    let (old, new) = (wanted_at(&other, "old.py", "r1"), wanted("new.py", "r2"));
    for (on_delete_error, is_found, alive) in [
        (OnDeleteError::Fail, false, 1),
        (OnDeleteError::Fail, true, 1),
        (OnDeleteError::Ignore, false, 2),
        (OnDeleteError::Ignore, true, 2),
    ] {
        let management =
            Management { update_strategy: UpdateStrategy::StartThenStop, on_delete_error, ..Management::default() };
        let goal = Goal::Replace {
            wanted: new.clone(),
            old: Some(Box::new(old.clone().into())),
            present: None,
            stays_as: None,
        };
        let there = other.clone();
        let has_no_room = move |action: &Action, _| {
            let is_there = match action {
                Action::Find(place, ..) => *place == there && !is_found,
                Action::Cancel(run, _) => run.id == "0",
                _ => false,
            };
            is_there.then_some(Kind::Busy)
        };
        let mut world = World::new().with(&old.identity, Phase::Running).weather(has_no_room);
        let outcome = world.run(&short(goal, management, 300));
        assert_eq!(world.alive().len(), alive, "{on_delete_error:?}, {is_found}");
        let told = outcome.failure.map(|failure| format!("{} {}", failure.what, failure.advice)).unwrap_or_default();
        if on_delete_error == OnDeleteError::Ignore {
            let is_told = outcome.notes.iter().any(|note| note.contains("may have been left running"));
            assert!(told.is_empty() && is_told, "{told}: {:?}", outcome.notes);
        } else {
            assert!(told.contains("Busy") && told.contains("OnDeleteError to Ignore"), "{told}");
            assert!(!told.contains("was not running") && !told.contains("Not stopped in time"), "{told}");
        }
    }
}

#[test]
fn what_was_never_found_is_unknown() {
    let mut world = World::new().weather(|action, now| match action {
        Action::Start(_) => Some(Kind::Unclear),
        _ => (now > BEGIN).then_some(Kind::Unavailable),
    });
    let outcome = world.run(&short(Goal::Run(wanted("pi.py", "r1")), Management::default(), 240));
    assert!(outcome.failure.is_some());
    assert_eq!(outcome.made, Made::Unknown);
    assert!(world.now <= BEGIN + Duration::from_secs(216));
}

#[test]
fn an_engine_that_stays_away_until_the_answer_is_due_is_for_on_delete_error_to_decide() {
    let job = wanted("pi.py", "r1");
    for (kind, on_delete_error, fails) in [
        (Kind::Unavailable, OnDeleteError::Fail, true),
        (Kind::Unavailable, OnDeleteError::Ignore, false),
        (Kind::Busy, OnDeleteError::Fail, true),
        (Kind::Busy, OnDeleteError::Ignore, false),
    ] {
        let goal = Goal::Stop(Target::Run(reference(0, &job.identity.name())));
        let management = Management { on_delete_error, ..Management::default() };
        let mut world = World::new().with(&job.identity, Phase::Running).weather(move |_, _| Some(kind));
        assert_eq!(world.run(&short(goal, management, 60)).failure.is_some(), fails, "{kind:?}");
    }
}

#[test]
fn a_job_that_does_not_stop_in_time_fails_the_request_with_its_state() {
    let job = wanted("pi.py", "r1");
    let goal = Goal::Stop(Target::Run(reference(0, &job.identity.name())));
    let mut world = World::new().with(&job.identity, Phase::Running);
    world.runs[0].deaf = true;
    let outcome = world.run(&short(goal, Management::default(), 120));
    let what = outcome.failure.expect("a failure").what;
    assert!(what.contains("Not stopped in time") && what.contains("is ending"), "{what}");
    let asked = world.cancels();
    assert!(asked > 1, "asked {asked} times");
}

#[test]
fn what_came_of_asking_a_job_to_stop_is_told_where_it_did_not() {
    let job = wanted("pi.py", "r1");
    let goal = Goal::Stop(Target::Run(reference(0, &job.identity.name())));
    let refuses = |action: &Action, _| matches!(action, Action::Cancel(..)).then_some(Kind::Unclear);
    let mut world = World::new().with(&job.identity, Phase::Running).weather(refuses);
    world.runs[0].deaf = true;
    let what = world.run(&short(goal, Management::default(), 120)).failure.expect("a failure").what;
    assert!(
        what.contains("Not stopped in time")
            && what.contains("When it was last asked to stop: ")
            && what.contains("Unclear"),
        "{what}"
    );
}

#[test]
fn a_job_that_succeeds_just_before_it_is_given_up_has_succeeded() {
    for before in [1, 3, 10] {
        let ends = 900 - 120 - before;
        let mut world = World::new().fate(&[(0, Phase::Running), (ends, Phase::Succeeded)]);
        let outcome = world.run(&short(Goal::Run(wanted("pi.py", "r1")), until_done(OnTimeout::Cancel), 900));
        assert_eq!(outcome.failure, None, "{before} s before");
    }
}

#[test]
fn a_delivery_too_late_to_reach_the_goal_still_finds_its_job() {
    let job = wanted("pi.py", "r1");
    let mut late = short(Goal::Run(job.clone()), Management::default(), 300);
    let mut world = World::new().with(&job.identity, Phase::Running);
    world.now = late.deadlines.give_up + Duration::from_secs(5);
    let outcome = world.run(&late);
    assert_eq!(outcome.made, Made::Job(reference(0, &job.identity.name())));
    assert_eq!(world.alive().len(), 1);
    // And where there is none, it makes none.
    late.goal = Goal::Run(wanted("pi.py", "r2"));
    world.now = late.deadlines.give_up + Duration::from_secs(5);
    let outcome = world.run(&late);
    assert_eq!(outcome.made, Made::Nothing);
    assert_eq!(world.submissions(), 0);
}
