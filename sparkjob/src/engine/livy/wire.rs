//! What Livy's [REST API](https://livy.apache.org/docs/latest/rest-api.html) sends and takes, as it is on the wire.
//!
//! What Livy sends is read leniently, since seven years of versions differ in what they leave out or say as `null`.

mod bounded;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use bounded::Lines;

/// The body of `POST /batches`. Livy answers an unknown field with 400, so only what is said is sent. It may hold secrets, so
/// it has no Debug to be shown by.
#[derive(Serialize)]
#[cfg_attr(test, derive(Debug, PartialEq))]
#[serde(rename_all = "camelCase")]
pub struct Submission<'a> {
    pub file: &'a str,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_name: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub args: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub jars: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub py_files: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub files: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub archives: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_memory: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_cores: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_memory: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_cores: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_executors: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_user: Option<&'a str>,
    pub conf: BTreeMap<String, String>,
}

/// One batch.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    pub id: u64,
    #[serde(default)]
    pub name: Name,
    pub state: Option<String>,
    pub app_id: Option<String>,
    pub app_info: Option<AppInfo>,
    /// Its last ten lines; none before `spark-submit` was begun.
    pub log: Option<Lines<10>>,
}

/// A batch's name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Option<String>")]
pub enum Name {
    /// There is no such field: a Livy before 0.6.
    #[default]
    NotKept,
    /// The batch was given none.
    Unnamed,
    /// This one.
    Given(String),
}

impl From<Option<String>> for Name {
    fn from(name: Option<String>) -> Self {
        name.map_or(Self::Unnamed, Self::Given)
    }
}

/// Where a person looks.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppInfo {
    pub driver_log_url: Option<String>,
    pub spark_ui_url: Option<String>,
}

/// One page of `GET /batches`.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Listing {
    /// How many batches there are in all.
    pub total: usize,
    #[serde(deserialize_with = "bounded::batches")]
    pub sessions: Vec<Batch>,
}

/// So many lines of a log are asked for: more than the 200 of each stream that Livy keeps unless told otherwise.
pub const LOG_LINES: usize = 500;

/// The answer of `GET /batches/{id}/log`.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Log {
    pub log: Lines<LOG_LINES>,
}

/// How Livy says what is wrong: an object since 0.6, before (and for unreadable JSON to this day) the bare text.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Message {
    Object { msg: String },
    Bare(String),
}

impl Message {
    /// What a body says in this way; none where it does not, or is too long for that: what else it holds would be read into memory.
    pub fn of(body: &[u8]) -> Option<Self> {
        const LONGEST: usize = 64 << 10;
        if body.len() > LONGEST { None } else { serde_json::from_slice(body).ok() }
    }

    pub fn into_text(self) -> String {
        match self {
            Self::Object { msg: text } | Self::Bare(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(text: &str) -> Batch {
        serde_json::from_str(text).expect("a batch")
    }

    #[test]
    fn a_batch_of_livy_0_7_is_read() {
        let read = batch(
            r#"{"id":4,"name":"pi-1","owner":null,"proxyUser":null,"state":"running","appId":null,
                "appInfo":{"driverLogUrl":null,"sparkUiUrl":null},"log":["stdout: ","\nstderr: "]}"#,
        );
        let line = |text: &str| Some(text.to_owned());
        let expected = Batch {
            id: 4,
            name: Name::Given("pi-1".to_owned()),
            state: line("running"),
            app_id: None,
            app_info: Some(AppInfo::default()),
            log: Some(Lines(vec!["stdout: ".to_owned(), "\nstderr: ".to_owned()])),
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn a_batch_on_yarn_is_read_also_where_yarn_had_no_words() {
        let read = batch(
            r#"{"id":0,"name":null,"owner":"hadoop","proxyUser":"alice","state":"dead","appId":"application_1_0001",
                "appInfo":{"driverLogUrl":"http://node:8042/logs","sparkUiUrl":"http://rm:8088/proxy/application_1_0001/"},
                "log":["\nYARN Diagnostics: ",null],"ttl":null}"#,
        );
        assert_eq!((read.name, read.app_id.as_deref()), (Name::Unnamed, Some("application_1_0001")));
        assert_eq!(read.app_info.and_then(|info| info.driver_log_url).as_deref(), Some("http://node:8042/logs"));
        assert_eq!(read.log, Some(Lines(vec!["\nYARN Diagnostics: ".to_owned()])));
    }

    #[test]
    fn a_batch_without_the_field_for_a_name_is_told_from_one_without_a_name() {
        let read = batch(r#"{"id":0,"state":"starting","appId":null,"appInfo":{},"log":[]}"#);
        assert_eq!(read.name, Name::NotKept);
    }

    #[test]
    fn both_ways_to_say_what_is_wrong_are_read() {
        for text in [r#"{"msg":"no"}"#, r#""no""#] {
            let message: Message = serde_json::from_str(text).expect("a message");
            assert_eq!(message.into_text(), "no");
        }
    }

    #[test]
    fn what_is_too_long_for_a_message_is_none() {
        let message = |length: usize| Message::of(format!("\"{}\"", "x".repeat(length)).as_bytes());
        assert!(message(1000).is_some() && message(1 << 20).is_none());
    }
}
