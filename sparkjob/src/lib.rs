//! What a Spark job is and how one is run, on whichever engine: plain data, one effect port, one pure life cycle.
//!
//! This library knows no front door: nothing here mentions `CloudFormation` or Step Functions. A door reads its request into
//! a [`lifecycle::Plan`], a driver of [`drive`] carries it out against an [`engine::Engine`], and the door tells the
//! [`outcome::Outcome`].
//!
//! Imports run one way: `lifecycle -> engine -> job`.

pub mod drive;
pub mod engine;
pub mod http;
pub mod job;
pub mod lifecycle;
pub mod outcome;
pub mod properties;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
