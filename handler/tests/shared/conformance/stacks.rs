//! `CloudFormation`'s API, as far as the product asks it.

use std::time::Duration;

use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudformation::operation::describe_stack_resource::{
    DescribeStackResourceError, DescribeStackResourceOutput,
};
use aws_sdk_cloudformation::primitives::DateTime;
use aws_sdk_cloudformation::types::{ResourceStatus, StackStatus};
use tokio::time::sleep;

use super::{Side, Stack, until};

/// The stack's resource.
pub const RESOURCE: &str = "Asked";

/// The id that the resource has.
pub const ID: &str = "the-one";

/// Longer than what dates are told with.
const A_WHILE: Duration = Duration::from_millis(1500);

pub async fn what_there_is_not_is_refused<S: Side>() {
    let stack = S::stack().await;
    let nobody = stack.id().replacen(":stack/", ":stack/nobody-", 1);
    refused(stack.client().describe_stacks().stack_name(&nobody).send().await);
    refused(stack.client().describe_stack_resource().stack_name(&nobody).logical_resource_id(RESOURCE).send().await);
    refused(stack.client().describe_stack_resource().stack_name(stack.id()).logical_resource_id("None").send().await);
    stack.answer(ID).await;
    is(&stack, "CREATE_COMPLETE").await;
    refused(stack.client().describe_stack_resource().stack_name(stack.id()).logical_resource_id("None").send().await);
    clear(stack).await;
}

pub async fn a_stack_tells_what_it_is_about_and_since_when<S: Side>() {
    let stack = S::stack().await;
    let (created, never) = is(&stack, "CREATE_IN_PROGRESS").await;
    assert_eq!(never.is_none(), S::WAYS.dates_updates_alone);
    sleep(A_WHILE).await;
    stack.answer(ID).await;
    assert_eq!(is(&stack, "CREATE_COMPLETE").await, (created, never));
    stack.update().await;
    let (_, updated) = is(&stack, "UPDATE_IN_PROGRESS").await;
    assert!(updated.is_some_and(|updated| updated > created), "{updated:?}");
    sleep(A_WHILE).await;
    stack.answer(ID).await;
    assert_eq!(is(&stack, "UPDATE_COMPLETE").await, (created, updated));
    stack.delete().await;
    assert_eq!(is(&stack, "DELETE_IN_PROGRESS").await, (created, updated));
    stack.answer(ID).await;
    assert_eq!(is(&stack, "DELETE_COMPLETE").await, (created, updated));
}

pub async fn an_update_that_fails_is_rolled_back<S: Side>() {
    let stack = S::stack().await;
    stack.answer(ID).await;
    is(&stack, "CREATE_COMPLETE").await;
    stack.update().await;
    is(&stack, "UPDATE_IN_PROGRESS").await;
    stack.refuse(ID).await;
    is(&stack, "UPDATE_ROLLBACK_IN_PROGRESS").await;
    stack.answer(ID).await;
    is(&stack, "UPDATE_ROLLBACK_COMPLETE").await;
    clear(stack).await;
}

pub async fn a_resource_tells_its_id_and_when_its_status_changed<S: Side>() {
    let stack = S::stack().await;
    is(&stack, "CREATE_IN_PROGRESS").await;
    let asked = if S::WAYS.tells_progress {
        let (id, asked) = told(resource(&stack).await, "CREATE_IN_PROGRESS");
        assert_eq!(id, "");
        Some(asked)
    } else {
        refused(resource(&stack).await);
        None
    };
    sleep(A_WHILE).await;
    stack.answer(ID).await;
    is(&stack, "CREATE_COMPLETE").await;
    let (id, made) = told(resource(&stack).await, "CREATE_COMPLETE");
    assert_eq!(id, ID);
    assert!(asked.is_none_or(|asked| made > asked));
    sleep(A_WHILE).await;
    stack.update().await;
    is(&stack, "UPDATE_IN_PROGRESS").await;
    let status = if S::WAYS.tells_progress { "UPDATE_IN_PROGRESS" } else { "CREATE_COMPLETE" };
    let (id, asked) = told(resource(&stack).await, status);
    assert_eq!((id.as_str(), asked > made), (ID, S::WAYS.tells_progress));
    sleep(A_WHILE).await;
    stack.answer(ID).await;
    is(&stack, "UPDATE_COMPLETE").await;
    let (id, updated) = told(resource(&stack).await, "UPDATE_COMPLETE");
    assert_eq!((id.as_str(), updated > asked), (ID, true));
    clear(stack).await;
}

/// Waits until a stack is at that; when it was created, and last updated.
pub async fn is(stack: &impl Stack, status: &str) -> (DateTime, Option<DateTime>) {
    let status = StackStatus::from(status);
    let there = async || {
        let told = stack.client().describe_stacks().stack_name(stack.id()).send().await.unwrap();
        let [told] = told.stacks() else { panic!("not one: {told:?}") };
        assert_eq!(told.stack_id(), Some(stack.id()));
        let created = *told.creation_time().expect("the time at which it was created");
        (told.stack_status() == Some(&status)).then_some((created, told.last_updated_time().copied()))
    };
    until(status.as_str(), there).await
}

type Told = Result<DescribeStackResourceOutput, SdkError<DescribeStackResourceError>>;

async fn resource(stack: &impl Stack) -> Told {
    stack.client().describe_stack_resource().stack_name(stack.id()).logical_resource_id(RESOURCE).send().await
}

/// The id of the resource, which is at `status`, and when that changed.
#[track_caller]
fn told(answer: Told, status: &str) -> (String, DateTime) {
    let answer = answer.unwrap();
    let detail = answer.stack_resource_detail().expect("a resource");
    assert_eq!(detail.logical_resource_id(), Some(RESOURCE));
    assert_eq!(detail.resource_status().map(ResourceStatus::as_str), Some(status));
    let changed = *detail.last_updated_timestamp().expect("a time");
    (detail.physical_resource_id().unwrap_or_default().to_owned(), changed)
}

/// Deletes a stack that does nothing.
pub async fn clear(stack: impl Stack) {
    stack.delete().await;
    is(&stack, "DELETE_IN_PROGRESS").await;
    stack.answer(ID).await;
    is(&stack, "DELETE_COMPLETE").await;
}

#[track_caller]
fn refused<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(answer: Result<T, SdkError<E>>) {
    let failed = answer.unwrap_err();
    assert_eq!(failed.code(), Some("ValidationError"), "{failed:?}");
    assert!(failed.message().is_some_and(|message| message.contains("does not exist")), "{failed:?}");
    assert_eq!(failed.raw_response().map(|response| response.status().as_u16()), Some(400));
}
