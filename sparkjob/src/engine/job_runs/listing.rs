//! Job runs, found in lists of which a service tells a page at a time.
//!
//! A list can be asked for states, but only for published ones: one for the living would not show a run in a state that the
//! service has added since this was written, and what is not found is left alive, or started once more. So what was made
//! lately is listed whatever its state, and its word is judged here, where an unknown one is still going. All that was ever
//! made would be too much to list: a busy application has thousands of runs a day, and each call for 50 of them counts
//! against a rate that everybody in the account shares. Of what is older, therefore, only what is in a published state of
//! the living is listed, however long ago it was made.
//!
//! An old run in a state that nobody knows is the one that is missed. It takes more to be hurt by that, as look-ups are for
//! runs whose id is not known: the id of a job that has been up for months is the resource's, and it is described by that. In a
//! history it is what has ended that is missed where there is too much of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_emr::primitives::DateTime;
use tokio::time::sleep;
use tracing::warn;

use crate::engine::aws::AwsError;
use crate::engine::{Kind, Lookup};
use crate::job::{Identity, Run, Timestamp};

/// How long before a request a run may have been made that is looked for in any state. Its id is not known where a request
/// was cut off; the rollback, the Delete or the repetition that looks for it comes within the same operation on the stack.
const LATELY: Duration = Duration::from_hours(24);
/// Pages that are read at most of what was made lately: with 50 on each, a thousand runs.
const LATE_PAGES: usize = 20;
/// Those of them that are waited for where they are one call too many: a hundred look-ups at once could not have more within
/// a quarter of an hour. The list ends before a later page that is refused.
///
/// Where it ends too soon, a run in an unknown state may be missed, and none in a published one. To fail instead would leave
/// a busy application without any Update of a job. Which runs come first is not published.
const LATE_PAGES_AT_LEAST: usize = 2;
/// The same of a history: nothing else shows a job that has ended, and one that is not shown is run again. An update is taken back
/// without it after five minutes, so that of a hundred that are taken back at once none waits longer for it.
const HISTORY_PAGES: usize = 40;
/// Pages that are read at most of a list that is of no use unless it is whole.
const MAX_PAGES: usize = 100;

/// Calls that are made without a pause, and the pause before each of the others. An account may ask EMR Serverless for
/// [25 pages at once and then one a second](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/endpoints-quotas.html);
/// this leaves some for others. EMR on EKS publishes no rate.
const AT_ONCE: usize = 20;
const PAUSE: Duration = Duration::from_secs(1);

/// How long a page is waited for that is one call too many, and how often it is asked for again.
const BUSY_PAUSE: Duration = Duration::from_secs(2);
const BUSY_TRIES: usize = 60;

/// Which job runs a list is of: those for which all of this holds.
#[derive(Clone, Debug, Default)]
pub struct Of {
    /// Of this name, where the service [finds names](Listing::FINDS_NAMES).
    pub name: Option<String>,
    pub made_after: Option<DateTime>,
    pub made_before: Option<DateTime>,
    /// In a published state of the living.
    pub living: bool,
}

/// Rows of a list, and the token for those that follow.
pub type Page<Row> = (Vec<Row>, Option<String>);

/// A service that lists job runs.
#[async_trait]
pub trait Listing: Sync {
    /// What a list tells of a job run.
    type Row: Send;

    /// Whether a list can be asked for a name.
    const FINDS_NAMES: bool;

    /// Whether a list of several states tells of one after the other.
    const GROUPS_STATES: bool;

    /// One page of a list: its first, or the one that `token` stands for. [`Kind::Absent`] where there is no such place.
    async fn page(&self, of: &Of, token: Option<String>) -> Result<Page<Self::Row>, AwsError>;

    /// The name of the job run.
    fn name(row: &Self::Row) -> Option<&str>;

    /// The job run; none where the row does not tell which one it is.
    fn run(&self, row: &Self::Row) -> Option<Run>;
}

/// The runs that `by` selects, the newest first.
///
/// What is over is found by name, by token and in a history only, if it was made after `since`: who looks for what an owner
/// has looks for what is to be stopped or kept.
pub async fn find<L: Listing>(
    listing: &L,
    identity: &Identity,
    by: Lookup,
    since: Timestamp,
) -> Result<Vec<Run>, AwsError> {
    let mut reader = Reader { listing, identity, by, calls: 0 };
    let rows = match by {
        Lookup::Name if L::FINDS_NAMES => {
            reader.read(&Of { name: Some(identity.name()), ..Of::default() }, Extent::Whole).await?.rows
        }
        // The run of this very name was made by this very request.
        Lookup::Name => reader.late_and_living(since, Extent::Whole).await?,
        Lookup::History => reader.late_and_living(since, Extent::History).await?,
        Lookup::Token | Lookup::Owner | Lookup::Spec => {
            reader.late_and_living(since.before(LATELY), Extent::Bounded).await?
        }
    };
    let mut runs = BTreeMap::new();
    for row in &rows {
        let run = listing.run(row).ok_or_else(|| AwsError::unavailable("it lists a job run without its ARN"))?;
        // What was read later is newer.
        runs.insert(run.run.id.clone(), run);
    }
    let tells_what_is_over = matches!(by, Lookup::Name | Lookup::Token | Lookup::History);
    // A service may tell times in whole seconds.
    let since = Timestamp(since.0 - since.0 % 1000);
    let is_wanted = |run: &Run| {
        let is_recent = run.status.created.is_none_or(|created| created >= since);
        !run.status.phase.is_over() || (tells_what_is_over && is_recent)
    };
    let mut runs: Vec<Run> = runs.into_values().filter(is_wanted).collect();
    runs.sort_by_key(|run| std::cmp::Reverse(run.status.created));
    Ok(runs)
}

/// How much of a list is read.
#[derive(Clone, Copy, Debug)]
enum Extent {
    /// All of it.
    Whole,
    /// As much of it as the service's rates leave room for.
    Bounded,
    /// More of it.
    History,
}

/// Reads the lists of one look-up.
struct Reader<'a, L> {
    listing: &'a L,
    identity: &'a Identity,
    by: Lookup,
    /// How many calls were made.
    calls: usize,
}

/// What was read of a list: the rows that are looked for.
struct Read<Row> {
    rows: Vec<Row>,
    pages: usize,
    is_whole: bool,
}

impl<L: Listing> Reader<'_, L> {
    /// Those that were made after `start`, as far as that is read, and those that are alive and not among them.
    async fn late_and_living(&mut self, start: Timestamp, late: Extent) -> Result<Vec<L::Row>, AwsError> {
        // Whether a bound is one of whole seconds, and whether it is left out itself, is not published.
        let second = i64::try_from(start.0 / 1000).unwrap_or(i64::MAX / 1000);
        let made_after = Some(DateTime::from_secs((second - 1).max(0)));
        let late = self.read(&Of { made_after, ..Of::default() }, late).await?;
        if !late.is_whole {
            let what = if self.by == Lookup::History { "that has ended" } else { "in a state that is not known" };
            warn!(pages = late.pages, "there are too many job runs to be sure of one {what}");
        }
        let made_before = late.is_whole.then(|| DateTime::from_secs(second + 1));
        let of = Of { made_before, living: true, ..Of::default() };
        let living = self.read(&of, Extent::Whole).await?;
        let mut rows = late.rows;
        rows.extend(living.rows);
        if L::GROUPS_STATES && living.pages > 1 {
            // One that went on to its next state meanwhile may have slipped from a page that was still to be read to one
            // that had been.
            rows.extend(self.read(&of, Extent::Whole).await?.rows);
        }
        Ok(rows)
    }

    async fn read(&mut self, of: &Of, extent: Extent) -> Result<Read<L::Row>, AwsError> {
        let (most, waited_for) = match extent {
            Extent::Whole => (MAX_PAGES, MAX_PAGES),
            Extent::Bounded => (LATE_PAGES, LATE_PAGES_AT_LEAST),
            Extent::History => (HISTORY_PAGES, LATE_PAGES_AT_LEAST),
        };
        let mut read = Read { rows: Vec::new(), pages: 0, is_whole: false };
        let (mut token, mut tokens) = (None, BTreeSet::new());
        while read.pages < most {
            let waits = read.pages < waited_for;
            let (rows, next) = match self.page(of, token, waits).await {
                Err(error) if error.failed.kind == Kind::Busy && !waits => return Ok(read),
                answer => answer?,
            };
            let is_meant = |row: &L::Row| L::name(row).is_some_and(|name| self.by.selects(self.identity, name));
            read.rows.extend(rows.into_iter().filter(is_meant));
            read.pages += 1;
            token = next.filter(|next| !next.is_empty());
            match &token {
                None => return Ok(Read { is_whole: true, ..read }),
                Some(next) if !tokens.insert(next.clone()) => {
                    return Err(AwsError::unavailable("its list of job runs goes round in circles"));
                }
                Some(_) => {}
            }
        }
        match extent {
            Extent::Whole => Err(AwsError::unavailable("it has more job runs than can be listed")),
            Extent::Bounded | Extent::History => Ok(read),
        }
    }

    /// A page. Where it is one call too many, and not the first, waiting is cheaper than to begin anew: a hundred look-ups
    /// that did would keep each other from ever coming to an end.
    async fn page(&mut self, of: &Of, token: Option<String>, waits: bool) -> Result<Page<L::Row>, AwsError> {
        let waits = waits && self.calls > 0;
        for _ in 1..BUSY_TRIES {
            match self.call(of, token.clone()).await {
                Err(error) if error.failed.kind == Kind::Busy && waits => sleep(BUSY_PAUSE).await,
                answer => return answer,
            }
        }
        self.call(of, token).await
    }

    async fn call(&mut self, of: &Of, token: Option<String>) -> Result<Page<L::Row>, AwsError> {
        if self.calls >= AT_ONCE {
            sleep(PAUSE).await;
        }
        self.calls += 1;
        self.listing.page(of, token).await
    }
}
