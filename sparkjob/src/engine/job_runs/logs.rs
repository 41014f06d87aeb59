//! Where a person finds what a job run wrote. None of it is read.

use crate::engine::console::Console;
use crate::engine::{Links, Report};
use crate::job::RunRef;

/// The longest name of a place that is told: a key in S3 has 1024 bytes at most, a log group 512 characters.
const MAX_PLACE: usize = 1100;

/// Where a job run logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logs {
    folder: Option<String>,
    streams: Option<(String, String)>,
}

impl Logs {
    /// The places that a monitoring configuration names: below `folder` in S3, and in the streams of a log group that begin
    /// with something. One that cannot be a place is left out.
    pub fn new(folder: Option<String>, streams: Option<(String, String)>) -> Self {
        let is_place = |text: &str| !text.trim().is_empty() && text.len() <= MAX_PLACE;
        Self {
            folder: folder.filter(|folder| is_place(folder)),
            streams: streams.filter(|(group, prefix)| is_place(group) && is_place(prefix)),
        }
    }

    /// Where they are, as a sentence's end; `none` where that is nowhere.
    pub fn report(self, run: &RunRef, mut links: Links, none: &str) -> Report {
        let console = run.realm.as_ref().map(Console::from);
        let mut places = Vec::new();
        if let Some(folder) = self.folder {
            links.driver_log = console.map(|console| console.s3_folder(&folder)).unwrap_or_default();
            places.push(folder.clone());
            links.log_uri = folder;
        }
        if let Some((group, prefix)) = self.streams {
            if links.driver_log.is_empty() {
                links.driver_log = console.map(|console| console.log_streams(&group, &prefix)).unwrap_or_default();
            }
            places.push(format!("streams {prefix}... of the CloudWatch log group {group}"));
        }
        let full_log = if places.is_empty() { none.to_owned() } else { places.join(", and ") };
        Report { full_log, links, ..Report::default() }
    }
}

/// What there is to tell of a job run that its service does not know.
pub fn forgotten(engine: &str, links: Links) -> Report {
    let full_log = format!("wherever the job run was told to log: {engine} does not know it any more");
    Report { full_log, links, ..Report::default() }
}

/// The same of one whose service could not be asked.
pub fn unread(said: &str, links: Links) -> Report {
    let full_log = format!("wherever the job run was told to log (not read: {said})");
    Report { full_log, links, ..Report::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str = "https://eu-west-1.console.aws.amazon.com";

    fn told(folder: Option<&str>, streams: Option<(&str, &str)>) -> Report {
        let arn = "arn:aws:emr-containers:eu-west-1:123456789012:/virtualclusters/vc1/jobruns/1";
        let run = arn.parse().expect("a reference");
        let streams = streams.map(|(group, prefix)| (group.to_owned(), prefix.to_owned()));
        Logs::new(folder.map(str::to_owned), streams).report(&run, Links::default(), "nowhere")
    }

    #[test]
    fn a_folder_in_s3_is_told_and_linked() {
        let report = told(Some("s3://logs/vc1/"), None);
        assert_eq!((report.full_log.as_str(), report.links.log_uri.as_str()), ("s3://logs/vc1/", "s3://logs/vc1/"));
        assert_eq!(report.links.driver_log, format!("{CONSOLE}/s3/buckets/logs?region=eu-west-1&prefix=vc1%2F"));
    }

    #[test]
    fn a_log_group_is_told_and_linked() {
        let report = told(None, Some(("/emr", "pi/")));
        assert_eq!(report.full_log, "streams pi/... of the CloudWatch log group /emr");
        assert_eq!(report.links.log_uri, "");
        assert!(report.links.driver_log.starts_with(&format!("{CONSOLE}/cloudwatch/home")), "{report:?}");
    }

    #[test]
    fn both_are_told_and_the_folder_is_linked() {
        let report = told(Some("s3://logs/vc1/"), Some(("/emr", "pi/")));
        assert_eq!(report.full_log, "s3://logs/vc1/, and streams pi/... of the CloudWatch log group /emr");
        assert!(report.links.driver_log.contains("/s3/buckets/logs"), "{report:?}");
    }

    #[test]
    fn what_cannot_be_a_place_is_none() {
        let long = "x".repeat(MAX_PLACE + 1);
        for (folder, streams) in
            [(None, None), (Some(""), Some((" ", "a"))), (Some(long.as_str()), Some(("a", &*long)))]
        {
            let report = told(folder, streams);
            assert_eq!((report.full_log.as_str(), report.links), ("nowhere", Links::default()));
        }
    }
}
