//! All that a request leaves for: a Livy, and the bucket that takes the answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde_json::Value;

use sparkjob::http::{Lost, Transport};
use sparkjob::testing::{FakeLivy, Script, Version};

use crate::cloudformation::Delivery;

/// The bucket's host, in the answers' addresses.
pub const BUCKET: &str = "cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com";

/// All keys that `Fn::GetAtt` may ask for.
const ATTRIBUTES: [&str; 11] = [
    "ApplicationId",
    "Arn",
    "BatchId",
    "ConsoleUrl",
    "DriverLogUrl",
    "Engine",
    "JobId",
    "LogUri",
    "Name",
    "SparkUiUrl",
    "State",
];

/// A Livy whose jobs run until they are stopped, and the bucket. Clones share one town.
#[derive(Clone, Debug)]
pub struct Town {
    livy: FakeLivy,
    /// The bodies that were put, for each request.
    answers: Arc<Mutex<BTreeMap<String, Vec<Bytes>>>>,
}

impl Town {
    pub fn new() -> Self {
        Self::of(Version::V0_7)
    }

    /// One with this Livy.
    pub fn of(version: Version) -> Self {
        let livy = FakeLivy::of(version);
        for file in [crate::OLD, crate::NEW] {
            livy.script(file, Script::endless());
        }
        livy.script(crate::DYING, Script::dying(Duration::from_secs(5)));
        livy.allow_local(&["/jobs/"]);
        Self { livy, answers: Arc::default() }
    }

    /// Its Livy.
    pub fn livy(&self) -> &FakeLivy {
        &self.livy
    }

    /// Ends the old job, well, within this time.
    pub fn finish_old_within(&self, time: Duration) {
        let livy = self.livy.clone();
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            for job in livy.alive().iter().filter(|job| job.file == crate::OLD) {
                livy.end(job.id, "success");
            }
        });
    }

    /// The last answer to a request.
    pub fn answer(&self, request: &Delivery) -> Option<Value> {
        let answers = self.answers.lock().expect("no test panics while it holds it");
        let body = answers.get(&request.id)?.last()?;
        Some(serde_json::from_slice(body).expect("was read before"))
    }

    pub fn distinct_answers(&self, request: &Delivery) -> usize {
        let answers = self.answers.lock().expect("no test panics while it holds it");
        let mut bodies = answers.get(&request.id).cloned().unwrap_or_default();
        bodies.sort();
        bodies.dedup();
        bodies.len()
    }

    /// The names of the jobs that are alive.
    pub fn alive(&self) -> Vec<String> {
        self.livy.alive().into_iter().map(|job| job.name).collect()
    }

    /// How many jobs were alive at the same time at most.
    pub fn most_alive(&self) -> usize {
        self.livy.most_alive(|_| true)
    }

    /// How many names Livy still holds that no job was ever behind.
    pub fn phantoms(&self) -> usize {
        self.livy.batches().iter().filter(|batch| batch.known && !batch.begun).count()
    }

    /// How many jobs of this file there ever were.
    pub fn jobs_of(&self, file: &str) -> usize {
        self.livy.batches().iter().filter(|job| job.begun && job.file == file).count()
    }

    /// Takes an answer as strictly as the strictest reader.
    fn take(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let (headers, body) = (request.headers(), request.body());
        assert_eq!(request.method(), Method::PUT);
        assert!(!headers.contains_key(header::CONTENT_TYPE) && !headers.contains_key(header::TRANSFER_ENCODING));
        assert_eq!(headers[header::CONTENT_LENGTH], body.len().to_string());
        assert!(body.len() <= 4096, "{} bytes", body.len());
        let answer: Value = serde_json::from_slice(body).expect("an answer is JSON");
        let id = answer["PhysicalResourceId"].as_str().expect("an id");
        assert!((1..=1024).contains(&id.len()));
        assert!(answer["Status"] == "SUCCESS" || answer["Reason"].as_str().is_some_and(|reason| !reason.is_empty()));
        let keys: Vec<&String> = answer["Data"].as_object().expect("attributes").keys().collect();
        assert_eq!(keys, ATTRIBUTES);
        let request = answer["RequestId"].as_str().expect("a request").to_owned();
        self.answers.lock().expect("no test panics while it holds it").entry(request).or_default().push(body.clone());
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::OK;
        response
    }
}

#[async_trait]
impl Transport for Town {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        if request.uri().host() == Some(BUCKET) {
            return Ok(self.take(&request));
        }
        self.livy.send(request, limit).await
    }
}
