//! The address that an answer goes to: presigned, so a credential.

use std::fmt;

use http::Uri;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};
use url::{Host, Url};

use sparkjob::job::{Timestamp, parse_address};

/// Where the answer to one request is put: a presigned S3 address, whoever knows it can answer.
///
/// It is never shown: Debug tells no part of it, there is no Display, and [`ResponseUrl::uri`] is for the request
/// alone. See [`ResponseURL`](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html).
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseUrl {
    uri: Uri,
    signed: Option<Timestamp>,
}

impl ResponseUrl {
    /// Reads an address: https, or http where it leads to this very machine.
    ///
    /// # Errors
    /// What is wrong, as a sentence's end that holds no part of the address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = parse_address(text).map_err(|error| format!("is not an address ({error})"))?;
        match url.scheme() {
            "https" => {}
            // Test stacks answer to an emulator on the same machine; anywhere else the signature must not go in clear.
            "http" if is_loopback(&url) => {}
            _ => return Err("must be https".to_owned()),
        }
        let uri = url.as_str().parse().map_err(|error| format!("is not an address ({error})"))?;
        Ok(Self { uri, signed: signed(&url) })
    }

    /// The address, for the one request that carries the answer.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// When it was signed, which is when `CloudFormation` began to wait; none where it does not tell.
    pub fn signed(&self) -> Option<Timestamp> {
        self.signed
    }

    /// The same as AWS writes it, `20261121T070000Z`: what tells one try of a request from another.
    pub fn date(&self) -> Option<String> {
        let seconds = i64::try_from(self.signed?.0 / 1000).ok()?;
        OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(DATE).ok()
    }
}

impl fmt::Debug for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseUrl(..)")
    }
}

/// `text` without the words that hold a signature: what comes from elsewhere (a panic, a job's log) may quote an
/// address that is a credential.
pub fn without_signatures(text: &str) -> String {
    let is_signed = |word: &str| {
        let word = word.to_ascii_lowercase();
        ["signature=", "x-amz-credential=", "x-amz-security-token=", "x-amz-security-token:"]
            .iter()
            .any(|key| word.contains(key))
    };
    let words = text.split_inclusive(char::is_whitespace).map(|word| {
        let end = word.trim_end().len();
        if is_signed(word) { format!("(a signed address){}", &word[end..]) } else { word.to_owned() }
    });
    words.collect()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// `X-Amz-Date` of the
/// [query](https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html): `20130524T000000Z`.
fn signed(url: &Url) -> Option<Timestamp> {
    let (_, date) = url.query_pairs().find(|(name, _)| name.eq_ignore_ascii_case("X-Amz-Date"))?;
    let moment: OffsetDateTime = PrimitiveDateTime::parse(&date, DATE).ok()?.assume_utc();
    u64::try_from(moment.unix_timestamp()).ok().map(|seconds| Timestamp(seconds.saturating_mul(1000)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIGNED: &str = "https://bucket.s3.eu-west-1.amazonaws.com/arn%3Aaws?X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Date=20261121T070000Z&X-Amz-Expires=7200&X-Amz-Signature=5ec2e7";

    #[test]
    fn the_moment_of_signing_is_read() {
        let url = ResponseUrl::parse(SIGNED).expect("an address");
        assert_eq!(url.signed(), Some(Timestamp(1_795_244_400_000)));
        assert_eq!(url.date().as_deref(), Some("20261121T070000Z"));
    }

    #[test]
    fn a_nonsensical_moment_of_signing_is_none() {
        for date in ["", "yesterday", "20261321T070000Z", "20261121T070000", "19691231T235959Z", "%00"] {
            let url = ResponseUrl::parse(&format!("https://host/?X-Amz-Date={date}")).expect("an address");
            assert_eq!(url.signed(), None, "{date}");
        }
    }

    #[test]
    fn the_address_is_kept_as_it_was_signed() {
        assert_eq!(ResponseUrl::parse(SIGNED).expect("an address").uri().to_string(), SIGNED);
    }

    #[test]
    fn http_is_for_this_machine_only() {
        for loopback in
            ["http://127.0.0.1:4566/x", "http://127.9.9.9/", "http://[::1]:1/", "http://localhost:4566/x?y=z"]
        {
            assert!(ResponseUrl::parse(loopback).is_ok(), "{loopback}");
        }
        let elsewhere =
            ["http://example.com/", "http://10.0.0.1/", "http://localhost.example.com/", "ftp://localhost/"];
        for other in elsewhere.into_iter().chain([
            "http://127.0.0.1@example.com/",
            "file:///etc/passwd",
            "https://Bücher/",
            "",
            "?",
        ]) {
            assert!(ResponseUrl::parse(other).is_err(), "{other}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        let shown = format!("{:?}", ResponseUrl::parse(SIGNED).expect("an address"));
        assert_eq!(shown, "ResponseUrl(..)");
    }

    #[test]
    fn words_with_a_signature_are_left_out_and_the_rest_stays() {
        let text = format!("could not put <{SIGNED}>:\n  refused");
        assert_eq!(without_signatures(&text), "could not put (a signed address)\n  refused");
        assert_eq!(without_signatures("a\nx-amz-security-token:IQoJ\nb"), "a\n(a signed address)\nb");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_quoting_it(text in "(https?://)?[ -~]{0,40}") {
            if let Err(fault) = ResponseUrl::parse(&format!("{text}5ec2e7")) {
                prop_assert!(!fault.contains("5ec2e7"));
            }
        }

        #[test]
        fn text_without_a_signature_stays_as_it_is(text in "[a-z \n\t=&?é🎇]{0,60}") {
            prop_assert_eq!(without_signatures(&text), text);
        }
    }
}
