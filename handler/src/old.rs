//! The description that an Update comes from.

use serde::{Deserialize, Serialize};

use sparkjob::job::{Access, Digest, Tags};
use sparkjob::lifecycle::Former;
use sparkjob::properties::{self, RunOn, WaitFor};

use crate::deadlines::{limit, old_service_timeout};
use crate::envelope::Envelope;
use crate::event::Event;
use crate::plan::identified;

/// What has to be known of the description that an Update comes from. In a rollback it is that of the Update that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Old {
    /// Where its runs are and what they are recognised by; none where that cannot be read. An earlier version of the
    /// template, and of ours, made it what it is: it cannot be refused now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub former: Option<Former>,
    /// Of the text whose change asks for a new run.
    pub rerun: Option<Digest>,
    /// What started a new job then; none where the description was refused, and so nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_on: Option<RunOn>,
    /// Of its tags, where not all of them are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Digest>,
    /// When its job met what was asked for, if anybody accepted the description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_for: Option<WaitFor>,
    /// What lets into the place where its runs are.
    #[serde(default, skip_serializing_if = "Access::is_open")]
    pub access: Access,
}

/// What of the longest input of an execution is for this, in bytes: its tags and what else there is.
pub const ROOM_FOR_OLD: usize = 16 * 1024;

/// What the tags may take of it. Of those that take more the names are kept, by which they go; and none of which the names alone
/// do, so that these stay.
const ROOM_FOR_TAGS: usize = 12 * 1024;

impl Old {
    /// Reads it from an event, as far as it can be read; from one that has none, nothing.
    pub fn read(envelope: &Envelope, event: &Event) -> Self {
        let properties = event.field("OldResourceProperties");
        let mut tags = None;
        let wanted = properties::read_job(properties).map(|mut job| {
            let all = digest(&job.tags);
            let kept = kept(job.tags);
            tags = Some(all).filter(|all| *all != digest(&kept));
            job.tags = kept;
            identified(envelope, job)
        });
        let rerun = match &wanted {
            Some(wanted) => wanted.job.rerun.as_str(),
            None => properties["Rerun"].as_str().unwrap_or_default(),
        };
        let rerun = Some(Digest::of(&[rerun]));
        let accepted = properties::read(properties, &limit(old_service_timeout(event)));
        let (run_on, wait_for) = accepted.ok().map(|it| (it.management.run_on, it.management.wait_for)).unzip();
        let access = Some(properties::read_access(properties)).filter(|access| !access.is_open()).unwrap_or_default();
        Self { former: wanted.map(Former::from), rerun, run_on, tags, wait_for, access }
    }
}

/// What tags are recognised by.
pub fn digest(tags: &Tags) -> Digest {
    Digest::of(&tags.iter().flat_map(|(name, value)| [name.as_str(), value]).collect::<Vec<_>>())
}

/// What is kept of tags.
fn kept(tags: Tags) -> Tags {
    // As JSON has them.
    let fits = |tags: &Tags| serde_json::to_string(tags).is_ok_and(|text| text.len() <= ROOM_FOR_TAGS);
    if fits(&tags) {
        return tags;
    }
    let names: Tags = tags.into_keys().map(|name| (name, String::new())).collect();
    if fits(&names) { names } else { Tags::new() }
}
