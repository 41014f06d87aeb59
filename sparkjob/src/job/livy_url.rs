//! The address of a Livy server, in one spelling.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Where Livy listens unless told otherwise.
pub const DEFAULT_LIVY_PORT: u16 = 8998;

/// The longest address that is taken, in bytes: the reference to a job holds it and is limited to 1024 bytes in all.
const MAX_LENGTH: usize = 512;

/// `http[s]://host[:port][/path]`, normalised: lower-case host, no default port, no slash at the end; no credentials, query
/// or fragment. Two addresses that mean the same server are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct LivyUrl(String);

impl LivyUrl {
    /// The address of a plain Livy: `http://host:port`.
    ///
    /// # Errors
    /// What is wrong with the host, as a sentence's end: `must be a host name or an IP address`.
    pub fn from_host(host: &str, port: u16) -> Result<Self, String> {
        let fault = || "must be a host name or an IP address, without scheme, port or path".to_owned();
        // An IPv6 address may come with or without its brackets.
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let written = if bare.contains(':') { format!("[{bare}]") } else { host.to_owned() };
        Host::parse(&written).map_err(|_| fault())?;
        format!("http://{written}:{port}").parse().map_err(|_| fault())
    }

    /// The address of one of Livy's resources: `path` begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl fmt::Display for LivyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LivyUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = "must be http[s]://host[:port][/path]";
        if text.len() > MAX_LENGTH {
            return Err(format!("must be at most {MAX_LENGTH} bytes long"));
        }
        let url = Url::parse(text).map_err(|error| format!("{shape} ({error})"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(shape.to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("{shape}, without user and password: a template is no place for them"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("{shape}, without query and fragment"));
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl From<LivyUrl> for String {
    fn from(url: LivyUrl) -> Self {
        url.0
    }
}

impl TryFrom<String> for LivyUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
