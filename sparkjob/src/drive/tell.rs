//! What is logged and counted of a request's way.

use std::mem::{Discriminant, discriminant};

use tracing::{debug, info, warn};

use super::{COUNT, PASSED_OVER, SUBMITTED};
use crate::engine::{Kind, Lookup};
use crate::job::{Identity, Place};
use crate::lifecycle::{Goal, Plan, Seen, Stage, State, Target, place};

/// What was known before something was learnt, and of what was seen then, as far as it is to be told.
pub struct Before {
    stage: Discriminant<Stage>,
    notes: usize,
    has_found_nothing: bool,
    is_late: bool,
    passed_over: u32,
    /// The engine that is asked; none where none is.
    engine: Option<&'static str>,
    /// The engine that took a submission.
    submitted: Option<&'static str>,
    /// The run that is being stopped.
    stopping: Option<String>,
}

impl Before {
    /// Before `state` learns what was `seen`.
    pub fn of(plan: &Plan, state: &State, seen: &Seen) -> Self {
        let is_nothing = match seen {
            Seen::Found(Ok(runs)) => runs.iter().all(|run| run.status.phase.is_over()),
            // There is no such place, so there is nothing in it.
            Seen::Found(Err(trouble)) => trouble.kind == Kind::Absent,
            // The last look of those that there was time for has found nothing, not even what is to be spared.
            Seen::Late => state.weather.is_none() && state.polls > 0 && is_by_token(plan),
            _ => false,
        };
        let submitted = match seen {
            Seen::Started(Ok(run)) => Some(run.place.engine()),
            _ => None,
        };
        let stopping = match seen {
            Seen::Cancelled(run, asked) => {
                // Whether that has taken effect where it is unclear, or was needed, the next look tells.
                let is_asked = asked.as_ref().err().is_none_or(|trouble| trouble.kind == Kind::Unclear);
                is_asked.then(|| run.to_string())
            }
            _ => None,
        };
        Self {
            stage: discriminant(&state.stage),
            notes: state.notes.len(),
            has_found_nothing: is_nothing && matches!(state.stage, Stage::Search { .. }),
            is_late: matches!(seen, Seen::Late),
            passed_over: state.passed_over,
            engine: place(plan, state).map(Place::engine),
            submitted,
            stopping,
        }
    }
}

/// Logs and counts what has come of it: `state`.
pub fn tell(plan: &Plan, before: &Before, state: &State) {
    for note in notes(state).iter().skip(before.notes) {
        warn!("{note}");
    }
    if let Some(own) = &state.own {
        tracing::Span::current().record("job", own.run.to_string());
    }
    if let Some(engine) = before.submitted {
        info!(target: COUNT, counter = SUBMITTED, Engine = engine, "a job was submitted");
    }
    if let Some(engine) = before.engine.filter(|_| state.passed_over > before.passed_over) {
        info!(target: COUNT, counter = PASSED_OVER, Engine = engine, "the update is taken back without this");
    }
    if let Some(run) = &before.stopping {
        info!(run, "stopping a job");
    }
    tell_stage(state, discriminant(&state.stage) != before.stage);
    if before.has_found_nothing && matches!(&state.stage, Stage::Done(outcome) if outcome.failure.is_none()) {
        let left = if before.is_late { "there was no time to look on" } else { "nothing is left to stop" };
        info!("no live job {}: {left}", sought(plan));
    }
}

/// What else a reader should know, also once that is part of what came of it.
fn notes(state: &State) -> &[String] {
    match &state.stage {
        Stage::Done(outcome) => &outcome.notes,
        _ => &state.notes,
    }
}

/// Logs how far the request has come, and whether it has moved to another stage.
fn tell_stage(state: &State, has_moved: bool) {
    let status = match &state.stage {
        Stage::Stop { runs, .. } => runs.first().and_then(|stopping| stopping.status.as_ref()),
        _ => state.own.as_ref().and_then(|own| own.status.as_ref()),
    };
    let word = status.map_or("", |status| status.word.as_str());
    let at = state.stage.word();
    if let Some(weather) = &state.weather {
        warn!(stage = at, polls = state.polls, "{weather}; trying again");
    }
    if has_moved {
        info!(stage = at, state = word, "went on");
    } else {
        debug!(stage = at, state = word, polls = state.polls, "looked");
    }
}

/// Whether what is searched is all that a token stands for.
fn is_by_token(plan: &Plan) -> bool {
    matches!(&plan.goal, Goal::Stop(Target::Search { by: Lookup::Token, .. }))
}

/// By what the jobs are known that are searched, as the end of "no live job".
fn sought(plan: &Plan) -> String {
    match &plan.goal {
        Goal::Stop(Target::Search { identity: Identity { token, dated, .. }, by: Lookup::Token, .. }) => {
            let dated = dated.map(|dated| format!(" or {dated}")).unwrap_or_default();
            format!("bears the token {token}{dated}")
        }
        _ => "is of this resource".to_owned(),
    }
}
