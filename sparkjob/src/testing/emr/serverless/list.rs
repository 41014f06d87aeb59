//! The list of an application's job runs, page by page.

use serde_json::{Value, json};
use url::Url;

use super::{admit, application_arn, invalid, known, state, summary, value, values};
use crate::testing::emr::runs::Run;
use crate::testing::emr::{Answer, Refusal, Service, World};

/// Job runs in a page, whatever is asked for: few, so that there are pages.
const PAGE: usize = 4;

pub(super) fn list(world: &mut World, application: &str, url: &Url) -> Answer {
    admit(world, "ListJobRuns", application_arn(application))?;
    known(world, application)?;
    let most = value(url, "maxResults").map_or(Ok(50), |most| most.parse::<usize>());
    let most =
        most.ok().filter(|most| (1..=50).contains(most)).ok_or_else(|| invalid("maxResults is not from 1 to 50"))?;
    let from = value(url, "nextToken").map_or(Ok(0), |token| token.parse::<usize>());
    let from = from.map_err(|_| invalid("nextToken is none of this list"))?;
    let rows = rows(world, application, url)?;
    let to = (from + most.min(world.page_size(PAGE))).min(rows.len());
    let page: Vec<Value> = rows[from.min(to)..to].iter().map(|run| summary(world, run)).collect();
    let mut answer = json!({"jobRuns": page});
    if to < rows.len() {
        answer["nextToken"] = json!(to.to_string());
    }
    Ok(answer)
}

/// The newest first, or, where states are asked for, state by state.
fn rows<'a>(world: &'a World, application: &str, url: &Url) -> Result<Vec<&'a Run>, Refusal> {
    let bound = |name: &str| {
        let bound = value(url, name).map(|time| seconds(&time).ok_or_else(|| invalid(format!("{name} is no time"))));
        bound.transpose()
    };
    let (after, before) = (bound("createdAtAfter")?.unwrap_or(0), bound("createdAtBefore")?.unwrap_or(u64::MAX));
    let states = values(url, "states");
    if states.len() > 8 {
        return Err(invalid("states has more than 8 members"));
    }
    let mut rows = world.visible(Service::Serverless, application);
    rows.retain(|run| (after + 1..before).contains(&(world.clock.shows(run.at).0 / 1_000)));
    if !states.is_empty() {
        let group = |run: &Run| states.iter().position(|wanted| *wanted == state(world, run));
        rows.retain(|run| group(run).is_some());
        rows.sort_by_key(|run| group(run));
    }
    Ok(rows)
}

/// Seconds since 1970 of a time such as `2026-11-21T07:00:00Z`.
fn seconds(text: &str) -> Option<u64> {
    let time = aws_sdk_emrserverless::primitives::DateTime::from_str(
        text,
        aws_sdk_emrserverless::primitives::DateTimeFormat::DateTime,
    );
    time.ok().and_then(|time| u64::try_from(time.secs()).ok())
}
