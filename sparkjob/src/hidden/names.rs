//! Names of secrets.

/// Parts of names that Spark takes for those of secrets, and others that are used alike. Blanks, dots and dashes do not
/// matter.
const NAMES: [&str; 17] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "token",
    "signature",
    "accesskey",
    "accountkey",
    "apikey",
    "authkey",
    "encryptionkey",
    "masterkey",
    "privatekey",
    "secretkey",
    "sharedkey",
    "signingkey",
    "sshkey",
];

/// What stands before `key` in names of data, not of secrets.
const KEYS_OF_DATA: [&str; 12] = [
    "cluster",
    "foreign",
    "group",
    "join",
    "object",
    "partition",
    "primary",
    "public",
    "range",
    "record",
    "row",
    "sort",
];

/// Whether a value of this name is a secret. The ARN of where one is kept is none; nor is the `ServiceToken` of every custom
/// resource, the ARN of the function.
pub fn is_secret(name: &str) -> bool {
    let plain = plain(name);
    if plain.ends_with("arn") || plain == "servicetoken" {
        return false;
    }
    NAMES.iter().any(|part| plain.contains(part)) || plain == "sig" || is_pwd(&plain) || is_key(name, &plain)
}

/// Whether a value follows this word that is a secret, where no more than a colon tells that one follows: `password: value`. What a
/// sentence says of `secretsmanager:GetSecretValue` or of an `InvalidTokenException` is none.
pub fn is_label(word: &str) -> bool {
    let plain = plain(word);
    let plain = plain.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('s');
    is_secret(word) && (NAMES.iter().any(|name| plain.ends_with(name)) || is_pwd(plain))
}

/// Whether it is what the name of a pair is called where its value is called `Value`.
pub fn is_key_of_pair(name: &str) -> bool {
    name.eq_ignore_ascii_case("key")
}

/// A name without what separates its words.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

fn is_pwd(plain: &str) -> bool {
    plain.len() > "pwd".len() && !plain.ends_with("oldpwd") && plain.ends_with("pwd")
}

/// Whether it is a key's, as the last of its words tells; `plain` is the name without what separates its words.
fn is_key(name: &str, plain: &str) -> bool {
    let Some(before) = plain.strip_suffix("key") else { return false };
    let name = name.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let word = name.len().checked_sub("key".len()).and_then(|at| Some((name.get(..at)?, name.get(at..)?)));
    let is_word = word.is_some_and(|(before, word)| {
        !before.ends_with(|c: char| c.is_ascii_alphanumeric())
            || word.starts_with('K') && before.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
    });
    is_word && !KEYS_OF_DATA.iter().any(|kind| before.ends_with(kind))
}
