//! What a Spark job is and how one is run, on whichever engine: plain data, one effect port, one pure life cycle.
//!
//! This library knows no front door: it neither reads requests nor answers them. A door reads its request into a
//! [`lifecycle::Plan`], a driver of [`drive`] carries it out against an [`engine::Engine`], and the door tells the
//! [`outcome::Outcome`]. Only [`properties`] knows that most descriptions come out of `CloudFormation`: it takes numbers that
//! are texts and an empty text for nothing, and knows the names that belong to every custom resource.
//!
//! Imports run one way: `lifecycle -> engine -> job`. [`spark_submit`] knows of these only the last, so
//! that both an engine and [`properties`] may ask it; [`hidden`] stands below all, and finds what no text may show.

pub mod drive;
pub mod engine;
pub mod hidden;
pub mod http;
pub mod job;
pub mod lifecycle;
pub mod outcome;
pub mod properties;
pub mod spark_submit;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
