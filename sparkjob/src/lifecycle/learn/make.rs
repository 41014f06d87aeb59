//! From nothing to a job that is what was waited for: find, adopt, submit, follow.

use std::time::Duration;

use super::stop::alive;
use super::twins::first_made;
use super::{At, Pace, failure};
use crate::engine::{Kind, SUBMISSION_LIMIT, Trouble};
use crate::job::{Identity, Phase, Place, Run, RunRef, Status, Timestamp};
use crate::lifecycle::plan::Deadlines;
use crate::lifecycle::state::{Own, Purpose, Stage, State, Stopping, is_told};
use crate::outcome::Failure;
use crate::properties::WaitFor;

/// A run without any sign of life for so long was registered but never started.
const SILENCE: Duration = Duration::from_mins(1);

/// An engine may forget a job ten minutes after its end: whether a job ran that nobody has seen is then not to be told.
const MEMORY: Duration = Duration::from_mins(9);

/// A look before a first submission for which there is no room is tried so often once more: rates are for seconds.
const LOOKS_ONCE_MORE: u32 = 2;

/// So long before a job is given up it is looked at once more.
const LAST_LOOK: Duration = Duration::from_secs(2);

impl At<'_> {
    pub(super) fn found_own(self, mut state: State, found: Result<Vec<Run>, Trouble>) -> State {
        let runs = match found {
            Ok(runs) => runs,
            // Another delivery's run that was not seen now is seen after the submission.
            Err(trouble) if trouble.kind == Kind::Busy && self.may_look_later(&state) => return self.start(state),
            Err(trouble) => {
                return self
                    .weather(state, trouble)
                    .unwrap_or_else(|(state, trouble)| self.could_not_look(state, &trouble));
            }
        };
        let (earlier, runs) = self.without_earlier_tries(&state, runs);
        if self.looks_for_twins(&state) {
            return self.found_twins(state, runs);
        }
        if earlier && runs.is_empty() && !state.unseen.is_tried() {
            state.anew = true;
            return state.at(Stage::FindOwn, self.now);
        }
        let may_be_forgotten = self.may_be_forgotten(&state);
        state.unseen.looked(self.now);
        if runs.is_empty() && !self.may_appear(&state) {
            state.unseen.came_to_nothing();
        }
        match first_made(&runs).cloned() {
            None if may_be_forgotten && self.tells_of_oblivion(&state) => self.may_have_been_forgotten(state),
            found if state.given_up => self.found_too_late(state, found, runs),
            found if state.refused.is_some() => self.found_after_refusal(state, found, runs),
            Some(first) => self.found_one(state, first, runs),
            None => self.found_none(state),
        }
    }

    /// The engine does not tell whether there is a job of the request's, and has not for as long as it is waited for.
    fn could_not_look(self, mut state: State, trouble: &Trouble) -> State {
        if self.starts_once() && state.unseen.is_tried() && state.refused.is_none() && !state.given_up {
            // Whoever cannot look submits, and looks again later: the service knows what it has taken.
            state.unseen.lose(self.now);
            return self.start(State { failing: None, ..state });
        }
        if self.is_worth_looking(&state, trouble.kind) {
            // There may be a job: as long as there is time, it is looked for.
            return self.once_more(state, trouble);
        }
        match state.refused.clone() {
            Some(refusal) => self.fail(state, refusal),
            None => self.fail_by(state, trouble),
        }
    }

    fn found_one(self, mut state: State, first: Run, runs: Vec<Run>) -> State {
        if runs.len() == 1 && self.may_arrive_beside(&state) {
            // Of two deliveries each would follow what the other has submitted, and nobody see what comes late.
            return self.looked_well(state);
        }
        let own = Own::found(first, state.unseen.has_submitted());
        if own.ours {
            state = state.unconfirmed();
        }
        self.without_twins(state, own, Stopping::all(alive(runs)))
    }

    fn found_none(self, state: State) -> State {
        if self.may_still_arrive(&state) {
            let pace = Pace::of_looks(self.plan.wanted_place());
            return self.again(state, pace);
        }
        if state.unseen.is_tried() {
            // All that comes before a submission has been done.
            return self.start(state);
        }
        if self.plan.is_restoring() {
            return self.restore(state);
        }
        if self.plan.is_for_a_first_job() && !state.anew {
            return self.start(state);
        }
        // What a try between the first and this one has made is found by its description alone.
        state.at(Stage::Adopt, self.now)
    }

    /// A job of the request's may have run, and nobody can tell any more.
    fn may_have_been_forgotten(self, mut state: State) -> State {
        state.unseen.suspect();
        if let Some(refusal) = state.refused.take() {
            state.note(&refusal.what);
        }
        self.fail(state, failure::of_oblivion(self.plan))
    }

    /// A refused submission may leave a run behind that never starts, and one whose answer was lost one that does.
    fn found_after_refusal(self, mut state: State, found: Option<Run>, runs: Vec<Run>) -> State {
        match (found, state.refused.clone()) {
            (Some(Run { run, status }), Some(refusal)) if status.silent && !state.unseen.has_lost_one() => {
                let runs = Stopping::all([run.clone()]);
                state.own = Some(Own::found(Run { run, status }, true));
                state.at(Stage::Stop { runs, purpose: Purpose::Abandon(refusal) }, self.now)
            }
            // Else the same request was delivered twice, and the other delivery was not refused.
            (Some(run), _) => {
                let ours = state.unseen.has_lost_one();
                state.refused = None;
                let state = if ours { state.unconfirmed() } else { state };
                self.without_twins(state, Own::found(run, ours), Stopping::all(alive(runs)))
            }
            (None, _) if self.may_appear(&state) => self.looked_well(state),
            (None, refusal) => {
                state.unseen.clear();
                state.done(refusal, self.now)
            }
        }
    }

    /// The present job was looked at: it stays, but for its tags, or is replaced like any other.
    pub(super) fn recalled(self, mut state: State, seen: Result<Vec<Status>, Trouble>) -> State {
        let status = match seen {
            Ok(seen) => seen.into_iter().next(),
            Err(trouble) if self.plan.is_restoring() => return self.weather_or_pass_over(state, trouble),
            Err(trouble) => return self.weather_or_fail(state, trouble),
        };
        match (self.plan.recalled(), status) {
            (Some((run, identity)), Some(status))
                if status.name.as_deref().is_some_and(|name| identity.describes(name)) =>
            {
                state.own = Some(Own::seen(Run { run: run.clone(), status }, false));
                let way_on = if self.plan.retag().is_some() { Stage::Tag } else { Stage::Explain(None) };
                state.at(way_on, self.now)
            }
            (_, status) if self.plan.is_restoring() => {
                // What nobody knows any more is over, whichever it was.
                let name = status.as_ref().and_then(|status| status.name.as_deref());
                state.rolled_back =
                    self.plan.rolls_back(name) || status.is_some_and(|status| status.phase == Phase::Gone);
                self.restore(state)
            }
            _ => {
                let first_look = Stage::first_look(self.plan, state.unseen.may_be_earlier());
                state.at(first_look, self.now)
            }
        }
    }

    pub(super) fn found_adoptable(self, mut state: State, found: Result<Vec<Run>, Trouble>) -> State {
        let mut runs = match found {
            Ok(runs) => runs,
            Err(trouble) => return self.weather_or_fail(state, trouble),
        };
        if let (true, Some(wanted), Some(old)) = (self.plan.looks_once(), self.plan.wanted(), self.plan.old()) {
            let of_old = runs.iter().filter(|run| old.identity.describes(run.name())).cloned().collect();
            state.left_behind = Some(alive(of_old));
            runs.retain(|run| wanted.identity.describes(run.name()));
        }
        let is_nothing = |run: &Run| match run.status.phase {
            // It holds nothing but a name, and whoever counts on it waits for nothing.
            Phase::Waiting => run.status.silent,
            // What is left of it would get in the way of the next one.
            _ => run.status.ended.is_some(),
        };
        if runs.iter().any(is_nothing) {
            let runs = Stopping::all(runs.into_iter().filter(is_nothing).map(|run| run.run));
            return state.at(Stage::Stop { runs, purpose: Purpose::Useless }, self.now);
        }
        let live = |run: &Run| matches!(run.status.phase, Phase::Waiting | Phase::Running);
        state.own = runs.into_iter().find(live).map(|run| Own::found(run, false));
        match (&state.own, self.starts_before_it_stops()) {
            (Some(_), true) => state.at(Stage::Follow, self.now),
            (None, true) => state.at(Stage::Start, self.now),
            (_, false) => self.seek_old(state),
        }
    }

    /// Submits. The count of looks goes on, so that finding and submitting in turn slows down; and so does the trouble of a
    /// submission whose answer was lost, which a look that finds nothing does not end.
    pub(super) fn start(self, state: State) -> State {
        let (polls, failing) = (state.polls, state.failing);
        let mut state = state.at(Stage::Start, self.now);
        state.polls = polls;
        if state.unseen.is_tried() {
            state.failing = failing;
        }
        state
    }

    pub(super) fn started(self, mut state: State, started: Result<RunRef, Trouble>) -> State {
        let trouble = match started {
            Ok(run) => return self.submitted(state, run),
            Err(trouble) => trouble,
        };
        state.unseen.lives();
        match trouble.kind {
            Kind::Taken => {
                let pace = Pace::of_looks(self.plan.wanted_place());
                let mut state = self.again(state, pace);
                state.stage = Stage::FindOwn;
                state
            }
            // Only Livy registers what it refuses.
            Kind::Rejected | Kind::Absent if self.is_on_livy() => self.submit_no_more(state, &trouble),
            kind => {
                if kind == Kind::Unclear {
                    state.unseen.lose(self.now);
                }
                let mut state = self.weather_or_submit_no_more(state, trouble);
                if state.stage == Stage::Start && self.is_to_be_looked_for(&state) {
                    state.stage = Stage::FindOwn;
                }
                state
            }
        }
    }

    /// Whether what was lost, now or before, is looked for before it is submitted once more: it may have taken effect since the last
    /// look, and may be forgotten, or be all that there is room for. One look is enough, once it would be there, where a second
    /// submission is the first one again, and where only a step died that may have submitted something: all begins anew after that look.
    fn is_to_be_looked_for(self, state: &State) -> bool {
        let is_due = state.unseen.is_tried() && !self.starts_once() || !self.may_appear(state);
        state.unseen.has_lost_one() && is_due
    }

    /// As [`At::weather`], where no more is submitted once waiting is of no use.
    fn weather_or_submit_no_more(self, state: State, trouble: Trouble) -> State {
        self.weather(state, trouble).unwrap_or_else(|(state, trouble)| {
            if state.unseen.has_submitted() {
                self.submit_no_more(state, &trouble)
            } else {
                self.fail_by(state, &trouble)
            }
        })
    }

    /// The request fails for this trouble, unless a look shows a job of its own. Until one shows that nothing was left behind,
    /// something may have been.
    fn submit_no_more(self, mut state: State, trouble: &Trouble) -> State {
        state.unseen.suspect();
        state.refused = Some(failure::of(self.plan.wanted_place(), trouble));
        state.at(Stage::FindOwn, self.now)
    }

    pub(super) fn followed(self, mut state: State, seen: Result<Vec<Status>, Trouble>) -> State {
        let was_just_submitted = state.own.as_ref().is_some_and(|own| own.shown_by.is_some());
        let status = match (seen, &mut state.own) {
            (Ok(seen), Some(own)) => own.saw(&seen, self.now),
            (Err(trouble), _) => return self.not_followed(state, trouble),
            (Ok(_), None) => None,
        };
        let (Some(status), Some(own)) = (status, state.own.clone()) else {
            return self.looked_well(state);
        };
        if !state.given_up && self.is_to_be_made_anew(&state, &own, &status, was_just_submitted) {
            // Livy has forgotten it, so that its name is free.
            (state.own, state.anew) = (None, !self.is_on_livy());
            state.unseen.clear();
            // Whoever cancelled it may have asked for that since.
            let state = state.unconfirmed();
            return if self.plan.is_restoring() { self.restore(state) } else { state.at(Stage::Adopt, self.now) };
        }
        match status.phase {
            Phase::Succeeded => self.succeed(state),
            // It was started, which is all that is asked for.
            Phase::Failed if self.plan.is_restoring() => self.succeed(state),
            Phase::Ending if self.leaves_something(&state) => self.stop_all(state, [own.run], Purpose::Useless),
            Phase::Failed | Phase::Cancelled | Phase::Gone => self.ended_badly(state, &own.run, &status),
            Phase::Ending if own.has_ended() => self.ended_badly(state, &own.run, &status),
            Phase::Waiting | Phase::Running if self.waits_for(WaitFor::Submitted) && !status.silent => {
                self.met(state, &own)
            }
            Phase::Waiting | Phase::Ending => self.still_waiting(state, own),
            Phase::Running => self.still_running(state, &own),
        }
    }

    /// The job could not be looked at: the same look again, or what was seen of it decides.
    fn not_followed(self, state: State, trouble: Trouble) -> State {
        let is_at_goal = self.is_at_goal(&state);
        if is_at_goal && !state.unseen.is_tried() && state.own.as_ref().is_some_and(|own| own.ours) {
            // It was submitted, or found so: nothing more was asked for.
            return self.stays_unseen(state, &trouble.to_string());
        }
        self.weather(state, trouble).unwrap_or_else(|(state, trouble)| {
            let Some(own) = state.own.clone() else { return self.fail(state, failure::of_state()) };
            if is_at_goal {
                return self.stays_unseen(state, &trouble.to_string());
            }
            if self.leaves_something(&state) {
                return self.stop_all(state, [own.run], Purpose::Useless);
            }
            match own.how_it_ended() {
                Some(status) => self.ended_badly(state, &own.run, status),
                None => self.fail(state, failure::of_following(&own.run, &trouble)),
            }
        })
    }

    /// Answers with a job as it was seen last, if it was, since nobody can look at it; `said` is why.
    fn stays_unseen(self, state: State, said: &str) -> State {
        let state = self.without_a_look(state, said);
        self.succeed(state)
    }

    /// The state whose job is told as it was seen last, if it was; `said` is why. Once it is over, no look tells more.
    pub(super) fn without_a_look(self, mut state: State, said: &str) -> State {
        if state.own.as_ref().is_some_and(Own::is_alive) {
            state.passed_over += u32::from(self.plan.is_restoring());
            let again = if state.own.as_ref().is_some_and(Own::was_looked_at) { " again" } else { "" };
            state.note(&format!("The job could not be looked at{again}: {said}"));
        }
        state
    }

    fn ended_badly(self, state: State, run: &RunRef, status: &Status) -> State {
        self.fail(state, self.failure_of_job(run, status))
    }

    /// Why a job is no success that has ended so.
    pub(super) fn failure_of_job(self, run: &RunRef, status: &Status) -> Failure {
        let job = self.plan.wanted().map(|wanted| &wanted.job);
        failure::of_job(run, status, job, self.now)
    }

    fn still_waiting(self, mut state: State, own: Own) -> State {
        if own.silent_since.is_some_and(|since| self.now.since(since) >= SILENCE) {
            // Whoever registered it: nothing runs, and it holds the name for ever.
            let failure = failure::of_silence(&own.run);
            state.own = Some(Own { ours: true, ..own });
            return self.fail(state, failure);
        }
        self.looked_on(state)
    }

    fn still_running(self, state: State, own: &Own) -> State {
        let steady_at = own.running_since.unwrap_or(self.now) + self.stable_for();
        if !self.waits_for(WaitFor::Running) {
            return self.looked_on(state);
        }
        if self.now >= steady_at {
            return self.met(state, own);
        }
        self.looked_on(state).no_later_than(Some(steady_at))
    }

    /// For how long a job that is to be running has to be.
    pub(super) fn stable_for(self) -> Duration {
        let Deadlines { begin, give_up, .. } = self.plan.deadlines;
        self.plan.management.stable_for(give_up.since(begin), self.plan.deadlines.whole())
    }

    /// A job that is alive is what was waited for. On Livy, what another delivery or try has submitted must be seen to stay: that may be
    /// stopping it; at the last look it is what it is.
    fn met(self, state: State, own: &Own) -> State {
        let stays_at = self.stays_at(own.alive_since.unwrap_or(self.now)).min(self.last_look());
        if own.ours || !own.run.place.is_livy() || self.now >= stays_at {
            return self.succeed(state);
        }
        self.looked_on(state).no_later_than(Some(stays_at))
    }

    /// Looks again after a while, and once more just before the job is given up: it may have come so far by then.
    fn looked_on(self, state: State) -> State {
        let last_look = self.last_look();
        self.looked_well(state).no_later_than((self.now < last_look).then_some(last_look))
    }

    fn last_look(self) -> Timestamp {
        self.plan.deadlines.give_up.before(LAST_LOOK)
    }

    pub(super) fn looked(self, mut state: State, seen: Result<Vec<Status>, Trouble>) -> State {
        let status = match (seen, &mut state.own) {
            (Ok(seen), Some(own)) => own.saw(&seen, self.now),
            (Err(trouble), _) => {
                state.note(&format!("How the job is doing is not known: {trouble}"));
                None
            }
            (Ok(_), None) => None,
        };
        match status {
            Some(status) if status.phase != Phase::Gone => state.at(Stage::Explain(None), self.now),
            Some(_) => {
                state.note("The engine does not know the job any more.");
                state.done(None, self.now)
            }
            None => state.done(None, self.now),
        }
    }

    pub(super) fn tagged(self, state: State, tagged: Result<(), Trouble>) -> State {
        match tagged {
            Ok(()) => state.at(Stage::Look, self.now),
            Err(trouble) if self.plan.is_restoring() => self.weather_or_pass_over(state, trouble),
            Err(trouble) => self.weather_or_fail(state, trouble),
        }
    }

    /// Whether the job that is followed is an earlier try's and came to nothing: it had when its token was submitted again, or
    /// it was cancelled since, as an earlier try that is still worked on does once it learns that nobody waits for it. What
    /// fails while it is watched is told.
    fn is_to_be_made_anew(self, state: &State, own: &Own, status: &Status, was_just_submitted: bool) -> bool {
        // What is left of it is stopped before another one is submitted.
        let phase = status.ended.unwrap_or(status.phase);
        let run = Run { run: own.run.clone(), status: Status { phase, ..status.clone() } };
        match phase {
            Phase::Failed => was_just_submitted && self.is_of_an_earlier_try(state, &run),
            // It was found there.
            Phase::Gone => self.is_on_livy() && !own.ours && self.may_be_of_an_earlier_try(state, &run),
            _ => self.is_of_an_earlier_try(state, &run),
        }
    }

    /// Whether there are runs of earlier tries among `runs`, and the others.
    pub(super) fn without_earlier_tries(self, state: &State, runs: Vec<Run>) -> (bool, Vec<Run>) {
        let count = runs.len();
        let runs: Vec<Run> = runs.into_iter().filter(|run| !self.is_of_an_earlier_try(state, run)).collect();
        (runs.len() < count, runs)
    }

    /// Whether a run of this request belongs to an earlier try of it, which came to nothing:
    /// [`CloudFormation` repeats](https://github.com/aws/aws-cdk/issues/35957) a request as it was, with another address for
    /// the answer. It was made before that was signed, then. Livy does not tell when a batch was made, so there such a
    /// run is taken for this try's: a job that failed is told, rather than perhaps run twice.
    fn is_of_an_earlier_try(self, state: &State, run: &Run) -> bool {
        let came_to_nothing = matches!(run.status.phase, Phase::Failed | Phase::Cancelled);
        let is_older = run.status.created.is_some_and(|created| created < self.plan.deadlines.asked);
        self.may_be_of_an_earlier_try(state, run) && came_to_nothing && is_older
    }

    /// Whether tries of the request can be told apart, and one of them has asked for this run.
    fn may_be_of_an_earlier_try(self, state: &State, run: &Run) -> bool {
        let asked_for = |identity: &Identity| !state.anew && identity.dated.is_some() && identity.asked_for(run.name());
        self.plan.wanted().is_some_and(|wanted| asked_for(&wanted.identity))
    }

    /// Whether the look before a first submission may be left to the one that follows it, since others take all the room that there is.
    /// What a step that died may have submitted is waited for instead.
    fn may_look_later(self, state: &State) -> bool {
        let is_first = !state.unseen.may_be_one() && !state.given_up && state.polls >= LOOKS_ONCE_MORE;
        self.takes_twins() && is_first && self.plan.is_for_a_first_job()
    }

    /// Whether a job may have been made, and forgotten, that nobody has seen.
    fn may_be_forgotten(self, state: &State) -> bool {
        let since = state.unseen.since(self.plan.deadlines.asked);
        self.is_on_livy() && since.is_some_and(|since| self.now.since(since) >= MEMORY)
    }

    /// Whether a job that may have been forgotten is told of, rather than submitted once more, as a rollback does that has the time.
    /// Nobody is told of what they wait for no more.
    fn tells_of_oblivion(self, state: &State) -> bool {
        let submits = self.plan.is_restoring() && !state.given_up && state.refused.is_none();
        state.superseded.is_none() && !submits
    }

    /// Whether a submission whose answer was lost may yet take effect, and then stand beside another one.
    pub(super) fn may_still_arrive(self, state: &State) -> bool {
        self.takes_twins() && self.may_appear(state)
    }

    /// Whether it may do so beside a run that is found by then, since another delivery may have submitted that. Half of what there was
    /// left is for what is found to come to its goal.
    fn may_arrive_beside(self, state: &State) -> bool {
        let left = state.unseen.lost().map_or(Duration::ZERO, |lost| self.plan.deadlines.give_up.since(lost));
        let within = self.plan.at_most(SUBMISSION_LIMIT).min(left / 2);
        self.takes_twins() && state.unseen.may_appear_beside_anothers(self.now, within)
    }

    /// Whether it is looked again for what a lost submission may have made, although a look fails so. Where only a step died, which
    /// may have submitted nothing, whoever refuses the looks is believed once that would have come.
    fn is_worth_looking(self, state: &State, kind: Kind) -> bool {
        let is_refused = matches!(kind, Kind::Rejected | Kind::Denied);
        state.unseen.has_lost_one() && (state.unseen.is_tried() || !is_refused || self.may_appear(state))
    }

    /// Whether a submission whose answer was lost may yet take effect.
    pub(super) fn may_appear(self, state: &State) -> bool {
        state.unseen.may_appear(self.now)
    }

    fn starts_once(self) -> bool {
        self.plan.wanted_place().is_some_and(Place::starts_once)
    }

    fn is_on_livy(self) -> bool {
        self.plan.wanted_place().is_some_and(Place::is_livy)
    }

    pub(super) fn waits_for(self, what: WaitFor) -> bool {
        self.plan.wait_for() == what
    }
}

impl Own {
    /// Takes note of the one status that was asked for; none where the engine gave none, or may not show the run yet.
    fn saw(&mut self, seen: &[Status], now: Timestamp) -> Option<Status> {
        let status = seen.first().filter(|status| is_told(&mut self.shown_by, status, now))?.clone();
        let since = |holds: bool, before: Option<_>| holds.then(|| before.unwrap_or(now));
        self.alive_since = since(matches!(status.phase, Phase::Waiting | Phase::Running), self.alive_since);
        self.running_since = since(status.phase == Phase::Running, self.running_since);
        self.silent_since = since(status.phase == Phase::Waiting && status.silent, self.silent_since);
        (self.status, self.is_listed) = (Some(status.clone()), false);
        Some(status)
    }
}
