//! The Lambda's binary.

use std::env;
use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};

use handler::arrival::Arrival;
use handler::claim::Successors;
use handler::mishap::Mishap;
use handler::moment::now;
use handler::responder::Responder;
use handler::workflow::Workflow;
use handler::{Submitter, logs, panics};
use sparkjob::drive::Clock;
use sparkjob::engine::Engines;
use sparkjob::http::Net;

fn main() -> Result<(), Error> {
    logs::start();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve())
}

async fn serve() -> Result<(), Error> {
    let engines = Engines::new(Arc::new(Net::default()));
    let variable = |name: &str| env::var(name).ok();
    // A clock for each event: Lambda stops the process in between, and tokio's time may stop with it.
    if env::var("_HANDLER").is_ok_and(|handler| handler == "responder") {
        let workflow = Workflow::of(engines.aws(), variable);
        let responder = Responder { engines, workflow };
        run(service_fn(|event: LambdaEvent<Mishap>| panics::told(responder.serve(event, Clock::showing(now()))))).await
    } else {
        let successors = Successors::of(engines.aws(), variable);
        let submitter = Submitter { engines, successors };
        run(service_fn(|event: LambdaEvent<Arrival>| panics::told(submitter.serve(event, Clock::showing(now()))))).await
    }
}
