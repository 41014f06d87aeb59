//! The AWS SDKs, on the one port: no second HTTP client, no second TLS.

use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_emr::config::{ConfigBag, Intercept};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_types::sdk_config::SharedCredentialsProvider;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use bytes::Bytes;
use serde_json::Value;

use super::{Lost, Transport};

/// How long an answer of AWS is waited for, unless a client says otherwise. Its APIs answer within seconds or not at all.
pub const LIMIT: Duration = Duration::from_secs(30);

/// How long a whole call may take, its signing and reading included, even where the transport does not keep [`LIMIT`], which
/// is to tell of it first.
const ATTEMPT: Duration = Duration::from_secs(35);

/// What all clients of AWS share: the way there, the region, the credentials.
#[derive(Debug)]
pub struct Aws(SdkConfig);

impl Aws {
    /// What the environment says, as it does in Lambda, over `transport`.
    ///
    /// Nothing else is asked: the profiles, metadata services and roles that `aws-config` looks for elsewhere would be a
    /// tenth of the Lambda's size.
    pub fn new(transport: &Arc<dyn Transport>) -> Self {
        let region = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(|name| std::env::var(name).ok());
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region.map(Region::new))
            .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
            .service_config(Environment);
        Self::of(transport, config.build())
    }

    /// What `config` says, over `transport`.
    pub fn of(transport: &Arc<dyn Transport>, config: SdkConfig) -> Self {
        Self(ours(config, transport))
    }

    /// The configuration of every client.
    pub fn config(&self) -> &SdkConfig {
        &self.0
    }
}

/// What the environment says of single services, of which AWS's own tools know
/// [the address](https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html): `AWS_ENDPOINT_URL_EMR_SERVERLESS`.
#[derive(Debug)]
struct Environment;

impl LoadServiceConfig for Environment {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace(' ', "_");
        let of_service = std::env::var(format!("{}_{service}", key.env())).ok();
        of_service.or_else(|| std::env::var(key.env()).ok()).filter(|value| !value.is_empty())
    }
}

/// `config` in our ways.
fn ours(config: SdkConfig, transport: &Arc<dyn Transport>) -> SdkConfig {
    config
        .into_builder()
        .http_client(Connector(Arc::clone(transport)))
        // When to repeat a call, and for how long, is the life cycle's business; and not every call may be repeated.
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .read_timeout(LIMIT)
                .operation_attempt_timeout(ATTEMPT)
                .operation_timeout(LIMIT * 2)
                .build(),
        )
        // Bodies come whole over the port.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

/// Has `request` carry `body` instead of what the SDK made of its input, which knows fewer fields than the service may.
/// To be called before it is signed.
pub fn set_json(request: &mut HttpRequest, body: &Value) {
    let body = Bytes::from(body.to_string());
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = body.into();
}

/// Refuses a success whose body does not have this member in it: where that is a list, the SDK would read a list of nothing
/// from an answer of someone else's. To be added to a call as its interceptor.
#[derive(Clone, Copy, Debug)]
pub struct Demand(pub &'static str);

impl Intercept for Demand {
    fn name(&self) -> &'static str {
        "Demand"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let body: Value = serde_json::from_slice(response.body().bytes().unwrap_or_default()).unwrap_or_default();
        let is_answered = !response.status().is_success() || body.get(self.0).is_some();
        if is_answered { Ok(()) } else { Err(format!("an answer without {}", self.0).into()) }
    }
}

/// The SDKs' way through a [`Transport`].
#[derive(Clone, Debug)]
pub struct Connector(pub Arc<dyn Transport>);

impl HttpClient for Connector {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        let limit = settings.read_timeout().unwrap_or(LIMIT);
        SharedHttpConnector::new(Limited { transport: Arc::clone(&self.0), limit })
    }
}

#[derive(Clone, Debug)]
struct Limited {
    transport: Arc<dyn Transport>,
    limit: Duration,
}

impl HttpConnector for Limited {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { transport, limit } = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let request = request.map(|body| body.bytes().map(Bytes::copy_from_slice).unwrap_or_default());
            let response = transport.send(request, limit).await.map_err(|lost| match lost {
                Lost::TimedOut => ConnectorError::timeout(lost.into()),
                _ => ConnectorError::io(lost.into()),
            })?;
            let unreadable = |_| ConnectorError::io(Lost::Unclear("the answer is no HTTP".to_owned()).into());
            HttpResponse::try_from(response.map(Into::into)).map_err(unreadable)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use async_trait::async_trait;
    use http::{Request, Response};
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::engine::{Kind, Lookup};
    use crate::job::{Identity, Job, Parameters, Place, Timestamp};
    use crate::testing::engines;

    /// A network that neither answers nor keeps to a limit.
    #[derive(Debug)]
    struct Mute;

    #[async_trait]
    impl Transport for Mute {
        async fn send(&self, _: Request<Bytes>, _: Duration) -> Result<Response<Bytes>, Lost> {
            pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_even_where_the_network_never_does() {
        for place in [
            Place::EmrOnEks("vc1".to_owned()),
            Place::EmrServerless("00f1".to_owned()),
            Place::EmrSteps("j-1".to_owned()),
        ] {
            let job = Job::of(place.clone(), Parameters::default());
            let identity = Identity::derive(&["stack", "Pi"], "request-1", "Pi", &job);
            let engine = engines(Arc::new(Mute)).at(&place, None);
            let begin = Instant::now();
            let found = timeout(LIMIT * 10, engine.find(&identity, Lookup::Owner, Timestamp::default())).await;
            let trouble = found.expect("it ends").unwrap_err();
            assert_eq!(trouble.kind, Kind::Unavailable, "{trouble}");
            assert_eq!(begin.elapsed().as_secs(), ATTEMPT.as_secs(), "{place:?}");
            // What was asked for may be done all the same.
            let started = timeout(LIMIT * 10, engine.start(&job, &identity)).await;
            let trouble = started.expect("it ends").unwrap_err();
            assert_eq!(trouble.kind, Kind::Unclear, "{trouble}");
            assert_eq!(begin.elapsed().as_secs(), 2 * ATTEMPT.as_secs(), "{place:?}");
        }
    }
}
