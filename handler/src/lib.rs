//! The Lambda behind `Custom::SparkJob`: `CloudFormation` in, `CloudFormation` out.
//!
//! ```text
//! event -> Envelope -> claim -> workflow: step, step, ... step
//! step  -> Plan (pure) -> drive -> Outcome -> Response (pure, <= 4096 bytes, stored) -> PUT
//! ```
//!
//! Without the workflow one invocation does it all. Whatever comes to nothing comes to the [`responder`].
//!
//! Once the envelope can be read, an answer goes out, whatever is wrong with the rest and whatever happens on the way.

pub mod arrival;
pub mod claim;
pub mod counters;
pub mod deadlines;
pub mod deliver;
pub mod envelope;
pub mod event;
pub mod logs;
pub mod mishap;
pub mod moment;
pub mod old;
pub mod panics;
pub mod physical_id;
pub mod plan;
pub mod presigned;
pub mod reason;
pub mod request;
pub mod responder;
pub mod response;
pub mod room;
pub mod settle;
pub mod stack;
pub mod step;
pub mod turn;
pub mod way;
pub mod workflow;

#[cfg(test)]
mod sample;

use std::fmt;
use std::time::Duration;

use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use tracing::Instrument;

use sparkjob::drive::Clock;
use sparkjob::engine::Engines;
use sparkjob::job::Timestamp;

use arrival::Arrival;
use claim::{Claim, Successors, claim};
use deadlines::{TO_FAIL, Times, ends};
use deliver::{Undelivered, deliver};
use envelope::Envelope;
use event::Event;
use request::Request;
use response::Response;
use stack::Stack;
use turn::{Answer, Step, Turn};
use way::Way;
use workflow::execution_name;

/// What the function has for its work.
#[derive(Debug)]
pub struct Submitter {
    /// What runs jobs.
    pub engines: Engines,
    /// Who works on requests; none where the function has to do it all by itself.
    pub successors: Option<Successors>,
}

impl Submitter {
    /// Does what one invocation asks for. What it returns is the workflow's next turn; nobody reads it otherwise.
    ///
    /// # Errors
    /// [`Failed`]: nobody was answered. Lambda, or the workflow, then tries again.
    pub async fn serve(&self, event: LambdaEvent<Arrival>, clock: Clock) -> Result<Option<Turn>, Failed> {
        let LambdaEvent { payload, context } = event;
        match payload {
            Arrival::Request(event) => Box::pin(self.take(event, &context, &clock)).await.map(|()| None),
            Arrival::Step(step) => Box::pin(self.step(step, &context, &clock)).await.map(Some),
            Arrival::Unreadable(event, why) => Err(Failed::bad_turn(&event, &context.request_id, &why)),
        }
    }

    /// Takes a request: hands it to the workflow, or answers it where there is none.
    async fn take(&self, event: Event, context: &Context, clock: &Clock) -> Result<(), Failed> {
        let envelope = Envelope::read(&event).map_err(|why| Failed::unreadable(&event, &context.request_id, why))?;
        let span = logs::request(&envelope, &context.request_id);
        logs::hide(request::hidden(&event));
        async {
            let (now, lambda_ends) = (clock.now(), Timestamp(context.deadline));
            tracing::info!(resource_type = envelope.resource_type, stack = envelope.stack_id, "began");
            let Some(why) = self.hand_over(&envelope, &event, context, clock).await? else { return Ok(()) };
            tracing::warn!(why, "the workflow is not to be had: the request is worked on within one invocation");
            let times = Times::of(&envelope, &event, now, lambda_ends);
            self.answer(&Request::of(envelope.clone(), event), &times, lambda_ends, clock).await
        }
        .instrument(span)
        .await
    }

    /// Hands a request to the workflow. None once nothing is left to do here; else why it has to be worked on here.
    async fn hand_over(
        &self,
        envelope: &Envelope,
        event: &Event,
        context: &Context,
        clock: &Clock,
    ) -> Result<Option<String>, Failed> {
        let Some(successors) = &self.successors else { return Ok(Some(NO_SUCCESSORS.to_owned())) };
        let now = clock.now();
        let lambda_ends = ends(Timestamp(context.deadline), now);
        let times = Times::durable(envelope, event, now);
        let request = Request::of(envelope.clone(), event.clone());
        let end = lambda_ends.before(TO_FAIL).min(now + CLAIMED_WITHIN);
        let claim = claim(successors, request, &times, &context.invoked_function_arn, clock, end).await;
        // To claim may have taken a while.
        let until = times.put_by(clock.now(), lambda_ends);
        match claim {
            Claim::Taken => {
                tracing::info!(execution = execution_name(envelope), "the workflow has the request");
            }
            Claim::Done(None) => tracing::info!("nobody waits for this request any more"),
            Claim::Done(Some(answer)) => self.put_again(envelope, &answer, until, clock).await?,
            Claim::TooLarge(by) => {
                self.deliver(envelope, &settle::refusal(envelope, event, by), until, clock).await?;
            }
            Claim::Broken(why) | Claim::Unclear(why) => {
                tracing::warn!(
                    why,
                    "not for the workflow: Lambda delivers the request once more, or calls the responder"
                );
                return Err(Failed::unclaimed(envelope, &why));
            }
            Claim::Nowhere(why) => return Ok(Some(why)),
        }
        Ok(None)
    }

    /// Takes a step.
    async fn step(&self, step: Step, context: &Context, clock: &Clock) -> Result<Turn, Failed> {
        let Step { turn, began, failed } = step;
        let envelope =
            Envelope::read(&turn.event).map_err(|why| Failed::unreadable(&turn.event, &context.request_id, why))?;
        let began = moment::read(&began).unwrap_or_else(|| clock.now());
        let times = Times::durable(&envelope, &turn.event, began);
        let request = Request { event: turn.event.clone(), old: turn.old.clone(), envelope };
        let now = clock.now();
        let lambda_ends = ends(Timestamp(context.deadline), now);
        let stack = Stack::of(&request.envelope, turn.standing.clone(), self.engines.aws());
        let way = Way { engines: &self.engines, clock, stack: &stack };
        let span = logs::request(&request.envelope, &context.request_id);
        logs::hide(request.hidden());
        Box::pin(step::step(&request, turn, failed, &times, lambda_ends, way).instrument(span)).await
    }

    /// Does all that a request asks for within this invocation, and answers it.
    async fn answer(
        &self,
        request: &Request,
        times: &Times,
        lambda_ends: Timestamp,
        clock: &Clock,
    ) -> Result<(), Failed> {
        let stack = Stack::of(&request.envelope, None, self.engines.aws());
        let way = Way { engines: &self.engines, clock, stack: &stack };
        let mut outcome = settle::settle(request, times, way).await;
        if outcome.is_withdrawn() {
            settle::tell_nobody(&outcome);
            return Ok(());
        }
        let now = clock.now();
        if times.deadlines.end == lambda_ends && now >= times.deadlines.give_up {
            outcome.notes.push(ONE_INVOCATION.to_owned());
        }
        counters::concluded(&request.envelope, &request.event, &outcome);
        let response = response::compose(&request.envelope, &outcome);
        let until = times.put_by(now, ends(lambda_ends, now));
        self.deliver(&request.envelope, &response, until, clock).await
    }

    /// Puts an answer that nobody else has.
    async fn deliver(
        &self,
        envelope: &Envelope,
        response: &Response,
        until: Timestamp,
        clock: &Clock,
    ) -> Result<(), Failed> {
        let answer = Answer(response.text());
        let delivered = deliver(self.engines.transport(), envelope, &answer, "answered", clock, until).await;
        delivered.map_err(|why| Failed::unanswered(envelope, &why, Some(answer)))
    }

    /// Puts the answer once more that the workflow has put: it may not have arrived.
    async fn put_again(
        &self,
        envelope: &Envelope,
        answer: &Answer,
        until: Timestamp,
        clock: &Clock,
    ) -> Result<(), Failed> {
        match deliver(self.engines.transport(), envelope, answer, "answered once more", clock, until).await {
            // What the workflow was refused as well, it has had the responder put.
            Ok(()) | Err(Undelivered::Refused(_)) => Ok(()),
            Err(why) => Err(Failed::unanswered(envelope, &why, None)),
        }
    }
}

/// Why a request is not handed over by a function that was not deployed by the template.
const NO_SUCCESSORS: &str = "its variables do not name both a workflow and a responder";

/// What an answer says whose time was up because Lambda's was.
const ONE_INVOCATION: &str = "One invocation of the function lasts 15 minutes at most, and the workflow that goes on \
                              beyond that could not be started: the function's log tells why.";

/// How long it is tried to hand a request over; then Lambda delivers it again.
const CLAIMED_WITHIN: Duration = Duration::from_mins(1);

/// Why an invocation failed; the texts hold nothing secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Failed {
    /// The event is none that can be answered; why.
    Unreadable(String),
    /// A step of the workflow that cannot be read; why.
    BadTurn(String),
    /// What a responder was told of holds no request; why.
    Foreign(String),
    /// An execution that the responder was told of could not be looked at; why.
    Unseen(String),
    /// An execution that the responder was told of is still told to run, and nothing else tells of its request; that.
    Running(String),
    /// The function panicked; what that says.
    Panicked(String),
    /// Whether the workflow has the request is not known.
    Unclaimed(String),
    /// The answer did not reach `CloudFormation` from here: when Lambda delivers the event again, the same job is found and the
    /// answer put once more. The answer is told where nobody else has it.
    Unanswered(String, Option<Answer>),
}

impl Failed {
    fn unreadable(event: &Event, invocation: &str, why: impl fmt::Display) -> Self {
        Self::Unreadable(reported(event, invocation, &why.to_string()))
    }

    fn bad_turn(event: &Event, invocation: &str, why: &str) -> Self {
        Self::BadTurn(reported(event, invocation, &format!("this step of the workflow cannot be taken: {why}")))
    }

    fn unanswered(envelope: &Envelope, why: &Undelivered, answer: Option<Answer>) -> Self {
        Self::Unanswered(about(envelope, &why.to_string()), answer)
    }

    fn unclaimed(envelope: &Envelope, why: &str) -> Self {
        Self::Unclaimed(about(envelope, why))
    }
}

fn about(envelope: &Envelope, what: &str) -> String {
    format!("RequestId {}, {} of {}: {what}", envelope.request_id, envelope.action, envelope.logical_id)
}

/// What came of an event that cannot be read as it should be, with whose it is, as far as that can be read: in the log, where a
/// request is looked for, and as a text.
fn reported(event: &Event, invocation: &str, what: &str) -> String {
    logs::hide(request::hidden(event));
    let what = logs::shown(what);
    logs::fragment(event, invocation).in_scope(|| tracing::error!("{what}"));
    let names = ["RequestId", "LogicalResourceId"].into_iter();
    let ids = names.filter_map(|name| logs::id(event, name).map(|id| format!("{name} {id}")));
    let whose = ids.collect::<Vec<_>>().join(", ");
    logs::shown(&if whose.is_empty() { what } else { format!("{whose}: {what}") })
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign(why) => write!(f, "this is no request that somebody waits for: {why}"),
            Self::Unreadable(why)
            | Self::BadTurn(why)
            | Self::Unseen(why)
            | Self::Running(why)
            | Self::Panicked(why)
            | Self::Unclaimed(why)
            | Self::Unanswered(why, _) => why.fmt(f),
        }
    }
}

/// What stands before the answer in the message of an error that tells one, which is the last of it.
pub const ANSWER_FOLLOWS: &str = "\nThe answer is: ";

/// As Display does: `lambda_runtime` logs an error so.
impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        let error_type = match failed {
            Failed::Unreadable(_) => "Unreadable",
            Failed::BadTurn(_) => "BadTurn",
            Failed::Foreign(_) => "Foreign",
            Failed::Unseen(_) => "Unseen",
            Failed::Running(_) => "Running",
            Failed::Panicked(_) => "Panicked",
            Failed::Unclaimed(_) => "Unclaimed",
            Failed::Unanswered(..) => "Unanswered",
        };
        // What a service says of a request may repeat it.
        let mut error_message = logs::shown(&failed.to_string());
        if let Failed::Unanswered(_, Some(Answer(answer))) = &failed {
            error_message.push_str(ANSWER_FOLLOWS);
            error_message.push_str(answer);
        }
        Self { error_type: error_type.to_owned(), error_message }
    }
}
