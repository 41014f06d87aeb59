//! Steps that died, where nobody else acts for the request: whatever they came to is not known.

use std::time::Duration;

use super::lost::steps;
use super::replace::{jobs, replace};
use super::world::{BEGIN, Fate, World, place, plan, wanted, wanted_at};
use crate::engine::{Kind, SUBMISSION_LIMIT, Trouble};
use crate::job::{Phase, Place, Status, Timestamp};
use crate::lifecycle::state::{Purpose, Stopping};
use crate::lifecycle::{Action, Deadlines, Goal, Plan, Seen, Stage, State, learn, withdraw};
use crate::outcome::{FailureKind, Made};
use crate::properties::{Management, UpdateStrategy, WaitFor};

fn create(place: &Place) -> Plan {
    plan(Goal::Run(wanted_at(place, "new.py", "r2")), Management::default())
}

fn begin(plan: &Plan, now: Timestamp) -> State {
    State::begin(plan, now).alone()
}

/// A request whose first step died when it had hardly begun.
fn dead(plan: &Plan) -> State {
    begin(plan, BEGIN).repeated(plan, true, BEGIN, BEGIN)
}

fn after(minutes: u64) -> Timestamp {
    BEGIN + Duration::from_mins(minutes)
}

#[test]
fn one_that_died_a_moment_ago_is_taken_again_however_old_the_request_is() {
    let (old, new) = jobs();
    let plan = replace(UpdateStrategy::FinishThenStart, &old, &new);
    let mut world = World::new().with(&old.identity, Phase::Running);
    world.runs[0].phases.push((after(20), Phase::Succeeded));
    let state = world.run_until_or_done(&plan, begin(&plan, BEGIN), |state| state.not_before >= after(12));
    assert!(matches!(state.stage, Stage::Finish { .. }), "{:?}", state.stage);
    let (since, now) = (state.not_before, state.not_before + Duration::from_secs(3));
    let outcome = world.go_on(&plan, state.repeated(&plan, true, since, now), now);
    assert_eq!((outcome.failure, world.submissions()), (None, 1));
}

/// It had submitted, a list shows what came of that, and the look that follows is throttled once.
#[test]
fn what_a_list_has_shown_is_not_forgotten_for_a_look_that_fails() {
    for place in [Place::EmrServerless("00f1".to_owned()), steps()] {
        for is_dead in [true, false] {
            let wanted = wanted_at(&place, "new.py", "r2");
            let submitted = Management { wait_for: WaitFor::Submitted, ..Management::default() };
            let plan = plan(Goal::Run(wanted.clone()), submitted);
            let throttled = move |action: &Action, now| {
                (matches!(action, Action::Describe(_)) && now < BEGIN + Duration::from_secs(3)).then_some(Kind::Busy)
            };
            let world = World::at(place.clone()).weather(throttled).fate(&[(0, Phase::Cancelled)]);
            let (mut world, state) = if is_dead {
                (world.with(&wanted.identity, Phase::Cancelled), dead(&plan))
            } else {
                (world, begin(&plan, BEGIN))
            };
            let outcome = world.go_on(&plan, state, BEGIN);
            let kind = outcome.failure.as_ref().map(|failure| failure.kind);
            // What one that does not list it has just taken counts as it was taken.
            let expected = (is_dead || place.takes_twins()).then_some(FailureKind::Cancelled);
            assert_eq!(kind, expected, "{place}, {is_dead}: {outcome:?}");
        }
    }
}

/// Livy has refused it, and registered it all the same.
#[test]
fn one_that_died_after_a_refusal_had_submitted_nothing() {
    let plan = create(&place());
    for leaves in [false, true] {
        let refuses = |action: &Action, _| matches!(action, Action::Start(_)).then_some(Kind::Rejected);
        let mut world = World::new().weather(refuses);
        let state = world.run_until_or_done(&plan, begin(&plan, BEGIN), |state| state.refused.is_some());
        if leaves {
            let new = plan.wanted().expect("a job").identity.clone();
            world = world.with(&new, Phase::Waiting);
            world.runs[0].silent = true;
        }
        let now = after(1);
        let outcome = world.go_on(&plan, state.repeated(&plan, true, BEGIN, now), now);
        let failure = outcome.failure.expect("a failure");
        assert_eq!((failure.kind, outcome.made), (FailureKind::Rejected, Made::Nothing), "{}", failure.what);
        assert!(failure.what.contains("Rejected"), "{}", failure.what);
        assert!(world.alive().is_empty() && world.now.since(now) < Duration::from_mins(1));
    }
}

#[test]
fn one_that_died_once_the_present_job_had_ended_submits_nevertheless_after_half_of_the_time() {
    let (old, new) = jobs();
    let plan = replace(UpdateStrategy::FinishThenStart, &old, &new);
    let no_room = |action: &Action, now| (matches!(action, Action::Start(_)) && now < after(40)).then_some(Kind::Busy);
    let mut world = World::new().with(&old.identity, Phase::Running).weather(no_room);
    world.runs[0].phases.push((after(20), Phase::Succeeded));
    let is_there = |state: &State| state.stage == Stage::Start && state.not_before >= after(31);
    let state = world.run_until_or_done(&plan, begin(&plan, BEGIN), is_there);
    assert!(is_there(&state), "{state:?}");
    let now = state.not_before;
    let outcome = world.go_on(&plan, state.repeated(&plan, true, now, now), now);
    assert_eq!((outcome.failure, world.alive().len()), (None, 1));
}

#[test]
fn one_that_died_long_ago_may_have_submitted_what_livy_has_forgotten() {
    let plan = create(&place());
    let mut world = World::new();
    let outcome = world.go_on(&plan, begin(&plan, after(10)).repeated(&plan, true, BEGIN, after(10)), after(10));
    assert!(outcome.failure.is_some_and(|failure| failure.what.contains("too late")));
    assert_eq!((outcome.made, world.submissions()), (Made::Unknown, 0));
}

#[test]
fn what_the_first_of_several_may_have_submitted_is_forgotten_first() {
    let plan = create(&place());
    let mut world = World::new();
    let state = begin(&plan, BEGIN).repeated(&plan, true, BEGIN, BEGIN).repeated(&plan, true, after(8), after(8));
    let outcome = world.go_on(&plan, state, after(10));
    assert!(outcome.failure.is_some_and(|failure| failure.what.contains("too late")));
    assert_eq!((outcome.made, world.submissions()), (Made::Unknown, 0));
}

#[test]
fn a_first_one_submits_however_long_it_had_to_wait() {
    let plan = create(&place());
    let mut world = World::new();
    let outcome = world.go_on(&plan, begin(&plan, after(20)), after(20));
    assert_eq!((outcome.failure, world.submissions()), (None, 1));
}

#[test]
fn one_look_that_shows_nothing_does_not_tell_that_nothing_was_made() {
    let mut plan = create(&steps());
    plan.deadlines = Deadlines::between(BEGIN, after(1));
    let mut world = World::at(steps());
    let outcome = world.go_on(&plan, dead(&plan), BEGIN);
    assert_eq!((outcome.made, world.submissions()), (Made::Unknown, 0));
    for place in [place(), Place::EmrServerless("00f1".to_owned())] {
        let denied = |action: &Action, _| matches!(action, Action::Start(_)).then_some(Kind::Denied);
        let plan = create(&place);
        let mut world = World::at(place).weather(denied);
        let outcome = world.go_on(&plan, dead(&plan), BEGIN);
        assert_eq!(outcome.failure.map(|failure| failure.kind), Some(FailureKind::Denied));
        // It was looked for as long as it may take to come.
        assert!(outcome.made == Made::Nothing && world.now >= BEGIN + SUBMISSION_LIMIT, "{:?}", outcome.made);
    }
}

#[test]
fn an_engine_that_has_no_room_for_a_look_has_not_told_that_nothing_was_made() {
    for seconds in [20, 60, 100] {
        let plan = create(&steps());
        let no_room = |action: &Action, now: Timestamp| {
            let is_second = BEGIN < now && now < BEGIN + Duration::from_secs(90);
            (matches!(action, Action::Find(..)) && is_second).then_some(Kind::Busy)
        };
        let mut world = World::at(steps()).weather(no_room);
        world.runs.push(Fate {
            name: wanted_at(&steps(), "new.py", "r2").identity.name(),
            phases: vec![(BEGIN, Phase::Gone), (BEGIN + Duration::from_secs(seconds), Phase::Running)],
            silent: false,
            deaf: false,
        });
        let outcome = world.go_on(&plan, dead(&plan), BEGIN);
        assert_eq!((outcome.failure, world.submissions(), world.alive().len()), (None, 0, 1), "{seconds} s");
    }
}

#[test]
fn what_it_submitted_is_cancelled_once_it_comes_although_the_time_is_over_or_nobody_waits() {
    for is_withdrawn in [false, true] {
        let mut plan = create(&steps());
        plan.deadlines = Deadlines::between(BEGIN, after(3));
        let mut world = World::at(steps());
        let late = plan.deadlines.give_up + Duration::from_secs(1);
        let name = wanted_at(&steps(), "new.py", "r2").identity.name();
        world.runs.push(Fate {
            name,
            phases: vec![(BEGIN, Phase::Gone), (late, Phase::Running)],
            silent: false,
            deaf: false,
        });
        let died = plan.deadlines.give_up.before(Duration::from_secs(10));
        let state = begin(&plan, died).repeated(&plan, true, died, died);
        let mut state = learn(&plan, state, died, Seen::Found(Ok(Vec::new())));
        if is_withdrawn {
            state = withdraw(&plan, state, None, died);
        }
        let outcome = world.go_on(&plan, state, died);
        assert!(outcome.failure.is_some());
        assert_eq!((world.alive().len(), world.submissions()), (0, 0), "{is_withdrawn}");
    }
}

#[test]
fn a_step_that_may_not_have_been_called_is_no_death_and_is_looked_for_all_the_same() {
    let plan = create(&steps());
    let state = begin(&plan, BEGIN).repeated(&plan, false, BEGIN, BEGIN);
    assert_eq!((state.unseen.deaths(), state.unseen.lost(), state.unseen.may_be_one()), (0, Some(BEGIN), true));
}

#[test]
fn a_job_that_goes_first_shows_that_no_step_has_died_of_a_submission() {
    let run = |name: &str| Stopping::of(World::new().reference(0, name), None);
    let (old, new) = jobs();
    let plan = replace(UpdateStrategy::StopThenStart, &old, &new);
    for purpose in [Purpose::MakeRoom, Purpose::RollBack, Purpose::LeftBehind, Purpose::Useless] {
        let stopping = Stage::Stop { runs: vec![run("old")], purpose };
        let state = State { stage: stopping, ..dead(&plan) };
        let alive = Status { phase: Phase::Running, ..Status::gone() };
        assert_eq!(learn(&plan, state, BEGIN, Seen::Described(Ok(vec![alive]))).unseen.deaths(), 0);
    }
}

#[test]
fn an_answer_to_a_submission_and_a_job_that_is_in_the_way_show_that_it_did_not_die_of_one() {
    let plan = create(&place());
    let state = State { stage: Stage::Start, ..dead(&plan) };
    assert_eq!(state.unseen.deaths(), 1);
    let busy = Trouble::new(Kind::Busy, "submit", "no room");
    assert_eq!(learn(&plan, state, BEGIN, Seen::Started(Err(busy))).unseen.deaths(), 0);

    let (old, new) = jobs();
    let plan = replace(UpdateStrategy::FinishThenStart, &old, &new);
    let mut world = World::new().with(&old.identity, Phase::Running);
    let is_waiting = |state: &State| matches!(state.stage, Stage::Finish { .. }) && state.polls > 0;
    assert_eq!(world.run_until_or_done(&plan, dead(&plan), is_waiting).unseen.deaths(), 0);
}

#[test]
fn nothing_is_made_of_one_that_had_a_job_or_was_to_make_none() {
    let delete = plan(Goal::Stop(crate::lifecycle::Target::Nothing), Management::default());
    assert_eq!(dead(&delete).unseen.deaths(), 0);
    let create = plan(Goal::Run(wanted("new.py", "r2")), Management::default());
    let state = World::new().run_until(&create, |state| state.own.is_some());
    assert_eq!(state.clone().repeated(&create, true, BEGIN, BEGIN), state);
    let given_up = State { given_up: true, ..dead(&create) };
    assert_eq!(given_up.clone().repeated(&create, true, after(1), after(1)), given_up, "nothing is submitted then");
}
