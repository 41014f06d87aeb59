//! What EMR Serverless means by its refusals. Their codes are
//! [published](https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_StartJobRun.html), their words are not: so
//! they are kept, and read for no more than they surely say.

use crate::engine::aws::AwsError;
use crate::engine::{Kind, Trouble};
use crate::job::Status;

const NOT_FOUND: &str = "ResourceNotFoundException";
const INVALID: &str = "ValidationException";
const CONFLICT: &str = "ConflictException";
const QUOTA: &str = "ServiceQuotaExceededException";

/// What to do where the service refuses to run a job as a role of another account, which no permission changes.
const OWN_ROLE: &str = "Give as ExecutionRoleArn a role of the account that the application is in; to reach what another \
                        account has, let the job assume a role there, or let that account's policies allow it to the \
                        execution role.";

/// Whether a look or a deed came to nothing since there is no such job run or application (any more).
pub fn is_gone(error: &AwsError) -> bool {
    error.code == NOT_FOUND || (is_about_the_state(error) && error.says(&["terminated", "does not exist", "not found"]))
}

/// How a job run is that the service refuses to tell of; none where its refusal does not tell, either. Where only the
/// application is spoken of, that is what is gone.
pub fn status(error: &AwsError) -> Option<Status> {
    let is_of_place = error.says(&["application"]) && !error.says(&["job run", "jobrun"]);
    is_gone(error).then(|| if is_of_place { Status::gone_with_place() } else { Status::gone() })
}

/// Whether it may be that the state of a job run or application forbids what was asked for, such as a cancellation of what
/// [is not in a cancellable state](https://github.com/opensearch-project/sql/pull/2577).
pub fn is_about_the_state(error: &AwsError) -> bool {
    error.code == INVALID || error.code == CONFLICT
}

/// A submission that failed, told for people.
pub fn of_start(error: AwsError, application: &str, doing: String) -> Trouble {
    let (kind, advice) = match unfit(&error) {
        Some(unfit) => unfit.meaning(error.failed.kind, application),
        None if error.says(&["cross-account pass role"]) => (Kind::Rejected, OWN_ROLE.to_owned()),
        None => return error.while_doing(doing, "emr-serverless:StartJobRun", &format!("application {application}")),
    };
    Trouble { advice, ..Trouble::new(kind, doing, error.failed.said) }
}

/// Why an application does not take a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unfit {
    Unknown,
    Terminated,
    Stopped,
    /// It is between two states and will soon be in another one.
    Changing,
    /// It is in none of the states that would do.
    Untold,
    Full,
}

impl Unfit {
    /// What it means for the submission, and what to do about it. `kind` is what the service's code means.
    fn meaning(self, kind: Kind, application: &str) -> (Kind, String) {
        let to_start = || {
            format!(
                "Start application {application} (aws emr-serverless start-application --application-id {application}), or \
                 switch its auto-start on (AutoStartConfiguration), which starts it whenever a job is submitted."
            )
        };
        match self {
            Self::Unknown => (
                Kind::Rejected,
                format!(
                    "Application {application} does not exist (any more) in this account and region. Give the ApplicationId \
                     of one that does: aws emr-serverless list-applications shows them."
                ),
            ),
            Self::Terminated => (
                Kind::Rejected,
                format!("Application {application} was deleted for good: give the ApplicationId of another."),
            ),
            Self::Stopped => (Kind::Rejected, to_start()),
            Self::Changing => (Kind::Unavailable, "Try again when the application has come to rest.".to_owned()),
            Self::Untold => (kind, to_start()),
            Self::Full => (
                Kind::Unavailable,
                "Raise the quota in the console of Service Quotas (service: EMR Serverless), raise the application's \
                 maximumCapacity where that is what is exceeded, or try again when other jobs have ended."
                    .to_owned(),
            ),
        }
    }
}

/// Only an application that is started
/// [takes jobs](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/applications.html#application-states), unless
/// it starts itself for one.
fn unfit(error: &AwsError) -> Option<Unfit> {
    match error.code.as_str() {
        NOT_FOUND => Some(Unfit::Unknown),
        QUOTA => Some(Unfit::Full),
        INVALID | CONFLICT if error.says(&["application"]) => {
            let told = without_lists(&error.failed.said);
            let is_told =
                |states: &[&str]| told.split(|c: char| !c.is_alphanumeric()).any(|word| states.contains(&word));
            if is_told(&["CREATING", "STARTING", "STOPPING"]) {
                Some(Unfit::Changing)
            } else if is_told(&["TERMINATED", "terminated"]) {
                Some(Unfit::Terminated)
            } else if is_told(&["CREATED", "STOPPED", "stopped"]) {
                Some(Unfit::Stopped)
            } else {
                error.says(&["one of the following statuses", "auto-start", "autostart"]).then_some(Unfit::Untold)
            }
        }
        _ => None,
    }
}

/// `said` without what stands in brackets: of the service's other operations it is known that they
/// [list the states that would do](https://github.com/gchq/sleeper/issues/1212) so.
fn without_lists(said: &str) -> String {
    said.split('[')
        .enumerate()
        .map(|(n, part)| if n == 0 { part } else { part.split_once(']').map_or("", |(_, rest)| rest) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::answer::Failed;

    fn error(code: &str, message: &str) -> AwsError {
        let kind = match code {
            CONFLICT | QUOTA => Kind::Unavailable,
            "AccessDeniedException" => Kind::Denied,
            _ => Kind::Rejected,
        };
        AwsError { failed: Failed::new(kind, format!("{code}: {message}")), code: code.to_owned() }
    }

    fn told(code: &str, message: &str) -> Trouble {
        of_start(error(code, message), "00f1", "submit the job".to_owned())
    }

    #[test]
    fn what_an_application_lacks_is_told_with_advice() {
        for (code, message, kind, advice) in [
            (NOT_FOUND, "Application 00f1 does not exist", Kind::Rejected, "Give the ApplicationId of one"),
            (INVALID, "Application 00f1 is in state TERMINATED.", Kind::Rejected, "was deleted for good"),
            (CONFLICT, "Application is TERMINATED, not in [CREATED, STARTED]", Kind::Rejected, "was deleted for good"),
            (INVALID, "Application 00f1 is STOPPED.", Kind::Rejected, "Start application 00f1"),
            (
                CONFLICT,
                "Application must be in one of the following statuses [STARTED]. Current status: CREATED",
                Kind::Rejected,
                "switch its auto-start on",
            ),
            (INVALID, "Application 00f1 is STOPPING, not [STOPPED]", Kind::Unavailable, "Try again"),
            (INVALID, "Applications must be in one of the following statuses: [STARTED]", Kind::Rejected, "Start"),
            (CONFLICT, "Applications must be in one of the following statuses: [STARTED", Kind::Unavailable, "Start"),
            (QUOTA, "Max concurrent vCPUs per account exceeded", Kind::Unavailable, "Service Quotas"),
        ] {
            let trouble = told(code, message);
            assert_eq!((trouble.kind, trouble.said), (kind, format!("{code}: {message}")), "{message}");
            assert!(trouble.advice.contains(advice), "{message}: {}", trouble.advice);
        }
    }

    #[test]
    fn a_role_of_another_account_is_told_from_a_permission_that_is_missing() {
        let foreign = told("AccessDeniedException", "Cross-account pass role is not allowed.");
        assert_eq!(foreign.kind, Kind::Rejected);
        assert!(foreign.advice.starts_with("Give as ExecutionRoleArn a role of the account"), "{}", foreign.advice);
        let denied =
            told("AccessDeniedException", "User: u is not authorized to perform: iam:PassRole on resource: arn:aws:r");
        assert_eq!(denied.kind, Kind::Denied);
        assert!(denied.advice.starts_with("Allow iam:PassRole on arn:aws:r"), "{}", denied.advice);
    }

    #[test]
    fn other_words_are_kept_and_mean_what_their_code_means() {
        for (code, message, kind) in [
            (INVALID, "1 validation error detected: Value at 'name' failed to satisfy constraint", Kind::Rejected),
            (INVALID, "Worker cpu must not exceed the application's limit", Kind::Rejected),
            (INVALID, "applicationConfiguration: the key starting with spark is not one of [STOPPED]", Kind::Rejected),
            (CONFLICT, "Request conflicts with another one", Kind::Unavailable),
        ] {
            let trouble = told(code, message);
            assert_eq!((trouble.kind, trouble.said), (kind, format!("{code}: {message}")));
            assert!(!trouble.advice.contains("pplication 00f1 "), "{}", trouble.advice);
        }
    }

    #[test]
    fn a_run_that_went_with_its_application_is_told_from_one_that_is_not_known() {
        for (code, message, place_gone) in [
            (NOT_FOUND, "Application 00f1 does not exist", Some(true)),
            (INVALID, "Application 00f1 is in state TERMINATED", Some(true)),
            (NOT_FOUND, "Job run 00f2 does not exist", Some(false)),
            (NOT_FOUND, "JobRun 00f2 does not exist in application 00f1", Some(false)),
            (NOT_FOUND, "Resource arn:aws:emr-serverless:::/applications/00f1/jobruns/00f2 not found", Some(false)),
            (NOT_FOUND, "", Some(false)),
            (INVALID, "Application 00f1 is STOPPED", None),
            ("AccessDeniedException", "Application 00f1 was not found or is denied", None),
        ] {
            assert_eq!(status(&error(code, message)).map(|status| status.place_gone), place_gone, "{message}");
        }
    }

    #[test]
    fn only_what_is_said_to_be_gone_is_gone() {
        assert!(is_gone(&error(NOT_FOUND, "Job run 00f2 does not exist")));
        assert!(is_gone(&error(INVALID, "Application 00f1 is in state TERMINATED")));
        for (code, message) in [
            (INVALID, "Job run is not in a cancellable state"),
            (INVALID, "Value at 'jobRunId' failed to satisfy constraint"),
            ("AccessDeniedException", "the resource was not found or is denied"),
            ("", "HTTP 404"),
        ] {
            assert!(!is_gone(&error(code, message)), "{message}");
        }
    }
}
