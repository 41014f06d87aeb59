//! A cluster that begins to end while its Livy is asked for a job: nothing on it is over before EMR says so.

use std::time::Duration;

use http::Method;
use sparkjob::testing::{Fault, Instead};
use tokio::time::sleep;

use crate::NEW;
use crate::account::Account;
use crate::cloudformation::{Properties, Stack};
use crate::town::{CLUSTER, Engine, Town};

fn be(town: &Town, state: &str) {
    town.emr().cluster(CLUSTER, |cluster| state.clone_into(&mut cluster.state));
}

#[tokio::test(start_paused = true)]
async fn what_was_submitted_as_the_cluster_began_to_end_is_looked_for_until_it_has_ended() {
    let account = Account::new(Engine::LivyOnCluster);
    let (town, way) = (account.town().clone(), account.way());
    // It is taken, and the cluster takes its Livy away before that can tell so.
    way.fault_next(Method::POST, "/batches", Fault::After(Instead::Silence));
    let mut stack = Stack::new(&town);
    let request = stack.create(NEW, Properties { service_timeout: 600, ..Properties::USUAL });
    account.deliver_again(&request);
    sleep(Duration::from_mins(1)).await;
    be(&town, "TERMINATING");
    for method in [Method::GET, Method::POST, Method::DELETE] {
        way.fault_each(method, "/batches", Fault::refused());
    }
    let created = account.answer(&request).await.expect("an answer");
    assert_eq!((created.status.as_str(), town.alive().len()), ("FAILED", 1), "{}", created.reason);
    assert!(created.reason.contains("which is TERMINATING"), "{}", created.reason);

    stack.answered(&created);
    let delete = stack.delete();
    account.deliver_again(&delete);
    sleep(Duration::from_mins(5)).await;
    assert!(town.bodies(&delete).is_empty(), "{:?} may run", town.alive());
    be(&town, "TERMINATED");
    let deleted = account.answer(&delete).await.expect("an answer");
    assert_eq!(deleted.status, "SUCCESS", "{}", deleted.reason);
}
