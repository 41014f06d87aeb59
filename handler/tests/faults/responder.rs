//! The same faults where the responder has to answer.

use std::time::Duration;

use http::Method;
use tokio::time::sleep;

use sparkjob::testing::{Fault, Instead};

use crate::account::{Account, Function, Status};
use crate::claims::START;
use crate::cloudformation::{Delivery, Properties, Stack};
use crate::durable::{assert_struck, strike_each};
use crate::tally::Tally;
use crate::town::{BUCKET, Engine};
use crate::{DYING, NEW, OLD};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Create,
    /// With this `UpdateStrategy`.
    Update(&'static str),
    /// The way back from an update that failed.
    RollBack,
    /// The way back from an update that succeeded, whose job has an id of its own.
    TakeBack,
    Delete,
}

impl Asked {
    const UPDATE: Self = Self::Update("StopThenStart");

    /// The file that is run for it, if any is, and how many jobs of it there are then.
    fn makes(self) -> (&'static str, usize) {
        match self {
            Self::Create | Self::Update(_) => (NEW, 1),
            Self::RollBack | Self::TakeBack => (OLD, 2),
            Self::Delete => (NEW, 0),
        }
    }

    /// Whether what is made for it is looked at before it is answered.
    fn is_followed(self) -> bool {
        matches!(self, Self::Create | Self::Update(_))
    }

    /// How many jobs are alive once it has succeeded: what an Update replaces that starts first, the clean-up stops.
    fn leaves(self) -> usize {
        match self {
            Self::Delete => 0,
            Self::Update("StartThenStop") => 2,
            Self::Create | Self::Update(_) | Self::RollBack | Self::TakeBack => 1,
        }
    }

    fn properties(self) -> Properties {
        match self {
            Self::Update(strategy) => Properties { strategy, ..Properties::BRIEF },
            _ => Properties::BRIEF,
        }
    }

    /// The request, of a stack in which all has been done that comes before it, and the id that the resource has by then.
    async fn request(self, account: &Account, stack: &mut Stack) -> (Delivery, Option<String>) {
        if self == Self::Create {
            return (stack.create(NEW, self.properties()), None);
        }
        let created = account.deliver(&stack.create(OLD, self.properties())).await;
        stack.answered(&created);
        account.settled().await;
        match self {
            Self::Create | Self::Delete => (stack.delete(), Some(created.id)),
            Self::Update(strategy) => {
                if strategy == "FinishThenStart" {
                    account.town().finish_old_within(Duration::from_secs(30));
                }
                (stack.update(NEW, self.properties()), Some(created.id))
            }
            Self::RollBack => {
                let failed = account.deliver(&stack.update(DYING, self.properties())).await;
                stack.fails(&failed);
                account.settled().await;
                (stack.roll_back(), Some(created.id))
            }
            Self::TakeBack => {
                let updated = account.deliver(&stack.update(NEW, self.properties())).await;
                account.settled().await;
                (stack.take_back(&updated), Some(updated.id))
            }
        }
    }
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

/// Stops the execution by hand once a job has been submitted that is looked at, or else once it runs; or, where a fault keeps it from
/// that, after a minute.
fn stop_soon(asked: Asked, account: Account) {
    tokio::spawn(async move {
        if asked.is_followed() {
            let (file, jobs) = asked.makes();
            for _ in 0..600 {
                if account.town().jobs_of(file) >= jobs {
                    break;
                }
                sleep(Duration::from_millis(100)).await;
            }
            sleep(Duration::from_millis(500)).await;
        } else {
            // Also one that is claimed only after a while.
            for _ in 0..600 {
                sleep(Duration::from_millis(40)).await;
                if account.executions().contains(&Status::Running) {
                    break;
                }
            }
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
    survives(Asked::UPDATE, &Engine::UNLIKE, &[Why::ClaimsNothing, Why::CannotPut, Why::Stopped]).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_responder_does_about_an_update_whose_function_dies_survives_any_one_fault() {
    survives(Asked::UPDATE, &Engine::UNLIKE, &[Why::Dies]).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_responder_does_about_an_update_of_another_strategy_survives_any_one_fault() {
    survives(Asked::Update("StartThenStop"), &[Engine::EmrSteps], &[Why::Stopped]).await;
    survives(Asked::Update("FinishThenStart"), &[Engine::Livy], &[Why::Stopped]).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_responder_does_about_a_rollback_survives_any_one_fault() {
    survives(Asked::RollBack, &[Engine::EmrSteps], &[Why::CannotPut, Why::Stopped]).await;
    survives(Asked::TakeBack, &[Engine::Livy], &[Why::CannotPut, Why::Stopped]).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_the_responder_answers_is_settled_by_what_comes_next() {
    let strategies = [Asked::Update("StartThenStop"), Asked::Update("FinishThenStart")];
    for engine in Engine::ALL {
        for asked in [Asked::RollBack, Asked::TakeBack].into_iter().chain(strategies) {
            for why in [Why::Dies, Why::ClaimsNothing, Why::CannotPut, Why::Stopped] {
                respond(engine, asked, why, None).await;
            }
        }
    }
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
        let requests = respond(engine, Asked::UPDATE, Why::Dies, None).await;
        assert!(requests < 200, "{engine:?}: {requests} requests");
    }
}

/// A request that the responder answers; how many requests it took.
async fn respond(engine: Engine, asked: Asked, why: Why, fault: Option<(usize, Fault)>) -> usize {
    let told = format!("{engine:?}, {asked:?}, {why:?} with {fault:?}");
    let account = Account::new(engine);
    let mut stack = Stack::new(account.town());
    let is_faulty = fault.is_some();
    let (request, present) = asked.request(&account, &mut stack).await;
    let before = account.way().sends();
    why.hinder(asked, &account);
    if let Some((k, fault)) = &fault {
        account.way().fault_at(before + k, fault.clone());
    }
    let mut answer = account.ask(&request).await.unwrap_or_else(|| panic!("{told}: nobody answered"));
    account.settled().await;
    assert_struck(&account, before, fault.as_ref(), &told);
    let (town, sends) = (account.town(), account.way().sends() - before);
    if let Some(status) = why.status(is_faulty) {
        assert_eq!(answer.status, status, "{told}: {}", answer.reason);
    }
    assert_eq!(town.ids_of_answers(&request).len(), 1, "{told}");
    let is_claimed = account.names().contains(&request.execution());
    assert!(!is_claimed || town.distinct_answers(&request) == 1, "{told}: {:?}", town.bodies(&request));
    let (file, jobs) = asked.makes();
    assert!(town.jobs_of(file) <= jobs, "{told}");
    if why == Why::Stopped && !is_faulty {
        assert!(account.executions().contains(&Status::Aborted), "{told}");
        // It had come as far as it was to.
        assert!(!asked.is_followed() || town.jobs_of(file) == jobs, "{told}");
    }
    account.heal();
    if answer.status == "FAILED" {
        assert!(present.is_none_or(|present| answer.id == present), "{told}: another resource is made up");
        let settles = if matches!(asked, Asked::Create | Asked::Delete) { "" } else { "once that is continued" };
        assert!(is_faulty || answer.reason.contains(settles), "{told}: {}", answer.reason);
        let back = match asked {
            Asked::Update(_) => Some(stack.roll_back()),
            Asked::RollBack | Asked::TakeBack => Some(stack.continue_back(&request)),
            Asked::Create | Asked::Delete => None,
        };
        if let Some(back) = back {
            answer = account.deliver(&back).await;
            // What was let finish has ended by itself, or is about to.
            let fewest = usize::from(asked != Asked::Update("FinishThenStart"));
            let alive = town.alive().len();
            assert!(answer.status == "SUCCESS" && (fewest..=1).contains(&alive), "{told}: {alive}: {}", answer.reason);
        }
    } else {
        assert_eq!((town.alive().len(), town.jobs_of(file)), (asked.leaves(), jobs), "{told}");
    }
    account.finish(stack, &answer).await;
    sends
}
