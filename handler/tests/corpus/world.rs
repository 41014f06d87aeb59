//! What is around the functions: somewhere to put answers, a workflow that is started and no more, and no engine to speak of.

use std::mem::take;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use sparkjob::http::{Lost, Transport};
use tokio::time::sleep;

use super::{Put, lock};

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Nobody is there but the place where answers are put: everything is done within one invocation.
    Refused,
    /// Nothing is ever answered; answers arrive nowhere.
    Silent,
    /// The workflow takes the request, and engines give back what they were sent.
    Garbled,
}

impl Weather {
    pub const ALL: [Self; 3] = [Self::Refused, Self::Silent, Self::Garbled];
}

/// Where everything goes that is sent.
#[derive(Debug)]
pub struct World {
    weather: Weather,
    put: Mutex<Vec<Put>>,
    claimed: Mutex<Option<String>>,
}

impl World {
    pub fn new(weather: Weather) -> Self {
        Self { weather, put: Mutex::default(), claimed: Mutex::default() }
    }

    /// The answers that were put since this was last asked.
    pub fn take_put(&self) -> Vec<Put> {
        take(&mut *lock(&self.put))
    }

    /// The input of the execution that was started, where one was.
    pub fn claimed(&self) -> Option<String> {
        lock(&self.claimed).take()
    }

    /// What Step Functions answers.
    fn workflow(&self, body: &[u8]) -> Value {
        let call: Value = serde_json::from_slice(body).expect("JSON");
        let input = call["input"].as_str().expect("only executions are started").to_owned();
        let before = lock(&self.claimed).replace(input);
        assert!(before.is_none(), "a request was claimed twice");
        json!({ "executionArn": "arn:aws:states:eu-west-1:123456789012:execution:lifecycle:1", "startDate": 1_795_244_400 })
    }
}

#[async_trait]
impl Transport for World {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        let is_answer = request.method() == Method::PUT;
        if is_answer {
            lock(&self.put).push((request.uri().clone(), request.body().clone()));
        }
        let is_start = request.headers().get("x-amz-target").is_some_and(|of| of == "AWSStepFunctions.StartExecution");
        match self.weather {
            Weather::Silent => {
                sleep(limit).await;
                Err(Lost::TimedOut)
            }
            _ if is_answer => Ok(Response::new(Bytes::new())),
            Weather::Refused => Err(Lost::NotSent("Connection refused".to_owned())),
            Weather::Garbled if is_start => Ok(Response::new(self.workflow(request.body()).to_string().into())),
            Weather::Garbled => Ok(Response::new(request.into_body())),
        }
    }
}
