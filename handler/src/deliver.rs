//! Puts an answer where `CloudFormation` reads it.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Request, StatusCode};

use sparkjob::drive::Clock;
use sparkjob::http::Transport;
use sparkjob::job::Timestamp;

use crate::envelope::{Action, Envelope};
use crate::physical_id::PhysicalId;
use crate::presigned::ResponseUrl;
use crate::turn::Answer;

/// How long one try may take. S3 answers within milliseconds; where a VPC has no way to it, nothing ever does.
const TRY_LIMIT: Duration = Duration::from_secs(10);

/// What a try has, however little time is left: an answer that comes late does no harm.
const SHORTEST_TRY: Duration = Duration::from_millis(250);

/// The pauses between the tries grow from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Puts the answer to a request, the same bytes again and again until it is there. No try begins after `over` but
/// the first. The log says that it was `told`, or why not.
///
/// # Errors
/// [`Undelivered`]: `CloudFormation` has no answer, as far as is known here.
pub async fn deliver(
    transport: &dyn Transport,
    envelope: &Envelope,
    answer: &Answer,
    told: &str,
    clock: &Clock,
    over: Timestamp,
) -> Result<(), Undelivered> {
    if let Some(job) = job_of(envelope, answer) {
        tracing::Span::current().record("job", job);
    }
    let delivered = put_until(transport, &envelope.response_url, &answer.0.clone().into(), clock, over).await;
    let text = &answer.0;
    match &delivered {
        Ok(()) if answer.is_failure() => tracing::warn!(answer = text, "{told}"),
        Ok(()) => tracing::info!(answer = text, "{told}"),
        Err(why) => tracing::error!(answer = text, "not {told}: {why}"),
    }
    delivered
}

/// The job that an answer tells of: whoever puts it may not know that otherwise. Of an Update that failed it names the one
/// that there was before.
fn job_of(envelope: &Envelope, answer: &Answer) -> Option<String> {
    let is_the_old = envelope.action == Action::Update && answer.is_failure();
    let run = PhysicalId::from(answer.physical_id().as_str()).run().filter(|_| !is_the_old)?;
    Some(run.to_string())
}

/// Puts `body` to `url` until it is there. No try begins after `over` but the first.
///
/// It has a length and no type, since [the signature covers an empty one].
///
/// [the signature covers an empty one]: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
async fn put_until(
    transport: &dyn Transport,
    url: &ResponseUrl,
    body: &Bytes,
    clock: &Clock,
    over: Timestamp,
) -> Result<(), Undelivered> {
    let mut pause = FIRST_PAUSE;
    loop {
        let limit = over.since(clock.now()).clamp(SHORTEST_TRY, TRY_LIMIT);
        let why = match transport.send(put(url, body.clone()), limit).await {
            Ok(response) if response.status().is_success() => return Ok(()),
            Ok(response) if is_final(response.status()) => {
                return Err(Undelivered::Refused(told(response.status(), response.body())));
            }
            Ok(response) => told(response.status(), response.body()),
            Err(lost) => lost.to_string(),
        };
        if clock.now() + pause >= over {
            return Err(Undelivered::OutOfTime(why));
        }
        tracing::warn!(why, "the answer did not reach CloudFormation; it is put again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Why an answer did not arrive; the texts hold no part of the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// No answer is taken from here at this address, or none any more: it has expired or was never signed so; or what is
    /// between refuses it, as the [policy of a VPC's endpoint] does that does not know `CloudFormation`'s buckets.
    ///
    /// [policy of a VPC's endpoint]: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cfn-customresource.html
    Refused(String),
    /// No try succeeded; what came of the last one.
    OutOfTime(String),
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "this address takes no answer from here: {why}"),
            Self::OutOfTime(why) => write!(
                f,
                "the answer could not be put in time: {why}; in a VPC this needs a gateway endpoint for S3 or a NAT"
            ),
        }
    }
}

fn put(url: &ResponseUrl, body: Bytes) -> Request<Bytes> {
    let length = body.len();
    let mut request = Request::new(body);
    *request.method_mut() = http::Method::PUT;
    *request.uri_mut() = url.uri().clone();
    request.headers_mut().insert(CONTENT_LENGTH, length.into());
    request
}

/// Expired, not signed so, no such place: S3 says so again, however often it is asked. Among its other client errors are
/// [those of a moment](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html): `400 RequestTimeout`,
/// `409 OperationAborted`.
fn is_final(status: StatusCode) -> bool {
    matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::GONE)
}

/// The status and S3's [code](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html), and no more of its
/// words: they may quote the signature.
fn told(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
    match code.filter(|code| code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric())) {
        Some(code) => format!("{status} ({code})"),
        None => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use http::Response;
    use sparkjob::http::Lost;
    use tokio::time::Instant;

    use super::*;
    use crate::sample;

    /// Answers with `script`, one after the other, and with its last for ever; keeps what it was sent.
    #[derive(Debug)]
    struct Scripted {
        script: Vec<Result<(u16, &'static str), Lost>>,
        sent: Mutex<Vec<Request<Bytes>>>,
    }

    #[async_trait]
    impl Transport for Scripted {
        async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
            let tries = {
                let mut sent = self.sent.lock().expect("no panic");
                sent.push(request);
                sent.len()
            };
            match self.script[tries.min(self.script.len()) - 1].clone() {
                Ok((status, body)) => {
                    let mut response = Response::new(Bytes::from_static(body.as_bytes()));
                    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
                    Ok(response)
                }
                Err(lost) => {
                    if lost == Lost::TimedOut {
                        tokio::time::sleep(limit).await;
                    }
                    Err(lost)
                }
            }
        }
    }

    /// What came of putting an answer with `seconds` left, and the requests that were sent.
    async fn put_within(
        seconds: u64,
        script: Vec<Result<(u16, &'static str), Lost>>,
    ) -> (Result<(), Undelivered>, Vec<Request<Bytes>>) {
        let transport = Scripted { script, sent: Mutex::default() };
        let clock = Clock::showing(Timestamp(1_000_000));
        let url = sample::envelope(&sample::event("Create", serde_json::json!({}))).response_url;
        let over = clock.now() + Duration::from_secs(seconds);
        let result = put_until(&transport, &url, &Bytes::from_static(b"{\"Status\":\"SUCCESS\"}"), &clock, over).await;
        (result, transport.sent.into_inner().expect("no panic"))
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_a_put_with_a_length_and_without_a_type() {
        let (result, sent) = put_within(60, vec![Ok((200, ""))]).await;
        assert_eq!(result, Ok(()));
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].method(), http::Method::PUT);
        assert!(sent[0].uri().to_string().ends_with(sample::SIGNATURE));
        assert_eq!(sent[0].headers()[CONTENT_LENGTH], "20");
        assert_eq!(sent[0].headers().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn after_trouble_the_same_bytes_are_put_again() {
        let lost = || Err(Lost::Unclear("reset".to_owned()));
        let (result, sent) =
            put_within(60, vec![Ok((503, "")), lost(), Err(Lost::TimedOut), Ok((429, "")), Ok((204, ""))]).await;
        assert_eq!(result, Ok(()));
        assert_eq!(sent.len(), 5);
        assert!(sent.iter().all(|request| request.body() == sent[0].body() && request.uri() == sent[0].uri()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_of_stress_is_not_final_whatever_its_status() {
        let error = |code| format!("<Error><Code>{code}</Code></Error>").leak() as &str;
        for trouble in [
            (400, error("RequestTimeout")),
            (409, error("OperationAborted")),
            (412, ""),
            (307, error("TemporaryRedirect")),
            (500, error("InternalError")),
        ] {
            let (result, sent) = put_within(60, vec![Ok(trouble), Ok((200, ""))]).await;
            assert_eq!((result, sent.len()), (Ok(()), 2), "{trouble:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_is_no_more_is_final() {
        for status in [403, 404, 405, 410] {
            let (result, sent) = put_within(60, vec![Ok((status, "")), Ok((200, ""))]).await;
            assert!(matches!(result, Err(Undelivered::Refused(_))) && sent.len() == 1, "{status}: {result:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_final_and_tells_the_code_alone() {
        let body = "<Error><Code>AccessDenied</Code><SignatureProvided>5ec2</SignatureProvided></Error>";
        let (result, sent) = put_within(60, vec![Ok((403, body))]).await;
        assert_eq!(result, Err(Undelivered::Refused("403 Forbidden (AccessDenied)".to_owned())));
        assert_eq!(sent.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_given_up_when_nobody_acts_any_more() {
        let began = Instant::now();
        let (result, sent) = put_within(40, vec![Err(Lost::NotSent("refused".to_owned()))]).await;
        assert_eq!(result, Err(Undelivered::OutOfTime("could not connect: refused".to_owned())));
        assert!(sent.len() > 8, "{} tries", sent.len());
        assert!(began.elapsed() <= Duration::from_secs(40));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_answer_is_put_once() {
        let (result, sent) = put_within(0, vec![Err(Lost::TimedOut), Ok((200, ""))]).await;
        assert_eq!(result, Err(Undelivered::OutOfTime("no response in time".to_owned())));
        assert_eq!(sent.len(), 1);
    }

    #[test]
    fn only_a_plain_code_of_s3_is_told() {
        assert_eq!(told(StatusCode::FORBIDDEN, b"<Code>a?X-Amz-Signature=5ec2</Code>"), "403 Forbidden");
        assert_eq!(told(StatusCode::BAD_GATEWAY, b"\xff<Code>"), "502 Bad Gateway");
    }
}
