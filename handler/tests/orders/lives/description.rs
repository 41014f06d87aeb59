//! What a template says of its job, at random, and what the next edit of it changes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::world::{Engine, World};

/// Its job dies soon after its start.
pub const DIES: &str = "s3://code/dies.py";
pub const FILES: [&str; 4] = ["s3://code/a.py", "s3://code/b.py", "s3://code/c.py", DIES];

#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    pub file: &'static str,
    rerun: &'static str,
    /// Of steps.
    deploy_mode: &'static str,
    /// Whether the place is written in another way.
    is_respelled: bool,
    pub strategy: &'static str,
    pub wait_for: &'static str,
    pub run_on: &'static str,
    on_timeout: &'static str,
    stable: &'static str,
    service_timeout: u64,
}

impl Description {
    /// The first one.
    pub fn of(engine: Engine, dice: &mut Dice) -> Self {
        let plain = Self {
            file: FILES[0],
            rerun: "",
            deploy_mode: match engine {
                Engine::EmrSteps => "client",
                Engine::EmrStepsInCluster => "cluster",
                _ => "",
            },
            is_respelled: false,
            strategy: "StopThenStart",
            wait_for: "Running",
            run_on: "Change",
            on_timeout: "Cancel",
            stable: "0",
            service_timeout: 3600,
        };
        plain.edited(dice)
    }

    /// The next one: some of it is as before.
    pub fn edited(&self, dice: &mut Dice) -> Self {
        let mut one = self.clone();
        edit(dice, 2, &mut one.file, &FILES);
        edit(dice, 4, &mut one.rerun, &["", "1", "2"]);
        if !one.deploy_mode.is_empty() {
            edit(dice, 6, &mut one.deploy_mode, &["client", "cluster"]);
        }
        edit(dice, 3, &mut one.is_respelled, &[false, true]);
        edit(dice, 2, &mut one.strategy, &["StopThenStart", "StopThenStart", "StartThenStop", "FinishThenStart"]);
        edit(dice, 2, &mut one.wait_for, &["Submitted", "Running", "Running", "Succeeded"]);
        edit(dice, 4, &mut one.run_on, &["Change", "Rerun"]);
        edit(dice, 4, &mut one.on_timeout, &["Cancel", "Accept"]);
        edit(dice, 3, &mut one.stable, &["0", "0", "30"]);
        edit(dice, 3, &mut one.service_timeout, &[300, 900, 3600]);
        one
    }

    pub fn service_timeout(&self) -> Duration {
        Duration::from_secs(self.service_timeout)
    }

    /// Whether a job of the other one is one of this, too.
    pub fn runs_as(&self, other: &Self) -> bool {
        (self.file, self.rerun, self.deploy_mode) == (other.file, other.rerun, other.deploy_mode)
    }

    /// Whether the job of the one before stays: what runs is the same, or waits for another `Rerun`.
    pub fn keeps_the_job_of(&self, before: &Self) -> bool {
        self.runs_as(before) || self.run_on == "Rerun" && self.rerun == before.rerun
    }

    /// The same as `CloudFormation` sends it.
    pub fn properties(&self, world: &World) -> Value {
        let mut more = json!({
            "Rerun": self.rerun, "DeployMode": self.deploy_mode, "UpdateStrategy": self.strategy, "WaitFor": self.wait_for,
            "RunOn": self.run_on, "OnTimeout": self.on_timeout, "StableSeconds": self.stable,
            "ServiceTimeout": self.service_timeout.to_string(),
        });
        let respelled = if self.is_respelled { respelled(world.engine) } else { json!({}) };
        for (name, value) in respelled.as_object().expect("names and values") {
            more[name] = value.clone();
        }
        world.properties(self.file, &more)
    }
}

/// The place of [`World::properties`] in other words; an empty text says nothing.
fn respelled(engine: Engine) -> Value {
    match engine {
        Engine::Livy => json!({"LivyHost": "", "LivyUrl": "http://EMR:8998/"}),
        Engine::EmrOnEks => json!({"VirtualClusterId": "", "virtualClusterId": "0abc"}),
        Engine::EmrServerless => json!({"ApplicationId": "", "applicationId": "00f1"}),
        Engine::EmrSteps => json!({"JobFlowId": "", "ClusterId": "j-1ABC"}),
        Engine::EmrStepsInCluster => json!({"ClusterId": "", "JobFlowId": "j-1ABC"}),
    }
}

/// One time in so many it is one of these, perhaps the same again.
fn edit<T: Copy>(dice: &mut Dice, one_in: usize, said: &mut T, to: &[T]) {
    if dice.below(one_in) == 0 {
        *said = *dice.pick(to);
    }
}
