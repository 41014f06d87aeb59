//! How `MiniStack` differs from AWS, as data: what AWS tells, with a link, and whether it is so.

/// What may be as AWS tells, or not. Each is looked at on every side, so that it is noticed when a difference goes away.
#[derive(Clone, Copy, Debug)]
pub struct Ways {
    /// Only an execution that succeeded has an
    /// [output](https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html); else it tells what
    /// failed there.
    pub has_output_of_success_alone: bool,
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
    pub const AWS: Self = Self { has_output_of_success_alone: true, dates_updates_alone: true, tells_progress: true };

    /// `MiniStack` 1.5.33, with `local/adapter.py` around it: without that, it refuses to start a running execution once more.
    pub const MINISTACK: Self =
        Self { has_output_of_success_alone: false, dates_updates_alone: false, tells_progress: false };
}
