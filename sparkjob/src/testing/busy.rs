//! How whoever is asked too often says so.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};

use super::fault::answer;

/// What comes instead of an answer to `request`, which takes no effect: of AWS's services their own words, in the protocol in which they
/// are asked; of [S3](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html), where answers are put, its own; of
/// anybody else the status that says just that.
pub fn refusal(request: &Request<Bytes>) -> Response<Bytes> {
    const XML: &str = "text/xml";
    let has = |name, words: &str| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| value.starts_with(words))
    };
    if has(header::AUTHORIZATION, "AWS4-HMAC-SHA256 ") {
        if has(header::CONTENT_TYPE, "application/x-www-form-urlencoded") {
            let body = "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error>\
                        </ErrorResponse>";
            return answer(StatusCode::BAD_REQUEST, XML, body.to_owned());
        }
        let body = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#.to_owned();
        // Those of REST have a status of their own.
        let is_rest = !request.headers().contains_key("x-amz-target");
        return if is_rest {
            answer(StatusCode::TOO_MANY_REQUESTS, "application/json", body)
        } else {
            answer(StatusCode::BAD_REQUEST, "application/x-amz-json-1.1", body)
        };
    }
    if request.method() == Method::PUT {
        let body = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
        return answer(StatusCode::SERVICE_UNAVAILABLE, XML, body.to_owned());
    }
    answer(StatusCode::TOO_MANY_REQUESTS, "text/plain", "Too Many Requests".to_owned())
}
