//! What a job run's state means.

use aws_sdk_emrcontainers::types::{FailureReason, JobRun, JobRunState};

use crate::engine::text::{clip, line};
use crate::engine::{MAX_REASON, MAX_WORD, aws, phase_or_still_going};
use crate::job::{Phase, Status};

/// The published states of what is alive.
pub const LIVE: [JobRunState; 4] =
    [JobRunState::Pending, JobRunState::Submitted, JobRunState::Running, JobRunState::CancelPending];

/// The most that is kept of the service's details, in characters, so that what to do about them has room.
const MAX_DETAILS: usize = 300;

/// What the service tells of a job run.
pub fn of(found: &JobRun) -> Status {
    let word = clip(state(found), MAX_WORD).into_owned();
    Status {
        phase: phase_or_still_going(phase(&word), "EMR on EKS", found.id().unwrap_or_default(), &word),
        word,
        reason: reason(found),
        name: found.name().map(|name| clip(name, MAX_WORD).into_owned()),
        application: None,
        created: aws::moment(found.created_at()),
        silent: false,
        ended: None,
        place_gone: false,
    }
}

fn state(found: &JobRun) -> &str {
    found.state().map_or("", JobRunState::as_str)
}

/// Every [state of a job run](https://docs.aws.amazon.com/emr/latest/EMR-on-EKS-DevelopmentGuide/emr-eks-jobs-states.html);
/// none for any other word.
fn phase(word: &str) -> Option<Phase> {
    Some(match word {
        "PENDING" | "SUBMITTED" => Phase::Waiting,
        "RUNNING" => Phase::Running,
        "CANCEL_PENDING" => Phase::Ending,
        "COMPLETED" => Phase::Succeeded,
        "FAILED" => Phase::Failed,
        "CANCELLED" => Phase::Cancelled,
        _ => return None,
    })
}

/// Why it is in its state, as the service explains it, and what to do where that is known.
fn reason(found: &JobRun) -> String {
    let details = found.state_details().unwrap_or_default();
    let class = found.failure_reason().map_or("", FailureReason::as_str);
    let told = [clip(class, MAX_WORD).into_owned(), line(details, MAX_DETAILS)];
    let told: Vec<&str> = told.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    let told = told.join(": ");
    match remedy(details) {
        Some(remedy) => clip(&format!("{}. {remedy}", told.trim_end_matches('.')), MAX_REASON).into_owned(),
        None => told,
    }
}

/// What to do about failures that lie outside of the job, by the words in which the service tells them.
fn remedy(details: &str) -> Option<&'static str> {
    const REMEDIES: [(&str, &str); 4] = [
        // https://docs.aws.amazon.com/emr/latest/EMR-on-EKS-DevelopmentGuide/iam-execution-role.html
        (
            "AssumeRoleWithWebIdentity",
            "The execution role must trust the job's service account: aws emr-containers update-role-trust-policy \
             --cluster-name EKS_CLUSTER --namespace NAMESPACE --role-name ROLE",
        ),
        (
            "sufficient permissions",
            "Give EMR access to the namespace: \
             https://docs.aws.amazon.com/emr/latest/EMR-on-EKS-DevelopmentGuide/setting-up.html",
        ),
        ("sufficient resources", "Add nodes to the EKS cluster, or let it scale by itself"),
        // https://docs.aws.amazon.com/emr/latest/EMR-on-EKS-DevelopmentGuide/emr-eks-jobs-error.html
        (
            "cluster timeout",
            "It found no room for 15 minutes: add nodes, or give ConfigurationOverrides a classification \
             emr-containers-defaults with a longer job-start-timeout, in seconds",
        ),
    ];
    let details = details.to_lowercase();
    REMEDIES.iter().find(|(words, _)| details.contains(&words.to_lowercase())).map(|(_, remedy)| *remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(state: &str) -> JobRun {
        JobRun::builder().id("1").state(state.into()).build()
    }

    fn failed(reason: &str, details: &str) -> JobRun {
        JobRun::builder().state(JobRunState::Failed).failure_reason(reason.into()).state_details(details).build()
    }

    #[test]
    fn every_word_has_its_phase() {
        let phases = [
            ("PENDING", Phase::Waiting),
            ("SUBMITTED", Phase::Waiting),
            ("RUNNING", Phase::Running),
            ("CANCEL_PENDING", Phase::Ending),
            ("COMPLETED", Phase::Succeeded),
            ("FAILED", Phase::Failed),
            ("CANCELLED", Phase::Cancelled),
            ("completed", Phase::Waiting),
            ("PONDERING", Phase::Waiting),
            ("", Phase::Waiting),
        ];
        for (word, phase) in phases {
            let status = of(&job(word));
            assert_eq!((status.phase, status.word.as_str(), status.silent), (phase, word, false));
        }
        assert_eq!(of(&JobRun::builder().build()).phase, Phase::Waiting);
    }

    #[test]
    fn every_published_word_is_in_the_table_and_the_live_ones_are_listed() {
        for word in JobRunState::values() {
            let phase = phase(word).expect("a published word");
            assert_eq!(LIVE.contains(&(*word).into()), !phase.is_over(), "{word}");
        }
    }

    #[test]
    fn a_failure_tells_its_class_and_its_details() {
        let told = |class: &str, details: &str| of(&failed(class, details)).reason;
        assert_eq!(told("USER_ERROR", "JobRun failed.\n Exit code 1."), "USER_ERROR: JobRun failed. Exit code 1.");
        let unknown = "JobRun submission failed. Classification x not supported.";
        assert_eq!(told("VALIDATION_ERROR", unknown), format!("VALIDATION_ERROR: {unknown}"));
        assert_eq!(told("SOMETHING_NEW", ""), "SOMETHING_NEW");
        assert_eq!(of(&job("RUNNING")).reason, "");
    }

    #[test]
    fn a_failure_outside_of_the_job_tells_what_to_do() {
        let denied = "Not authorized to perform sts:AssumeRoleWithWebIdentity (Service: Sts, Status Code: 403)";
        for (class, details, remedy) in [
            ("USER_ERROR", denied, "aws emr-containers update-role-trust-policy --cluster-name"),
            ("CLUSTER_UNAVAILABLE", "Cluster c does not have sufficient permissions.", "Give EMR access"),
            ("USER_ERROR", "Cluster c does not have sufficient resources.", "Add nodes"),
            ("USER_ERROR", "cluster timeout", "job-start-timeout"),
        ] {
            let reason = of(&failed(class, details)).reason;
            let told = format!("{class}: {}. ", details.trim_end_matches('.'));
            assert!(reason.starts_with(&told) && reason.contains(remedy), "{reason}");
        }
    }

    #[test]
    fn texts_of_any_length_are_kept_within_bounds() {
        let long = "\u{e9}".repeat(1 << 16);
        let mut job = failed(&long, &format!("cluster timeout {long}"));
        (job.state, job.name) = (Some(long.as_str().into()), Some(long));
        let Status { phase, word, reason, name, .. } = of(&job);
        assert_eq!((phase, word.chars().count()), (Phase::Waiting, 64));
        assert!(reason.chars().count() <= MAX_REASON && reason.ends_with("in seconds"), "{reason}");
        assert_eq!(name.expect("a name").chars().count(), 64);
    }
}
