//! What lets into a Livy goes to that Livy alone, and what a job knows to nobody.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use sparkjob::http::{Lost, Transport};
use sparkjob::testing::{Fault, Instead};
use tracing::level_filters::LevelFilter;

use crate::account::Account;
use crate::cloudformation::{Properties, Stack, deliver};
use crate::log::Log;
use crate::town::{Engine, LIVY_SECRET, PASSWORD, Town};
use crate::{DYING, NEW, OLD};

const OLD_SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:old-AbCdEf";
const NEW_SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:new-AbCdEf";

/// A town whose Livy lets everyone in; who came where with what is kept.
#[derive(Clone, Debug)]
struct Watched {
    town: Town,
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl Watched {
    fn new() -> Self {
        let town = Town::new(Engine::Livy);
        town.livy().demand(None);
        for (arn, token) in [(OLD_SECRET, "old"), (NEW_SECRET, "new")] {
            town.secrets().keep(arn, &json!({ "token": token }).to_string());
        }
        Self { town, seen: Arc::default() }
    }

    /// With what each host was asked since, each once.
    fn seen(&self) -> Vec<(String, String)> {
        let mut seen = std::mem::take(&mut *self.seen.lock().expect("no panic"));
        seen.sort();
        seen.dedup();
        seen
    }
}

#[async_trait]
impl Transport for Watched {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        if !host.ends_with(".amazonaws.com") {
            let with = request.headers().get("authorization").map(|value| value.to_str().expect("text"));
            self.seen.lock().expect("no panic").push((host, with.unwrap_or("nothing").to_owned()));
        } else if !["secretsmanager.", "cloudformation."].iter().any(|service| host.starts_with(service)) {
            assert!(!request.headers().contains_key("authorization"), "{host}");
        }
        self.town.send(request, limit).await
    }
}

fn job(host: &str, secret: Option<&str>) -> Value {
    json!({"LivyHost": host, "LivySecretArn": secret, "Parameters": {"File": OLD}})
}

fn seen(hosts: &[(&str, &str)]) -> Vec<(String, String)> {
    hosts.iter().map(|(host, with)| ((*host).to_owned(), (*with).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_move_shows_each_livy_its_own_secret() {
    let way = Watched::new();
    let mut stack = Stack::new(&way.town);
    let created = deliver(&way, &stack.create_with(job("old", Some(OLD_SECRET)))).await;
    stack.answered(&created);
    assert_eq!(way.seen(), seen(&[("old", "Bearer old")]));
    let moved = deliver(&way, &stack.update_with(job("new", Some(NEW_SECRET)))).await;
    assert_eq!(moved.status, "SUCCESS", "{}", moved.reason);
    assert_eq!(way.seen(), seen(&[("new", "Bearer new"), ("old", "Bearer old")]));
    stack.answered(&moved);
    assert_eq!(deliver(&way, &stack.delete()).await.status, "SUCCESS");
    assert_eq!(way.seen(), seen(&[("new", "Bearer new")]));
    assert!(way.town.alive().is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_secret_for_the_same_livy_keeps_the_job() {
    let way = Watched::new();
    let mut stack = Stack::new(&way.town);
    let created = deliver(&way, &stack.create_with(job("emr", Some(OLD_SECRET)))).await;
    stack.answered(&created);
    for (secret, with) in [(Some(NEW_SECRET), "Bearer new"), (None, "nothing")] {
        way.seen();
        let updated = deliver(&way, &stack.update_with(job("emr", secret))).await;
        assert_eq!((updated.status.as_str(), &updated.id), ("SUCCESS", &created.id));
        assert_eq!(way.seen(), seen(&[("emr", with)]));
    }
    assert_eq!(way.town.jobs_of(OLD), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_job_says_of_its_secrets_is_told_without_them() {
    let town = Town::new(Engine::Livy);
    let mut stack = Stack::new(&town);
    let answer = deliver(&town, &stack.create(DYING, Properties::default())).await;
    assert_eq!(answer.status, "FAILED");
    assert!(answer.reason.contains("connecting as me with ***"), "{}", answer.reason);
    assert!(!answer.reason.contains(PASSWORD), "{}", answer.reason);
}

#[tokio::test(start_paused = true)]
async fn a_livy_that_cannot_be_logged_into_is_told_of_and_its_job_stopped_later() {
    let town = Town::new(Engine::Livy);
    let mut stack = Stack::new(&town);
    let created = deliver(&town, &stack.create(NEW, Properties::default())).await;
    stack.answered(&created);
    town.livy().demand(Some(("authorization", "Bearer hunter2-turned")));
    let deleted = deliver(&town, &stack.delete()).await;
    assert_eq!(deleted.status, "FAILED");
    let advice = format!("Check what {LIVY_SECRET} holds (LivySecretArn): this Livy does not let it in.");
    assert!(deleted.reason.contains(&advice), "{}", deleted.reason);
    town.secrets().keep(LIVY_SECRET, r#"{"token": "hunter2-turned"}"#);
    assert_eq!(deliver(&town, &stack.delete()).await.status, "SUCCESS");
    assert!(town.alive().is_empty());
}

/// Of a job that is to be stopped no description is kept.
#[tokio::test(start_paused = true)]
async fn what_an_engine_quotes_of_a_job_that_it_does_not_stop_is_told_without_its_secrets() {
    let said = "cannot kill: spark-submit --password aq5bc jdbc:x://h/db?password=aq5bc https://me:aq5bc@h {\"token\":\"aq5bc\"} \
                [\"--password\",\"aq5bc\"]: permission denied";
    let told = "cannot kill: spark-submit --password *** jdbc:x://h/db?password=*** https://me:***@h {\"token\":\"***\"} \
                [\"--password\",\"***\"]: permission denied";
    for is_update in [false, true] {
        let log = Log::at(LevelFilter::DEBUG);
        let account = Account::new(Engine::Livy);
        let mut stack = Stack::new(account.town());
        let created = account.deliver(&stack.create(OLD, Properties::default())).await;
        stack.answered(&created);
        let refusal = Fault::Before(Instead::Answer(403, json!({ "msg": said }).to_string()));
        account.way().fault_each(Method::DELETE, "", refusal);
        let request = if is_update { stack.update(NEW, Properties::default()) } else { stack.delete() };
        let answer = account.deliver(&request).await;
        assert_eq!(answer.status, "FAILED", "{is_update}");
        assert!(answer.reason.contains(told), "{}", answer.reason);
        assert!(!answer.reason.contains("aq5bc") && !log.text().contains("aq5bc"), "{}", log.text());
    }
}
