//! How `MiniStack` differs from AWS, as data: what AWS tells, with a link, and whether it is so.

/// What may be as AWS tells, or not. Each is looked at on every side, so that it is noticed when a difference goes away.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one of the differences")]
pub struct Ways {
    /// Only an execution that succeeded has an
    /// [output](https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html); else it tells what
    /// failed there.
    pub has_output_of_success_alone: bool,
    /// A path that leads nowhere fails the execution with
    /// [`States.Runtime`](https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html), which `States.ALL`
    /// does not catch; else it leads to nothing, and on it goes.
    pub fails_on_lost_paths: bool,
    /// A rule may compare two moments by
    /// [`TimestampGreaterThanEqualsPath`](https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html); else it is
    /// never true.
    pub compares_moments: bool,
    /// A state carries no more than
    /// [256 KiB](https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html): more fails the execution with
    /// [`States.DataLimitExceeded`](https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html), which
    /// `States.ALL` does not catch; else it carries whatever it is given.
    pub has_a_limit_of_data: bool,
    /// An execution ends with its
    /// [`TimeoutSeconds`](https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html); else it goes on.
    pub has_a_limit_of_time: bool,
    /// An execution that was stopped [stays so](https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html);
    /// else a task that fails afterwards, and is not caught, makes it one that failed.
    pub stays_stopped: bool,
    /// A stack that was never updated has no time of its
    /// [last update](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html); else that of its
    /// creation.
    pub dates_updates_alone: bool,
    /// A resource in progress is [told](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceDetail.html)
    /// with the time at which that began; else as it was before, or not at all.
    pub tells_progress: bool,
}

#[allow(dead_code, reason = "each side is one of them")]
impl Ways {
    /// As AWS tells: the models.
    pub const AWS: Self = Self {
        has_output_of_success_alone: true,
        fails_on_lost_paths: true,
        compares_moments: true,
        has_a_limit_of_data: true,
        has_a_limit_of_time: true,
        stays_stopped: true,
        dates_updates_alone: true,
        tells_progress: true,
    };

    /// `MiniStack` 1.5.33, with `local/adapter.py` around it: without that, it refuses to start a running execution once more.
    pub const MINISTACK: Self = Self {
        has_output_of_success_alone: false,
        fails_on_lost_paths: false,
        compares_moments: false,
        has_a_limit_of_data: false,
        has_a_limit_of_time: false,
        stays_stopped: false,
        dates_updates_alone: false,
        tells_progress: false,
    };
}
