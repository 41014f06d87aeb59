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

/// Accounts whose keys are called like keys of data, and are secrets.
const OF_ACCOUNTS: [&str; 2] = ["azure", "cosmos"];

/// What stands after `key`, with or without a number, and tells no more than which one it is, or in what form.
const WHICH_KEY: [&str; 25] = [
    "",
    "active",
    "b",
    "backup",
    "base",
    "bytes",
    "current",
    "der",
    "dev",
    "encoded",
    "hex",
    "live",
    "main",
    "material",
    "new",
    "next",
    "old",
    "pem",
    "plaintext",
    "previous",
    "prod",
    "raw",
    "secondary",
    "test",
    "v",
];

/// What no `key` is with `key` after it.
const LIKE_KEY: [&str; 7] = ["don", "hoc", "joc", "mon", "tur", "turn", "whis"];

/// What the names of errors begin with.
const BEGIN_ERRORS: [&str; 6] = ["Expired", "Incomplete", "Invalid", "Malformed", "Missing", "NoSuch"];

/// What they end with.
const END_ERRORS: [&str; 7] = ["Denied", "DoesNotMatch", "Error", "Exception", "Failure", "Fault", "NotFound"];

/// What a shell calls the present directory, and connection strings a password.
pub const PWD: &str = "PWD";

/// Whether a value of this name is a secret. The ARN of where one is kept is none; nor is the `ServiceToken` of every custom
/// resource, the ARN of the function.
pub fn is_secret(name: &str) -> bool {
    let plain = plain(name);
    if ends_with_word(name, "arn") || plain == "servicetoken" {
        return false;
    }
    NAMES.iter().any(|part| plain.contains(part)) || plain == "sig" || is_pwd(name, &plain) || is_key(name, &plain)
}

/// Whether a value follows this word that is a secret, where no more than a colon tells that one follows: `password: value`. What a
/// sentence says of a key, of `secretsmanager:GetSecretValue` or of an `InvalidToken` is none.
pub fn is_label(word: &str) -> bool {
    let plain = plain(word);
    is_secret(word) && !["key", "pwd"].contains(&&*plain) && !plain.starts_with("secretsmanager") && !is_error(word)
}

/// Whether it is what AWS or Java calls an error: `ExpiredToken`, `SignatureDoesNotMatch`, `AWSSecretsManagerException`.
fn is_error(word: &str) -> bool {
    let word = word.rsplit('.').next().unwrap_or_default();
    BEGIN_ERRORS.iter().any(|begin| word.starts_with(begin)) || END_ERRORS.iter().any(|end| word.ends_with(end))
}

/// Whether it is what the name of a pair is called.
pub fn is_name_of_pair(word: &str) -> bool {
    ["key", "name"].iter().any(|name| word.eq_ignore_ascii_case(name))
}

/// Whether it is what the value of a pair is called.
pub fn is_called_value(word: &str) -> bool {
    word.eq_ignore_ascii_case("value")
}

/// A name without what separates its words.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// Whether it is what many call a password, and not what a shell calls the present directory and the one before.
fn is_pwd(name: &str, plain: &str) -> bool {
    plain.ends_with("pwd") && !plain.ends_with("oldpwd") && name != PWD
}

/// Whether it is a key's, as the last of its words tells, but for those that tell which or in what form: `FERNET_KEY_OLD`,
/// `tls.key.pem`, `STORAGE_KEY2`. `plain` is the name without what separates its words.
fn is_key(name: &str, plain: &str) -> bool {
    if !plain.contains("key") {
        return false;
    }
    let words = words(name);
    let tells_no_more = |word: &&String| !WHICH_KEY.contains(&without_number(word));
    let Some(at) = words.iter().rposition(|word| tells_no_more(&word)) else { return false };
    let Some(begin) = without_number(&words[at]).strip_suffix("key") else { return false };
    let before = words[..at].concat() + begin;
    let is_of_data = KEYS_OF_DATA.iter().any(|kind| before.ends_with(kind));
    !LIKE_KEY.contains(&begin) && (!is_of_data || OF_ACCOUNTS.iter().any(|account| before.contains(account)))
}

/// The words of a name, in small letters: `apiKey` and `API_KEY` have the same two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut last = ' ';
    for c in name.chars() {
        let begins = c.is_ascii_uppercase() && (last.is_ascii_lowercase() || last.is_ascii_digit());
        if begins || !c.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if c.is_ascii_alphanumeric() {
            words.last_mut().expect("the first one").push(c.to_ascii_lowercase());
        }
        last = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A word without the number at its end.
fn without_number(word: &str) -> &str {
    word.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// Whether the last word of a name is this one: `SECRET_ARN` and `secretArn` end with `arn`, and `PASSWORD_YARN` does not.
fn ends_with_word(name: &str, last: &str) -> bool {
    words(name).last().is_some_and(|word| word == last)
}
