//! Stacks, as a person makes them.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::{Capability, Parameter, Stack as Described};
use serde_json::{Value, json};

use crate::answers::ATTRIBUTES;
use crate::scene::{Scene, unique};
use crate::wait::until;
use crate::world::World;

/// A stack of a scene's own.
#[derive(Debug)]
pub struct Stack<'s> {
    scene: &'s Scene,
    /// Its ARN.
    pub id: String,
}

/// A stack that does nothing any more.
#[derive(Debug)]
pub struct Settled {
    /// `CREATE_COMPLETE` and the like.
    pub status: String,
    /// Its outputs.
    pub outputs: BTreeMap<String, String>,
}

impl<'s> Stack<'s> {
    /// Creates a stack from a template's text.
    pub async fn create(scene: &'s Scene, template: &str, parameters: &[(&str, String)]) -> Self {
        let call = scene.world.cloudformation.create_stack().stack_name(format!("{}-{}", scene.name, &unique()[..13]));
        let call = call
            .template_body(template)
            .set_parameters(Some(given(parameters)))
            // For `Fn::ForEach`.
            .capabilities(Capability::CapabilityAutoExpand);
        let made = call.send().await.unwrap_or_else(|error| panic!("CreateStack: {error:?}"));
        let id = made.stack_id().expect("an id").to_owned();
        scene.owns_stack(&id);
        Self { scene, id }
    }

    /// Creates a stack with the scene's resource alone, and each of its attributes as an output.
    pub async fn with_job(scene: &'s Scene, properties: &Value) -> Self {
        Self::create(scene, &template(scene, properties, json!({})), &[]).await
    }

    /// Updates it to a template's text, and waits for what becomes of it.
    pub async fn update(&self, template: &str, parameters: &[(&str, String)]) -> Settled {
        let call = self.scene.world.cloudformation.update_stack().stack_name(&self.id);
        let call = call
            .template_body(template)
            .set_parameters(Some(given(parameters)))
            // For `Fn::ForEach`.
            .capabilities(Capability::CapabilityAutoExpand);
        call.send().await.unwrap_or_else(|error| panic!("UpdateStack: {error:?}"));
        self.settled().await
    }

    /// Updates the scene's resource alone.
    pub async fn update_job(&self, properties: &Value) -> Settled {
        self.update(&template(self.scene, properties, json!({})), &[]).await
    }

    /// Deletes it, and waits for what becomes of it.
    pub async fn delete(&self) -> Settled {
        let call = self.scene.world.cloudformation.delete_stack().stack_name(&self.id);
        call.send().await.unwrap_or_else(|error| panic!("DeleteStack: {error:?}"));
        self.settled().await
    }

    /// Waits until it does nothing any more.
    pub async fn settled(&self) -> Settled {
        let settled = async || {
            let stack = self.describe().await;
            let status = stack.stack_status()?.as_str().to_owned();
            let outputs = stack.outputs().iter().filter_map(|output| {
                Some((output.output_key()?.to_owned(), output.output_value().unwrap_or_default().to_owned()))
            });
            let done = status.ends_with("_COMPLETE") || status.ends_with("_FAILED");
            done.then(|| Settled { status, outputs: outputs.collect() })
        };
        until(&format!("{} is settled", self.id), settled).await
    }

    /// What a person reads of the resource: the reason of its latest failure.
    pub async fn reason(&self, logical_id: &str) -> String {
        let told = self.scene.world.cloudformation.describe_stack_events().stack_name(&self.id).send().await;
        let told = told.unwrap_or_else(|error| panic!("DescribeStackEvents: {error:?}"));
        let mut events = told.stack_events().iter().filter(|event| event.logical_resource_id() == Some(logical_id));
        let failed =
            events.find(|event| event.resource_status().is_some_and(|status| status.as_str().ends_with("_FAILED")));
        failed.and_then(|event| event.resource_status_reason()).unwrap_or_default().to_owned()
    }

    /// The resource as the stack knows it.
    pub async fn physical_id(&self, logical_id: &str) -> String {
        let call = self.scene.world.cloudformation.describe_stack_resource().stack_name(&self.id);
        let told = call.logical_resource_id(logical_id).send().await;
        let told = told.unwrap_or_else(|error| panic!("DescribeStackResource: {error:?}"));
        let detail = told.stack_resource_detail().and_then(|detail| detail.physical_resource_id());
        detail.unwrap_or_default().to_owned()
    }

    async fn describe(&self) -> Described {
        let call = self.scene.world.cloudformation.describe_stacks().stack_name(&self.id);
        let described = call.send().await.unwrap_or_else(|error| panic!("DescribeStacks: {error:?}"));
        described.stacks().first().expect("this stack").clone()
    }
}

impl Settled {
    /// Panics unless it is in `status`.
    #[track_caller]
    pub fn is(self, status: &str) -> Self {
        assert_eq!(self.status, status);
        self
    }
}

/// A template with the scene's resource and `others`.
pub fn template(scene: &Scene, properties: &Value, others: Value) -> String {
    let mut resources = json!({ scene.name: { "Type": "Custom::SparkJob", "Properties": properties } });
    let Value::Object(others) = others else { panic!("resources are an object") };
    resources.as_object_mut().expect("an object").extend(others);
    let mut outputs: serde_json::Map<_, _> = ATTRIBUTES
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "Value": { "Fn::GetAtt": [scene.name, name] } })))
        .collect();
    outputs.insert("Ref".to_owned(), json!({ "Value": { "Ref": scene.name } }));
    json!({ "Resources": resources, "Outputs": outputs }).to_string()
}

/// A second resource, whose failure fails the stack after the scene's own was dealt with.
pub fn another_that_fails(scene: &Scene) -> Value {
    let properties = json!({ "ServiceToken": scene.world.submitter });
    json!({ "Another": { "Type": "Custom::SparkJob", "DependsOn": scene.name, "Properties": properties } })
}

/// A stack's events, the newest first, a line each.
pub async fn events(world: &World, id: &str) -> String {
    let told = world.cloudformation.describe_stack_events().stack_name(id).send().await;
    let lines = told.as_ref().map_or(&[][..], |told| told.stack_events()).iter().map(|event| {
        let status =
            event.resource_status().map(aws_sdk_cloudformation::types::ResourceStatus::as_str).unwrap_or_default();
        let name = event.logical_resource_id().unwrap_or_default();
        format!("{name} {status} {}\n", event.resource_status_reason().unwrap_or_default())
    });
    lines.collect()
}

fn given(parameters: &[(&str, String)]) -> Vec<Parameter> {
    let given =
        |(name, value): &(&str, String)| Parameter::builder().parameter_key(*name).parameter_value(value).build();
    parameters.iter().map(given).collect()
}
