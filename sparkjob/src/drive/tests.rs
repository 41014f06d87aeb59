use std::future::pending;
use std::sync::Arc;

use super::*;
use crate::job::{Access, Identity, Job, Parameters, Place};
use crate::lifecycle::{Deadlines, Goal, Wanted};
use crate::properties::Management;
use crate::testing::{FakeLivy, Script, engines};

const PI: &str = "s3://code/pi.py";

/// Somebody who never says whether they wait.
struct Silent;

#[async_trait]
impl Requester for Silent {
    async fn stance(&self) -> Stance {
        pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_submitted_is_handed_back_in_time_though_nobody_says_whether_it_is_awaited() {
    let livy = FakeLivy::new();
    livy.script(PI, Script::running(Duration::from_hours(1)));
    let place = Place::Livy("http://emr:8998".parse().expect("an address"));
    let job = Job::of(place, Parameters { file: PI.to_owned(), ..Parameters::default() });
    let now = Timestamp(1_795_244_400_000);
    let plan = Plan {
        goal: Goal::Run(Wanted { identity: Identity::derive(&["stack", "Pi"], "request-1", "Pi", &job), job }),
        management: Management::default(),
        deadlines: Deadlines::between(now, now + Duration::from_hours(1)),
        access: Access::default(),
        hidden: Hidden::default(),
    };
    let (clock, end) = (Clock::showing(now), now + Duration::from_secs(20));
    let span = Span { rest: now + Duration::from_secs(10), end };
    let state = advance(&plan, State::begin(&plan, now), &engines(Arc::new(livy)), &clock, &Silent, span).await;
    assert!(state.own.is_some() && clock.now() <= end, "{state:?}");
}
