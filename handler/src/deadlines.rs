//! How long anybody waits for an answer.

use std::time::Duration;

use serde_json::Value;

use sparkjob::engine::SUBMISSION_LIMIT;
use sparkjob::job::Timestamp;
use sparkjob::lifecycle::Deadlines;
use sparkjob::properties::Limit;

use crate::envelope::{Action, Envelope};
use crate::event::Event;

/// What `CloudFormation` waits at most, and where a template says nothing, in seconds: [`ServiceTimeout`].
///
/// [`ServiceTimeout`]: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
const LONGEST_WAIT: u64 = 3600;

/// How long it is tried to put an answer, or for half of the time that there is.
const PUT_WITHIN: Duration = Duration::from_secs(30);

/// Putting an answer should have as long, or half of what is left until nobody waits.
pub const TO_PUT: Duration = Duration::from_secs(3);

/// What is left of an invocation that is to fail by itself, not by Lambda's time-out.
pub const TO_FAIL: Duration = Duration::from_secs(2);

/// What an invocation may take where nothing tells.
const UNKNOWN_LIMIT: Duration = Duration::from_mins(1);

/// Until when an invocation lasts at `now` that Lambda is said to end then.
pub fn ends(lambda_ends: Timestamp, now: Timestamp) -> Timestamp {
    if lambda_ends > now { lambda_ends } else { now + UNKNOWN_LIMIT }
}

/// The times of a request, as far as its delivery tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Until when.
    pub deadlines: Deadlines,
}

impl Times {
    /// The times of a request that was delivered at `now` to a function that Lambda stops at `lambda_ends`: until
    /// `CloudFormation` or Lambda gives up, whichever is the earlier.
    pub fn of(envelope: &Envelope, event: &Event, now: Timestamp, lambda_ends: Timestamp) -> Self {
        // A moment of signing that lies ahead is a clock that is wrong: ours is the one that counts.
        let begin = envelope.response_url.signed().filter(|signed| *signed <= now).unwrap_or(now);
        let end = begin + service_timeout(event);
        // No deadline of Lambda's lies behind us; one that does comes from an emulator that sets none.
        let deadlines = if now < lambda_ends && lambda_ends < end {
            Deadlines::between(now, lambda_ends)
        } else {
            Deadlines::between(begin, end)
        };
        Self { deadlines: deadlines.asked_at(begin) }
    }

    /// The times of a request that the workflow works on, whose execution began at `began`: until `CloudFormation` gives up.
    pub fn durable(envelope: &Envelope, event: &Event, began: Timestamp) -> Self {
        let never = Timestamp::default();
        Self::of(envelope, event, began, never)
    }

    /// Until when it is tried to put an answer at `now`, in an invocation that lasts until `lambda_ends`: then somebody else does,
    /// who needs time as well.
    pub fn put_by(&self, now: Timestamp, lambda_ends: Timestamp) -> Timestamp {
        let Deadlines { over, end, .. } = self.deadlines;
        let within = PUT_WITHIN.min(over.since(now) / 2).max(TO_PUT.min(end.since(now) / 2));
        (now + within).min(lambda_ends.before(TO_FAIL))
    }

    /// When a request that fails at `now` is to be told so, which may have submitted something at `lost` that takes effect late: an
    /// Update once that has had its time, or half of what is left. What it submits after its rollback has looked for it is nobody's,
    /// whereas the Delete of a Create that failed looks for as long itself.
    pub fn once_arrived(&self, envelope: &Envelope, lost: Timestamp, now: Timestamp) -> Timestamp {
        let takes = if envelope.action == Action::Update { SUBMISSION_LIMIT } else { Duration::ZERO };
        (lost + takes).min(self.half_way(now))
    }

    /// Half of what is left at `now` until nobody waits for the answer.
    pub fn half_way(&self, now: Timestamp) -> Timestamp {
        now + self.deadlines.end.since(now) / 2
    }
}

/// What the first delivery of a request with `service_timeout` has for its job where the workflow works on it. A later one has
/// less, and so has one invocation by itself, and both are held to the same: what was taken once is not refused when it comes
/// again.
pub fn limit(service_timeout: Duration) -> Limit {
    let Deadlines { begin, give_up, .. } = Deadlines::between(Timestamp(0), Timestamp(0) + service_timeout);
    Limit { wait: give_up.since(begin), why: format!("ServiceTimeout is {} s", service_timeout.as_secs()) }
}

/// How long `CloudFormation` waits for the answer to `event`. It was seen at the event's top level and among the
/// properties.
pub fn service_timeout(event: &Event) -> Duration {
    timeout([event.field("ServiceTimeout"), &event.field("ResourceProperties")["ServiceTimeout"]])
}

/// How long it waited for the answer to an event with these properties.
pub fn old_service_timeout(event: &Event) -> Duration {
    timeout([&event.field("OldResourceProperties")["ServiceTimeout"]])
}

fn timeout<const N: usize>(places: [&Value; N]) -> Duration {
    Duration::from_secs(places.into_iter().find_map(seconds).unwrap_or(LONGEST_WAIT))
}

/// A number, which `CloudFormation` writes as text; none where it is nothing that `CloudFormation` would take.
fn seconds(value: &Value) -> Option<u64> {
    let seconds = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    (1..=LONGEST_WAIT).contains(&seconds).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use serde_json::json;

    /// 2026-11-21T07:00:00Z, at which the samples are signed.
    const SIGNED: Timestamp = Timestamp(1_795_244_400_000);

    fn after(seconds: u64) -> Timestamp {
        SIGNED + Duration::from_secs(seconds)
    }

    fn times(changes: Value, now: Timestamp, lambda_ends: Timestamp) -> Times {
        let event = sample::event("Create", changes);
        Times::of(&sample::envelope(&event), &event, now, lambda_ends)
    }

    /// Begin and end, in seconds since the signing, of a request that comes at `now` and may run until `lambda_ends`.
    fn span(changes: Value, now: Timestamp, lambda_ends: Timestamp) -> (u64, u64) {
        let Deadlines { begin, end, .. } = times(changes, now, lambda_ends).deadlines;
        (begin.since(SIGNED).as_secs(), end.since(SIGNED).as_secs())
    }

    #[test]
    fn cloudformation_waits_from_the_moment_of_signing() {
        assert_eq!(span(json!({"ServiceTimeout": "300"}), after(10), after(910)), (0, 300));
        assert_eq!(span(json!({"ServiceTimeout": 300}), after(10), after(910)), (0, 300));
    }

    #[test]
    fn its_limit_is_also_read_from_the_properties() {
        let changes = json!({"ResourceProperties": {"ServiceTimeout": "120"}});
        assert_eq!(span(changes, after(10), after(910)), (0, 120));
    }

    #[test]
    fn lambda_may_end_before_cloudformation_gives_up() {
        assert_eq!(span(json!({}), after(10), after(910)), (10, 910));
    }

    #[test]
    fn a_late_delivery_has_what_cloudformation_leaves() {
        assert_eq!(span(json!({}), after(3000), after(3900)), (0, 3600));
    }

    #[test]
    fn without_a_sensible_moment_of_signing_the_time_runs_from_the_delivery() {
        let unsigned = json!({"ResponseURL": "https://host/", "ServiceTimeout": "60"});
        assert_eq!(span(unsigned, after(10), after(910)), (10, 70));
        let ahead = json!({"ResponseURL": "https://host/?X-Amz-Date=20991121T070000Z", "ServiceTimeout": "60"});
        assert_eq!(span(ahead, after(10), after(910)), (10, 70));
    }

    #[test]
    fn a_senseless_limit_counts_as_the_default() {
        for senseless in [json!("0"), json!("3601"), json!("soon"), json!(-1), json!([]), json!("")] {
            assert_eq!(span(json!({"ServiceTimeout": senseless}), after(10), after(4000)), (0, 3600));
        }
    }

    #[test]
    fn a_deadline_of_lambda_that_is_past_is_none() {
        assert_eq!(span(json!({}), after(10), Timestamp(0)), (0, 3600));
    }

    #[test]
    fn a_job_has_the_time_until_it_is_given_up_and_why_is_told() {
        let limit = |timeout| {
            let Limit { wait, why } = limit(Duration::from_secs(timeout));
            (wait.as_secs(), why)
        };
        assert_eq!(limit(300), (225, "ServiceTimeout is 300 s".to_owned()));
        assert_eq!(limit(3600), (3480, "ServiceTimeout is 3600 s".to_owned()));
    }

    #[test]
    fn an_answer_is_put_for_half_of_what_is_left_and_the_rest_is_for_whoever_puts_it_then() {
        let put_by = |timeout: u64, at: Timestamp, lambda_ends| {
            let times = times(json!({ "ServiceTimeout": timeout }), after(0), Timestamp(0));
            times.put_by(at, lambda_ends).since(SIGNED).as_millis()
        };
        let never = after(9000);
        assert_eq!(put_by(3600, after(100), never), 130_000);
        assert_eq!(put_by(3600, after(3570), never), 3_582_500);
        // When it is nearly over, half of the little until the end, and no more than a try needs.
        assert_eq!(put_by(3600, after(3592), never), 3_595_000);
        assert_eq!(put_by(20, after(18), never), 19_000);
        assert_eq!(put_by(20, after(21), never), 21_000);
        assert_eq!(put_by(3600, after(100), after(115)), 113_000);
    }
}
