//! The list of an application's job runs, read to its end.

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_emrserverless::Client;
use aws_sdk_emrserverless::primitives::DateTime;
use aws_sdk_emrserverless::types::{JobRunState, JobRunSummary};
use tokio::time::sleep;

use super::{refusal, unavailable};
use crate::engine::answer::Asked;
use crate::engine::aws::{self, AwsError};
use crate::job::Timestamp;

/// Job runs in one page: [as many as there can be](https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_ListJobRuns.html).
const PAGE: i32 = 50;
/// Pages that are read at most.
const MAX_PAGES: usize = 100;
/// Pages that are read without a pause, and the pause before each of the others. An account may ask for
/// [25 at once and then one a second](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/endpoints-quotas.html);
/// this leaves some for others.
const AT_ONCE: usize = 20;
const PAUSE: Duration = Duration::from_secs(1);

/// What a list is asked for. It cannot be asked for a name.
#[derive(Clone, Copy, Debug)]
enum Which {
    /// Those that were made after this moment.
    MadeAfter(Timestamp),
    /// Those that are not over.
    Living,
}

/// The job runs of `application` that are not over; none where there is no such application (any more).
pub async fn living(client: &Client, application: &str) -> Result<Vec<JobRunSummary>, AwsError> {
    Ok(read_living(client, application).await?.0)
}

/// The same, and those that are over and were made after `since`.
pub async fn living_and_recent(
    client: &Client,
    application: &str,
    since: Timestamp,
) -> Result<Vec<JobRunSummary>, AwsError> {
    let (living, pages) = read_living(client, application).await?;
    let (recent, _) = read(client, application, Which::MadeAfter(since), pages).await?;
    // What came to its end between the two is told as it was seen last.
    Ok(once(recent.into_iter().chain(living)))
}

async fn read_living(client: &Client, application: &str) -> Result<(Vec<JobRunSummary>, usize), AwsError> {
    let (rows, pages) = read(client, application, Which::Living, 0).await?;
    if pages == 1 {
        return Ok((rows, pages));
    }
    // They are listed state by state, so one that went on to its next state meanwhile may have slipped from a page that was
    // still to be read to one that had been.
    let (again, more) = read(client, application, Which::Living, pages).await?;
    Ok((once(again.into_iter().chain(rows)), pages + more))
}

/// Each of `rows` as it comes first.
fn once(rows: impl Iterator<Item = JobRunSummary>) -> Vec<JobRunSummary> {
    let mut seen = HashSet::new();
    rows.filter(|row| seen.insert(row.id.clone())).collect()
}

/// The rows of all pages, and how many these were. So many pages were `read_before`.
async fn read(
    client: &Client,
    application: &str,
    which: Which,
    read_before: usize,
) -> Result<(Vec<JobRunSummary>, usize), AwsError> {
    let (states, after) = filter(which);
    let mut rows = Vec::new();
    let mut token: Option<String> = None;
    for page in 1..=MAX_PAGES {
        if read_before + page > AT_ONCE {
            sleep(PAUSE).await;
        }
        let request = client.list_job_runs().application_id(application).max_results(PAGE);
        let request = request.set_states(states.clone()).set_created_at_after(after).set_next_token(token.clone());
        let answer = match request.send().await.map_err(|error| aws::error(Asked::Look, &error)) {
            Err(error) if refusal::is_gone(&error) => return Ok((Vec::new(), page)),
            answer => answer?,
        };
        rows.extend(answer.job_runs);
        match answer.next_token.filter(|next| !next.is_empty()) {
            None => return Ok((rows, page)),
            next if next == token => return Err(unavailable("its list of job runs does not go on")),
            next => token = next,
        }
    }
    Err(unavailable("it has more job runs than can be listed"))
}

fn filter(which: Which) -> (Option<Vec<JobRunState>>, Option<DateTime>) {
    match which {
        // The bound may be one of whole seconds, and one that is left out.
        Which::MadeAfter(moment) => {
            let second = i64::try_from(moment.0 / 1_000).unwrap_or(i64::MAX / 1_000);
            (None, Some(DateTime::from_secs((second - 1).max(0))))
        }
        Which::Living => {
            use JobRunState::{Cancelling, Pending, Queued, Running, Scheduled, Submitted};
            (Some(vec![Submitted, Queued, Pending, Scheduled, Running, Cancelling]), None)
        }
    }
}
