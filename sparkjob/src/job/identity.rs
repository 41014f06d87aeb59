//! How a request finds its job again: hashes, and the name that carries them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Job;

/// A SHA-256, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of a list of texts; no two different lists are written alike before they are hashed.
    pub fn of(texts: &[&str]) -> Self {
        Self::of_json(&texts)
    }

    fn of_json(value: &impl Serialize) -> Self {
        let text = serde_json::to_vec(value).expect("plain data with text keys always serialises");
        Self(Sha256::digest(text).into())
    }

    /// The first `digits` hexadecimal digits.
    pub fn short(&self, digits: usize) -> String {
        let mut text = self.to_string();
        text.truncate(digits);
        text
    }

    /// One of its bytes, counted round and round: what seems random and is the same every time.
    pub fn byte(&self, index: usize) -> u8 {
        self.0[index % self.0.len()]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || format!("a digest is 64 lower-case hexadecimal digits, got {} bytes", text.len());
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(fault());
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| fault())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| fault())?;
        }
        Ok(Self(bytes))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Who a run belongs to, what it runs, and which request asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The resource or task. A look-up by it decides what is stopped, so its name carries 64 bits of it.
    pub owner: Digest,
    /// What defines the job.
    pub spec: Digest,
    /// The one request: the same again means the same run.
    pub token: Digest,
    /// The token for another try of the same request, where the run of `token` belongs to an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dated: Option<Digest>,
    /// What people call the job: the first part of [`Identity::name`].
    pub label: String,
}

/// Digits of each hash in a name, and the longest label that leaves the whole within 64 characters.
const OWNER_DIGITS: usize = 16;
const SPEC_DIGITS: usize = 8;
const TOKEN_DIGITS: usize = 8;
const LABEL_LENGTH: usize = 64 - OWNER_DIGITS - SPEC_DIGITS - TOKEN_DIGITS - 3;

impl Identity {
    /// The identity of the run that `request` of `owner` asks for. `owner` and `request` are opaque: a stack and a logical
    /// id with a request id, say, or a task token. `label` is for a job without a name of its own.
    pub fn derive(owner: &[&str], request: &str, label: &str, job: &Job) -> Self {
        let token: Vec<&str> = owner.iter().copied().chain([request]).collect();
        Self {
            owner: Digest::of(owner),
            spec: Digest::of_json(job),
            token: Digest::of(&token),
            dated: None,
            label: job.name().and_then(cut).or_else(|| cut(label)).unwrap_or_else(|| "job".to_owned()),
        }
    }

    /// The identity of the run that another try of the same request makes, where tries can be told apart.
    pub fn anew(&self) -> Option<Self> {
        self.dated.map(|token| Self { token, dated: None, ..self.clone() })
    }

    /// The name under which an engine knows the run: `{label}-{owner}-{spec}-{token}`, at most 64 of `[A-Za-z0-9_-]`.
    pub fn name(&self) -> String {
        format!(
            "{}-{}-{}-{}",
            self.label,
            self.owner.short(OWNER_DIGITS),
            self.spec.short(SPEC_DIGITS),
            self.token.short(TOKEN_DIGITS)
        )
    }

    /// Whether `name` was given to a run of the same owner.
    pub fn owns(&self, name: &str) -> bool {
        parts(name).is_some_and(|[owner, _, _]| owner == self.owner.short(OWNER_DIGITS))
    }

    /// Whether `name` was given to a run of the same owner and the same description.
    pub fn describes(&self, name: &str) -> bool {
        self.owns(name) && parts(name).is_some_and(|[_, spec, _]| spec == self.spec.short(SPEC_DIGITS))
    }

    /// Whether `name` was given to a run that this very request asked for, in whichever try.
    pub fn asked_for(&self, name: &str) -> bool {
        let is_its =
            |token: &str| [Some(self.token), self.dated].iter().flatten().any(|its| token == its.short(TOKEN_DIGITS));
        self.owns(name) && parts(name).is_some_and(|[_, _, token]| is_its(token))
    }
}

/// Owner, spec and token of a name of ours; none for any other name.
fn parts(name: &str) -> Option<[&str; 3]> {
    let mut from_the_end = name.rsplitn(4, '-');
    let (token, spec, owner) = (from_the_end.next()?, from_the_end.next()?, from_the_end.next()?);
    from_the_end.next()?;
    let fits = |part: &str, digits| part.len() == digits && part.bytes().all(|b| b.is_ascii_hexdigit());
    (fits(owner, OWNER_DIGITS) && fits(spec, SPEC_DIGITS) && fits(token, TOKEN_DIGITS)).then_some([owner, spec, token])
}

/// A label in the characters that every engine takes; none where nothing of it would be left to read.
fn cut(label: &str) -> Option<String> {
    let kept: String = label
        .chars()
        .take(LABEL_LENGTH)
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' })
        .collect();
    kept.contains(|c: char| c.is_ascii_alphanumeric()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::properties;

    const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/etl/5d0f6d50-0000-11ee-8000-0a0000000000";
    const REQUEST: &str = "a1b2c3d4-0000-0000-0000-000000000000";

    fn job(description: &Value) -> Job {
        properties::read_job(description).expect("a sound description")
    }

    fn identity(description: &Value) -> Identity {
        Identity::derive(&[STACK, "Pi"], REQUEST, "Pi", &job(description))
    }

    /// These values are in the names of running jobs. If one of them changed, a job that an older version submitted would
    /// not be found again: a retried request would start a second one, and every stack's next update would replace a job
    /// that nobody changed. So they may never change; a new field must be left out of the hash while it has its default.
    #[test]
    fn what_identifies_a_job_never_changes() {
        let whole = json!({
            "LivyUrl": "https://gate.example.com/livy",
            "Parameters": {
                "File": "s3://bucket/job.jar", "ClassName": "com.example.Main", "Args": ["10", "", "\u{e9} \"q\""],
                "Jars": ["s3://bucket/a.jar"], "PyFiles": ["s3://bucket/a.py"], "Files": ["s3://bucket/a#b"],
                "Archives": ["s3://bucket/a.tgz"], "Packages": ["org.a:b:1"], "Environment": {"B": "2", "A": "1"},
                "DriverMemory": "2g", "DriverCores": 1, "ExecutorMemory": "4g", "ExecutorCores": 2, "NumExecutors": 3,
                "Queue": "etl", "ProxyUser": "me", "Name": "Nightly ETL",
                "Configuration": {"spark.b": "2", "spark.a": "1"},
            },
            "Mode": "STREAMING",
            "Rerun": "abc123",
        });
        for (description, spec, name) in [
            (
                json!({"LivyHost": "emr", "Parameters": {"File": "s3://bucket/pi.py"}}),
                "e73b160fed081af68b1954e96fecbfe199042eb3ba75c57f68a04b71ffc3c757",
                "Pi-08bcfeb13f89a066-e73b160f-7f35ff42",
            ),
            (
                json!({"LivyHost": "emr", "Parameters": {"File": "s3://bucket/pi.py", "Args": [10]}}),
                "075d98fe2ed8b545fe8890d1ad23f673c19c945f6d7e950414443994e98bac15",
                "Pi-08bcfeb13f89a066-075d98fe-7f35ff42",
            ),
            (
                json!({"LivyHost": "emr", "LivyPort": 9999, "Parameters": {"File": "s3://bucket/pi.py"}}),
                "e7279e192ce64169771577ce281392fd15e8bee164071a97372e0f0be26d312d",
                "Pi-08bcfeb13f89a066-e7279e19-7f35ff42",
            ),
            (
                json!({"LivyHost": "emr", "Parameters": {"File": "s3://bucket/pi.py", "DriverMemory": "2g"}}),
                "1a3c816c3b3f2463234870fe7c5d5d573df89470186b13c0f7e7d50f2e04bf8a",
                "Pi-08bcfeb13f89a066-1a3c816c-7f35ff42",
            ),
            (
                json!({"LivyHost": "emr", "Parameters": {"File": "s3://bucket/pi.py"}, "Rerun": "1"}),
                "88bd0dd4b3fd57d2e245f6240efc8774b5cb90e3befd16997277ad5685f4e2a3",
                "Pi-08bcfeb13f89a066-88bd0dd4-7f35ff42",
            ),
            (
                json!({"LivyHost": "emr", "Parameters": {"File": "s3://bucket/pi.py"}, "Mode": "STREAMING"}),
                "eddd16383d28e48e9fdc56fb0d47100623b086e3dea7fe4a50605294d3263d4b",
                "Pi-08bcfeb13f89a066-eddd1638-7f35ff42",
            ),
            (
                whole,
                "ca37de6c98118dbd1b97f3e66797078753b26cb38c454fec5e87df24c8b46c33",
                "Nightly-ETL-08bcfeb13f89a066-ca37de6c-7f35ff42",
            ),
        ] {
            frozen(&description, spec, name);
        }
    }

    /// The same of the engines of EMR.
    #[test]
    fn what_identifies_a_job_on_emr_never_changes() {
        let role = "arn:aws:iam::123456789012:role/job";
        for (description, spec, name) in [
            (
                json!({"LivyClusterId": "j-1ABC", "Parameters": {"File": "s3://bucket/pi.py"}}),
                "b776c9b07c2336d27bb6866a8c9057c67d5f3251abb377fa1a5c7f94f2b5e70f",
                "Pi-08bcfeb13f89a066-b776c9b0-7f35ff42",
            ),
            (
                json!({
                    "VirtualClusterId": "0abc", "ExecutionRoleArn": role, "ReleaseLabel": "emr-7.5.0-latest",
                    "Parameters": {"File": "s3://bucket/pi.py"},
                }),
                "290c2ae30a85fe0241d16e110a43d331e9ff33efd746b673d5e03a7e4ae38408",
                "Pi-08bcfeb13f89a066-290c2ae3-7f35ff42",
            ),
            (
                json!({
                    "VirtualClusterId": "0abc", "JobTemplateId": "0def", "JobTemplateParameters": {"Day": "1"},
                    "Name": "Nightly",
                }),
                "0c5e78ceb068854c48fdabe23e2d997e0c90c5ccd2dfb22c146da11580afa98d",
                "Nightly-08bcfeb13f89a066-0c5e78ce-7f35ff42",
            ),
            (
                json!({
                    "ApplicationId": "00f1", "ExecutionRoleArn": role, "Mode": "STREAMING", "TimeoutMinutes": 60,
                    "Parameters": {"File": "s3://bucket/pi.py"}, "Tags": {"Team": "data"}, "Rerun": "1",
                }),
                "1e644201fe0a2e121a54e4b0e2a9aa9cf49244f97904360dc268bde5b38ff5b4",
                "Pi-08bcfeb13f89a066-1e644201-7f35ff42",
            ),
            (
                json!({
                    "ApplicationId": "00f1", "ExecutionRoleArn": role,
                    "JobDriver": {"SparkSubmit": {"EntryPoint": "s3://bucket/pi.py", "EntryPointArguments": [1]}},
                    "ConfigurationOverrides": {"ApplicationConfiguration": [
                        {"Classification": "spark-defaults", "Properties": {"spark.b": 2, "spark.a": 1}},
                    ]},
                    "RetryPolicy": {"MaxAttempts": "2"},
                }),
                "e6e889bdd7d0f0cd1cb98e6bd0d0ac4a3e2463519b455cbb4a1a41b41cd1d60e",
                "Pi-08bcfeb13f89a066-e6e889bd-7f35ff42",
            ),
            (
                json!({
                    "ClusterId": "j-1ABC", "DeployMode": "cluster", "ActionOnFailure": "CANCEL_AND_WAIT",
                    "Parameters": {"File": "s3://bucket/pi.py"},
                }),
                "31c2b0e4e2281121daf26976476ccdf366499bd3f01ff23f6dcac389eb38e47b",
                "Pi-08bcfeb13f89a066-31c2b0e4-7f35ff42",
            ),
        ] {
            frozen(&description, spec, name);
        }
    }

    fn frozen(description: &Value, spec: &str, name: &str) {
        let identity = identity(description);
        assert_eq!((identity.spec.to_string().as_str(), identity.name().as_str()), (spec, name), "{description}");
        assert_eq!(identity.owner.to_string(), "08bcfeb13f89a066809bc0b77faa0327e1dd040899e17f07bb7c662161e035c6");
        assert_eq!(identity.token.to_string(), "7f35ff42317eea6150b9661b294f8cd2444dcb9bee16043ab2c18c4bde773340");
    }

    #[test]
    fn the_canonical_text_that_is_hashed_never_changes() {
        let description = json!({
            "Rerun": 7, "Parameters": {"Args": [10], "File": "s3://b/pi.py", "Jars": [], "DriverMemory": "2G"},
            "Mode": "BATCH", "LivyHost": "EMR", "WaitFor": "Succeeded", "ServiceToken": "arn",
        });
        let text = serde_json::to_string(&job(&description)).expect("text");
        let parameters = r#"{"File":"s3://b/pi.py","Args":["10"],"DriverMemory":"2g"}"#;
        assert_eq!(text, format!(r#"{{"LivyUrl":"http://emr:8998","Parameters":{parameters},"Rerun":"7"}}"#));
    }

    #[test]
    fn spelling_makes_no_other_job() {
        let plain =
            json!({"LivyHost": "emr", "Parameters": {"File": "/pi.py", "DriverMemory": "2g", "NumExecutors": 1}});
        let same = |description: &Value| assert_eq!(identity(description), identity(&plain), "{description}");
        let parameters = &plain["Parameters"];
        same(&json!({"LivyHost": "EMR", "LivyPort": "8998", "Parameters": parameters}));
        same(&json!({"LivyHost": "emr", "LivyPort": "", "LivyUrl": "", "Parameters": parameters}));
        same(&json!({"LivyUrl": "http://emr:8998/", "Parameters": parameters, "Mode": "BATCH", "Rerun": ""}));
        same(&json!({"LivyHost": "emr", "Parameters": {
            "File": "/pi.py", "DriverMemory": "2GB", "NumExecutors": "1", "Args": [], "Jars": [""], "Name": "",
            "Environment": {"A": ""}, "Configuration": {}, "ExecutorCores": null,
        }}));
        let managed =
            json!({"LivyHost": "emr", "Parameters": parameters, "WaitFor": "Submitted", "ServiceTimeout": "600"});
        same(&managed);
    }

    #[test]
    fn every_change_of_what_defines_it_makes_another_job() {
        let plain = json!({"LivyHost": "emr", "Parameters": {"File": "/pi.py", "Args": ["a", "b"]}});
        let other =
            |description: &Value| assert_ne!(identity(description).spec, identity(&plain).spec, "{description}");
        let parameters = &plain["Parameters"];
        other(&json!({"LivyHost": "emr2", "Parameters": parameters}));
        other(&json!({"LivyUrl": "https://emr:8998", "Parameters": parameters}));
        other(&json!({"LivyHost": "emr", "Parameters": parameters, "Rerun": "1"}));
        other(&json!({"LivyHost": "emr", "Parameters": parameters, "Mode": "STREAMING"}));
        other(&json!({"LivyHost": "emr", "Parameters": {"File": "/pi.py", "Args": ["a b"]}}));
        other(&json!({"LivyHost": "emr", "Parameters": {"File": "/pi.py", "Args": ["b", "a"]}}));
        other(&json!({"LivyHost": "emr", "Parameters": {"File": "/pi.py", "Args": ["a", "b", ""]}}));
    }

    #[test]
    fn lists_that_join_alike_are_told_apart() {
        assert_ne!(Digest::of(&["a", "b"]), Digest::of(&["ab"]));
        assert_ne!(Digest::of(&["a", "b"]), Digest::of(&["a\",\"b"]));
        assert_ne!(Digest::of(&["a"]), Digest::of(&["a", ""]));
    }

    #[test]
    fn a_name_tells_whose_it_is() {
        let description = json!({"LivyHost": "emr", "Parameters": {"File": "/pi.py"}});
        let other = json!({"LivyHost": "emr", "Parameters": {"File": "/other.py"}});
        let mine = identity(&description);
        assert!(mine.owns(&mine.name()) && mine.describes(&mine.name()) && mine.asked_for(&mine.name()));
        let updated = Identity::derive(&[STACK, "Pi"], "another", "Pi", &job(&other));
        assert!(mine.owns(&updated.name()) && !mine.describes(&updated.name()) && !mine.asked_for(&updated.name()));
        let stranger = Identity::derive(&[STACK, "Tau"], REQUEST, "Pi", &job(&description));
        assert!(!mine.owns(&stranger.name()) && !mine.describes(&stranger.name()) && !mine.asked_for(&stranger.name()));
        for foreign in ["", "pi", "Pi-1-2-3", "a-b-c-d", "-0123456789abcdef-01234567"] {
            assert!(!mine.owns(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest = Digest::of(&["a"]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        let upper = digest.to_string().to_uppercase();
        for foreign in ["", "abc", upper.as_str(), &"g".repeat(64), &"\u{e9}".repeat(32)] {
            assert!(foreign.parse::<Digest>().is_err(), "{foreign}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_always_one_that_every_engine_takes(label in any::<String>(), name in proptest::option::of(any::<String>())) {
            let mut job = job(&json!({"LivyHost": "emr", "Parameters": {"File": "/pi.py"}}));
            job.parameters.get_or_insert_default().name = name;
            let identity = Identity::derive(&[STACK, "Pi"], REQUEST, &label, &job);
            let name = identity.name();
            prop_assert!(name.len() <= 64, "{}", name);
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'), "{}", name);
            prop_assert!(identity.describes(&name) && identity.asked_for(&name));
        }
    }
}
