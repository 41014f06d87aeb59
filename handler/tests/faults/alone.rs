//! No workflow, or no way to it: the function does all the work within one invocation.

use http::Method;
use tracing::level_filters::LevelFilter;

use sparkjob::testing::Fault;

use crate::NEW;
use crate::account::Account;
use crate::claims::START;
use crate::cloudformation::{Properties, Stack};
use crate::log::Log;
use crate::town::Engine;

#[tokio::test(start_paused = true)]
async fn without_a_way_to_the_workflow_the_function_does_it_alone_and_says_so() {
    let denied = |account: &Account| account.deny(START);
    let refused = |account: &Account| account.way().fault_each(Method::POST, START, Fault::refused());
    for (hinder, why) in [(&denied as &dyn Fn(&Account), "AccessDenied"), (&refused, "could not connect")] {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(Engine::EmrServerless);
        hinder(&account);
        let mut stack = Stack::new(account.town());
        let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
        assert_eq!((answer.status.as_str(), account.executions().len()), ("SUCCESS", 0), "{why}: {}", answer.reason);
        assert!(log.text().contains("worked on within one invocation") && log.text().contains(why), "{}", log.text());
        account.finish(stack, &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_knows_of_no_workflow_does_it_alone() {
    let account = Account::without_workflow(Engine::Livy);
    let mut stack = Stack::new(account.town());
    let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
    assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
    account.finish(stack, &answer).await;
}
