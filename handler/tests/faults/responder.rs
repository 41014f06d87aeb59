//! The same faults where the responder has to answer.

use http::Method;

use sparkjob::testing::{Fault, Instead};

use crate::NEW;
use crate::account::{Account, Function};
use crate::claims::START;
use crate::cloudformation::{Properties, Stack};
use crate::durable::faults;
use crate::tally::Tally;
use crate::town::{BUCKET, Engine};

#[tokio::test(start_paused = true)]
async fn what_the_responder_does_survives_any_one_fault() {
    // Once because every step dies, once because nothing can be claimed, once because the answer cannot be put.
    let dies = |account: &Account| {
        account.way().fault_each(Method::POST, "/jobruns", Fault::Before(Instead::Death));
    };
    let claims_nothing = |account: &Account| {
        account.way().fault_each(Method::POST, START, Fault::Before(Instead::Silence));
    };
    let cannot_put = |account: &Account| account.cut_off(Function::Submitter, BUCKET);
    let mut tally = Tally::default();
    for hinder in [&dies as &dyn Fn(&Account), &claims_nothing, &cannot_put] {
        let clean = respond(hinder, None).await;
        for k in 1..=clean {
            for fault in faults() {
                respond(hinder, Some((k, fault))).await;
                tally.survived(1);
            }
        }
    }
    tally.tell("the responder");
}

/// A Create that the responder answers; how many requests it took.
async fn respond(hinder: &dyn Fn(&Account), fault: Option<(usize, Fault)>) -> usize {
    let told = format!("{fault:?}");
    let account = Account::new(Engine::EmrServerless);
    hinder(&account);
    if let Some((k, fault)) = fault {
        account.way().fault_at(k, fault);
    }
    let mut stack = Stack::new(account.town());
    let request = stack.create(NEW, Properties::BRIEF);
    let answer = account.ask(&request).await.unwrap_or_else(|| panic!("{told}: nobody answered"));
    account.settled().await;
    let sends = account.way().sends();
    assert_eq!(account.town().ids_of_answers(&request).len(), 1, "{told}");
    account.heal();
    account.finish(stack, &answer).await;
    sends
}
