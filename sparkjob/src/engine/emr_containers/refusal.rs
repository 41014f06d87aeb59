//! What the service means when it refuses.
//!
//! Its words are those of the [common errors](https://docs.aws.amazon.com/emr/latest/EMR-on-EKS-DevelopmentGuide/emr-eks-jobs-error.html).
//! What it does not know is an error of status 400, as is what was asked wrongly; and `CancelJobRun` and `ListJobRuns`
//! publish no code for it, so there the words have to tell.

use crate::engine::aws::AwsError;
use crate::engine::{Kind, Trouble};
use crate::job::Status;

const NOT_FOUND: &str = "ResourceNotFoundException";
const INVALID: &str = "ValidationException";

/// Whether the service does not know (any more) what it was asked for, or that is over for good.
pub fn is_gone(error: &AwsError) -> bool {
    error.code == NOT_FOUND || is_of_terminated_cluster(error)
}

/// How a job run is that the service refuses to tell of; none where its refusal does not tell, either.
pub fn status(error: &AwsError) -> Option<Status> {
    let is_of_place =
        is_of_terminated_cluster(error) || (error.says(&["virtual cluster"]) && !error.says(&["job run", "jobrun"]));
    is_gone(error).then(|| if is_of_place { Status::gone_with_place() } else { Status::gone() })
}

/// Whether there is no list for there is no virtual cluster: no job can run there.
pub fn has_no_list(error: &AwsError) -> bool {
    is_gone(error) || says(error, &["doesn't exist", "does not exist", "not found"])
}

/// Whether a cancellation was refused for there is nothing alive that could be cancelled.
pub fn leaves_nothing_to_cancel(error: &AwsError) -> bool {
    has_no_list(error) || says(error, &["not in a cancellable state"])
}

/// Whether a submission may have been refused for there is no room in a queue: neither was it asked for wrongly for all that
/// its words tell, nor is its virtual cluster in no state to take it.
pub fn may_be_of_a_full_queue(error: &AwsError) -> bool {
    error.code == INVALID && !error.says(&["virtual cluster state", "validation error"])
}

/// A submission that failed, told for people.
pub fn of_start(error: AwsError, cluster: &str, doing: String) -> Trouble {
    let is_denied = error.failed.kind == Kind::Denied && error.knows_the_caller();
    let advice = advice_on_start(&error, cluster);
    let trouble = error.while_doing(doing, "emr-containers:StartJobRun", &format!("virtual cluster {cluster}"));
    match advice {
        Some(advice) => Trouble { advice, ..trouble },
        None if is_denied => {
            let advice = format!(
                "{} The service answers so, too, where the execution role is missing, is of another account, or is none \
                 that the submitter may use (the condition emr-containers:ExecutionRoleArn of its policy).",
                trouble.advice
            );
            Trouble { advice, ..trouble }
        }
        None => trouble,
    }
}

/// What to do about it, where that is known.
fn advice_on_start(error: &AwsError, cluster: &str) -> Option<String> {
    match error.code.as_str() {
        NOT_FOUND if error.says(&["job template", "jobtemplate"]) => Some(
            "Give the JobTemplateId of a job template that is there, in this account and region: \
             aws emr-containers list-job-templates shows them."
                .to_owned(),
        ),
        NOT_FOUND if error.says(&["release"]) => Some(
            "Give a ReleaseLabel that EMR on EKS has: \
             https://docs.aws.amazon.com/emr/latest/EMR-on-EKS-DevelopmentGuide/emr-eks-releases.html lists them."
                .to_owned(),
        ),
        NOT_FOUND => Some(format!(
            "Virtual cluster {cluster} does not exist (any more) in this account and region. Give the VirtualClusterId of \
             one that does: aws emr-containers list-virtual-clusters --states RUNNING shows them."
        )),
        INVALID if error.failed.kind == Kind::Busy => Some(format!(
            "The queue of virtual cluster {cluster} is full: have fewer jobs at a time, or raise maxInQueueJobRuns of its \
             scheduler configuration. aws emr-containers describe-virtual-cluster --id {cluster} shows both."
        )),
        INVALID if error.failed.kind == Kind::Unavailable => Some(format!(
            "If this is about the queue of virtual cluster {cluster}, raise maxInQueueJobRuns of its scheduler configuration; \
             else correct what is refused."
        )),
        INVALID if error.says(&["virtual cluster state"]) => Some(format!(
            "A virtual cluster takes jobs only while it is RUNNING: aws emr-containers describe-virtual-cluster --id \
             {cluster} tells its state; one that is being deleted has to be made anew."
        )),
        _ => None,
    }
}

/// `Virtual cluster state TERMINATED is not valid to ...`. One that is ARRESTED is out of the service's reach for now, and
/// one that is TERMINATING may still run what is to be over.
fn is_of_terminated_cluster(error: &AwsError) -> bool {
    says(error, &["virtual cluster state terminated "])
}

/// Whether the service refuses in one of these words.
fn says(error: &AwsError, words: &[&str]) -> bool {
    error.code == INVALID && error.says(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::answer::Failed;
    use crate::job::Phase;

    fn error(code: &str, message: &str) -> AwsError {
        let kind = if code == "AccessDeniedException" { Kind::Denied } else { Kind::Rejected };
        AwsError { failed: Failed::new(kind, format!("{code}: {message}")), code: code.to_owned() }
    }

    #[test]
    fn what_a_refusal_leaves_behind_is_told_by_its_code_and_its_words() {
        for (code, message, unknown, no_list, nothing_to_cancel) in [
            (NOT_FOUND, "Virtual cluster a doesn't exist.", true, true, true),
            (NOT_FOUND, "", true, true, true),
            (INVALID, "Virtual cluster a doesn't exist.", false, true, true),
            (INVALID, "Job run b does not exist", false, true, true),
            (INVALID, "Job run b is not in a cancellable state", false, false, true),
            (INVALID, "Virtual cluster state TERMINATED is not valid to cancel JobRun.", true, true, true),
            (INVALID, "Virtual cluster state TERMINATING is not valid to cancel JobRun.", false, false, false),
            (INVALID, "Virtual cluster state ARRESTED is not valid to cancel JobRun.", false, false, false),
            (INVALID, "1 validation error detected", false, false, false),
            ("", "the page was not found", false, false, false),
            ("AccessDeniedException", "not in a cancellable state", false, false, false),
        ] {
            let error = error(code, message);
            assert_eq!(is_gone(&error), unknown, "{error:?}");
            assert_eq!(has_no_list(&error), no_list, "{error:?}");
            assert_eq!(leaves_nothing_to_cancel(&error), nothing_to_cancel, "{error:?}");
        }
    }

    #[test]
    fn a_run_that_went_with_its_virtual_cluster_is_told_from_one_that_is_not_known() {
        let gone = (Some(Phase::Gone), false);
        for (code, message, told) in [
            (NOT_FOUND, "Virtual cluster a doesn't exist.", (Some(Phase::Gone), true)),
            (
                INVALID,
                "Virtual cluster state TERMINATED is not valid to use resource JobRun.",
                (Some(Phase::Gone), true),
            ),
            (NOT_FOUND, "Job run b doesn't exist.", gone),
            (NOT_FOUND, "JobRun b doesn't exist in virtual cluster a.", gone),
            (NOT_FOUND, "", gone),
            (INVALID, "Virtual cluster state ARRESTED is not valid to use resource JobRun.", (None, false)),
            ("AccessDeniedException", "Virtual cluster a is not yours", (None, false)),
        ] {
            let status = status(&error(code, message));
            assert_eq!(
                (status.as_ref().map(|status| status.phase), status.is_some_and(|status| status.place_gone)),
                told
            );
        }
    }

    #[test]
    fn every_published_refusal_of_a_start_says_what_to_do() {
        for (code, message, advice) in [
            (NOT_FOUND, "Virtual cluster vc1 doesn't exist.", "Virtual cluster vc1 does not exist (any more)"),
            (NOT_FOUND, "", "Virtual cluster vc1 does not exist (any more)"),
            (NOT_FOUND, "Release emr-9.9.9-latest doesn't exist.", "Give a ReleaseLabel that EMR on EKS has"),
            (NOT_FOUND, "Job template t1 doesn't exist.", "Give the JobTemplateId of a job template"),
            (
                INVALID,
                "Virtual cluster state TERMINATED is not valid to create resource JobRun.",
                "while it is RUNNING",
            ),
            ("AccessDeniedException", "User: u is not authorized", "emr-containers:ExecutionRoleArn"),
        ] {
            let trouble = of_start(error(code, message), "vc1", "submit".to_owned());
            assert!(trouble.advice.contains(advice), "{trouble:?}");
            assert!(trouble.said.contains(message), "{trouble:?}");
        }
        let denied = of_start(error("AccessDeniedException", ""), "vc1", "submit".to_owned());
        assert!(denied.advice.starts_with("Allow emr-containers:StartJobRun on virtual cluster vc1 to"), "{denied:?}");
        assert_eq!(of_start(error(INVALID, "no"), "vc1", "submit".to_owned()).advice, "");
    }
}
