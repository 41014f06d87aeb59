//! Back to the job that there was before an update that failed. Whoever asks for it cannot do without: a failure here leaves
//! the stack [where only a person helps](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-continueupdaterollback.html),
//! so what cannot be looked at in time is gone on without.

use super::{At, failure};
use crate::engine::Trouble;
use crate::job::{Phase, Run, RunRef, Status, Timestamp};
use crate::lifecycle::next::{LOOKS_BACK_FOR, STOPPED_WITHIN, is_passed_over};
use crate::lifecycle::state::{Own, Purpose, Stage, State, Stopping};
use crate::properties::WaitFor;

impl At<'_> {
    /// Goes on, once it is known whether the present job is one that is taken back.
    pub(super) fn restore(self, state: State) -> State {
        let first = Stage::first_of_restoring(self.plan, state.rolled_back, self.now);
        state.at(first, self.now)
    }

    /// The job that there was is looked at. Alive or ended by itself it is what there has to be, whatever it runs.
    pub(super) fn reviewed(self, mut state: State, seen: Result<Vec<Status>, Trouble>) -> State {
        let status = match seen {
            Ok(seen) => seen.into_iter().next(),
            Err(trouble) => return self.weather_or_pass_over(state, trouble),
        };
        let Some((run, status)) = self.plan.present().cloned().zip(status) else { return self.looked_well(state) };
        match status.phase {
            Phase::Waiting if status.silent => self.stop_all(state, [run], Purpose::MakeRoom),
            phase if run.place.is_livy() && may_be_being_stopped(phase, &state) && !self.stays(&mut state) => {
                self.looked_well(state)
            }
            Phase::Waiting | Phase::Running => {
                let run = Run { run, status };
                let ours = self.may_have_submitted(&state, &run);
                self.stays_as(state, Some(Own::seen(run, ours)))
            }
            Phase::Succeeded | Phase::Failed => self.ended_by_itself(state, Own::seen(Run { run, status }, false)),
            Phase::Ending => self.stop_all(state, [run], Purpose::RollBack),
            Phase::Gone if self.counts_as_ended() && state.alive_at.is_none() => {
                self.ended_by_itself(state, Own::new(run, false))
            }
            Phase::Cancelled | Phase::Gone => state.at(Stage::Newest, self.now),
        }
    }

    /// The present job has ended by itself. It stays, unless it runs again already: an earlier try to take the update back, which was
    /// not known for one, may have submitted that, and have come to nothing.
    fn ended_by_itself(self, mut state: State, own: Own) -> State {
        state.own = Some(own);
        state.at(Stage::Newest, self.now)
    }

    /// The job that has ended by itself stays: the present one, or the one that was started in its place.
    pub(super) fn ended_stays(self, mut state: State) -> State {
        if state.own.as_ref().is_some_and(|own| own.status.is_some()) {
            return state.at(Stage::Explain(None), self.now);
        }
        state.note("The engine does not know the job any more; WaitFor was Succeeded.");
        state.done(None, self.now)
    }

    /// There is a job alive of the wanted description. On Livy, somebody may be just stopping it; and another try of this very request that
    /// was not known to take an update back stops what it has submitted once it asks, as it takes this try for the end of its own.
    fn newest_runs(self, mut state: State, run: Run) -> State {
        if !run.run.place.is_livy() {
            return self.restored(state, run);
        }
        let known = state.newest.take().filter(|newest| newest.run.is_same(&run.run));
        let alive_since = known.and_then(|newest| newest.alive_since).unwrap_or_else(|| {
            // However late it is shown, it is looked at for as long.
            state.since = self.now;
            self.now
        });
        let stays_at = if self.is_asked_for(run.name()) {
            alive_since + self.plan.at_most(STOPPED_WITHIN)
        } else {
            self.stays_at(alive_since)
        };
        state.newest = Some(Box::new(Own { alive_since: Some(alive_since), ..self.found(&state, run) }));
        if self.now >= stays_at {
            self.newest_stays(state)
        } else {
            self.looked_well(state).no_later_than(Some(stays_at))
        }
    }

    /// Whether a run of that name was asked for by this very request, in whichever try.
    fn is_asked_for(self, name: &str) -> bool {
        self.plan.wanted().is_some_and(|wanted| wanted.identity.asked_for(name))
    }

    fn newest_stays(self, mut state: State) -> State {
        let newest = state.newest.take().map(|newest| *newest);
        self.stays_as(state, newest)
    }

    /// Whether the present job, which is alive, has been for so long that nobody is just stopping it, as the update that failed may be.
    fn stays(self, state: &mut State) -> bool {
        let alive_at = *state.alive_at.get_or_insert_with(|| {
            // However late it is shown, it is looked at for as long.
            state.since = self.now;
            self.now
        });
        self.now >= self.stays_at(alive_at)
    }

    /// When a job that has been alive since then would be gone if somebody else were stopping it: what Livy was asked to stop is shown as
    /// before until it is gone.
    pub(super) fn stays_at(self, alive_since: Timestamp) -> Timestamp {
        alive_since + self.plan.at_most(LOOKS_BACK_FOR) / 2
    }

    /// The present job is over. Where it is the one that there was, and it was being stopped, what became of it counts.
    pub(super) fn rolled_back(self, state: State) -> State {
        let next = if state.rolled_back { Stage::Newest } else { Stage::Review };
        state.at(next, self.now)
    }

    /// Whether the job that there was has been stopped, so that none that is over takes its place.
    fn was_stopped(self, state: &State) -> bool {
        self.plan.present().is_some() && !state.rolled_back
    }

    pub(super) fn found_newest(self, mut state: State, found: Result<Vec<Run>, Trouble>) -> State {
        let runs = match found {
            Ok(runs) => self.without_earlier_tries(&state, runs).1,
            Err(trouble) => return self.weather_or_pass_over(state, trouble),
        };
        // A job of this very request is one of the wanted description.
        state.unseen.looked(self.now);
        // What was alive and has failed may have died of being stopped, and be gone in a moment.
        let was_alive = |run: &Run| state.newest.as_ref().is_some_and(|newest| newest.run.is_same(&run.run));
        let lives = |run: &&Run| match run.status.phase {
            Phase::Waiting | Phase::Running => !run.status.silent,
            Phase::Failed => was_alive(run),
            Phase::Ending | Phase::Succeeded | Phase::Cancelled | Phase::Gone => false,
        };
        if let Some(live) = runs.iter().find(lives).cloned() {
            return self.newest_runs(state, live);
        }
        state.newest = None;
        if state.own.is_some() {
            return self.ended_stays(state);
        }
        let (unfinished, over): (Vec<Run>, Vec<Run>) = runs.into_iter().partition(|run| !run.status.phase.is_over());
        if unfinished.iter().any(|run| run.status.ended.is_some()) {
            // What is left of it goes; then it is one that ended by itself.
            return self.stop_all(state, unfinished.into_iter().map(|run| run.run), Purpose::Useless);
        }
        if !unfinished.is_empty() {
            return self.stop_all(state, unfinished.into_iter().map(|run| run.run), Purpose::MakeRoom);
        }
        let Some(newest) = over.into_iter().next() else { return self.forgotten(state) };
        let is_own = self.is_asked_for(newest.name());
        let has_ended = matches!(newest.status.phase, Phase::Succeeded | Phase::Failed);
        if has_ended && (is_own || !self.was_stopped(&state)) {
            // Nobody wants hours of work repeated because another resource failed.
            return self.restored(state, newest);
        }
        self.start_again(state)
    }

    /// Nobody knows a job of the wanted description. One that was to succeed has done so, as the update came after it.
    fn forgotten(self, mut state: State) -> State {
        if !self.has_surely_ended(&state) {
            return self.start_again(state);
        }
        state.note("The engine does not know the job any more; WaitFor was Succeeded, so it is not run again.");
        state.done(None, self.now)
    }

    /// Submits, unless a submission that was lost may yet take effect beside another one: that is waited for.
    fn start_again(self, state: State) -> State {
        if self.may_still_arrive(&state) { state.at(Stage::FindOwn, self.now) } else { self.start(state) }
    }

    /// Whether the job that there was has ended by itself, if nobody knows it.
    fn has_surely_ended(self, state: &State) -> bool {
        self.counts_as_ended() && !self.was_stopped(state)
    }

    fn counts_as_ended(self) -> bool {
        self.plan.management.wait_for == WaitFor::Succeeded
    }

    /// There is the job that there has to be.
    fn restored(self, state: State, run: Run) -> State {
        let own = self.found(&state, run);
        self.stays_as(state, Some(own))
    }

    /// A run that was found.
    fn found(self, state: &State, run: Run) -> Own {
        let ours = self.may_have_submitted(state, &run);
        Own::found(run, ours)
    }

    /// Whether a step of this request may have submitted this run, and have died.
    fn may_have_submitted(self, state: &State, run: &Run) -> bool {
        state.unseen.has_submitted() && self.is_asked_for(run.name())
    }

    /// This is the job that the request is answered with, if that is still awaited where it has submitted it.
    fn stays_as(self, mut state: State, own: Option<Own>) -> State {
        state.own = own;
        let is_ours = state.own.as_ref().is_some_and(|own| own.ours);
        let state = if is_ours { state.unconfirmed() } else { state };
        state.at(Stage::Explain(None), self.now)
    }

    /// The present job stays, although nothing is known of it.
    fn restored_unseen(self, mut state: State, note: &str) -> State {
        state.note(note);
        if state.unseen.has_lost_one() {
            state.note("Another one may have been submitted for it, which nobody knows of then.");
        }
        self.present_stays(state)
    }

    fn present_stays(self, mut state: State) -> State {
        state.own = self.plan.present().map(|run| Own::new(run.clone(), false));
        state.done(None, self.now)
    }

    /// Runs that are being stopped, or never began, are over before another one is submitted.
    pub(super) fn stop_all(self, state: State, runs: impl IntoIterator<Item = RunRef>, purpose: Purpose) -> State {
        let runs = Stopping::all(runs);
        state.at(Stage::Stop { runs, purpose }, self.now)
    }

    /// Whether the present stage is a look that is gone on without.
    pub(super) fn may_pass_over(self, state: &State) -> bool {
        !state.given_up && is_passed_over(self.plan, state)
    }

    /// Whether the present stage is a look without which it is known what to answer, now that there is no time to submit anything.
    pub(super) fn ends_without_a_look(self, state: &State) -> bool {
        let is_end = match state.stage {
            Stage::Recall | Stage::Review | Stage::Tag | Stage::Settle => true,
            // Then that of the present job, if that is the one that there was.
            Stage::FindOld => self.was_stopped(state),
            Stage::Newest => state.newest.is_some() || state.own.is_some() || self.has_surely_ended(state),
            _ => false,
        };
        self.plan.is_restoring() && is_end
    }

    /// A look failed: the same again, or on without it.
    pub(super) fn weather_or_pass_over(self, state: State, trouble: Trouble) -> State {
        self.weather(state, trouble).unwrap_or_else(|(state, trouble)| self.pass_over(state, &trouble.to_string()))
    }

    /// Goes on without what a look would have told; `said` is why there is none.
    pub(super) fn pass_over(self, mut state: State, said: &str) -> State {
        let was_seen = match state.stage {
            Stage::Review => state.alive_at.is_some(),
            Stage::Newest => state.newest.is_some(),
            _ => false,
        };
        // What was seen until its time was over is not gone on without.
        state.passed_over += u32::from(state.weather.is_some() || !was_seen);
        if was_seen && state.weather.take().is_some() {
            state.note(&format!("Whether the job goes on is not known: {said}"));
        }
        match state.stage {
            // It was shown alive, if not for long.
            Stage::Review if was_seen => self.present_stays(state),
            Stage::Recall => {
                let note = "Whether the job is the one that there was or the update's, which was to go, is not known";
                self.restored_unseen(state, &format!("{note}: {said}"))
            }
            Stage::Review => self.restored_unseen(state, &format!("How the job is doing is not known: {said}")),
            Stage::Settle => self.pass_over_twins(state, said),
            Stage::Tag => {
                state.note(&format!("The tags of the job could not be changed: {said}"));
                state.at(Stage::Look, self.now)
            }
            Stage::Newest if was_seen => self.newest_stays(state),
            Stage::Newest if state.own.is_some() => {
                state.note(&format!("Whether the job runs again already is not known: {said}"));
                self.ended_stays(state)
            }
            Stage::Newest => {
                let is_over = self.has_surely_ended(&state);
                let rest = if is_over { "; WaitFor was Succeeded, so none is run again" } else { "" };
                let said = said.trim_end_matches('.');
                state.note(&format!("Whether there is a job already is not known: {said}{rest}."));
                if is_over { state.done(None, self.now) } else { self.start_again(state) }
            }
            Stage::FindOld => {
                state.note(&format!("Whether a lost update left a job behind is not known: {said}"));
                if state.given_up { self.restored_unseen(state, NO_TIME) } else { self.nothing_left_behind(state) }
            }
            // None that is gone on without.
            _ => state.done(Some(failure::of_state()), self.now),
        }
    }
}

/// Whether a job of Livy's that is shown so may just be being stopped: what was alive may have died of that.
fn may_be_being_stopped(phase: Phase, state: &State) -> bool {
    match phase {
        Phase::Waiting | Phase::Running => true,
        Phase::Failed => state.alive_at.is_some(),
        Phase::Ending | Phase::Succeeded | Phase::Cancelled | Phase::Gone => false,
    }
}

/// What is said of a present job for whose look there is no time.
const NO_TIME: &str = "How the job is doing is not known: there was no time to look.";
