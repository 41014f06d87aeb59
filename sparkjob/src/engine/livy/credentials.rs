//! What lets into a Livy, as a secret holds it.

use std::fmt;
use std::iter;

use aws_smithy_types::base64;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::{Map, Value};

use crate::hidden::Hidden;
use crate::http::Trust;

/// What a secret may hold, for those whose secret does not.
const FORMS: &str = "it must be JSON with username and password, or token, or headers";

/// Headers that are the request's own.
const OURS: [HeaderName; 9] = [
    header::ACCEPT,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What lets into a Livy. Debug shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// What every request carries.
    pub headers: HeaderMap,
    /// Whom to believe that they are this Livy.
    pub trust: Option<Trust>,
    /// What none of its answers may show.
    pub hidden: Hidden,
}

impl Credentials {
    /// Reads what a secret holds. Fields of other names are someone else's.
    ///
    /// # Errors
    /// What is wrong with it, as a clause that holds nothing of it.
    pub fn read(secret: &str) -> Result<Self, String> {
        let Ok(Value::Object(fields)) = serde_json::from_str(secret) else {
            return Err(format!("it is no JSON object; {FORMS}"));
        };
        let has = |names: &[&str]| names.iter().any(|name| fields.contains_key(*name));
        let headers = match (has(&["username", "password"]), has(&["token"]), has(&["headers"])) {
            (true, false, false) => basic(&fields)?,
            (false, true, false) => authorization("Bearer", text(&fields, "token")?),
            (false, false, true) => given(&fields["headers"])?,
            (false, false, false) => return Err(format!("it has none of what it should; {FORMS}")),
            _ => return Err(format!("it has several ways in; {FORMS}, and no two of them")),
        };
        let trust = match fields.get("ca") {
            Some(Value::String(pem)) => Some(Trust::read(pem).map_err(|problem| format!("its ca {problem}"))?),
            Some(_) => return Err("its ca must be a string".to_owned()),
            None => None,
        };
        let kept = ["password", "token"].into_iter().filter_map(|name| fields.get(name)?.as_str());
        let hidden = Hidden::of(headers.iter().flat_map(|(name, value)| forms(name, value)).chain(kept));
        Ok(Self { headers, trust, hidden })
    }
}

/// What a server may repeat of a header's value: all of it, it without the scheme's name, and each cookie's own.
fn forms<'v>(name: &HeaderName, value: &'v HeaderValue) -> impl Iterator<Item = &'v str> {
    let value = std::str::from_utf8(value.as_bytes()).unwrap_or_default();
    let bare = value.split_once(' ').map(|(_, bare)| bare);
    let cookies = if *name == header::COOKIE { value } else { "" };
    let cookies = cookies.split(';').filter_map(|cookie| cookie.split_once('='));
    iter::once(value).chain(bare).chain(cookies.map(|(_, value)| value.trim().trim_matches('"')))
}

/// The way of [RFC 7617](https://www.rfc-editor.org/rfc/rfc7617).
fn basic(fields: &Map<String, Value>) -> Result<HeaderMap, String> {
    let (username, password) = (text(fields, "username")?, text(fields, "password")?);
    if username.contains(':') {
        return Err("its username must not hold a colon".to_owned());
    }
    Ok(authorization("Basic", &base64::encode(format!("{username}:{password}"))))
}

/// A text that an `Authorization` may carry: whatever prints.
fn text<'f>(fields: &'f Map<String, Value>, name: &str) -> Result<&'f str, String> {
    match fields.get(name) {
        Some(Value::String(text)) if text.is_empty() => Err(format!("its {name} must not be empty")),
        Some(Value::String(text)) if text.chars().any(char::is_control) => {
            Err(format!("its {name} must not hold control characters"))
        }
        Some(Value::String(text)) if name == "token" && !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err("its token must be plain characters without blanks".to_owned())
        }
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("its {name} must be a string")),
        None => Err(format!("it has no {name}; {FORMS}")),
    }
}

fn authorization(scheme: &str, credentials: &str) -> HeaderMap {
    let mut value = HeaderValue::from_str(&format!("{scheme} {credentials}")).expect("characters that print");
    value.set_sensitive(true);
    HeaderMap::from_iter([(header::AUTHORIZATION, value)])
}

/// The headers that the secret itself names.
fn given(headers: &Value) -> Result<HeaderMap, String> {
    let Some(headers) = headers.as_object().filter(|headers| !headers.is_empty()) else {
        return Err("its headers must be an object with at least one header".to_owned());
    };
    let header = |(name, value): (&String, &Value)| {
        let name: HeaderName = name.parse().map_err(|_| "its headers have a name that is none".to_owned())?;
        if OURS.contains(&name) {
            return Err(format!("its headers must leave {name} to the request"));
        }
        let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
        let mut value = value.ok_or_else(|| "its headers have a value that is none of a header's".to_owned())?;
        value.set_sensitive(true);
        Ok((name, value))
    };
    headers.iter().map(header).collect()
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn headers(secret: &Value) -> Vec<(String, String)> {
        let credentials = Credentials::read(&secret.to_string()).expect("credentials");
        let shown = format!("{credentials:?} {:?}", credentials.headers);
        for hidden in ["hunter2", "aHVudGVyMg"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
        let text = |value: &HeaderValue| value.to_str().expect("text").to_owned();
        credentials.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
    }

    #[test]
    fn each_form_is_sent_as_its_headers() {
        let authorization = |value: &str| vec![("authorization".to_owned(), value.to_owned())];
        for (secret, sent) in [
            // The example of RFC 7617.
            (
                json!({"username": "Aladdin", "password": "open sesame"}),
                authorization("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ),
            (json!({"username": "test", "password": "123\u{a3}"}), authorization("Basic dGVzdDoxMjPCow==")),
            (json!({"username": "a", "password": "b", "engine": "livy", "port": 1}), authorization("Basic YTpi")),
            (json!({"token": "hunter2"}), authorization("Bearer hunter2")),
            (json!({"headers": {"X-Api-Key": "hunter2"}}), vec![("x-api-key".to_owned(), "hunter2".to_owned())]),
        ] {
            assert_eq!(headers(&secret), sent, "{secret}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_secret_is_told_without_a_word_of_it() {
        let none = "it has none of what it should; it must be JSON with username and password, or token, or headers";
        let several = "it has several ways in; it must be JSON with username and password, or token, or headers, and no two \
                       of them";
        for (secret, problem) in [
            (
                "hunter2".to_owned(),
                "it is no JSON object; it must be JSON with username and password, or token, or headers",
            ),
            (
                "[\"hunter2\"]".to_owned(),
                "it is no JSON object; it must be JSON with username and password, or token, or headers",
            ),
            ("{}".to_owned(), none),
            (json!({"Password": "hunter2"}).to_string(), none),
            (json!({"ca": "hunter2"}).to_string(), none),
            (json!({"username": "a", "password": "hunter2", "token": "hunter2"}).to_string(), several),
            (json!({"token": "hunter2", "headers": {}}).to_string(), several),
            (
                json!({"password": "hunter2"}).to_string(),
                "it has no username; it must be JSON with username and password, or token, or headers",
            ),
            (json!({"username": "hunter2:", "password": "a"}).to_string(), "its username must not hold a colon"),
            (json!({"username": "", "password": "hunter2"}).to_string(), "its username must not be empty"),
            (json!({"username": "a", "password": ["hunter2"]}).to_string(), "its password must be a string"),
            (
                json!({"username": "a", "password": "hunter2\n"}).to_string(),
                "its password must not hold control characters",
            ),
            (json!({"token": "hunter2 x"}).to_string(), "its token must be plain characters without blanks"),
            (json!({"token": "hunter2\u{e9}"}).to_string(), "its token must be plain characters without blanks"),
            (json!({"headers": "hunter2"}).to_string(), "its headers must be an object with at least one header"),
            (json!({"headers": {}}).to_string(), "its headers must be an object with at least one header"),
            (json!({"headers": {"hunter2 ": "a"}}).to_string(), "its headers have a name that is none"),
            (
                json!({"headers": {"a": "hunter2\r\nb: c"}}).to_string(),
                "its headers have a value that is none of a header's",
            ),
            (json!({"headers": {"a": 7}}).to_string(), "its headers have a value that is none of a header's"),
            (json!({"headers": {"Host": "hunter2"}}).to_string(), "its headers must leave host to the request"),
            (json!({"token": "a", "ca": "hunter2"}).to_string(), "its ca must be PEM with at least one certificate"),
            (json!({"token": "a", "ca": ["hunter2"]}).to_string(), "its ca must be a string"),
        ] {
            assert_eq!(Credentials::read(&secret).expect_err(&secret), problem, "{secret}");
        }
    }

    #[test]
    fn what_was_sent_is_hidden_in_every_form() {
        let secret = json!({"username": "spark", "password": "hunter2"}).to_string();
        let credentials = Credentials::read(&secret).expect("credentials");
        let echo = "refused Basic c3Bhcms6aHVudGVyMg== (c3Bhcms6aHVudGVyMg==, hunter2) of spark";
        assert_eq!(credentials.hidden.mask(echo), "refused *** (***, ***) of spark");
        let secret = json!({"headers": {"Cookie": "user=me; session=\"hunter2\"", "X-Key": "hunter3"}}).to_string();
        let credentials = Credentials::read(&secret).expect("credentials");
        assert_eq!(credentials.hidden.mask("session hunter2 of key hunter3 is over"), "session *** of key *** is over");
    }

    proptest! {
        #[test]
        fn whatever_a_secret_holds_nothing_of_it_is_told(
            name in "username|password|token|headers|ca|[a-z]{1,5}",
            canary in "\\PC{0,5}xhunter2x[\\x00-\\xff]{0,5}",
            is_nested in any::<bool>(),
        ) {
            let value = if is_nested { json!({ &canary: &canary }) } else { json!(&canary) };
            for secret in [json!({ &name: &value }).to_string(), json!({"token": "a", &name: &value}).to_string(), canary.clone()] {
                let told = format!("{:?}", Credentials::read(&secret));
                prop_assert!(!told.contains("hunter2"), "{}", told);
            }
        }
    }
}
