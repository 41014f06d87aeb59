//! What a job run's state means.

use aws_sdk_emrserverless::primitives::DateTime;
use aws_sdk_emrserverless::types::{JobRun, JobRunState, JobRunSummary};

use crate::engine::text::{clip, line};
use crate::engine::{MAX_REASON, MAX_WORD, aws, phase_or_still_going, tells_of_trust};
use crate::job::{Phase, Status};

/// The published states of what is alive.
pub const LIVE: [JobRunState; 6] = [
    JobRunState::Submitted,
    JobRunState::Queued,
    JobRunState::Pending,
    JobRunState::Scheduled,
    JobRunState::Running,
    JobRunState::Cancelling,
];

/// The longest name that the service takes.
const MAX_NAME: usize = 256;

/// What to do where the service may not take on the execution role: it has to be
/// [the one that the role trusts](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/getting-started.html#gs-runtime-role).
const TRUST: &str = "The trust policy of the execution role (ExecutionRoleArn) must allow sts:AssumeRole to the service \
                     emr-serverless.amazonaws.com, with conditions, if any, that hold for this application";

/// What the service tells of a job run.
pub fn of(found: &JobRun) -> Status {
    Told {
        id: &found.job_run_id,
        word: found.state.as_str(),
        details: &found.state_details,
        name: found.name.as_deref(),
        created: found.created_at,
        attempt: found.attempt,
    }
    .status()
}

/// The same of one in a list.
pub fn of_row(row: &JobRunSummary) -> Status {
    Told {
        id: &row.id,
        word: row.state.as_str(),
        details: &row.state_details,
        name: row.name.as_deref(),
        created: row.created_at,
        attempt: row.attempt,
    }
    .status()
}

/// What both ways to look at a job run tell. Neither tells the Spark application's id.
struct Told<'a> {
    id: &'a str,
    word: &'a str,
    details: &'a str,
    name: Option<&'a str>,
    created: DateTime,
    attempt: Option<i32>,
}

impl Told<'_> {
    fn status(&self) -> Status {
        let word = clip(self.word, MAX_WORD).into_owned();
        Status {
            phase: phase_or_still_going(phase(&word), "EMR Serverless", self.id, &word),
            reason: self.reason(),
            word,
            name: self.name.map(|name| clip(name, MAX_NAME).into_owned()),
            application: None,
            created: aws::moment(Some(&self.created)),
            silent: false,
            ended: None,
            place_gone: false,
        }
    }

    fn reason(&self) -> String {
        let details = line(self.details, MAX_REASON);
        // Where there is nothing to say, the service repeats the state.
        let details = if details.eq_ignore_ascii_case(self.word) { "" } else { &details };
        let reason = match self.attempt {
            Some(attempt) if attempt > 1 && details.is_empty() => format!("It is attempt {attempt}"),
            Some(attempt) if attempt > 1 => format!("It is attempt {attempt}: {details}"),
            _ => details.to_owned(),
        };
        if !self.is_untrusted() {
            return clip(&reason, MAX_REASON).into_owned();
        }
        format!("{}. {TRUST}", clip(reason.trim_end_matches('.'), MAX_REASON - TRUST.len() - 2))
    }

    /// Whether the service could not take on the execution role. A job that is denied another role is one that has taken on
    /// its own: then that is who was denied.
    fn is_untrusted(&self) -> bool {
        self.word == "FAILED" && tells_of_trust(self.details) && !self.details.contains(":assumed-role/")
    }
}

/// Every [state of a job run](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/job-states.html); none for any
/// other word.
fn phase(word: &str) -> Option<Phase> {
    Some(match word {
        "SUBMITTED" | "QUEUED" | "PENDING" | "SCHEDULED" => Phase::Waiting,
        "RUNNING" => Phase::Running,
        "CANCELLING" => Phase::Ending,
        "SUCCESS" => Phase::Succeeded,
        "FAILED" => Phase::Failed,
        "CANCELLED" => Phase::Cancelled,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Timestamp;

    fn told<'a>(word: &'a str, details: &'a str, attempt: Option<i32>) -> Told<'a> {
        Told { id: "00f2", word, details, name: Some("pi"), created: DateTime::from_millis(1_500), attempt }
    }

    #[test]
    fn every_word_has_its_phase() {
        let phases = [
            ("SUBMITTED", Phase::Waiting),
            ("QUEUED", Phase::Waiting),
            ("PENDING", Phase::Waiting),
            ("SCHEDULED", Phase::Waiting),
            ("RUNNING", Phase::Running),
            ("CANCELLING", Phase::Ending),
            ("SUCCESS", Phase::Succeeded),
            ("FAILED", Phase::Failed),
            ("CANCELLED", Phase::Cancelled),
            ("success", Phase::Waiting),
            ("PONDERING", Phase::Waiting),
            ("", Phase::Waiting),
        ];
        for (word, phase) in phases {
            let status = told(word, "", None).status();
            assert_eq!((status.phase, status.word.as_str(), status.silent), (phase, word, false));
        }
    }

    #[test]
    fn every_published_word_is_in_the_table_and_the_live_ones_are_listed() {
        // Those of the SDK, so that a newer one tells of a newer word.
        for word in JobRunState::values() {
            let phase = phase(word).expect("a published word");
            assert_eq!(LIVE.contains(&(*word).into()), !phase.is_over(), "{word}");
        }
    }

    #[test]
    fn the_reason_is_what_the_service_says_beyond_the_state() {
        let reason = |details, attempt| told("FAILED", details, attempt).status().reason;
        assert_eq!(reason("Failed", None), "");
        assert_eq!(reason(" Job failed.\n ExitCode: 1. ", Some(1)), "Job failed. ExitCode: 1.");
        assert_eq!(reason("Job failed.", Some(3)), "It is attempt 3: Job failed.");
        assert_eq!(reason("", Some(2)), "It is attempt 2");
    }

    #[test]
    fn a_role_that_does_not_trust_the_service_is_told_with_what_to_do() {
        let reason = |word, details| told(word, details, None).status().reason;
        let long = "sts:AssumeRole \u{e9}".repeat(1 << 10);
        for details in [
            "AccessDenied: emr-serverless is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/job.",
            "Could not assume runtime role arn:aws:iam::1:role/job. Check its trust relationship",
            long.as_str(),
        ] {
            let reason = reason("FAILED", details);
            assert!(reason.ends_with(&format!(". {TRUST}")) && reason.chars().count() <= MAX_REASON, "{reason}");
            assert!(reason.starts_with(&details[..20]), "{reason}");
        }
        for (word, details) in [
            ("FAILED", "User: arn:aws:sts::1:assumed-role/job/x is not authorized to perform: sts:AssumeRole on y"),
            ("FAILED", "User: arn:aws:sts::1:assumed-role/job/x is not authorized to perform: s3:GetObject"),
            ("RUNNING", "It will assume role job"),
            ("FAILED", "ExitCode: 1"),
        ] {
            assert_eq!(reason(word, details), details);
        }
    }

    #[test]
    fn name_and_time_are_kept_where_they_are_told() {
        let status = told("RUNNING", "", None).status();
        assert_eq!((status.name.as_deref(), status.created), (Some("pi"), Some(Timestamp(1_500))));
        let untold = Told { name: None, created: DateTime::from_secs(0), ..told("RUNNING", "", None) };
        assert_eq!((untold.status().name, untold.status().created), (None, None));
    }

    #[test]
    fn text_of_any_length_is_kept_within_bounds() {
        let long = "\u{e9}".repeat(1 << 16);
        let status = Told { name: Some(&long), ..told(&long, "", None) }.status();
        assert_eq!((status.phase, status.word), (Phase::Waiting, "\u{e9}".repeat(63) + "…"));
        assert_eq!(status.name.map(|name| name.chars().count()), Some(256));
        assert_eq!(told("FAILED", &long, None).status().reason.chars().count(), 600);
    }
}
