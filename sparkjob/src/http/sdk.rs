//! The AWS SDKs, on the one port: no second HTTP client, no second TLS.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_emr::config::{ConfigBag, Intercept};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{Lost, Transport};

/// How long an answer of AWS is waited for, unless a client says otherwise. Its APIs answer within seconds or not at all.
pub const LIMIT: Duration = Duration::from_secs(30);

/// What all clients of AWS share: the way there, the region, the credentials. Looked up when first needed: in Lambda that
/// is a look at a few variables of the environment.
#[derive(Debug)]
pub struct Aws {
    transport: Arc<dyn Transport>,
    config: OnceCell<SdkConfig>,
}

impl Aws {
    /// What the environment says, over `transport`.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport, config: OnceCell::new() }
    }

    /// What `config` says, over `transport`.
    pub fn of(transport: Arc<dyn Transport>, config: SdkConfig) -> Self {
        let config = ours(config, &transport);
        Self { transport, config: OnceCell::new_with(Some(config)) }
    }

    /// The configuration of every client.
    pub async fn config(&self) -> &SdkConfig {
        let environment = async || {
            // Credentials may be asked for over the network, too.
            let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(Connector(self.transport.clone()));
            ours(loader.load().await, &self.transport)
        };
        self.config.get_or_init(environment).await
    }
}

/// `config` in our ways.
fn ours(config: SdkConfig, transport: &Arc<dyn Transport>) -> SdkConfig {
    config
        .into_builder()
        .http_client(Connector(Arc::clone(transport)))
        // When to repeat a call, and for how long, is the life cycle's business; and not every call may be repeated.
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().read_timeout(LIMIT).operation_timeout(LIMIT * 2).build())
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
