//! The submitter on real parts: the real binary on a real Runtime API, a real Livy, the local EMR, a real Spark.
//!
//! `make e2e` starts the local default, runs these tests and stops it; `SPARKJOB_INSTANCE` tells them which instance of
//! `local/local.py` it is, and that program tells the rest. Each test is a *scene*: see [`scene`].

mod answers;
mod aws;
#[path = "../../handler/tests/shared/conformance/suite.rs"]
mod conformance;
mod emr;
mod event;
mod functions;
mod livy;
mod local;
mod process;
mod proxy;
mod scene;
mod server;
mod stack;
mod wait;
mod workflow;
mod world;

mod bad_input;
mod conforms;
mod create;
mod delete;
mod durable;
mod emr_bad_input;
mod emr_faults;
mod emr_jobs;
mod emr_moves;
mod emr_twice;
mod events;
mod examples;
mod kills;
mod login;
mod logs;
mod outages;
mod response;
mod rollback;
mod twice;
mod update;
