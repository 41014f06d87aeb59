//! Where a job runs: exactly one target.

use serde_json::Value;

use super::fault::Fault;
use super::native::{self, Api};
use super::reader::{Read, Reader};
use super::scalar::{cluster_id, whole};
use crate::job::{DEFAULT_LIVY_PORT, LivyUrl, Place};

/// What runs jobs, as far as a description can name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Livy,
    EmrOnEks,
    EmrServerless,
    EmrSteps,
}

impl Engine {
    /// The API that takes what is said in its own words; Livy has none.
    pub fn api(self) -> Option<Api> {
        match self {
            Self::Livy => None,
            Self::EmrOnEks => Some(Api::EmrContainers),
            Self::EmrServerless => Some(Api::EmrServerless),
            Self::EmrSteps => Some(Api::Emr),
        }
    }

    /// Its name, for sentences.
    pub fn word(self) -> &'static str {
        match self {
            Self::Livy => "Livy",
            Self::EmrOnEks => "EMR on EKS",
            Self::EmrServerless => "EMR Serverless",
            Self::EmrSteps => "EMR steps",
        }
    }
}

/// Properties of which exactly one says where the job runs, and the engine that it names.
const TARGETS: [(&str, Engine); 6] = [
    ("LivyHost", Engine::Livy),
    ("LivyUrl", Engine::Livy),
    ("LivyClusterId", Engine::Livy),
    ("VirtualClusterId", Engine::EmrOnEks),
    ("ApplicationId", Engine::EmrServerless),
    ("ClusterId", Engine::EmrSteps),
];

/// What is read of a target.
pub(super) struct Target {
    /// The engine, where exactly one target is given.
    pub engine: Option<Engine>,
    /// The place, where that target can be read.
    pub place: Option<Place>,
}

/// Reads the target.
pub(super) fn take(reader: &mut Reader) -> Target {
    let given: Vec<(&str, Engine)> = TARGETS.into_iter().filter(|(name, _)| reader.has(name)).collect();
    let allowed = "give exactly one of LivyHost (with LivyPort, if not 8998), LivyUrl, LivyClusterId, VirtualClusterId, \
                   ApplicationId and ClusterId";
    match given.as_slice() {
        [] => reader.fault(Fault::new(format!("no target: {allowed}"))),
        [_] => {}
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| *name).collect();
            reader.fault(Fault::new(format!("more than one target ({}): {allowed}", names.join(", "))));
        }
    }
    let places = [
        take_host(reader).map(Place::Livy),
        reader.take("LivyUrl", |value| address(value, str::parse)).map(Place::Livy),
        reader.take("LivyClusterId", cluster_id).map(Place::LivyOnCluster),
        take_id(reader, "VirtualClusterId", Api::EmrContainers).map(Place::EmrOnEks),
        take_id(reader, "ApplicationId", Api::EmrServerless).map(Place::EmrServerless),
        reader.take("ClusterId", cluster_id).map(Place::EmrSteps),
    ];
    match given.as_slice() {
        [(_, engine)] => Target { engine: Some(*engine), place: places.into_iter().flatten().next() },
        _ => Target { engine: None, place: None },
    }
}

/// Reads an id as the engine's API has it.
fn take_id(reader: &mut Reader, name: &'static str, api: Api) -> Option<String> {
    let id = reader.take(name, native::read(api, name)).flatten();
    id.and_then(|id| id.as_str().map(str::to_owned))
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
        let Target { engine, place } = take(&mut reader);
        assert!(place.is_none() || engine.is_some());
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
            (json!({"LivyClusterId": "j-1ABC"}), "Livy on cluster j-1ABC"),
            (json!({"VirtualClusterId": "0abc"}), "EMR on EKS, virtual cluster 0abc"),
            (json!({"ApplicationId": "00f1", "VirtualClusterId": ""}), "EMR Serverless, application 00f1"),
            (json!({"ClusterId": "j-1ABC"}), "EMR, cluster j-1ABC"),
        ] {
            assert_eq!(read(&given), (Some(url.to_owned()), vec![]), "{given}");
        }
    }

    #[test]
    fn no_target_and_several_are_faults_that_list_what_is_allowed() {
        let allowed = "give exactly one of LivyHost (with LivyPort, if not 8998), LivyUrl, LivyClusterId, VirtualClusterId, \
                       ApplicationId and ClusterId";
        for (given, faults) in [
            (json!({}), vec![format!("no target: {allowed}")]),
            (json!({"LivyHost": "", "LivyUrl": null, "ClusterId": ""}), vec![format!("no target: {allowed}")]),
            (
                json!({"LivyHost": "a", "LivyUrl": "http://a"}),
                vec![format!("more than one target (LivyHost, LivyUrl): {allowed}")],
            ),
            (
                json!({"LivyPort": 1}),
                vec![format!("no target: {allowed}"), "LivyPort: goes with LivyHost only".to_owned()],
            ),
            (
                json!({"LivyHost": "a", "VirtualClusterId": "B"}),
                vec![
                    format!("more than one target (LivyHost, VirtualClusterId): {allowed}"),
                    "VirtualClusterId: must be digits and lower-case letters, got \"B\"".to_owned(),
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
                json!({"ApplicationId": "00F1"}),
                vec!["ApplicationId: must be digits and lower-case letters, got \"00F1\"".to_owned()],
            ),
            (
                json!({"ClusterId": "s-1ABC"}),
                vec!["ClusterId: must be a cluster's id, such as j-1ABCDEFGHIJKL, got \"s-1ABC\"".to_owned()],
            ),
            (
                json!({"LivyClusterId": "j-1abc"}),
                vec!["LivyClusterId: must be a cluster's id, such as j-1ABCDEFGHIJKL, got \"j-1abc\"".to_owned()],
            ),
        ] {
            assert_eq!(read(&given), (None, faults), "{given}");
        }
        assert_eq!(
            read(&json!({"LivyUrl": "http://a", "LivyPort": 1})),
            (
                Some("http://a".to_owned()),
                vec!["LivyPort: goes with LivyHost only; put the port into LivyUrl".to_owned()]
            )
        );
    }
}
