//! From nothing to a job.

use std::time::Duration;

use super::world::{BEGIN, Fate, World, plan, reference, wanted};
use crate::engine::Kind;
use crate::job::{Phase, Timestamp};
use crate::lifecycle::{Action, Goal, Seen, Stage, State, learn};
use crate::outcome::{FailureKind, Made};
use crate::properties::{Management, WaitFor};

fn waiting_for(wait_for: WaitFor) -> Management {
    Management { wait_for, ..Management::default() }
}

#[test]
fn a_create_looks_submits_once_and_follows_until_it_runs_steadily() {
    let (wanted, mut world) = (wanted("pi.py", "r1"), World::new());
    let outcome = world.run(&plan(Goal::Run(wanted.clone()), Management::default()));
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.made, Made::Job(reference(0, &wanted.identity.name())));
    assert_eq!(world.story(), ["find own", "start", "look", "report"]);
    // Five seconds until it runs, thirty that it must last, and what the looks come late.
    let took = world.now.since(BEGIN).as_secs();
    assert!((35..60).contains(&took), "took {took} s");
}

#[test]
fn submitted_is_enough_where_that_is_waited_for() {
    let mut world = World::new();
    let outcome = world.run(&plan(Goal::Run(wanted("pi.py", "r1")), waiting_for(WaitFor::Submitted)));
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.status.map(|status| status.phase), Some(Phase::Waiting));
}

#[test]
fn a_job_that_succeeds_meets_every_wait() {
    for wait_for in [WaitFor::Submitted, WaitFor::Running, WaitFor::Succeeded] {
        let mut world = World::new().fate(&[(0, Phase::Waiting), (2, Phase::Running), (9, Phase::Succeeded)]);
        let outcome = world.run(&plan(Goal::Run(wanted("pi.py", "r1")), waiting_for(wait_for)));
        assert_eq!(outcome.failure, None, "{wait_for:?}");
    }
}

#[test]
fn running_must_last_anew_after_an_interruption() {
    let fate = [(0, Phase::Running), (20, Phase::Waiting), (40, Phase::Running)];
    let mut world = World::new().fate(&fate);
    let outcome = world.run(&plan(Goal::Run(wanted("pi.py", "r1")), Management::default()));
    assert_eq!(outcome.failure, None);
    assert!(world.now.since(BEGIN).as_secs() >= 70);
}

#[test]
fn a_job_that_dies_within_the_stable_seconds_fails_the_request() {
    let mut world = World::new().fate(&[(0, Phase::Running), (12, Phase::Failed)]);
    let outcome = world.run(&plan(Goal::Run(wanted("pi.py", "r1")), Management::default()));
    assert_eq!(outcome.failure.map(|failure| failure.kind), Some(FailureKind::Failed));
    assert!(matches!(outcome.made, Made::Job(_)));
    // It is dead already, and its log stays to be read.
    assert_eq!(world.story(), ["find own", "start", "look", "report"]);
}

#[test]
fn a_job_that_disappears_fails_the_request() {
    let mut world = World::new().fate(&[(0, Phase::Running), (12, Phase::Gone)]);
    let outcome = world.run(&plan(Goal::Run(wanted("pi.py", "r1")), Management::default()));
    assert_eq!(outcome.failure.map(|failure| failure.kind), Some(FailureKind::Cancelled));
}

#[test]
fn the_same_request_again_finds_its_job() {
    let wanted = wanted("pi.py", "r1");
    let mut world = World::new().with(&wanted.identity, Phase::Running);
    let outcome = world.run(&plan(Goal::Run(wanted.clone()), Management::default()));
    assert_eq!(outcome.made, Made::Job(reference(0, &wanted.identity.name())));
    assert_eq!(world.submissions(), 0);
}

#[test]
fn a_submission_whose_answer_was_lost_is_found_again() {
    let mut world = World::new().weather(|action, _| matches!(action, Action::Start(_)).then_some(Kind::Unclear));
    let outcome = world.run(&plan(Goal::Run(wanted("pi.py", "r1")), Management::default()));
    assert_eq!(outcome.failure, None);
    assert_eq!(world.story(), ["find own", "start", "find own", "look", "report"]);
    assert_eq!(world.runs.len(), 1);
}

#[test]
fn a_busy_engine_is_asked_again_until_there_is_room() {
    let busy_for = BEGIN + std::time::Duration::from_mins(20);
    let mut world = World::new()
        .weather(move |action, now| (matches!(action, Action::Start(_)) && now < busy_for).then_some(Kind::Busy));
    let outcome = world.run(&plan(Goal::Run(wanted("pi.py", "r1")), Management::default()));
    assert_eq!(outcome.failure, None);
    assert_eq!(world.runs.len(), 1);
    assert!(world.submissions() < 100, "backs off: {} submissions", world.submissions());
}

#[test]
fn an_engine_that_cannot_be_reached_is_given_up_after_five_minutes() {
    let mut world = World::new().weather(|_, _| Some(Kind::Unavailable));
    let outcome = world.run(&plan(Goal::Run(wanted("pi.py", "r1")), Management::default()));
    assert_eq!(outcome.failure.map(|failure| failure.kind), Some(FailureKind::Unavailable));
    assert_eq!(outcome.made, Made::Nothing);
    let took = world.now.since(BEGIN).as_secs();
    assert!((300..340).contains(&took), "took {took} s");
}

/// As all do at the same moment that began to fail at the same.
#[test]
fn an_engine_that_has_no_room_as_it_comes_back_is_not_given_up() {
    for from in [0, 60] {
        let weather = move |_: &Action, now: Timestamp| match now.since(BEGIN).as_secs() {
            seconds if seconds < from || seconds >= 900 => None,
            seconds if seconds < from + 300 => Some(Kind::Unavailable),
            _ => Some(Kind::Busy),
        };
        let wait = Management { wait_for: WaitFor::Succeeded, ..Management::default() };
        let mut world = World::new().weather(weather).fate(&[(0, Phase::Running), (1200, Phase::Succeeded)]);
        let outcome = world.run(&plan(Goal::Run(wanted("pi.py", "r1")), wait));
        assert_eq!((outcome.failure, world.runs.len()), (None, 1), "{from} s");
    }
}

/// Lambda has no room for the function in between.
#[test]
fn nobody_is_given_up_for_time_in_which_nobody_asks() {
    let plan = plan(Goal::Run(wanted("pi.py", "r1")), Management::default());
    let weather = |_: &Action, now: Timestamp| (now.since(BEGIN).as_secs() < 610).then_some(Kind::Unavailable);
    let mut world = World::new().weather(weather);
    let state = world.run_until_or_done(&plan, State::begin(&plan, BEGIN), |state| state.failing.is_some());
    let outcome = world.go_on(&plan, state, BEGIN + Duration::from_mins(10));
    assert_eq!((outcome.failure, world.runs.len()), (None, 1));
}

/// The workflow waits until whole seconds, and a function has to start; Lambda without room for it is another thing.
#[test]
fn a_step_that_comes_within_seconds_is_not_late() {
    let plan = plan(Goal::Run(wanted("pi.py", "r1")), Management::default());
    let took = |late| {
        let mut world = World::new().weather(|_, _| Some(Kind::Unavailable));
        world.late = Duration::from_secs(late);
        assert!(world.run(&plan).failure.is_some());
        world.now.since(BEGIN).as_secs()
    };
    assert_eq!([0, 2, 4].map(took), [300, 302, 304]);
    assert!(took(60) > 600);
}

#[test]
fn a_repeated_request_that_never_got_to_look_does_not_know_what_was_made() {
    let mut again = plan(Goal::Run(wanted("pi.py", "r1")), Management::default());
    again.deadlines.asked = BEGIN.before(Duration::from_mins(2));
    assert_eq!(World::new().weather(|_, _| Some(Kind::Unavailable)).run(&again).made, Made::Unknown);
    let refused = |action: &Action, _| matches!(action, Action::Start(_)).then_some(Kind::Rejected);
    assert_eq!(World::new().weather(refused).run(&again).made, Made::Nothing);
}

#[test]
fn bad_weather_while_following_does_no_harm() {
    let (from, to) = (BEGIN.0 + 10_000, BEGIN.0 + 250_000);
    for kind in [Kind::Unavailable, Kind::Unclear, Kind::Denied, Kind::Rejected, Kind::Busy] {
        let mut world = World::new().weather(move |_, now| (from..to).contains(&now.0).then_some(kind));
        let outcome = world.run(&plan(Goal::Run(wanted("pi.py", "r1")), Management::default()));
        assert_eq!(outcome.failure, None, "{kind:?}");
    }
}

#[test]
fn a_refusal_is_final_and_what_it_left_behind_is_removed() {
    let wanted = wanted("pi.py", "r1");
    let mut world = World::new().weather(|action, _| matches!(action, Action::Start(_)).then_some(Kind::Rejected));
    let outcome = world.run(&plan(Goal::Run(wanted.clone()), Management::default()));
    assert_eq!(outcome.failure.map(|failure| failure.kind), Some(FailureKind::Rejected));
    assert_eq!(outcome.made, Made::Nothing);
    assert_eq!(world.story(), ["find own", "start", "find own"]);
}

#[test]
fn a_refusal_after_which_nobody_can_look_leaves_what_was_made_unknown() {
    // The look before it succeeds; every later one fails.
    let first = std::cell::Cell::new(true);
    let mut world = World::new().weather(move |action, _| match action {
        Action::Start(_) => Some(Kind::Rejected),
        _ => (!first.replace(false)).then_some(Kind::Unavailable),
    });
    let outcome = world.run(&plan(Goal::Run(wanted("pi.py", "r1")), Management::default()));
    assert_eq!(outcome.failure.map(|failure| failure.kind), Some(FailureKind::Rejected));
    assert_eq!(outcome.made, Made::Unknown);
}

#[test]
fn a_run_without_a_sign_of_life_is_removed_after_a_minute() {
    let wanted = wanted("pi.py", "r1");
    let mut world = World::new().with(&wanted.identity, Phase::Waiting);
    world.runs[0].silent = true;
    let outcome = world.run(&plan(Goal::Run(wanted), Management::default()));
    assert_eq!(outcome.failure.map(|failure| failure.kind), Some(FailureKind::Rejected));
    assert_eq!((outcome.notes, world.alive().len()), (vec!["Its name was given free.".to_owned()], 0));
}

/// Every batch of Livy's looks for a moment as one that never begins.
#[test]
fn a_job_that_was_hardly_begun_when_it_was_seen_last_is_told_as_cancelled() {
    for trouble in [Kind::Unavailable, Kind::Rejected] {
        hardly_begun(trouble);
    }
}

/// Looks fail so for some minutes after the first one; then it is deleted.
fn hardly_begun(trouble: Kind) {
    let away = move |action: &Action, now| {
        let is_away = now > BEGIN && now < BEGIN + Duration::from_mins(6);
        (is_away && matches!(action, Action::Describe(_))).then_some(trouble)
    };
    let mut world = World::new().weather(away);
    let plan = plan(Goal::Run(wanted("pi.py", "r1")), Management::default());
    let state = world.run_until(&plan, |state| state.stage == Stage::Follow);
    world.runs[0].silent = true;
    let state =
        world.run_until_or_done(&plan, state, |state| state.own.as_ref().is_some_and(|own| own.status.is_some()));
    world.runs[0].silent = false;
    let now = world.now;
    let outcome = world.go_on(&plan, state, now);
    assert_eq!((outcome.notes, world.alive().len()), (vec!["The job was cancelled.".to_owned()], 0));
    assert!(outcome.report.full_log.starts_with("gone with the job"), "{:?}", outcome.report);
}

#[test]
fn a_name_without_a_job_is_not_submitted() {
    let wanted = wanted("pi.py", "r1");
    let mut world = World::new().with(&wanted.identity, Phase::Waiting);
    world.runs[0].silent = true;
    let outcome = world.run(&plan(Goal::Run(wanted), waiting_for(WaitFor::Submitted)));
    assert_eq!(outcome.failure.map(|failure| failure.kind), Some(FailureKind::Rejected));
    assert!(world.alive().is_empty());
}

#[test]
fn what_a_refusal_left_behind_was_no_job() {
    let wanted = wanted("pi.py", "r1");
    let name = wanted.identity.name();
    let mut world = World::new().weather(|action, _| matches!(action, Action::Start(_)).then_some(Kind::Rejected));
    world.runs.push(Fate {
        name,
        // It appears with the refusal, after the first look.
        phases: vec![(BEGIN, Phase::Gone), (BEGIN + Duration::from_millis(1), Phase::Waiting)],
        silent: true,
        deaf: false,
    });
    let refusing = plan(Goal::Run(wanted), Management::default());
    let mut state = State::begin(&refusing, BEGIN);
    state = learn(&refusing, state, BEGIN, Seen::Found(Ok(Vec::new())));
    let outcome = world.go_on(&refusing, state, BEGIN + Duration::from_secs(1));
    assert_eq!(outcome.failure.map(|failure| failure.kind), Some(FailureKind::Rejected));
    assert_eq!(outcome.made, Made::Nothing);
    assert!(world.alive().is_empty());
}

#[test]
fn a_request_that_comes_again_too_late_submits_nothing() {
    let mut again = plan(Goal::Run(wanted("pi.py", "r1")), Management::default());
    again.deadlines.asked = BEGIN.before(Duration::from_mins(8));
    // The engine is away until the earlier delivery's job would be forgotten.
    let back = BEGIN + Duration::from_mins(3);
    let mut world = World::new().weather(move |_, now| (now < back).then_some(Kind::Unavailable));
    let outcome = world.run(&again);
    assert!(outcome.failure.is_some());
    assert_eq!(outcome.made, Made::Unknown);
    assert_eq!(world.submissions(), 0);
}
