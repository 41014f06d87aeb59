//! A reference to one run, as text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Place;

/// One run on one engine.
///
/// Its text is what a front door keeps of the job, so it holds all that is needed to find and stop it:
/// `livy+http://host:8998/batches/17#name`. Written and read back, it is the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RunRef {
    /// Where it runs.
    pub place: Place,
    /// The engine's own id for it.
    pub id: String,
    /// The name under which the engine knows it, where a name is needed to be sure that the id still means the same run.
    pub name: Option<String>,
}

impl fmt::Display for RunRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Livy(url) => write!(f, "livy+{}", url.join(&format!("/batches/{}", self.id)))?,
        }
        self.name.as_ref().map_or(Ok(()), |name| write!(f, "#{name}"))
    }
}

impl FromStr for RunRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || "not a reference to a Spark job of ours".to_owned();
        let (address, name) = text.split_once('#').map_or((text, None), |(address, name)| (address, Some(name)));
        let (url, id) = address.strip_prefix("livy+").and_then(|a| a.rsplit_once("/batches/")).ok_or_else(fault)?;
        let is_id = !id.is_empty() && id.len() <= 19 && id.bytes().all(|b| b.is_ascii_digit());
        let is_name = |name: &str| {
            (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        };
        if !is_id || !name.is_none_or(is_name) {
            return Err(fault());
        }
        let place = Place::Livy(url.parse().map_err(|_| fault())?);
        let run = Self { place, id: id.to_owned(), name: name.map(str::to_owned) };
        // Only our own spelling: an id that reads otherwise was written by someone else.
        if run.to_string() == text { Ok(run) } else { Err(fault()) }
    }
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
        ] {
            assert_eq!(text.parse::<RunRef>().map(|run| run.to_string()), Ok(text.to_owned()));
        }
        let run: RunRef = "livy+http://emr:8998/batches/17#pi".parse().expect("a reference");
        let place = Place::Livy("http://emr:8998".parse().expect("an address"));
        assert_eq!(run, RunRef { place, id: "17".to_owned(), name: Some("pi".to_owned()) });
        assert_eq!(serde_json::to_string(&run).expect("text"), "\"livy+http://emr:8998/batches/17#pi\"");
    }

    #[test]
    fn foreign_text_is_refused() {
        for text in [
            "",
            "2024/01/01/[$LATEST]0123456789abcdef",
            "MyStack-Pi-1ABCDEFGHIJKL",
            "arn:aws:emr-containers:us-east-1:123456789012:/virtualclusters/a/jobruns/b",
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
            let run = RunRef { place: Place::Livy(url.expect("just looked at")), id, name };
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
