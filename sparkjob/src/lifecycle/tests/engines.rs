//! What is done otherwise where an engine honours tokens, takes twins or has tags.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use super::world::{BEGIN, World, plan, wanted_at};
use crate::engine::{Kind, Lookup};
use crate::job::{Phase, Place, Tags};
use crate::lifecycle::{Action, Deadlines, Goal, Plan, Retag, State, StaysAs, Target, Wanted};
use crate::outcome::Made;
use crate::properties::{Management, OnDeleteError, UpdateStrategy, WaitFor};

fn serverless() -> Place {
    Place::EmrServerless("00f1".to_owned())
}

fn steps() -> Place {
    Place::EmrSteps("j-1ABC".to_owned())
}

fn create(place: &Place) -> (Wanted, Plan) {
    let wanted = wanted_at(place, "pi.py", "r1");
    let management = Management { wait_for: WaitFor::Submitted, ..Management::default() };
    (wanted.clone(), plan(Goal::Run(wanted), management))
}

/// The plan to replace run 0, a run of the first description, by one of the second.
pub(super) fn replace(world: &World, strategy: UpdateStrategy) -> (Wanted, Wanted, Plan) {
    let (old, new) = (wanted_at(&world.place, "old.py", "r1"), wanted_at(&world.place, "new.py", "r2"));
    let goal = Goal::Replace {
        wanted: new.clone(),
        old: Some(Box::new(old.clone().into())),
        present: Some(world.reference(0, &old.identity.name())),
        stays_as: None,
    };
    let management = Management { update_strategy: strategy, wait_for: WaitFor::Submitted, ..Management::default() };
    (old, new, plan(goal, management))
}

#[test]
fn a_token_saves_the_look_before_a_first_submission() {
    let (_, plan) = create(&serverless());
    let mut world = World::at(serverless());
    assert_eq!(world.run(&plan).failure, None);
    assert_eq!(world.story(), ["start", "look", "report"]);
}

/// Another try's may be there, and a rate is exceeded for seconds, but where many are submitted at once.
#[test]
fn there_is_a_look_before_a_first_step_if_there_is_room_for_one_within_seconds() {
    for (busy, submissions) in [(1, 0), (2, 0), (3, 1)] {
        let (wanted, plan) = create(&steps());
        let looks = RefCell::new(BTreeSet::new());
        let no_room = move |action: &Action, now| {
            let mut looks = looks.borrow_mut();
            let is_look = matches!(action, Action::Find(..));
            looks.extend(is_look.then_some(now));
            (is_look && looks.len() <= busy).then_some(Kind::Busy)
        };
        let mut world = World::at(steps()).with(&wanted.identity, Phase::Running).weather(no_room);
        let outcome = world.run(&plan);
        assert_eq!((outcome.failure, world.submissions(), world.alive().len()), (None, submissions, 1), "{busy}");
    }
}

#[test]
fn a_late_delivery_looks_first_on_every_engine() {
    for place in [serverless(), steps()] {
        let (wanted, mut plan) = create(&place);
        plan.deadlines.asked = BEGIN.before(Duration::from_mins(2));
        let mut world = World::at(place).with(&wanted.identity, Phase::Running);
        assert_eq!(world.run(&plan).failure, None);
        assert_eq!((world.story()[0], world.submissions()), ("find own", 0));
    }
}

#[test]
fn what_ended_long_ago_is_still_known_where_there_is_no_livy() {
    let (_, mut plan) = create(&serverless());
    plan.deadlines.asked = BEGIN.before(Duration::from_mins(30));
    let mut world = World::at(serverless());
    assert_eq!(world.run(&plan).failure, None);
    assert_eq!(world.submissions(), 1);
}

#[test]
fn after_a_lost_answer_a_token_is_used_again_and_the_run_is_the_same() {
    let (wanted, plan) = create(&serverless());
    let mut world = World::at(serverless()).weather(|action, now| {
        let is_lost = matches!(action, Action::Start(_)) && now < BEGIN + Duration::from_secs(5);
        is_lost.then_some(Kind::Unclear)
    });
    let outcome = world.run(&plan);
    assert_eq!(outcome.made, Made::Job(world.reference(0, &wanted.identity.name())));
    assert_eq!((world.story(), world.runs.len()), (vec!["start", "look", "report"], 1));
}

#[test]
fn a_refusal_ends_it_at_once_where_nothing_is_left_behind() {
    for place in [serverless(), steps()] {
        let (_, plan) = create(&place);
        let mut world =
            World::at(place).weather(|action, _| matches!(action, Action::Start(_)).then_some(Kind::Rejected));
        let outcome = world.run(&plan);
        assert_eq!((outcome.failure.is_some(), outcome.made), (true, Made::Nothing));
        assert_eq!(world.actions.iter().filter(|action| matches!(action, Action::Start(_))).count(), 1);
        assert_ne!(world.story().last(), Some(&"find own"));
    }
}

#[test]
fn an_update_looks_once_for_both_descriptions() {
    for (strategy, story) in [
        (
            UpdateStrategy::StopThenStart,
            &["find owner", "cancel", "look", "cancel", "look", "start", "look", "report"][..],
        ),
        (UpdateStrategy::StartThenStop, &["find owner", "start", "look", "cancel", "look", "report"]),
    ] {
        let world = World::at(serverless());
        let (old, new, plan) = replace(&world, strategy);
        // The second one was left behind by an update whose answer was lost.
        let mut world = world.with(&old.identity, Phase::Running).with(&old.identity, Phase::Running);
        let outcome = world.run(&plan);
        assert_eq!(outcome.failure, None);
        assert_eq!(outcome.made, Made::Job(world.reference(2, &new.identity.name())));
        assert_eq!(world.story(), story);
        let alive = if strategy == UpdateStrategy::StartThenStop { 2 } else { 1 };
        assert_eq!(world.alive().len(), alive);
    }
}

#[test]
fn a_live_run_of_the_wanted_description_is_adopted_from_that_one_look() {
    let world = World::at(serverless());
    let (old, new, plan) = replace(&world, UpdateStrategy::StopThenStart);
    let mut world = world.with(&old.identity, Phase::Running).with(&new.identity, Phase::Running);
    let outcome = world.run(&plan);
    assert_eq!(outcome.made, Made::Job(world.reference(1, &new.identity.name())));
    assert_eq!(world.submissions(), 0);
}

#[test]
fn a_step_is_looked_for_once_more_after_its_submission() {
    let (_, plan) = create(&steps());
    let mut world = World::at(steps());
    assert_eq!(world.run(&plan).failure, None);
    assert_eq!(world.story(), ["find own", "start", "find own", "look", "report"]);
}

#[test]
fn of_twin_steps_the_first_stays_and_the_other_is_stopped_before_the_answer() {
    // Another delivery submitted its own after this one had looked, and before it submitted.
    for twin_first in [true, false] {
        let (wanted, plan) = create(&steps());
        let mut world = World::at(steps()).with(&wanted.identity, Phase::Running);
        if !twin_first {
            world = world.with(&wanted.identity, Phase::Running);
        }
        world.stale = 1;
        let outcome = world.run(&plan);
        assert_eq!(outcome.failure, None);
        assert_eq!(outcome.made, Made::Job(world.reference(0, &wanted.identity.name())));
        assert_eq!(world.alive().len(), 1, "{twin_first}");
    }
}

#[test]
fn a_listing_that_does_not_show_the_new_step_yet_is_asked_for_again() {
    let (_, plan) = create(&steps());
    let mut world = World::at(steps());
    world.stale = 4;
    assert_eq!(world.run(&plan).failure, None);
    let looks = world.actions.iter().filter(|action| matches!(action, Action::Find(_, _, Lookup::Name, _))).count();
    assert_eq!((looks, world.submissions()), (5, 1));
}

#[test]
fn a_listing_that_never_shows_it_is_not_waited_for_for_ever() {
    let (_, plan) = create(&steps());
    let mut world = World::at(steps());
    world.stale = usize::MAX;
    assert_eq!(world.run(&plan).failure, None);
}

#[test]
fn a_step_whose_submission_was_lost_is_waited_for_before_another_one_is_submitted() {
    let (_, plan) = create(&steps());
    let mut world = World::at(steps()).weather(|action, now| {
        let is_lost = matches!(action, Action::Start(_)) && now < BEGIN + Duration::from_secs(5);
        is_lost.then_some(Kind::Unclear)
    });
    // No listing ever shows it.
    world.stale = usize::MAX;
    world.run(&plan);
    let starts = world.actions.iter().filter(|action| matches!(action, Action::Start(_))).count();
    assert_eq!(starts, 2);
    assert!(world.now >= BEGIN + Duration::from_mins(2));
}

#[test]
fn a_run_that_is_not_shown_right_after_its_submission_is_waited_for() {
    for place in [Place::EmrOnEks("0abc".to_owned()), serverless(), steps()] {
        let (wanted, mut plan) = create(&place);
        plan.management.wait_for = WaitFor::Running;
        let mut world = World::at(place);
        world.hidden = Duration::from_secs(50);
        let outcome = world.run(&plan);
        assert_eq!(outcome.failure, None);
        assert_eq!(outcome.made, Made::Job(world.reference(0, &wanted.identity.name())));
        assert_eq!(world.submissions(), 1);
    }
}

#[test]
fn a_run_that_is_never_shown_or_shown_no_more_is_gone() {
    // On Livy it is gone at once: the server was restarted.
    for (place, hidden, minutes) in [
        (serverless(), Duration::MAX, 1),
        (super::world::place(), Duration::MAX, 0),
        (super::world::place(), Duration::from_secs(10), 0),
    ] {
        let (_, plan) = create(&place);
        let mut world = World::at(place);
        world.hidden = hidden;
        let failure = world.run(&plan).failure.expect("a failure");
        assert!(failure.what.contains("disappeared from"), "{failure:?}");
        let took = world.now.since(BEGIN);
        assert!(took >= Duration::from_mins(minutes) && took < Duration::from_mins(minutes + 1), "{took:?}");
    }
    let (_, mut plan) = create(&serverless());
    plan.management.wait_for = WaitFor::Succeeded;
    let mut world = World::at(serverless()).fate(&[(0, Phase::Running), (20, Phase::Gone)]);
    assert!(world.run(&plan).failure.is_some_and(|failure| failure.what.contains("disappeared from")));
    assert!(world.now < BEGIN + Duration::from_secs(40));
}

#[test]
fn a_run_that_is_given_up_before_it_is_shown_is_stopped_nevertheless() {
    let (_, mut plan) = create(&serverless());
    plan.management.wait_for = WaitFor::Running;
    // Five seconds are left before it is given up.
    plan.deadlines = Deadlines::between(BEGIN.before(Duration::from_secs(3475)), BEGIN + Duration::from_secs(125));
    plan.deadlines.asked = BEGIN;
    let mut world = World::at(serverless());
    world.hidden = Duration::from_secs(15);
    assert!(world.run(&plan).failure.is_some());
    assert_eq!((world.submissions(), world.alive().len()), (1, 0));
    assert!(world.now < BEGIN + Duration::from_mins(1));
}

#[test]
fn nothing_is_stopped_for_a_place_that_is_not_there() {
    for kind in [Kind::Absent, Kind::Rejected, Kind::Denied] {
        let world = World::at(serverless());
        let (old, _, plan) = replace(&world, UpdateStrategy::StopThenStart);
        let mut world = world.with(&old.identity, Phase::Running).weather(move |action, _| {
            let is_look = matches!(action, Action::Find(..));
            is_look.then_some(kind)
        });
        let outcome = world.run(&plan);
        assert!(outcome.failure.is_some());
        assert_eq!((world.story(), world.alive().len()), (vec!["find owner"], 1), "{kind:?}");
    }
}

#[test]
fn there_is_nothing_to_stop_in_a_place_that_is_not_there() {
    let wanted = wanted_at(&serverless(), "pi.py", "r1");
    let search = Target::Search {
        place: serverless(),
        identity: wanted.identity,
        by: Lookup::Token,
        made_since: None,
        spared: None,
    };
    let mut world =
        World::at(serverless()).weather(|action, _| matches!(action, Action::Find(..)).then_some(Kind::Absent));
    assert_eq!(world.run(&plan(Goal::Stop(search), Management::default())).failure, None);
}

fn retag() -> Retag {
    let tags = |key: &str| Tags::from([(key.to_owned(), "1".to_owned())]);
    Retag { wanted: tags("new"), old: tags("old") }
}

#[test]
fn changed_tags_are_all_that_changes() {
    let world = World::at(serverless());
    let old = wanted_at(&world.place, "old.py", "r1");
    let run = world.reference(0, &old.identity.name());
    let mut world = world.with(&old.identity, Phase::Running);
    let keep = plan(Goal::Keep { run: run.clone(), retag: Some(retag()), is_back: false }, Management::default());
    let outcome = world.run(&keep);
    assert_eq!((outcome.failure, outcome.made), (None, Made::Job(run)));
    assert_eq!(world.story(), ["tag", "look", "report"]);
    assert_eq!(world.alive().len(), 1);
}

#[test]
fn tags_that_may_not_be_changed_fail_the_request_and_leave_the_job() {
    for (kind, patient) in [(Kind::Denied, false), (Kind::Unavailable, true)] {
        let world = World::at(serverless());
        let old = wanted_at(&world.place, "old.py", "r1");
        let run = world.reference(0, &old.identity.name());
        let mut world = world
            .with(&old.identity, Phase::Running)
            .weather(move |action, _| matches!(action, Action::Tag(..)).then_some(kind));
        let keep = plan(Goal::Keep { run: run.clone(), retag: Some(retag()), is_back: false }, Management::default());
        let outcome = world.run(&keep);
        assert_eq!((outcome.failure.is_some(), outcome.made), (true, Made::Job(run)));
        assert_eq!((world.alive().len(), world.now > BEGIN + Duration::from_mins(4)), (1, patient));
    }
}

#[test]
fn tags_that_cannot_be_changed_back_fail_no_rollback() {
    for kind in [Kind::Denied, Kind::Unavailable, Kind::Busy] {
        let world = World::at(serverless());
        let old = wanted_at(&world.place, "old.py", "r1");
        let run = world.reference(0, &old.identity.name());
        let mut world = world.with(&old.identity, Phase::Running).weather(move |_, _| Some(kind));
        let keep = plan(Goal::Keep { run: run.clone(), retag: Some(retag()), is_back: true }, Management::default());
        let outcome = world.run(&keep);
        assert_eq!((outcome.failure, outcome.made), (None, Made::Job(run)), "{kind:?}");
        assert!(outcome.notes[0].contains("tags"), "{:?}", outcome.notes);
        assert!(world.now <= BEGIN + Duration::from_mins(2), "{kind:?}");
        // Also where there is less time than that.
        let short = Plan { deadlines: Deadlines::between(BEGIN, BEGIN + Duration::from_mins(1)), ..keep };
        world.now = BEGIN;
        let outcome = world.run(&short);
        assert!(outcome.failure.is_none() && !outcome.notes.is_empty(), "{kind:?}: {outcome:?}");
    }
}

#[test]
fn tags_change_only_while_it_is_known_that_somebody_waits() {
    let world = World::at(serverless());
    let old = wanted_at(&world.place, "old.py", "r1");
    let run = world.reference(0, &old.identity.name());
    let keep = plan(Goal::Keep { run, retag: Some(retag()), is_back: false }, Management::default());
    let now = BEGIN + Duration::from_secs(2);
    let state = State::begin(&keep, now);
    assert!(state.is_to_be_confirmed(&keep, now) && !state.confirmed(now).is_to_be_confirmed(&keep, now));
}

#[test]
fn a_present_job_stays_where_its_name_shows_that_it_is_what_is_wanted() {
    for (present, retag, stays) in
        [("new.py", None, true), ("new.py", Some(retag()), true), ("old.py", Some(retag()), false)]
    {
        let world = World::at(serverless());
        let (_, new, mut plan) = replace(&world, UpdateStrategy::StopThenStart);
        let present = wanted_at(&world.place, present, "r0");
        let Goal::Replace { stays_as, .. } = &mut plan.goal else { panic!("a replacement") };
        let is_retagged = stays && retag.is_some();
        *stays_as = Some(StaysAs { identity: new.identity.clone(), retag });
        // It has ended since, and is not to run again.
        let mut world = world.with(&present.identity, Phase::Succeeded);
        let outcome = world.run(&plan);
        assert_eq!(outcome.failure, None);
        let id = usize::from(!stays);
        assert_eq!(outcome.made, Made::Job(world.reference(id, "")));
        assert_eq!(world.submissions(), id);
        // The next request would see no difference in the tags.
        assert_eq!(world.story().contains(&"tag"), is_retagged);
    }
}

#[test]
fn a_run_that_ended_and_left_something_alive_is_told_as_it_ended_and_what_is_left_is_stopped() {
    for (ended, told) in [(Phase::Failed, "failed on"), (Phase::Cancelled, "was cancelled from outside on")] {
        let (_, mut plan) = create(&steps());
        plan.management.wait_for = WaitFor::Running;
        let mut world = World::at(steps()).fate(&[(0, Phase::Running), (10, Phase::Ending)]);
        world.ended = Some(ended);
        let outcome = world.run(&plan);
        let failure = outcome.failure.expect("a failure");
        assert!(failure.what.contains(told), "{failure:?}");
        assert_eq!(outcome.notes, ["What was left of it has been stopped."]);
        assert!(world.alive().is_empty() && world.now < BEGIN + Duration::from_mins(1));
        assert_eq!(world.story(), ["find own", "start", "find own", "look", "report", "cancel", "look"]);
    }
}

#[test]
fn whatever_delivery_finds_what_is_left_of_a_run_stops_it() {
    let (wanted, plan) = create(&steps());
    let mut world = World::at(steps()).with(&wanted.identity, Phase::Ending);
    world.ended = Some(Phase::Failed);
    assert!(world.run(&plan).failure.is_some());
    assert_eq!((world.submissions(), world.alive().len()), (0, 0));
}

#[test]
fn what_is_left_of_an_ended_run_is_stopped_before_a_new_one_is_submitted() {
    use UpdateStrategy::{FinishThenStart, StartThenStop, StopThenStart};
    // Of the present job, or of an earlier try of the wanted one.
    for (strategy, of_wanted) in
        [(StopThenStart, false), (FinishThenStart, false), (StopThenStart, true), (StartThenStop, true)]
    {
        let world = World::at(steps());
        let (old, new, plan) = replace(&world, strategy);
        let present = if of_wanted { Phase::Succeeded } else { Phase::Ending };
        let mut world = world.with(&old.identity, present);
        if of_wanted {
            world = world.with(&wanted_at(&steps(), "new.py", "r0").identity, Phase::Ending);
        }
        world.ended = Some(Phase::Failed);
        let outcome = world.run(&plan);
        assert_eq!(outcome.failure, None, "{strategy:?}");
        assert_eq!((world.submissions(), world.alive()), (1, vec![&*new.identity.name()]), "{strategy:?}");
        let story = world.story();
        let at = |word: &str| story.iter().position(|other| *other == word);
        assert!(at("cancel") < at("start"), "{strategy:?}: {story:?}");
        assert!(world.now < BEGIN + Duration::from_mins(2), "{strategy:?}");
    }
}

#[test]
fn what_cannot_be_stopped_by_any_further_call_is_told_at_once() {
    let futile = |action: &Action, _| matches!(action, Action::Cancel(..)).then_some(Kind::Futile);
    for (on_delete_error, fails) in [(OnDeleteError::Fail, true), (OnDeleteError::Ignore, false)] {
        let wanted = wanted_at(&steps(), "pi.py", "r1");
        let mut world = World::at(steps()).with(&wanted.identity, Phase::Running).weather(futile);
        let stop = Goal::Stop(Target::Run(world.reference(0, &wanted.identity.name())));
        let outcome = world.run(&plan(stop, Management { on_delete_error, ..Management::default() }));
        assert_eq!((outcome.failure.is_some(), world.story()), (fails, vec!["cancel"]));
    }
    // The failure that is to be told anyway does not wait for it.
    let (_, mut plan) = create(&steps());
    plan.management.wait_for = WaitFor::Running;
    let mut world = World::at(steps()).fate(&[(0, Phase::Running), (10, Phase::Ending)]).weather(futile);
    world.ended = Some(Phase::Failed);
    let outcome = world.run(&plan);
    assert!(outcome.failure.is_some_and(|failure| failure.what.contains("failed on")));
    assert!(outcome.notes[0].starts_with("The job may still run: could not"), "{:?}", outcome.notes);
    assert!(world.now < BEGIN + Duration::from_mins(1));
}
