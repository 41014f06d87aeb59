//! Answers of every kind: whatever comes back, no call panics, and none takes it for more than it says.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use proptest::prelude::*;
use serde_json::Value;

use super::identity;
use crate::engine::{Engine, How, Kind, Lookup, Trouble};
use crate::http::{Lost, Transport};
use crate::job::{Job, Phase, RunRef, Status, Tags, Timestamp};

/// What comes back: a status, the code of an error in its header, and a body; or nothing.
pub type Came = Result<(u16, &'static str, Vec<u8>), Lost>;

/// Answers everything alike.
#[derive(Clone, Debug)]
pub struct Parrot(pub Came);

impl Parrot {
    pub fn of(status: u16, body: &str) -> Self {
        Self(Ok((status, "", body.as_bytes().to_vec())))
    }
}

#[async_trait]
impl Transport for Parrot {
    async fn send(&self, _: Request<Bytes>, _: Duration) -> Result<Response<Bytes>, Lost> {
        let (status, code, body) = self.0.clone()?;
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        if !code.is_empty() {
            response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(code));
        }
        Ok(response)
    }
}

/// Whether it is a success that says this anywhere.
pub fn says(came: &Came, word: &str) -> bool {
    is_success(came) && holds(came, word)
}

/// Whether it is a refusal that says this anywhere.
pub fn refuses(came: &Came, word: &str) -> bool {
    !is_success(came) && holds(came, word)
}

pub fn is_success(came: &Came) -> bool {
    came.as_ref().is_ok_and(|(status, _, _)| *status < 300)
}

fn holds(came: &Came, word: &str) -> bool {
    came.as_ref().is_ok_and(|(_, code, body)| *code == word || String::from_utf8_lossy(body).contains(word))
}

pub fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "\\PC{1000,1100}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map("[a-zA-Z]{1,8}", inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Mostly one of these, or anything.
pub fn mostly(values: impl IntoIterator<Item = Value>) -> BoxedStrategy<Value> {
    let values: Vec<Value> = values.into_iter().collect();
    prop_oneof![9 => prop::sample::select(values), 1 => any_json()].boxed()
}

/// Mostly text like this, or anything.
pub fn mostly_like(pattern: &'static str) -> BoxedStrategy<Value> {
    prop_oneof![9 => pattern.prop_map(Value::from), 1 => any_json()].boxed()
}

/// An object of these members, one of them left out as often as not.
pub fn object<const N: usize>(members: [(&'static str, BoxedStrategy<Value>); N]) -> BoxedStrategy<Value> {
    let (names, values): (Vec<&str>, Vec<_>) = members.into_iter().unzip();
    (values, 0..2 * N)
        .prop_map(move |(values, left_out)| {
            let members = names.iter().zip(values).enumerate().filter(|(index, _)| *index != left_out);
            members.map(|(_, (name, value))| ((*name).to_owned(), value)).collect()
        })
        .boxed()
}

/// Mostly such a body with a status that goes with it, and one of these codes; or any other, or nothing.
pub fn any_came(body: impl Strategy<Value = Value> + 'static, codes: &[&'static str]) -> BoxedStrategy<Came> {
    let body = prop_oneof![
        9 => body.prop_map(|json| json.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..100),
        1 => any_json().prop_map(|json| json.to_string().into_bytes()),
        1 => "(<[a-z/]{0,6}>?|&[a-z]{0,4};?|\\PC{0,8}){0,20}".prop_map(String::into_bytes),
    ];
    let status = prop_oneof![4 => Just(200_u16), 1 => Just(201), 2 => Just(400), 2 => 200..600_u16];
    let code = prop::sample::select(codes.to_vec());
    let lost = prop_oneof![
        Just(Lost::TimedOut),
        Just(Lost::TooLarge),
        "\\PC{0,20}".prop_map(Lost::Unclear),
        "\\PC{0,20}".prop_map(Lost::NotSent),
    ];
    prop_oneof![9 => (status, code, body).prop_map(Ok), 1 => lost.prop_map(Err)].boxed()
}

/// What an engine is asked about, and what came back.
pub struct Case<'a> {
    pub job: &'a Job,
    pub run: &'a RunRef,
    pub came: &'a Came,
    /// Whether that may be a list, or one run of it.
    pub is_list: bool,
    /// What an answer says that tells of a submission of this run.
    pub made: fn(&RunRef) -> String,
    /// The word for a job that ended well, as it is in an answer.
    pub well: &'static str,
    /// Whether such an answer may mean that the run is not there.
    pub may_be_gone: bool,
}

impl Case<'_> {
    /// Asks the engine for everything that it can do, and holds what it makes of the answer to what that says.
    pub fn ask(&self, engine: &dyn Engine) -> Result<(), TestCaseError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            self.start(engine).await?;
            for by in [Lookup::Name, Lookup::Token, Lookup::Owner, Lookup::Spec] {
                self.find(engine, by).await?;
            }
            for runs in [vec![self.run.clone()], vec![self.run.clone(), self.run.clone()]] {
                self.describe(engine, &runs).await?;
            }
            for how in [How::Ask, How::Kill] {
                engine.cancel(self.run, how).await.or_else(|trouble| is_orderly(&trouble))?;
            }
            let tags = Tags::from([("a".to_owned(), "b".to_owned())]);
            engine.tag(self.run, &tags, &Tags::new()).await.or_else(|trouble| is_orderly(&trouble))?;
            let report = engine.report(self.run).await;
            prop_assert!((1..=8000).contains(&length(&report.full_log)), "{:?}", report);
            prop_assert!(report.exception.iter().all(|line| length(line) <= 450), "{:?}", report);
            Ok(())
        })
    }

    async fn start(&self, engine: &dyn Engine) -> Result<(), TestCaseError> {
        match engine.start(self.job, &identity(self.job)).await {
            Ok(run) => {
                prop_assert!(run.place == self.run.place && says(self.came, &(self.made)(&run)), "{}", run);
                Ok(())
            }
            Err(trouble) => {
                // A success that cannot be read may have made a job.
                prop_assert!(!is_success(self.came) || trouble.kind == Kind::Unclear, "{:?}", trouble);
                is_orderly(&trouble)
            }
        }
    }

    async fn find(&self, engine: &dyn Engine, by: Lookup) -> Result<(), TestCaseError> {
        let name = identity(self.job).name();
        match engine.find(&identity(self.job), by, Timestamp::default()).await {
            Ok(found) => {
                prop_assert!(found.iter().all(|found| found.name() == name && found.run.place == self.run.place));
                prop_assert!(says(self.came, &name) || found.is_empty());
                prop_assert!(self.is_list || (!is_success(self.came) && self.may_be_gone));
                found.iter().try_for_each(|found| self.is_true(&found.status))
            }
            Err(trouble) => is_orderly(&trouble),
        }
    }

    async fn describe(&self, engine: &dyn Engine, runs: &[RunRef]) -> Result<(), TestCaseError> {
        match engine.describe(runs).await {
            Ok(statuses) => {
                prop_assert_eq!(statuses.len(), runs.len());
                statuses.iter().try_for_each(|status| self.is_true(status))
            }
            Err(trouble) => is_orderly(&trouble),
        }
    }

    fn is_true(&self, status: &Status) -> Result<(), TestCaseError> {
        prop_assert!(status.phase != Phase::Succeeded || says(self.came, self.well), "{:?}", status);
        prop_assert!(
            if status.phase == Phase::Gone { self.may_be_gone } else { is_success(self.came) },
            "{:?}",
            status
        );
        prop_assert!(length(&status.word) <= 64 && length(&status.reason) <= 800, "{:?}", status);
        Ok(())
    }
}

fn is_orderly(trouble: &Trouble) -> Result<(), TestCaseError> {
    prop_assert!((1..=800).contains(&length(&trouble.said)) && length(&trouble.advice) <= 1500, "{:?}", trouble);
    Ok(())
}

fn length(text: &str) -> usize {
    text.chars().count()
}
