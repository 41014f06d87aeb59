//! What is found, and that nothing of it is shown.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::job::{Job, Native, Parameters, Place};
use crate::spark_submit::quote::{Splitter, join};

/// What of `hunter2` is left of a text beside a description.
fn is_hidden(description: &Value) -> bool {
    Hidden::in_description(description).mask("a hunter2 b") == "a *** b"
}

#[test]
fn a_value_is_known_by_its_name() {
    for name in [
        "PASSWORD",
        "DB_PASSWD",
        "DB_PWD",
        "spark.ssl.keyPassword",
        "fs.s3a.secret.key",
        "spark.hadoop.fs.s3a.access.key",
        "fs.azure.account.key.me.blob.core.windows.net",
        "AWS_ACCESS_KEY_ID",
        "oauthToken",
        "API_KEY",
        "apiKey",
        "KEY",
        "private-key",
        "STRIPE_KEY_LIVE",
        "FERNET_KEY_1",
        "FERNET_KEY_OLD",
        "STORAGE_KEY2",
        "storageKey2",
        "AES_KEY_HEX",
        "DATA_KEY_BASE64",
        "tls.key.pem",
        "KEY_V2",
        "LICENSEKEY",
        "dbkey",
        "COSMOS_PRIMARY_KEY",
        "azurePrimaryKey",
        "STORAGE_KEY_PRIMARY",
        "clientKeyData",
        "STORAGE_KEY_A",
        "FERNET_KEY_LEGACY",
        "EVENTHUB_PRIMARY_KEY",
        "encryption.key",
        "sig",
        "DB_PASSWORD_YARN",
        "tokenOfYarn",
    ] {
        assert!(is_hidden(&json!({ "Configuration": { name: "hunter2" } })), "{name}");
        assert!(is_hidden(&json!({"Properties": [{"Key": name, "Value": "hunter2"}]})), "{name}");
    }
    assert!(is_hidden(&json!({ "Environment": { "DB_PASSWORD=hunter2": "" } })));
    for name in [
        "PWD",
        "OLDPWD",
        "monkey",
        "sort.key",
        "partitionKey",
        "primary_key",
        "keyColumn",
        "keys",
        "KEY_ID",
        "MONKEY_OLD",
        "primary_key_2",
        "sortKeyV2",
        "spark.cosmos.partitionKey",
        "AZURE_PUBLIC_KEY",
        "spark.sql.mapKeyDedupPolicy",
        "spark.app.name",
        "Key",
        "LivySecretArn",
        "SECRET_ARN",
        "secret-arn",
        "SecretARN",
        "ServiceToken",
    ] {
        assert!(!is_hidden(&json!({ "Configuration": { name: "hunter2", "Value": null } })), "{name}");
    }
}

#[test]
fn a_value_is_known_by_its_flag() {
    for args in [
        json!(["--password", "hunter2"]),
        json!(["--db-password=hunter2"]),
        json!(["a", "-token", "hunter2", "b"]),
        json!(["password=hunter2"]),
        json!(["Password:", "hunter2"]),
        json!(["--conf", "spark.my.secret=hunter2"]),
        json!(["--conf=spark.my.secret=hunter2"]),
        json!(["jdbc:postgresql://db/x?user=me&password=hunter2&ssl=true"]),
        json!(["jdbc:sqlserver://db;user=me;password=hunter2;"]),
        json!(["jdbc:sqlserver://db;user=me;pwd=hunter2"]),
        json!(["Driver={ODBC Driver 17};UID=me;PWD=hunter2;Encrypt=yes"]),
        json!(["Driver={ODBC Driver 17}; UID=me; PWD=hunter2; Encrypt=yes"]),
        json!(["--pwd", "hunter2"]),
        json!(["alerts.onFailure.token:", "hunter2"]),
        json!(["ErrorReportingToken: hunter2"]),
        json!(["https://me:hunter2@host/path"]),
        json!(["{\"db\": {\"password\": \"hunter2\"}}"]),
        json!(["--config={\"password\":\"hunter2\"}"]),
        json!(["--config={\"user\": \"me\", \"password\": \"hunter2\"}"]),
        json!(["--conf", "spark.app.config={\"db\": [{\"password\": \"hunter2\"}]}"]),
        json!(["config: {\"user\": \"me\", \"password\": \"hunter2\"}"]),
        json!(["-Dkey.password=\"hunter2\" -Dx=y"]),
    ] {
        assert!(is_hidden(&json!({ "Args": args })), "{args}");
    }
    for args in [json!(["--key-column", "hunter2"]), json!(["hunter2"]), json!(["--verbose", "hunter2"])] {
        assert!(!is_hidden(&json!({ "Args": args })), "{args}");
    }
}

#[test]
fn a_command_line_is_read_as_one() {
    for text in [
        "--class A --conf spark.my.password=hunter2 --conf spark.x=y",
        "--conf \"spark.my.password=hunter2\"",
        "--conf spark.my.password=\"hunter2\"",
        "--conf 'spark.my.password=hunter2'",
        "-Djavax.net.ssl.trustStorePassword=hunter2 -Xmx1g",
        "run --token hunter2",
        "--conf 'spark.app.config={\"user\": \"me\", \"password\": \"hunter2\"}' --class A",
    ] {
        assert!(is_hidden(&json!({"JobDriver": {"SparkSubmitJobDriver": {"sparkSubmitParameters": text}}})), "{text}");
    }
    for (text, secret) in [
        (r#"--conf "spark.my.password=two words""#, "two words"),
        (r#"--conf 'spark.my.password=it'"'"'s mine' --class A"#, "it's mine"),
        (r#"--conf spark.my.password="a b"c"#, "a bc"),
        (r#"--conf spark.my.password=a\"bcd"#, "a\"bcd"),
        (r"export DB_PASSWORD=hun\ ter2", "hun ter2"),
        (r#"--password="hun"ter2"#, "hunter2"),
        ("my.password=Tom & Jerry", "Tom & Jerry"),
        ("--conf 'spark.my.password=correct -horse battery'", "correct -horse battery"),
    ] {
        let hidden = Hidden::in_description(&json!(text));
        assert_eq!(hidden.mask(&format!("has {secret} in it")), "has *** in it", "{text}");
    }
    for args in [["--conf=my.password=correct -horse battery"], ["my.password=correct -horse battery"]] {
        let hidden = Hidden::in_description(&json!({ "Args": args }));
        assert_eq!(hidden.mask("has correct -horse battery"), "has ***", "{args:?}");
    }
}

#[test]
fn what_may_end_a_value_may_be_a_part_of_it() {
    for secret in ["S3c,ret-of-mine", "ab;cd", "a&b&cd", "it's-mine"] {
        for text in [
            json!({ "Args": [format!("--conf=spark.my.secret={secret}")] }),
            json!({ "Configuration": { "spark.driver.extraJavaOptions": format!("-Dmy.password={secret}") } }),
            json!({ "Configuration": { "spark.driver.extraJavaOptions": format!("-Xmx1g -Dmy.password={secret}") } }),
            json!({ "Args": [format!("jdbc:postgresql://db/x?user=me&password={secret}")] }),
        ] {
            assert_eq!(Hidden::in_description(&text).mask(&format!("it is {secret}")), "it is ***", "{text}");
        }
    }
    for (text, secret) in [
        ("jdbc:sqlserver://db;password=hunt,er2;user=me", "hunt,er2"),
        ("jdbc:sqlserver://db;password=it's-mine;user=me", "it's-mine"),
        ("jdbc:sqlserver://db;password=a&b-mine;user=me", "a&b-mine"),
        ("jdbc:postgresql://db/x?password=it's-mine&user=me", "it's-mine"),
        ("jdbc:postgresql://db/x?password=is;mine&user=me", "is;mine"),
        ("-Dmy.password=\"a&bcdef\"", "a&bcdef"),
        ("-Dmy.password='ab\"cdef'", "ab\"cdef"),
        ("-Dmy.password=\"it's-mine\";", "it's-mine"),
        ("jdbc:x://db;password=hunt&er2,user=me", "hunt&er2"),
        ("jdbc:sqlserver://db;password={hunt;er2};user=me", "hunt;er2"),
        ("jdbc:mysql://address=(host=db)(user=me)(password=hunter2)/x", "hunter2"),
        ("{user=me, password=hunter2}", "hunter2"),
        ("Login required password=\"hunter2\";", "hunter2"),
        ("Login required password=\"correct horse battery\" debug=\"true\";", "correct horse battery"),
        ("Login required username = \"me\" password = \"hunter2\";", "hunter2"),
        ("--conf=spark.my.password=correct horse", "correct horse"),
        ("--password hunter2;", "hunter2"),
        ("the user (password: hunter2)", "hunter2"),
        ("--conf=spark.my.secret=true;Story99", "true;Story99"),
        ("--conf=spark.my.secret=(abc", "(abc"),
        ("jdbc:postgresql://db/x?user=me&password=correct horse&ssl=true", "correct horse"),
    ] {
        let hidden = Hidden::in_description(&json!({ "Configuration": { "spark.x": text } }));
        assert_eq!(hidden.mask(&format!("{secret} of me")), "*** of me", "{text}");
    }
}

/// What is told of a job that nobody has described.
fn told(text: &str) -> String {
    Hidden::in_text(text).mask(text).into_owned()
}

#[test]
fn of_what_nobody_has_described_no_more_is_hidden_than_what_looks_like_a_secret() {
    let key = "-----BEGIN KEY-----\nhunter2\n-----END KEY-----";
    for said in [
        "cannot kill: {\"token\":\"<hunter2>\"}, for 5 s",
        "cannot kill: {\"token\": <81726354>}, for 5 s",
        "cannot kill: {\"conf\":{\"spark.my.password\":\"<hunter2>\"},\"args\":[\"--token\",\"<hunter2>\"]} of batch 5",
        "cannot kill: [\"--token\", <81726354>, \"--class\", \"Main\"] of batch 5",
        "{\"msg\":\"cannot kill --password <hunter2>\",\"code\":5}",
        "{\"msg\":\"cannot kill {\\\"password\\\":\\\"<hunter2>\\\"}\",\"code\":5}",
        "{\"secret\":{\"db\":\"<hunter2>\",\"more\":[\"<abcd>\"]},\"code\":5}",
        "cut: {\"user\":\"me\",\"token\":\"<hunter2>\",\"x",
        "cut: {\\\"token\\\":\\\"<hunter2>\\\",\\\"x",
        "cut: {\"private_key\":\"<-----BEGIN KEY-----\nMIIEhunter2\nabc>",
        "the password: <-hunter2> was refused",
        "cut: spark-submit --password \"<correct horse>",
        "cut: the password \"my\" or 'token': '<hunter2 failed: 5>",
        "{'user': 'me', 'password': '<hunter2>'} of batch 5",
        "{user=me, my.password=<hunter2,> x=y} of batch 5",
        "[{Key=my.password, Value=<hunter2},> {Key: x, Value: hunting}] of batch 5",
        "{'Key': 'my.password', 'Value': '<hunter2>'} of batch 5",
        "EnvVar(name=DB_PASSWORD, value=<hunter2)> of batch 5",
        "env: - name: DB_PASSWORD value: <hunter2> of batch 5",
        "cut: {\"spark.my.password\":\"<correct horse>",
        "run --password '<it'\"'\"'s-mine>' pi.py",
        "run --password '<it'\\''s-mine>' --conf 'my.password=<it'\"'\"'s-mine>' pi.py",
        "Running '/opt/spark/bin/spark-submit' '--password' '<hunter2>' 's3://code/pi.py'",
        "Running \"spark-submit\" \"--conf\" \"spark.my.password=<hunter2>\" \"pi.py\"",
        "Args: [--password, <hunter2,> --class, A] of step 5",
        "Args: [\"--password\",\"<hunter2>\",\"--class\",\"A\"] of step 5",
        "can't run: --password \"<correct horse>\" pi.py",
        "can't run: --conf 'spark.my.password=<correct horse>' pi.py",
        "can't run: my.password='<it's-mine>', x",
        "spark-submit --conf my.password=<hunter2> failed: permission denied",
        "spark-submit --password \\\n  <hunter2> pi.py",
        "spark-submit --password=\\\n  <hunter2> pi.py",
        "jdbc:x://db;user=me;password=<hunter2> is down",
        "https://me:<hunter2>@host/path is down, https://host:8998/me@x is not",
        "password:<hunter2> was refused",
        "the Password: <hunter2> was refused",
        "password_prod: <hunter2> or aws_access_key_id: <AKIA5> or AccessToken: <abcd> was refused",
        "connection[password] = <hunter2> was refused",
        &format!("export KEY=<{key}>\nfailed: 5"),
        &format!("export KEY=<{}> failed: 5", key.replace('\n', " ")),
    ] {
        let shown: Vec<&str> =
            said.split('<').map(|part| part.split_once('>').map_or(part, |(_, rest)| rest)).collect();
        assert_eq!(told(&said.replace(['<', '>'], "")), shown.join(MASK));
    }
    assert_eq!(told("Map(spark.my.password -> hunter2, x -> y)"), "Map(spark.my.password -> *** x -> y)");
    assert_eq!(told("'password' => 'hunter2', x"), "'password' => '***', x");
    assert_eq!(told("\u{1b}[31mpassword\u{1b}[0m=hunter2 of 5"), "password=*** of 5");
}

#[test]
fn what_an_engine_says_of_rights_and_of_lines_stays() {
    for text in [
        "User: arn:aws:sts::123456789012:assumed-role/me/x is not authorized to perform: secretsmanager:GetSecretValue on resource: \
         arn:aws:secretsmanager:eu-west-1:123456789012:secret:livy-AbCdEf because no policy allows secretsmanager:GetSecretValue",
        "The security token included in the request is expired",
        "com.amazonaws.AWSSecretsManagerException: Secrets Manager can't find the specified secret.",
        "InvalidTokenException: it is not there",
        "The secret: arn:aws:secretsmanager:eu-west-1:123456789012:secret:livy-AbCdEf is not there",
        "x.password= --class Foo",
        "--use-token --class Foo",
        "token://bucket/path is no file system",
        "Invalid key: spark.foo",
        "InvalidToken: Provided token is malformed, ExpiredToken: Credentials have expired",
        "MissingAuthenticationToken: Missing Authentication Token",
        "SignatureDoesNotMatch: The request signature we calculated does not match, IncompleteSignature: Authorization header requires it",
        "NoSuchKey: Missing object",
        "sh: pwd: not found, PWD=/mnt/yarn OLDPWD=/home/hadoop",
        "NullPointerException: null for Batch(id=5, proxyUser=null, token=null, password=None, usePassword=true)",
    ] {
        assert_eq!(told(text), text);
    }
    let lines = "+ export password=hunter2\n+ exec main\nINFO started with hunter2";
    assert_eq!(told(lines), "+ export password=***\n+ exec main\nINFO started with ***");
}

#[test]
fn json_is_hidden_as_it_means_and_as_it_is_written() {
    for (json, secret) in [
        (r#"{"my.token":"wJalr\/XUtn"}"#, r"wJalr\/XUtn or wJalr/XUtn"),
        (r#"{"my.token":"hunter2\u003d"}"#, r"hunter2\u003d or hunter2="),
        (r#"{"password":"abcd","password":"hunter2"}"#, "abcd or hunter2"),
        (r#"{"password": 12345.50000}"#, "12345.50000 or 12345.5"),
        (r#"{"name":"db","value":"x","password":"abcd","token":"hunter2"}"#, "abcd or hunter2"),
        (r#"[{"Key":"my.password","Value":"abcd"},{"Key":"my.token","Value":"hunter2"}]"#, "abcd or hunter2"),
    ] {
        for text in [format!("--config={json}"), format!("refused {json} of 5")] {
            for hidden in [Hidden::in_description(&json!({ "Args": [text] })), Hidden::in_text(&text)] {
                assert_eq!(hidden.mask(&format!("{secret} of my.token")), "*** or *** of my.token", "{text}");
            }
        }
    }
}

#[test]
fn a_line_ends_a_value_that_is_no_whole_one() {
    let script = "export password=$1\nexec main\nINFO: begin";
    for args in [json!(["bash", "-c", script]), json!([script]), json!([&script["export ".len()..]])] {
        let hidden = Hidden::in_description(&json!({ "Args": args }));
        assert_eq!(hidden.mask("exec main, INFO: begin"), "exec main, INFO: begin", "{args}");
    }
    let hidden =
        Hidden::in_description(&json!("--conf x.password= --class Foo.Bar --conf y.password=hunter2 --jars a,b"));
    assert_eq!(hidden.mask("--class Foo.Bar hunter2 --jars a,b"), "--class Foo.Bar *** --jars a,b");
    let key = "-----BEGIN KEY-----\nc2VjcmV0\nbW9yZQ==\n-----END KEY-----";
    let [line, quoted] = [key.replace('\n', "\\n"), format!("--conf \"my.key={key}\" x")];
    for text in [format!("export KEY={key}\nexec main"), quoted, format!("--key={key}"), format!("KEY={line}")] {
        let hidden = Hidden::in_description(&json!([text]));
        assert_eq!(hidden.mask("c2VjcmV0, bW9yZQ==, exec main"), "***, ***, exec main", "{text}");
    }
}

#[test]
fn a_quoted_value_is_hidden_whatever_stands_before_it() {
    for text in ["can't run: --password \"correct horse\" x", "it's --conf \"my.password=correct horse\" x"] {
        let hidden = Hidden::in_description(&json!([text]));
        assert_eq!(hidden.mask("of correct horse"), "of ***", "{text}");
    }
    let escaped = json!("--conf \"spark.app.config={\\\"password\\\": \\\"hunter2\\\"}\"");
    assert_eq!(Hidden::in_description(&escaped).mask("hunter2 of me"), "*** of me");
    // A quote behind backslashes, and one in it that has none before it.
    let odd = "\\''correct horse";
    let hidden = Hidden::in_description(&json!([format!("--password={odd}")]));
    assert_eq!(hidden.mask(&format!("of {odd}")), "of ***");
}

#[test]
fn what_stands_in_any_text_is_no_secret() {
    for value in ["true", "FALSE", "abc", "", "  x  ", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:livy"] {
        assert_eq!(Hidden::in_description(&json!({ "password": value })), Hidden::default(), "{value}");
    }
}

#[test]
fn a_secret_is_hidden_however_it_comes_back() {
    let mask = |secret: &str, text: &str| Hidden::of([secret]).mask(text).into_owned();
    assert_eq!(mask("hunter2", "hunter2hunter2, Hunter2"), "***, Hunter2");
    assert_eq!(mask("a\"b\\c", "{\"x\": \"a\\\"b\\\\c\"} a\"b\\c"), "{\"x\": \"***\"} ***");
    assert_eq!(mask("two \t words", "two words"), "***");
    assert_eq!(mask("-----BEGIN\nhunter2\nabc", "a -----BEGIN b\n hunter2 c abc"), "a *** b\n *** c abc");
    assert_eq!(mask("hunter2", "it was hun\u{2026}; and h\u{2026}"), "it was ***\u{2026}; and h\u{2026}");
    assert_eq!(mask("hunter2", "\u{e9}hunter2\u{e9}"), "\u{e9}***\u{e9}");
}

#[test]
fn a_secret_is_hidden_although_nobody_sees_what_stands_within_it() {
    for secret in ["hunter2-of-us", "hunter2\u{1b}[1m-of-us", "hunter2\t-of\u{7}-us", "hunter2-of\u{fffe}-us"] {
        let coloured = secret.replace("-of", "\u{1b}[1;36m-\u{1b}[0mo\u{0}f\u{ffff}");
        for told in [secret, &coloured] {
            assert_eq!(Hidden::of([secret]).mask(&format!("it is {told}.")), "it is ***.", "{told:?}");
        }
    }
}

#[test]
fn secrets_that_overlap_are_hidden_whole() {
    let hidden = Hidden::of(["abcd", "cdef", "hunter", "hunter2", "aaaa"]);
    assert_eq!(hidden.mask("x abcdef hunter2 aaaaa y"), "x *** *** *** y");
    assert_eq!(hidden.mask("nothing"), "nothing");
    assert_eq!(format!("{hidden:?}"), "Hidden(5)");
}

#[test]
fn a_description_full_of_what_looks_like_secrets_is_read_within_bounds() {
    let words =
        |word: &str| (0..45).map(|n| format!("{n}{}", word.repeat(4000 / word.len()))).collect::<Vec<_>>().join(" ");
    let many =
        [words("token="), words("token=a&b;c,d"), words("x://me:pass@"), format!("token={}", "(".repeat(1 << 18))];
    let parts =
        ["token=", "token=\"a", "token='", "--token ", "-----BEGIN token=", "[{\"\":", "[\"", "[\"\\\"", "{}", " -"];
    for text in many.into_iter().chain(parts.map(|part| part.repeat((1 << 18) / part.len()))) {
        let hidden = Hidden::in_description(&json!([text, { "token": text }]));
        assert!(hidden.0.keys().map(String::len).sum::<usize>() < 2 << 20, "{text:.20}");
    }
}

#[test]
fn as_much_of_a_value_is_hidden_as_is_shown() {
    let hidden = Hidden::in_description(&json!(["x://db?password=hunter2&user=me"]));
    assert_eq!(hidden.mask("hunter2&user=you, hunter2, hunter!"), "***you, ***, hunter!");
    assert_eq!(hidden.mask("hunter2&us\u{2026}"), "***\u{2026}");
}

/// A job with `secret` in every place in which a secret is looked for.
fn job_with(secret: &str) -> Job {
    let named = |name: &str| (name.to_owned(), secret.to_owned());
    let parameters = Parameters {
        file: "s3://code/pi.py".to_owned(),
        args: vec!["--password".to_owned(), secret.to_owned(), format!("--token={secret}")],
        environment: [named("DB_PASSWORD")].into(),
        configuration: [named("spark.my.secret")].into(),
        ..Parameters::default()
    };
    let native = json!({"JobDriver": {"SparkSubmitJobDriver": {"entryPointArguments": ["--api-key", secret]}}});
    let Value::Object(native) = native else { unreachable!("an object") };
    let place = Place::EmrSteps("j-1".to_owned());
    Job { native: Native(native.into_iter().collect()), tags: [named("ApiToken")].into(), ..Job::of(place, parameters) }
}

proptest! {
    #[test]
    fn debug_shows_no_secret_and_no_mask_leaves_one(
        secret in "[!-~\u{e9}]([ -~\u{e9}]{2,20})[!-~\u{e9}]",
        before in "\\PC{0,20}",
        after in "\\PC{0,20}",
    ) {
        prop_assume!(!["true", "false"].contains(&secret.to_lowercase().as_str()) && !MASK.contains(&secret));
        // What a job shows without any secret may have it in it, if that is short.
        let plain = job_with("");
        prop_assume!(!format!("{plain:?}").contains(&secret) && !secret.contains("***"));
        let job = job_with(&secret);
        let escaped = Value::from(secret.as_str()).to_string();
        for shown in [format!("{job:?}"), format!("{:?}", job.parameters), format!("{:?}", job.native)] {
            prop_assert!(!shown.contains(&secret) && !shown.contains(escaped.trim_matches('"')), "{}", shown);
        }
        let hidden = Hidden::in_description(&serde_json::to_value(&job).expect("JSON"));
        let told = hidden.mask(&format!("{before}{secret}{after} {escaped}")).into_owned();
        prop_assert!(!told.contains(&secret), "{}", told);
        prop_assert!(told.len() <= before.len() + secret.len() + after.len() + escaped.len() + 1);
    }

    #[test]
    fn json_within_what_is_said_shows_no_secret(secret in "[!-~\u{e9}][ -~\u{e9}]{2,20}[!-~\u{e9}]") {
        prop_assume!(!secret.contains("***") && !is_plain(&secret));
        for json in [json!({ "token": secret }), json!(["--password", secret]), json!({ "a": [{ "my.key": secret }] })] {
            let (text, secret) = (format!("refused: {json} of 5"), json!(secret).to_string());
            let told = told(&text);
            prop_assert!(!told.contains(&secret) && told.ends_with(" of 5"), "{}", told);
        }
    }

    #[test]
    fn any_text_is_masked_without_a_panic(
        secrets in proptest::collection::vec("\\PC{0,8}|\u{2026}{1,5}", 0..5),
        text in "(\\PC|\u{2026}|token|--|[:=\"'{\\[]){0,40}",
    ) {
        let hidden = Hidden::of(secrets.iter().map(String::as_str));
        prop_assert!(hidden.mask(&text).len() <= text.len() + 3);
        prop_assert!(told(&text).len() <= text.len() + 3);
    }
}

#[test]
fn what_an_engine_has_cut_within_a_secret_is_hidden() {
    let hidden = Hidden::of(["hunter2-of-the-snark"]);
    for (text, masked) in [
        ("failed with --password hunter", "failed with --password ***"),
        ("failed with --password hunter2-of-the-...", "failed with --password ***..."),
        ("failed with --password hunter\u{2026} (cut)", "failed with --password ***\u{2026} (cut)"),
        ("failed with --password hu\u{2026}", "failed with --password ***\u{2026}"),
        ("the boojum is no hunt", "the boojum is no hunt"),
        ("hunter2 is who hunts", "hunter2 is who hunts"),
    ] {
        assert_eq!(hidden.mask(text), masked);
    }
}

/// As EMR may repeat what it was sent.
#[test]
fn what_a_service_splits_again_is_hidden_in_its_quotes() {
    for secret in [
        "pass'$word9",
        "pass'\"word9",
        "pass''\"word9",
        "'pass\"word9'",
        "pass'word\"end'",
        "pass\\word9",
        "correct horse",
        "it's-mine",
    ] {
        for splitter in [Splitter::EmrOnEks, Splitter::EmrServerless] {
            let conf = format!("spark.executorEnv.DB_PASSWORD={secret}");
            let hidden = Hidden::in_description(&json!({ "Environment": { "DB_PASSWORD": secret } }));
            let sent = join(&["--conf".to_owned(), conf], splitter);
            let shown = hidden.mask(&sent).into_owned();
            assert!(shown.contains("DB_PASSWORD=") && shown.contains("***"), "{sent}: {shown}");
            let parts = secret.split(['\'', '"', '\\']).filter(|part| part.len() > 2);
            assert!(parts.clone().all(|part| !shown.contains(part)), "{sent}: {shown}");
        }
    }
}
