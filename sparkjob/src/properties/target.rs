//! Where a job runs: exactly one target, and what only some engines can do.

use serde_json::Value;

use super::fault::Fault;
use super::reader::{Read, Reader};
use super::scalar::{MAX_COUNT, whole};
use crate::job::{DEFAULT_LIVY_PORT, LivyUrl, Place};

/// Properties of which exactly one says where the job runs.
const TARGETS: [&str; 2] = ["LivyHost", "LivyUrl"];

/// The same, of engines that are documented but not done yet.
const LATER_TARGETS: [&str; 4] = ["LivyClusterId", "VirtualClusterId", "ApplicationId", "ClusterId"];

/// Descriptions of what runs in those engines' own words, in place of `Parameters`.
const LATER_NATIVE: [&str; 3] = ["JobDriver", "JobTemplateId", "HadoopJarStep"];

/// What else belongs to those engines.
const LATER: [&str; 10] = [
    "LivySecretArn",
    "ExecutionRoleArn",
    "ReleaseLabel",
    "JobTemplateParameters",
    "ConfigurationOverrides",
    "RetryPolicyConfiguration",
    "RetryPolicy",
    "ActionOnFailure",
    "DeployMode",
    "Tags",
];

/// Reads the target; none where there is not exactly one that can be read.
pub(super) fn take(reader: &mut Reader) -> Option<Place> {
    let ours = TARGETS.into_iter().filter(|name| reader.has(name)).collect::<Vec<_>>();
    let later = LATER_TARGETS.into_iter().filter(|name| reader.refuse(name)).collect::<Vec<_>>();
    let given = [ours.as_slice(), &later].concat();
    let allowed = "give exactly one of LivyHost (with LivyPort, if not 8998) and LivyUrl";
    match given.as_slice() {
        [] => reader.fault(Fault::new(format!("no target: {allowed}"))),
        [_] => {}
        several => reader.fault(Fault::new(format!("more than one target ({}): {allowed}", several.join(", ")))),
    }
    let by_host = take_host(reader);
    let by_url = reader.take("LivyUrl", |value| address(value, str::parse));
    let limit = reader.take("TimeoutMinutes", whole(0, MAX_COUNT));
    // 0 is no limit, which Livy can do.
    if later.is_empty() && limit.is_some_and(|minutes| minutes > 0) {
        reader.fault(Fault::new("not possible on Livy, which knows no time limit").under("TimeoutMinutes"));
    }
    if given.len() == 1 { by_host.or(by_url).map(Place::Livy) } else { None }
}

/// Refuses native descriptions; tells whether there is one.
pub(super) fn refuse_native(reader: &mut Reader) -> bool {
    LATER_NATIVE.map(|name| reader.refuse(name)).contains(&true)
}

/// Refuses what else only other engines can do.
pub(super) fn refuse_extras(reader: &mut Reader) {
    for name in LATER {
        reader.refuse(name);
    }
}

fn take_host(reader: &mut Reader) -> Option<LivyUrl> {
    if reader.has("LivyPort") && !reader.has("LivyHost") {
        let advice = if reader.has("LivyUrl") { "; put the port into LivyUrl" } else { "" };
        reader.fault(Fault::new(format!("goes with LivyHost only{advice}")).under("LivyPort"));
    }
    let has_port = reader.has("LivyPort");
    let port = reader.take("LivyPort", |value| {
        let port = whole(1, u16::MAX.into())(value)?;
        Ok(u16::try_from(port).unwrap_or(u16::MAX))
    });
    // A faulty port makes no address, but the host is still looked at.
    let url = reader
        .take("LivyHost", |value| address(value, |host| LivyUrl::from_host(host, port.unwrap_or(DEFAULT_LIVY_PORT))));
    url.filter(|_| port.is_some() || !has_port)
}

fn address(value: &Value, parse: impl Fn(&str) -> Result<LivyUrl, String>) -> Read<LivyUrl> {
    let text = value.as_str().ok_or_else(|| vec![Fault::wrong("must be a string", value)])?;
    parse(text).map_err(|problem| {
        // Before an at sign may stand a password, after a question mark a token.
        let is_public = !text.contains(['@', '?']);
        vec![if is_public { Fault::wrong(problem, value) } else { Fault::new(problem) }]
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> (Option<String>, Vec<String>) {
        let mut reader = Reader::over_any(value);
        let place = take(&mut reader);
        refuse_extras(&mut reader);
        let faults = reader.finish(|_| None).iter().map(Fault::to_string).collect();
        (place.map(|place| place.to_string().replace("Livy at ", "")), faults)
    }

    #[test]
    fn one_target_is_read() {
        for (given, url) in [
            (json!({"LivyHost": "emr"}), "http://emr:8998"),
            (json!({"LivyHost": "EMR", "LivyPort": ""}), "http://emr:8998"),
            (json!({"LivyHost": "emr", "LivyPort": "8999", "LivyUrl": "", "ClusterId": null}), "http://emr:8999"),
            (json!({"LivyHost": "10.0.0.7", "LivyPort": 1}), "http://10.0.0.7:1"),
            (json!({"LivyHost": "fe80::1", "LivyPort": 65535.0}), "http://[fe80::1]:65535"),
            (json!({"LivyUrl": "https://Gate:443/livy/"}), "https://gate/livy"),
            (json!({"LivyHost": "emr", "TimeoutMinutes": "0", "Tags": {}}), "http://emr:8998"),
        ] {
            assert_eq!(read(&given), (Some(url.to_owned()), vec![]), "{given}");
        }
    }

    #[test]
    fn no_target_and_several_are_faults_that_list_what_is_allowed() {
        let allowed = "give exactly one of LivyHost (with LivyPort, if not 8998) and LivyUrl";
        for (given, faults) in [
            (json!({}), vec![format!("no target: {allowed}")]),
            (json!({"LivyHost": "", "LivyUrl": null, "ClusterId": {}}), vec![format!("no target: {allowed}")]),
            (
                json!({"LivyHost": "a", "LivyUrl": "http://a"}),
                vec![format!("more than one target (LivyHost, LivyUrl): {allowed}")],
            ),
            (
                json!({"LivyPort": 1}),
                vec![format!("no target: {allowed}"), "LivyPort: goes with LivyHost only".to_owned()],
            ),
            (
                json!({"LivyHost": "a", "VirtualClusterId": "b"}),
                vec![
                    "VirtualClusterId: not supported yet".to_owned(),
                    format!("more than one target (LivyHost, VirtualClusterId): {allowed}"),
                ],
            ),
        ] {
            assert_eq!(read(&given), (None, faults), "{given}");
        }
    }

    #[test]
    fn every_fault_of_a_target_is_told() {
        let host = "must be a host name or an IP address, without scheme, port or path";
        let url = "must be http[s]://host[:port][/path]";
        for (given, faults) in [
            (
                json!({"LivyHost": "http://a", "LivyPort": 99999}),
                vec![
                    "LivyPort: must be a whole number from 1 to 65535, got 99999".to_owned(),
                    format!("LivyHost: {host}, got \"http://a\""),
                ],
            ),
            (
                json!({"LivyHost": "a", "LivyPort": 0}),
                vec!["LivyPort: must be a whole number from 1 to 65535, got 0".to_owned()],
            ),
            (json!({"LivyHost": "me:pw@a\n"}), vec![format!("LivyHost: {host}")]),
            (json!({"LivyHost": ["a"]}), vec!["LivyHost: must be a string, got a list".to_owned()]),
            (json!({"LivyUrl": "ftp://a"}), vec![format!("LivyUrl: {url}, got \"ftp://a\"")]),
            (
                json!({"LivyUrl": "http://me:pw@a"}),
                vec![format!("LivyUrl: {url}, without user and password: a template is no place for them")],
            ),
            (
                json!({"VirtualClusterId": "v", "ExecutionRoleArn": "r", "Tags": {"a": "b"}, "TimeoutMinutes": 5}),
                vec![
                    "VirtualClusterId: not supported yet".to_owned(),
                    "ExecutionRoleArn: not supported yet".to_owned(),
                    "Tags: not supported yet".to_owned(),
                ],
            ),
        ] {
            assert_eq!(read(&given), (None, faults), "{given}");
        }
        for (given, fault) in [
            (
                json!({"LivyUrl": "http://a", "LivyPort": 1}),
                "LivyPort: goes with LivyHost only; put the port into LivyUrl",
            ),
            (
                json!({"LivyUrl": "http://a", "TimeoutMinutes": "60"}),
                "TimeoutMinutes: not possible on Livy, which knows no time limit",
            ),
            (
                json!({"LivyUrl": "http://a", "TimeoutMinutes": "1h"}),
                "TimeoutMinutes: must be a whole number >= 0, got \"1h\"",
            ),
        ] {
            assert_eq!(read(&given), (Some("http://a".to_owned()), vec![fault.to_owned()]), "{given}");
        }
    }
}
