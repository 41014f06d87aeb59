//! The template's two functions: each is told what its half of the program reads.

use std::sync::Arc;

use handler::claim::Successors;
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
    assert!(Successors::of(engines.aws(), |name| variable("Submitter", name)).is_some());
    assert!(Workflow::of(engines.aws(), |name| variable("Responder", name)).is_some());
    // It would be a circle in the template.
    assert!(Successors::of(engines.aws(), |name| variable("Responder", name)).is_none());
}
