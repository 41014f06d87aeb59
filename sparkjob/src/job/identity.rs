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
            label: cut(job.parameters.name.as_deref().unwrap_or(label)),
        }
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

    /// Whether `name` was given to the run that this very request asked for.
    pub fn asked_for(&self, name: &str) -> bool {
        self.owns(name) && parts(name).is_some_and(|[_, _, token]| token == self.token.short(TOKEN_DIGITS))
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

/// A label in the characters that every engine takes.
fn cut(label: &str) -> String {
    let kept: String = label
        .chars()
        .take(LABEL_LENGTH)
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' })
        .collect();
    if kept.is_empty() { "job".to_owned() } else { kept }
}
