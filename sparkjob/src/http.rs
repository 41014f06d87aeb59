//! The one port through which everything leaves the process.
//!
//! Engines, and whatever else a front door has to call, speak through [`Transport`]; [`Net`] is the network. Tests put
//! models, faults and virtual time behind the same port, so production code needs no hooks for them.

mod net;
pub mod sdk;
mod trust;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

pub use net::Net;
pub use trust::Trust;

/// The longest body that is read, in bytes; a longer one is [`Lost::TooLarge`].
///
/// A listing of a hundred Livy batches with long logs stays below it by far, and it leaves room in 128 MB.
pub const MAX_BODY: usize = 8 << 20;

/// Why no response came back. The texts never hold an address: some are credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The request surely never reached the server: refused, unknown host, no route, TLS not agreed upon.
    NotSent(String),
    /// The time limit ran out; the server may have acted.
    TimedOut,
    /// The connection broke after the request may have been sent; the server may have acted.
    Unclear(String),
    /// The response is longer than [`MAX_BODY`]; the server has acted.
    TooLarge,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(why) => write!(f, "could not connect: {why}"),
            Self::TimedOut => f.write_str("no response in time"),
            Self::Unclear(why) => write!(f, "the connection broke: {why}"),
            Self::TooLarge => write!(f, "the response is longer than {MAX_BODY} bytes"),
        }
    }
}

impl std::error::Error for Lost {}

/// Sends one request, once, and reads one bounded response.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends `request` and reads its whole response within `limit`. Never repeats it, follows no redirect. A [`Trust`] among
    /// its extensions says whom else to believe that they are the server.
    ///
    /// # Errors
    /// [`Lost`] tells whether the server may have acted.
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost>;
}
