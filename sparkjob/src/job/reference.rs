//! A reference to one run, as text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Place;

/// One run on one engine.
///
/// Its text is what a front door keeps of the job, so it holds all that is needed to find and stop it. Written and read
/// back, it is the same:
/// - Livy: `livy+http://host:8998/batches/17#name`, `livy+cluster://j-1ABC/batches/17#name`;
/// - EMR on EKS and EMR Serverless: the job run's ARN;
/// - EMR steps: `emr-steps://j-1ABC/steps/s-2DEF#name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RunRef {
    /// Where it runs.
    pub place: Place,
    /// The engine's own id for it.
    pub id: String,
    /// Where the engine is, where runs have ARNs.
    pub realm: Option<Realm>,
    /// The name under which the engine knows it, where a name is needed to be sure that the id still means the same run.
    pub name: Option<String>,
}

/// What an [ARN](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html) says besides the resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Realm {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// The region.
    pub region: String,
    /// The account's twelve digits.
    pub account: String,
}

impl RunRef {
    /// The run's ARN, where AWS has one.
    pub fn arn(&self) -> Option<String> {
        self.realm.is_some().then(|| self.to_string())
    }

    /// Whether both mean one run, even where only one of them holds its name.
    pub fn is_same(&self, other: &Self) -> bool {
        let names_differ = matches!((&self.name, &other.name), (Some(one), Some(other)) if one != other);
        self.place == other.place && self.id == other.id && !names_differ
    }
}

impl fmt::Display for RunRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, id, realm, name } = self;
        match place {
            Place::Livy(url) => write!(f, "livy+{}", url.join(&format!("/batches/{id}")))?,
            Place::LivyOnCluster(cluster) => write!(f, "livy+cluster://{cluster}/batches/{id}")?,
            Place::EmrOnEks(cluster) => {
                write_arn(f, "emr-containers", realm.as_ref(), &["virtualclusters", cluster, "jobruns", id])?;
            }
            Place::EmrServerless(application) => {
                write_arn(f, "emr-serverless", realm.as_ref(), &["applications", application, "jobruns", id])?;
            }
            Place::EmrSteps(cluster) => write!(f, "emr-steps://{cluster}/steps/{id}")?,
        }
        name.as_ref().map_or(Ok(()), |name| write!(f, "#{name}"))
    }
}

fn write_arn(f: &mut fmt::Formatter<'_>, service: &str, realm: Option<&Realm>, resource: &[&str]) -> fmt::Result {
    let (partition, region, account) =
        realm.map_or(("aws", "", ""), |realm| (&*realm.partition, &*realm.region, &*realm.account));
    write!(f, "arn:{partition}:{service}:{region}:{account}:/{}", resource.join("/"))
}

impl FromStr for RunRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let run = if text.starts_with("arn:") { from_arn(text) } else { from_uri(text) };
        // Only our own spelling: an id that reads otherwise was written by someone else.
        run.filter(|run| run.to_string() == text).ok_or_else(|| "not a reference to a Spark job of ours".to_owned())
    }
}

fn from_uri(text: &str) -> Option<RunRef> {
    let (address, name) = text.split_once('#').map_or((text, None), |(address, name)| (address, Some(name)));
    let is_name = |name: &str| {
        (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    if !name.is_none_or(is_name) {
        return None;
    }
    let (place, id) = if let Some(address) = address.strip_prefix("emr-steps://") {
        let (cluster, id) = address.split_once("/steps/")?;
        (is_emr_id(cluster, "j-") && is_emr_id(id, "s-")).then(|| (Place::EmrSteps(cluster.to_owned()), id))?
    } else {
        let (server, id) = address.strip_prefix("livy+")?.rsplit_once("/batches/")?;
        let is_id = !id.is_empty() && id.len() <= 19 && id.bytes().all(|b| b.is_ascii_digit());
        let place = match server.strip_prefix("cluster://") {
            Some(cluster) => is_emr_id(cluster, "j-").then(|| Place::LivyOnCluster(cluster.to_owned()))?,
            None => Place::Livy(server.parse().ok()?),
        };
        is_id.then_some((place, id))?
    };
    Some(RunRef { place, id: id.to_owned(), realm: None, name: name.map(str::to_owned) })
}

fn from_arn(text: &str) -> Option<RunRef> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, path] = parts.as_slice() else { return None };
    let path: Vec<&str> = path.split('/').collect();
    let (place, id) = match (*service, path.as_slice()) {
        ("emr-containers", ["", "virtualclusters", cluster, "jobruns", id]) => {
            (Place::EmrOnEks((*cluster).to_owned()), *id)
        }
        ("emr-serverless", ["", "applications", application, "jobruns", id]) => {
            (Place::EmrServerless((*application).to_owned()), *id)
        }
        _ => return None,
    };
    let is_plain = |part: &&str| {
        (1..=64).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let is_sound = [partition, region, account, &path[2], &id].into_iter().all(is_plain);
    let [partition, region, account] = [partition, region, account].map(|part| (*part).to_owned());
    is_sound.then(|| RunRef { place, id: id.to_owned(), realm: Some(Realm { partition, region, account }), name: None })
}

/// Whether `text` is an id of EMR's: `j-` or `s-`, then capital letters and digits.
fn is_emr_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        (1..=30).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

impl From<RunRef> for String {
    fn from(run: RunRef) -> Self {
        run.to_string()
    }
}

impl TryFrom<String> for RunRef {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_reference_is_written_and_read() {
        for text in [
            "livy+http://emr:8998/batches/17",
            "livy+http://emr:8998/batches/0#pi-0123456789abcdef-01234567-89abcdef",
            "livy+https://gate/livy/batches/9223372036854775807#job_1",
            "livy+http://emr/batches/3/batches/4#a",
            "livy+http://[::1]:8998/batches/1",
            "livy+cluster://j-1ABCDEFGHIJKL/batches/17#pi",
            "emr-steps://j-1ABCDEFGHIJKL/steps/s-2ABCDEFGHIJKL#pi-0123456789abcdef-01234567-89abcdef",
            "arn:aws:emr-containers:us-east-1:123456789012:/virtualclusters/abc0123456789/jobruns/0000000abcdef",
            "arn:aws-cn:emr-serverless:cn-north-1:123456789012:/applications/00f1abc/jobruns/00f2def",
        ] {
            assert_eq!(text.parse::<RunRef>().map(|run| run.to_string()), Ok(text.to_owned()));
        }
        let run: RunRef = "livy+http://emr:8998/batches/17#pi".parse().expect("a reference");
        let place = Place::Livy("http://emr:8998".parse().expect("an address"));
        assert_eq!(run, RunRef { place, id: "17".to_owned(), realm: None, name: Some("pi".to_owned()) });
        assert_eq!(serde_json::to_string(&run).expect("text"), "\"livy+http://emr:8998/batches/17#pi\"");
    }

    #[test]
    fn foreign_text_is_refused() {
        for text in [
            "",
            "2024/01/01/[$LATEST]0123456789abcdef",
            "MyStack-Pi-1ABCDEFGHIJKL",
            "arn:aws:emr-containers:us-east-1:123456789012:/virtualclusters/a/jobruns/b#name",
            "arn:aws:emr-containers:us-east-1:123456789012:/virtualclusters/a/jobruns/",
            "arn:aws:emr-containers:us-east-1:123456789012:/virtualclusters/a/jobruns/b/c",
            "arn:aws:emr-containers:us-east-1:123456789012:/applications/a/jobruns/b",
            "arn:aws:emr-serverless:us-east-1::/applications/a/jobruns/b",
            "arn:aws:lambda:us-east-1:123456789012:function:f",
            "emr-steps://j-1ABC/steps/17",
            "emr-steps://j-1abc/steps/s-1",
            "emr-steps://j-1ABC/steps/s-1#",
            "livy+cluster://j-1ABC:8998/batches/1",
            "livy+cluster://emr/batches/1",
            "http://emr:8998/batches/17",
            "livy+emr:8998/batches/17",
            "livy+http://emr:8998/batches/",
            "livy+http://emr:8998/batches/-1",
            "livy+http://emr:8998/batches/1a",
            "livy+http://emr:8998/batches/12345678901234567890",
            "livy+http://emr:8998/sessions/17",
            "livy+http://emr:8998/batches/17#",
            "livy+http://emr:8998/batches/17#a b",
            "livy+http://emr:8998/batches/17#a#b",
            "livy+http://emr:8998/batches/17#\u{e9}",
            "livy+HTTP://emr:8998/batches/17",
            "livy+http://EMR:8998/batches/17",
            "livy+http://emr:80/batches/17",
            "livy+http://emr:8998//batches/17",
            "livy+http://me:pw@emr:8998/batches/17",
            " livy+http://emr:8998/batches/17",
            "livy+http://emr:8998/batches/17\n",
        ] {
            assert!(text.parse::<RunRef>().is_err(), "{text}");
        }
        assert!(format!("livy+http://emr/batches/1#{}", "n".repeat(65)).parse::<RunRef>().is_err());
    }

    proptest! {
        #[test]
        fn every_reference_survives_its_text(
            host in "[a-z][a-z0-9-]{0,20}[a-z0-9]",
            port in 1_u16..,
            path in "(/[a-z]{1,8}){0,3}",
            id in "[0-9]{1,19}",
            name in proptest::option::of("[A-Za-z0-9_-]{1,64}"),
        ) {
            // A host like `xn--a` is read as an international one and may be none.
            let url = format!("http://{host}:{port}{path}").parse();
            prop_assume!(url.is_ok());
            let run = RunRef { place: Place::Livy(url.expect("just looked at")), id, realm: None, name };
            prop_assert_eq!(run.to_string().parse(), Ok(run.clone()));
            prop_assert!(run.to_string().len() <= 1024, "a physical resource id has 1024 bytes at most");
        }

        #[test]
        fn what_is_read_is_written_just_so(text in "livy\\+https?://[a-zA-Z0-9:/.#%-]{0,20}/batches/[0-9a]{0,3}(#\\PC{0,4})?|\\PC{0,30}") {
            if let Ok(run) = text.parse::<RunRef>() {
                prop_assert_eq!(run.to_string(), text);
            }
        }
    }
}
