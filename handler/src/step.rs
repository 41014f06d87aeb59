//! One step of the workflow: from one [`Turn`] to the next.
//!
//! A step acts until it has to wait; then the workflow waits, which costs nothing. Whatever a step is about to do is found in
//! the turn that it begins with or is found again by its name, so one that is taken twice changes nothing twice. An answer is
//! part of a turn before it is put for the first time, so that it is the same however often it is put.

use std::time::Duration;

use sparkjob::drive::{self, Span};
use sparkjob::job::Timestamp;
use sparkjob::lifecycle::{self, Plan, State, next};
use sparkjob::outcome::{FailureKind, Made, Outcome};

use crate::Failed;
use crate::counters;
use crate::deadlines::Times;
use crate::deliver::deliver;
use crate::envelope::Action;
use crate::mishap::FailedStep;
use crate::plan::{Refused, plan};
use crate::request::Request;
use crate::response;
use crate::settle::{abandoned, advised, guarded, latest, refuse, tell_nobody};
use crate::stack::Standing;
use crate::turn::{Answer, Progress, Turn};
use crate::way::Way;

/// So much too early a step may be taken: Step Functions [leaves the milliseconds out][state-wait] of the moment until which
/// it is to wait.
///
/// [state-wait]: https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html
const EARLY: Duration = Duration::from_secs(1);

/// What is left of an invocation for telling what came of it.
const TO_TELL: Duration = Duration::from_secs(2);

/// Of the steps on the way to a submission no more than so many may die: a function that dies of its work does so each time, and
/// between its deaths the request would look for what it may have submitted until nobody waits any more.
const MOST_DEATHS: u32 = 3;

/// Takes one step about `request`, whose `turn` it is and whose invocation lasts until `lambda_ends`; another one may have
/// `failed` at it, as this tells.
///
/// # Errors
/// The answer could not be put.
pub async fn step(
    request: &Request,
    turn: Turn,
    failed: Option<FailedStep>,
    times: &Times,
    lambda_ends: Timestamp,
    way: Way<'_>,
) -> Result<Turn, Failed> {
    if let Some(FailedStep { told, .. }) = &failed {
        tracing::warn!(told, "the step is taken again");
    }
    once_due(&turn, way).await;
    let now = way.clock.now();
    let state = match turn.progress.clone() {
        Progress::Answered(_) | Progress::Superseded => return Ok(turn),
        Progress::Answer(answer) => return put(request, turn, answer, times, lambda_ends, way).await,
        Progress::Claimed => None,
        Progress::Working(state) => Some(*state),
    };
    let known = state.clone();
    let limit = latest(times.deadlines).min(lambda_ends.before(TO_TELL / 2)).since(now);
    let work = async {
        // It is asked once: whatever it is about later, the request goes on as it began.
        let left = times.deadlines.end.since(now);
        let standing = if state.is_some() { turn.standing.clone() } else { way.stack.standing(left).await };
        (standing.clone(), work(request, standing, state, failed, times, lambda_ends, way).await)
    };
    let (progress, until) = match Box::pin(guarded(request, limit, work)).await {
        Ok((standing, Worked::On(state, until))) => {
            let turn = Turn { standing, ..turn };
            return Ok(turn.on(Progress::Working(state), until));
        }
        Ok((_, Worked::Out(outcome, until))) => (concluded(request, *outcome), until),
        Err(outcome) => {
            // It may have been submitting, as one that died.
            let now = way.clock.now();
            (concluded(request, knowing(outcome, known)), times.once_arrived(&request.envelope, now, now))
        }
    };
    Ok(turn.on(progress, until))
}

/// Waits for the rest of the second in which the step is due. Who handed it back undone would be called again at once, and
/// again, until the second is over; and an execution has only so many events.
async fn once_due(turn: &Turn, way: Way<'_>) {
    let now = way.clock.now();
    if let Some(due) = turn.due() {
        way.clock.sleep_until(due.min(now + EARLY)).await;
    }
}

/// What came of working.
enum Worked {
    /// So far, and nothing to do before then.
    On(Box<State>, Timestamp),
    /// This was all, and it is to be told then.
    Out(Box<Outcome>, Timestamp),
}

async fn work(
    request: &Request,
    standing: Option<Standing>,
    state: Option<State>,
    failed: Option<FailedStep>,
    times: &Times,
    lambda_ends: Timestamp,
    way: Way<'_>,
) -> Worked {
    let now = way.clock.now();
    let plan = match plan(request, times, standing) {
        Ok(plan) => plan,
        Err(why) => return refused(request, &why, state, failed.as_ref(), times, now),
    };
    // The first step may have been taken at once.
    let since = state.as_ref().map_or(times.deadlines.asked, |state| state.not_before);
    let is_first = state.is_none();
    let mut state = state.unwrap_or_else(|| begin(&plan, now));
    if is_first && request.envelope.action == Action::Update && plan.wanted().is_some() {
        // What the stack is about is kept before anything is done: by the time that a step which died is taken again, it may be
        // about a rollback.
        return Worked::On(Box::new(state), now);
    }
    if let Some(FailedStep { told, has_died }) = failed {
        state = state.repeated(&plan, has_died, since, now);
        if state.unseen.deaths() > MOST_DEATHS {
            return given_up(request, state, &told, times, now);
        }
    }
    // Half of it is for actions to begin in, and half for the last of them to end in.
    let span = Span { rest: now + lambda_ends.since(now) / 2, end: lambda_ends.before(TO_TELL) };
    let state = drive::advance(&plan, state, way.engines, way.clock, way.stack, span).await;
    match next(&plan, &state, way.clock.now()) {
        lifecycle::Action::Done(outcome) => {
            let until = told_at(request, &outcome, state.unseen.lost(), times, way.clock.now());
            Worked::Out(outcome, until)
        }
        lifecycle::Action::Wait(until) => Worked::On(Box::new(state), until),
        _ => Worked::On(Box::new(state), way.clock.now()),
    }
}

/// When it is told what came of a request at `now`: a failure once what was `lost` of it and nobody has seen has had time to come.
fn told_at(request: &Request, outcome: &Outcome, lost: Option<Timestamp>, times: &Times, now: Timestamp) -> Timestamp {
    let may_come = outcome.failure.is_some() && !outcome.is_withdrawn() && outcome.made == Made::Unknown;
    let lost = lost.filter(|_| may_come);
    lost.map_or(now, |lost| times.once_arrived(&request.envelope, lost, now).max(now))
}

/// What is told, and when, of a request that this version of the function refuses: another one may have begun it, which came to this
/// `state`, and may have `failed` at this step.
fn refused(
    request: &Request,
    why: &Refused,
    state: Option<State>,
    failed: Option<&FailedStep>,
    times: &Times,
    now: Timestamp,
) -> Worked {
    // Nobody dies of a refusal, so perhaps of something that another version of the function did.
    let has_died = failed.is_some_and(|failed| failed.has_died || state.is_some());
    let lost = if has_died { Some(now) } else { state.as_ref().and_then(|state| state.unseen.lost()) };
    let mut outcome = refuse(request, why);
    if has_died {
        outcome.made = Made::Unknown;
    }
    if let Some(failure) = outcome.failure.as_mut().filter(|_| has_died || state.is_some()) {
        let by = if state.is_some() { "Another version of the function took them. " } else { "" };
        failure.advice = format!("{by}Correct the template and deploy again.");
    }
    let outcome = knowing(outcome, state);
    let until = told_at(request, &outcome, lost, times, now);
    Worked::Out(Box::new(outcome), until)
}

/// What is told of a request whose function dies of it, and when. What is told of its death may repeat what it had in hand.
fn given_up(request: &Request, state: State, told: &str, times: &Times, now: Timestamp) -> Worked {
    let told = request.hidden().mask(told).into_owned();
    let why = format!("{} of its steps came to nothing and had to be taken again: {told}", state.unseen.deaths());
    let outcome = knowing(abandoned(&request.envelope, &why), Some(state));
    Worked::Out(Box::new(outcome), times.once_arrived(&request.envelope, now, now))
}

/// Only one execution at a time acts for a request.
fn begin(plan: &Plan, now: Timestamp) -> State {
    State::begin(plan, now).alone()
}

/// What a step that came to nothing knows from those before it: a job, and whether anybody waits.
fn knowing(mut outcome: Outcome, known: Option<State>) -> Outcome {
    if let Some((state, failure)) = known.as_ref().zip(outcome.failure.as_mut()) {
        if state.superseded.is_some() {
            failure.kind = FailureKind::Withdrawn;
        }
        if let Some(own) = state.own.as_ref().filter(|own| own.is_alive()) {
            failure.what = format!("{} Its job may still run: {}.", failure.what, own.run);
        }
    }
    match known {
        Some(State { own: Some(own), .. }) => {
            (outcome.made, outcome.status) = (Made::Job(own.run), own.status);
        }
        Some(state) if state.unseen.may_be_one() => outcome.made = Made::Unknown,
        _ => {}
    }
    outcome
}

fn concluded(request: &Request, outcome: Outcome) -> Progress {
    if outcome.is_withdrawn() {
        tell_nobody(&outcome);
        return Progress::Superseded;
    }
    counters::concluded(&request.envelope, &request.event, &outcome);
    let outcome = advised(&request.envelope, outcome);
    let body = response::compose(&request.envelope, &outcome).text();
    Progress::Answer(Answer(body))
}

/// Puts the answer that the turn holds.
async fn put(
    request: &Request,
    turn: Turn,
    answer: Answer,
    times: &Times,
    lambda_ends: Timestamp,
    way: Way<'_>,
) -> Result<Turn, Failed> {
    let until = times.put_by(way.clock.now(), lambda_ends);
    deliver(way.engines.transport(), &request.envelope, &answer, "answered", way.clock, until)
        .await
        .map_err(|why| Failed::unanswered(&request.envelope, &why, None))?;
    Ok(turn.on(Progress::Answered(answer), way.clock.now()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sparkjob::job::{Phase, RunRef, Status};
    use sparkjob::lifecycle::{Own, Superseded};
    use sparkjob::outcome::Failure;

    use super::*;
    use crate::sample;

    #[test]
    fn an_update_that_fails_is_told_so_once_what_it_lost_has_had_time_to_come() {
        let changes =
            json!({"OldResourceProperties": sample::other_properties(), "PhysicalResourceId": "spark-job:nothing"});
        for (request_type, seconds) in [("Update", 110), ("Create", 0)] {
            let event = sample::event(request_type, changes.clone());
            let envelope = sample::envelope(&event);
            let lost = envelope.response_url.signed().expect("a moment");
            let times = Times::durable(&envelope, &event, lost);
            let request = Request::of(envelope, event);
            let now = lost + Duration::from_secs(10);
            let failed = |kind| Outcome {
                failure: Some(Failure { kind, what: String::new(), advice: String::new() }),
                ..abandoned(&request.envelope, "")
            };
            let told = |lost, outcome: &Outcome| told_at(&request, outcome, lost, &times, now).since(now).as_secs();
            assert_eq!(told(Some(lost), &failed(FailureKind::Rejected)), seconds, "{request_type}");
            assert_eq!(told(None, &failed(FailureKind::Rejected)), 0);
            assert_eq!(told(Some(lost), &failed(FailureKind::Withdrawn)), 0);
            assert_eq!(told(Some(lost), &Outcome { made: Made::Nothing, ..failed(FailureKind::Rejected) }), 0);
            assert_eq!(told(Some(lost), &Outcome { failure: None, ..failed(FailureKind::Rejected) }), 0);
        }
    }

    #[test]
    fn whoever_is_known_to_have_gone_on_is_told_nothing_of_a_step_that_came_to_nothing() {
        let envelope = sample::envelope(&sample::event("Create", json!({})));
        let came = |superseded| knowing(abandoned(&envelope, "it panicked"), Some(State { superseded, ..begun() }));
        assert!(
            came(Some(Superseded::AskedAgain)).is_withdrawn() && came(Some(Superseded::WentOn(None))).is_withdrawn()
        );
        assert!(!came(None).is_withdrawn());
        // What that leaves is named.
        let run: RunRef = "livy+http://emr:8998/batches/7#Pi-0-0-0".parse().expect("a reference");
        let over = Status { phase: Phase::Failed, ..Status::gone() };
        for (superseded, status) in [(None, None), (Some(Superseded::AskedAgain), None), (None, Some(over))] {
            let left = if status.is_none() { format!(" Its job may still run: {run}.") } else { String::new() };
            let own = Own { status, ..Own::new(run.clone(), true) };
            let known = State { own: Some(own), superseded, ..begun() };
            let failure = knowing(abandoned(&envelope, "it panicked"), Some(known)).failure.expect("a failure");
            assert!(failure.what.ends_with(&format!("it panicked.{left}")), "{}", failure.what);
        }
    }

    #[test]
    fn what_another_version_may_have_submitted_has_time_to_come_before_a_refusal_is_told() {
        let event =
            sample::event("Update", json!({"ResourceProperties": {}, "PhysicalResourceId": "spark-job:nothing"}));
        let envelope = sample::envelope(&event);
        let begin = envelope.response_url.signed().expect("a moment");
        let times = Times::durable(&envelope, &event, begin);
        let request = Request::of(envelope, event);
        let why = plan(&request, &times, None).expect_err("no properties");
        let told = |state, has_died: Option<bool>, now| {
            let failed = has_died.map(|has_died| FailedStep { told: String::new(), has_died });
            match refused(&request, &why, state, failed.as_ref(), &times, now) {
                Worked::Out(outcome, until) => (outcome.made, until.since(begin).as_secs()),
                Worked::On(..) => panic!("it is refused"),
            }
        };
        let now = begin + Duration::from_secs(10);
        assert_eq!(told(None, None, now), (Made::Nothing, 10));
        assert_eq!(told(None, Some(false), now), (Made::Nothing, 10), "a trouble of Lambda's");
        assert_eq!(told(None, Some(true), now), (Made::Unknown, 130));
        assert_eq!(told(Some(begun()), None, now), (Made::Nothing, 10));
        assert_eq!(told(Some(begun()), Some(false), now), (Made::Unknown, 130));
        assert_eq!(told(Some(dead()), None, now), (Made::Unknown, 120));
    }

    /// A state that a plan has begun in.
    fn begun() -> State {
        let (plan, now) = a_plan();
        begin(&plan, now)
    }

    /// The same once a step has died.
    fn dead() -> State {
        let (plan, now) = a_plan();
        begin(&plan, now).repeated(&plan, true, now, now)
    }

    fn a_plan() -> (Plan, Timestamp) {
        let event = sample::event("Create", json!({}));
        let envelope = sample::envelope(&event);
        let now = envelope.response_url.signed().expect("a moment");
        let times = Times::durable(&envelope, &event, now);
        (plan(&Request::of(envelope, event), &times, None).expect("a plan"), now)
    }
}
