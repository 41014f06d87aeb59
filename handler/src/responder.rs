//! Answers a request that nobody else did.
//!
//! It is told of such requests in three ways: by Lambda, which gave one up; by the workflow, one of whose steps came to
//! nothing; by `EventBridge`, when an execution ended without an answer. An answer that was made and could not be put is put as
//! it is. Otherwise the request has failed, and the answer tells with which id `CloudFormation` is to go on: on Update and
//! Delete the one it has; on Create a marker, by which its Delete finds whatever was made.
//!
//! A request that `CloudFormation` itself sends here, since a template names this function, is told so.

mod known;

use lambda_runtime::LambdaEvent;
use serde::Serialize;
use tracing::Instrument;

use sparkjob::drive::Clock;
use sparkjob::engine::{Engines, Report};
use sparkjob::outcome::{Failure, FailureKind, Made, Outcome, sentence};

use crate::deadlines::{TO_FAIL, TO_PUT, Times};
use crate::deliver::{Undelivered, deliver};
use crate::envelope::Envelope;
use crate::event::Event;
use crate::mishap::Mishap;
use crate::request::Request;
use crate::settle::{self, advised};
use crate::stack::Stack;
use crate::turn::{Answer, Progress, Turn};
use crate::workflow::Workflow;
use crate::{Failed, claim, counters, logs, request, response};
use known::{Case, Invocation, Left, closed, known};

/// The function that answers where that of the requests cannot.
#[derive(Debug)]
pub struct Responder {
    /// For the way out.
    pub engines: Engines,
    /// What else may work on a request.
    pub workflow: Option<Workflow>,
}

/// What the responder has done: the workflow goes on with the turn, and whoever calls it by hand reads the word.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Done {
    /// The answer was put.
    Answered,
    /// The answer was put, and its address did not take it.
    Refused,
    /// Nobody waits for an answer any more.
    Superseded,
    /// The workflow works on the request, and answers it.
    AtWork,
    /// There was no request to answer.
    Foreign,
    /// The last turn of the workflow that called.
    #[serde(untagged)]
    Turn(Box<Turn>),
}

impl Responder {
    /// Answers what is not answered. What it returns is the workflow's last turn, where it was called by the workflow.
    ///
    /// What holds no request that can be answered is a line in the log and no failure, as the next try would find no more in
    /// it; but the workflow has to know that there is no answer.
    ///
    /// # Errors
    /// [`Failed`]: nobody was answered. Whoever called tries again.
    pub async fn serve(&self, event: LambdaEvent<Mishap>, clock: Clock) -> Result<Done, Failed> {
        let LambdaEvent { payload, context } = event;
        let (invocation, workflow) = (Invocation::of(&context, clock.now()), self.workflow.as_ref());
        let case = match payload {
            Mishap::Caught { turn, told } => {
                let case = Case::of((*turn).clone(), told).dead(clock.now());
                let case = case.once_it_is_over(&invocation, &clock).await;
                let (progress, _) = self.answer(case, &invocation, &clock).await?;
                return Ok(Done::Turn(Box::new(turn.on(progress, clock.now()))));
            }
            Mishap::BadTurn(why) => return Err(Failed::Foreign(why)),
            Mishap::GivenUp { event, told, answer } => {
                let whose = logs::fragment(&event, &invocation.id);
                let progress = answer.map_or(Progress::Claimed, Progress::Answer);
                // It may have worked on the request all by itself.
                let left = Some(Left::Submission(clock.now()));
                let given_up = Case { event, progress, told, left };
                known(workflow, given_up, &invocation, &clock).instrument(whose).await
            }
            Mishap::Closed(execution) => {
                let fragment = |turn: &Turn| logs::fragment(&turn.event, &invocation.id);
                let whose = execution.input.as_deref().map_or_else(tracing::Span::none, fragment);
                closed(workflow, execution, &invocation, &clock).instrument(whose).await
            }
            Mishap::Misdirected(event) => {
                let whose = logs::fragment(&event, &invocation.id);
                whose.in_scope(|| misdirected(event, &invocation)).map(Some)
            }
            Mishap::Foreign(why) => Err(Failed::Foreign(why)),
        };
        self.take_up(case, &invocation, &clock).await.or_else(passed_over)
    }

    /// Answers what is known of a request, where that is for this function to do.
    async fn take_up(
        &self,
        case: Result<Option<Case>, Failed>,
        invocation: &Invocation,
        clock: &Clock,
    ) -> Result<Done, Failed> {
        match case? {
            Some(case) => self.answer(case, invocation, clock).await.map(|(_, done)| done),
            None => Ok(Done::AtWork),
        }
    }

    /// Puts the answer that there is, or that the request failed.
    async fn answer(&self, case: Case, invocation: &Invocation, clock: &Clock) -> Result<(Progress, Done), Failed> {
        let envelope = envelope(&case.event, &case.told, invocation)?;
        let until = invocation.ends.before(TO_FAIL);
        // What killed an invocation may repeat what it had in hand.
        let hidden = request::hidden(&case.event);
        let told = hidden.mask(&case.told).into_owned();
        logs::hide(hidden);
        async {
            let times = Times::durable(&envelope, &case.event, clock.now());
            let is_answered = matches!(case.progress, Progress::Answered(_));
            let job = job_of(&case.progress);
            tracing::Span::current().record("job", job.as_deref());
            let with_its_job = job.map_or(told.clone(), |job| format!("{told}; its job is {job}"));
            let answer = match case.progress {
                Progress::Superseded => None,
                Progress::Working(state) if state.superseded.is_some() => None,
                Progress::Answer(answer) | Progress::Answered(answer) => Some(answer),
                Progress::Claimed | Progress::Working(_) => {
                    self.made_up(&envelope, &case.event, &with_its_job, &times, clock).await
                }
            };
            let Some(answer) = answer else { return Ok(gone_on(&with_its_job)) };
            let word = if is_answered { "answered once more" } else { "answered" };
            if !is_answered {
                tracing::error!(told, answer = answer.0, "nobody answered: the responder does");
            }
            // Nobody else puts it soon, so one whole try is made however late it is.
            let until = until.min(times.deadlines.end.max(clock.now() + TO_PUT));
            let delivered = deliver(self.engines.transport(), &envelope, &answer, word, clock, until).await;
            if delivered.is_err() && !is_answered {
                counters::undelivered();
            }
            match delivered {
                Ok(()) => Ok((Progress::Answered(answer), Done::Answered)),
                // It is refused again, whoever puts it.
                Err(Undelivered::Refused(_)) => Ok((Progress::Answered(answer), Done::Refused)),
                Err(why) => Err(Failed::unanswered(&envelope, &why, None)),
            }
        }
        .instrument(logs::request(&envelope, &invocation.id))
        .await
    }

    /// An answer to a request to which there is none yet; none where nobody waits for it any more.
    async fn made_up(
        &self,
        envelope: &Envelope,
        event: &Event,
        told: &str,
        times: &Times,
        clock: &Clock,
    ) -> Option<Answer> {
        if self.is_settled(envelope, times, clock).await {
            return None;
        }
        Some(self.refusal(envelope, event).unwrap_or_else(|| failed(envelope, event, told)))
    }

    /// Whether the request was answered nevertheless, as far as that can be asked.
    async fn is_settled(&self, envelope: &Envelope, times: &Times, clock: &Clock) -> bool {
        let stack = Stack::of(envelope, None, self.engines.aws());
        stack.is_settled(times.deadlines.end.since(clock.now())).await
    }

    /// The answer to a request that the workflow never takes, and for which nothing is ever made.
    fn refusal(&self, envelope: &Envelope, event: &Event) -> Option<Answer> {
        self.workflow.as_ref()?;
        let by = claim::excess(&Request::of(envelope.clone(), event.clone()))?;
        Some(Answer(settle::refusal(envelope, event, by).text()))
    }
}

/// A request that came here by mistake, and what is answered.
fn misdirected(event: Event, invocation: &Invocation) -> Result<Case, Failed> {
    let told = "the template's ServiceToken names the responder".to_owned();
    let answer = settle::misdirection(&envelope(&event, &told, invocation)?, &event);
    Ok(Case { event, progress: Progress::Answer(Answer(answer.text())), told, left: None })
}

/// What comes of a request that nobody waits for any more.
fn gone_on(told: &str) -> (Progress, Done) {
    tracing::warn!(told, "CloudFormation has gone on: nobody waits for an answer any more");
    (Progress::Superseded, Done::Superseded)
}

/// Nothing comes of what holds no request that can be answered.
fn passed_over(failed: Failed) -> Result<Done, Failed> {
    match failed {
        // It is in the log already, with whose it is.
        Failed::Unreadable(_) => Ok(Done::Foreign),
        Failed::Foreign(_) => {
            tracing::error!("{failed}");
            Ok(Done::Foreign)
        }
        failed => Err(failed),
    }
}

/// The job that was known to be its own of a request that came so far.
fn job_of(progress: &Progress) -> Option<String> {
    let Progress::Working(state) = progress else { return None };
    state.own.as_ref().map(|own| own.run.to_string())
}

/// The envelope of a request that this is told of.
fn envelope(event: &Event, told: &str, invocation: &Invocation) -> Result<Envelope, Failed> {
    Envelope::read(event).map_err(|why| Failed::unreadable(event, &invocation.id, format_args!("{why} ({told})")))
}

/// Whoever tells of the request, and however far it is known to have come, a Create has one and the same id: the marker.
fn failed(envelope: &Envelope, event: &Event, told: &str) -> Answer {
    let what = sentence(&format!("Nobody finished the {} of {}: {told}", envelope.action, envelope.logical_id));
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
