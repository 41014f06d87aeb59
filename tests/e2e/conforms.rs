//! The local default's Step Functions and `CloudFormation` pass the conformance suite of their models.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudformation::types::StackStatus;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionCode, Runtime};
use aws_sdk_sfn::primitives::DateTime;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use sparkjob::http::Transport;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::conformance::stacks::RESOURCE;
use crate::conformance::{Machine, Side, Stack, Ways, each_test};
use crate::local::root;
use crate::scene::unique;
use crate::wait::until;
use crate::world::{RUNTIME, World};

/// How the names of the suite's state machines begin, and of its stacks.
const MACHINES: &str = "conforms-";

/// What is real here.
struct MiniStack;

struct RealMachine {
    world: &'static World,
    arn: String,
    function: String,
}

/// A stack whose resource waits to be answered by a test.
pub struct RealStack {
    world: &'static World,
    function: String,
    id: String,
    /// The requests that were answered.
    answered: Mutex<HashSet<String>>,
}

impl Side for MiniStack {
    const WAYS: Ways = Ways::MINISTACK;

    async fn machine(definition: Value) -> impl Machine {
        let world = World::get().await;
        let call = world.workflow.client.create_state_machine().name(format!("{MACHINES}{}", unique()));
        let call = call.definition(definition.to_string()).role_arn(world.functions.role());
        let made = call.send().await.unwrap_or_else(|error| panic!("CreateStateMachine: {error:?}"));
        RealMachine { world, arn: made.state_machine_arn().to_owned(), function: function(world).await }
    }

    async fn stack() -> impl Stack {
        RealStack::make(World::get().await).await
    }
}

impl Machine for RealMachine {
    fn client(&self) -> &aws_sdk_sfn::Client {
        &self.world.workflow.client
    }

    fn arn(&self) -> String {
        self.arn.clone()
    }

    fn function(&self) -> String {
        self.function.clone()
    }

    fn now(&self) -> DateTime {
        SystemTime::now().into()
    }

    async fn stop(&self, execution: &str) {
        let stopped = self.client().stop_execution().execution_arn(execution).send().await;
        stopped.unwrap_or_else(|error| panic!("StopExecution: {error:?}"));
    }

    async fn notice(&self, execution: &str) -> Option<Value> {
        logged(self.world).into_iter().find(|event| event["detail"]["executionArn"] == execution)
    }

    async fn remove(self) {
        let removed = self.client().delete_state_machine().state_machine_arn(&self.arn).send().await;
        removed.unwrap_or_else(|error| panic!("DeleteStateMachine: {error:?}"));
    }
}

impl Stack for RealStack {
    fn client(&self) -> &aws_sdk_cloudformation::Client {
        &self.world.cloudformation
    }

    fn id(&self) -> &str {
        &self.id
    }

    async fn answer(&self, id: &str) {
        self.put(json!({ "Status": "SUCCESS", "PhysicalResourceId": id })).await;
    }

    async fn refuse(&self, id: &str) {
        self.put(json!({ "Status": "FAILED", "Reason": "as told", "PhysicalResourceId": id })).await;
    }

    async fn update(&self) {
        let call = self.client().update_stack().stack_name(&self.id).template_body(template(&self.function, 2));
        call.send().await.unwrap_or_else(|error| panic!("UpdateStack: {error:?}"));
    }

    async fn delete(&self) {
        let call = self.client().delete_stack().stack_name(&self.id);
        call.send().await.unwrap_or_else(|error| panic!("DeleteStack: {error:?}"));
    }
}

impl RealStack {
    /// One that is being created.
    pub async fn make(world: &'static World) -> Self {
        let function = function(world).await;
        let call = world.cloudformation.create_stack().stack_name(format!("{MACHINES}{}", unique()));
        let made = call.template_body(template(&function, 1)).send().await;
        let made = made.unwrap_or_else(|error| panic!("CreateStack: {error:?}"));
        let id = made.stack_id().expect("an id").to_owned();
        Self { world, function, id, answered: Mutex::default() }
    }

    /// Answers what the resource is asked.
    async fn put(&self, mut answer: Value) {
        let asked = until("the resource is asked", async || self.asked()).await;
        for name in ["RequestId", "StackId", "LogicalResourceId"] {
            answer[name] = asked[name].clone();
        }
        let put = Request::put(asked["ResponseURL"].as_str().expect("an address"));
        let put = put.body(Bytes::from(answer.to_string())).expect("a request");
        let taken = self.world.net.send(put, Duration::from_secs(10)).await;
        assert!(taken.as_ref().is_ok_and(|taken| taken.status().is_success()), "{taken:?}");
    }

    /// What the resource is asked for the first time, as the function has logged it.
    fn asked(&self) -> Option<Value> {
        let mut answered = self.answered.lock().expect("no panic");
        logged(self.world).into_iter().find(|event| {
            let request = event["RequestId"].as_str().unwrap_or_default();
            event["StackId"] == *self.id && answered.insert(request.to_owned())
        })
    }
}

/// A template with the resource, which an update to another number asks.
fn template(function: &str, number: u32) -> String {
    let properties = json!({ "ServiceToken": function, "ServiceTimeout": "300", "Number": number });
    json!({ "Resources": { RESOURCE: { "Type": "Custom::Asked", "Properties": properties } } }).to_string()
}

/// The function of all state machines and stacks, which goes with the local default.
async fn function(world: &World) -> String {
    static FUNCTION: OnceCell<String> = OnceCell::const_new();
    let make = async || {
        let code = FunctionCode::builder()
            .zip_file(Blob::new(zipped(&root().join("tests/functions/scripted/bootstrap")).await));
        let call = world.lambda.create_function().function_name(format!("scripted-{}", unique()));
        let call = call.runtime(Runtime::Providedal2023).handler("bootstrap").role(world.functions.role()).timeout(30);
        let made = call.code(code.build()).send().await.unwrap_or_else(|error| panic!("CreateFunction: {error:?}"));
        let arn = made.function_arn().expect("an ARN").to_owned();
        tell_of_executions(world, &arn).await;
        arn
    };
    FUNCTION.get_or_init(make).await.clone()
}

/// Has `EventBridge` tell a function of all executions of the suite that end otherwise than they should.
async fn tell_of_executions(world: &World, function: &str) {
    let machines = format!("{}:{MACHINES}", world.workflow.arn.rsplit_once(':').expect("an ARN").0);
    let pattern = json!({
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": { "stateMachineArn": [{ "prefix": machines }], "status": ["FAILED", "TIMED_OUT", "ABORTED"] },
    });
    let targets = json!([{ "Id": "Function", "Arn": function }]);
    let permission =
        json!({ "Action": "lambda:InvokeFunction", "FunctionName": function, "Principal": "events.amazonaws.com" });
    let template = json!({ "Resources": {
        "Rule": { "Type": "AWS::Events::Rule", "Properties": { "EventPattern": pattern, "Targets": targets } },
        "Permission": { "Type": "AWS::Lambda::Permission", "Properties": permission },
    } });
    let call = world.cloudformation.create_stack().stack_name(format!("{MACHINES}{}", unique()));
    let made = call.template_body(template.to_string()).send().await;
    let made = made.unwrap_or_else(|error| panic!("CreateStack: {error:?}"));
    let is_made = async || {
        let told =
            world.cloudformation.describe_stacks().set_stack_name(made.stack_id().map(str::to_owned)).send().await;
        let told = told.unwrap_or_else(|error| panic!("DescribeStacks: {error:?}"));
        (told.stacks().first()?.stack_status() == Some(&StackStatus::CreateComplete)).then_some(())
    };
    until("there is a rule", is_made).await;
}

/// The events with which functions were called that log them.
fn logged(world: &World) -> Vec<Value> {
    let log = std::fs::read_to_string(&world.instance.lambda_log).unwrap_or_default();
    let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.filter_map(|mut line| line.get_mut("scripted").map(Value::take)).collect()
}

/// A zip of a file, with its permissions.
async fn zipped(file: &Path) -> Vec<u8> {
    let zip = Command::new("python3").args(["-m", "zipfile", "-c", "/dev/stdout"]).arg(file).output().await;
    let zip = zip.expect("python3 runs");
    assert!(zip.status.success(), "{}", String::from_utf8_lossy(&zip.stderr));
    zip.stdout
}

macro_rules! on_ministack {
    ($($module:ident: [$($name:ident,)*],)*) => {
        $(mod $module {
            $(#[test]
            fn $name() {
                super::RUNTIME.block_on(crate::conformance::$module::$name::<super::MiniStack>());
            })*
        })*
    };
}

each_test!(on_ministack);
