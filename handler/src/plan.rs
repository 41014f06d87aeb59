//! From a request to what it asks for: pure.

use serde_json::Value;

use sparkjob::engine::Lookup;
use sparkjob::job::{Digest, Identity, Job, RunRef};
use sparkjob::lifecycle::{Goal, Plan, Retag, StaysAs, Target, Wanted};
use sparkjob::properties::{self, Description, Faults, RunOn};

use crate::deadlines::{Times, old_service_timeout, service_timeout};
use crate::envelope::{Action, Envelope};
use crate::event::Event;
use crate::physical_id::PhysicalId;

/// What the request asks for.
///
/// # Errors
/// [`Refused`], with every fault at once. A Delete is never refused.
pub fn plan(envelope: &Envelope, event: &Event, times: &Times) -> Result<Plan, Refused> {
    let planned = |goal, management| Plan { goal, management, deadlines: times.deadlines };
    match &envelope.action {
        Action::Create => {
            let Description { job, management } = wanted(event, times)?;
            Ok(planned(Goal::Run(identified(envelope, job)), management))
        }
        Action::Update => {
            let Description { job, management } = wanted(event, times)?;
            let old = Old::read(envelope, event, times);
            Ok(planned(update(envelope, old, identified(envelope, job), management.run_on), management))
        }
        Action::Delete => {
            let properties = event.field("ResourceProperties");
            Ok(planned(Goal::Stop(target(envelope, properties)), properties::read_management(properties)))
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
fn wanted(event: &Event, times: &Times) -> Result<Description, Refused> {
    const NAME: &str = "ResourceProperties";
    if let Some(why) = event.unreadable(NAME) {
        return Err(Refused::Request(format!("{NAME} cannot be read: {why}")));
    }
    let properties = event.field(NAME);
    let faults = match properties::read(properties, &times.limit(service_timeout(event))) {
        Ok(description) => return Ok(description),
        Err(faults) => faults,
    };
    // Its properties are called as the template calls them; the whole has no name there.
    let is_whole = !properties.is_object() && !properties.is_null();
    Err(Refused::Properties(if is_whole { faults.under(NAME) } else { faults }))
}

/// The description that an Update comes from. In a rollback it is the one of the Update that failed.
struct Old {
    /// Its job; none where that cannot be read. An earlier version of the template, and of ours, made it what it is: it
    /// cannot be refused now.
    wanted: Option<Wanted>,
    /// The text whose change asks for a new run.
    rerun: String,
    /// What started a new job then; none where the description was refused, and so nothing was done.
    run_on: Option<RunOn>,
}

impl Old {
    fn read(envelope: &Envelope, event: &Event, times: &Times) -> Self {
        let properties = event.field("OldResourceProperties");
        let wanted = properties::read_job(properties).map(|job| identified(envelope, job));
        let rerun = match &wanted {
            Some(wanted) => wanted.job.rerun.clone(),
            None => properties["Rerun"].as_str().unwrap_or_default().to_owned(),
        };
        let accepted = properties::read(properties, &times.limit(old_service_timeout(event)));
        Self { wanted, rerun, run_on: accepted.ok().map(|accepted| accepted.management.run_on) }
    }
}

fn update(envelope: &Envelope, old: Old, wanted: Wanted, run_on: RunOn) -> Goal {
    let present = match &envelope.physical_id {
        Some(PhysicalId::Run(run)) => Some(run.clone()),
        _ => None,
    };
    match present {
        Some(run) => match stays(&run, &old, &wanted, run_on) {
            Stays::Always => Goal::Keep { run, retag: retag(&old, &wanted) },
            Stays::As(identity) => {
                let retag = retag(&old, &wanted);
                replace(wanted, old, Some(run), Some(StaysAs { identity, retag }))
            }
            Stays::Never => replace(wanted, old, Some(run), None),
        },
        None => replace(wanted, old, None, None),
    }
}

fn replace(wanted: Wanted, old: Old, present: Option<RunRef>, stays_as: Option<StaysAs>) -> Goal {
    Goal::Replace { wanted, old: old.wanted.map(Box::new), present, stays_as }
}

/// How the tags change of a job that stays.
fn retag(old: &Old, wanted: &Wanted) -> Option<Retag> {
    let old = old.wanted.as_ref().map(|old| old.job.tags.clone()).unwrap_or_default();
    let wanted = wanted.job.tags.clone();
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
fn stays(run: &RunRef, old: &Old, wanted: &Wanted, run_on: RunOn) -> Stays {
    let stays_as = |one: &Wanted| match run.name.as_deref().map(|name| one.identity.describes(name)) {
        Some(true) => Stays::Always,
        Some(false) => Stays::Never,
        None => Stays::As(one.identity.clone()),
    };
    let is_unchanged = old.wanted.as_ref().is_some_and(|old| old.identity.spec == wanted.identity.spec);
    let waits_for_rerun = run_on == RunOn::Rerun && old.rerun == wanted.job.rerun;
    match (old.run_on, &old.wanted) {
        (Some(_), _) if is_unchanged => Stays::Always,
        // Under `Change` the present run is one of the old description. Where it is not, the Update to that description
        // failed, perhaps with the present job stopped, and this one takes it back.
        (Some(RunOn::Change), Some(old)) if waits_for_rerun => stays_as(old),
        _ if waits_for_rerun => Stays::Always,
        // This takes back an Update that was refused, and a job that has ended since is not to run again for that.
        (None, _) => stays_as(wanted),
        _ => Stays::Never,
    }
}

fn target(envelope: &Envelope, properties: &Value) -> Target {
    let search = |token, by| {
        properties::read_place(properties).map_or(Target::Nothing, |place| {
            let owner = Digest::of(&[&envelope.stack_id, &envelope.logical_id]);
            // Neither look-up asks for the description, which a Delete does not read.
            let identity = Identity { owner, spec: Digest::of(&[]), token, label: envelope.logical_id.clone() };
            Target::Search { place, identity, by }
        })
    };
    match &envelope.physical_id {
        Some(PhysicalId::Run(run)) => Target::Run(run.clone()),
        Some(PhysicalId::Nothing) => Target::Nothing,
        Some(PhysicalId::Unknown(token)) => search(*token, Lookup::Token),
        Some(PhysicalId::Foreign(_)) | None => search(token(envelope), Lookup::Owner),
    }
}

fn identified(envelope: &Envelope, job: Job) -> Wanted {
    let owner = [envelope.stack_id.as_str(), envelope.logical_id.as_str()];
    let identity = Identity::derive(&owner, &envelope.request_id, &envelope.logical_id, &job);
    Wanted { job, identity }
}

#[cfg(test)]
mod tests;
