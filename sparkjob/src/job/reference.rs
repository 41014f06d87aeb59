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
