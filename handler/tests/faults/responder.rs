//! The same faults where the responder has to answer.

use std::time::Duration;

use http::Method;
use tokio::time::sleep;

use sparkjob::testing::{Fault, Instead};

use crate::account::{Account, Function, Status};
use crate::claims::START;
use crate::cloudformation::{Properties, Stack};
use crate::durable::{assert_struck, strike_each};
use crate::tally::Tally;
use crate::town::{BUCKET, Engine};
use crate::{NEW, OLD};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Create,
    Update,
    Delete,
}

/// Why the responder has to answer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Why {
    /// Every step dies that submits.
    Dies,
    /// Nothing can be claimed.
    ClaimsNothing,
    /// The function cannot put the answer.
    CannotPut,
    /// The execution is stopped by hand.
    Stopped,
}

impl Why {
    fn hinder(self, asked: Asked, account: &Account) {
        let each = |part, fault| account.way().fault_each(Method::POST, part, fault);
        match self {
            Self::Dies => each(account.town().engine().submission(), Fault::Before(Instead::Death)),
            Self::ClaimsNothing => each(START, Fault::Before(Instead::Silence)),
            Self::CannotPut => account.cut_off(Function::Submitter, BUCKET),
            Self::Stopped => stop_soon(asked, account.clone()),
        }
    }

    /// What is to be answered; none where a fault may let through, or delay, what was to come to nothing.
    fn status(self, is_faulty: bool) -> Option<&'static str> {
        match self {
            Self::CannotPut => Some("SUCCESS"),
            Self::Dies | Self::ClaimsNothing | Self::Stopped => (!is_faulty).then_some("FAILED"),
        }
    }
}

/// Stops the execution by hand once a job has been submitted, and is looked at, or has been asked to stop; or, where a fault keeps it
/// from that, after a minute.
fn stop_soon(asked: Asked, account: Account) {
    tokio::spawn(async move {
        if asked == Asked::Delete {
            // Also one that is claimed only after a while.
            for _ in 0..600 {
                sleep(Duration::from_millis(40)).await;
                if account.executions().contains(&Status::Running) {
                    break;
                }
            }
        } else {
            for _ in 0..600 {
                if account.town().jobs_of(NEW) > 0 {
                    break;
                }
                sleep(Duration::from_millis(100)).await;
            }
            sleep(Duration::from_millis(500)).await;
        }
        account.stop_executions();
    });
}

#[tokio::test(start_paused = true)]
async fn what_the_responder_does_about_a_create_survives_any_one_fault() {
    survives(Asked::Create, &Engine::ALL, &[Why::ClaimsNothing, Why::CannotPut, Why::Stopped]).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_responder_does_about_a_create_whose_function_dies_survives_any_one_fault() {
    survives(Asked::Create, &Engine::ALL, &[Why::Dies]).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_responder_does_about_an_update_survives_any_one_fault() {
    survives(Asked::Update, &Engine::UNLIKE, &[Why::ClaimsNothing, Why::CannotPut, Why::Stopped]).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_responder_does_about_an_update_whose_function_dies_survives_any_one_fault() {
    survives(Asked::Update, &Engine::UNLIKE, &[Why::Dies]).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_responder_does_about_a_delete_survives_any_one_fault() {
    survives(Asked::Delete, &Engine::ALL, &[Why::ClaimsNothing, Why::CannotPut, Why::Stopped]).await;
}

async fn survives(asked: Asked, engines: &[Engine], reasons: &[Why]) {
    for (engine, why) in engines.iter().flat_map(|engine| reasons.iter().map(move |why| (*engine, *why))) {
        let (clean, mut tally) = (respond(engine, asked, why, None).await, Tally::default());
        strike_each(clean, &mut tally, async |fault| _ = respond(engine, asked, why, Some(fault)).await).await;
        tally.tell(&format!("{engine:?}, {asked:?}, {why:?}, the responder, {clean} requests"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_whose_function_dies_at_each_submission_is_answered_soon() {
    for engine in Engine::ALL {
        // It would go on for as long as anybody waits.
        let requests = respond(engine, Asked::Update, Why::Dies, None).await;
        assert!(requests < 200, "{engine:?}: {requests} requests");
    }
}

/// A request that the responder answers; how many requests it took.
async fn respond(engine: Engine, asked: Asked, why: Why, fault: Option<(usize, Fault)>) -> usize {
    let told = format!("{engine:?}, {asked:?}, {why:?} with {fault:?}");
    let account = Account::new(engine);
    let mut stack = Stack::new(account.town());
    let (is_faulty, mut present) = (fault.is_some(), None);
    if asked != Asked::Create {
        let created = account.deliver(&stack.create(OLD, Properties::BRIEF)).await;
        stack.answered(&created);
        account.settled().await;
        present = Some(created.id);
    }
    let before = account.way().sends();
    why.hinder(asked, &account);
    if let Some((k, fault)) = &fault {
        account.way().fault_at(before + k, fault.clone());
    }
    let request = match asked {
        Asked::Create => stack.create(NEW, Properties::BRIEF),
        Asked::Update => stack.update(NEW, Properties::BRIEF),
        Asked::Delete => stack.delete(),
    };
    let mut answer = account.ask(&request).await.unwrap_or_else(|| panic!("{told}: nobody answered"));
    account.settled().await;
    assert_struck(&account, before, fault.as_ref(), &told);
    let (town, sends) = (account.town(), account.way().sends() - before);
    if let Some(status) = why.status(is_faulty) {
        assert_eq!(answer.status, status, "{told}: {}", answer.reason);
    }
    assert_eq!(town.ids_of_answers(&request).len(), 1, "{told}");
    let is_claimed = !account.executions().is_empty();
    assert!(!is_claimed || town.distinct_answers(&request) == 1, "{told}: {:?}", town.bodies(&request));
    assert!(town.jobs_of(NEW) <= 1, "{told}");
    if why == Why::Stopped && !is_faulty {
        // It had come as far as it was to.
        assert!(account.executions().contains(&Status::Aborted), "{told}");
        assert_eq!(town.jobs_of(NEW), usize::from(asked != Asked::Delete), "{told}");
    }
    account.heal();
    if answer.status == "FAILED" {
        assert!(present.is_none_or(|present| answer.id == present), "{told}: another resource is made up");
        if asked == Asked::Update {
            answer = account.deliver(&stack.roll_back()).await;
            assert_eq!((answer.status.as_str(), town.alive().len()), ("SUCCESS", 1), "{told}: {}", answer.reason);
        }
    } else {
        let alive = usize::from(asked != Asked::Delete);
        assert_eq!((town.alive().len(), town.jobs_of(NEW)), (alive, alive), "{told}");
    }
    account.finish(stack, &answer).await;
    sends
}
