//! The template's two functions: each is told what its half of the program reads.

use std::sync::Arc;

use handler::workflow::Workflow;
use sparkjob::testing::engines;

use crate::template::{Given, properties};
use crate::town::{Engine, Town};

#[test]
fn each_function_knows_the_workflow_in_its_own_way() {
    let engines = engines(Arc::new(Town::new(Engine::Livy)));
    let variable = |function: &str, name: &str| {
        properties(function, &Given::new())["Environment"]["Variables"].get(name).map(ToString::to_string)
    };
    assert!(Workflow::to_start(engines.aws(), |name| variable("Submitter", name)).is_some());
    assert!(Workflow::to_look_at(engines.aws(), |name| variable("Responder", name)).is_some());
    // It would be a circle in the template.
    assert!(Workflow::to_start(engines.aws(), |name| variable("Responder", name)).is_none());
}
