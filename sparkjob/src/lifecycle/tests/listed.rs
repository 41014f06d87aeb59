//! Jobs that a list has shown, and that nobody can look at afterwards.

use std::time::Duration;

use super::lost::{lost, steps};
use super::time::submitted;
use super::world::{BEGIN, World, place, plan, wanted_at};
use crate::engine::Kind;
use crate::job::{Phase, Place, Run, Status, Timestamp};
use crate::lifecycle::{Action, Goal, Own, Stage, State};
use crate::outcome::{Failure, FailureKind, Made, Outcome};
use crate::properties::{Management, OnTimeout, WaitFor};

/// What comes of looks: the deadline, five minutes, or half a minute ends them.
const TROUBLE: [Kind; 3] = [Kind::Busy, Kind::Unavailable, Kind::Denied];

fn no_look(kind: Kind) -> impl Fn(&Action, Timestamp) -> Option<Kind> {
    move |action, _| matches!(action, Action::Describe(_)).then_some(kind)
}

fn phase(outcome: &Outcome) -> Option<Phase> {
    outcome.status.as_ref().map(|status| status.phase)
}

/// The look for a twin shows it.
#[test]
fn one_that_has_all_that_is_asked_for_is_told_as_it_was_shown() {
    let accepted = Management { on_timeout: OnTimeout::Accept, wait_for: WaitFor::Succeeded, ..Management::default() };
    for (management, accepts) in [(submitted(), false), (accepted, true)] {
        let mut world = World::at(steps()).weather(no_look(Kind::Busy)).fate(&[(0, Phase::Running)]);
        let outcome = world.run(&plan(Goal::Run(wanted_at(&steps(), "pi.py", "r1")), management));
        assert_eq!((&outcome.failure, world.alive().len()), (&None, 1), "{outcome:?}");
        assert_eq!(phase(&outcome), Some(Phase::Running));
        let is_noted = |words: &str| outcome.notes.iter().any(|note| note.starts_with(words));
        assert!(is_noted("The job could not be looked at: "), "{outcome:?}");
        assert_eq!(is_noted("WaitFor was not met"), accepts, "{outcome:?}");
    }
}

#[test]
fn one_that_is_over_is_told_as_that_and_not_stopped() {
    for (fate, kind) in [(Phase::Failed, FailureKind::Failed), (Phase::Cancelled, FailureKind::Cancelled)] {
        for wait_for in [WaitFor::Submitted, WaitFor::Running, WaitFor::Succeeded] {
            for trouble in TROUBLE {
                let mut world = World::at(steps()).weather(no_look(trouble)).fate(&[(0, fate)]);
                let management = Management { wait_for, ..Management::default() };
                let outcome = world.run(&plan(Goal::Run(wanted_at(&steps(), "pi.py", "r1")), management));
                let told = format!("{fate:?}, {wait_for:?}, {trouble:?}: {outcome:?}");
                assert_eq!(outcome.failure.as_ref().map(|failure| failure.kind), Some(kind), "{told}");
                assert_eq!((phase(&outcome), world.cancels()), (Some(fate), 0), "{told}");
            }
        }
    }
}

#[test]
fn one_that_may_yet_come_to_its_goal_is_told_as_one_that_could_not_be_looked_at() {
    let mut world = World::at(steps()).weather(no_look(Kind::Busy)).fate(&[(0, Phase::Running)]);
    let create = plan(Goal::Run(wanted_at(&steps(), "pi.py", "r1")), Management::default());
    let what = world.run(&create).failure.expect("a failure").what;
    let told = "on EMR, cluster j-1, which a list has shown as running, could not be looked at in time.";
    assert!(what.contains(told), "{what}");
    // Nobody lets go on what was never seen.
    let place = Place::EmrServerless("00f1".to_owned());
    let mut world = World::at(place.clone()).weather(no_look(Kind::Busy));
    let accepted = Management { on_timeout: OnTimeout::Accept, wait_for: WaitFor::Succeeded, ..Management::default() };
    let create = plan(Goal::Run(wanted_at(&place, "pi.py", "r1")), accepted);
    let failure = world.run(&create).failure.expect("a failure");
    assert!(failure.what.contains("application 00f1 could not be looked at in time."), "{failure:?}");
    assert!(!failure.advice.contains("OnTimeout"), "{failure:?}");
}

/// A step died of the submission.
#[test]
fn one_that_is_over_beside_a_twin_is_not_stopped_when_it_is_too_late() {
    let wanted = wanted_at(&steps(), "pi.py", "r1");
    let plan = plan(Goal::Run(wanted.clone()), Management::default());
    let give_up = plan.deadlines.give_up;
    let mut world = World::at(steps())
        .with(&wanted.identity, Phase::Failed)
        .with(&wanted.identity, Phase::Running)
        .weather(move |_, now| (now < give_up).then_some(Kind::Busy));
    let state = State::begin(&plan, BEGIN).alone().repeated(&plan, true, BEGIN, BEGIN);
    let outcome = world.go_on(&plan, state, BEGIN);
    let stopped = world.actions.iter().filter_map(|action| match action {
        Action::Cancel(run, _) => Some(run.id.as_str()),
        _ => None,
    });
    assert!(stopped.eq(["s-1"]) && world.alive().is_empty(), "{outcome:?}");
    assert_eq!(outcome.failure.map(|failure| failure.kind), Some(FailureKind::Failed));
}

#[test]
fn one_that_is_over_is_told_as_that_when_the_answer_is_due() {
    let plan = plan(Goal::Run(wanted_at(&steps(), "pi.py", "r1")), Management::default());
    let mut world = World::at(steps());
    let status = Status { phase: Phase::Failed, word: "FAILED".to_owned(), ..Status::gone() };
    let own = Own::found(Run { run: world.reference(0, "pi"), status }, true);
    let state = State { stage: Stage::Follow, own: Some(own), given_up: true, ..State::begin(&plan, BEGIN) };
    let outcome = world.go_on(&plan, state, plan.deadlines.answer_by);
    assert_eq!(outcome.failure.map(|failure| failure.kind), Some(FailureKind::Failed));
}

/// The answer to its submission was lost, and came when it was submitted again with the same token.
#[test]
fn one_that_was_submitted_and_that_no_list_has_shown_is_an_answer() {
    for place in [Place::EmrOnEks("vc".to_owned()), Place::EmrServerless("00f1".to_owned())] {
        for trouble in TROUBLE {
            let wanted = wanted_at(&place, "pi.py", "r1");
            let restore = Goal::Restore { wanted: wanted.clone(), old: None, present: None, stays_as: None };
            for (goal, is_counted) in [(Goal::Run(wanted), false), (restore, true)] {
                let plan = plan(goal, submitted());
                let mut world = World::at(place.clone()).weather(move |action, now| match action {
                    Action::Start(_) => (now == BEGIN).then_some(Kind::Unclear),
                    Action::Describe(_) => Some(trouble),
                    _ => None,
                });
                let (outcome, passed_over) = world.run_to_the_end(&plan, State::begin(&plan, BEGIN));
                let told = format!("{place}, {trouble:?}: {outcome:?}");
                assert_eq!((&outcome.failure, world.alive().len(), world.submissions()), (&None, 1, 2), "{told}");
                assert!(outcome.notes.iter().any(|note| note.contains("could not be looked at")), "{told}");
                assert_eq!(passed_over, u32::from(is_counted), "{told}");
            }
        }
    }
}

/// An update takes over what runs already as it asks for. On Livy that may be just being stopped, and is shown as before.
#[test]
fn one_that_another_has_submitted_is_no_answer_on_livy() {
    for place in [place(), Place::EmrOnEks("vc".to_owned()), Place::EmrServerless("00f1".to_owned()), steps()] {
        for trouble in TROUBLE {
            let others = wanted_at(&place, "pi.py", "r1");
            let goal =
                Goal::Replace { wanted: wanted_at(&place, "pi.py", "r2"), old: None, present: None, stays_as: None };
            let mut world = World::at(place.clone()).with(&others.identity, Phase::Running).weather(no_look(trouble));
            let outcome = world.run(&plan(goal, submitted()));
            let told = format!("{place}, {trouble:?}: {outcome:?}");
            assert_eq!(outcome.failure.is_some(), place.is_livy(), "{told}");
            assert_eq!((phase(&outcome), world.submissions()), (Some(Phase::Running), 0), "{told}");
            assert_eq!(world.alive(), [others.identity.name()], "{told}");
        }
    }
}

/// Another delivery of the request has submitted it, and Livy has no room for a look before this one is given up: there is none after it.
#[test]
fn one_that_is_found_at_the_end_is_what_it_is() {
    let wanted = wanted_at(&place(), "pi.py", "r1");
    let mut plan = plan(Goal::Run(wanted.clone()), submitted());
    plan.deadlines.asked = BEGIN.before(Duration::from_mins(2));
    let give_up = plan.deadlines.give_up;
    let mut world = World::new()
        .with(&wanted.identity, Phase::Running)
        .weather(move |_, now| (now < give_up).then_some(Kind::Busy));
    let outcome = world.run(&plan);
    assert_eq!((&outcome.failure, phase(&outcome)), (&None, Some(Phase::Running)), "{outcome:?}");
    assert_eq!((world.submissions(), world.alive().len()), (0, 1));
}

/// The answer of its submission was lost, and the next one was refused.
#[test]
fn one_that_is_found_after_a_refusal_is_an_answer() {
    for trouble in TROUBLE {
        let wanted = wanted_at(&steps(), "pi.py", "r1");
        let plan = plan(Goal::Run(wanted.clone()), submitted());
        let refusal = Failure { kind: FailureKind::Denied, what: "no".to_owned(), advice: String::new() };
        let refused = State { unseen: lost(), refused: Some(refusal), ..State::begin(&plan, BEGIN) };
        let mut world = World::at(steps()).with(&wanted.identity, Phase::Running).weather(no_look(trouble));
        let outcome = world.go_on(&plan, refused, BEGIN);
        assert_eq!((&outcome.failure, phase(&outcome)), (&None, Some(Phase::Running)), "{trouble:?}: {outcome:?}");
    }
}

/// Another delivery has submitted before, and no look has shown that.
#[test]
fn one_that_was_made_before_its_twin_is_told_as_it_was_shown() {
    let wanted = wanted_at(&steps(), "pi.py", "r1");
    let mut world = World::at(steps()).with(&wanted.identity, Phase::Running);
    world.runs[0].phases[0].0 = BEGIN.before(Duration::from_mins(1));
    world.stale = 1;
    let first = world.reference(0, &wanted.identity.name());
    let looked_at = first.clone();
    world.weather = Box::new(move |action, _| {
        matches!(action, Action::Describe(runs) if *runs == [looked_at.clone()]).then_some(Kind::Busy)
    });
    let outcome = world.run(&plan(Goal::Run(wanted), submitted()));
    assert_eq!((outcome.failure.as_ref(), &outcome.made), (None, &Made::Job(first)), "{outcome:?}");
    assert_eq!((phase(&outcome), world.alive().len()), (Some(Phase::Running), 1), "{outcome:?}");
}
