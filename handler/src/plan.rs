//! From a request to what it asks for: nothing is asked on the way.

use serde_json::Value;

use sparkjob::engine::Lookup;
use sparkjob::job::{Digest, Identity, Job, RunRef};
use sparkjob::lifecycle::{Goal, Plan, Retag, StaysAs, Target, Wanted};
use sparkjob::properties::{self, Description, Faults, RunOn, WaitFor};

use crate::deadlines::{Times, limit, service_timeout};
use crate::envelope::{Action, Envelope};
use crate::event::Event;
use crate::old::{Old, digest};
use crate::physical_id::PhysicalId;
use crate::request::Request;
use crate::stack::Standing;

/// What the request asks for.
///
/// # Errors
/// [`Refused`], with every fault at once. A Delete is never refused.
pub fn plan(request: &Request, times: &Times, standing: Option<Standing>) -> Result<Plan, Refused> {
    let Request { envelope, event, old } = request;
    let properties = event.field("ResourceProperties");
    let (deadlines, hidden) = (times.deadlines, request.hidden());
    // A Livy that was given other credentials asks for those that hold now, about old jobs too.
    let access = properties::read_access(properties).or(&old.access);
    let planned = |goal, management| Plan { goal, management, deadlines, access, hidden };
    match &envelope.action {
        Action::Create => {
            let Description { job, management, .. } = wanted(event)?;
            Ok(planned(Goal::Run(identified(envelope, job)), management))
        }
        Action::Update => {
            let Description { job, management, .. } = wanted(event)?;
            let rolls_back = standing.is_some_and(|standing| standing.rolls_back);
            let wanted = identified(envelope, job);
            let goal = if has_ended_unknown(envelope, old, &wanted, management.run_on) && !rolls_back {
                Goal::Stop(Target::Nothing)
            } else {
                update(envelope, old, wanted, management.run_on, rolls_back)
            };
            Ok(planned(goal, management))
        }
        Action::Delete => {
            Ok(planned(Goal::Stop(target(envelope, properties, standing)), properties::read_management(properties)))
        }
        Action::Other(word) => {
            Err(Refused::Request(format!("RequestType must be Create, Update or Delete, got {word}")))
        }
    }
}

/// What one request is recognised by when it comes again, whatever it asks for.
pub fn token(envelope: &Envelope) -> Digest {
    Digest::of(&[&envelope.stack_id, &envelope.logical_id, &envelope.request_id])
}

/// The same of one try of it: `CloudFormation` [repeats](https://github.com/aws/aws-cdk/issues/35957) a request as it was, with
/// an address of another date for the answer. None where the address has none.
pub fn dated_token(envelope: &Envelope) -> Option<Digest> {
    let date = envelope.response_url.date()?;
    Some(Digest::of(&[&envelope.stack_id, &envelope.logical_id, &envelope.request_id, &date]))
}

/// Why nothing was done.
#[derive(Debug)]
pub enum Refused {
    /// The request itself is at fault, as a sentence without a full stop.
    Request(String),
    /// The properties are.
    Properties(Faults),
}

impl From<Faults> for Refused {
    fn from(faults: Faults) -> Self {
        Self::Properties(faults)
    }
}

/// The new description: with any fault, nothing is done.
fn wanted(event: &Event) -> Result<Description, Refused> {
    const NAME: &str = "ResourceProperties";
    if let Some(why) = event.unreadable(NAME) {
        return Err(Refused::Request(format!("{NAME} cannot be read: {why}")));
    }
    let properties = event.field(NAME);
    let faults = match properties::read(properties, &limit(service_timeout(event))) {
        Ok(description) => return Ok(description),
        Err(faults) => faults,
    };
    // Its properties are called as the template calls them; the whole has no name there.
    let is_whole = !properties.is_object() && !properties.is_null();
    Err(Refused::Properties(if is_whole { faults.under(NAME) } else { faults }))
}

fn update(envelope: &Envelope, old: &Old, wanted: Wanted, run_on: RunOn, rolls_back: bool) -> Goal {
    let present = envelope.physical_id.clone().and_then(PhysicalId::run);
    let stays_as = match &present {
        Some(run) => match stays(run, old, &wanted, run_on, rolls_back) {
            Stays::Always => {
                return Goal::Keep { run: run.clone(), retag: retag(old, &wanted), is_back: rolls_back };
            }
            Stays::As(identity) => Some(StaysAs { identity, retag: retag(old, &wanted) }),
            Stays::Never => None,
        },
        None => None,
    };
    let old = old.former.clone().map(Box::new);
    if rolls_back {
        Goal::Restore { wanted, old, present, stays_as }
    } else {
        Goal::Replace { wanted, old, present, stays_as }
    }
}

/// Whether the wanted job has succeeded, and there is none of it any more that the resource could be known by: a rollback was
/// answered so. It is no more to run again than one that is still known.
fn has_ended_unknown(envelope: &Envelope, old: &Old, wanted: &Wanted, run_on: RunOn) -> bool {
    // Where a step died on the way there, what it may have submitted is known by a token, and is cleaned up.
    let has_none = matches!(envelope.physical_id, Some(PhysicalId::Nothing | PhysicalId::Unknown(..)));
    let is_to_stay = is_unchanged(old, wanted) || waits_for_rerun(old, wanted, run_on);
    has_none && old.wait_for == Some(WaitFor::Succeeded) && is_to_stay
}

/// Whether the same runs as before.
fn is_unchanged(old: &Old, wanted: &Wanted) -> bool {
    old.former.as_ref().is_some_and(|old| old.identity.spec == wanted.identity.spec)
}

/// Whether all that changes waits for another `Rerun`.
fn waits_for_rerun(old: &Old, wanted: &Wanted, run_on: RunOn) -> bool {
    run_on == RunOn::Rerun && old.rerun == Some(Digest::of(&[&wanted.job.rerun]))
}

/// How the tags change of a job that stays.
fn retag(old: &Old, wanted: &Wanted) -> Option<Retag> {
    let wanted = wanted.job.tags.clone();
    if old.tags.is_some_and(|tags| tags == digest(&wanted)) {
        return None;
    }
    let old = old.former.as_ref().map(|old| old.tags.clone()).unwrap_or_default();
    (old != wanted).then_some(Retag { wanted, old })
}

/// Whether the present run is to stay.
enum Stays {
    Always,
    /// If it is a run of this description, which its reference does not tell.
    As(Identity),
    Never,
}

/// Whether the present run is to stay, whatever it did since.
fn stays(run: &RunRef, old: &Old, wanted: &Wanted, run_on: RunOn, rolls_back: bool) -> Stays {
    let stays_as = |one: &Identity| match run.name.as_deref().map(|name| one.describes(name)) {
        Some(true) => Stays::Always,
        Some(false) => Stays::Never,
        None => Stays::As(one.clone()),
    };
    let waits_for_rerun = waits_for_rerun(old, wanted, run_on);
    match (old.run_on, &old.former) {
        (Some(_), _) if is_unchanged(old, wanted) => Stays::Always,
        // Where it is known that the Update is taken back, so is its job.
        (Some(RunOn::Change), Some(_)) if waits_for_rerun && rolls_back => Stays::Never,
        // Under `Change` the present run is one of the old description. Where it is not, the Update to that description
        // failed, perhaps with the present job stopped, and this one takes it back.
        (Some(RunOn::Change), Some(old)) if waits_for_rerun => stays_as(&old.identity),
        _ if waits_for_rerun => Stays::Always,
        // This takes back an Update that was refused, and a job that has ended since is not to run again for that.
        (None, _) => stays_as(&wanted.identity),
        _ => Stays::Never,
    }
}

fn target(envelope: &Envelope, properties: &Value, standing: Option<Standing>) -> Target {
    let search = |token, dated, by, Standing { since: made_since, job, .. }| {
        let Some(place) = properties::read_place(properties) else {
            tracing::warn!("the properties do not tell where a job may be: none is looked for");
            return Target::Nothing;
        };
        let owner = Digest::of(&[&envelope.stack_id, &envelope.logical_id]);
        // Neither look-up asks for the description, which a Delete does not read.
        let label = envelope.logical_id.clone();
        let identity = Identity { owner, spec: Digest::of(&[]), token, dated, label };
        Target::Search { place, identity, by, made_since, spared: job.map(Box::new) }
    };
    match &envelope.physical_id {
        Some(PhysicalId::Run(run)) => Target::Run(run.clone()),
        Some(PhysicalId::Nothing) => Target::Nothing,
        // An Update may have taken over what it stands for, and that is the one that the resource has now.
        Some(PhysicalId::Unknown(token, dated)) => {
            search(*token, *dated, Lookup::Token, Standing { since: None, ..standing.unwrap_or_default() })
        }
        // Its Create was cut off, in what the stack is about or just before; an older job is one that other requests know of. So
        // is the one that the resource has now.
        Some(PhysicalId::Foreign(_)) | None => {
            search(token(envelope), None, Lookup::Owner, standing.unwrap_or_default())
        }
    }
}

/// The job and what it is recognised by when this request asks for it.
pub fn identified(envelope: &Envelope, job: Job) -> Wanted {
    let owner = [envelope.stack_id.as_str(), envelope.logical_id.as_str()];
    let identity = Identity::derive(&owner, &envelope.request_id, &envelope.logical_id, &job);
    Wanted { identity: Identity { dated: dated_token(envelope), ..identity }, job }
}

#[cfg(test)]
mod tests;
