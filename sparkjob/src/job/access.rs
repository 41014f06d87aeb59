//! Which secret lets into which place.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Place;

/// The longest ARN that Secrets Manager takes
/// [for a secret](https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html), in bytes.
const MAX_LENGTH: usize = 2048;

/// The ARN of a secret in Secrets Manager. It is no secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SecretArn(String);

impl SecretArn {
    /// The region that keeps it.
    pub fn region(&self) -> &str {
        self.0.split(':').nth(3).unwrap_or_default()
    }

    /// The same as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SecretArn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.splitn(7, ':').collect();
        let is_word = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let is_arn = match parts.as_slice() {
            ["arn", partition, "secretsmanager", region, account, "secret", name] => {
                partition.starts_with("aws")
                    && is_word(partition)
                    && is_word(region)
                    && account.len() == 12
                    && account.bytes().all(|b| b.is_ascii_digit())
                    && !name.is_empty()
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+=.@!-".contains(&b))
            }
            _ => false,
        };
        if is_arn && text.len() <= MAX_LENGTH {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be the ARN of a secret: arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME".to_owned())
        }
    }
}

impl From<SecretArn> for String {
    fn from(arn: SecretArn) -> Self {
        arn.0
    }
}

impl TryFrom<String> for SecretArn {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Which secrets let into which places. What is known first holds: a place of which it is said that it needs none needs none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Access(Vec<(Place, Option<SecretArn>)>);

impl Access {
    /// What one description says.
    pub fn to(place: Place, secret: Option<SecretArn>) -> Self {
        Self(vec![(place, secret)])
    }

    /// The same, and of other places what `other` says.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        self.0.extend(other.0.iter().cloned());
        self
    }

    /// The secret that lets into `place`; none where it needs none, or nothing is known of it: what lets into one place is
    /// never shown to another.
    pub fn secret(&self, place: &Place) -> Option<&SecretArn> {
        self.0.iter().find(|(known, _)| known == place).and_then(|(_, secret)| secret.as_ref())
    }

    /// Whether it names no secret.
    pub fn is_open(&self) -> bool {
        self.0.iter().all(|(_, secret)| secret.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:livy/prod-AbCdEf";

    #[test]
    fn the_arn_of_a_secret_tells_its_region_and_nothing_else_is_one() {
        for arn in [ARN, "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:rds!db-1"] {
            assert_eq!(arn.parse::<SecretArn>().map(|arn| arn.to_string()), Ok(arn.to_owned()));
        }
        assert_eq!(ARN.parse::<SecretArn>().expect("an ARN").region(), "eu-west-1");
        for other in [
            "",
            "livy/prod",
            "hunter2",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:",
            "arn:aws:secretsmanager:eu-west-1:12345:secret:livy",
            "arn:aws:secretsmanager::123456789012:secret:livy",
            "arn:aws:ssm:eu-west-1:123456789012:secret:livy",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:livy:password",
            "arn:aws:secretsmanager:evil.example#:123456789012:secret:livy",
            &format!("{ARN}{}", "x".repeat(2048)),
        ] {
            let fault = other.parse::<SecretArn>().expect_err(other);
            assert!(other.is_empty() || !fault.contains(other), "{fault}");
        }
    }

    #[test]
    fn a_secret_is_for_its_own_place_and_what_was_said_last_holds() {
        let place = |url: &str| Place::Livy(url.parse().expect("an address"));
        let secret = |name: &str| -> SecretArn {
            format!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}").parse().expect("an ARN")
        };
        let old = Access::to(place("http://old"), Some(secret("old")));
        let new = Access::to(place("http://new"), Some(secret("new")));
        let both = new.or(&old);
        assert_eq!(both.secret(&place("http://old")), Some(&secret("old")));
        assert_eq!(both.secret(&place("http://new")), Some(&secret("new")));
        assert_eq!(both.secret(&place("https://new")), None);
        let turned = Access::to(place("http://old"), Some(secret("new"))).or(&old);
        assert_eq!(turned.secret(&place("http://old")), Some(&secret("new")));
        let opened = Access::to(place("http://old"), None).or(&old);
        assert_eq!(opened.secret(&place("http://old")), None);
        assert!(Access::default().is_open() && !opened.is_open());
    }
}
