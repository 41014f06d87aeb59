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

/// Whose primary keys are secrets, and none of data.
const OF_ACCOUNTS: [&str; 6] = ["azure", "cosmos", "documentdb", "eventhub", "iothub", "servicebus"];

/// What stands after `key`, with or without a number, and tells no more than which one it is, or in what form.
const WHICH_KEY: [&str; 34] = [
    "",
    "a",
    "active",
    "b",
    "backup",
    "base",
    "bytes",
    "current",
    "data",
    "default",
    "der",
    "dev",
    "encoded",
    "hex",
    "legacy",
    "live",
    "main",
    "material",
    "new",
    "next",
    "old",
    "pem",
    "plaintext",
    "prev",
    "previous",
    "primary",
    "prod",
    "production",
    "raw",
    "secondary",
    "staging",
    "test",
    "v",
    "value",
];

/// What makes another word of `key` where it stands right before it: `monkey`.
const LIKE_KEY: [&str; 10] = ["don", "hoc", "joc", "lac", "mic", "mon", "smo", "tur", "turn", "whis"];

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
    if plain.ends_with("arn") && is_arn(name) || plain == "servicetoken" {
        return false;
    }
    let is_named_so = NAMES.iter().any(|part| plain.contains(part)) || plain == "sig";
    is_named_so || is_pwd(name, &plain) || plain.contains("key") && is_key(name)
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
/// `tls.key.pem`, `STORAGE_KEY2`.
fn is_key(name: &str) -> bool {
    let words = words(name);
    let last = words.iter().rposition(|word| !WHICH_KEY.contains(&without_number(word)));
    let key = last.and_then(|at| Some((at, without_number(&words[at]).strip_suffix("key")?)));
    let Some((at, begin)) = key else { return false };
    let before = words[..at].concat() + begin;
    let is_of_an_account = before.ends_with("primary") && OF_ACCOUNTS.iter().any(|account| before.contains(account));
    let is_of_data = KEYS_OF_DATA.iter().any(|kind| before.ends_with(kind)) && !is_of_an_account;
    !LIKE_KEY.contains(&begin) && !is_of_data
}

/// The words of a name, in small letters: `apiKey` and `API_KEY` have the same two.
fn words(name: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(name.len());
    let mut last = ' ';
    for c in name.chars() {
        if c.is_ascii_uppercase() && (last.is_ascii_lowercase() || last.is_ascii_digit()) {
            spaced.push(' ');
        }
        spaced.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' });
        last = c;
    }
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// A word without the number at its end.
fn without_number(word: &str) -> &str {
    word.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// Whether it is an ARN's, as its last word tells: `SECRET_ARN` and `secretArn` are, and `PASSWORD_YARN` is not.
fn is_arn(name: &str) -> bool {
    words(name).last().is_some_and(|word| word == "arn")
}
