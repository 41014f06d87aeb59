//! A step, as far as EMR's answers tell.

use aws_sdk_emr::types::{self, HadoopStepConfig, StepStatus};

use crate::engine::text::line;
use crate::engine::{MAX_WORD, aws};
use crate::job::Timestamp;

/// The longest reason and message that are kept, in characters.
const MAX_REASON: usize = 150;
const MAX_MESSAGE: usize = 440;
/// The longest place in S3 that is kept, in characters.
const MAX_PLACE: usize = 1100;

/// A step of a cluster's. What its jar was given may hold secrets, so it has no Debug to be shown by.
#[derive(Clone, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Step {
    pub id: String,
    pub name: String,
    /// Its state.
    pub word: String,
    /// What its jar was given.
    pub args: Vec<String>,
    pub created: Option<Timestamp>,
    /// None where it has never been begun.
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// Why it failed, or is in this state.
    pub reason: String,
    /// The line of its log that names the error, where EMR has found one.
    pub message: String,
    /// The log that holds this line.
    pub log_file: String,
    /// The folder for logs that was given for it alone.
    pub log_uri: String,
    /// The role that it runs as, where it has one of its own; a listing does not tell.
    pub role: Option<String>,
}

impl Step {
    /// One of a listing.
    pub fn listed(step: &types::StepSummary) -> Self {
        let known = (step.id(), step.name(), step.log_uri());
        Self::of(known, step.config(), step.status())
    }

    /// The answer of `DescribeStep`.
    pub fn described(step: &types::Step) -> Self {
        let known = (step.id(), step.name(), step.log_uri());
        let role = step.execution_role_arn().filter(|role| !role.is_empty()).map(str::to_owned);
        Self { role, ..Self::of(known, step.config(), step.status()) }
    }

    fn of(
        (id, name, log_uri): (Option<&str>, Option<&str>, Option<&str>),
        config: Option<&HadoopStepConfig>,
        status: Option<&StepStatus>,
    ) -> Self {
        let state = status.and_then(StepStatus::state).map_or("", types::StepState::as_str);
        let change = status.and_then(StepStatus::state_change_reason).and_then(|change| change.message());
        let failure = status.and_then(StepStatus::failure_details);
        let reason = failure.and_then(|failure| failure.reason()).or(change);
        let message = failure.and_then(|failure| failure.message());
        let log_file = failure.and_then(|failure| failure.log_file());
        let timeline = status.and_then(StepStatus::timeline);
        Self {
            id: id.unwrap_or_default().to_owned(),
            name: name.unwrap_or_default().to_owned(),
            word: line(state, MAX_WORD),
            args: config.map(|config| config.args().to_vec()).unwrap_or_default(),
            created: timeline.and_then(|timeline| aws::moment(timeline.creation_date_time())),
            started: timeline.and_then(|timeline| aws::moment(timeline.start_date_time())),
            ended: timeline.and_then(|timeline| aws::moment(timeline.end_date_time())),
            reason: line(reason.unwrap_or_default(), MAX_REASON),
            message: line(message.unwrap_or_default(), MAX_MESSAGE),
            log_file: line(log_file.unwrap_or_default(), MAX_PLACE),
            log_uri: line(log_uri.unwrap_or_default(), MAX_PLACE).replacen("s3n://", "s3://", 1),
            role: None,
        }
    }
}
