//! One suite for every engine, against what it really speaks to and against the model of that: what holds for both is what
//! the other tests may rely on.
//!
//! The real ones are asked for by name, since they have to be there, as `local/local.py up` starts them:
//!
//! ```sh
//! eval "$(python3 local/local.py env)"
//! export SPARKJOB_TEST_JOBS=$PWD/.local/run/default/work/conformance    # the suite writes its jobs there; Livy must be allowed to read them
//! cargo test -p sparkjob --test conformance -- --ignored --test-threads 8
//! ```

mod livy;
mod local_emr;
mod models;
mod phases;
mod programs;
mod real;
mod stand;
mod suite;
mod texts;
mod ways;
mod weather;

use sparkjob::testing::Version;

/// A test of each model, in virtual time.
macro_rules! models {
    ($($name:ident: $stand:expr,)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $name() {
            suite::conforms(&$stand).await;
        })*
    };
}

models! {
    the_model_of_livy_0_7: models::livy(Version::V0_7),
    the_model_of_livy_0_8: models::livy(Version::V0_8),
    the_model_of_livy_on_a_cluster: models::livy_on_cluster(),
    the_model_of_emr_on_eks: models::emr_on_eks(),
    the_model_of_emr_serverless: models::emr_serverless(),
    the_model_of_steps: models::steps(),
    the_model_of_steps_in_the_cluster: models::steps_in_cluster(),
}

/// A test of each real one.
macro_rules! real {
    ($($name:ident: $stand:expr,)*) => {
        $(#[tokio::test]
        #[ignore = "needs what `local/local.py env` names, and SPARKJOB_TEST_JOBS"]
        async fn $name() {
            suite::conforms(&$stand).await;
        })*
    };
}

real! {
    the_real_livy: real::livy(),
    the_real_livy_on_a_cluster: real::livy_on_cluster().await,
    the_local_emr_on_eks: real::emr_on_eks().await,
    the_local_emr_serverless: real::emr_serverless().await,
    the_local_steps: real::steps().await,
    the_local_steps_in_the_cluster: real::steps_in_cluster().await,
}
