//! An update is taken back, in every order that the contract knows.

use std::cell::Cell;
use std::time::Duration;

use super::world::{BEGIN, Fate, World, place, plan, wanted_at};
use crate::engine::{Kind, Lookup};
use crate::job::{Digest, Phase, Place, RunRef, Timestamp};
use crate::lifecycle::next::is_passed_over;
use crate::lifecycle::{Action, Deadlines, Former, Goal, Plan, Stage, State, StaysAs, Wanted, withdraw};
use crate::outcome::{Made, Outcome};
use crate::properties::{Management, OnDeleteError, UpdateStrategy, WaitFor};

/// The job that there was, and the one whose update failed: runs 0 and 1 of most worlds here.
struct Jobs {
    place: Place,
    good: Wanted,
    bad: Wanted,
    /// As this request asks for the good one.
    back: Wanted,
}

fn jobs_at(place: &Place) -> Jobs {
    let [good, bad, mut back] =
        [("good.py", "r1"), ("bad.py", "r2"), ("good.py", "r3")].map(|(file, request)| wanted_at(place, file, request));
    back.identity.dated = Some(Digest::of(&["dated"]));
    Jobs { place: place.clone(), good, bad, back }
}

fn places() -> [Place; 4] {
    [
        place(),
        Place::EmrOnEks("vc".to_owned()),
        Place::EmrServerless("00f1".to_owned()),
        Place::EmrSteps("j-1ABC".to_owned()),
    ]
}

impl Jobs {
    /// A world in which the good one and the bad one stand so.
    fn world(&self, good: Phase, bad: Phase) -> World {
        let mut world = World::at(self.place.clone()).with(&self.good.identity, good).with(&self.bad.identity, bad);
        for run in &mut world.runs {
            run.phases[0].0 = BEGIN.before(Duration::from_mins(10));
        }
        world
    }

    fn good_run(&self, world: &World) -> RunRef {
        world.reference(0, &self.good.identity.name())
    }

    fn bad_run(&self, world: &World) -> RunRef {
        world.reference(1, &self.bad.identity.name())
    }

    /// The run that this request starts.
    fn new_run(&self, world: &World) -> RunRef {
        world.reference(2, &self.back.identity.name())
    }

    fn restore(&self, present: Option<RunRef>, management: Management) -> Plan {
        let old = Some(Box::new(Former::from(self.bad.clone())));
        plan(Goal::Restore { wanted: self.back.clone(), old, present, stays_as: None }, management)
    }
}

fn until(wait_for: WaitFor) -> Management {
    Management { wait_for, ..Management::default() }
}

fn success(outcome: &Outcome, run: RunRef, told: &str) {
    assert_eq!(outcome.failure, None, "{told}");
    assert_eq!(outcome.made, Made::Job(run), "{told}");
}

/// What becomes of the good job once it is stopped or forgotten: Livy forgets what was stopped.
fn stopped(place: &Place) -> Phase {
    if place.is_livy() { Phase::Gone } else { Phase::Cancelled }
}

#[test]
fn the_job_that_is_taken_back_is_over_first_whatever_the_strategy() {
    use UpdateStrategy::{FinishThenStart, StartThenStop, StopThenStart};
    for place in places() {
        for strategy in [StopThenStart, FinishThenStart, StartThenStop] {
            let jobs = jobs_at(&place);
            let mut world = jobs.world(Phase::Running, Phase::Running);
            let management = Management { update_strategy: strategy, ..Management::default() };
            let outcome = world.run(&jobs.restore(Some(jobs.bad_run(&world)), management));
            let told = format!("{place}, {strategy:?}");
            success(&outcome, jobs.good_run(&world), &told);
            assert_eq!((world.submissions(), world.alive()), (0, vec![&*jobs.good.identity.name()]), "{told}");
        }
    }
}

#[test]
fn a_job_that_ended_by_itself_is_not_run_again_because_another_resource_failed() {
    for place in places() {
        for ended in [Phase::Succeeded, Phase::Failed] {
            for wait_for in [WaitFor::Running, WaitFor::Succeeded] {
                let jobs = jobs_at(&place);
                let mut world = jobs.world(ended, Phase::Running);
                let outcome = world.run(&jobs.restore(Some(jobs.bad_run(&world)), until(wait_for)));
                success(&outcome, jobs.good_run(&world), &format!("{place}, {ended:?}"));
                assert_eq!((world.submissions(), world.alive().len()), (0, 0), "{place}, {ended:?}");
            }
        }
    }
}

#[test]
fn a_job_that_was_stopped_is_started_and_answered_once_it_is_submitted() {
    for place in places() {
        let jobs = jobs_at(&place);
        let mut world = jobs.world(stopped(&place), Phase::Running).fate(&[(0, Phase::Waiting)]);
        let outcome = world.run(&jobs.restore(Some(jobs.bad_run(&world)), Management::default()));
        success(&outcome, jobs.new_run(&world), &place.to_string());
        assert_eq!(world.alive(), [jobs.back.identity.name()], "{place}");
    }
}

#[test]
fn where_engines_remember_what_was_stopped_is_not_taken_for_done() {
    for place in places().into_iter().filter(|place| !place.is_livy()) {
        let jobs = jobs_at(&place);
        let mut world = jobs.world(Phase::Cancelled, Phase::Running);
        let outcome = world.run(&jobs.restore(Some(jobs.bad_run(&world)), until(WaitFor::Succeeded)));
        success(&outcome, jobs.new_run(&world), &place.to_string());
    }
}

#[test]
fn a_job_that_is_forgotten_and_was_to_succeed_counts_as_ended() {
    for place in places() {
        let jobs = jobs_at(&place);
        let mut world = jobs.world(Phase::Gone, Phase::Running);
        let outcome = world.run(&jobs.restore(Some(jobs.bad_run(&world)), until(WaitFor::Succeeded)));
        assert_eq!((outcome.failure, outcome.made), (None, Made::Nothing), "{place}");
        assert_eq!((world.submissions(), world.alive().len()), (0, 0), "{place}");
        assert!(outcome.notes.iter().any(|note| note.contains("not run again")), "{place}: {:?}", outcome.notes);
    }
}

#[test]
fn the_job_that_there_was_is_kept_while_it_lives_whatever_it_runs() {
    for place in places() {
        for phase in [Phase::Waiting, Phase::Running, Phase::Succeeded, Phase::Failed] {
            let mut jobs = jobs_at(&place);
            let mut world = jobs.world(phase, Phase::Gone);
            let present = jobs.good_run(&world);
            // It was started when the template said something else still.
            jobs.back = wanted_at(&place, "edited.py", "r3");
            let outcome = world.run(&jobs.restore(Some(present.clone()), Management::default()));
            success(&outcome, present, &format!("{place}, {phase:?}"));
            assert_eq!(world.submissions(), 0, "{place}, {phase:?}");
        }
    }
}

/// The answer of its submission was lost, and Livy has forgotten what came of that when it can be asked again.
#[test]
fn what_may_be_forgotten_is_run_again_in_time_and_told_when_it_is_too_late() {
    for (minutes, back, submissions) in [(60, 12 * 60, 2), (15, 13 * 60 + 5, 1)] {
        let jobs = jobs_at(&place());
        let back = BEGIN + Duration::from_secs(back);
        let mut world = jobs.world(Phase::Gone, Phase::Gone).weather(move |action, now| match action {
            Action::Start(_) if now < back => Some(Kind::Unclear),
            Action::Find(_, _, Lookup::Name, _) if now < back => Some(Kind::Unavailable),
            _ => None,
        });
        world.fate = vec![(0, Phase::Running), (5, Phase::Succeeded), (10 * 60, Phase::Gone)];
        let mut plan = jobs.restore(Some(jobs.bad_run(&world)), Management::default());
        plan.deadlines = Deadlines::between(BEGIN, BEGIN + Duration::from_mins(minutes));
        let outcome = world.run(&plan);
        let told = outcome.failure.map(|failure| failure.what).unwrap_or_default();
        assert_eq!((world.submissions(), told.contains("too late")), (submissions, submissions == 1), "{told}");
        assert_eq!(outcome.made == Made::Unknown, submissions == 1, "{:?}", outcome.made);
    }
}

/// An earlier try to take the update back was not known for one, submitted that, and was stopped by hand.
#[test]
fn a_job_that_ended_and_runs_again_already_is_the_one_that_runs() {
    for place in places() {
        for ended in [Phase::Succeeded, Phase::Failed, Phase::Gone] {
            let jobs = jobs_at(&place);
            let again = wanted_at(&place, "good.py", "r2b");
            let mut world = jobs.world(ended, Phase::Gone).with(&again.identity, Phase::Running);
            let outcome = world.run(&jobs.restore(Some(jobs.good_run(&world)), until(WaitFor::Succeeded)));
            success(&outcome, world.reference(2, &again.identity.name()), &format!("{place}, {ended:?}"));
            assert_eq!((world.submissions(), world.alive().len()), (0, 1), "{place}, {ended:?}");
            assert!(outcome.notes.is_empty(), "{place}, {ended:?}: {:?}", outcome.notes);
        }
    }
}

/// Another try of the same request, `r3`, takes itself for superseded as soon as it asks; another one was just stopping it.
#[test]
fn a_job_that_runs_again_and_is_gone_soon_on_livy_is_not_answered_with() {
    for before in [Phase::Succeeded, Phase::Failed, stopped(&place())] {
        for (request, seconds, stays) in [
            ("r2b", 1, false),
            ("r2b", 20, false),
            ("r2b", 40, true),
            ("r3", 30, false),
            ("r3", 80, false),
            ("r3", 110, false),
            ("r3", 160, true),
        ] {
            let told = format!("{before:?}, {request}, {seconds} s");
            let jobs = jobs_at(&place());
            let again = wanted_at(&place(), "good.py", request);
            let mut world = jobs.world(before, Phase::Gone).with(&again.identity, Phase::Running);
            world.runs[2].phases.push((BEGIN + Duration::from_secs(seconds), Phase::Gone));
            let outcome = world.run(&jobs.restore(Some(jobs.good_run(&world)), Management::default()));
            let starts = !stays && before == stopped(&jobs.place);
            let run = match (stays, starts) {
                (true, _) => world.reference(2, &again.identity.name()),
                (_, true) => world.reference(3, &jobs.back.identity.name()),
                _ => jobs.good_run(&world),
            };
            success(&outcome, run, &told);
            assert_eq!((world.submissions(), outcome.notes.len()), (usize::from(starts), 0), "{told}");
        }
    }
}

/// The update was just stopping it, and the step dies that starts it again.
#[test]
fn a_job_that_a_look_has_seen_go_on_livy_is_not_taken_for_one_that_has_succeeded() {
    let jobs = jobs_at(&place());
    let mut world = jobs.world(Phase::Running, Phase::Gone);
    world.runs[0].phases.push((BEGIN + Duration::from_secs(10), Phase::Gone));
    let no_room = BEGIN + Duration::from_mins(1);
    world.weather =
        Box::new(move |action, now| (matches!(action, Action::Start(_)) && now < no_room).then_some(Kind::Busy));
    let plan = jobs.restore(Some(jobs.good_run(&world)), until(WaitFor::Succeeded));
    let is_refused = |state: &State| state.stage == Stage::Start && state.weather.is_some();
    let state = world.run_until(&plan, is_refused);
    let now = world.now;
    let outcome = world.go_on(&plan, state.alone().repeated(&plan, true, BEGIN, now), now);
    success(&outcome, jobs.new_run(&world), "started again");
}

/// What Livy kills is shown as dead for a moment before it is gone.
#[test]
fn a_job_that_dies_while_it_is_looked_at_on_livy_is_one_that_is_being_stopped_if_it_is_gone_then() {
    for is_gone in [true, false] {
        let jobs = jobs_at(&place());
        let again = wanted_at(&place(), "good.py", "r2b");
        let mut world = jobs.world(Phase::Gone, Phase::Gone).with(&again.identity, Phase::Running);
        world.runs[2].phases.push((BEGIN + Duration::from_secs(15), Phase::Failed));
        if is_gone {
            world.runs[2].phases.push((BEGIN + Duration::from_secs(25), Phase::Gone));
        }
        let outcome = world.run(&jobs.restore(Some(jobs.bad_run(&world)), Management::default()));
        let [id, wanted] = if is_gone { [3, 1] } else { [2, 0] };
        let name = if is_gone { jobs.back.identity.name() } else { again.identity.name() };
        success(&outcome, world.reference(id, &name), &format!("{is_gone}"));
        assert_eq!(world.submissions(), wanted, "{is_gone}");
    }
}

/// Livy is away at first, or the time is nearly over.
#[test]
fn a_job_that_runs_again_and_is_shown_late_on_livy_is_the_one_that_runs() {
    for (begins, shown, minutes) in [(0, 0, 20), (0, 35, 60), (0, 50, 60), (0, 8, 1), (40, 40, 1)] {
        let told = format!("begun at {begins} s, shown at {shown} s of {minutes} min");
        let jobs = jobs_at(&place());
        let again = wanted_at(&place(), "good.py", "r2b");
        let (spec, shown) = (again.identity.spec, BEGIN + Duration::from_secs(shown));
        let is_away = move |action: &Action, now| {
            let looks = matches!(action, Action::Find(_, identity, ..) if identity.spec == spec);
            (looks && now < shown).then_some(Kind::Unavailable)
        };
        let mut world =
            jobs.world(Phase::Succeeded, Phase::Gone).with(&again.identity, Phase::Running).weather(is_away);
        let mut plan = jobs.restore(Some(jobs.good_run(&world)), Management::default());
        plan.deadlines = Deadlines::between(BEGIN, BEGIN + Duration::from_mins(minutes));
        let outcome = world.go_on(&plan, State::begin(&plan, BEGIN), BEGIN + Duration::from_secs(begins));
        success(&outcome, world.reference(2, &again.identity.name()), &told);
        assert!(outcome.notes.is_empty(), "{told}: {:?}", outcome.notes);
        assert_eq!((world.submissions(), world.alive().len()), (0, 1), "{told}");
    }
}

/// Once more, by a try after that one.
#[test]
fn what_runs_again_in_place_of_what_ran_again_is_looked_at_for_as_long() {
    let jobs = jobs_at(&place());
    let [second, third] = ["r2b", "r2c"].map(|request| wanted_at(&place(), "good.py", request));
    let mut world = jobs.world(Phase::Succeeded, Phase::Gone);
    for (wanted, from, until) in [(&second, 0, 20), (&third, 20, 45)] {
        let at = |seconds| BEGIN + Duration::from_secs(seconds);
        let phases = vec![(BEGIN, Phase::Gone), (at(from), Phase::Running), (at(until), Phase::Gone)];
        world.runs.push(Fate { name: wanted.identity.name(), phases, silent: false, deaf: false });
    }
    let outcome = world.run(&jobs.restore(Some(jobs.good_run(&world)), Management::default()));
    success(&outcome, jobs.good_run(&world), "both are gone");
    assert_eq!((world.submissions(), outcome.notes.len()), (0, 0));
}

#[test]
fn a_job_that_ended_stays_although_nobody_tells_whether_it_runs_again() {
    for place in places() {
        let jobs = jobs_at(&place);
        let lists = |action: &Action, _| matches!(action, Action::Find(..)).then_some(Kind::Denied);
        let mut world = jobs.world(Phase::Succeeded, Phase::Gone).weather(lists);
        let present = jobs.good_run(&world);
        let outcome = world.run(&jobs.restore(Some(present.clone()), Management::default()));
        success(&outcome, present, &place.to_string());
        assert_eq!(outcome.notes.len(), 2, "{place}: {:?}", outcome.notes);
        assert_eq!(world.submissions(), 0, "{place}");
        // What is over is of no interest, and a long list.
        let lists = |action: &Action| matches!(action, Action::Find(_, _, Lookup::History, _));
        assert!(!world.actions.iter().any(lists), "{place}");
    }
}

#[test]
fn the_job_that_there_was_is_started_again_where_it_was_stopped() {
    for place in places() {
        for wait_for in [WaitFor::Running, WaitFor::Succeeded] {
            let jobs = jobs_at(&place);
            let mut world = jobs.world(stopped(&place), Phase::Gone);
            let present = jobs.good_run(&world);
            let outcome = world.run(&jobs.restore(Some(present.clone()), until(wait_for)));
            // Livy has forgotten it, so it counts as ended where it was to end.
            let ended = place.is_livy() && wait_for == WaitFor::Succeeded;
            let run = if ended { present } else { jobs.new_run(&world) };
            success(&outcome, run, &format!("{place}, {wait_for:?}"));
        }
    }
}

#[test]
fn what_the_failed_update_left_behind_is_over_before_anything_else() {
    for place in places() {
        for good in [Phase::Running, stopped(&place)] {
            let jobs = jobs_at(&place);
            let mut world = jobs.world(good, Phase::Running);
            let outcome = world.run(&jobs.restore(Some(jobs.good_run(&world)), Management::default()));
            assert_eq!(outcome.failure, None, "{place}");
            assert!(world.phase(&jobs.bad.identity.name()).is_over(), "{place}");
            assert_eq!(world.alive().len(), 1, "{place}");
        }
    }
}

/// A step that is over may have left its application alive; the update had an hour to make it.
#[test]
fn what_the_failed_update_left_behind_is_looked_for_as_long_as_it_may_have_been_there() {
    for place in places() {
        let jobs = jobs_at(&place);
        let mut world = jobs.world(Phase::Running, Phase::Gone);
        world.run(&jobs.restore(Some(jobs.good_run(&world)), Management::default()));
        let since = world.actions.iter().find_map(|action| match action {
            Action::Find(_, identity, Lookup::Spec, since) if *identity == jobs.bad.identity => Some(*since),
            _ => None,
        });
        let minutes = if place.takes_twins() { 65 } else { 5 };
        assert_eq!(since, Some(BEGIN.before(Duration::from_mins(minutes))), "{place}");
    }
}

#[test]
fn a_job_that_is_just_being_stopped_is_over_before_another_is_started() {
    for place in places() {
        let jobs = jobs_at(&place);
        let mut world = jobs.world(Phase::Ending, Phase::Gone);
        world.runs[0].phases.push((BEGIN + Duration::from_secs(40), stopped(&place)));
        let outcome = world.run(&jobs.restore(Some(jobs.good_run(&world)), Management::default()));
        success(&outcome, jobs.new_run(&world), &place.to_string());
        let over = world.runs[0].phases.iter().find(|(_, phase)| phase.is_over()).expect("it ends").0;
        assert!(world.runs[2].phases[0].0 >= over, "{place}");
        assert_eq!(world.alive().len(), 1, "{place}");
    }
}

#[test]
fn with_nothing_known_to_have_been_made_the_wanted_job_is_looked_for() {
    for place in places() {
        for (phase, made) in [(Phase::Running, 0), (stopped(&place), 1)] {
            let jobs = jobs_at(&place);
            let mut world = jobs.world(phase, Phase::Running);
            let outcome = world.run(&jobs.restore(None, Management::default()));
            assert_eq!((outcome.failure, world.submissions()), (None, made), "{place}");
            assert_eq!(world.alive().len(), 1, "{place}");
        }
    }
}

#[test]
fn a_job_that_cannot_be_asked_about_stays() {
    for place in places() {
        for kind in [Kind::Unavailable, Kind::Denied, Kind::Busy] {
            let jobs = jobs_at(&place);
            let mut world = jobs.world(Phase::Running, Phase::Gone).weather(move |_, _| Some(kind));
            let present = jobs.good_run(&world);
            let fail = Management { on_delete_error: OnDeleteError::Fail, ..Management::default() };
            let outcome = world.run(&jobs.restore(Some(present.clone()), fail));
            success(&outcome, present, &format!("{place}, {kind:?}"));
            let took = world.now.since(BEGIN);
            assert!(took <= Duration::from_secs(610), "{place}, {kind:?}: {took:?}");
            assert!(!outcome.notes.is_empty(), "{place}");
        }
    }
}

#[test]
fn looks_that_are_not_finished_in_five_minutes_are_passed_over() {
    for (place, kind) in
        places().into_iter().flat_map(|place| [Kind::Unavailable, Kind::Busy].map(|kind| (place.clone(), kind)))
    {
        let told = format!("{place}, {kind:?}");
        let jobs = jobs_at(&place);
        let lists = move |action: &Action, _| matches!(action, Action::Find(..)).then_some(kind);
        let mut world = jobs.world(stopped(&place), Phase::Running).weather(lists);
        let outcome = world.run(&jobs.restore(Some(jobs.bad_run(&world)), Management::default()));
        success(&outcome, jobs.new_run(&world), &told);
        // A twin of it is looked for as well, where twins are taken.
        let looks = 2 + u64::from(place.takes_twins());
        assert_eq!(outcome.notes.len() as u64, looks, "{told}: {:?}", outcome.notes);
        assert_eq!(world.alive(), [jobs.back.identity.name()], "{told}");
        assert!(world.now.since(BEGIN) < Duration::from_secs(310 * looks), "{told}: {:?}", world.now);
    }
}

/// It runs beside the update's, and is neither left there nor joined by another one.
#[test]
fn looks_that_fail_for_four_minutes_are_waited_for() {
    for (place, kind) in
        places().into_iter().flat_map(|place| [Kind::Unavailable, Kind::Busy].map(|kind| (place.clone(), kind)))
    {
        // Where a job's id tells its name, it need not be asked for that.
        for struck in ["Recall", "FindOld", "Newest"].into_iter().skip(usize::from(!place.starts_once())) {
            let told = format!("{place}, {kind:?}, {struck}");
            let jobs = jobs_at(&place);
            let mut world = jobs.world(Phase::Running, Phase::Running);
            let plan = jobs.restore(Some(jobs.bad_run(&world)), Management::default());
            let state = world.run_until(&plan, |state| state.stage.word() == struck);
            let until = world.now + Duration::from_mins(4);
            world.weather = Box::new(move |_, now| (now < until).then_some(kind));
            let now = world.now;
            let outcome = world.go_on(&plan, state, now);
            success(&outcome, jobs.good_run(&world), &told);
            assert_eq!((outcome.notes.len(), world.submissions()), (0, 0), "{told}: {:?}", outcome.notes);
            assert_eq!(world.alive(), [jobs.good.identity.name()], "{told}");
        }
    }
}

/// A rollback that has submitted its step, and is about to look for a twin of that.
fn settling() -> (Jobs, World, Plan, State) {
    let jobs = jobs_at(&Place::EmrSteps("j-1ABC".to_owned()));
    let mut world = jobs.world(Phase::Cancelled, Phase::Gone);
    let plan = jobs.restore(Some(jobs.bad_run(&world)), Management::default());
    let state = world.run_until(&plan, |state| state.stage == Stage::Settle);
    (jobs, world, plan, state)
}

/// EMR answers, and does not list it yet.
#[test]
fn a_listing_that_is_behind_is_waited_for_in_a_rollback_too() {
    let (jobs, mut world, plan, state) = settling();
    world.stale = 7;
    let now = world.now;
    let outcome = world.go_on(&plan, state, now);
    success(&outcome, jobs.new_run(&world), "it is listed in the end");
    assert_eq!(outcome.notes, Vec::<String>::new());
    assert!(world.now.since(now) > Duration::from_mins(1));
}

/// It is listed at last, after half a minute in which EMR was away.
#[test]
fn trouble_after_a_listing_that_was_behind_has_all_of_its_time() {
    let (jobs, mut world, plan, state) = settling();
    world.stale = 7;
    let state = world.run_until_or_done(&plan, state, |state| state.polls == 7);
    let now = world.now;
    assert!(state.stage == Stage::Settle && now.since(BEGIN) > Duration::from_mins(1), "{state:?}");
    let is_over = move |at: Timestamp| at.since(now) > Duration::from_secs(30);
    world.weather =
        Box::new(move |action, at| (matches!(action, Action::Find(..)) && !is_over(at)).then_some(Kind::Unavailable));
    let outcome = world.go_on(&plan, state, now);
    success(&outcome, jobs.new_run(&world), &format!("{:?}", outcome.notes));
    assert_eq!(outcome.notes, Vec::<String>::new());
}

/// Page after page of a long list is throttled.
#[test]
fn a_look_for_a_twin_that_itself_lasts_a_minute_is_cut_off() {
    let (jobs, mut world, plan, state) = settling();
    let now = world.now;
    world.weather = Box::new(|action, _| matches!(action, Action::Find(..)).then_some(Kind::Busy));
    world.takes = Duration::from_mins(11);
    let outcome = world.go_on(&plan, state, now);
    success(&outcome, jobs.new_run(&world), &format!("{:?}", outcome.notes));
    assert!(world.now.since(now) <= Duration::from_secs(61), "{:?}", world.now.since(now));
}

/// Its answer was lost, it is found, and then nobody can look at it.
#[test]
fn a_job_that_was_found_is_an_answer_although_nobody_can_look_at_it() {
    for (place, kind) in places()
        .into_iter()
        .flat_map(|place| [Kind::Unavailable, Kind::Denied, Kind::Busy].map(|kind| (place.clone(), kind)))
    {
        for (phase, is_success) in [(Phase::Running, true), (Phase::Cancelled, false)] {
            let told = format!("{place}, {kind:?}, {phase:?}");
            let jobs = jobs_at(&place);
            let mut world = jobs.world(stopped(&place), Phase::Gone).fate(&[(0, phase)]);
            let plan = jobs.restore(Some(jobs.bad_run(&world)), Management::default());
            let is_lost = Cell::new(false);
            world.weather = Box::new(move |action, _| match action {
                Action::Start(_) => {
                    is_lost.set(true);
                    Some(Kind::Unclear)
                }
                Action::Describe(_) => is_lost.get().then_some(kind),
                _ => None,
            });
            let outcome = world.run(&plan);
            assert_eq!(outcome.failure.is_none(), is_success, "{told}: {outcome:?}");
            assert_eq!(outcome.status.map(|status| status.phase), Some(phase), "{told}");
            assert_eq!(world.alive().len(), usize::from(is_success), "{told}");
        }
    }
}

/// The answer of its submission was lost, it can be looked for only when it is given up, and it has failed by then. Where it has a
/// twin, another delivery has submitted that a little later.
#[test]
fn what_a_job_has_left_that_is_found_too_late_is_stopped_and_fails_no_rollback() {
    for (is_deaf, has_twin) in [(false, false), (true, false), (false, true)] {
        let jobs = jobs_at(&Place::EmrSteps("j-1ABC".to_owned()));
        let mut world = jobs.world(Phase::Cancelled, Phase::Gone).fate(&[(0, Phase::Running), (60, Phase::Ending)]);
        world.ended = Some(Phase::Failed);
        let mut plan = jobs.restore(Some(jobs.bad_run(&world)), Management::default());
        plan.deadlines = Deadlines::between(BEGIN, BEGIN + Duration::from_mins(10));
        let give_up = plan.deadlines.give_up;
        world.weather = Box::new(move |action, now| match action {
            Action::Start(_) => Some(Kind::Unclear),
            Action::Find(_, _, Lookup::Name, _) if now < give_up => Some(Kind::Unavailable),
            Action::Cancel(..) if is_deaf => Some(Kind::Unavailable),
            _ => None,
        });
        let state = world.run_until(&plan, |state| state.unseen.has_lost_one());
        if has_twin {
            let (name, phases) = (jobs.back.identity.name(), vec![(world.now, Phase::Running)]);
            world.runs.push(Fate { name, phases, silent: false, deaf: false });
        }
        let now = world.now;
        let outcome = world.go_on(&plan, state, now);
        let told = format!("{is_deaf}, {has_twin}: {outcome:?}");
        success(&outcome, jobs.new_run(&world), &told);
        let is_left = outcome.notes.iter().any(|note| note.contains("could not be stopped in time"));
        assert_eq!((is_left, world.alive().len()), (is_deaf, usize::from(is_deaf)), "{told}");
    }
}

/// The update that failed asked Livy for it, and nobody waits for that update any more.
#[test]
fn a_job_that_is_just_being_stopped_on_livy_is_not_taken_for_one_that_stays() {
    for wait_for in [WaitFor::Running, WaitFor::Succeeded] {
        for seconds in [1, 20, 40] {
            let jobs = jobs_at(&place());
            let mut world = jobs.world(Phase::Running, Phase::Gone);
            world.runs[0].phases.push((BEGIN + Duration::from_secs(seconds), Phase::Gone));
            let present = jobs.good_run(&world);
            let outcome = world.run(&jobs.restore(Some(present.clone()), until(wait_for)));
            let answered = if seconds < 30 { jobs.new_run(&world) } else { present };
            success(&outcome, answered, &format!("{wait_for:?}, {seconds} s"));
            assert_eq!(world.submissions(), usize::from(seconds < 30), "{wait_for:?}, {seconds} s");
        }
    }
}

#[test]
fn a_job_that_was_shown_alive_on_a_livy_that_is_away_since_stays_and_that_is_told() {
    let jobs = jobs_at(&place());
    let mut world = jobs.world(Phase::Running, Phase::Gone);
    let present = jobs.good_run(&world);
    let plan = jobs.restore(Some(present.clone()), Management::default());
    let state = world.run_until(&plan, |state| state.stage == Stage::Review && state.alive_at.is_some());
    world.weather = Box::new(|_, _| Some(Kind::Unavailable));
    let (outcome, passed_over) = world.run_to_the_end(&plan, state);
    success(&outcome, present, &format!("{outcome:?}"));
    assert_eq!((passed_over, outcome.notes.len()), (1, 1), "{outcome:?}");
    assert!(outcome.notes[0].starts_with("Whether the job goes on is not known: "), "{outcome:?}");
}

/// However fast it was gone on without something else: that tells nothing of how long the engine is away this time.
#[test]
fn a_look_after_a_stop_that_is_denied_is_waited_for_as_well() {
    for place in places() {
        let jobs = jobs_at(&place);
        let mut world = jobs.world(Phase::Running, Phase::Running);
        world.weather = Box::new(|action, _| matches!(action, Action::Cancel(..)).then_some(Kind::Denied));
        let plan = jobs.restore(Some(jobs.bad_run(&world)), Management::default());
        let state = world.run_until(&plan, |state| state.stage == Stage::Newest);
        assert_eq!(state.passed_over, 1, "{place}");
        let until = world.now + Duration::from_mins(4);
        world.weather = Box::new(move |_, now| (now < until).then_some(Kind::Unavailable));
        let now = world.now;
        success(&world.go_on(&plan, state, now), jobs.good_run(&world), &place.to_string());
        assert_eq!(world.submissions(), 0, "{place}");
    }
}

#[test]
fn a_look_that_itself_lasts_minutes_is_cut_off() {
    for place in places() {
        let jobs = jobs_at(&place);
        let mut world = jobs.world(Phase::Running, Phase::Gone).weather(|_, _| Some(Kind::Unavailable));
        world.takes = Duration::from_mins(2);
        let present = jobs.good_run(&world);
        success(&world.run(&jobs.restore(Some(present.clone()), Management::default())), present, &place.to_string());
        // Looks at what was left behind, and at the job.
        assert!(world.now.since(BEGIN) <= Duration::from_mins(10), "{place}: {:?}", world.now.since(BEGIN));
    }
}

#[test]
fn a_short_time_is_shared_out_among_looks() {
    let mut management = Management::default();
    for wait_for in [WaitFor::Running, WaitFor::Succeeded] {
        management.wait_for = wait_for;
        let jobs = jobs_at(&place());
        let lists = |action: &Action, _| matches!(action, Action::Find(..)).then_some(Kind::Unavailable);
        let mut world = jobs.world(stopped(&place()), Phase::Running).weather(lists);
        let mut plan = jobs.restore(Some(jobs.bad_run(&world)), management.clone());
        plan.deadlines = Deadlines::between(BEGIN, BEGIN + Duration::from_mins(2));
        let submitted = usize::from(wait_for == WaitFor::Running);
        assert_eq!((world.run(&plan).failure, world.submissions()), (None, submitted), "{wait_for:?}");
    }
}

/// The engine shows no list, and takes a while to stop the update's job.
#[test]
fn looks_that_come_to_nothing_leave_time_to_stop_and_to_submit() {
    for minutes in [4, 5, 10, 15] {
        let whole = Duration::from_mins(minutes);
        let stopped_at = BEGIN + Duration::from_mins(5).min(whole / 3) + Duration::from_secs(30);
        let jobs = jobs_at(&place());
        let mut world = jobs.world(stopped(&place()), Phase::Running).weather(move |action, now| match action {
            Action::Find(..) => Some(Kind::Unavailable),
            Action::Cancel(..) => (now < stopped_at).then_some(Kind::Unavailable),
            _ => None,
        });
        let mut plan = jobs.restore(Some(jobs.bad_run(&world)), Management::default());
        plan.deadlines = Deadlines::between(BEGIN, BEGIN + whole);
        success(&world.run(&plan), jobs.new_run(&world), &format!("{minutes} minutes"));
        assert_eq!(world.alive(), [jobs.back.identity.name()], "{minutes} minutes");
    }
}

#[test]
fn what_can_be_answered_without_a_look_is_although_there_is_no_time_for_that() {
    for place in places() {
        for (is_good, wait_for, is_well) in [
            (true, WaitFor::Running, true),
            (true, WaitFor::Succeeded, true),
            (false, WaitFor::Succeeded, true),
            (false, WaitFor::Running, false),
        ] {
            let jobs = jobs_at(&place);
            for stage in [Stage::FindOld, Stage::Review, Stage::Newest] {
                let mut world = jobs.world(stopped(&place), Phase::Gone);
                let present = if is_good { jobs.good_run(&world) } else { jobs.bad_run(&world) };
                let plan = jobs.restore(Some(present), until(wait_for));
                let is_there = |state: &State| state.stage == stage;
                let state = world.run_until_or_done(&plan, State::begin(&plan, BEGIN), is_there);
                let is_over = place.is_livy() && wait_for == WaitFor::Succeeded;
                let needs_submission =
                    is_good && stage == Stage::Newest && !is_over || !is_good && stage == Stage::FindOld;
                if is_there(&state) {
                    let outcome = world.go_on(&plan, state, plan.deadlines.give_up);
                    let told = format!("{place}, {is_good}, {wait_for:?}, {stage:?}");
                    assert_eq!(outcome.failure.is_none(), is_well && !needs_submission, "{told}");
                    assert_eq!(world.submissions(), 0, "{told}");
                }
            }
        }
    }
}

#[test]
fn an_engine_that_denies_to_stop_a_job_does_not_hold_the_rollback_up() {
    for place in places() {
        let jobs = jobs_at(&place);
        let denies = |action: &Action, _| matches!(action, Action::Cancel(..)).then_some(Kind::Denied);
        let mut world = jobs.world(Phase::Running, Phase::Running).weather(denies);
        let outcome = world.run(&jobs.restore(Some(jobs.bad_run(&world)), Management::default()));
        success(&outcome, jobs.good_run(&world), &place.to_string());
        assert!(outcome.notes.iter().any(|note| note.contains("left running")), "{:?}", outcome.notes);
    }
}

#[test]
fn a_rollback_that_is_delivered_again_finds_what_it_has_done() {
    for place in places() {
        for present_is_bad in [true, false] {
            let jobs = jobs_at(&place);
            let mut world = jobs.world(stopped(&place), Phase::Running);
            let present = if present_is_bad { jobs.bad_run(&world) } else { jobs.good_run(&world) };
            let plan = jobs.restore(Some(present), Management::default());
            let first = world.run(&plan);
            world.now = BEGIN + Duration::from_mins(3);
            let second = world.run(&plan);
            assert_eq!((&first.failure, first.made), (&None, second.made), "{place}, {present_is_bad}");
            assert_eq!((second.failure, world.submissions()), (None, 1), "{place}, {present_is_bad}");
        }
    }
}

#[test]
fn a_step_that_died_changes_nothing_twice() {
    for place in places() {
        for bad in [Phase::Running, Phase::Gone] {
            let jobs = jobs_at(&place);
            let mut clean = jobs.world(stopped(&place), bad);
            let plan = jobs.restore(Some(jobs.bad_run(&clean)), Management::default());
            clean.run(&plan);
            let steps = clean.actions.len();
            for died_at in 0..steps {
                let mut world = jobs.world(stopped(&place), bad);
                let begun = State::begin(&plan, BEGIN).alone();
                let mut left = died_at;
                let before = world.run_until_or_done(&plan, begun, |_| {
                    left = left.saturating_sub(1);
                    left == 0
                });
                let now = world.now;
                let outcome = world.go_on(&plan, before.repeated(&plan, true, BEGIN, now), now);
                assert_eq!(outcome.failure, None, "{place}, died at {died_at}");
                assert_eq!(world.alive(), [jobs.back.identity.name()], "{place}, died at {died_at}");
                assert_eq!(world.runs.len(), 3, "{place}, died at {died_at}");
            }
        }
    }
}

/// Whatever the next step does with it, until it answers.
#[test]
fn what_a_dead_step_has_submitted_is_stopped_once_nobody_waits() {
    for place in places() {
        for bad in [Phase::Running, Phase::Gone] {
            let jobs = jobs_at(&place);
            let world = || jobs.world(stopped(&place), bad);
            let plan = jobs.restore(Some(jobs.bad_run(&world())), Management::default());
            let is_begun_at = |state: &State| is_passed_over(&plan, state);
            let mut lives = 0;
            for action in 0.. {
                let mut world = world();
                let begun = world.run_until_or_done(&plan, State::begin(&plan, BEGIN).alone(), is_begun_at);
                let submitted = |state: &State| state.own.as_ref().is_some_and(|own| own.ours);
                world.run_until_or_done(&plan, begun.clone(), submitted);
                let (died, mut left) = (world.now, action);
                let repeated = begun.repeated(&plan, true, BEGIN, died);
                let state = world.run_until_or_done(&plan, repeated, |_| {
                    left -= 1;
                    left < 0
                });
                if matches!(state.stage, Stage::Done(_)) {
                    break;
                }
                let now = world.now;
                let outcome = world.go_on(&plan, withdraw(&plan, state, None, now), now);
                assert!(outcome.is_withdrawn(), "{place}, at {action}: {outcome:?}");
                assert!(!world.alive().contains(&&*jobs.back.identity.name()), "{place}, withdrawn at {action}");
                lives += 1;
            }
            assert!(lives > 1, "{place}, {bad:?}");
        }
    }
}

/// As where Lambda has had no room for it, or the step before has run out of time.
#[test]
fn a_rollback_that_comes_late_to_a_look_has_it_nevertheless() {
    for place in places() {
        for (has_died, fails) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
            let told = format!("{place}, {has_died}, {fails}");
            let jobs = jobs_at(&place);
            let mut world = jobs.world(Phase::Running, Phase::Running);
            let plan = jobs.restore(Some(jobs.bad_run(&world)), Management::default());
            let begun = State::begin(&plan, BEGIN).alone();
            let late = BEGIN + Duration::from_mins(5);
            let begun = if has_died { begun.repeated(&plan, true, BEGIN, late) } else { begun };
            world.weather =
                Box::new(move |_, now| (now < late + Duration::from_secs(fails)).then_some(Kind::Unavailable));
            success(&world.go_on(&plan, begun, late), jobs.good_run(&world), &told);
            assert_eq!((world.submissions(), world.alive()), (0, vec![&*jobs.good.identity.name()]), "{told}");
        }
    }
}

/// Lambda has no room for the function once the first look has been made, or has failed.
#[test]
fn a_rollback_whose_looks_are_far_apart_has_them_nevertheless() {
    let late = BEGIN + Duration::from_mins(5);
    let again = |world: &mut World, plan: &Plan| {
        let has_looked = |state: &State| state.polls > 0;
        let state = world.run_until_or_done(plan, State::begin(plan, BEGIN).alone(), has_looked);
        assert!(has_looked(&state), "{state:?}");
        world.go_on(plan, state, late)
    };
    for place in places() {
        let jobs = jobs_at(&place);
        let mut world = jobs.world(Phase::Running, Phase::Running);
        world.weather = Box::new(move |_, now| (now < late).then_some(Kind::Unavailable));
        let plan = jobs.restore(Some(jobs.bad_run(&world)), Management::default());
        success(&again(&mut world, &plan), jobs.good_run(&world), &place.to_string());
        assert_eq!((world.submissions(), world.alive()), (0, vec![&*jobs.good.identity.name()]), "{place}");
    }
    // The update had just asked Livy to stop the job that there was.
    let jobs = jobs_at(&place());
    let mut world = jobs.world(Phase::Running, Phase::Gone);
    world.runs[0].phases.push((BEGIN + Duration::from_secs(5), Phase::Gone));
    let plan = jobs.restore(Some(jobs.good_run(&world)), Management::default());
    let outcome = again(&mut world, &plan);
    assert_eq!((outcome.failure, world.submissions(), world.alive().len()), (None, 1, 1));
}

#[test]
fn a_rollback_that_comes_late_to_an_engine_that_is_away_is_not_held_up_for_long() {
    for place in places() {
        let jobs = jobs_at(&place);
        let mut world = jobs.world(Phase::Running, Phase::Running).weather(|_, _| Some(Kind::Unavailable));
        let present = jobs.good_run(&world);
        let plan = jobs.restore(Some(present.clone()), Management::default());
        let late = BEGIN + Duration::from_mins(5);
        success(&world.go_on(&plan, State::begin(&plan, BEGIN).alone(), late), present, &place.to_string());
        assert!(world.now < late + Duration::from_mins(11), "{place}: {:?}", world.now.since(late));
    }
}

/// Its listing is behind, so that nothing shows what the step has submitted that died.
#[test]
fn a_rollback_waits_for_what_a_dead_step_may_have_submitted_where_a_second_one_would_stand_beside_it() {
    let jobs = jobs_at(&Place::EmrSteps("j-1ABC".to_owned()));
    let mut world = jobs.world(Phase::Cancelled, Phase::Gone);
    let plan = jobs.restore(Some(jobs.good_run(&world)), Management::default());
    let shown = BEGIN + Duration::from_secs(50);
    let phases = vec![(BEGIN, Phase::Gone), (shown, Phase::Running)];
    world.runs.push(Fate { name: jobs.back.identity.name(), phases, silent: false, deaf: false });
    world.weather = Box::new(|_, now| (now < BEGIN + Duration::from_secs(2)).then_some(Kind::Unavailable));
    let is_failing = |state: &State| state.weather.is_some();
    let state = world.run_until_or_done(&plan, State::begin(&plan, BEGIN).alone(), is_failing);
    assert!(is_failing(&state), "{state:?}");
    let now = BEGIN + Duration::from_secs(3);
    let outcome = world.go_on(&plan, state.repeated(&plan, true, BEGIN, now), now);
    success(&outcome, jobs.new_run(&world), "the one that was lost");
    assert_eq!((world.submissions(), world.alive().len()), (0, 1));
}

#[test]
fn once_it_would_have_come_what_a_dead_step_may_have_submitted_is_nothing() {
    let jobs = jobs_at(&Place::EmrSteps("j-1ABC".to_owned()));
    let management = Management { wait_for: WaitFor::Succeeded, ..Management::default() };
    let mut world = jobs.world(Phase::Gone, Phase::Gone);
    let plan = jobs.restore(Some(jobs.bad_run(&world)), management);
    let begun = State::begin(&plan, BEGIN).alone();
    let outcome = world.go_on(&plan, begun.repeated(&plan, true, BEGIN, BEGIN), BEGIN);
    assert_eq!((outcome.failure, outcome.made, world.submissions()), (None, Made::Nothing, 0));
}

/// A rollback that fails leaves the stack stuck.
#[test]
fn what_livy_may_have_forgotten_of_it_fails_no_rollback() {
    let jobs = jobs_at(&place());
    let mut world = jobs.world(Phase::Gone, Phase::Running);
    let mut plan = jobs.restore(Some(jobs.bad_run(&world)), Management::default());
    plan.deadlines = Deadlines::between(BEGIN, BEGIN + Duration::from_hours(1));
    let begun = State { stage: Stage::Start, ..State::begin(&plan, BEGIN).alone() };
    let now = BEGIN + Duration::from_mins(10);
    let outcome = world.go_on(&plan, begun.repeated(&plan, true, BEGIN, now), now);
    success(&outcome, jobs.new_run(&world), "Livy");
}

/// A step of this request submitted it, and died.
#[test]
fn a_job_of_its_own_that_has_ended_is_not_run_again() {
    for place in places().into_iter().filter(|place| !place.is_livy()) {
        let jobs = jobs_at(&place);
        let mut world = jobs.world(Phase::Cancelled, Phase::Gone).with(&jobs.back.identity, Phase::Failed);
        let outcome = world.run(&jobs.restore(Some(jobs.good_run(&world)), Management::default()));
        success(&outcome, jobs.new_run(&world), &place.to_string());
        assert_eq!(world.submissions(), 0, "{place}");
    }
}

/// On engines whose references hold no name, only a look tells that the job is one of the wanted description.
#[test]
fn a_job_that_is_to_stay_stays() {
    for place in places() {
        let jobs = jobs_at(&place);
        let mut world = jobs.world(Phase::Failed, Phase::Gone);
        let present = jobs.good_run(&world);
        let mut plan = jobs.restore(Some(present.clone()), Management::default());
        if let Goal::Restore { old, stays_as, .. } = &mut plan.goal {
            let stays = StaysAs { identity: jobs.back.identity.clone(), retag: None };
            (*old, *stays_as) = (None, Some(stays));
        }
        success(&world.run(&plan), present, &place.to_string());
        assert_eq!(world.submissions(), 0, "{place}");
    }
}

#[test]
fn a_job_that_dies_at_once_has_been_started_nevertheless() {
    let jobs = jobs_at(&place());
    let mut world = jobs.world(Phase::Gone, Phase::Running).fate(&[(0, Phase::Failed)]);
    let outcome = world.run(&jobs.restore(Some(jobs.bad_run(&world)), Management::default()));
    success(&outcome, jobs.new_run(&world), "Livy");
    // But one that the engine refuses cannot be had.
    let mut world = jobs.world(Phase::Gone, Phase::Running);
    world.weather = Box::new(|action, _| matches!(action, Action::Start(_)).then_some(Kind::Rejected));
    let outcome = world.run(&jobs.restore(Some(jobs.bad_run(&world)), Management::default()));
    let advice = outcome.failure.expect("a failure").advice;
    assert!(advice.contains("continue-update-rollback --resources-to-skip"), "{advice}");
}

/// A step that is over, and of whose application something may be left: that goes before the rollback is answered, if it can.
#[test]
fn what_a_job_that_dies_at_once_has_left_is_stopped() {
    let jobs = jobs_at(&Place::EmrSteps("j-1ABC".to_owned()));
    for (ended, is_stopped, succeeds) in
        [(Phase::Failed, true, true), (Phase::Failed, false, true), (Phase::Cancelled, true, false)]
    {
        let mut world = jobs.world(Phase::Gone, Phase::Running).fate(&[(0, Phase::Ending)]);
        world.ended = Some(ended);
        let plan = jobs.restore(Some(jobs.bad_run(&world)), Management::default());
        let name = jobs.back.identity.name();
        let fails = move |action: &Action| matches!(action, Action::Cancel(run, _) if run.name.as_ref() == Some(&name));
        world.weather = Box::new(move |action, _| (!is_stopped && fails(action)).then_some(Kind::Denied));
        let outcome = world.run(&plan);
        let told = format!("{ended:?}, is stopped: {is_stopped}: {outcome:?}");
        assert_eq!((outcome.failure.is_none(), world.submissions()), (succeeds, 1), "{told}");
        assert_eq!(world.alive().is_empty(), is_stopped, "{told}");
    }
}

/// The look for a twin has shown that it ended and left something, and no other look is to be had.
#[test]
fn what_a_job_has_left_that_only_a_list_has_shown_fails_no_rollback() {
    for trouble in [Kind::Busy, Kind::Unavailable, Kind::Denied] {
        let jobs = jobs_at(&Place::EmrSteps("j-1ABC".to_owned()));
        let mut world = jobs.world(Phase::Cancelled, Phase::Gone).fate(&[(0, Phase::Ending)]);
        world.ended = Some(Phase::Failed);
        let plan = jobs.restore(Some(jobs.bad_run(&world)), Management::default());
        let name = jobs.back.identity.name();
        let looks =
            move |action: &Action| matches!(action, Action::Describe(runs) if runs[0].name.as_ref() == Some(&name));
        world.weather = Box::new(move |action, _| looks(action).then_some(trouble));
        let outcome = world.run(&plan);
        success(&outcome, jobs.new_run(&world), &format!("{trouble:?}: {outcome:?}"));
        assert!(world.alive().is_empty(), "{trouble:?}: {outcome:?}");
    }
}

/// What a rollback leaves is counted, also where it is the time that does not suffice.
#[test]
fn what_a_job_that_dies_at_once_has_left_and_cannot_be_stopped_in_time_is_counted() {
    let jobs = jobs_at(&Place::EmrSteps("j-1ABC".to_owned()));
    let mut world = jobs.world(Phase::Gone, Phase::Running).fate(&[(0, Phase::Ending)]);
    world.ended = Some(Phase::Failed);
    let plan = jobs.restore(Some(jobs.bad_run(&world)), Management::default());
    let name = jobs.back.identity.name();
    let no_turn = move |action: &Action| matches!(action, Action::Cancel(run, _) if run.name.as_ref() == Some(&name));
    world.weather = Box::new(move |action, _| no_turn(action).then_some(Kind::Busy));
    let (outcome, passed_over) = world.run_to_the_end(&plan, State::begin(&plan, BEGIN));
    assert_eq!((&outcome.failure, passed_over, world.alive().len()), (&None, 1, 1), "{outcome:?}");
}

#[test]
fn the_newest_job_of_the_description_is_the_one_that_counts() {
    for place in places().into_iter().filter(|place| !place.is_livy()) {
        let jobs = jobs_at(&place);
        let mut world = jobs
            .world(Phase::Succeeded, Phase::Running)
            .with(&wanted_at(&place, "good.py", "r0").identity, Phase::Cancelled);
        let outcome = world.run(&jobs.restore(Some(jobs.bad_run(&world)), Management::default()));
        assert_eq!((outcome.failure, world.submissions()), (None, 1), "{place}");
    }
}

/// A step may end and leave its job behind in YARN.
#[test]
fn a_job_that_ended_and_left_something_alive_counts_as_ended_once_that_is_stopped() {
    let place = Place::EmrSteps("j-1ABC".to_owned());
    let jobs = jobs_at(&place);
    for present_is_bad in [true, false] {
        let mut world = jobs.world(Phase::Ending, Phase::Gone);
        world.ended = Some(Phase::Failed);
        let present = if present_is_bad { jobs.bad_run(&world) } else { jobs.good_run(&world) };
        let cancels = world.run(&jobs.restore(Some(present), Management::default()));
        assert_eq!(cancels.failure, None, "{present_is_bad}");
        assert!(world.story().contains(&"cancel"), "{present_is_bad}: {:?}", world.story());
        assert!(world.phase(&jobs.good.identity.name()).is_over(), "{present_is_bad}");
    }
}
