//! Moments: the present one, and how Step Functions reads and writes them.

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use sparkjob::job::Timestamp;

/// What this machine's clock shows.
pub fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::default() + since_1970
}

/// `2026-11-21T07:00:00.5Z`, as a [`Wait` state](https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html)
/// reads it.
pub fn text(moment: Timestamp) -> String {
    let nanoseconds = i128::from(moment.0) * 1_000_000;
    let written = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok().and_then(|at| at.format(&Rfc3339).ok());
    // No request waits until the year 10,000.
    written.unwrap_or_else(|| "9999-12-31T23:59:59Z".to_owned())
}

/// A moment in that form, none where it is not in that form or before 1970.
pub fn read(text: &str) -> Option<Timestamp> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_moment_is_written_as_the_workflow_reads_it() {
        assert_eq!(text(Timestamp(1_795_244_400_500)), "2026-11-21T07:00:00.5Z");
        assert_eq!(text(Timestamp(u64::MAX)), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for none in ["", "now", "2026-11-21", "1969-12-31T23:59:58Z"] {
            assert_eq!(read(none), None, "{none}");
        }
        assert_eq!(read("2026-11-21T08:00:00+01:00"), Some(Timestamp(1_795_244_400_000)));
    }

    proptest! {
        #[test]
        fn a_moment_is_read_as_it_is_written(milliseconds in 0_u64..4_000_000_000_000) {
            prop_assert_eq!(read(&text(Timestamp(milliseconds))), Some(Timestamp(milliseconds)));
        }
    }
}
