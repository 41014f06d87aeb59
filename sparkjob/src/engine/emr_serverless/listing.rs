//! The list of an application's job runs, read to its end.

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_emrserverless::Client;
use aws_sdk_emrserverless::primitives::DateTime;
use aws_sdk_emrserverless::types::{JobRunState, JobRunSummary};
use tokio::time::sleep;

use super::refusal;
use crate::engine::Lookup;
use crate::engine::answer::Asked;
use crate::engine::aws::{self, AwsError};
use crate::http::sdk::Demand;
use crate::job::{Identity, Timestamp};

/// Job runs in one page: [as many as there can be](https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_ListJobRuns.html).
const PAGE: i32 = 50;
/// Pages that are read at most.
const MAX_PAGES: usize = 100;
/// Pages that are read without a pause, and the pause before each of the others. An account may ask for
/// [25 at once and then one a second](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/endpoints-quotas.html);
/// this leaves some for others.
const AT_ONCE: usize = 20;
const PAUSE: Duration = Duration::from_secs(1);

/// Which job runs a list is of. They cannot be asked for by name.
#[derive(Clone, Copy, Debug)]
enum Which {
    /// Those that were made after this moment.
    MadeAfter(Timestamp),
    /// Those that are not over.
    Living,
}

/// The job runs that `by` selects, in no order: those that are alive and, for a name, a token or a history, those that
/// were made after `since`. None where there is no such application (any more).
pub async fn of(
    client: &Client,
    application: &str,
    identity: &Identity,
    by: Lookup,
    since: Timestamp,
) -> Result<Vec<JobRunSummary>, AwsError> {
    let (mut rows, mut pages) = read(client, application, Which::Living, 0).await?;
    if pages > 1 {
        // They are listed state by state, so one that went on to its next state meanwhile may have slipped from a page that
        // was still to be read to one that had been.
        let (again, more) = read(client, application, Which::Living, pages).await?;
        rows.splice(0..0, again);
        pages += more;
    }
    if matches!(by, Lookup::Name | Lookup::Token | Lookup::History) {
        // What ended meanwhile is told as it is by now.
        let (recent, _) = read(client, application, Which::MadeAfter(since), pages).await?;
        rows.splice(0..0, recent);
    }
    let mut seen = HashSet::new();
    rows.retain(|row| row.name().is_some_and(|name| by.selects(identity, name)) && seen.insert(row.id.clone()));
    Ok(rows)
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
        let sent = request.customize().interceptor(Demand("jobRuns")).send().await;
        let answer = match sent.map_err(|error| aws::error(Asked::Look, &error)) {
            Err(error) if refusal::is_gone(&error) => return Err(error.of_absence()),
            answer => answer?,
        };
        rows.extend(answer.job_runs);
        match answer.next_token.filter(|next| !next.is_empty()) {
            None => return Ok((rows, page)),
            next if next == token => return Err(AwsError::unavailable("its list of job runs goes round in circles")),
            next => token = next,
        }
    }
    Err(AwsError::unavailable("it has more job runs than can be listed"))
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
