//! What to do next: derived from the state alone, so a crash loses nothing.

use std::time::Duration;

use super::plan::{Deadlines, Goal, Plan, Retag, Target, Wanted};
use super::state::{Purpose, Stage, State, Stopping};
use crate::engine::{How, Lookup, Report, Trouble};
use crate::job::{Identity, Place, Run, RunRef, Status, Timestamp};
use crate::outcome::Outcome;

/// One thing to do. All but the last three are one call to the engine at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Look for runs.
    Find(Place, Identity, Lookup, Timestamp),
    /// Submit.
    Start(Box<Wanted>),
    /// Ask how these runs are, all of one place; at least one.
    Describe(Vec<RunRef>),
    /// Ask for this run to be stopped.
    Cancel(RunRef, How),
    /// Change the tags of this run.
    Tag(RunRef, Retag),
    /// Fetch what there is to see of it.
    Report(RunRef),
    /// Take note that a deadline has passed.
    Late,
    /// Do nothing until then.
    Wait(Timestamp),
    /// Nothing is left to do.
    Done(Box<Outcome>),
}

impl Action {
    /// Where it is done; none where there is nothing to ask.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Find(place, ..) => Some(place),
            Self::Start(wanted) => Some(&wanted.job.place),
            Self::Describe(runs) => runs.first().map(|run| &run.place),
            Self::Cancel(run, _) | Self::Tag(run, _) | Self::Report(run) => Some(&run.place),
            Self::Late | Self::Wait(_) | Self::Done(_) => None,
        }
    }
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The runs that were looked for.
    Found(Result<Vec<Run>, Trouble>),
    /// The run that was submitted.
    Started(Result<RunRef, Trouble>),
    /// The status of each run.
    Described(Result<Vec<Status>, Trouble>),
    /// That this run was asked to stop.
    Cancelled(RunRef, Result<(), Trouble>),
    /// That its tags were changed.
    Tagged(Result<(), Trouble>),
    /// What there is to see.
    Reported(Report),
    /// A deadline has passed.
    Late,
}

/// An engine that cannot be reached for so long is given up; until then failed calls are weather.
pub(super) const PATIENCE: Duration = Duration::from_mins(5);

/// So long an update that is taken back waits for what it can do without where that tells nothing of which jobs there are, or where half
/// of the time is over.
pub(super) const LOOKS_BACK_FOR: Duration = Duration::from_mins(1);

/// So long a job on Livy is looked at that another try of the request has submitted: by then that one has asked whether it is awaited, which
/// it does every minute, has stopped the job where it takes itself for superseded, and Livy, which shows it as before until then, shows it
/// no more.
pub(super) const STOPPED_WITHIN: Duration = Duration::from_secs(150);

/// So long at least a job is looked at that is to end by itself.
const LOOKED_AT_FOR: Duration = Duration::from_mins(1);

/// A run that is alive this long after it was asked to stop is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// The one thing that `state` asks for at `now`.
///
/// A state that does not fit its plan asks for [`Action::Late`], which ends it.
pub fn next(plan: &Plan, state: &State, now: Timestamp) -> Action {
    let horizon = horizon(plan, state);
    match &state.stage {
        Stage::Done(outcome) => Action::Done(Box::new(advised(plan, outcome))),
        _ if now >= horizon => Action::Late,
        _ if now < state.not_before => Action::Wait(state.not_before.min(horizon)),
        Stage::FindOwn | Stage::Settle => find_wanted(plan, state, Lookup::Name),
        Stage::Adopt if plan.looks_once() => find_wanted(plan, state, Lookup::Owner),
        Stage::Adopt => find_wanted(plan, state, Lookup::Spec),
        Stage::FindOld => find(plan.old().map(|old| (&old.place, &old.identity)), Lookup::Spec, plan.since_old()),
        Stage::Search { since } => plan.search(since.is_none()).unwrap_or(Action::Late),
        Stage::Stop { runs, .. } => stop(runs, now),
        Stage::Recall | Stage::Finish { .. } | Stage::Review => describe(plan.present()),
        // Where one has ended by itself, only one that is alive takes its place.
        Stage::Newest if state.own.is_some() => find_wanted(plan, state, Lookup::Spec),
        Stage::Newest => find_wanted(plan, state, Lookup::History),
        Stage::Start => plan.wanted_now(state.anew).map_or(Action::Late, |wanted| Action::Start(Box::new(wanted))),
        Stage::Follow | Stage::Look => describe(state.own.as_ref().map(|own| &own.run)),
        Stage::Tag => plan.retag().map_or(Action::Late, |(run, retag)| Action::Tag(run.clone(), retag.clone())),
        Stage::Explain(_) => state.own.as_ref().map_or(Action::Late, |own| Action::Report(own.run.clone())),
    }
}

/// When the present stage ends, whatever has come of it by then.
pub fn horizon(plan: &Plan, state: &State) -> Timestamp {
    let Deadlines { begin, give_up, answer_by, .. } = plan.deadlines;
    if state.given_up {
        return answer_by;
    }
    // The new job needs time as well.
    let half = begin + plan.deadlines.whole() / 2;
    match &state.stage {
        Stage::Search { .. } | Stage::Explain(_) | Stage::Stop { purpose: Purpose::Goal | Purpose::Abandon(_), .. } => {
            answer_by
        }
        Stage::Newest if state.newest.is_some() => {
            give_up.min(state.since + plan.at_most(STOPPED_WITHIN) + plan.at_most(LOOKS_BACK_FOR))
        }
        Stage::Settle | Stage::Tag if is_passed_over(plan, state) => {
            give_up.min(state.since + plan.at_most(LOOKS_BACK_FOR))
        }
        // Whoever does not know which jobs there are may leave one, or submit one beside it.
        _ if is_passed_over(plan, state) => {
            half.max(state.since + plan.at_most(LOOKS_BACK_FOR)).min(state.since + plan.at_most(PATIENCE)).min(give_up)
        }
        // Whoever comes to it late, as after a step that died, looks nevertheless.
        Stage::Finish { .. } => half.max(state.since + plan.at_most(LOOKED_AT_FOR)).min(give_up),
        _ => give_up,
    }
}

/// The outcome with what only whoever takes an update back has to know of a failure: the stack
/// [waits for them](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-continueupdaterollback.html).
fn advised(plan: &Plan, outcome: &Outcome) -> Outcome {
    let mut outcome = outcome.clone();
    let is_told = plan.is_restoring() && !outcome.is_withdrawn();
    if let Some(failure) = outcome.failure.as_mut().filter(|_| is_told) {
        failure.advise(
            "Once that is mended, continue the stack's rollback, or else without this resource: aws cloudformation \
             continue-update-rollback --resources-to-skip.",
        );
    }
    outcome
}

/// Whether the present stage is a look that an update is not taken back without, or a change of tags, if it can be had in time.
pub(super) fn is_passed_over(plan: &Plan, state: &State) -> bool {
    // Not that for a job of its own, which may be there.
    let is_look = matches!(
        state.stage,
        Stage::Recall | Stage::FindOld | Stage::Review | Stage::Newest | Stage::Tag | Stage::Settle
    );
    plan.is_restoring() && is_look
}

fn stop(runs: &[Stopping], now: Timestamp) -> Action {
    match to_be_asked(runs, now) {
        Some((stopping, how)) => Action::Cancel(stopping.run.clone(), how),
        None => Action::Describe(runs.iter().map(|stopping| stopping.run.clone()).collect()),
    }
}

/// Ask each once, then look; ask again, harder, where asking has not helped.
pub(super) fn to_be_asked(runs: &[Stopping], now: Timestamp) -> Option<(&Stopping, How)> {
    let unasked = runs.iter().find(|stopping| stopping.asked.is_none());
    let is_deaf =
        |stopping: &&Stopping| stopping.is_deaf && stopping.asked.is_some_and(|asked| now.since(asked) >= ASK_AGAIN);
    let deaf = || runs.iter().find(is_deaf).map(|stopping| (stopping, How::Kill));
    unasked.map(|stopping| (stopping, How::Ask)).or_else(deaf)
}

/// Where the state's stage acts.
pub fn place<'a>(plan: &'a Plan, state: &'a State) -> Option<&'a Place> {
    match &state.stage {
        Stage::Stop { runs, .. } => runs.first().map(|stopping| &stopping.run.place),
        Stage::Recall | Stage::Finish { .. } | Stage::Review => plan.present().map(|run| &run.place),
        Stage::FindOld => plan.old().map(|old| &old.place),
        Stage::Search { .. } => match &plan.goal {
            Goal::Stop(Target::Search { place, .. }) => Some(place),
            _ => None,
        },
        Stage::Follow | Stage::Tag | Stage::Look | Stage::Explain(_) => state.own.as_ref().map(|own| &own.run.place),
        Stage::FindOwn | Stage::Adopt | Stage::Newest | Stage::Start | Stage::Settle | Stage::Done(_) => {
            plan.wanted_place()
        }
    }
}

fn find_wanted(plan: &Plan, state: &State, by: Lookup) -> Action {
    let wanted = plan.wanted_now(state.anew);
    let since = match by {
        Lookup::Name => plan.since_any_try(),
        Lookup::History => plan.since_long(),
        _ => plan.since(),
    };
    find(wanted.as_ref().map(|wanted| (&wanted.job.place, &wanted.identity)), by, since)
}

fn find(whose: Option<(&Place, &Identity)>, by: Lookup, since: Timestamp) -> Action {
    whose.map_or(Action::Late, |(place, identity)| Action::Find(place.clone(), identity.clone(), by, since))
}

fn describe(run: Option<&RunRef>) -> Action {
    run.map_or(Action::Late, |run| Action::Describe(vec![run.clone()]))
}
