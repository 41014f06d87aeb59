//! A model of Secrets Manager.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::emr::Operation;
use super::served::{Answers, Served};

/// The secrets of an account, in memory; it listens wherever Secrets Manager is asked. Clones share them. It has the methods
/// of a [`Faulty`](super::Faulty), too.
pub type FakeSecrets = Served<World>;

impl FakeSecrets {
    /// An account without secrets.
    #[expect(clippy::new_without_default, reason = "a service is opened, not defaulted")]
    pub fn new() -> Self {
        Self::serving(World::default())
    }

    /// Keeps a text as the secret of this ARN, in the place of what it was.
    pub fn keep(&self, arn: &str, text: &str) {
        self.world().kept.insert(arn.to_owned(), json!(text));
    }

    /// Keeps what is no text.
    pub fn keep_binary(&self, arn: &str) {
        self.world().kept.insert(arn.to_owned(), Value::Null);
    }

    /// Refuses everything with this code and these words, until it is none again.
    pub fn refuse(&self, refusal: Option<(&'static str, &'static str)>) {
        self.world().refusal = refusal;
    }

    /// What was asked for: each is what a right must be there for.
    pub fn operations(&self) -> BTreeSet<Operation> {
        self.world().operations.clone()
    }
}

/// What the model knows.
#[derive(Default)]
pub struct World {
    kept: BTreeMap<String, Value>,
    refusal: Option<(&'static str, &'static str)>,
    operations: BTreeSet<Operation>,
}

impl Answers for World {
    fn answer(&mut self, request: &Request<Bytes>) -> (Response<Bytes>, Duration) {
        (self.get(request), Duration::ZERO)
    }
}

impl World {
    /// [`GetSecretValue`](https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html), asked where
    /// the secret is.
    fn get(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        assert_eq!(request.headers()["x-amz-target"], "secretsmanager.GetSecretValue");
        let asked: Value = serde_json::from_slice(request.body()).expect("JSON");
        let arn = asked["SecretId"].as_str().expect("a secret's ARN").to_owned();
        let region = arn.split(':').nth(3).unwrap_or_default();
        assert_eq!(request.uri().host(), Some(&*format!("secretsmanager.{region}.amazonaws.com")));
        self.operations.insert(Operation::new("secretsmanager:GetSecretValue".to_owned(), arn.clone()));
        if let Some((code, words)) = self.refusal {
            return answer(400, &json!({"__type": code, "Message": words}));
        }
        match self.kept.get(&arn) {
            Some(Value::Null) => answer(200, &json!({"ARN": arn, "SecretBinary": "aHVudGVyMg=="})),
            Some(text) => answer(200, &json!({"ARN": arn, "SecretString": text})),
            None => {
                let words = "Secrets Manager can't find the specified secret.";
                answer(400, &json!({"__type": "ResourceNotFoundException", "Message": words}))
            }
        }
    }
}

fn answer(status: u16, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
}
