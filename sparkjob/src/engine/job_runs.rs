//! What EMR on EKS and EMR Serverless have in common: job runs with ARNs, which are submitted as JSON, carry tags, and log to
//! S3 and to `CloudWatch`.

mod listing;
mod logs;
mod submission;
mod tags;

#[cfg(test)]
mod tests;

pub use listing::{Listing, Of, Page, find};
pub use logs::{Logs, forgotten, unread};
pub use submission::{body, spark_submit};
pub use tags::{Change, tagged};
