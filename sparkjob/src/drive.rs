//! Carries a plan out against an engine: in one go, or from one state that is kept to the next.

mod tell;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, timeout};

use crate::engine::{Engine, Engines, Kind, Links, Report, Trouble, doing};
use crate::hidden::Hidden;
use crate::job::{RunRef, Status, Timestamp};
use crate::lifecycle::{Action, Plan, Retag, Seen, State, horizon, learn, leave, next, withdraw};
use crate::outcome::Outcome;
use tell::{Before, tell};

/// The target of the events that are counted: those have a field `counter`, which is the counter's name, and a text for each
/// other field that it is counted by. Whoever takes the events of this process decides what becomes of them.
pub const COUNT: &str = "count";

/// The counter of the jobs that an engine took, by `Engine`. A job that was found after its submission's answer was lost is none
/// of them.
pub const SUBMITTED: &str = "Submitted";

/// The counter of what an update was taken back without, by `Engine`: looks that told nothing in time, tags that could not be
/// changed, and jobs that could not be stopped.
pub const PASSED_OVER: &str = "PassedOver";

/// What a report may take: it is worth less than the time to stop a job.
const REPORT_LIMIT: Duration = Duration::from_secs(20);

/// The part of a request's time that may be spent on asking once whether it is awaited.
const PART_FOR_A_STANCE: u32 = 8;

/// Carries `plan` out until there is an outcome, which is at the latest at its `answer_by`.
///
/// The current span's field `job`, where it has one, is given the job's name and then its reference.
pub async fn run(plan: &Plan, engines: &Engines, clock: &Clock, requester: &dyn Requester) -> Outcome {
    let mut state = State::begin(plan, clock.now());
    loop {
        state = advance(plan, state, engines, clock, requester, Span::ENDLESS).await;
        match next(plan, &state, clock.now()) {
            Action::Done(outcome) => return *outcome,
            Action::Wait(until) => clock.sleep_until(until).await,
            _ => {}
        }
    }
}

/// How long one stretch of work may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// No action begins from here on.
    pub rest: Timestamp,
    /// No action lasts longer.
    pub end: Timestamp,
}

impl Span {
    /// As long as there is something to do.
    pub const ENDLESS: Self = Self { rest: Timestamp(u64::MAX), end: Timestamp(u64::MAX) };
}

/// Carries `plan` on from `state` until it has to wait, or has come to its end, or a job was submitted, or it is time to
/// rest. A submission ends it because whoever keeps states must not lose one that knows of a job; and so does a job that is not
/// the request's any more, since whoever dies of submitting another one is to be known to have had none.
pub async fn advance(
    plan: &Plan,
    mut state: State,
    engines: &Engines,
    clock: &Clock,
    requester: &dyn Requester,
    span: Span,
) -> State {
    let job = state.own.as_ref().map(|own| own.run.to_string());
    if let Some(job) = job.or_else(|| plan.wanted_now(state.anew).map(|wanted| wanted.identity.name())) {
        tracing::Span::current().record("job", job);
    }
    let mut has_submitted = false;
    state = state.resumed(plan, clock.now());
    loop {
        let now = clock.now();
        // What was submitted is asked about even so, and stopped where it must be.
        let rest = if has_submitted || state.superseded.is_some() { span.end } else { span.rest };
        if now >= rest {
            return state;
        }
        // Before the state is handed back: whoever keeps it may be gone, and nobody else knows yet of what was submitted.
        if state.is_to_be_confirmed(plan, now) {
            // Who is asked too late is taken to wait: what was submitted is to be handed back, and what is due to be told.
            let part = (plan.deadlines.whole() / PART_FOR_A_STANCE).min(plan.deadlines.answer_by.since(now) / 2);
            let limit = span.end.since(now).min(part);
            let stance = timeout(limit, requester.stance(limit)).await;
            state = match stance.unwrap_or(Stance::Waits) {
                Stance::Waits => state.confirmed(clock.now()),
                Stance::AskedAgain if state.is_asked_again() => state.confirmed(clock.now()),
                Stance::AskedAgain => {
                    has_submitted = false;
                    leave(plan, state, now)
                }
                Stance::WentOn(with) => {
                    has_submitted = false;
                    withdraw(plan, state, with, now)
                }
            };
            continue;
        }
        state = state.taken_up(plan, now);
        let action = next(plan, &state, now);
        if has_submitted || matches!(action, Action::Done(_) | Action::Wait(_)) {
            return state;
        }
        let limit = horizon(plan, &state).min(span.end).since(now);
        let seen = act(plan, action, engines, limit).await;
        has_submitted = matches!(&seen, Seen::Started(Ok(_)));
        let (before, had_job) = (Before::of(plan, &state, &seen), state.own.is_some());
        state = learn(plan, state, clock.now(), seen);
        tell(plan, &before, &state);
        if had_job && state.own.is_none() {
            return state;
        }
    }
}

/// Who asked, as far as they can be asked whether they still wait.
#[async_trait]
pub trait Requester: Send + Sync {
    /// Whether an answer is awaited, as far as is known `within` that time. Who takes longer is taken to wait.
    async fn stance(&self, within: Duration) -> Stance;
}

/// Whether who asked still waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stance {
    /// They do, as far as is known.
    Waits,
    /// They have asked for the same once more, as another try, which will find whatever this one has made.
    AskedAgain,
    /// They have gone on: with this job, where they have one. Another delivery of the request may have told them of it.
    WentOn(Option<RunRef>),
}

/// Carries out one action of `plan`'s, within `limit`. [`Action::Wait`] and [`Action::Done`] are the caller's; they are late
/// here. What was seen shows nothing that is to be hidden.
pub async fn act(plan: &Plan, action: Action, engines: &Engines, limit: Duration) -> Seen {
    let Some(place) = action.place() else { return Seen::Late };
    let engine = engines.at(place, plan.access.secret(place));
    let seen = ask(&*engine, action, limit).await;
    masked(seen, &engine.hidden().and(&plan.hidden))
}

async fn ask(engine: &dyn Engine, action: Action, limit: Duration) -> Seen {
    match action {
        Action::Find(place, identity, by, since) => {
            let doing = doing::find(&place);
            Seen::Found(within(limit, Kind::Unavailable, doing, engine.find(&identity, by, since)).await)
        }
        Action::Start(wanted) => {
            let doing = doing::submit(&wanted.job.place);
            Seen::Started(within(limit, Kind::Unclear, doing, engine.start(&wanted.job, &wanted.identity)).await)
        }
        Action::Describe(runs) => match runs.first() {
            Some(first) => {
                let doing = doing::describe(&first.place, &runs);
                Seen::Described(within(limit, Kind::Unavailable, doing, engine.describe(&runs)).await)
            }
            None => Seen::Described(Ok(Vec::new())),
        },
        Action::Cancel(run, how) => {
            let asked = within(limit, Kind::Unclear, doing::cancel(&run), engine.cancel(&run, how)).await;
            Seen::Cancelled(run, asked)
        }
        Action::Tag(run, Retag { wanted, old }) => {
            let doing = doing::tag(&run);
            Seen::Tagged(within(limit, Kind::Unclear, doing, engine.tag(&run, &wanted, &old)).await)
        }
        Action::Report(run) => {
            let report = timeout(limit.min(REPORT_LIMIT), engine.report(&run)).await;
            Seen::Reported(report.unwrap_or_else(|_| Report {
                full_log: "could not be fetched in time".to_owned(),
                ..Report::default()
            }))
        }
        Action::Late | Action::Wait(_) | Action::Done(_) => Seen::Late,
    }
}

/// What was seen, without what is hidden: from here on it is kept, logged and told.
fn masked(seen: Seen, hidden: &Hidden) -> Seen {
    let trouble = |mut trouble: Trouble| {
        hidden.mask_in(&mut trouble.said);
        hidden.mask_in(&mut trouble.advice);
        trouble
    };
    // It may be about a job whose description is not kept.
    let of_another = |mut said: Trouble| {
        Hidden::in_text(&said.said).mask_in(&mut said.said);
        trouble(said)
    };
    let status = |Status { word, reason, application, .. }: &mut Status| {
        // What is just a word or an id is shown, whatever a part of it may happen to be.
        let others = [word].into_iter().chain(application).filter(|text| !is_one_word(text));
        others.chain([reason]).for_each(|text| hidden.mask_in(text));
    };
    match seen {
        Seen::Found(Ok(mut runs)) => {
            for run in &mut runs {
                status(&mut run.status);
            }
            Seen::Found(Ok(runs))
        }
        Seen::Described(Ok(mut statuses)) => {
            statuses.iter_mut().for_each(status);
            Seen::Described(Ok(statuses))
        }
        Seen::Reported(mut report) => {
            let Links { spark_ui, driver_log, log_uri, console } = &mut report.links;
            // Half an address leads nowhere.
            for link in [spark_ui, driver_log, log_uri, console] {
                if hidden.mask(link) != *link {
                    link.clear();
                }
            }
            let log = report.exception.iter_mut().chain(&mut report.tail).chain([&mut report.full_log]);
            log.for_each(|text| hidden.mask_in(text));
            Seen::Reported(report)
        }
        Seen::Found(Err(said)) => Seen::Found(Err(of_another(said))),
        Seen::Started(started) => Seen::Started(started.map_err(trouble)),
        Seen::Described(Err(said)) => Seen::Described(Err(of_another(said))),
        Seen::Cancelled(run, asked) => Seen::Cancelled(run, asked.map_err(of_another)),
        Seen::Tagged(tagged) => Seen::Tagged(tagged.map_err(of_another)),
        Seen::Late => Seen::Late,
    }
}

/// Whether it is what an engine calls a state or an application.
fn is_one_word(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Races a call against the deadline; what is lost then has the meaning `kind`.
async fn within<T>(
    limit: Duration,
    kind: Kind,
    doing: String,
    call: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let late = |_| Err(Trouble::new(kind, doing, "no answer before the deadline"));
    timeout(limit, call).await.unwrap_or_else(late)
}

/// What time it is: a wall clock's reading once, and tokio's time since, which tests can make virtual.
#[derive(Clone, Debug)]
pub struct Clock {
    base: Timestamp,
    since: Instant,
}

impl Clock {
    /// A clock that shows `now` now.
    pub fn showing(now: Timestamp) -> Self {
        Self { base: now, since: Instant::now() }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.base + self.since.elapsed()
    }

    /// Sleeps until `moment`; returns at once where it has passed.
    pub async fn sleep_until(&self, moment: Timestamp) {
        tokio::time::sleep(moment.since(self.now())).await;
    }
}
