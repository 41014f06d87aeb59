//! The models themselves, where neither an engine's tests nor a conformance suite shows what they do.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use tokio::time::{Instant, sleep};

use super::*;
use crate::http::{Lost, Transport};

const PI: &str = "s3://code/pi.py";
const LIMIT: Duration = Duration::from_secs(30);

async fn ask(livy: &FakeLivy, method: Method, path: &str, body: &str) -> Result<(u16, String), Lost> {
    let request =
        Request::builder().method(method).uri(format!("http://emr:8998{path}")).header("x-requested-by", "test");
    let answer = livy.send(request.body(Bytes::from(body.to_owned())).expect("a request"), LIMIT).await?;
    Ok((answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned()))
}

async fn submit(livy: &FakeLivy, name: &str) -> Result<(u16, String), Lost> {
    ask(livy, Method::POST, "/batches", &format!(r#"{{"file": "{PI}", "name": "{name}"}}"#)).await
}

async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_finished_batch_is_forgotten_after_ten_minutes_and_its_name_is_free() {
    let livy = FakeLivy::new();
    submit(&livy, "pi-1").await.unwrap();
    seconds(600).await;
    assert_eq!(submit(&livy, "pi-1").await.unwrap().0, 400);
    seconds(70).await;
    assert_eq!(ask(&livy, Method::GET, "/batches/pi-1", "").await.unwrap().0, 404);
    assert_eq!(submit(&livy, "pi-1").await.unwrap().0, 201);
    let made = livy.batches();
    // The refusal has used up an id.
    assert_eq!(made.iter().map(|made| (made.id, made.known)).collect::<Vec<_>>(), [(0, false), (2, true)]);
    assert_eq!((made[0].over, made[0].state.as_str()), (Some(made[0].at + Duration::from_secs(10)), "success"));
    assert_eq!(livy.alive(), made[1..]);
}

#[tokio::test(start_paused = true)]
async fn a_livy_without_names_takes_the_same_name_twice() {
    let livy = FakeLivy::of(Version::V0_5);
    livy.allow_local(&["/jobs/"]);
    assert_eq!(submit(&livy, "pi-1").await.unwrap().0, 201);
    let (status, batch) = submit(&livy, "pi-1").await.unwrap();
    assert_eq!((status, batch.contains("name")), (201, false));
    let refused = ask(&livy, Method::POST, "/batches", r#"{"file": "/etc/passwd"}"#).await.unwrap();
    let words = r#""requirement failed: Local path /etc/passwd cannot be added to user sessions.""#;
    assert_eq!(refused, (400, words.to_owned()));
    let unnamed = ask(&livy, Method::GET, "/batches/pi-1", "").await.unwrap();
    assert_eq!(unnamed, (400, r#""For input string: \"pi-1\"""#.to_owned()));
    assert_eq!(livy.batches().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_most_that_were_alive_at_once_are_counted() {
    let livy = FakeLivy::new();
    livy.script(PI, Script::running(Duration::from_secs(10)));
    for name in ["a-1", "a-2", "b-1"] {
        livy.make(Some(name), PI);
        seconds(6).await;
    }
    livy.make_phantom("a-3");
    seconds(10).await;
    livy.make(Some("a-4"), PI);
    assert_eq!(livy.most_alive(|_| true), 2);
    assert_eq!(livy.most_alive(|name| name.starts_with("b-")), 1);
    assert_eq!(livy.most_alive(|name| name == "a-3"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_restart_kills_and_forgets_and_counts_from_zero() {
    let livy = FakeLivy::new();
    livy.script(PI, Script::endless());
    submit(&livy, "pi-1").await.unwrap();
    seconds(5).await;
    livy.restart();
    assert_eq!(ask(&livy, Method::GET, "/batches/0", "").await.unwrap().0, 404);
    submit(&livy, "pi-2").await.unwrap();
    let made = livy.batches();
    assert_eq!((made[0].id, made[0].state.as_str(), made[0].is_alive()), (0, "killed", false));
    assert_eq!((made[1].id, made[1].name.as_str(), made[1].is_alive()), (0, "pi-2", true));
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_to_a_request_that_took_effect_at_once_and_a_late_one_is_not() {
    let livy = FakeLivy::new();
    for (fault, made) in [(Fault::Slow(LIMIT * 2), 1), (Fault::Late(LIMIT * 2), 0)] {
        let before = livy.batches().len();
        livy.fault_next(Method::POST, "/batches", fault);
        let begin = Instant::now();
        assert_eq!(submit(&livy, &format!("pi-{before}")).await, Err(Lost::TimedOut));
        assert_eq!(begin.elapsed(), LIMIT);
        assert_eq!(livy.batches().len() - before, made);
        seconds(60).await;
        assert_eq!(livy.batches().len() - before, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_request_takes_effect_also_where_its_sender_is_gone() {
    let livy = FakeLivy::new();
    livy.fault_at(1, Fault::Late(Duration::from_secs(10)));
    let sender = tokio::time::timeout(Duration::from_secs(1), submit(&livy, "pi-1")).await;
    assert!(sender.is_err());
    assert!(livy.batches().is_empty());
    seconds(10).await;
    assert_eq!(livy.batches().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn faults_strike_where_they_are_meant_to_and_are_recorded() {
    let livy = FakeLivy::new();
    let (error, silence) = (Fault::Before(Instead::Page(502)), Fault::Before(Instead::Silence));
    livy.fault_at(2, Fault::refused());
    livy.fault_next(Method::GET, "/log", error.clone());
    livy.fault_next(Method::GET, "/log", silence.clone());
    assert_eq!(ask(&livy, Method::GET, "/batches", "").await.unwrap().0, 200);
    assert!(matches!(ask(&livy, Method::GET, "/batches", "").await, Err(Lost::NotSent(_))));
    assert_eq!(ask(&livy, Method::GET, "/batches/0/log", "").await.unwrap().0, 502);
    assert_eq!(ask(&livy, Method::GET, "/batches/0/log", "").await, Err(Lost::TimedOut));
    assert_eq!(ask(&livy, Method::GET, "/batches/0/log", "").await.unwrap().0, 404);
    livy.fault_all(Fault::refused());
    assert!(ask(&livy, Method::GET, "/batches", "").await.is_err());
    livy.heal();
    assert!(ask(&livy, Method::GET, "/batches", "").await.is_ok());
    let struck: Vec<Option<Fault>> = livy.requests().into_iter().map(|sent| sent.fault).collect();
    let refused = Some(Fault::refused());
    assert_eq!(struck, [None, refused.clone(), Some(error), Some(silence), None, refused, None]);
    assert_eq!((livy.sends(), livy.requests()[6].path.as_str()), (7, "/batches"));
}
