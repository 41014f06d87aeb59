//! One suite for Step Functions and `CloudFormation`, against the local default and against the models of both: what holds
//! for either is what the other tests may rely on.
//!
//! It asks with the clients that the product asks with. Where `MiniStack` does otherwise than AWS tells, the model does as AWS
//! tells, and the difference is one of [`Ways`].

pub mod executions;
pub mod stacks;
pub mod states;
mod ways;

use std::time::Duration;

use aws_sdk_sfn::primitives::DateTime;
use serde_json::Value;
use tokio::time::sleep;

pub use ways::Ways;

/// All tests, for a macro that makes a test of each.
macro_rules! each_test {
    ($test:ident) => {
        $test! {
            executions: [
                the_same_again_is_the_same_execution_as_long_as_it_runs,
                of_two_that_start_the_same_at_once_both_have_started_it,
                a_name_is_taken_while_an_execution_of_another_input_runs,
                a_name_stays_taken_when_its_execution_is_over,
                an_execution_that_runs_tells_its_input_and_no_output,
                an_execution_that_succeeded_tells_its_output,
                an_execution_that_failed_tells_its_input_and_why,
                an_execution_that_was_stopped_tells_its_input,
                an_execution_that_nobody_started_does_not_exist,
                a_history_tells_what_each_state_was_given_and_what_it_left,
                a_history_tells_where_an_execution_was_stopped,
                a_history_is_told_page_by_page,
                an_execution_that_fails_or_is_stopped_is_told_of,
                a_state_machine_that_nobody_made_does_not_exist,
            ],
            states: [
                a_task_is_given_what_its_paths_lead_to,
                a_task_that_fails_is_tried_again_with_the_count_of_its_tries,
                a_state_that_is_entered_anew_counts_its_tries_anew,
                the_first_retrier_that_matches_decides,
                each_retrier_counts_for_itself,
                a_function_that_dies_is_called_again,
                a_task_that_takes_too_long_is_tried_again,
                what_is_caught_after_the_last_try_is_added_to_the_input,
                the_first_catcher_that_matches_decides,
                what_no_catcher_names_fails_the_execution,
                a_choice_takes_the_rule_that_is_true,
                a_choice_knows_what_is_there,
                a_choice_knows_whether_a_moment_has_come,
                a_wait_lasts_until_its_moment,
                a_path_that_leads_nowhere_fails_the_execution_and_nothing_catches_it,
                more_than_a_state_may_carry_fails_the_execution_and_nothing_catches_it,
                an_execution_that_takes_too_long_is_ended_and_nothing_catches_it,
                an_execution_that_is_stopped_is_ended_and_nothing_catches_it,
                an_execution_that_is_stopped_stays_so_whatever_comes_of_its_task,
            ],
            stacks: [
                what_there_is_not_is_refused,
                a_stack_tells_what_it_is_about_and_since_when,
                an_update_that_fails_is_rolled_back,
                a_resource_tells_its_id_and_when_its_status_changed,
            ],
        }
    };
}
pub(crate) use each_test;

/// The real programs, or the models of them.
pub trait Side {
    /// In what they do otherwise than AWS.
    const WAYS: Ways;

    /// Makes a state machine of this definition.
    async fn machine(definition: Value) -> impl Machine;

    /// Begins to create a stack whose one resource is [`stacks::RESOURCE`], a custom resource that does not answer by itself.
    async fn stack() -> impl Stack;
}

/// A state machine.
pub trait Machine {
    /// Who asks Step Functions.
    fn client(&self) -> &aws_sdk_sfn::Client;

    /// Its ARN.
    fn arn(&self) -> String;

    /// The ARN of a function that returns the event that it is called with, unless the event says otherwise: at try number n,
    /// counted from 0 in `Tries`, it does what is at this place of the list `Turn.Script`. `Dies` ends its process, `Sleeps`
    /// has it return six seconds later, and any other text is the type of the error with which it fails.
    fn function(&self) -> String;

    /// What the clock shows by which executions are dated.
    fn now(&self) -> DateTime;

    /// Stops an execution by hand.
    async fn stop(&self, execution: &str);

    /// What `EventBridge` has told of an execution that ended otherwise than it should, by a rule as the template's.
    async fn notice(&self, execution: &str) -> Option<Value>;

    /// Deletes it.
    async fn remove(self);
}

/// A stack whose resource is asked, and waits.
pub trait Stack {
    /// Who asks `CloudFormation`.
    fn client(&self) -> &aws_sdk_cloudformation::Client;

    /// Its ARN.
    fn id(&self) -> &str;

    /// Answers for the resource, which has this id.
    async fn answer(&self, id: &str);

    /// Answers that the resource, which has this id, cannot do what was asked of it.
    async fn refuse(&self, id: &str);

    /// Begins an update that asks the resource.
    async fn update(&self);

    /// Begins to delete it.
    async fn delete(&self);
}

/// What `look` finds, once it finds something.
async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    // Four minutes, for a machine that is busy.
    for _ in 0..2_400 {
        if let Some(found) = look().await {
            return found;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("waited in vain until {what}");
}
