//! An account that is none.

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_emr::config::{Credentials, SharedCredentialsProvider};

use crate::engine::Engines;
use crate::http::Transport;
use crate::http::sdk::Aws;

/// The region of every model.
pub const REGION: &str = "eu-west-1";

/// The account of every model.
pub const ACCOUNT: &str = "123456789012";

/// Engines that are spoken to over `transport`, those of AWS at its own addresses in [`REGION`], whatever the environment
/// says.
pub fn engines(transport: Arc<dyn Transport>) -> Engines {
    let credentials = Credentials::new("AKIAMODEL", "secret", None, None, "the models");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    let aws = Aws::of(&transport, config);
    Engines::with(transport, aws)
}
