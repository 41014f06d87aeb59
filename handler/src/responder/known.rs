//! What is known of a request before it is answered, and when.

use std::time::Duration;

use lambda_runtime::Context;
use tokio::time::{sleep, timeout};

use sparkjob::drive::Clock;
use sparkjob::job::Timestamp;

use super::envelope;
use crate::Failed;
use crate::deadlines::{Times, ends};
use crate::envelope::Envelope;
use crate::event::Event;
use crate::mishap::Closed;
use crate::turn::{Progress, Turn};
use crate::workflow::{Broken, Execution, Workflow, execution_name};

/// Whoever stops an execution does not stop the step that it is at, and what `CloudFormation` sends next should not meet that:
/// for so long it is left to come to its end, which takes a few calls of an engine.
const STEP_ENDS: Duration = Duration::from_secs(10);

/// The pause before it is asked again for an execution that could not be looked at.
const BETWEEN_LOOKS: Duration = Duration::from_secs(3);

/// How long it is tried to look at an execution. Whoever cannot cannot know better than that nobody answers.
const LOOKED_FOR: Duration = Duration::from_mins(1);

/// One invocation of the responder.
pub struct Invocation {
    /// Lambda's id of it.
    pub id: String,
    /// So far it may wait; the other half is for the answer.
    pub half: Timestamp,
    /// Lambda ends it.
    pub ends: Timestamp,
}

impl Invocation {
    /// That of the one whose context this is.
    pub fn of(context: &Context, now: Timestamp) -> Self {
        let ends = ends(Timestamp(context.deadline), now);
        Self { id: context.request_id.clone(), half: now + ends.since(now) / 2, ends }
    }
}

/// What is known of a request that nobody answered.
pub struct Case {
    /// The request.
    pub event: Event,
    /// How far it came.
    pub progress: Progress,
    /// Why nobody answered.
    pub told: String,
    /// What may still be under way of it.
    pub left: Option<Left>,
}

/// What nobody follows any more.
pub enum Left {
    /// A step, whose execution ended then.
    Step(Timestamp),
    /// A submission by an invocation that has died by then.
    Submission(Timestamp),
    /// An answer, which is not to be put before then: what may have been submitted is to come first.
    Held(Timestamp),
}

impl Case {
    /// One that came so far.
    pub fn of(turn: Turn, told: String) -> Self {
        let left = turn.held_until().map(Left::Held);
        Self { event: turn.event, progress: turn.progress, told, left }
    }

    /// The same, whose last step has died by `now`. The first one of an Update does no more than to learn what its stack is about.
    pub fn dead(self, now: Timestamp) -> Self {
        let may_have_submitted = matches!(&self.progress, Progress::Working(state) if state.own.is_none());
        Self { left: may_have_submitted.then_some(Left::Submission(now)), ..self }
    }

    /// As an execution tells, if any does. How it ended otherwise than it should is told by nobody else, so that the answer is
    /// the same whoever brought the request here.
    fn known(execution: Option<Execution>, told: String, other: Option<Self>, now: Timestamp) -> Option<Self> {
        match execution {
            Some(Execution::Succeeded(Some(turn))) => Some(Self::of(*turn, told)),
            Some(Execution::Broken(Broken { told, at, turn, .. })) => {
                let case = turn.map(|turn| Self::of(*turn, String::new())).or(other)?;
                let left = match case.left {
                    Some(held @ Left::Held(_)) => held,
                    _ => Left::Step(at.unwrap_or(now)),
                };
                Some(Self { told, left: Some(left), ..case })
            }
            _ => other,
        }
    }

    /// The same when what is left of it has had time to end: half of what is left of the request at most. Once there is an answer
    /// nobody is at an engine, but it may have been held back for what comes late there.
    pub async fn once_it_is_over(self, invocation: &Invocation, clock: &Clock) -> Self {
        let now = clock.now();
        let is_answered = matches!(&self.progress, Progress::Answer(_) | Progress::Answered(_) | Progress::Superseded);
        if let Some(left) = self.left.as_ref().filter(|left| matches!(left, Left::Held(_)) || !is_answered)
            && let Ok(envelope) = Envelope::read(&self.event)
        {
            let times = Times::durable(&envelope, &self.event, now);
            let until = match left {
                Left::Submission(lost) => times.once_arrived(&envelope, *lost, now),
                Left::Held(until) => (*until).min(times.half_way(now)),
                Left::Step(ended) => {
                    times.once_arrived(&envelope, *ended, now).max((*ended + STEP_ENDS).min(times.half_way(now)))
                }
            };
            sleep(until.min(invocation.half).since(now)).await;
        }
        self
    }
}

/// What is known of a request that Lambda gave up, as it tells; none where the workflow works on it.
///
/// # Errors
/// It is none that can be answered.
pub async fn known(
    workflow: Option<&Workflow>,
    given_up: Case,
    invocation: &Invocation,
    clock: &Clock,
) -> Result<Option<Case>, Failed> {
    let name = execution_name(&envelope(&given_up.event, &given_up.told, invocation)?);
    let until = patience(Some(&given_up.event), invocation, clock.now());
    // The invocation that died last may have begun one a moment ago.
    let mut is_none = confirmed_none();
    let is_sure = |execution: &Execution| *execution != Execution::None || is_none();
    let execution = look(workflow, &name, until, clock, is_sure).await;
    if execution == Some(Execution::Runs) {
        tracing::info!(execution = name, "the workflow has the request, and answers it");
        return Ok(None);
    }
    let told = given_up.told.clone();
    match Case::known(execution, told, Some(given_up), clock.now()) {
        Some(case) => Ok(Some(case.once_it_is_over(invocation, clock).await)),
        None => Ok(None),
    }
}

/// What is known of a request whose execution ended otherwise than it should, as AWS tells, or somebody by hand; none where a person
/// asks for one that still works on it.
///
/// # Errors
/// Nothing tells of a request: [`Failed::Unseen`] where the execution could not be looked at, or is not there, though AWS told of it, and
/// [`Failed::Running`] where it is not told to have ended, all of which another try may mend.
pub async fn closed(
    workflow: Option<&Workflow>,
    closed: Closed,
    invocation: &Invocation,
    clock: &Clock,
) -> Result<Option<Case>, Failed> {
    let Closed { name, told, input, is_by_hand } = closed;
    let until = patience(input.as_ref().map(|turn| &turn.event), invocation, clock.now());
    // It may have ended as soon as it had begun.
    let mut is_none = confirmed_none();
    let has_ended = |execution: &Execution| match execution {
        Execution::Runs => false,
        Execution::None => is_none(),
        _ => true,
    };
    let execution = look(workflow, &name, until, clock, has_ended).await;
    if is_by_hand && execution == Some(Execution::Runs) {
        return Ok(None);
    }
    let now = clock.now();
    let begun = input.map(|turn| Case { left: Some(Left::Step(now)), ..Case::of(*turn, told.clone()) });
    let untold = untold(&name, execution.as_ref(), is_by_hand);
    let case = Case::known(execution, told, begun, now).ok_or(untold)?;
    Ok(Some(case.once_it_is_over(invocation, clock).await))
}

/// Nothing tells whose request an execution has that was shown so.
fn untold(name: &str, execution: Option<&Execution>, is_by_hand: bool) -> Failed {
    match execution {
        Some(Execution::Runs) => {
            Failed::Running(format!("execution {name} is told to run, and whose request it has is not"))
        }
        Some(Execution::None) if is_by_hand => Failed::Foreign(format!("there is no execution {name}")),
        Some(Execution::None) => {
            Failed::Unseen(format!("execution {name} is told of and not there, and whose request it has is not told"))
        }
        Some(_) => Failed::Foreign(format!("execution {name} holds no request")),
        None => Failed::Unseen(format!("execution {name} cannot be looked at, and whose request it has is not told")),
    }
}

/// Whether there is no such execution, as it is shown: only once that is shown a second time.
fn confirmed_none() -> impl FnMut() -> bool {
    let mut has_been_none = false;
    move || std::mem::replace(&mut has_been_none, true)
}

/// Looks at the execution of this name until it is as wanted: how it was shown last, which it may not be until then; none where
/// nothing was shown. What is told of one is
/// [a little behind](https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html).
async fn look(
    workflow: Option<&Workflow>,
    name: &str,
    until: Timestamp,
    clock: &Clock,
    mut is_wanted: impl FnMut(&Execution) -> bool,
) -> Option<Execution> {
    let workflow = workflow?;
    let mut shown = None;
    let looks = async {
        loop {
            match workflow.look(name).await {
                Ok(execution) => {
                    // As when a policy is just being replaced.
                    let is_denied = matches!(&execution, Execution::Broken(Broken { is_denied: true, .. }));
                    let is_wanted = is_wanted(&execution);
                    shown = Some(execution);
                    if is_wanted && !is_denied {
                        return;
                    }
                    if !is_denied {
                        tracing::info!(execution = name, "what is told of the execution may be behind: one more look");
                    }
                }
                Err(why) => {
                    tracing::warn!(execution = name, why, "whether the workflow works on the request is not known");
                }
            }
            sleep(BETWEEN_LOOKS).await;
        }
    };
    // However long it took: what was shown is known.
    let _ = timeout(until.since(clock.now()), looks).await;
    shown
}

/// Until when it is tried to look: for half of what is left of the request at most, as far as that is known. Once nobody waits
/// for it there is no hurry.
fn patience(event: Option<&Event>, invocation: &Invocation, now: Timestamp) -> Timestamp {
    let left = event.map(|event| time_left(event, now)).filter(|left| !left.is_zero());
    let within = left.map_or(LOOKED_FOR, |left| LOOKED_FOR.min(left / 2));
    invocation.half.min(now + within)
}

/// How long `CloudFormation` still waits.
fn time_left(event: &Event, now: Timestamp) -> Duration {
    let end = Envelope::read(event).map(|envelope| Times::durable(&envelope, event, now).deadlines.end);
    end.map_or(Duration::ZERO, |end| end.since(now))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sparkjob::lifecycle::{Own, State};

    use super::*;
    use crate::plan::plan;
    use crate::request::Request;
    use crate::sample;

    /// A Create, and when it was asked for.
    fn create() -> (Event, Timestamp) {
        let event = sample::event("Create", json!({}));
        let asked = sample::envelope(&event).response_url.signed().expect("a moment");
        (event, asked)
    }

    #[test]
    fn what_a_dead_step_may_have_submitted_is_waited_for_unless_its_job_is_known() {
        let (event, now) = create();
        let envelope = sample::envelope(&event);
        let times = Times::durable(&envelope, &event, now);
        let plan = plan(&Request::of(envelope, event.clone()), &times, None).expect("a plan");
        let begun = State::begin(&plan, now);
        let job = "livy+http://emr:8998/batches/7#pi".parse().expect("a job");
        let submitted = State { own: Some(Own::new(job, true)), ..begun.clone() };
        for (progress, waits) in [
            (Progress::Claimed, false),
            (Progress::Working(Box::new(begun)), true),
            (Progress::Working(Box::new(submitted)), false),
        ] {
            let case = Case { event: event.clone(), progress, told: String::new(), left: None };
            assert_eq!(case.dead(now).left.is_some(), waits);
        }
    }

    #[test]
    fn an_execution_is_looked_for_in_half_of_what_is_left_and_without_hurry_once_nobody_waits() {
        let (event, asked) = create();
        let end = asked + time_left(&event, asked);
        let patience = |event, now: Timestamp| {
            let invocation = Invocation {
                id: String::new(),
                half: now + Duration::from_hours(1),
                ends: now + Duration::from_hours(2),
            };
            patience(event, &invocation, now).since(now)
        };
        assert_eq!(patience(Some(&event), end.before(Duration::from_secs(10))), Duration::from_secs(5));
        for (event, now) in [(Some(&event), asked), (Some(&event), end), (None, asked)] {
            assert_eq!(patience(event, now), LOOKED_FOR);
        }
    }
}
