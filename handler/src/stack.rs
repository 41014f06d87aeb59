//! What `CloudFormation` tells of the stack that asks: whether it still waits for an answer, and what it is about.
//!
//! It is asked for no more than makes a request better: what it does not tell in time a request goes on without, and a line
//! in the log tells so.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::Builder;
use aws_sdk_cloudformation::config::timeout::TimeoutConfig;
use aws_sdk_cloudformation::types::{ResourceStatus, StackStatus};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};

use sparkjob::drive::{Requester, Stance};
use sparkjob::engine::Kind;
use sparkjob::engine::aws::{Asked, Failed, error, moment};
use sparkjob::http::sdk::Aws;
use sparkjob::job::{RunRef, Timestamp};
use sparkjob::lifecycle::A_TRY_BEFORE;

use crate::envelope::{Action, Envelope};
use crate::physical_id::PhysicalId;

/// How long one answer is waited for: no request is to be late for it.
const LIMIT: Duration = Duration::from_secs(5);

/// So long it is asked again what a stack is about, or for this part of what is left of the request. A rollback that is not known
/// for one is carried out as any other Update, and what that does is not undone; and where all resources of a stack ask at
/// once, some are told for a few seconds that they ask too often.
const ASKED_AGAIN_FOR: Duration = Duration::from_secs(20);
const PART_FOR_ASKING: u32 = 8;

/// The pause before it is asked once more, and twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// A resource whose status was changed by so much later than a request was made has gone on without it. When it asks,
/// `CloudFormation` writes down that the resource is in progress and signs the address of the answer, about at once.
const ABOUT_AT_ONCE: Duration = Duration::from_secs(5);

/// The date in an address has whole seconds: what came to its end within the same one may have done so before it was signed.
const SAME_SECOND: Duration = Duration::from_secs(1);

/// The stack of one request, for as long as one invocation lasts.
#[derive(Debug)]
pub struct Stack<'a> {
    aws: &'a Aws,
    envelope: &'a Envelope,
    client: OnceLock<Client>,
    /// What it was about when the request was begun, where that is known.
    known: OnceLock<Standing>,
    /// Whether the log tells already that something is not known.
    has_warned: AtomicBool,
}

/// What a stack is about, as
/// [`DescribeStacks`](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html) tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Standing {
    /// Whether it goes back to what it was before.
    pub rolls_back: bool,
    /// Since when what it is about may have been asked for: its last update, or else its creation; a Delete takes it to be so
    /// much earlier where the stack does not go forward as a try of a request may last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Whether it deletes what its resources were before: asked for once, by whoever looks for a job.
    #[serde(skip)]
    pub cleans_up: bool,
    /// Whether it makes nothing any more.
    #[serde(skip)]
    pub rests: bool,
    /// The job that the resource has by then, where a Delete asks whose id is that of no job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<RunRef>,
}

impl Standing {
    /// Whether it was on its way to something new by then, and is still: a stack goes forward once, and then back. One that goes back
    /// does not tell whether it did so by then.
    fn goes_forward_since(&self, then: Timestamp) -> bool {
        !self.rolls_back && self.since.is_some_and(|since| since <= then + SAME_SECOND)
    }

    /// Whether it waits for nothing that was asked for by then on its way to something new.
    fn is_past(&self, then: Timestamp) -> bool {
        let is_about_later = self.since.is_some_and(|since| since > then + SAME_SECOND);
        self.rests || self.rolls_back || self.cleans_up || is_about_later
    }
}

/// What a resource is, as
/// [`DescribeStackResource`](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceDetail.html)
/// tells.
struct Resource {
    /// When its status was last changed.
    changed: Timestamp,
    /// The id that it has since.
    id: Option<PhysicalId>,
    status: Option<ResourceStatus>,
}

impl Resource {
    /// The job that it is known by, where it is.
    fn job(self) -> Option<RunRef> {
        self.id.and_then(PhysicalId::run)
    }

    /// Whether something is still to come of it, as far as is known.
    fn is_in_progress(&self) -> bool {
        self.status.as_ref().is_none_or(|status| status.as_str().ends_with("_IN_PROGRESS"))
    }

    /// Whether it is about something that comes after this action alone.
    fn is_about_later(&self, action: &Action) -> bool {
        let is = |word| self.status.as_ref().is_some_and(|status| status.as_str().starts_with(word));
        match action {
            Action::Create => is("UPDATE_") || is("DELETE_"),
            Action::Update => is("DELETE_"),
            Action::Delete | Action::Other(_) => false,
        }
    }

    /// Whether it has gone on without the request for this action whose address was signed then. One that is at an end awaits
    /// nothing, however soon it came to that.
    fn has_gone_on(&self, action: &Action, signed: Timestamp) -> bool {
        let at_once = if self.is_about_later(action) {
            Duration::ZERO
        } else if self.is_in_progress() {
            ABOUT_AT_ONCE
        } else {
            SAME_SECOND
        };
        self.changed > signed + at_once
    }
}

impl<'a> Stack<'a> {
    /// The stack that `envelope` comes from, which was about that when the request was begun, where that is known already.
    /// Nothing is sent before something is asked.
    pub fn of(envelope: &'a Envelope, known: Option<Standing>, aws: &'a Aws) -> Self {
        let known = known.map(OnceLock::from).unwrap_or_default();
        Self { aws, envelope, client: OnceLock::new(), known, has_warned: AtomicBool::new(false) }
    }

    /// What it is about, where that makes a difference: an Update in a rollback is another one, and a Delete that does not
    /// know its job looks for one. None where it is not to be known. So much is `left` of the request.
    pub async fn standing(&self, left: Duration) -> Option<Standing> {
        let taken_for = match (&self.envelope.action, &self.envelope.physical_id) {
            (Action::Update, _) => AN_UPDATE,
            (Action::Delete, Some(PhysicalId::Foreign(_)) | None) => A_DELETE,
            (Action::Delete, Some(PhysicalId::Unknown(..))) => A_DELETE_BY_MARKER,
            _ => return None,
        };
        let within = ASKED_AGAIN_FOR.min(left / PART_FOR_ASKING);
        let mut standing = self.told(self.standing_within(within).await, taken_for)?;
        if self.envelope.action == Action::Delete && standing.cleans_up {
            let resource = self.told(self.resource_within(within).await, taken_for);
            standing.job = resource.and_then(Resource::job);
        }
        Some(self.known.get_or_init(|| standing).clone())
    }

    /// What it is about now; it is asked again for so long.
    async fn standing_within(&self, within: Duration) -> Result<Standing, Untold> {
        let mut patience = Patience::of(within);
        loop {
            match self.present_standing().await {
                Err(untold) if patience.bears(&untold).await => {}
                told => return told,
            }
        }
    }

    async fn present_standing(&self) -> Result<Standing, Untold> {
        let asked = self.client().describe_stacks().stack_name(&self.envelope.stack_id).send();
        let answer = match timeout(LIMIT, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(failed)) => return Err(Untold::of(DESCRIBE_STACKS, error(Asked::Look, &failed).failed)),
            Err(_) => return Err(Untold::late(DESCRIBE_STACKS)),
        };
        let Some(stack) = answer.stacks().iter().find(|stack| stack.stack_id() == Some(&self.envelope.stack_id)) else {
            return Err(Untold::new(DESCRIBE_STACKS, "the stack is not in the answer"));
        };
        let status = stack.stack_status().map(StackStatus::as_str).unwrap_or_default();
        // Whether a rollback counts as another update is published nowhere; and the Create that a Delete is to clean up after
        // may have been given up by then.
        let goes_forward = status.starts_with(UPDATING) && !status.contains(BACK);
        let looks_further = self.envelope.action == Action::Delete && !goes_forward;
        let is_before = if looks_further { A_TRY_BEFORE } else { Duration::ZERO };
        let since = moment(stack.last_updated_time()).or(moment(stack.creation_time()));
        Ok(Standing {
            rolls_back: status.ends_with(ROLLING_BACK),
            cleans_up: status.ends_with(CLEANING_UP),
            rests: status.starts_with(DELETING) || AT_REST.iter().any(|end| status.ends_with(end)),
            since: since.map(|since| since.before(is_before)),
            job: None,
        })
    }

    /// Whether the resource has come to an end since the request was made, of which so much is `left`: whoever answers that now tells
    /// nobody. False where it is not to be known in a part of that time.
    pub async fn is_settled(&self, left: Duration) -> bool {
        let Some(signed) = self.envelope.response_url.signed() else { return false };
        let is_settled = |it: Resource| !it.is_in_progress() && it.has_gone_on(&self.envelope.action, signed);
        // Once nobody waits there is no hurry.
        let within = if left.is_zero() { LIMIT } else { LIMIT.min(left / 4) };
        self.in_time(within, DESCRIBE_STACK_RESOURCE, Box::pin(self.resource())).await.flatten().is_some_and(is_settled)
    }

    /// What is known within so long; where that is nothing, the log tells so.
    async fn in_time<T>(&self, within: Duration, operation: &'static str, asked: impl Future<Output = T>) -> Option<T> {
        let late = |_| Untold::new(operation, "there was no time for an answer");
        self.told(timeout(within, asked).await.map_err(late), AN_AWAITED_ONE)
    }

    /// How the resource is; none where that is not to be known. One question that is not answered does not tell so, since a request
    /// that goes on without may stop what others count on; but that is waited for once.
    async fn resource(&self) -> Option<Resource> {
        self.told(self.resource_told().await, AN_AWAITED_ONE)
    }

    async fn resource_told(&self) -> Result<Resource, Untold> {
        let has_warned = self.has_warned.load(Ordering::Relaxed);
        let within = if has_warned { LIMIT } else { LIMIT * 2 + FIRST_PAUSE };
        self.resource_within(within).await
    }

    /// How the resource is; it is asked again for so long.
    async fn resource_within(&self, within: Duration) -> Result<Resource, Untold> {
        let mut patience = Patience::of(within);
        loop {
            match self.present_resource().await {
                Err(untold) if patience.bears(&untold).await => {}
                told => return told,
            }
        }
    }

    async fn present_resource(&self) -> Result<Resource, Untold> {
        let Envelope { stack_id, logical_id, .. } = self.envelope;
        let asked = self.client().describe_stack_resource().stack_name(stack_id).logical_resource_id(logical_id).send();
        let answer = match timeout(LIMIT, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(failed)) => return Err(Untold::of(DESCRIBE_STACK_RESOURCE, error(Asked::Look, &failed).failed)),
            Err(_) => return Err(Untold::late(DESCRIBE_STACK_RESOURCE)),
        };
        let told = answer.stack_resource_detail().filter(|it| it.logical_resource_id() == Some(logical_id));
        let resource = told.and_then(|told| {
            Some(Resource {
                changed: moment(told.last_updated_timestamp())?,
                // Of one that has none yet an empty one may be told.
                id: told.physical_resource_id().filter(|id| !id.is_empty()).map(PhysicalId::from),
                status: told.resource_status().cloned(),
            })
        });
        resource.ok_or_else(|| Untold::new(DESCRIBE_STACK_RESOURCE, "the resource's time is not in the answer"))
    }

    /// `CloudFormation` waits until it is known that the resource has been changed since: it
    /// [tells](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceDetail.html) when the
    /// status was last changed, and it changes the status when it takes an answer, gives up waiting, or asks for the next
    /// thing. A request whose address does not tell when it was signed is taken to be awaited.
    async fn present_stance(&self) -> Stance {
        let Some(signed) = self.envelope.response_url.signed() else { return Stance::Waits };
        let told = self.resource_told().await;
        if told.as_ref().is_err_and(Untold::is_of_no_resource) && self.is_past(signed).await {
            tracing::warn!("CloudFormation has deleted the resource without an answer to this delivery of the request");
            return Stance::WentOn(None);
        }
        let Some(resource) = self.told(told, AN_AWAITED_ONE) else { return Stance::Waits };
        if !resource.has_gone_on(&self.envelope.action, signed) && !self.has_turned_back(&resource, signed).await {
            return Stance::Waits;
        }
        let is_asked_again = self.is_asked_again(&resource, signed).await;
        tracing::warn!(
            changed = crate::moment::text(resource.changed),
            signed = crate::moment::text(signed),
            id = resource.id.as_ref().map(tracing::field::display),
            "CloudFormation has gone on without an answer to this delivery of the request"
        );
        if is_asked_again { Stance::AskedAgain } else { Stance::WentOn(resource.job()) }
    }

    /// Whether a resource of which nothing is told is none any more. One that an update, or the rollback of one, has deleted
    /// is [not told of][recorded]; one that is about to be made may not be told of yet.
    ///
    /// [recorded]: https://github.com/localstack/localstack/blob/main/tests/aws/services/cloudformation/api/test_resources.py
    async fn is_past(&self, signed: Timestamp) -> bool {
        let present = self.told(self.standing_within(LIMIT).await, AN_AWAITED_ONE);
        present.is_some_and(|present| present.is_past(signed))
    }

    /// Whether a resource that was changed since the request, whose address was signed then, is nevertheless about the same: then the
    /// same request was sent once more. A resource that is being created and has no id yet was given up by nobody; one that is being
    /// updated is about another update if the stack is. Where that is not told, it is taken for another one, which is far more common.
    async fn is_asked_again(&self, resource: &Resource, signed: Timestamp) -> bool {
        match (&self.envelope.action, &resource.status) {
            (Action::Create, Some(ResourceStatus::CreateInProgress)) => resource.id.is_none(),
            (Action::Update, Some(ResourceStatus::UpdateInProgress)) => {
                let present = self.told(self.standing_within(LIMIT).await, A_PAST_ONE);
                present.is_some_and(|present| match self.known.get() {
                    Some(known) => present == *known,
                    None => present.goes_forward_since(signed),
                })
            }
            _ => false,
        }
    }

    /// Whether a resource that was changed soon after the request, as by what it was asked for itself, was asked to take that back: its
    /// stack did not roll back when the request was begun, and does now.
    async fn has_turned_back(&self, resource: &Resource, signed: Timestamp) -> bool {
        let may_have = self.envelope.action == Action::Update && resource.changed > signed + SAME_SECOND;
        let went_forward = self.known.get().is_some_and(|known| !known.rolls_back);
        may_have
            && went_forward
            && self.told(self.standing_within(LIMIT).await, AN_AWAITED_ONE).is_some_and(|present| present.rolls_back)
    }

    /// What is told; where it is not, the log tells, once, what the request is `taken_for` then.
    fn told<T>(&self, told: Result<T, Untold>, taken_for: &str) -> Option<T> {
        let untold = match told {
            Ok(told) => return Some(told),
            Err(untold) => untold,
        };
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            let Untold { operation, why, .. } = untold;
            tracing::warn!(operation, why, "CloudFormation does not tell; the request goes on as {taken_for}");
        }
        None
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let limits = TimeoutConfig::builder().read_timeout(LIMIT).operation_timeout(LIMIT).build();
            Client::from_conf(Builder::from(self.aws.config()).timeout_config(limits).build())
        })
    }
}

/// What [`StackStatus`](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html) says at its end of
/// a stack that goes back: `UPDATE_ROLLBACK_IN_PROGRESS`.
const ROLLING_BACK: &str = "ROLLBACK_IN_PROGRESS";

/// The same of one that has come to an end.
const AT_REST: [&str; 2] = ["_COMPLETE", "_FAILED"];

/// What it says anywhere of one that goes back, or has gone back and deletes what it does not need: `UPDATE_ROLLBACK_COMPLETE`.
const BACK: &str = "ROLLBACK";

/// What it says at its beginning of one that is updated, and of one that is deleted.
const UPDATING: &str = "UPDATE_";
const DELETING: &str = "DELETE_";

/// The same of one that has come to its goal, and deletes what it has replaced: `UPDATE_COMPLETE_CLEANUP_IN_PROGRESS`.
const CLEANING_UP: &str = "CLEANUP_IN_PROGRESS";

/// What a request is taken for of which something is not told.
const AN_UPDATE: &str = "an Update outside a rollback";
const A_DELETE: &str = "a Delete of every job of its resource that may be the one";
const A_DELETE_BY_MARKER: &str = "a Delete of whatever its Create has submitted";
const AN_AWAITED_ONE: &str = "one that is awaited";
const A_PAST_ONE: &str = "one that another Update has taken the place of";

/// What tells what a stack is about, and how a resource is.
const DESCRIBE_STACKS: &str = "DescribeStacks";
const DESCRIBE_STACK_RESOURCE: &str = "DescribeStackResource";

/// How long it is asked again.
struct Patience {
    until: Instant,
    pause: Duration,
}

impl Patience {
    fn of(within: Duration) -> Self {
        Self { until: Instant::now() + within, pause: FIRST_PAUSE }
    }

    /// Whether it is to be asked again what was not told, after a pause that is over then.
    async fn bears(&mut self, untold: &Untold) -> bool {
        let is_to_be = untold.passes && Instant::now() + self.pause < self.until;
        if is_to_be {
            sleep(self.pause).await;
            self.pause *= 2;
        }
        is_to_be
    }
}

/// Why something is not told.
#[derive(Debug)]
struct Untold {
    operation: &'static str,
    why: String,
    /// Whether it may be told a little later.
    passes: bool,
}

impl Untold {
    fn new(operation: &'static str, why: impl Into<String>) -> Self {
        Self { operation, why: why.into(), passes: true }
    }

    fn late(operation: &'static str) -> Self {
        Self::new(operation, format!("no answer within {} s", LIMIT.as_secs()))
    }

    /// Whether it is since there is no such resource in the stack.
    fn is_of_no_resource(&self) -> bool {
        self.why.contains("does not exist for stack")
    }

    fn of(operation: &'static str, Failed { kind, said, .. }: Failed) -> Self {
        let passes = matches!(kind, Kind::Busy | Kind::Unavailable | Kind::Unclear);
        Self { passes, ..Self::new(operation, said) }
    }
}

#[async_trait]
impl Requester for Stack<'_> {
    async fn stance(&self, within: Duration) -> Stance {
        const OPERATION: &str = "DescribeStackResource, DescribeStacks";
        self.in_time(within, OPERATION, Box::pin(self.present_stance())).await.unwrap_or(Stance::Waits)
    }
}

#[cfg(test)]
mod tests;
