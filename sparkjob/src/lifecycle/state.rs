//! How far a request has come: small, plain, serialisable.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::failure;
use super::next::{is_passed_over, to_be_asked};
use super::plan::{Goal, Plan, Target};
use super::unseen::{Unseen, is_false, is_zero};
use crate::engine::Report;
use crate::job::{Phase, Place, Run, RunRef, Status, Timestamp};
use crate::outcome::{Failure, Made, Outcome, sentence};

/// How far a request has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What it is at.
    pub stage: Stage,
    /// When this stage began.
    #[serde(default)]
    pub since: Timestamp,
    /// The next action waits until then.
    pub not_before: Timestamp,
    /// Since when every call of this stage has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<Failing>,
    /// What the last call of this stage said, where it failed.
    pub weather: Option<String>,
    /// What came back, the last time in this stage that a run was asked to stop, where that does not tell whether it will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unheeded: Option<String>,
    /// Looks so far in this stage: the intervals grow with it.
    pub polls: u32,
    /// The job that will answer.
    pub own: Option<Own>,
    /// What it may have submitted that nobody has seen.
    #[serde(default)]
    pub unseen: Unseen,
    /// Whether the job is made under the request's dated token, since the run of the plain one belongs to an earlier try.
    #[serde(default, skip_serializing_if = "is_false")]
    pub anew: bool,
    /// The runs of the old description that nobody knows of, where a look has told already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_behind: Option<Vec<RunRef>>,
    /// Whether the present job is one that is taken back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub rolled_back: bool,
    /// When a look that is to keep the present job has shown it alive for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alive_at: Option<Timestamp>,
    /// The newest job of the wanted description, which is alive, and which another try may yet stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Box<Own>>,
    /// How much an update was taken back without: what could not be looked at in time, or not be stopped.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub passed_over: u32,
    /// Why the engine refused the job; what its refusal may have left behind is looked for.
    pub refused: Option<Failure>,
    /// Whether the time to reach the goal is over.
    pub given_up: bool,
    /// When an answer was last known to be awaited.
    pub confirmed_at: Timestamp,
    /// Why nobody waits for an answer any more; none while somebody does, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded: Option<Superseded>,
    /// Since when a search has been told anything that goes on after what it has found is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searching_since: Option<Timestamp>,
    /// What there is to see of the job.
    pub report: Report,
    /// What else a reader should know.
    pub notes: Vec<String>,
}

/// Calls of which none has gone well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// Since when.
    pub since: Timestamp,
    /// Since when each of them was denied, the last one among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied_since: Option<Timestamp>,
}

impl Failing {
    /// After another one that failed, at `now`, besides those `before`.
    pub(super) fn once_more(before: Option<Self>, is_denied: bool, now: Timestamp) -> Self {
        let denied_since = before.and_then(|before| before.denied_since).unwrap_or(now);
        Self { since: before.map_or(now, |before| before.since), denied_since: is_denied.then_some(denied_since) }
    }

    /// The same where this time does not count.
    fn put_off(self, idle: Duration) -> Self {
        Self { since: self.since + idle, denied_since: self.denied_since.map(|since| since + idle) }
    }
}

/// Why nobody waits for the answer to a request any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Superseded {
    /// Whoever asked has gone on: with this job, where they have one.
    WentOn(Option<RunRef>),
    /// Another try of the request has taken its place, and finds whatever this one has made.
    AskedAgain,
}

/// What a request is at. About in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Is the present job one that stays?
    Recall,
    /// Is this very request's run there already?
    FindOwn,
    /// Does a live run answer the wanted description?
    Adopt,
    /// Which runs of the old description does nobody know of?
    FindOld,
    /// How is the job that there was before the update that is taken back?
    Review,
    /// Which is the newest run of the wanted description?
    Newest,
    /// Is there a twin of the run that was just submitted?
    Settle,
    /// Which runs are to be stopped?
    Search {
        /// When the first look was that told anything.
        since: Option<Timestamp>,
    },
    /// Stop these.
    Stop {
        /// The runs that are not over yet, all of one place.
        runs: Vec<Stopping>,
        /// Why; it decides what follows.
        purpose: Purpose,
    },
    /// Let the present job end by itself.
    Finish {
        /// When the engine shows it, at the latest; none once it has.
        shown_by: Option<Timestamp>,
    },
    /// Submit.
    Start,
    /// Watch until the job is what was waited for.
    Follow,
    /// Change the tags of the present job.
    Tag,
    /// One look at the present job.
    Look,
    /// Fetch what there is to see of the job.
    Explain(Option<Failure>),
    /// Nothing is left to do.
    Done(Box<Outcome>),
}

impl Stage {
    /// Where the way to a new job begins. Whatever an earlier delivery of the same request has submitted, an engine that
    /// starts once submits it again as the same run; a late delivery looks nevertheless, as things may have gone on since.
    pub(super) fn first_look(plan: &Plan, is_late: bool) -> Self {
        let starts_once = plan.wanted_place().is_some_and(Place::starts_once);
        match &plan.goal {
            Goal::Run(_) if starts_once && !is_late => Self::Start,
            Goal::Replace { .. } if starts_once && !is_late => Self::Adopt,
            _ => Self::FindOwn,
        }
    }

    /// Where taking an update back begins, once it is known whether the present job is one that is taken back.
    pub(super) fn first_of_restoring(plan: &Plan, rolled_back: bool, now: Timestamp) -> Self {
        if plan.old().is_some() { Self::FindOld } else { Self::restoring(plan, rolled_back, now) }
    }

    /// The same once nothing is left behind.
    pub(super) fn restoring(plan: &Plan, rolled_back: bool, now: Timestamp) -> Self {
        match plan.present() {
            Some(run) if rolled_back => {
                let stopping = Stopping::of(run.clone(), shown_by(plan, run, now));
                Self::Stop { runs: vec![stopping], purpose: Purpose::RollBack }
            }
            Some(_) => Self::Review,
            None => Self::Newest,
        }
    }

    /// Its name in a log.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Recall => "Recall",
            Self::FindOwn => "FindOwn",
            Self::Adopt => "Adopt",
            Self::FindOld => "FindOld",
            Self::Review => "Review",
            Self::Newest => "Newest",
            Self::Settle => "Settle",
            Self::Search { .. } => "Search",
            Self::Stop { .. } => "Stop",
            Self::Finish { .. } => "Finish",
            Self::Start => "Start",
            Self::Follow => "Follow",
            Self::Tag => "Tag",
            Self::Look => "Look",
            Self::Explain(_) => "Explain",
            Self::Done(_) => "Done",
        }
    }
}

/// A run that is being stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopping {
    /// Which.
    pub run: RunRef,
    /// When it was last asked to stop.
    pub asked: Option<Timestamp>,
    /// Whether it was seen alive since then.
    #[serde(default)]
    pub is_deaf: bool,
    /// When the engine shows it, at the latest; none once it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_by: Option<Timestamp>,
    /// As it was last seen.
    pub status: Option<Status>,
}

impl Stopping {
    /// These, all of which their engine has shown.
    pub(super) fn all(runs: impl IntoIterator<Item = RunRef>) -> Vec<Self> {
        runs.into_iter().map(|run| Self::of(run, None)).collect()
    }

    /// This one, which its engine shows at `shown_by` at the latest.
    pub(super) fn of(run: RunRef, shown_by: Option<Timestamp>) -> Self {
        Self { run, asked: None, is_deaf: false, shown_by, status: None }
    }
}

/// Why runs are stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// The request asks for just that.
    Goal,
    /// The present job makes room for the new one.
    MakeRoom,
    /// The update that made it is taken back; or it is the job that there was, and was being stopped.
    RollBack,
    /// A lost request left them behind.
    LeftBehind,
    /// They are of the wanted description and will never come to anything: registered and never started, or ended and not
    /// quite over.
    Useless,
    /// The same request submitted them once more, at the same moment.
    Twin,
    /// The job that this request made has failed it, or came too late; with its twins, where it has any.
    Abandon(Failure),
}

/// The job that will answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    /// Which run.
    pub run: RunRef,
    /// Whether this delivery's own submission made it: it was answered, or it was lost and the run that was not there before
    /// was there afterwards. A job that was simply found is not cancelled while it lives, since another delivery
    /// counts on it; one that never came to life is taken for this delivery's own.
    pub ours: bool,
    /// When the engine, which has taken this delivery's submission, shows the run, at the latest; none once it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_by: Option<Timestamp>,
    /// As it was last seen, alone or among others that were looked for.
    pub status: Option<Status>,
    /// Whether that was among others, and it has not been looked at since.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_listed: bool,
    /// Since when every look showed it alive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alive_since: Option<Timestamp>,
    /// Since when every look showed it running.
    pub running_since: Option<Timestamp>,
    /// Since when every look showed no sign of life.
    pub silent_since: Option<Timestamp>,
}

impl Own {
    /// This one, of which nothing has been seen yet.
    pub fn new(run: RunRef, ours: bool) -> Self {
        let (alive_since, running_since, silent_since) = (None, None, None);
        Self { run, ours, shown_by: None, status: None, is_listed: false, alive_since, running_since, silent_since }
    }

    /// This one, which was looked at.
    pub(super) fn seen(Run { run, status }: Run, ours: bool) -> Self {
        Self { status: Some(status), ..Self::new(run, ours) }
    }

    /// This one, which was found.
    pub(super) fn found(Run { run, status }: Run, ours: bool) -> Self {
        Self::new(run, ours).listed_as(status)
    }

    /// The same, which a list has shown so.
    pub(super) fn listed_as(self, status: Status) -> Self {
        Self { status: Some(status), is_listed: true, ..self }
    }

    /// Whether it was looked at, and shown.
    pub(super) fn was_looked_at(&self) -> bool {
        self.status.is_some() && !self.is_listed
    }

    /// Whether it may be alive, as far as anybody has seen.
    pub fn is_alive(&self) -> bool {
        self.status.as_ref().is_none_or(|status| !status.phase.is_over())
    }

    /// How it ended, whether or not it has left something alive; none where it goes on, as far as anybody has seen.
    pub(super) fn how_it_ended(&self) -> Option<&Status> {
        self.status.as_ref().filter(|status| status.phase.is_over() || status.ended.is_some())
    }

    /// Whether it has failed and left something alive.
    pub(super) fn has_failed(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.ended == Some(Phase::Failed))
    }

    /// Whether it has ended and left something alive, which nobody is to keep.
    pub(super) fn has_ended(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.ended.is_some())
    }
}

/// A run that was never shown for so long is gone; one that was shown is gone as soon as it is not there any more, and so is
/// one whose place is.
///
/// Nothing tells how old a run is that is not there. So the stop of one that is long forgotten takes as long as that of one
/// that was submitted a moment ago: a minute too much is the price for no job that outlives its resource.
const SHOWN_WITHIN: Duration = Duration::from_mins(1);

/// For so long an answer that is awaited is taken to be awaited.
const CONFIRMED_FOR: Duration = Duration::from_mins(1);

/// For so long it is where others may count on what is about to be touched.
const JUST_NOW: Duration = Duration::from_secs(5);

/// When `run`, of which no more is known at `now` than that its engine took it, is shown at the latest; none where that is
/// at once.
///
/// Services of AWS tell of what was just made
/// [with a delay](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/query-api-troubleshooting.html#eventual-consistency);
/// a Livy that does not know what it has just taken was restarted.
pub(super) fn shown_by(plan: &Plan, run: &RunRef, now: Timestamp) -> Option<Timestamp> {
    (!run.place.is_livy()).then(|| now + plan.at_most(SHOWN_WITHIN))
}

/// Whether `status`, as it is at `now`, tells how a run is that is shown at `shown_by` at the latest: not where it may not be
/// shown yet. Once it is told, nothing is hidden any more.
pub(super) fn is_told(shown_by: &mut Option<Timestamp>, status: &Status, now: Timestamp) -> bool {
    let is_there = status.phase != Phase::Gone;
    let is_told = is_there || status.place_gone || shown_by.is_none_or(|latest| now >= latest);
    if is_told {
        *shown_by = None;
    }
    is_told
}

/// So late a step may come in any case: the workflow waits until whole seconds, and a function has to start.
const STEP_COMES_WITHIN: Duration = Duration::from_secs(5);

/// No delivery is repeated sooner after the request was made.
const FIRST_DELIVERY: Duration = Duration::from_mins(1);

impl State {
    /// The state in which `plan` begins, at `now`.
    pub fn begin(plan: &Plan, now: Timestamp) -> Self {
        let is_late = now.since(plan.deadlines.asked) >= FIRST_DELIVERY;
        let mut own = None;
        let rolled_back = plan.present().is_some_and(|run| plan.rolls_back(run.name.as_deref()));
        let is_nameless = plan.present().is_some_and(|run| run.name.is_none());
        let stage = match &plan.goal {
            Goal::Replace { .. } | Goal::Restore { .. } if plan.recalled().is_some() => Stage::Recall,
            Goal::Restore { .. } if is_nameless => Stage::Recall,
            Goal::Restore { .. } => Stage::first_of_restoring(plan, rolled_back, now),
            Goal::Run(_) | Goal::Replace { .. } => Stage::first_look(plan, is_late),
            Goal::Keep { run, retag, .. } => {
                own = Some(Own::new(run.clone(), false));
                if retag.is_some() { Stage::Tag } else { Stage::Look }
            }
            Goal::Stop(Target::Run(run)) => {
                let stopping = Stopping::of(run.clone(), shown_by(plan, run, now));
                Stage::Stop { runs: vec![stopping], purpose: Purpose::Goal }
            }
            Goal::Stop(Target::Search { .. }) => Stage::Search { since: None },
            Goal::Stop(Target::Nothing) => Stage::Done(Box::new(Outcome {
                failure: None,
                made: Made::Nothing,
                status: None,
                report: Report::default(),
                notes: Vec::new(),
            })),
        };
        Self {
            stage,
            since: now,
            not_before: now,
            failing: None,
            weather: None,
            unheeded: None,
            polls: 0,
            own,
            unseen: Unseen::at_first(plan.wanted().is_some() && is_late),
            anew: false,
            left_behind: None,
            rolled_back,
            alive_at: None,
            newest: None,
            passed_over: 0,
            refused: None,
            given_up: false,
            confirmed_at: plan.deadlines.asked,
            superseded: None,
            searching_since: None,
            report: Report::default(),
            notes: Vec::new(),
        }
    }

    /// The same where nobody else acts for the request.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.unseen.alone();
        self
    }

    /// The state when somebody comes to it at `now`, perhaps late, as where Lambda had no room for the function. Time in which nobody
    /// asked is none in which a call has failed, and no part of the time that an update's being taken back has for a look.
    #[must_use]
    pub fn resumed(mut self, plan: &Plan, now: Timestamp) -> Self {
        let late = now.since(self.not_before);
        self.not_before = self.not_before.max(now);
        let idle = late.saturating_sub(STEP_COMES_WITHIN);
        self.failing = self.failing.map(|failing| failing.put_off(idle));
        if is_passed_over(plan, &self) {
            self.since = self.since + idle;
        }
        self
    }

    /// The state when it is acted on at `now`: a submission is sent then. A look that an update is taken back without has its time
    /// from its first try on, however late it is come to: what can be had is not gone on without.
    #[must_use]
    pub fn taken_up(mut self, plan: &Plan, now: Timestamp) -> Self {
        if self.polls == 0 && is_passed_over(plan, &self) {
            self.since = now;
        }
        if self.stage == Stage::Start && now >= self.not_before {
            self.unseen.sends(now);
        }
        self
    }

    /// The state in which a step begins that was begun before, not before `since`, by a process that died, if it `has_died`:
    /// whatever it came to is not known, and a submission of its may still take effect.
    #[must_use]
    pub fn repeated(mut self, plan: &Plan, has_died: bool, since: Timestamp, now: Timestamp) -> Self {
        // Once it is given up, or refused, nothing is submitted any more.
        if plan.wanted().is_none() || self.own.is_some() || self.given_up || self.refused.is_some() {
            return self;
        }
        self.unseen.repeat(has_died, since, now);
        if self.finds_its_own(plan) {
            // Whatever has been looked at, somebody else did.
            Self { polls: 0, failing: None, ..self }
        } else {
            self.at(Stage::FindOwn, now)
        }
    }

    /// Whether what a step of this stage may have submitted is found on the way from it: the looks before an update is taken back
    /// show every run of the wanted description, and are passed over in time where a look for one's own is not.
    fn finds_its_own(&self, plan: &Plan) -> bool {
        let may_have_a_twin = plan.wanted_place().is_some_and(Place::takes_twins) && self.weather.is_none();
        self.stage == Stage::Recall || is_passed_over(plan, self) && !may_have_a_twin
    }

    /// Whether it is to be asked again if an answer is still awaited: before anything is done late, before a job takes the place of
    /// another one and right after a submission, before a job is stopped that others may count on or its tags change, every so
    /// often while a job is waited for, and before it is told.
    pub fn is_to_be_confirmed(&self, plan: &Plan, now: Timestamp) -> bool {
        let is_over = matches!(self.stage, Stage::Done(_));
        let changes_something = plan.wanted().is_some() || plan.retag().is_some();
        let may_be_superseded = changes_something && self.superseded.is_none() && !is_over;
        let is_due = !self.given_up && now.since(self.confirmed_at) >= CONFIRMED_FOR;
        may_be_superseded
            && (is_due
                || self.is_about_to_replace(plan, now)
                || self.is_about_to_touch_others(now)
                || self.is_about_to_tell(plan))
            || self.is_about_to_leave(now)
    }

    /// Whether it is about to look once more for what it leaves to another try of the request: that may have been overtaken before it has
    /// seen it, and so may whoever would find it.
    fn is_about_to_leave(&self, now: Timestamp) -> bool {
        let is_due = now >= self.not_before && self.confirmed_at < self.not_before;
        self.is_asked_again() && self.stage == Stage::FindOwn && is_due
    }

    /// Whether it is about to tell of a job of its own that whoever is to stop it may have missed. Where it takes the place
    /// of another one, that is a rollback which has looked for it before the engine showed it. What stops a first job looks
    /// for longer, unless it finds a twin first, or another delivery, which could not even look, has answered that there is
    /// none.
    fn is_about_to_tell(&self, plan: &Plan) -> bool {
        let is_missed =
            |own: &Own| !plan.is_for_a_first_job() || own.run.place.takes_twins() || !self.unseen.is_alone();
        let tells_of_one = self.stage == Stage::Explain(None) && self.confirmed_at < self.since;
        tells_of_one && self.own.as_ref().filter(|own| own.ours).is_some_and(is_missed)
    }

    /// Whether it is about to submit in place of a job that took its time to stop, or to end: a rollback may have begun meanwhile.
    fn is_about_to_replace(&self, plan: &Plan, now: Timestamp) -> bool {
        self.stage == Stage::Start && !plan.is_for_a_first_job() && now.since(self.confirmed_at) >= JUST_NOW
    }

    /// Whether it is about to stop or change, for the first time or once more, what others may count on, and was not confirmed just now:
    /// a rollback may have found alive what an earlier request has made, a late Update takes itself for one, and another delivery may
    /// have answered with the job that this one has for its own.
    fn is_about_to_touch_others(&self, now: Timestamp) -> bool {
        let touches = match &self.stage {
            Stage::Stop { purpose: Purpose::Goal | Purpose::Twin, .. } => false,
            Stage::Stop { runs, .. } => to_be_asked(runs, now).is_some(),
            Stage::Tag => true,
            _ => false,
        };
        touches && (self.confirmed_at < self.since || now.since(self.confirmed_at) >= JUST_NOW)
    }

    /// Whether another try of the request has taken its place.
    pub fn is_asked_again(&self) -> bool {
        self.superseded == Some(Superseded::AskedAgain)
    }

    /// Whether a run stays although the request fails: whoever asked has gone on with it, or another try has.
    pub(super) fn keeps(&self, run: &RunRef) -> bool {
        match &self.superseded {
            Some(Superseded::AskedAgain) => true,
            Some(Superseded::WentOn(with)) => with.as_ref().is_some_and(|with| with.is_same(run)),
            None => false,
        }
    }

    /// The state once an answer is known to be awaited at `now`.
    #[must_use]
    pub fn confirmed(self, now: Timestamp) -> Self {
        Self { confirmed_at: now, ..self }
    }

    /// The state once a submission has come to something: while it was made, whoever asked for it may have gone on.
    #[must_use]
    pub(super) fn unconfirmed(self) -> Self {
        Self { confirmed_at: Timestamp::default(), ..self }
    }

    /// The state at another stage: what counted for the old one begins anew.
    #[must_use]
    pub(super) fn at(mut self, stage: Stage, now: Timestamp) -> Self {
        self.stage = stage;
        (self.since, self.not_before) = (now, now);
        (self.failing, self.weather, self.unheeded) = (None, None, None);
        self.polls = 0;
        self
    }

    /// Notes what else a reader should know, as a sentence.
    pub(super) fn note(&mut self, text: &str) {
        self.notes.push(sentence(text));
    }

    /// What came back last where a call failed, or where a run was asked to stop and nothing tells whether it will.
    pub(super) fn last_said(&self) -> Option<&str> {
        self.weather.as_deref().or(self.unheeded.as_deref())
    }

    /// The same, with the next action at `moment` at the latest, where there is one.
    #[must_use]
    pub(super) fn no_later_than(mut self, moment: Option<Timestamp>) -> Self {
        self.not_before = moment.map_or(self.not_before, |moment| self.not_before.min(moment));
        self
    }

    /// The end, with what is known.
    #[must_use]
    pub(super) fn done(mut self, failure: Option<Failure>, now: Timestamp) -> Self {
        // Whatever came of it: nobody is to be told.
        let failure = if self.superseded.is_some() { Some(failure::of_withdrawal()) } else { failure };
        let made = match &self.own {
            Some(own) => Made::Job(own.run.clone()),
            None if self.unseen.may_be_one() => Made::Unknown,
            None => Made::Nothing,
        };
        let outcome = Outcome {
            failure,
            made,
            status: self.own.as_ref().and_then(|own| own.status.clone()),
            report: std::mem::take(&mut self.report),
            notes: std::mem::take(&mut self.notes),
        };
        self.at(Stage::Done(Box::new(outcome)), now)
    }
}
