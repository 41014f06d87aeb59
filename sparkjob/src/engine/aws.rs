//! What a service of AWS answered, or did not, and what that means: the one place that knows its errors.

use aws_sdk_emr::config::http::HttpResponse;
use aws_sdk_emr::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_emr::primitives::DateTime;

pub use super::answer::{Asked, Failed};
use super::answer::{kind_of_loss, undecided};
use super::text::line;
use super::{Kind, Trouble};
use crate::http::Lost;
use crate::job::Timestamp;

/// The longest quotation of what a service said, in characters.
const MAX_QUOTE: usize = 600;

/// Codes with which AWS says that a caller asks too often:
/// [common errors](https://docs.aws.amazon.com/emr/latest/APIReference/CommonErrors.html), and those that the SDKs know.
const THROTTLED: [&str; 7] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
];

/// Codes with which AWS says that a caller may not do this.
const FORBIDDEN: [&str; 4] = ["AccessDenied", "AccessDeniedException", "NotAuthorized", "KmsAccessDeniedException"];

/// Codes with which AWS says that it cannot tell who calls.
const UNKNOWN_CALLER: [&str; 12] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    UNSENT,
];

/// Codes of status 400 with which AWS says that it went wrong on its side, or on the way: whether it had an effect is not known.
/// [`RequestAbortedException`] is one of the errors common to all services.
///
/// [`RequestAbortedException`]: https://docs.aws.amazon.com/awsconsolehelpdocs/latest/gsg/common-errors.html
const BROKEN: [&str; 4] =
    ["InternalServerError", "InternalServerException", "RequestAborted", "RequestAbortedException"];

/// Our own code for a call that was not even sent: there are no credentials to sign it with, or no region to send it to.
const UNSENT: &str = "NotSent";

/// An error of a service's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    /// What it means.
    pub failed: Failed,
    /// The service's own code for it, such as `ResourceNotFoundException`; empty where it gave none.
    pub code: String,
}

impl AwsError {
    /// The same, of a call that shows that there is no such place.
    #[must_use]
    pub fn of_absence(mut self) -> Self {
        self.failed.kind = Kind::Absent;
        self
    }

    /// An answer that is of no use, in whatever words.
    pub fn unavailable(said: impl Into<String>) -> Self {
        Self { failed: Failed::unavailable(said), code: String::new() }
    }

    /// Whether the service knows who asks.
    pub fn knows_the_caller(&self) -> bool {
        !UNKNOWN_CALLER.contains(&&*self.code)
    }

    /// Whether the service's words have one of these in them, all in lower case.
    pub fn says(&self, words: &[&str]) -> bool {
        let said = self.failed.said.to_lowercase();
        words.iter().any(|words| said.contains(words))
    }

    /// The same, told for people. `permission` is the IAM action that the call needs, `resource` what it needs it on, where
    /// the service itself does not tell.
    pub fn while_doing(self, doing: impl Into<String>, permission: &str, resource: &str) -> Trouble {
        let advice = match self.failed.kind {
            Kind::Denied if !self.knows_the_caller() => {
                "Check the credentials, the region and the clock of the submitter.".to_owned()
            }
            Kind::Denied => {
                let (denied, on) = denied(&self.failed.said).unwrap_or((permission, None));
                format!(
                    "Allow {denied} on {} to the role of the submitter: the parameters of its template do so, unless a policy \
                     of the organisation or a permissions boundary forbids it.",
                    on.unwrap_or(resource)
                )
            }
            Kind::Busy | Kind::Unavailable | Kind::Unclear => format!(
                "Try again when {} answers; where the submitter is in a VPC, see that it has a way there (a VPC endpoint \
                 or NAT).",
                permission.split(':').next().unwrap_or_default()
            ),
            Kind::Rejected | Kind::Absent | Kind::Taken | Kind::Futile => String::new(),
        };
        Trouble { advice, ..self.failed.while_doing(doing) }
    }
}

/// The action that IAM denied, and on what, from `... is not authorized to perform: iam:PassRole on resource: ...`; none
/// where that was cut off.
fn denied(said: &str) -> Option<(&str, Option<&str>)> {
    let (_, rest) = said.split_once("not authorized to perform: ")?;
    let mut words = rest.split(' ').map(|word| word.trim_end_matches(['.', ',']));
    let action = words.next().filter(|action| {
        action.contains(':') && action.chars().all(|c| c.is_ascii_alphanumeric() || c == ':' || c == '-')
    })?;
    let on = match (words.next(), words.next(), words.next()) {
        (Some("on"), Some("resource:"), Some(arn)) if arn.starts_with("arn:") && !arn.ends_with('\u{2026}') => {
            Some(arn)
        }
        _ => None,
    };
    Some((action, on))
}

/// What it means that a call failed.
///
/// The SDK's own texts show requests and answers whole, with whatever secrets a job's description holds: nothing is quoted
/// of what is no message of the service's.
pub fn error<E>(asked: Asked, error: &SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let without_code = |kind, said: String| AwsError { failed: Failed::new(kind, said), code: String::new() };
    if let Some(lost) = lost(error) {
        return without_code(kind_of_loss(asked, lost), lost.to_string());
    }
    let Some(status) = error.raw_response().map(|response| response.status().as_u16()) else {
        return match error {
            SdkError::TimeoutError(_) => without_code(undecided(asked), Lost::TimedOut.to_string()),
            // All that goes wrong on the way is `Lost`.
            _ => AwsError { failed: Failed::new(Kind::Denied, unsent(error)), code: UNSENT.to_owned() },
        };
    };
    if (200..300).contains(&status) {
        return without_code(undecided(asked), format!("HTTP {status} with an answer that is not the service's"));
    }
    let code = error.code().unwrap_or_default().to_owned();
    let message = error.message().map(without_request).filter(|message| !message.is_empty());
    let said = match message {
        Some(message) if !code.is_empty() => format!("{code}: {message}"),
        Some(message) => format!("HTTP {status}: {message}"),
        None if !code.is_empty() => format!("HTTP {status}, {code}"),
        None => format!("HTTP {status}"),
    };
    AwsError { failed: Failed::new(kind_of(asked, status, &code), line(&said, MAX_QUOTE)), code }
}

/// What a service says, without the request: who refuses a signature [repeats][signing] what should have been signed, and in
/// that the token of the session.
///
/// [signing]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
fn without_request(message: &str) -> &str {
    message.split("The Canonical String for this request").next().unwrap_or_default().trim()
}

/// Why a call was not sent: nothing has been made of it yet that could be a secret.
fn unsent(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    line(&format!("the call could not be made: {}", causes.join(": ")), MAX_QUOTE / 2)
}

/// A moment that a service tells; none before 1970, and none for 1970 itself, which the SDK makes of one that is missing.
pub fn moment(at: Option<&DateTime>) -> Option<Timestamp> {
    let millis = u64::try_from(at?.to_millis().ok()?).ok()?;
    (millis > 0).then_some(Timestamp(millis))
}

/// What a status and a code mean.
fn kind_of(asked: Asked, status: u16, code: &str) -> Kind {
    match status {
        _ if THROTTLED.contains(&code) => Kind::Busy,
        _ if FORBIDDEN.contains(&code) || UNKNOWN_CALLER.contains(&code) => Kind::Denied,
        429 => Kind::Busy,
        401 | 403 => Kind::Denied,
        // A quota (402) may have room again soon, and what conflicts with a state (409) that is changing passes, too.
        402 | 409 => Kind::Unavailable,
        408 => undecided(asked),
        400..=499 if BROKEN.contains(&code) => undecided(asked),
        300..=499 => Kind::Rejected,
        _ => undecided(asked),
    }
}

/// What the port said, where it brought no answer.
pub fn lost<E: std::error::Error + 'static>(error: &SdkError<E, HttpResponse>) -> Option<&Lost> {
    std::iter::successors(std::error::Error::source(error), |&cause| cause.source())
        .find_map(|cause| cause.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_denied_is_what_is_to_be_allowed() {
        let denied = |code: &str, said: &str| {
            let error = AwsError { failed: Failed::new(Kind::Denied, said), code: code.to_owned() };
            error.while_doing("submit", "emr-serverless:StartJobRun", "application 00f1").advice
        };
        let role = "arn:aws:iam::123456789012:role/job";
        let user = "AccessDeniedException: User: arn is not authorized to perform";
        for (said, allow) in [
            (
                format!("{user}: iam:PassRole on resource: {role} because no"),
                format!("Allow iam:PassRole on {role} to"),
            ),
            (format!("{user}: iam:PassRole on resource: {role}."), format!("Allow iam:PassRole on {role} to")),
            (
                format!("{user}: iam:PassRole on resource: {role}\u{2026}"),
                "Allow iam:PassRole on application".to_owned(),
            ),
            (format!("{user}: a:TagResource"), "Allow a:TagResource on application 00f1 to".to_owned()),
            ("Access denied".to_owned(), "Allow emr-serverless:StartJobRun on application 00f1 to".to_owned()),
        ] {
            let advice = denied("AccessDeniedException", &said);
            assert!(advice.starts_with(&allow), "{said}: {advice}");
        }
        assert!(
            denied("ExpiredTokenException", "expired").starts_with("Check the credentials, the region and the clock")
        );
    }

    #[test]
    fn a_moment_is_told_in_milliseconds_and_none_before_1970() {
        let at = |time: DateTime| moment(Some(&time));
        assert_eq!(at(DateTime::from_millis(1_795_244_400_123)), Some(Timestamp(1_795_244_400_123)));
        assert_eq!((at(DateTime::from_secs(-1)), at(DateTime::from_secs(i64::MAX))), (None, None));
        assert_eq!((at(DateTime::from_secs(0)), moment(None)), (None, None));
    }

    #[test]
    fn every_status_and_code_has_its_kind() {
        for (asked, status, code, kind) in [
            (Asked::Submission, 400, "ThrottlingException", Kind::Busy),
            (Asked::Look, 429, "TooManyRequestsException", Kind::Busy),
            (Asked::Submission, 429, "", Kind::Busy),
            (Asked::Submission, 400, "AccessDeniedException", Kind::Denied),
            (Asked::Look, 403, "", Kind::Denied),
            (Asked::Look, 403, "ExpiredTokenException", Kind::Denied),
            (Asked::Submission, 400, "RequestExpired", Kind::Denied),
            (Asked::Submission, 402, "ServiceQuotaExceededException", Kind::Unavailable),
            (Asked::Submission, 409, "ConflictException", Kind::Unavailable),
            (Asked::Submission, 400, "ValidationException", Kind::Rejected),
            (Asked::Look, 404, "ResourceNotFoundException", Kind::Rejected),
            (Asked::Submission, 500, "InternalServerException", Kind::Unclear),
            (Asked::Submission, 400, "InternalServerException", Kind::Unclear),
            (Asked::Look, 500, "InternalServerException", Kind::Unavailable),
            (Asked::Submission, 400, "RequestAbortedException", Kind::Unclear),
            (Asked::Look, 400, "RequestAbortedException", Kind::Unavailable),
            (Asked::Deed, 503, "", Kind::Unclear),
            (Asked::Deed, 408, "", Kind::Unclear),
        ] {
            assert_eq!(kind_of(asked, status, code), kind, "{asked:?} {status} {code}");
        }
    }
}
