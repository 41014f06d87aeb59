//! An account in which the template's functions and its workflow are deployed: a model of Lambda, Step Functions and
//! `EventBridge` around the real functions and the real definition of the workflow.

mod acting;
mod data;
mod executions;
mod history;
mod lambda;
mod machine;
mod rule;
mod scripted;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use tokio::sync::Notify;

use sparkjob::http::{Lost, Transport};
use sparkjob::testing::{ACCOUNT, Faulty, REGION};

use crate::cloudformation::{Answer, Delivery, Stack};
use crate::town::{Engine, Town};
use acting::Acting;
use executions::Executions;
pub use executions::Status;
use lambda::Sandboxes;
pub use lambda::{Function, Missed, PAUSES, Trouble};
use machine::Machine;
pub use machine::PASSING;

/// The workflow's name.
const MACHINE: &str = "SparkJobLifecycle";

/// An account with a town's engines. Clones share it.
#[derive(Clone, Debug)]
pub struct Account(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    town: Town,
    /// Everything that leaves a function, whichever it is, goes this way.
    way: Faulty<World>,
    machine: Machine,
    executions: Mutex<Executions>,
    sandboxes: Mutex<Sandboxes>,
    limits: Mutex<BTreeMap<Function, Duration>>,
    /// Functions that do nothing until Lambda ends them.
    frozen: Mutex<BTreeSet<Function>>,
    /// Calls of a function that are still to be refused for want of room.
    throttled: Mutex<BTreeMap<Function, u32>>,
    /// Trouble of Lambda's own that calls of a function by the workflow are still to meet.
    troubles: Mutex<BTreeMap<Function, Vec<Trouble>>>,
    /// From where there is no way to which host.
    cut_off: Arc<Mutex<BTreeSet<(Function, String)>>>,
    is_without_workflow: bool,
    /// Kills every process that is being called.
    end_of_calls: Notify,
    /// What functions said that failed.
    failures: Mutex<Vec<String>>,
    /// What `EventBridge` told of executions.
    notices: Mutex<Vec<Value>>,
    acting: Acting,
}

impl Account {
    /// One whose jobs run there.
    pub fn new(engine: Engine) -> Self {
        Self::of(Town::new(engine), false, Machine::of_the_template())
    }

    /// One whose functions know of no workflow.
    pub fn without_workflow(engine: Engine) -> Self {
        Self::of(Town::new(engine), true, Machine::of_the_template())
    }

    /// One whose workflow has this definition.
    pub fn with_workflow(definition: &str) -> Self {
        Self::of(Town::new(Engine::Livy), false, Machine::of(definition))
    }

    fn of(town: Town, is_without_workflow: bool, machine: Machine) -> Self {
        Self(Arc::new_cyclic(|account| Inner {
            way: Faulty::new(World { town: town.clone(), account: account.clone() }),
            town,
            machine,
            executions: Mutex::default(),
            sandboxes: Mutex::default(),
            limits: Mutex::default(),
            frozen: Mutex::default(),
            throttled: Mutex::default(),
            troubles: Mutex::default(),
            cut_off: Arc::default(),
            is_without_workflow,
            end_of_calls: Notify::new(),
            failures: Mutex::default(),
            notices: Mutex::default(),
            acting: Acting::default(),
        }))
    }

    /// Whether its functions know of no workflow.
    pub fn is_without_workflow(&self) -> bool {
        self.0.is_without_workflow
    }

    /// Its engines, and the bucket that takes the answers.
    pub fn town(&self) -> &Town {
        &self.0.town
    }

    /// The way out of its functions.
    pub fn way(&self) -> &Faulty<World> {
        &self.0.way
    }

    /// Has `CloudFormation` send a request, and go on with the first answer to it; none where nobody acts any more and there
    /// is none.
    pub async fn ask(&self, request: &Delivery) -> Option<Answer> {
        self.invoke(Function::Submitter, request.event.clone());
        self.answer(request).await
    }

    /// Has Lambda deliver a request once more, beside all that happens anyway.
    pub fn deliver_again(&self, request: &Delivery) {
        self.invoke(Function::Submitter, request.event.clone());
    }

    /// The first answer to a request that was sent before.
    pub async fn answer(&self, request: &Delivery) -> Option<Answer> {
        let answer = tokio::select! {
            biased;
            answer = self.town().first_answer(request) => Answer::of(&answer),
            () = self.settled() => return None,
        };
        assert!(self.town().now() <= request.until, "CloudFormation has given up: {answer:?} to {request:?}");
        Some(answer)
    }

    /// As [`Account::ask`], of a request that must be answered.
    pub async fn deliver(&self, request: &Delivery) -> Answer {
        self.ask(request).await.unwrap_or_else(|| panic!("nobody answered {request:?}"))
    }

    /// Has a stack take an answer and be deleted, and looks that nothing is left.
    pub async fn finish(&self, mut stack: Stack, answer: &Answer) {
        stack.answered(answer);
        for delete in stack.deletes() {
            let deleted = self.deliver(&delete).await;
            assert_eq!(deleted.status, "SUCCESS", "{}", deleted.reason);
        }
        assert!(self.town().alive().is_empty(), "{:?} is left", self.town().alive());
        self.settled().await;
        assert!(self.town().alive().is_empty(), "{:?} came afterwards", self.town().alive());
    }

    /// Returns when no function runs, no execution does, and nothing waits to be delivered.
    pub async fn settled(&self) {
        self.0.acting.over().await;
    }

    /// Has the calls of a function last no longer than this.
    pub fn limit(&self, function: Function, limit: Duration) {
        held(&self.0.limits).insert(function, limit);
    }

    /// Has each call of a function, from now on, do nothing until Lambda ends it.
    pub fn freeze(&self, function: Function) {
        held(&self.0.frozen).insert(function);
    }

    /// Refuses so many calls of a function for want of room.
    pub fn throttle(&self, function: Function, times: u32) {
        held(&self.0.throttled).insert(function, times);
    }

    /// Has so many calls of a function by the workflow, from now on, meet trouble of Lambda's own.
    pub fn trouble(&self, function: Function, trouble: Trouble, times: usize) {
        held(&self.0.troubles).insert(function, vec![trouble; times]);
    }

    /// Kills the processes that are being called now.
    pub fn kill(&self) {
        self.0.end_of_calls.notify_waiters();
    }

    /// Leaves a function without a way to this host, as in a VPC without endpoints.
    pub fn cut_off(&self, function: Function, host: &str) {
        held(&self.0.cut_off).insert((function, host.to_owned()));
    }

    /// What functions said that failed.
    pub fn failures(&self) -> Vec<String> {
        held(&self.0.failures).clone()
    }

    /// What `EventBridge` told of executions that ended otherwise than they should.
    pub fn notices(&self) -> Vec<Value> {
        held(&self.0.notices).clone()
    }

    /// Takes back all that stands in the way.
    pub fn heal(&self) {
        self.way().heal();
        held(&self.0.cut_off).clear();
        held(&self.0.limits).clear();
        held(&self.0.frozen).clear();
    }

    /// Does something beside the others until it is over.
    fn spawn(&self, deed: impl Future<Output = ()> + Send + 'static) {
        let acting = self.0.acting.begin();
        tokio::spawn(async move {
            let _acting = acting;
            deed.await;
        });
    }

    /// The workflow's ARN.
    pub fn workflow_arn() -> String {
        format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{MACHINE}")
    }
}

/// What a function may reach.
#[derive(Debug)]
pub struct World {
    town: Town,
    account: Weak<Inner>,
}

#[async_trait]
impl Transport for World {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        if request.uri().host() != Some(STATES) {
            return self.town.send(request, limit).await;
        }
        let account = Account(self.account.upgrade().expect("an account outlives its functions"));
        let answer = account.answer_states(&request);
        tokio::time::timeout(limit, async {
            tokio::time::sleep(LATENCY).await;
            answer
        })
        .await
        .map_err(|_| Lost::TimedOut)
    }
}

/// Where Step Functions is.
pub const STATES: &str = "states.eu-west-1.amazonaws.com";

/// How long any answer takes, and any move within the account.
const LATENCY: Duration = Duration::from_millis(5);

fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().expect("nobody panics while holding it")
}
