//! How the engines differ from each other, as data.

use sparkjob::job::Phase;

/// How an engine differs from the others.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one of the differences")]
pub struct Ways {
    /// What comes of a second submission under the same identity.
    pub again: Again,
    /// What a run is that was cancelled.
    pub cancelled: Phase,
    /// Whether runs can be kept waiting; else those that should wait run.
    pub holds: bool,
    /// Whether a run that was just cancelled is seen to be ending: for as long as the model's scripts have it, not so long
    /// on real ones that it could be relied on.
    pub shows_ending: bool,
    /// Whether a job can pay no heed to being asked and is killed.
    pub kills: bool,
    /// Whether an id may come to mean another run.
    pub reuses_ids: bool,
    /// Whether it tells when a run was made.
    pub tells_time: bool,
    /// Whether it knows tags.
    pub tags: bool,
    /// Whether `Environment` reaches the driver.
    pub environment: bool,
    /// Runs that do not fit on one page of its listing; none where that would be too many to be made.
    pub pages: Option<usize>,
    /// What it says of why a job died that raised `ValueError: no orders`.
    pub reason: &'static str,
    /// The same in its report.
    pub exception: &'static str,
    /// Whether it has a console, and a folder for logs.
    pub links: bool,
    /// An id that it could have given, but has not.
    pub unknown: &'static str,
}

/// What comes of a second submission under the same identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It is refused for as long as the first one's run is known.
    Taken,
    /// The run that there is, whatever has become of it.
    Same,
    /// A run of its own.
    Twin,
}

impl Ways {
    pub fn of_livy() -> Self {
        Self {
            again: Again::Taken,
            // What Livy has deleted it does not know any more.
            cancelled: Phase::Gone,
            holds: true,
            // A deletion is answered when it is done.
            shows_ending: false,
            kills: false,
            // A server that was restarted counts from 0 again.
            reuses_ids: true,
            tells_time: false,
            tags: false,
            // In client mode the driver has Livy's own.
            environment: false,
            pages: Some(101),
            reason: "",
            exception: "ValueError: no orders",
            links: false,
            unknown: "77777",
        }
    }

    pub fn of_livy_on_cluster() -> Self {
        Self { links: true, ..Self::of_livy() }
    }

    pub fn of_emr_on_eks() -> Self {
        Self {
            again: Again::Same,
            cancelled: Phase::Cancelled,
            shows_ending: true,
            reuses_ids: false,
            tells_time: true,
            tags: true,
            environment: true,
            pages: Some(12),
            reason: "USER_ERROR: JobRun failed. Please refer logs uploaded to S3/CloudWatch based on your monitoring \
                     configuration",
            exception: "",
            links: true,
            unknown: "0000000000000000zzz",
            ..Self::of_livy()
        }
    }

    pub fn of_emr_serverless() -> Self {
        Self { kills: true, reason: "ValueError: no orders", ..Self::of_emr_on_eks() }
    }

    pub fn of_steps() -> Self {
        Self {
            again: Again::Twin,
            kills: true,
            tags: false,
            reason: "ValueError: no orders",
            exception: "ValueError: no orders",
            unknown: "s-0000000000ZZZ",
            ..Self::of_emr_on_eks()
        }
    }

    /// A driver in YARN leaves its own log there, and tells the step no more than that it failed; and whether it hears makes
    /// no difference to YARN, which kills it.
    pub fn of_steps_in_cluster() -> Self {
        Self { kills: false, reason: "", exception: "", ..Self::of_steps() }
    }
}
