//! The Lambda behind `Custom::SparkJob`: `CloudFormation` in, `CloudFormation` out.

pub mod deadlines;
pub mod deliver;
pub mod envelope;
pub mod event;
pub mod physical_id;
pub mod plan;
pub mod presigned;
pub mod reason;
pub mod response;
pub mod room;

#[cfg(test)]
mod sample;
