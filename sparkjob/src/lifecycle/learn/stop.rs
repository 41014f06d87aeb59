//! From jobs to none: search, stop, let finish.

use super::{At, Pace, failure, place};
use crate::engine::{Kind, Lookup, SUBMISSION_LIMIT, Trouble};
use crate::job::{Phase, Place, Run, RunRef, Status, Timestamp};
use crate::lifecycle::plan::{A_TRY_BEFORE, Goal, Target};
use crate::lifecycle::state::{Own, Purpose, Stage, State, Stopping, is_told};
use crate::outcome::{Failure, sentence};

impl At<'_> {
    pub(super) fn found_old(self, state: State, found: Result<Vec<Run>, Trouble>) -> State {
        let runs = match found {
            Ok(runs) => runs,
            Err(trouble) if self.plan.is_restoring() => return self.weather_or_pass_over(state, trouble),
            Err(trouble) => return self.stop_trouble(state, Purpose::LeftBehind, trouble),
        };
        self.left_behind(state, alive(runs))
    }

    /// Stops those of these runs, all of the old description and alive, that nobody knows of.
    pub(super) fn left_behind(self, state: State, runs: Vec<RunRef>) -> State {
        let known: Vec<&RunRef> =
            self.plan.present().into_iter().chain(state.own.as_ref().map(|own| &own.run)).collect();
        let left: Vec<RunRef> = runs.into_iter().filter(|run| known.iter().all(|known| !known.is_same(run))).collect();
        if left.is_empty() {
            return self.nothing_left_behind(state);
        }
        state.at(Stage::Stop { runs: Stopping::all(left), purpose: Purpose::LeftBehind }, self.now)
    }

    pub(super) fn searched(
        self,
        mut state: State,
        since: Option<Timestamp>,
        found: Result<Vec<Run>, Trouble>,
    ) -> State {
        let runs = match found {
            Ok(runs) => runs,
            Err(trouble) => return self.stop_trouble(state, Purpose::Goal, trouble),
        };
        let since = since.unwrap_or(self.now);
        let is_over = self.has_found_all(&runs) || self.now.since(since) >= SUBMISSION_LIMIT;
        let live = alive(runs.into_iter().filter(|run| self.may_be_searched(run) != Some(false)).collect());
        if !live.is_empty() {
            state.searching_since = (!is_over).then_some(since);
            return state.at(Stage::Stop { runs: Stopping::all(live), purpose: Purpose::Goal }, self.now);
        }
        if is_over {
            return state.done(None, self.now);
        }
        let mut state = self.looked_well(state);
        state.stage = Stage::Search { since: Some(since) };
        state
    }

    /// Whether what is searched can be nothing besides these runs: it comes of one submission, and they of that.
    fn has_found_all(self, runs: &[Run]) -> bool {
        match &self.plan.goal {
            // A token stands for one submission: whatever came of it is all there will be, unless it comes of another try.
            Goal::Stop(Target::Search { by: Lookup::Token, identity, place, .. }) => {
                let last = identity.anew().filter(|_| !place.is_livy()).unwrap_or_else(|| identity.clone());
                runs.iter().any(|run| last.asked_for(run.name()))
            }
            _ => runs.iter().any(|run| self.is_surely_searched(run)),
        }
    }

    /// Whether a run of an owner's, who may have others, is surely the one that is searched. What is over may be a twin of
    /// that, or have come of an earlier request; so may what was made within a try after what is counted from, which may have
    /// been moved back by as much.
    fn is_surely_searched(self, run: &Run) -> bool {
        let Goal::Stop(Target::Search { made_since: Some(since), .. }) = &self.plan.goal else { return false };
        let is_young = run.status.created.is_some_and(|created| created >= *since + A_TRY_BEFORE);
        is_young && !run.status.phase.is_over() && self.may_be_searched(run) == Some(true)
    }

    /// Whether a run is one of those that are searched, since it was made so late; none where nothing tells. Engines tell times
    /// in whole seconds.
    fn may_be_searched(self, run: &Run) -> Option<bool> {
        let Goal::Stop(Target::Search { made_since, spared, .. }) = &self.plan.goal else { return None };
        if spared.as_ref().is_some_and(|spared| spared.is_same(&run.run)) {
            return Some(false);
        }
        run.status.created.zip(*made_since).map(|(created, since)| created.0 / 1000 >= since.0 / 1000)
    }

    pub(super) fn asked(
        self,
        mut state: State,
        mut runs: Vec<Stopping>,
        purpose: Purpose,
        (run, asked): (&RunRef, Result<(), Trouble>),
    ) -> State {
        let at = runs.iter().position(|stopping| stopping.run == *run);
        let was_asked = at.is_some_and(|at| runs[at].asked.is_some());
        match asked {
            Ok(()) => {
                (state.weather, state.unheeded) = (None, None);
                // Where it is asked once more, a look may fail all the time.
                state.failing = state.failing.filter(|_| was_asked);
            }
            // It may be under way: whether it is, only a look tells.
            Err(trouble) if trouble.kind == Kind::Unclear => {
                let said = Some(trouble.to_string());
                (state.weather, state.unheeded) = (said.clone(), said);
            }
            Err(trouble) => {
                // The others have their turn before it is asked again.
                if let Some(at) = at {
                    let stopping = runs.remove(at);
                    runs.push(stopping);
                }
                let others_are_unasked = runs.iter().any(|stopping| stopping.asked.is_none() && stopping.run != *run);
                state.stage = Stage::Stop { runs, purpose: purpose.clone() };
                if trouble.kind == Kind::Futile && others_are_unasked {
                    state.not_before = self.now;
                    return state;
                }
                return self.stop_trouble(state, purpose, trouble);
            }
        }
        if let Some(stopping) = at.and_then(|at| runs.get_mut(at)) {
            (stopping.asked, stopping.is_deaf) = (Some(self.now), false);
        }
        let more_to_ask = runs.iter().any(|stopping| stopping.asked.is_none());
        let asked_at = runs.first().map(|stopping| &stopping.run.place);
        let (is_livy, pace) = (asked_at.is_none_or(Place::is_livy), Pace::of_looks(asked_at));
        let shown_by = shown_by(&runs);
        state.stage = Stage::Stop { runs, purpose };
        if more_to_ask || is_livy {
            state.not_before = self.now;
            return state;
        }
        // No look is wasted on what cannot be over yet; what is not even there is asked for ever more rarely.
        if shown_by.is_none() {
            state.polls = 0;
        }
        self.again(state, pace).no_later_than(shown_by)
    }

    pub(super) fn stopping(
        self,
        mut state: State,
        mut runs: Vec<Stopping>,
        purpose: Purpose,
        seen: Result<Vec<Status>, Trouble>,
    ) -> State {
        let seen = match seen {
            Ok(seen) => seen,
            Err(trouble) => return self.stop_trouble(state, purpose, trouble),
        };
        for (stopping, status) in runs.iter_mut().zip(seen) {
            if !is_told(&mut stopping.shown_by, &status, self.now) {
                // It was not there to be asked, either.
                stopping.asked = None;
                continue;
            }
            if let Some(own) = state.own.as_mut().filter(|own| own.run == stopping.run) {
                own.shown_by = None;
                own.ends_as(&status);
            }
            // The secrets of another description, which it may repeat, are not kept.
            stopping.status = Some(Status { reason: String::new(), ..status });
            stopping.is_deaf = true;
        }
        runs.retain(|stopping| !stopping.status.as_ref().is_some_and(|status| status.phase.is_over()));
        if runs.is_empty() {
            return self.stopped(state, purpose);
        }
        // As long as one is there that goes first, no step has come to a submission.
        if runs.iter().any(|stopping| stopping.status.is_some()) {
            let goes_first = matches!(purpose, Purpose::MakeRoom | Purpose::LeftBehind) && state.own.is_none();
            if goes_first { state.unseen.comes_later() } else { state.unseen.lives() }
        }
        let shown_by = shown_by(&runs);
        state.stage = Stage::Stop { runs, purpose };
        self.looked_well(state).no_later_than(shown_by)
    }

    /// All of them are over.
    fn stopped(self, mut state: State, purpose: Purpose) -> State {
        match purpose {
            Purpose::Goal => match state.searching_since.take() {
                Some(since) => state.at(Stage::Search { since: Some(since) }, self.now),
                None => state.done(None, self.now),
            },
            Purpose::MakeRoom => state.at(Stage::Start, self.now),
            Purpose::LeftBehind => self.nothing_left_behind(state),
            Purpose::RollBack => self.rolled_back(state),
            Purpose::Useless if self.plan.is_restoring() => state.at(Stage::Newest, self.now),
            Purpose::Useless => state.at(Stage::Adopt, self.now),
            Purpose::Twin if self.looks_for_twins(&state) => state.at(Stage::FindOwn, self.now),
            Purpose::Twin if state.superseded.is_some() => self.fail(state, failure::of_withdrawal()),
            Purpose::Twin => state.at(Stage::Follow, self.now),
            Purpose::Abandon(failure) => self.abandoned(state, failure),
        }
    }

    /// The job that failed the request is over, perhaps by itself.
    fn abandoned(self, mut state: State, failure: Failure) -> State {
        if state.refused.is_some() {
            // It never was a job.
            state.own = None;
            state.unseen.clear();
            return state.done(Some(failure), self.now);
        }
        match state.own.as_ref().and_then(|own| own.status.clone()) {
            Some(status) if status.ended.is_some() => {
                state.note("What was left of it has been stopped.");
                state.done(Some(failure), self.now)
            }
            // It came so far just before it was to be cancelled. Where that was for its twin, the twin may run on.
            Some(_) if has_succeeded(&state) => {
                let Failure { what, advice, .. } = failure;
                state.note(&format!("It succeeded before it could be cancelled for this: {what} {advice}"));
                self.succeed(state)
            }
            Some(status) if status.phase == Phase::Failed => {
                state.note(&format!("It ended by itself meanwhile: it is {}.", status.word));
                state.done(Some(failure), self.now)
            }
            // Whatever was hardly begun when it was seen last, and failed the request otherwise, may have run since.
            Some(_) if state.own.as_ref().is_some_and(|own| failure == failure::of_silence(&own.run)) => {
                state.note("Its name was given free.");
                state.report.full_log.clear();
                state.done(Some(failure), self.now)
            }
            _ => {
                state.note("The job was cancelled.");
                if state.own.as_ref().is_some_and(|own| own.run.place.is_livy()) {
                    state.report.full_log = String::from("gone with the job, which was cancelled");
                }
                state.done(Some(failure), self.now)
            }
        }
    }

    /// A call failed on the way to no job: weather, or the end of it.
    fn stop_trouble(self, state: State, purpose: Purpose, trouble: Trouble) -> State {
        match (self.weather(state, trouble), &purpose) {
            (Ok(state), _) => state,
            // Its failure is told anyway: there is time to go on trying until then.
            (Err((state, trouble)), Purpose::Abandon(_)) if !matches!(trouble.kind, Kind::Denied | Kind::Futile) => {
                self.once_more(state, &trouble)
            }
            (Err((state, trouble)), _) => self.cannot_stop(state, purpose, &trouble),
        }
    }

    /// Runs cannot be stopped, or looked for, since their engine cannot be asked.
    pub(super) fn cannot_stop(self, mut state: State, purpose: Purpose, trouble: &Trouble) -> State {
        if has_succeeded(&state) && matches!(purpose, Purpose::Twin | Purpose::Abandon(_)) {
            let Failure { what, .. } = failure::of(place(self.plan, &state), trouble);
            return self.succeeds_beside(state, format!("{what} {}", trouble.advice).trim_end());
        }
        if let Purpose::Abandon(failure) = purpose {
            let said = sentence(&format!("The job may still run: {trouble}"));
            state.note(&format!("{said} {}", trouble.advice));
            return state.done(Some(failure), self.now);
        }
        if purpose == Purpose::LeftBehind && self.keeps_present(&state) {
            // Nothing is submitted, so nothing can get in the way of what may be left there: it is told, no more.
            state.note(&format!("Whether a lost update left a job behind is not known: {trouble}"));
            return self.nothing_left_behind(state);
        }
        if purpose == Purpose::Twin && state.superseded.is_some() {
            // Its own goes, whatever becomes of the other one.
            return self.fail(state, failure::of_withdrawal());
        }
        if !self.ignores_delete_errors() {
            let place = place(self.plan, &state);
            let failure = match purpose {
                Purpose::Goal => failure::of(place, trouble),
                Purpose::Twin => failure::of_twin(place, trouble),
                _ => failure::of_old(place, trouble),
            };
            return self.fail(state, failure);
        }
        state.passed_over += u32::from(self.plan.is_restoring());
        let why = if self.plan.is_restoring() { "An update is taken back" } else { "OnDeleteError is Ignore" };
        state.note(&format!("{why}, so a job may have been left running: {trouble}"));
        match purpose {
            Purpose::RollBack => state.at(Stage::Newest, self.now),
            Purpose::MakeRoom => state.at(Stage::Start, self.now),
            Purpose::Useless if self.plan.is_restoring() && state.own.is_some() => self.ended_stays(state),
            Purpose::Useless if self.plan.is_restoring() => self.start(state),
            // The engine that could not be asked for the one would not stop the other either.
            Purpose::LeftBehind
                if state.own.is_none() && !self.plan.is_restoring() && self.present_is_where_the_old_was() =>
            {
                state.at(Stage::Start, self.now)
            }
            Purpose::Twin => state.at(Stage::Follow, self.now),
            Purpose::LeftBehind | Purpose::Useless => self.nothing_left_behind(state),
            Purpose::Goal | Purpose::Abandon(_) => state.done(None, self.now),
        }
    }

    /// Whether the job that answers is the present one.
    fn keeps_present(self, state: &State) -> bool {
        state.own.as_ref().zip(self.plan.present()).is_some_and(|(own, present)| present.is_same(&own.run))
    }

    fn present_is_where_the_old_was(self) -> bool {
        let (present, old) = (self.plan.present(), self.plan.old());
        present.map(|run| &run.place) == old.map(|old| &old.place)
    }

    pub(super) fn finishing(
        self,
        mut state: State,
        mut shown_by: Option<Timestamp>,
        seen: Result<Vec<Status>, Trouble>,
    ) -> State {
        let status = match seen {
            Ok(seen) => seen.into_iter().next(),
            Err(trouble) => return self.stop_trouble(state, Purpose::MakeRoom, trouble),
        };
        let told = status.filter(|status| is_told(&mut shown_by, status, self.now));
        if told.as_ref().is_some_and(|status| status.ended.is_some()) {
            return self.stop_present(state);
        }
        let is_there = told.is_some();
        if told.is_some_and(|status| status.phase.is_over()) {
            return state.at(Stage::Start, self.now);
        }
        if is_there {
            state.unseen.comes_later();
        }
        state.stage = Stage::Finish { shown_by };
        self.looked_well(state).no_later_than(shown_by)
    }
}

impl Own {
    /// Takes note of a last look. What was cancelled is told as it was before: that is what the reader wants to know. So is
    /// what had ended before it was quite over.
    fn ends_as(&mut self, status: &Status) {
        if !self.has_ended() && matches!(status.phase, Phase::Succeeded | Phase::Failed) {
            self.status = Some(status.clone());
        }
    }
}

/// Whether its job has succeeded, for which somebody waits.
pub(super) fn has_succeeded(state: &State) -> bool {
    let phase = state.own.as_ref().and_then(|own| own.status.as_ref()).map(|status| status.phase);
    phase == Some(Phase::Succeeded) && state.superseded.is_none()
}

/// When the first of those is believed to be gone that were never shown.
fn shown_by(runs: &[Stopping]) -> Option<Timestamp> {
    runs.iter().filter_map(|stopping| stopping.shown_by).min()
}

pub(super) fn alive(runs: Vec<Run>) -> Vec<RunRef> {
    runs.into_iter().filter(|run| !run.status.phase.is_over()).map(|run| run.run).collect()
}
