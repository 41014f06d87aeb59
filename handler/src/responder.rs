//! Answers a request that nobody else did.
//!
//! It is told of such requests three times over: by Lambda, which gave one up; by the workflow, one of whose steps came to
//! nothing; by `EventBridge`, when an execution ended without an answer. An answer that was made and could not be put is put as
//! it is. Otherwise the request has failed, and the answer tells with which id `CloudFormation` is to go on: on Update and
//! Delete the one it has; on Create a marker, by which its Delete finds whatever was made.

use std::time::Duration;

use lambda_runtime::{Context, LambdaEvent};
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use sparkjob::drive::Clock;
use sparkjob::engine::{Engines, Report};
use sparkjob::job::Timestamp;
use sparkjob::outcome::{Failure, FailureKind, Made, Outcome};

use crate::deadlines::Times;
use crate::deliver::{Undelivered, deliver};
use crate::envelope::Envelope;
use crate::event::Event;
use crate::mishap::Mishap;
use crate::settle::advised;
use crate::turn::{Answer, Progress, Turn};
use crate::workflow::{Execution, Workflow, execution_name};
use crate::{Failed, counters, logs, request, response};

/// The function that answers where that of the requests cannot.
#[derive(Debug)]
pub struct Responder {
    /// For the way out.
    pub engines: Engines,
    /// What else may work on a request.
    pub workflow: Option<Workflow>,
}

/// What is left of an invocation that is to fail by itself.
const TO_FAIL: Duration = Duration::from_secs(2);

/// Whoever stops an execution does not stop the step that it is at, and what `CloudFormation` sends next should not meet that:
/// for so long it is left to come to its end, which takes a few calls of an engine.
const STEP_ENDS: Duration = Duration::from_secs(10);

/// What an invocation may take where nothing tells.
const UNKNOWN_LIMIT: Duration = Duration::from_mins(1);

/// The pause before it is asked again for an execution that could not be looked at.
const BETWEEN_LOOKS: Duration = Duration::from_secs(3);

/// What is known of a request that nobody answered.
struct Case {
    event: Event,
    progress: Progress,
    told: String,
}

impl Responder {
    /// Answers what is not answered. What it returns is the workflow's last turn, where it was called by the workflow.
    ///
    /// # Errors
    /// [`Failed`]: nobody was answered. Whoever called tries again.
    pub async fn serve(&self, event: LambdaEvent<Mishap>, clock: Clock) -> Result<Option<Turn>, Failed> {
        let LambdaEvent { payload, context } = event;
        match payload {
            Mishap::GivenUp { event, told } => {
                let envelope = envelope(&event, &told)?;
                let look = self.known_elsewhere(&envelope);
                // Whoever cannot ask cannot know better than that nobody answers.
                match timeout(invocation(&context, &clock) / 2, look).await.unwrap_or(Elsewhere::Nothing) {
                    Elsewhere::Busy => Ok(None),
                    Elsewhere::Nothing => self
                        .answer(Case { event, progress: Progress::Claimed, told }, &context, &clock)
                        .await
                        .map(|_| None),
                    Elsewhere::Turn(turn) => {
                        let case = Case { event, progress: turn.progress, told };
                        self.answer(case, &context, &clock).await.map(|_| None)
                    }
                }
            }
            Mishap::Caught { turn, told } => {
                let case = Case { event: turn.event.clone(), progress: turn.progress.clone(), told };
                let progress = self.answer(case, &context, &clock).await?;
                Ok(Some(turn.on(progress, clock.now())))
            }
            Mishap::Closed { name, told, input } => {
                let turn = match input {
                    Some(turn) => turn,
                    None => self.input_of(&name).await?,
                };
                let case = Case { event: turn.event, progress: turn.progress, told };
                sleep(STEP_ENDS.min(invocation(&context, &clock) / 4)).await;
                self.answer(case, &context, &clock).await.map(|_| None)
            }
            Mishap::Foreign(why) => Err(Failed::Foreign(why)),
        }
    }

    /// What the workflow knows of a request that Lambda gave up.
    async fn known_elsewhere(&self, envelope: &Envelope) -> Elsewhere {
        let Some(workflow) = &self.workflow else { return Elsewhere::Nothing };
        let name = execution_name(envelope);
        loop {
            match workflow.look(&name).await {
                Ok(Execution::Runs) => return Elsewhere::Busy,
                Ok(Execution::None | Execution::Broken(_, None) | Execution::Succeeded(None)) => {
                    return Elsewhere::Nothing;
                }
                Ok(Execution::Succeeded(Some(turn)) | Execution::Broken(_, Some(turn))) => {
                    return Elsewhere::Turn(turn);
                }
                Err(why) => tracing::warn!(why, "whether the workflow works on the request is not known"),
            }
            sleep(BETWEEN_LOOKS).await;
        }
    }

    async fn input_of(&self, name: &str) -> Result<Box<Turn>, Failed> {
        let unknown = |why: &str| Failed::Foreign(format!("execution {name} tells no request: {why}"));
        let workflow = self.workflow.as_ref().ok_or_else(|| unknown("there is no workflow"))?;
        match workflow.look(name).await {
            Ok(Execution::Broken(_, Some(turn))) => Ok(turn),
            Ok(_) => Err(unknown("it did not end without an answer, or its input cannot be read")),
            Err(why) => Err(unknown(&why)),
        }
    }

    /// Puts the answer that there is, or that the request failed.
    async fn answer(&self, case: Case, context: &Context, clock: &Clock) -> Result<Progress, Failed> {
        let envelope = envelope(&case.event, &case.told)?;
        let span = logs::request(&envelope);
        // What killed an invocation may repeat what it had in hand.
        let hidden = request::hidden(&case.event);
        let told = hidden.mask(&case.told).into_owned();
        logs::hide(hidden);
        async {
            let answer = match case.progress {
                Progress::Superseded => return Ok(Progress::Superseded),
                Progress::Answer(answer) | Progress::Answered(answer) => answer,
                Progress::Claimed | Progress::Working(_) => failed(&envelope, &case.event, &told),
            };
            tracing::error!(told, answer = answer.0, "nobody answered: the responder does");
            let times = Times::durable(&envelope, &case.event, clock.now());
            let lambda_ends = clock.now() + invocation(context, clock);
            let until = lambda_ends.before(TO_FAIL).min(times.deadlines.end);
            let body = answer.0.clone().into();
            match deliver(self.engines.transport(), &envelope.response_url, &body, clock, until).await {
                Ok(()) => Ok(Progress::Answered(answer)),
                Err(Undelivered::Refused(why)) => {
                    tracing::error!("not answered: {why}");
                    Ok(Progress::Answered(answer))
                }
                Err(why) => {
                    counters::undelivered();
                    Err(Failed::unanswered(&envelope, &why))
                }
            }
        }
        .instrument(span)
        .await
    }
}

/// The envelope of a request that this is told of.
fn envelope(event: &Event, told: &str) -> Result<Envelope, Failed> {
    Envelope::read(event).map_err(|why| Failed::unreadable(event, format_args!("{why} ({told})")))
}

/// What the workflow knows.
enum Elsewhere {
    /// It works on the request.
    Busy,
    /// Nothing.
    Nothing,
    /// So much.
    Turn(Box<Turn>),
}

/// What is left of this invocation.
fn invocation(context: &Context, clock: &Clock) -> Duration {
    let left = Timestamp(context.deadline).since(clock.now());
    if left.is_zero() { UNKNOWN_LIMIT } else { left }
}

/// Whoever tells of the request, and however far it is known to have come, a Create has one and the same id: the marker.
fn failed(envelope: &Envelope, event: &Event, told: &str) -> Answer {
    let what = format!("Nobody finished the {} of {}: {told}.", envelope.action, envelope.logical_id);
    // Both functions write to one.
    let group = std::env::var("AWS_LAMBDA_LOG_GROUP_NAME").map(|name| format!(" group {name}")).unwrap_or_default();
    let advice = format!("The log{group} tells more, look for RequestId {}.", envelope.request_id);
    let failure = Failure { kind: FailureKind::Unavailable, what, advice };
    let outcome = Outcome {
        failure: Some(failure),
        made: Made::Unknown,
        status: None,
        report: Report::default(),
        notes: Vec::new(),
    };
    counters::concluded(envelope, event, &outcome);
    Answer(response::compose(envelope, &advised(envelope, outcome)).text())
}
