//! The lists of a virtual cluster's job runs, read to their ends.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_emrcontainers::Client;
use aws_sdk_emrcontainers::operation::list_job_runs::builders::ListJobRunsFluentBuilder;
use aws_sdk_emrcontainers::primitives::DateTime;
use aws_sdk_emrcontainers::types::JobRun;

use super::{refusal, status};
use crate::engine::Lookup;
use crate::engine::answer::Asked;
use crate::engine::aws::{self, AwsError};
use crate::job::{Identity, Timestamp};

/// Pages of a list that are read at most. How long one is, is left to the service, which publishes no bounds for it.
const MAX_PAGES: usize = 100;

/// The job runs that `by` selects, in no order: those that are alive and, for a name, a token or a history, those that
/// are over and were made after `since`.
pub async fn of(
    client: &Client,
    cluster: &str,
    identity: &Identity,
    by: Lookup,
    since: Timestamp,
) -> Result<Vec<JobRun>, AwsError> {
    let mut runs = match by {
        Lookup::Name => read(client, cluster, |list| list.name(identity.name())).await?,
        Lookup::Token | Lookup::History => live_and_recent(client, cluster, since).await?,
        Lookup::Owner | Lookup::Spec => live(client, cluster).await?,
    };
    let is_recent = |created: Option<Timestamp>| created.is_none_or(|created| created >= whole_second(since));
    runs.retain(|run| {
        let (is_over, created) = (status::is_over(run), aws::moment(run.created_at()));
        run.name().is_some_and(|name| by.selects(identity, name)) && (!is_over || is_recent(created))
    });
    Ok(runs)
}

async fn live(client: &Client, cluster: &str) -> Result<Vec<JobRun>, AwsError> {
    read(client, cluster, |list| list.set_states(Some(status::LIVE.to_vec()))).await
}

/// A job run that ends meanwhile is in the second list at the latest, as it is by then.
async fn live_and_recent(client: &Client, cluster: &str, since: Timestamp) -> Result<Vec<JobRun>, AwsError> {
    let since = i64::try_from(whole_second(since).0 / 1000).unwrap_or(i64::MAX);
    // Whether the very second is in the list is not published.
    let since = DateTime::from_secs(since.saturating_sub(1).max(0));
    let mut runs = live(client, cluster).await?;
    runs.extend(read(client, cluster, |list| list.created_after(since)).await?);
    let by_id: BTreeMap<Option<String>, JobRun> = runs.into_iter().map(|run| (run.id.clone(), run)).collect();
    Ok(by_id.into_values().collect())
}

/// All job runs that `only` asks for: [`Kind::Absent`](crate::engine::Kind::Absent) where there is no such virtual cluster (any more).
async fn read(
    client: &Client,
    cluster: &str,
    only: impl Fn(ListJobRunsFluentBuilder) -> ListJobRunsFluentBuilder + Send + Sync,
) -> Result<Vec<JobRun>, AwsError> {
    let (mut runs, mut tokens) = (Vec::new(), BTreeSet::new());
    let mut token: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let request = only(client.list_job_runs().virtual_cluster_id(cluster)).set_next_token(token.clone());
        let page = match request.send().await.map_err(|error| aws::error(Asked::Look, &error)) {
            Err(error) if token.is_none() && refusal::has_no_list(&error) => return Err(error.of_absence()),
            page => page?,
        };
        // An answer of someone else's would read as a list of nothing.
        runs.extend(page.job_runs.ok_or_else(|| AwsError::unavailable("it answered without a list of job runs"))?);
        token = page.next_token.filter(|token| !token.is_empty());
        match &token {
            None => return Ok(runs),
            Some(token) if !tokens.insert(token.clone()) => {
                return Err(AwsError::unavailable("its list of job runs goes round in circles"));
            }
            Some(_) => {}
        }
    }
    Err(AwsError::unavailable("it has more job runs than can be listed"))
}

/// The service tells times in whole seconds.
fn whole_second(moment: Timestamp) -> Timestamp {
    Timestamp(moment.0 - moment.0 % 1000)
}
