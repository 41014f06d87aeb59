//! What the arguments of a step say of the `spark-submit` that they call, and what is added to them.
//!
//! A step's arguments are all that EMR shows of how its job runs, and they are shown to whoever looks later: so they tell
//! whether the job is a part of the step or outlives it.

use serde_json::Value;

use super::yarn_tag;

/// An option of `spark-submit`'s with its value.
struct Opt<'a> {
    name: &'a str,
    value: &'a str,
    /// Which argument holds the value.
    at: usize,
}

/// Options that have no value:
/// [`SparkSubmitOptionParser`](https://github.com/apache/spark/blob/master/launcher/src/main/java/org/apache/spark/launcher/SparkSubmitOptionParser.java).
const SWITCHES: [&str; 7] = ["--help", "-h", "--supervise", "--usage-error", "--verbose", "-v", "--version"];

const TAGS: &str = "spark.yarn.tags";

/// Whether a step in cluster mode goes on for as long as its application does.
pub const WAITS: &str = "spark.yarn.submit.waitAppCompletion";

/// The tag of this step's very application, among those that begin with `tag`, where that runs in YARN and is no part of the
/// step: twin steps have one name, and the application of the one is not to be killed with that of the other.
pub fn own_tag<'a>(args: &'a [String], tag: &str) -> Option<&'a str> {
    let tags = tags(args).filter(|_| deploys_in_cluster(args))?;
    let is_marked = |rest: &str| rest.len() == MARK_LENGTH && rest.bytes().all(|b| b.is_ascii_hexdigit());
    let is_own = |one: &&str| one.strip_prefix(tag).and_then(|rest| rest.strip_prefix('-')).is_some_and(is_marked);
    tags.value.split(',').map(str::trim).find(is_own)
}

/// The tag of the application of the run `name`, with `mark` at its end, which no other submission has.
pub fn marked_tag(name: &str, mark: u32) -> String {
    format!("{}-{mark:08x}", yarn_tag(name))
}

const MARK_LENGTH: usize = 8;

/// Whether the step goes on for as long as the application does; Spark reads
/// [a truth in any case](https://github.com/apache/spark/blob/master/common/utils/src/main/scala/org/apache/spark/internal/config/ConfigBuilder.scala).
pub fn waits(args: &[String]) -> bool {
    property(args, WAITS).is_none_or(|waits| !waits.value.trim().eq_ignore_ascii_case("false"))
}

/// Whether the step is over as soon as it has submitted its application, so that nothing tells when that ends.
pub fn lets_go(args: &[String]) -> bool {
    deploys_in_cluster(args) && !waits(args)
}

/// The arguments of a `HadoopJarStep`, if all of them can be read.
pub fn args_of(jar_step: &Value) -> Option<Vec<String>> {
    let args = jar_step.get("Args")?.as_array()?;
    args.iter().map(|arg| arg.as_str().map(str::to_owned)).collect()
}

/// A `HadoopJarStep` with `tag` on the application, where it outlives the step: else it could not be found again. The step goes on for as
/// long unless it says otherwise: else the cluster's own defaults would decide that.
pub fn with_tag(mut jar_step: Value, tag: &str) -> Value {
    if let Some(args) = args_of(&jar_step) {
        jar_step["Args"] = tagged(&args, tag).into();
    }
    jar_step
}

/// The arguments of a step in the same way.
pub fn tagged(args: &[String], tag: &str) -> Vec<String> {
    let mut tagged = args.to_vec();
    if !deploys_in_cluster(args) {
        return tagged;
    }
    let mut more = Vec::new();
    match tags(args) {
        // Said twice, the later one would hold alone.
        Some(tags) => {
            let given = tagged[tags.at].trim_end_matches([',', ' ']);
            let separator = if given.ends_with('=') { "" } else { "," };
            tagged[tags.at] = format!("{given}{separator}{tag}");
        }
        None => more.push(format!("{TAGS}={tag}")),
    }
    if property(args, WAITS).is_none() {
        more.push(format!("{WAITS}=true"));
    }
    if let Some(at) = spark_submit(args) {
        tagged.splice(at + 1..=at, more.into_iter().flat_map(|property| ["--conf".to_owned(), property]));
    }
    tagged
}

fn deploys_in_cluster(args: &[String]) -> bool {
    let options = options(args);
    let last = |name: &str| options.iter().rev().find(|option| option.name == name).map(|option| option.value);
    match (last("--deploy-mode"), last("--master")) {
        (Some(mode), _) => mode == "cluster",
        (None, Some("yarn-cluster")) => true,
        (None, _) => property(args, "spark.submit.deployMode").is_some_and(|mode| mode.value == "cluster"),
    }
}

fn tags(args: &[String]) -> Option<Opt<'_>> {
    property(args, TAGS)
}

/// The property that holds, of those given by `--conf`, which is the last one. Blanks beside the equals sign are a part of it to Spark.
fn property<'a>(args: &'a [String], name: &'a str) -> Option<Opt<'a>> {
    let confs = options(args).into_iter().rev().filter(|option| option.name == "--conf" || option.name == "-c");
    confs.into_iter().find_map(|option| {
        let (property, value) = option.value.split_once('=')?;
        (property == name).then_some(Opt { name, value, at: option.at })
    })
}

/// The options before the entry point: what comes after that is the program's own.
fn options(args: &[String]) -> Vec<Opt<'_>> {
    let mut options = Vec::new();
    let begin = spark_submit(args).map_or(args.len(), |at| at + 1);
    let mut words = args.iter().enumerate().skip(begin);
    while let Some((at, word)) = words.next() {
        if !word.starts_with('-') {
            break;
        }
        if let Some((name, value)) = word.split_once('=').filter(|(name, _)| name.starts_with("--")) {
            options.push(Opt { name, value, at });
        } else if !SWITCHES.contains(&word.as_str())
            && let Some((at, value)) = words.next()
        {
            options.push(Opt { name: word, value, at });
        }
    }
    options
}

fn spark_submit(args: &[String]) -> Option<usize> {
    // What has an equals sign is a variable of `env`.
    let is_it = |word: &String| word == "spark-submit" || word.ends_with("/spark-submit") && !word.contains('=');
    args.iter().position(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_job_outlives_its_step_where_yarn_runs_its_driver_and_its_tag_is_known() {
        for (text, expected) in [
            ("spark-submit --deploy-mode cluster --conf spark.yarn.tags=pi-1-0abcdef1 pi.py", true),
            ("spark-submit --deploy-mode=cluster --conf=spark.yarn.tags=a,pi-1-0abcdef1 pi.py", true),
            (
                "env A=/usr/bin/spark-submit spark-submit --deploy-mode cluster --conf spark.yarn.tags=pi-1-0abcdef1 pi.py",
                true,
            ),
            (
                "env A=b /usr/bin/spark-submit --verbose --conf spark.submit.deployMode=cluster -c spark.yarn.tags=pi-1-0abcdef1 pi.py",
                true,
            ),
            ("spark-submit --master yarn-cluster --conf spark.yarn.tags=pi-1-0abcdef1 pi.py", true),
            ("spark-submit --deploy-mode client --conf spark.yarn.tags=pi-1-0abcdef1 pi.py", false),
            (
                "spark-submit --deploy-mode cluster --deploy-mode client --conf spark.yarn.tags=pi-1-0abcdef1 pi.py",
                false,
            ),
            (
                "spark-submit --deploy-mode client --conf spark.submit.deployMode=cluster --conf spark.yarn.tags=pi-1-0abcdef1 pi.py",
                false,
            ),
            ("spark-submit --conf spark.yarn.tags=pi-1-0abcdef1 pi.py --deploy-mode cluster", false),
            ("spark-submit --deploy-mode cluster --conf spark.yarn.tags=pi-10-0abcdef1 pi.py", false),
            (
                "spark-submit --deploy-mode cluster --conf spark.yarn.tags=pi-1-0abcdef1 --conf spark.yarn.tags=a pi.py",
                false,
            ),
            ("spark-submit --deploy-mode cluster --conf spark.yarn.tags=pi-1 pi.py", false),
            ("spark-submit --deploy-mode cluster pi.py", false),
            ("spark-example --deploy-mode cluster --conf spark.yarn.tags=pi-1-0abcdef1", false),
            ("spark-submit --deploy-mode", false),
            ("", false),
        ] {
            assert_eq!(own_tag(&words(text), "pi-1").is_some(), expected, "{text}");
        }
    }

    #[test]
    fn what_outlives_its_step_is_tagged_and_nothing_else_is_changed() {
        for (text, expected) in [
            (
                "env A=b spark-submit --deploy-mode cluster pi.py 1",
                "env A=b spark-submit --conf spark.yarn.tags=pi-1-0abcdef1 --conf spark.yarn.submit.waitAppCompletion=true --deploy-mode cluster pi.py 1",
            ),
            (
                "spark-submit --deploy-mode cluster --conf spark.yarn.tags=a,b pi.py",
                "spark-submit --conf spark.yarn.submit.waitAppCompletion=true --deploy-mode cluster --conf spark.yarn.tags=a,b,pi-1-0abcdef1 pi.py",
            ),
            (
                "spark-submit --conf=spark.yarn.tags=a --deploy-mode=cluster pi.py",
                "spark-submit --conf spark.yarn.submit.waitAppCompletion=true --conf=spark.yarn.tags=a,pi-1-0abcdef1 --deploy-mode=cluster pi.py",
            ),
            (
                "spark-submit --deploy-mode cluster --conf spark.yarn.tags= --conf spark.yarn.submit.waitAppCompletion=False pi.py",
                "spark-submit --deploy-mode cluster --conf spark.yarn.tags=pi-1-0abcdef1 --conf spark.yarn.submit.waitAppCompletion=False pi.py",
            ),
            ("spark-submit pi.py --deploy-mode cluster", "spark-submit pi.py --deploy-mode cluster"),
            ("hive-script --deploy-mode cluster", "hive-script --deploy-mode cluster"),
        ] {
            let tagged = tagged(&words(text), &marked_tag("Pi-1", 0x0abc_def1));
            assert_eq!(tagged, words(expected));
            assert_eq!(own_tag(&tagged, "pi-1").is_some(), deploys_in_cluster(&tagged));
        }
    }

    #[test]
    fn what_spark_takes_for_another_property_is_no_list_of_tags() {
        let args = ["spark-submit", "--deploy-mode", "cluster", "--conf", "spark.yarn.tags = a", "pi.py"];
        let tagged = tagged(&args.map(str::to_owned), "pi-1-0abcdef1");
        assert_eq!(tagged[..3], ["spark-submit", "--conf", "spark.yarn.tags=pi-1-0abcdef1"]);
        assert_eq!(own_tag(&tagged, "pi-1"), Some("pi-1-0abcdef1"));
    }

    #[test]
    fn only_an_explicit_no_ends_a_step_before_its_application() {
        assert!(waits(&words("spark-submit pi.py")));
        assert!(waits(&words("spark-submit --conf spark.yarn.submit.waitAppCompletion=true pi.py")));
        for no in ["false", "False", "FALSE"] {
            assert!(!waits(&words(&format!("spark-submit --conf spark.yarn.submit.waitAppCompletion={no} pi.py"))));
        }
    }
}
