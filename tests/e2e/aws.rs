//! The AWS SDKs, on the product's own way into the network: no second HTTP client, no second TLS.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_cloudformation::config as cloudformation;
use aws_sdk_lambda::config as lambda;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use bytes::Bytes;
use sparkjob::http::{Lost, Net, Transport};

/// Longer than any invocation may take.
const LIMIT: Duration = Duration::from_mins(16);

/// The emulator's `CloudFormation`, for what `local.py status` calls its `env`.
pub fn cloudformation(env: &HashMap<String, String>, net: &Arc<Net>) -> aws_sdk_cloudformation::Client {
    let credentials = cloudformation::Credentials::new(id(env), secret(env), None, None, "the local default");
    let config = cloudformation::Config::builder()
        .behavior_version(cloudformation::BehaviorVersion::latest())
        .http_client(Connector(Arc::clone(net)))
        .credentials_provider(credentials)
        .region(cloudformation::Region::new(env["AWS_REGION"].clone()))
        .endpoint_url(&env["AWS_ENDPOINT_URL"]);
    aws_sdk_cloudformation::Client::from_conf(config.build())
}

/// The emulator's Lambda.
pub fn lambda(env: &HashMap<String, String>, net: &Arc<Net>) -> aws_sdk_lambda::Client {
    let credentials = lambda::Credentials::new(id(env), secret(env), None, None, "the local default");
    let config = lambda::Config::builder()
        .behavior_version(lambda::BehaviorVersion::latest())
        .http_client(Connector(Arc::clone(net)))
        // An event that is delivered again is something that only a test decides.
        .retry_config(lambda::retry::RetryConfig::disabled())
        .credentials_provider(credentials)
        .region(lambda::Region::new(env["AWS_REGION"].clone()))
        .endpoint_url(&env["AWS_ENDPOINT_URL"]);
    aws_sdk_lambda::Client::from_conf(config.build())
}

fn id(env: &HashMap<String, String>) -> &str {
    &env["AWS_ACCESS_KEY_ID"]
}

fn secret(env: &HashMap<String, String>) -> &str {
    &env["AWS_SECRET_ACCESS_KEY"]
}

#[derive(Clone, Debug)]
struct Connector(Arc<Net>);

impl HttpClient for Connector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let net = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let request = request.map(|body| body.bytes().map(Bytes::copy_from_slice).unwrap_or_default());
            let response = net.send(request, LIMIT).await.map_err(|lost| match lost {
                Lost::TimedOut => ConnectorError::timeout(lost.to_string().into()),
                _ => ConnectorError::io(lost.to_string().into()),
            })?;
            HttpResponse::try_from(response.map(Into::into)).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}
