//! The Lambda's binary.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lambda_runtime::{Error, LambdaEvent, run, service_fn};

use handler::event::Event;
use handler::{answer, logs};
use sparkjob::drive::Clock;
use sparkjob::engine::Engines;
use sparkjob::http::Net;
use sparkjob::job::Timestamp;

fn main() -> Result<(), Error> {
    logs::start();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve())
}

async fn serve() -> Result<(), Error> {
    let engines = Engines::new(Arc::new(Net::default()));
    // A clock for each event: Lambda stops the process in between, and tokio's time may stop with it.
    run(service_fn(|event: LambdaEvent<Event>| answer(event, &engines, Clock::showing(now())))).await
}

fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::default() + since_1970
}
