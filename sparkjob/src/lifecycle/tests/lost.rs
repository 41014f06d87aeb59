//! Submissions whose answers are lost, and an engine that cannot be asked then: as long as there is time, what they may have made is
//! looked for.

use std::cell::Cell;
use std::time::Duration;

use super::engines::replace;
use super::world::{BEGIN, Fate, World, place, plan, wanted_at};
use crate::engine::{Kind, SUBMISSION_LIMIT};
use crate::job::{Phase, Place, Timestamp};
use crate::lifecycle::{Action, Deadlines, Failing, Former, Goal, Plan, Stage, State, Unseen, withdraw};
use crate::outcome::{Failure, FailureKind, Made};
use crate::properties::{Management, UpdateStrategy};

fn places() -> [Place; 3] {
    [place(), steps(), Place::EmrServerless("00f1".to_owned())]
}

pub(super) fn steps() -> Place {
    Place::EmrSteps("j-1".to_owned())
}

fn create(place: &Place) -> Plan {
    plan(Goal::Run(wanted_at(place, "new.py", "r2")), Management::default())
}

/// As after a submission whose answer was lost.
pub(super) fn lost() -> Unseen {
    let mut unseen = Unseen::default();
    unseen.lose(BEGIN);
    unseen
}

fn after(minutes: u64) -> Timestamp {
    BEGIN + Duration::from_mins(minutes)
}

/// The first submission is taken and its answer is lost, and from then on every call fails so, until then.
fn cut_off(kind: Kind, until: Timestamp) -> impl Fn(&Action, Timestamp) -> Option<Kind> {
    move |action, now| match action {
        Action::Start(_) if now == BEGIN => Some(Kind::Unclear),
        _ => (now > BEGIN && now < until).then_some(kind),
    }
}

#[test]
fn what_was_taken_as_the_engine_went_away_is_found_when_it_comes_back() {
    for place in places() {
        for kind in [Kind::Unavailable, Kind::Denied, Kind::Rejected] {
            let mut world = World::at(place.clone()).weather(cut_off(kind, after(20)));
            let outcome = world.run(&create(&place));
            assert_eq!((outcome.failure, world.alive().len()), (None, 1), "{place}, {kind:?}");
        }
    }
}

#[test]
fn what_livy_may_have_run_and_forgotten_while_it_was_away_is_not_submitted_once_more() {
    let fate = [(0, Phase::Running), (30, Phase::Succeeded), (10 * 60 + 30, Phase::Gone)];
    for (minutes, is_found) in [(8, true), (12, false)] {
        let mut world = World::new().weather(cut_off(Kind::Unavailable, after(minutes))).fate(&fate);
        let outcome = world.run(&create(&place()));
        let told = outcome.failure.map(|failure| failure.what).unwrap_or_default();
        assert_eq!((told.contains("too late"), world.submissions()), (!is_found, 1), "{minutes} min: {told}");
        assert!(is_found == told.is_empty() && is_found != (outcome.made == Made::Unknown), "{minutes} min: {told}");
    }
}

/// Livy comes back only when it is too late to submit.
#[test]
fn what_livy_may_have_run_and_forgotten_is_told_also_once_it_was_given_up() {
    let fate = [(0, Phase::Running), (60, Phase::Succeeded), (10 * 60 + 60, Phase::Gone)];
    let deadlines = Deadlines::between(BEGIN, after(15));
    let back = deadlines.give_up + Duration::from_secs(5);
    let mut world = World::new().weather(cut_off(Kind::Unavailable, back)).fate(&fate);
    let outcome = world.run(&Plan { deadlines, ..create(&place()) });
    let told = outcome.failure.expect("a failure").what;
    assert!(told.contains("too late") && outcome.made == Made::Unknown, "{told}: {:?}", outcome.made);
}

/// What was submitted first took effect only after a look, and what was submitted then was refused.
#[test]
fn what_livy_may_have_run_and_forgotten_is_told_also_where_it_refused_another_one() {
    let fate = [(0, Phase::Running), (60, Phase::Succeeded), (10 * 60 + 60, Phase::Gone)];
    for (minutes, is_found) in [(8, true), (12, false)] {
        let refused = Cell::new(false);
        let mut world = World::new().fate(&fate).weather(move |action, now| match action {
            Action::Start(_) => {
                refused.set(now > BEGIN);
                Some(if refused.get() { Kind::Rejected } else { Kind::Unclear })
            }
            Action::Find(..) => (refused.get() && now < after(minutes)).then_some(Kind::Unavailable),
            _ => None,
        });
        world.stale = 2;
        let outcome = world.run(&create(&place()));
        assert_eq!(world.submissions(), 2);
        let told = outcome.failure.map(|failure| failure.what).unwrap_or_default();
        assert_eq!((told.contains("too late"), told.is_empty()), (!is_found, is_found), "{minutes} min: {told}");
        assert_eq!(outcome.made == Made::Unknown, !is_found, "{minutes} min: {:?}", outcome.made);
        let tells_of_refusal = outcome.notes.iter().any(|note| note.contains("Rejected"));
        assert_eq!(tells_of_refusal, !is_found, "{minutes} min: {:?}", outcome.notes);
    }
}

/// Livy took it at once, and forgets it ten minutes after its end, which is sooner than that after its answer was given up; also
/// where the step before had to be taken again.
#[test]
fn what_was_waited_for_before_it_was_given_up_is_no_younger_for_that() {
    let fate = [(0, Phase::Running), (5, Phase::Succeeded), (10 * 60 + 5, Phase::Gone)];
    let plan = create(&place());
    let begun = State::begin(&plan, BEGIN).alone();
    let again = |has_died| begun.clone().repeated(&plan, has_died, BEGIN, BEGIN);
    for state in [State::begin(&plan, BEGIN), begun.clone(), again(false), again(true)] {
        for (takes, back) in
            (60..=120).step_by(5).flat_map(|takes| (605..=720).step_by(5).map(move |back| (takes, back)))
        {
            let back = BEGIN + Duration::from_secs(back);
            let mut world = World::new().weather(cut_off(Kind::Unavailable, back)).fate(&fate);
            world.takes = Duration::from_secs(takes);
            world.go_on(&plan, state.clone(), BEGIN);
            assert_eq!(world.submissions(), 1, "{takes} s, {back:?}, {state:?}");
        }
    }
}

/// Livy had no room for it, and Lambda none for the function, whose next step had to be taken again.
#[test]
fn what_was_refused_before_is_not_what_may_be_forgotten() {
    let weather = |action: &Action, now| (matches!(action, Action::Start(_)) && now < after(10)).then_some(Kind::Busy);
    let plan = create(&place());
    let mut world = World::new().weather(weather);
    let begun = State::begin(&plan, BEGIN).alone();
    let state = world.run_until_or_done(&plan, begun, |state| state.not_before >= after(1));
    let outcome = world.go_on(&plan, state.repeated(&plan, false, after(12), after(12)), after(12));
    assert_eq!((outcome.failure, world.runs.len()), (None, 1));
}

/// What a step had submitted that died took effect after it was looked for; Livy had no room for another one, and then was silent until
/// it had forgotten that.
#[test]
fn what_a_dead_step_has_submitted_is_no_younger_for_another_submission() {
    let plan = create(&place());
    let weather = |action: &Action, now: Timestamp| match now.since(BEGIN).as_secs() {
        0..110 => matches!(action, Action::Start(_)).then_some(Kind::Busy),
        110..620 => Some(Kind::Unclear),
        _ => None,
    };
    let mut world = World::new().weather(weather);
    let phases = [(0, Phase::Gone), (5, Phase::Running), (10, Phase::Succeeded), (610, Phase::Gone)];
    let phases = phases.map(|(begins, phase)| (BEGIN + Duration::from_secs(begins), phase)).to_vec();
    let name = wanted_at(&place(), "new.py", "r2").identity.name();
    world.runs.push(Fate { name, phases, silent: false, deaf: false });
    let dead = State::begin(&plan, BEGIN).alone().repeated(&plan, true, BEGIN, BEGIN);
    let outcome = world.go_on(&plan, dead, BEGIN);
    let told = outcome.failure.map(|failure| failure.what).unwrap_or_default();
    assert!(told.contains("too late") && world.runs.len() == 1, "{told}");
}

/// Lambda has trouble of its own, twice, while the old job is let finish.
#[test]
fn as_long_as_the_old_job_is_there_nothing_was_submitted_that_could_be_forgotten() {
    let (old, _, plan) = replace(&World::new(), UpdateStrategy::FinishThenStart);
    let mut world = World::new().with(&old.identity, Phase::Running);
    world.runs[0].phases.push((after(20), Phase::Succeeded));
    let mut state = State::begin(&plan, BEGIN).alone();
    for minutes in [1, 12] {
        let waits = |state: &State| matches!(state.stage, Stage::Finish { .. }) && state.not_before >= after(minutes);
        state = world.run_until_or_done(&plan, state, waits).repeated(&plan, false, after(minutes), after(minutes));
    }
    let now = world.now;
    let outcome = world.go_on(&plan, state, now);
    assert_eq!((outcome.failure, world.submissions()), (None, 1));
}

/// The same while a job is stopped that goes first.
#[test]
fn as_long_as_a_job_is_stopped_that_goes_first_nothing_was_submitted_that_could_be_forgotten() {
    for is_left_behind in [false, true] {
        let (old, _, plan) = replace(&World::new(), UpdateStrategy::StopThenStart);
        let mut world = World::new().with(&old.identity, Phase::Running);
        if is_left_behind {
            world = world.with(&wanted_at(&place(), "old.py", "r1b").identity, Phase::Running);
        }
        let goes_first = usize::from(is_left_behind);
        world.runs[goes_first].deaf = true;
        let mut state = State::begin(&plan, BEGIN).alone();
        for minutes in [1, 12] {
            let waits = |state: &State| matches!(state.stage, Stage::Stop { .. }) && state.not_before >= after(minutes);
            state = world.run_until_or_done(&plan, state, waits).repeated(&plan, false, after(minutes), after(minutes));
        }
        world.runs[goes_first].phases.push((after(13), Phase::Gone));
        world.runs[goes_first].deaf = false;
        let outcome = world.go_on(&plan, state, after(13));
        assert_eq!((outcome.failure, world.submissions()), (None, 1), "{is_left_behind}");
    }
}

/// Lambda has trouble of its own at least every two minutes, while Livy has no room: every look tells that nothing is there.
#[test]
fn what_is_looked_for_all_the_time_is_not_forgotten() {
    let weather = |action: &Action, now| (matches!(action, Action::Start(_)) && now < after(15)).then_some(Kind::Busy);
    let mut world = World::new().weather(weather);
    let plan = create(&place());
    let mut state = State::begin(&plan, BEGIN).alone();
    for seconds in (90..840).step_by(90) {
        let now = BEGIN + Duration::from_secs(seconds);
        state = world.run_until_or_done(&plan, state, |state| state.not_before >= now).repeated(&plan, false, now, now);
    }
    let now = world.now;
    let outcome = world.go_on(&plan, state, now);
    assert_eq!((outcome.failure, world.runs.len()), (None, 1));
}

/// All begins anew with the look for what a step may have submitted: that is not done at once, time and again.
#[test]
fn after_a_step_that_is_taken_again_a_busy_engine_is_not_asked_more_often() {
    for has_died in [true, false] {
        let (old, _, plan) = replace(&World::new(), UpdateStrategy::StopThenStart);
        let weather =
            |action: &Action, now| (matches!(action, Action::Start(_)) && now < after(10)).then_some(Kind::Busy);
        let mut world = World::new().with(&old.identity, Phase::Succeeded).weather(weather);
        let dead = State::begin(&plan, BEGIN).alone().repeated(&plan, has_died, BEGIN, BEGIN);
        let outcome = world.go_on(&plan, dead, BEGIN);
        assert_eq!((outcome.failure, world.runs.len()), (None, 2));
        assert!(world.actions.len() < 60, "{} actions, {} submissions", world.actions.len(), world.submissions());
    }
}

/// An answer was lost, and the one job that there is room for is the request's own: where its token is not looked at before there is
/// room, it is there nevertheless.
#[test]
fn what_takes_up_all_the_room_is_found() {
    for place in places().into_iter().chain([Place::EmrOnEks("0abc".to_owned())]) {
        let weather = |action: &Action, now| {
            matches!(action, Action::Start(_)).then_some(if now == BEGIN { Kind::Unclear } else { Kind::Busy })
        };
        let mut world = World::at(place.clone()).weather(weather);
        let outcome = world.run(&create(&place));
        assert_eq!((outcome.failure, world.alive().len()), (None, 1), "{place}");
        assert!(world.now < after(5), "{place}: {:?}", world.now.since(BEGIN));
    }
}

/// Whoever has a token needs no look to submit once more.
#[test]
fn what_may_not_be_looked_for_is_submitted_again_where_that_is_the_same() {
    for place in [Place::EmrOnEks("0abc".to_owned()), Place::EmrServerless("00f1".to_owned())] {
        for kind in [Kind::Denied, Kind::Unavailable] {
            let weather = move |action: &Action, now: Timestamp| match action {
                Action::Start(_) if now == BEGIN => Some(Kind::Unclear),
                Action::Start(_) => (now < after(20)).then_some(Kind::Busy),
                Action::Find(..) => Some(kind),
                _ => None,
            };
            let mut world = World::at(place.clone()).weather(weather);
            let outcome = world.run(&create(&place));
            assert_eq!((outcome.failure, world.alive().len()), (None, 1), "{place}, {kind:?}");
        }
    }
}

/// What a last look failed of is told once, whatever else failed of the same; where a refusal is told, beside that.
#[test]
fn an_engine_that_does_not_come_back_is_told_once() {
    let other = "Whether a lost update left a job behind is not known: could not speak to the engine: Unavailable.";
    for (place, is_refused) in places().into_iter().flat_map(|place| [false, true].map(|is| (place.clone(), is))) {
        let plan = create(&place);
        let mut world = World::at(place.clone()).weather(cut_off(Kind::Unavailable, after(600)));
        let refusal = Failure { kind: FailureKind::Rejected, what: "no".to_owned(), advice: String::new() };
        let refused = is_refused.then_some(refusal);
        let begun = State { unseen: lost(), refused, notes: vec![other.to_owned()], ..State::begin(&plan, BEGIN) };
        world.now = after(1);
        let outcome = world.go_on(&plan, begun, after(1));
        let told = format!("{} {:?}", outcome.failure.expect("a failure").what, outcome.notes);
        assert!(told.contains(other), "{place}: {told}");
        assert_eq!(told.matches("speak to the engine").count(), 2, "{place}, {is_refused}: {told}");
    }
}

/// What stood in the way is told, although it was looked for a job once more.
#[test]
fn what_kept_a_job_from_being_submitted_is_told_after_a_look() {
    for place in places() {
        let plan = create(&place);
        let mut world =
            World::at(place.clone()).weather(|action, _| matches!(action, Action::Start(_)).then_some(Kind::Busy));
        let dead = State::begin(&plan, BEGIN).alone().repeated(&plan, true, BEGIN, BEGIN);
        let lost = State { unseen: lost(), ..dead };
        let outcome = world.go_on(&plan, lost, BEGIN);
        let told = format!("{:?} {:?}", outcome.failure.expect("a failure").what, outcome.notes);
        assert!(
            told.contains("could not be submitted") && told.contains("speak to the engine: Busy"),
            "{place}: {told}"
        );
    }
}

/// Livy took it late, when it had been looked for, and has no room for another one until it has forgotten that.
#[test]
fn what_is_taken_late_is_found_although_there_is_no_room_for_another_one() {
    let weather = |action: &Action, now| match action {
        Action::Start(_) if now == BEGIN => Some(Kind::Unclear),
        Action::Start(_) => (now < after(12)).then_some(Kind::Busy),
        _ => None,
    };
    let fate = [(0, Phase::Running), (60, Phase::Succeeded), (11 * 60, Phase::Gone)];
    let mut world = World::new().weather(weather).fate(&fate);
    // That before it is submitted, and the one right after.
    world.stale = 2;
    let outcome = world.run(&create(&place()));
    assert_eq!((outcome.failure, world.runs.len()), (None, 1), "{} submissions", world.submissions());
}

/// Lambda has trouble of its own, or a step dies, while Livy is away.
#[test]
fn a_step_that_is_taken_again_does_not_forget_what_was_lost_before() {
    for has_died in [true, false] {
        let plan = create(&place());
        let fate = [(0, Phase::Running), (30, Phase::Succeeded), (10 * 60 + 30, Phase::Gone)];
        let mut world = World::new().weather(cut_off(Kind::Unavailable, after(12))).fate(&fate);
        let begun = State::begin(&plan, BEGIN).alone();
        let state = world.run_until_or_done(&plan, begun, |state| state.not_before >= after(5));
        let again = state.repeated(&plan, has_died, after(5), after(5));
        let outcome = world.go_on(&plan, again, after(5));
        assert!(outcome.failure.is_some_and(|failure| failure.what.contains("too late")), "{has_died}");
        assert_eq!((outcome.made, world.submissions()), (Made::Unknown, 1), "{has_died}");
    }
}

#[test]
fn an_update_that_may_have_left_a_job_is_not_told_to_have_failed_before_that_is_known() {
    for place in places() {
        for strategy in [UpdateStrategy::StopThenStart, UpdateStrategy::StartThenStop] {
            let (old, _, plan) = replace(&World::at(place.clone()), strategy);
            let gone_at = BEGIN + Duration::from_mins(1);
            let weather = move |action: &Action, now| match action {
                Action::Start(_) => Some(Kind::Unclear),
                _ => (now > gone_at).then_some(Kind::Unavailable),
            };
            let mut world = World::at(place.clone()).with(&old.identity, Phase::Running).weather(weather);
            // It goes once the submission has been lost.
            let state = world.run_until(&plan, |state| state.unseen.lost().is_some());
            let now = world.now.max(gone_at + Duration::from_secs(1));
            let outcome = world.go_on(&plan, state, now);
            assert!(outcome.failure.is_some() && outcome.made == Made::Unknown, "{place}, {strategy:?}");
            assert!(world.now >= plan.deadlines.give_up, "{place}, {strategy:?}");
        }
    }
}

#[test]
fn the_last_submission_that_is_tried_is_looked_for_as_well() {
    for (late, comes) in [(30, true), (150, false)] {
        let plan = create(&steps());
        let begun = State {
            stage: Stage::Start,
            unseen: lost(),
            failing: Some(Failing { since: BEGIN, denied_since: None }),
            ..State::begin(&plan, after(6))
        };
        let lost = |action: &Action, _| matches!(action, Action::Start(_)).then_some(Kind::Unclear);
        let mut world = World::at(steps()).weather(lost);
        world.now = after(6);
        let state = world.run_until_or_done(&plan, begun, |state| state.refused.is_some());
        assert_eq!(world.submissions(), 1);
        let (name, at) = (wanted_at(&steps(), "new.py", "r2").identity.name(), after(6) + Duration::from_secs(late));
        let phases = vec![(BEGIN, Phase::Gone), (at, Phase::Running)];
        world.runs = vec![Fate { name, phases, silent: false, deaf: false }];
        let outcome = world.go_on(&plan, state, after(6));
        assert_eq!(outcome.failure.is_none(), comes, "{late} s: {outcome:?}");
        assert!(comes || outcome.made == Made::Nothing && world.now >= after(6) + SUBMISSION_LIMIT, "{late} s");
    }
}

#[test]
fn a_lost_job_that_has_shown_no_sign_of_life_yet_is_waited_for_although_the_next_submission_was_refused() {
    let plan = create(&place());
    let refusal = Some(Failure { kind: FailureKind::Denied, what: "no".to_owned(), advice: String::new() });
    let refused = State { unseen: lost(), refused: refusal, ..State::begin(&plan, BEGIN) };
    let name = wanted_at(&place(), "new.py", "r2").identity.name();
    let mut world = World::new();
    let phases = vec![(BEGIN, Phase::Waiting), (BEGIN + Duration::from_secs(10), Phase::Running)];
    world.runs.push(Fate { name, phases, silent: true, deaf: false });
    let outcome = world.go_on(&plan, refused, BEGIN);
    assert_eq!((outcome.failure, world.alive().len()), (None, 1));
}

/// Another delivery of the request was not refused.
#[test]
fn what_another_delivery_made_goes_on_although_this_one_was_refused_and_has_no_time_left() {
    let plan = create(&place());
    let refusal = Some(Failure { kind: FailureKind::Denied, what: "no".to_owned(), advice: String::new() });
    let mut unseen = Unseen::default();
    unseen.suspect();
    let refused = State { unseen, refused: refusal, given_up: true, ..State::begin(&plan, BEGIN) };
    let mut world = World::new().with(&wanted_at(&place(), "new.py", "r2").identity, Phase::Running);
    let outcome = world.go_on(&plan, refused, plan.deadlines.give_up);
    assert_eq!(outcome.failure.map(|failure| failure.what), Some("no".to_owned()));
    assert_eq!(world.alive().len(), 1);
}

#[test]
fn a_late_delivery_of_a_create_submits_nothing_before_a_look_although_there_is_no_room_for_one() {
    let plan = create(&steps());
    let no_room = |action: &Action, now| (matches!(action, Action::Find(..)) && now < after(4)).then_some(Kind::Busy);
    let mut world = World::at(steps()).with(&wanted_at(&steps(), "new.py", "r2").identity, Phase::Running);
    world.weather = Box::new(no_room);
    world.now = after(2);
    let outcome = world.run(&plan);
    assert_eq!((outcome.failure, world.submissions(), world.alive().len()), (None, 0, 1));
}

#[test]
fn a_rollback_of_which_a_step_died_is_not_held_up_by_an_engine_that_is_away() {
    for place in places() {
        let (old, new, _) = replace(&World::at(place.clone()), UpdateStrategy::StopThenStart);
        let mut world = World::at(place.clone()).with(&old.identity, Phase::Running);
        world.weather = Box::new(|_, _| Some(Kind::Unavailable));
        let present = world.reference(0, &old.identity.name());
        let back = wanted_at(&place, "old.py", "r3");
        let former = Some(Box::new(Former::from(new)));
        let restore = Goal::Restore { wanted: back, old: former, present: Some(present.clone()), stays_as: None };
        let plan = plan(restore, Management::default());
        let begun = State::begin(&plan, BEGIN).alone();
        let is_failing = |state: &State| state.weather.is_some();
        let state = world.run_until_or_done(&plan, begun, is_failing);
        assert!(is_failing(&state), "{place}: {state:?}");
        let outcome = world.go_on(&plan, state.repeated(&plan, true, BEGIN, BEGIN), BEGIN);
        assert_eq!((outcome.failure, outcome.made), (None, Made::Job(present)), "{place}");
        assert!(world.now < after(11), "{place}: {:?}", world.now.since(BEGIN));
    }
}

/// The engine was away for almost five minutes before the step that died, which had gone on without its look and submitted.
#[test]
fn a_step_of_a_rollback_that_is_taken_again_waits_for_the_engine_anew() {
    for place in places().into_iter().filter(|place| !place.takes_twins()) {
        let (old, new, _) = replace(&World::at(place.clone()), UpdateStrategy::StopThenStart);
        let back = wanted_at(&place, "old.py", "r3");
        let mut world = World::at(place.clone()).with(&old.identity, Phase::Gone).with(&back.identity, Phase::Running);
        let present = world.reference(0, &old.identity.name());
        let submitted = world.reference(1, &back.identity.name());
        let former = Some(Box::new(Former::from(new)));
        let restore = Goal::Restore { wanted: back, old: former, present: Some(present), stays_as: None };
        let plan = plan(restore, Management::default());
        world.weather = Box::new(|_, _| Some(Kind::Unavailable));
        let is_late = |state: &State| state.not_before > BEGIN + Duration::from_secs(290);
        let state = world.run_until_or_done(&plan, State::begin(&plan, BEGIN).alone(), is_late);
        assert!(is_late(&state), "{place}: {state:?}");
        let now = state.not_before;
        world.weather = Box::new(move |_, at| (at < now + Duration::from_secs(20)).then_some(Kind::Unavailable));
        let outcome = world.go_on(&plan, state.repeated(&plan, true, now, now), now);
        assert_eq!((outcome.failure, outcome.made), (None, Made::Job(submitted)), "{place}");
    }
}

#[test]
fn what_is_found_after_all_is_the_request_s_own_and_goes_where_it_fails() {
    let place = Place::EmrServerless("00f1".to_owned());
    let mut world = World::at(place.clone())
        .weather(cut_off(Kind::Denied, after(20)))
        .fate(&[(0, Phase::Waiting), (60 * 60, Phase::Running)]);
    let outcome = world.run(&create(&place));
    assert!(outcome.failure.is_some() && world.alive().is_empty(), "{:?}", world.alive());
}

#[test]
fn what_a_dead_step_may_have_submitted_is_looked_for_whatever_stands_before_the_engine() {
    let plan = create(&place());
    let name = wanted_at(&place(), "new.py", "r2").identity.name();
    for (kind, minutes, is_found) in
        [(Kind::Rejected, 1, true), (Kind::Denied, 1, true), (Kind::Unavailable, 20, true), (Kind::Rejected, 20, false)]
    {
        let mut world = World::new().weather(move |_, now| (now < after(minutes)).then_some(kind));
        world.runs.push(Fate { name: name.clone(), phases: vec![(BEGIN, Phase::Running)], silent: false, deaf: false });
        let dead = State::begin(&plan, BEGIN).alone().repeated(&plan, true, BEGIN, BEGIN);
        let outcome = world.go_on(&plan, dead, BEGIN);
        assert_eq!((outcome.failure.is_none(), world.submissions()), (is_found, 0), "{kind:?}, {minutes} min");
        // Who refuses the looks for longer than a submission may take is believed.
        assert!(is_found || outcome.made == Made::Unknown && world.now < after(5));
    }
}

#[test]
fn nobody_looks_for_longer_than_a_submission_may_take_for_a_request_that_nobody_waits_for() {
    for place in places() {
        let plan = create(&place);
        let mut world = World::at(place.clone());
        let lost = State { unseen: lost(), ..State::begin(&plan, BEGIN) };
        let outcome = world.go_on(&plan, withdraw(&plan, lost, None, BEGIN), BEGIN);
        assert!(outcome.failure.is_some_and(|failure| failure.kind == FailureKind::Withdrawn));
        let took = world.now.since(BEGIN);
        assert!(took >= SUBMISSION_LIMIT && took < SUBMISSION_LIMIT * 2, "{place}: {took:?}");
    }
}
