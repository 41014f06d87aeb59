//! The AWS SDKs, on the product's own way into the network: no second HTTP client, no second TLS.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_cloudformation::config as cloudformation;
use aws_sdk_lambda::config as lambda;
use aws_sdk_secretsmanager::config as secretsmanager;
use aws_sdk_sfn::config as sfn;
use sparkjob::http::Net;
use sparkjob::http::sdk::Connector;

/// Longer than any invocation may take.
const LIMIT: Duration = Duration::from_mins(16);

/// The emulator's `CloudFormation`, for what `local.py status` calls its `env`.
pub fn cloudformation(env: &HashMap<String, String>, net: &Arc<Net>) -> aws_sdk_cloudformation::Client {
    let credentials = cloudformation::Credentials::new(id(env), secret(env), None, None, "the local default");
    let config = cloudformation::Config::builder()
        .behavior_version(cloudformation::BehaviorVersion::latest())
        .timeout_config(cloudformation::timeout::TimeoutConfig::builder().read_timeout(LIMIT).build())
        .http_client(Connector(net.clone()))
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
        .timeout_config(lambda::timeout::TimeoutConfig::builder().read_timeout(LIMIT).build())
        .http_client(Connector(net.clone()))
        // An event that is delivered again is something that only a test decides.
        .retry_config(lambda::retry::RetryConfig::disabled())
        .credentials_provider(credentials)
        .region(lambda::Region::new(env["AWS_REGION"].clone()))
        .endpoint_url(&env["AWS_ENDPOINT_URL"]);
    aws_sdk_lambda::Client::from_conf(config.build())
}

/// The emulator's Secrets Manager.
pub fn secrets(env: &HashMap<String, String>, net: &Arc<Net>) -> aws_sdk_secretsmanager::Client {
    let credentials = secretsmanager::Credentials::new(id(env), secret(env), None, None, "the local default");
    let config = secretsmanager::Config::builder()
        .behavior_version(secretsmanager::BehaviorVersion::latest())
        .http_client(Connector(net.clone()))
        .credentials_provider(credentials)
        .region(secretsmanager::Region::new(env["AWS_REGION"].clone()))
        .endpoint_url(&env["AWS_ENDPOINT_URL"]);
    aws_sdk_secretsmanager::Client::from_conf(config.build())
}

/// The emulator's Step Functions.
pub fn sfn(env: &HashMap<String, String>, net: &Arc<Net>) -> aws_sdk_sfn::Client {
    let credentials = sfn::Credentials::new(id(env), secret(env), None, None, "the local default");
    let config = sfn::Config::builder()
        .behavior_version(sfn::BehaviorVersion::latest())
        .http_client(Connector(net.clone()))
        .credentials_provider(credentials)
        .region(sfn::Region::new(env["AWS_REGION"].clone()))
        .endpoint_url(&env["AWS_ENDPOINT_URL"]);
    aws_sdk_sfn::Client::from_conf(config.build())
}

fn id(env: &HashMap<String, String>) -> &str {
    &env["AWS_ACCESS_KEY_ID"]
}

fn secret(env: &HashMap<String, String>) -> &str {
    &env["AWS_SECRET_ACCESS_KEY"]
}
