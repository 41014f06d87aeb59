//! EMR on EKS, as it is on the wire.

use bytes::Bytes;
use http::Request;
use serde_json::Value;

use super::{Answer, Refusal, World};

pub(super) fn answer(_world: &mut World, request: &Request<Bytes>, _body: &Value) -> Answer {
    Err(Refusal::new(501, "NotImplemented", request.uri().to_string()))
}
