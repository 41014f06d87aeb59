//! The models of Step Functions and `CloudFormation` pass the conformance suite, in virtual time.

use std::cell::Cell;
use std::sync::Arc;

use aws_sdk_sfn::primitives::DateTime;
use serde_json::Value;

use sparkjob::testing::engines;

use crate::account::{Account, Function};
use crate::conformance::stacks::RESOURCE;
use crate::conformance::{Machine, Side, Stack, Ways, each_test};
use crate::stacks::{STACK, Stacks};
use crate::town::{Engine, Town};

/// The models.
struct Models;

struct ModelMachine {
    account: Account,
    client: aws_sdk_sfn::Client,
}

struct ModelStack {
    town: Town,
    client: aws_sdk_cloudformation::Client,
    /// What it becomes with the next answer.
    becomes: Cell<&'static str>,
}

impl Side for Models {
    const WAYS: Ways = Ways::AWS;

    async fn machine(definition: Value) -> impl Machine {
        let account = Account::with_workflow(&definition.to_string());
        let (way, _) = account.way().process();
        let client = aws_sdk_sfn::Client::new(engines(Arc::new(way)).aws().config());
        ModelMachine { account, client }
    }

    async fn stack() -> impl Stack {
        let town = Town::new(Engine::Livy);
        let client = aws_sdk_cloudformation::Client::new(engines(Arc::new(town.clone())).aws().config());
        let stack = ModelStack { town, client, becomes: Cell::default() };
        stack.asks("CREATE_IN_PROGRESS", "CREATE_COMPLETE");
        stack
    }
}

impl Machine for ModelMachine {
    fn client(&self) -> &aws_sdk_sfn::Client {
        &self.client
    }

    fn arn(&self) -> String {
        Account::workflow_arn()
    }

    fn function(&self) -> String {
        Function::Scripted.arn()
    }

    fn now(&self) -> DateTime {
        DateTime::from_millis(self.account.town().now().0.try_into().expect("a date of this century"))
    }

    async fn stop(&self, execution: &str) {
        self.account.stop(execution);
    }

    async fn notice(&self, execution: &str) -> Option<Value> {
        self.account.notices().into_iter().find(|notice| notice["detail"]["executionArn"] == execution)
    }

    async fn remove(self) {
        self.account.settled().await;
    }
}

impl ModelStack {
    /// Goes on to what asks the resource, and ends like this.
    fn asks(&self, status: &'static str, end: &'static str) {
        self.becomes.set(end);
        self.stacks().go_on(status, self.town.now());
        let action = status.split('_').next().expect("a word");
        self.stacks().ask(RESOURCE, action, self.town.now());
    }

    fn stacks(&self) -> &Stacks {
        self.town.stacks()
    }
}

impl Stack for ModelStack {
    fn client(&self) -> &aws_sdk_cloudformation::Client {
        &self.client
    }

    fn id(&self) -> &str {
        STACK
    }

    async fn answer(&self, id: &str) {
        self.stacks().identify(RESOURCE, id, true, self.town.now());
        self.stacks().go_on(self.becomes.get(), self.town.now());
    }

    async fn refuse(&self, id: &str) {
        self.stacks().identify(RESOURCE, id, false, self.town.now());
        self.asks("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE");
    }

    async fn update(&self) {
        self.asks("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE");
    }

    async fn delete(&self) {
        self.asks("DELETE_IN_PROGRESS", "DELETE_COMPLETE");
    }
}

macro_rules! on_the_models {
    ($($module:ident: [$($name:ident,)*],)*) => {
        $(mod $module {
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                crate::conformance::$module::$name::<super::Models>().await;
            })*
        })*
    };
}

each_test!(on_the_models);
