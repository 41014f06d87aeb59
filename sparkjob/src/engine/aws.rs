//! What a service of AWS answered, or did not, and what that means: the one place that knows its errors.

use aws_sdk_emr::config::http::HttpResponse;
use aws_sdk_emr::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use super::answer::{Asked, Failed, kind_of_loss, undecided};
use super::{Kind, Trouble};
use crate::http::Lost;

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

/// Codes with which AWS says that a caller may not do this, or is none that it knows.
const DENIED: [&str; 11] = [
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// An error of a service's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    /// What it means.
    pub failed: Failed,
    /// The service's own code for it, such as `ResourceNotFoundException`; empty where it gave none.
    pub code: String,
}

impl AwsError {
    /// The same, told for people. `permission` is the IAM action that the call needs, `resource` what it needs it on.
    pub fn while_doing(self, doing: impl Into<String>, permission: &str, resource: &str) -> Trouble {
        let advice = match self.failed.kind {
            Kind::Denied => format!(
                "Allow {permission} on {resource} to the role of the submitter: the parameters of its template do so, unless a \
                 policy of the organisation or a permissions boundary forbids it."
            ),
            Kind::Busy | Kind::Unavailable | Kind::Unclear => format!(
                "Try again when {} answers; where the submitter is in a VPC, see that it has a way there (a VPC endpoint \
                 or NAT).",
                permission.split(':').next().unwrap_or_default()
            ),
            Kind::Rejected | Kind::Taken => String::new(),
        };
        Trouble { advice, ..self.failed.while_doing(doing) }
    }
}

/// What it means that a call failed.
pub fn error<E>(asked: Asked, error: &SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if let Some(lost) = lost(error) {
        return AwsError { failed: Failed::new(kind_of_loss(asked, lost), lost.to_string()), code: String::new() };
    }
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let code = error.code().unwrap_or_default().to_owned();
    let kind = match error {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) | SdkError::DispatchFailure(_) => undecided(asked),
        // Nothing was sent: no region, say, or no credentials.
        SdkError::ConstructionFailure(_) => Kind::Denied,
        _ => kind_of(asked, status, &code),
    };
    let said = match error.message().filter(|message| !message.trim().is_empty()) {
        Some(message) if !code.is_empty() => format!("{code}: {message}"),
        Some(message) => format!("HTTP {status}: {message}"),
        None if !code.is_empty() => format!("HTTP {status}, {code}"),
        None => format!("{}", DisplayErrorContext(error)),
    };
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    AwsError { failed: Failed::new(kind, said.chars().take(MAX_QUOTE).collect::<String>()), code }
}

/// What a status and a code mean.
fn kind_of(asked: Asked, status: u16, code: &str) -> Kind {
    match status {
        _ if THROTTLED.contains(&code) => Kind::Busy,
        _ if DENIED.contains(&code) => Kind::Denied,
        429 => Kind::Busy,
        401 | 403 => Kind::Denied,
        // A quota (402) may have room again soon, and what conflicts with a state (409) that is changing passes, too.
        402 | 409 => Kind::Unavailable,
        408 => undecided(asked),
        // EMR answers 400 to what went wrong within itself, too.
        400..=499 if code == "InternalServerException" || code == "InternalServerError" => undecided(asked),
        300..=499 => Kind::Rejected,
        _ => undecided(asked),
    }
}

/// What the port said, where it brought no answer.
fn lost<E: std::error::Error + 'static>(error: &SdkError<E, HttpResponse>) -> Option<&Lost> {
    std::iter::successors(std::error::Error::source(error), |&cause| cause.source())
        .find_map(|cause| cause.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_and_code_has_its_kind() {
        for (asked, status, code, kind) in [
            (Asked::Submission, 400, "ThrottlingException", Kind::Busy),
            (Asked::Look, 429, "TooManyRequestsException", Kind::Busy),
            (Asked::Submission, 429, "", Kind::Busy),
            (Asked::Submission, 400, "AccessDeniedException", Kind::Denied),
            (Asked::Look, 403, "", Kind::Denied),
            (Asked::Look, 403, "ExpiredTokenException", Kind::Denied),
            (Asked::Submission, 402, "ServiceQuotaExceededException", Kind::Unavailable),
            (Asked::Submission, 409, "ConflictException", Kind::Unavailable),
            (Asked::Submission, 400, "ValidationException", Kind::Rejected),
            (Asked::Look, 404, "ResourceNotFoundException", Kind::Rejected),
            (Asked::Submission, 500, "InternalServerException", Kind::Unclear),
            (Asked::Submission, 400, "InternalServerException", Kind::Unclear),
            (Asked::Look, 500, "InternalServerException", Kind::Unavailable),
            (Asked::Deed, 503, "", Kind::Unclear),
            (Asked::Deed, 408, "", Kind::Unclear),
        ] {
            assert_eq!(kind_of(asked, status, code), kind, "{asked:?} {status} {code}");
        }
    }
}
