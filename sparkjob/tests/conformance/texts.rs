//! Texts on their way through JSON, splitters, shells and JVMs.

use std::collections::BTreeMap;

use sparkjob::job::Phase;

use crate::programs::TELLING;
use crate::stand::Stand;

/// Texts that mean something to shells, to Spark or to YARN.
const TEXTS: [&str; 16] = [
    "two words",
    " before and after ",
    "it's",
    "say \"so\"",
    "'\"'\\\"'",
    "back\\slash",
    "\\",
    "\\\\\" ",
    "$HOME $1 `id` \\$HOME",
    "# no comment",
    "a=b==c",
    "\u{e9} \u{2713} \u{6f22}\u{5b57} \u{1d11e}",
    "*?~;|&<>!%^",
    "a,b;c:d",
    "tab\there",
    "--conf",
];

/// Of arguments EMR on EKS takes none with brackets.
const BRACKETS: &str = "$(id) ${HOME} [a] {b}";

/// As arguments, as variables of the environment and as Spark properties.
pub async fn arrive_as_they_are(stand: &Stand) {
    let scene = stand.scene("texts");
    let file = stand.world.file("told.json");
    let numbered = |prefix: &str| -> BTreeMap<String, String> {
        let texts = TEXTS.into_iter().chain([BRACKETS]).enumerate();
        texts.map(|(number, text)| (format!("{prefix}{number}"), text.to_owned())).collect()
    };
    let mut job = stand.job(TELLING);
    let parameters = job.parameters.as_mut().expect("a portable job");
    parameters.args = [file.as_str()].into_iter().chain(TEXTS).map(str::to_owned).collect();
    parameters.environment = numbered("CONFORMANCE_");
    parameters.configuration = numbered("spark.conformance.");
    let run = scene.submit("1", &job).await.unwrap();
    assert_eq!(scene.end(&run).await, Phase::Succeeded, "{:?}", scene.engine.report(&run).await);
    let received = stand.world.received(&run, &file).await;
    assert_eq!(received.args, TEXTS);
    let only = |of: &BTreeMap<String, String>, prefix: &str| -> BTreeMap<String, String> {
        of.iter().filter(|(key, _)| key.starts_with(prefix)).map(|(key, text)| (key.clone(), text.clone())).collect()
    };
    assert_eq!(only(&received.configuration, "spark.conformance."), numbered("spark.conformance."));
    let executors = only(&received.configuration, "spark.executorEnv.CONFORMANCE_");
    assert_eq!(executors, numbered("spark.executorEnv.CONFORMANCE_"));
    if stand.ways.environment {
        assert_eq!(only(&received.environment, "CONFORMANCE_"), numbered("CONFORMANCE_"));
    }
}
