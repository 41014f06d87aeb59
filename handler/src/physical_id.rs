//! The id under which `CloudFormation` keeps a job.

use std::fmt;

use sparkjob::job::{Digest, RunRef};

/// A `PhysicalResourceId`: what a template's `Ref` gives, and all that a Delete needs to know.
///
/// Any text is one, and written back it is the same text: `CloudFormation` [takes another id for another resource].
/// Those of ours are never empty and never longer than the 1024 bytes that it allows.
///
/// [takes another id for another resource]: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhysicalId {
    /// A job.
    Run(RunRef),
    /// Surely nothing was made.
    Nothing,
    /// The request of this token may have made a job, or another try of it one under the second token.
    Unknown(Digest, Option<Digest>),
    /// None of ours: `CloudFormation` invents one where it cut a Create off.
    Foreign(String),
}

impl PhysicalId {
    /// The job, where it is one's.
    pub fn run(self) -> Option<RunRef> {
        if let Self::Run(run) = self { Some(run) } else { None }
    }
}

const NOTHING: &str = "spark-job:nothing";
const UNKNOWN: &str = "spark-job:unknown:";

impl From<&str> for PhysicalId {
    fn from(text: &str) -> Self {
        if text == NOTHING {
            Self::Nothing
        } else if let Some(unknown) = text.strip_prefix(UNKNOWN).and_then(unknown) {
            unknown
        } else {
            text.parse().map_or_else(|_| Self::Foreign(text.to_owned()), Self::Run)
        }
    }
}

/// One token, as earlier versions wrote it, or two.
fn unknown(tokens: &str) -> Option<PhysicalId> {
    let (token, dated) = tokens.split_once(':').map_or((tokens, None), |(token, dated)| (token, Some(dated)));
    let dated = dated.map(str::parse).transpose().ok()?;
    Some(PhysicalId::Unknown(token.parse().ok()?, dated))
}

impl fmt::Display for PhysicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(run) => run.fmt(f),
            Self::Nothing => f.write_str(NOTHING),
            Self::Unknown(token, None) => write!(f, "{UNKNOWN}{token}"),
            Self::Unknown(token, Some(dated)) => write!(f, "{UNKNOWN}{token}:{dated}"),
            Self::Foreign(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_kind_is_recognised() {
        let job = "livy+http://emr:8998/batches/17#pi-0123456789abcdef-01234567-89abcdef";
        let unknown = format!("spark-job:unknown:{}", "0f".repeat(32));
        assert!(matches!(PhysicalId::from(job), PhysicalId::Run(run) if run.id == "17"));
        assert_eq!(PhysicalId::from("spark-job:nothing"), PhysicalId::Nothing);
        assert!(matches!(PhysicalId::from(unknown.as_str()), PhysicalId::Unknown(_, None)));
        let both = format!("{unknown}:{}", "1e".repeat(32));
        assert!(matches!(PhysicalId::from(both.as_str()), PhysicalId::Unknown(one, Some(other)) if one != other));
    }

    #[test]
    fn what_only_looks_like_ours_is_foreign() {
        let short = format!("spark-job:unknown:{}", "0f".repeat(31));
        let upper = format!("spark-job:unknown:{}", "0F".repeat(32));
        let half = format!("spark-job:unknown:{}:", "0f".repeat(32));
        for text in [
            "",
            "spark-job:nothing ",
            "stack-Pi-1ABCDEFGHIJKL",
            "livy+http://emr:8998/batches/x",
            &short,
            &upper,
            &half,
        ] {
            assert_eq!(PhysicalId::from(text), PhysicalId::Foreign(text.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_id_and_stays_as_it_is(
            text in prop_oneof![any::<String>(), "(spark-job:|livy\\+http://)[a-z0-9:/#-]{0,80}|spark-job:unknown:[0-9a-f]{64}(:[0-9a-f]{63,65})?"],
        ) {
            prop_assert_eq!(PhysicalId::from(text.as_str()).to_string(), text);
        }
    }
}
