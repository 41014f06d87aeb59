//! The address of a Livy server, in one spelling.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::address::parse_address;

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
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let written = if bare.contains(':') { format!("[{bare}]") } else { host.to_owned() };
        // What would be read as something beside a host.
        if written.contains(['/', '\\', '?', '#', '@']) {
            return Err(fault());
        }
        format!("http://{written}:{port}").parse().map_err(|_| fault())
    }

    /// Whether what is sent there can be read on the way: over http, to another host than this one.
    pub fn is_open(&self) -> bool {
        let is_here = |url: &Url| match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        !self.is_encrypted() && !Url::parse(&self.0).is_ok_and(|url| is_here(&url))
    }

    /// Whether it is spoken to over https.
    pub fn is_encrypted(&self) -> bool {
        self.0.starts_with("https:")
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
        let too_long = || format!("must be at most {MAX_LENGTH} bytes long");
        if text.len() > MAX_LENGTH {
            return Err(too_long());
        }
        // A URL parser drops them without a word.
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(format!("{shape}, without blanks"));
        }
        let url = parse_address(text).map_err(|error| format!("{shape} ({error})"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(shape.to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("{shape}, without user and password: a template is no place for them"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("{shape}, without query and fragment"));
        }
        let normalised = url.as_str().trim_end_matches('/');
        // What the parser escapes grows.
        if normalised.len() > MAX_LENGTH { Err(too_long()) } else { Ok(Self(normalised.to_owned())) }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        for (given, kept) in [
            ("http://emr:8998", "http://emr:8998"),
            ("http://emr:8998/", "http://emr:8998"),
            ("HTTP://EMR.Example.COM:8998", "http://emr.example.com:8998"),
            ("http://emr:80", "http://emr"),
            ("http://emr:", "http://emr"),
            ("https://emr:443/", "https://emr"),
            ("https://emr:8998/livy//", "https://emr:8998/livy"),
            ("http://emr/a/../b/./c", "http://emr/b/c"),
            ("http://emr/Livy", "http://emr/Livy"),
            ("http://[FE80::0001]:8998", "http://[fe80::1]:8998"),
            ("http://xn--bcher-kva", "http://xn--bcher-kva"),
        ] {
            assert_eq!(given.parse::<LivyUrl>().map(String::from), Ok(kept.to_owned()), "{given}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused() {
        let shape = "must be http[s]://host[:port][/path]";
        for (given, problem) in [
            ("ftp://emr".to_owned(), shape.to_owned()),
            (
                "http://B\u{fc}cher".to_owned(),
                format!("{shape} (a host is written in ASCII, others in their xn-- form)"),
            ),
            ("emr:8998".to_owned(), shape.to_owned()),
            ("emr".to_owned(), format!("{shape} (relative URL without a base)")),
            ("http://".to_owned(), format!("{shape} (empty host)")),
            ("http://emr:99999".to_owned(), format!("{shape} (invalid port number)")),
            (" http://emr".to_owned(), format!("{shape}, without blanks")),
            ("http://e\nmr".to_owned(), format!("{shape}, without blanks")),
            (
                "http://me@emr".to_owned(),
                format!("{shape}, without user and password: a template is no place for them"),
            ),
            (
                "http://:pw@emr".to_owned(),
                format!("{shape}, without user and password: a template is no place for them"),
            ),
            ("http://emr/?a".to_owned(), format!("{shape}, without query and fragment")),
            ("http://emr/#a".to_owned(), format!("{shape}, without query and fragment")),
            (format!("http://emr/{}", "a".repeat(502)), "must be at most 512 bytes long".to_owned()),
            (format!("http://emr/{}", "\u{e9}".repeat(200)), "must be at most 512 bytes long".to_owned()),
        ] {
            assert_eq!(given.parse::<LivyUrl>(), Err(problem), "{given}");
        }
    }

    #[test]
    fn a_host_alone_is_enough() {
        for (host, url) in [
            ("emr", "http://emr:8998"),
            ("ip-10-0-0-7.ec2.internal", "http://ip-10-0-0-7.ec2.internal:8998"),
            ("10.0.0.7", "http://10.0.0.7:8998"),
            ("::1", "http://[::1]:8998"),
            ("[::1]", "http://[::1]:8998"),
        ] {
            assert_eq!(LivyUrl::from_host(host, DEFAULT_LIVY_PORT).map(String::from), Ok(url.to_owned()), "{host}");
        }
        for host in ["", "emr:8998", "http://emr", "emr/livy", "me@emr", "emr?a", "emr#a", "e mr", "[::1", "::g", "%2f"]
        {
            assert!(LivyUrl::from_host(host, DEFAULT_LIVY_PORT).is_err(), "{host}");
        }
    }

    #[test]
    fn what_is_sent_over_http_to_another_host_is_open() {
        for (address, is_open) in [
            ("http://emr:8998", true),
            ("http://10.0.0.7", true),
            ("http://localhost.example.org", true),
            ("https://emr", false),
            ("http://localhost:8998", false),
            ("http://127.0.0.1", false),
            ("http://[::1]", false),
        ] {
            let url: LivyUrl = address.parse().expect("an address");
            assert_eq!((url.is_open(), url.is_encrypted()), (is_open, address.starts_with("https")), "{address}");
        }
    }

    proptest! {
        #[test]
        fn the_spelling_that_is_kept_is_read_as_itself(
            text in "(https?://)?[a-zA-Z0-9.%:@\\[\\]-]{0,12}(:[0-9]{0,6})?(/[ -~\u{e9}]{0,6}){0,4}|\\PC{0,20}",
        ) {
            if let Ok(url) = text.parse::<LivyUrl>() {
                prop_assert_eq!(url.to_string().parse(), Ok(url.clone()));
                prop_assert_eq!(serde_json::from_value::<LivyUrl>(serde_json::json!(url.to_string())).ok(), Some(url));
            }
        }

        #[test]
        fn a_host_that_is_taken_makes_an_address_that_is_read_as_itself(host in "[a-zA-Z0-9.%:@\\[\\]-]{0,12}|\\PC{0,9}", port in 1_u16..) {
            if let Ok(url) = LivyUrl::from_host(&host, port) {
                prop_assert_eq!(url.to_string().parse(), Ok(url));
            }
        }
    }
}
