//! Steps, many at a time. EMR allows an account
//! [one such call in two seconds](https://docs.aws.amazon.com/general/latest/gr/emr.html) in the long run, so no page is
//! read that is not needed.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_emr::types::StepState;
use tokio::time::sleep;

use super::step::Step;
use super::{EmrSteps, MOST_KILLERS, has_failed, killers_of, request};
use crate::engine::Kind;
use crate::engine::answer::Asked;
use crate::engine::aws::{self, AwsError};
use crate::engine::emr_cluster::{Refusal, refusal};
use crate::job::{RunRef, Timestamp};

/// Ids in one call.
const IDS: usize = 10;
/// Pages of steps that are read at most when all of them have to be: EMR shows at most 256 that are active and 1,000 others,
/// 50 on a page.
const MAX_PAGES: usize = 30;
/// Pages that are read for steps that kill. Further back they are as good as none: another one is added, and that is found.
const KILLER_PAGES: usize = 4;
/// A step that kills is added when the other is cancelled, and how long that may take to end is anybody's guess.
const KILLED_WITHIN: Duration = Duration::from_mins(15);

/// How long a page is waited for that is one call too many: at first as long as it takes until one more is allowed, then twice
/// as long each time. A hundred who asked more often would take from each other what is allowed to all of them.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often it is asked for again, which takes eleven minutes.
const PAGE_TRIES: usize = 25;

/// The states of steps that are alive.
const LIVE: [StepState; 3] = [StepState::Pending, StepState::CancelPending, StepState::Running];

/// Which steps a listing is of.
enum Of<'a> {
    /// All of them, the newest first.
    All,
    /// Those that are alive, in no order.
    Live,
    /// Those with these ids.
    Ids(&'a [&'a str]),
}

/// Why a listing ends.
#[derive(PartialEq, Eq)]
enum End {
    /// There is no more.
    Whole,
    /// What was read is enough.
    Enough,
    /// It has more pages than are read.
    TooLong,
}

impl EmrSteps {
    /// All steps that are alive, and those that were made after `since`.
    pub(super) async fn recent_and_live(&self, since: Timestamp) -> Result<Vec<Step>, AwsError> {
        let is_older = |step: &Step| step.created.is_some_and(|created| created <= since);
        let (mut steps, end) = self.list(&Of::All, MAX_PAGES, |steps| steps.iter().any(is_older)).await?;
        match end {
            End::Whole => return Ok(steps),
            End::Enough => steps.retain(|step| !is_older(step)),
            End::TooLong => return Err(AwsError::unavailable("the cluster has more steps than can be listed")),
        }
        let (live, end) = self.list(&Of::Live, MAX_PAGES, |_| false).await?;
        if end == End::TooLong {
            return Err(AwsError::unavailable("the cluster has more active steps than can be listed"));
        }
        // What came to its end between the two is told as it was last seen.
        steps.retain(|step| live.iter().all(|live| live.id != step.id));
        steps.extend(live);
        Ok(steps)
    }

    /// The steps that `runs` mean, as far as the cluster knows them.
    pub(super) async fn steps(&self, runs: &[RunRef]) -> Result<Vec<Step>, AwsError> {
        let ids: BTreeSet<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut steps = Vec::new();
        for ids in ids.chunks(IDS) {
            steps.extend(self.known(ids).await?);
        }
        Ok(steps)
    }

    /// Those of at most ten steps that EMR knows. It refuses the whole call for one that it does not know, so that is asked
    /// again without the one that it names.
    async fn known(&self, ids: &[&str]) -> Result<Vec<Step>, AwsError> {
        let mut ids = ids.to_vec();
        while !ids.is_empty() {
            let error = match self.list(&Of::Ids(&ids), MAX_PAGES, |_| false).await {
                Ok((steps, _)) => return Ok(steps),
                Err(error) if refusal(&error) == Some(Refusal::UnknownStep) => error,
                Err(error) => return Err(error),
            };
            let count = ids.len();
            let said = &error.failed.said;
            let named = said.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            ids.retain(|id| count > 1 && !named.clone().any(|word| word == *id));
            if ids.len() == count {
                return Err(AwsError::unavailable(format!(
                    "EMR does not say which step it does not know: {}",
                    error.failed.said
                )));
            }
        }
        Ok(Vec::new())
    }

    /// The steps that were made to kill what `steps` have left behind, the newest first: of each step's those that count,
    /// which are the last one and, where it failed, the one before.
    pub(super) async fn killers(&self, steps: &[&Step]) -> Result<Vec<Step>, AwsError> {
        let since = steps.iter().map(|step| match (step.ended, step.started) {
            (Some(ended), Some(started)) => started.max(ended.before(KILLED_WITHIN)),
            (_, started) => started.unwrap_or_default(),
        });
        let since = since.min().unwrap_or_default();
        let enough = |read: &[Step]| {
            read.iter().any(|step| step.created.is_some_and(|created| created < since))
                || steps.iter().all(|step| tells_enough(&mut killers_of(step, read)))
        };
        let (mut killers, _) = self.list(&Of::All, KILLER_PAGES, enough).await?;
        killers.retain(|killer| steps.iter().any(|step| killer.name == request::killer(&step.id)));
        Ok(killers)
    }

    /// Reads page after page until it has `enough`. Each step is told once, as new ones may push others to the next page.
    async fn list(
        &self,
        of: &Of<'_>,
        pages: usize,
        enough: impl Fn(&[Step]) -> bool + Send,
    ) -> Result<(Vec<Step>, End), AwsError> {
        let mut steps: Vec<Step> = Vec::new();
        let mut markers: Vec<String> = Vec::new();
        for _ in 0..pages {
            let (page, marker) = match markers.last() {
                None => self.page(of, None).await?,
                Some(marker) => self.next_page(of, marker).await?,
            };
            for step in page {
                if steps.iter().all(|known| known.id != step.id) {
                    steps.push(step);
                }
            }
            match marker {
                None => return Ok((steps, End::Whole)),
                Some(_) if enough(&steps) => return Ok((steps, End::Enough)),
                Some(marker) if markers.contains(&marker) => {
                    return Err(AwsError::unavailable("its list of steps goes round in circles"));
                }
                Some(marker) => markers.push(marker),
            }
        }
        Ok((steps, End::TooLong))
    }

    /// A page other than the first. Where that is one call too many, waiting is cheaper than to begin anew.
    async fn next_page(&self, of: &Of<'_>, marker: &String) -> Result<(Vec<Step>, Option<String>), AwsError> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..PAGE_TRIES {
            match self.page(of, Some(marker)).await {
                Err(error) if error.failed.kind == Kind::Busy => sleep(pause).await,
                answer => return answer,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.page(of, Some(marker)).await
    }

    async fn page(&self, of: &Of<'_>, marker: Option<&String>) -> Result<(Vec<Step>, Option<String>), AwsError> {
        let mut call = self.cluster.client().list_steps().cluster_id(&self.cluster.id);
        match of {
            Of::All => {}
            Of::Live => call = call.set_step_states(Some(LIVE.to_vec())),
            Of::Ids(ids) => call = call.set_step_ids(Some(ids.iter().map(|&id| id.to_owned()).collect())),
        }
        let answer = call.set_marker(marker.cloned()).send().await;
        let answer = answer.map_err(|error| aws::error(Asked::Look, &error))?;
        // An answer of someone else's would read as a list of nothing.
        if answer.steps.is_none() {
            return Err(AwsError::unavailable("EMR answered without a list of steps"));
        }
        let marker = answer.marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
        Ok((answer.steps().iter().map(Step::listed).collect(), marker))
    }
}

/// Whether nothing depends on the steps that were made to kill the same application before these.
fn tells_enough<'a>(killers: &mut impl Iterator<Item = &'a Step>) -> bool {
    killers.take(MOST_KILLERS).enumerate().any(|(at, killer)| !has_failed(killer) || at + 1 == MOST_KILLERS)
}
