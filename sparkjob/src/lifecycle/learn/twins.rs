//! More than one run of one request: two deliveries, or two tries, that had both looked before they submitted.

use super::stop::alive;
use super::{At, failure};
use crate::engine::Trouble;
use crate::job::{Place, Run};
use crate::lifecycle::state::{Own, Purpose, Stage, State, Stopping, Superseded, shown_by};

/// A listing that does not show what was just submitted is behind, and is asked for again, but not for ever.
const STALE_LISTINGS: u32 = 8;

impl At<'_> {
    /// The run was submitted, perhaps twice: by two deliveries of the same request that had both looked before.
    pub(super) fn settled(self, state: State, found: Result<Vec<Run>, Trouble>) -> State {
        let (runs, own) = match (found, state.own.clone()) {
            (Ok(runs), Some(own)) => (runs, own),
            (Err(trouble), _) if self.plan.is_restoring() => return self.weather_or_pass_over(state, trouble),
            (Err(trouble), _) => {
                return self.weather(state, trouble).unwrap_or_else(|(state, trouble)| {
                    if self.is_at_goal(&state) {
                        self.pass_over_twins(state, &trouble.to_string())
                    } else {
                        self.fail_by(state, &trouble)
                    }
                });
            }
            (Ok(_), None) => return self.fail(state, failure::of_state()),
        };
        let (_, runs) = self.without_earlier_tries(&state, runs);
        let listed = runs.iter().find(|run| run.run.is_same(&own.run)).map(|run| run.status.clone());
        if listed.is_none() && state.polls < STALE_LISTINGS {
            let state = self.looked_well(state);
            // Trouble from then on has all of its time.
            return State { since: state.not_before, ..state };
        }
        let earlier = first_made(&runs).filter(|first| !first.run.is_same(&own.run)).cloned();
        let mut alive = Stopping::all(alive(runs));
        match (earlier, listed) {
            // As much its own as the other one's, which may have left it to this one.
            (Some(first), Some(_)) => self.without_twins(state, Own::found(first, true), alive),
            (Some(first), None) => {
                // A listing that is behind does not show the one that was submitted, which is there all the same and may be
                // shown as late to those who look for it alone.
                let shown_by = shown_by(self.plan, &own.run, self.now);
                alive.push(Stopping::of(own.run, shown_by));
                self.without_twins(state, Own::found(first, true), alive)
            }
            (None, Some(status)) => self.without_twins(state, own.listed_as(status), alive),
            (None, None) => self.without_twins(state, own, alive),
        }
    }

    /// Goes on although nobody knows whether there is a twin; `said` is why.
    pub(super) fn pass_over_twins(self, mut state: State, said: &str) -> State {
        state.note(&format!("Whether the request has submitted another one beside it is not known: {said}"));
        state.at(Stage::Follow, self.now)
    }

    /// Follows `own`, once the other runs of its name are over.
    pub(super) fn without_twins(self, state: State, own: Own, mut alive: Vec<Stopping>) -> State {
        alive.retain(|twin| !twin.run.is_same(&own.run));
        let mut state = self.follow(state, own);
        if !alive.is_empty() {
            state.stage = Stage::Stop { runs: alive, purpose: Purpose::Twin };
        }
        state
    }

    /// Its job has succeeded. What is not over, and may never be, is a twin of it; `why`, in sentences.
    pub(super) fn succeeds_beside(self, mut state: State, why: &str) -> State {
        state.passed_over += u32::from(self.plan.is_restoring());
        state.note(&format!(
            "The request was worked on twice at the same time, and each submitted its job. This one has succeeded, and the other one may \
             still run: {why} Stop that one by hand: no Delete will."
        ));
        self.succeed(state)
    }

    /// The runs of the name that this try and the one that took its place have given: both take the first for theirs, and the others
    /// are stopped. Where whoever asked has gone on, the one stays that they have gone on with.
    pub(super) fn found_twins(self, state: State, runs: Vec<Run>) -> State {
        let is_listed = |own: &Own| runs.iter().any(|run| run.run.is_same(&own.run));
        let is_stale = !state.own.as_ref().is_none_or(is_listed) && state.polls < STALE_LISTINGS;
        let stays = match &state.superseded {
            Some(Superseded::WentOn(kept)) => kept.clone(),
            _ => first_made(&runs).map(|first| first.run.clone()),
        };
        let mut twins = alive(runs);
        twins.retain(|twin| !stays.as_ref().is_some_and(|stays| stays.is_same(twin)));
        if !twins.is_empty() {
            return state.at(Stage::Stop { runs: Stopping::all(twins), purpose: Purpose::Twin }, self.now);
        }
        if is_stale || self.may_still_arrive(&state) { self.looked_well(state) } else { state.done(None, self.now) }
    }

    /// Whether nobody waits for the request any more, so that of its runs one stays at most.
    pub(super) fn looks_for_twins(self, state: &State) -> bool {
        state.is_asked_again() || state.superseded.is_some() && self.takes_twins()
    }

    pub(super) fn takes_twins(self) -> bool {
        self.plan.wanted_place().is_some_and(Place::takes_twins)
    }
}

/// The run that was made first, where the engine tells; of several that it tells no more of, the one with the smallest id.
/// So invocations that see the same runs choose the same one, whatever the order in which they see them.
pub(super) fn first_made(runs: &[Run]) -> Option<&Run> {
    runs.iter().min_by_key(|run| (run.status.created.is_none(), run.status.created, &run.run.id))
}

/// Whether others of its name than what is taken for its own are to be stopped.
pub(super) fn has_twins(runs: &[Stopping], state: &State) -> bool {
    runs.iter().any(|twin| !state.own.as_ref().is_some_and(|own| own.run.is_same(&twin.run)))
}

/// What is one too many, and what is taken for its own besides, where that is to be stopped as well.
pub(super) fn with_own(twins: &[Stopping], state: &State) -> Vec<Stopping> {
    let own = state.own.as_ref().filter(|own| own.ours && own.is_alive() && !state.keeps(&own.run));
    twins.iter().cloned().chain(own.map(|own| Stopping::of(own.run.clone(), own.shown_by))).collect()
}
