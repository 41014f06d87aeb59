//! The Lambda behind `Custom::SparkJob`: `CloudFormation` in, `CloudFormation` out.

pub mod event;
pub mod physical_id;
pub mod presigned;
pub mod room;
