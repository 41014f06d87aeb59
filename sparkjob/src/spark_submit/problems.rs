//! What of the portable block an engine would refuse or lose, told before anything is submitted.

use std::collections::BTreeMap;

use super::quote::{Splitter, join, unspeakable};
use super::{Invocation, Way, command};
use crate::job::Parameters;

/// What is wrong with a part of the block. It quotes no value, as any may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem<'a> {
    /// Which part.
    pub spot: Spot<'a>,
    /// What is allowed, to be read after the part's path.
    pub text: String,
}

/// A part of the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot<'a> {
    /// All of it.
    Block,
    /// A field.
    Field(&'static str),
    /// An element of a field that is a list.
    Element(&'static str, usize),
    /// An entry of a field that is a map.
    Entry(&'static str, &'a str),
}

/// How long all texts of a step may be [together](https://docs.aws.amazon.com/emr/latest/APIReference/API_AddJobFlowSteps.html).
pub(crate) const LONGEST_STEP: usize = 10_240;

/// Everything that `way` has no place for, or would not bring to Spark as it is.
pub fn problems(told: &Parameters, way: Way) -> Vec<Problem<'_>> {
    let found = match way {
        Way::EmrOnEks => eks(told),
        Way::EmrServerless => serverless(told),
        Way::ClientStep | Way::ClusterStep => steps(told, way),
    };
    let found = found.into_iter().map(|(spot, text)| Problem { spot, text });
    found.collect()
}

type Found<'a> = Vec<(Spot<'a>, String)>;

/// The longest name that a run has, for measuring.
const LONGEST_NAME: usize = 64;

/// `SparkSubmitJobDriver` of the [API](https://docs.aws.amazon.com/emr-on-eks/latest/APIReference/API_SparkSubmitJobDriver.html).
fn eks(told: &Parameters) -> Found<'_> {
    let mut found = longer_than(256, Spot::Field("File"), &told.file, Way::EmrOnEks);
    for (index, argument) in told.args.iter().enumerate() {
        let spot = Spot::Element("Args", index);
        found.extend(longer_than(10_280, spot, argument, Way::EmrOnEks));
        if argument.trim().is_empty() {
            found.push((spot, "must not be empty or blank on EMR on EKS".to_owned()));
        }
        found.extend(unspeakable(argument).map(|rule| (spot, format!("{rule} on EMR on EKS"))));
        // https://docs.aws.amazon.com/emr/latest/EMR-on-EKS-DevelopmentGuide/emr-eks-jobs-CLI.html
        if argument.contains(['(', ')', '[', ']', '{', '}']) {
            found.push((spot, "must not hold brackets or parentheses on EMR on EKS".to_owned()));
        }
    }
    found.extend(no_yarn(told, Way::EmrOnEks));
    found.extend(parameters(told, Way::EmrOnEks, Splitter::EmrOnEks));
    found
}

/// `SparkSubmit` of the [API](https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_SparkSubmit.html).
fn serverless(told: &Parameters) -> Found<'_> {
    const MOST_ARGUMENTS: usize = 1024;
    let mut found = longer_than(4096, Spot::Field("File"), &told.file, Way::EmrServerless);
    if told.args.len() > MOST_ARGUMENTS {
        let count = told.args.len();
        found.push((Spot::Field("Args"), format!("must be at most {MOST_ARGUMENTS} on EMR Serverless, got {count}")));
    }
    found.extend(no_yarn(told, Way::EmrServerless));
    found.extend(parameters(told, Way::EmrServerless, Splitter::EmrServerless));
    found
}

fn no_yarn(told: &Parameters, way: Way) -> Found<'static> {
    let engine = way.engine();
    let queue =
        told.queue.is_some().then(|| (Spot::Field("Queue"), format!("not possible on {engine}: a queue is YARN's")));
    let user = told.proxy_user.is_some().then(|| {
        (Spot::Field("ProxyUser"), format!("not possible on {engine}, where a job runs as its execution role"))
    });
    queue.into_iter().chain(user).collect()
}

/// What both services' `sparkSubmitParameters` do not take.
fn parameters(told: &Parameters, way: Way, splitter: Splitter) -> Found<'_> {
    const LONGEST: usize = 102_400;
    let engine = way.engine();
    let texts = texts(told).into_iter().filter(|(spot, _)| !is_apart(*spot));
    let unspeakable = texts.filter_map(|(spot, text)| Some((spot, format!("{} on {engine}", unspeakable(text)?))));
    let mut found: Found = unspeakable.collect();
    let length = length(&join(&Invocation::of(told, &"x".repeat(LONGEST_NAME), way).parameters, splitter));
    if length > LONGEST {
        let most = longest_field(told, |spot| !is_apart(spot));
        found.push((
            Spot::Block,
            format!(
                "must be at most {LONGEST} characters on {engine} without File and Args, got {length}; \
                 {most} is the longest: put what is large into a file of its own or, of Configuration, into ConfigurationOverrides"
            ),
        ));
    }
    found
}

/// Whether the services are told it apart from the parameters.
fn is_apart(spot: Spot) -> bool {
    matches!(spot, Spot::Field("File") | Spot::Element("Args", _))
}

/// `HadoopJarStepConfig` of the [API](https://docs.aws.amazon.com/emr/latest/APIReference/API_HadoopJarStepConfig.html), and
/// what is behind it.
fn steps(told: &Parameters, way: Way) -> Found<'_> {
    let mut found: Found = texts(told)
        .into_iter()
        .filter(|(_, text)| !text.chars().all(is_of_xml))
        .map(|(spot, _)| (spot, "must not hold control characters, but tabs and line breaks, on EMR steps".to_owned()))
        .collect();
    for (index, argument) in told.args.iter().enumerate() {
        let spot = Spot::Element("Args", index);
        // https://github.com/Yelp/mrjob/issues/2070
        if argument.is_empty() {
            found.push((spot, "must not be empty on EMR steps: command-runner.jar drops empty arguments".to_owned()));
        }
        // In the command that starts the driver YARN makes a dollar sign of the former and nothing of the latter:
        // https://hadoop.apache.org/docs/stable/api/org/apache/hadoop/yarn/api/ApplicationConstants.html
        // https://github.com/Yelp/mrjob/pull/2082
        if way == Way::ClusterStep && (argument.contains("{{") || argument.contains("}}")) {
            let text =
                "must not hold {{ or }} with DeployMode cluster, as YARN takes them for marks of its own variables";
            found.push((spot, text.to_owned()));
        }
    }
    found.extend(deploy_mode(told));
    found.extend(step_length(told, way));
    found
}

/// The deploy mode decides how a step is stopped, so there is one place where it is said.
fn deploy_mode(told: &Parameters) -> Option<(Spot<'_>, String)> {
    const PROPERTY: &str = "spark.submit.deployMode";
    told.configuration.contains_key(PROPERTY).then(|| {
        (Spot::Entry("Configuration", PROPERTY), "not possible on EMR steps, where DeployMode says it".to_owned())
    })
}

/// The longest tag that a submission has, for measuring.
pub(crate) fn longest_tag() -> String {
    command::marked_tag(&"x".repeat(LONGEST_NAME), 0)
}

fn step_length(told: &Parameters, way: Way) -> Option<(Spot<'_>, String)> {
    let command = Invocation::of(told, &"x".repeat(LONGEST_NAME), way).command();
    let total = command::tagged(&command, &longest_tag()).iter().map(|word| length(word)).sum::<usize>()
        + length("command-runner.jar");
    (total > LONGEST_STEP).then(|| {
        let most = longest_field(told, |_| true);
        let rule = format!("must make a step of at most {LONGEST_STEP} characters, makes {total}");
        (Spot::Block, format!("{rule}; {most} is the longest: put what is large into a file of its own"))
    })
}

/// The API's pattern: what XML can hold, and both halves of what Java writes as two.
fn is_of_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

fn longer_than<'a>(most: usize, spot: Spot<'a>, text: &str, way: Way) -> Found<'a> {
    let (engine, got) = (way.engine(), length(text));
    let too_long = (got > most).then(|| (spot, format!("must be at most {most} characters on {engine}, got {got}")));
    too_long.into_iter().collect()
}

/// The field whose texts are the longest in all, of those that count; a map's names count too.
fn longest_field(told: &Parameters, counts: impl Fn(Spot) -> bool) -> &'static str {
    let mut lengths: BTreeMap<&'static str, usize> = BTreeMap::new();
    for (spot, text) in texts(told).into_iter().filter(|(spot, _)| counts(*spot)) {
        let (field, name) = match spot {
            Spot::Entry(field, name) => (field, name),
            Spot::Field(field) | Spot::Element(field, _) => (field, ""),
            Spot::Block => continue,
        };
        *lengths.entry(field).or_default() += length(name) + length(text);
    }
    lengths.into_iter().max_by_key(|(_, length)| *length).unwrap_or_default().0
}

/// Every text that a person chose, and where it stands.
fn texts(told: &Parameters) -> Vec<(Spot<'_>, &str)> {
    let fields = [
        ("File", Some(&told.file)),
        ("ClassName", told.class_name.as_ref()),
        ("Queue", told.queue.as_ref()),
        ("ProxyUser", told.proxy_user.as_ref()),
        ("Name", told.name.as_ref()),
    ];
    let lists = [
        ("Args", &told.args),
        ("Jars", &told.jars),
        ("PyFiles", &told.py_files),
        ("Files", &told.files),
        ("Archives", &told.archives),
        ("Packages", &told.packages),
    ];
    let maps = [("Environment", &told.environment), ("Configuration", &told.configuration)];
    let mut texts: Vec<(Spot, &str)> = Vec::new();
    for (field, text) in fields {
        texts.extend(text.map(|text| (Spot::Field(field), text.as_str())));
    }
    for (field, list) in lists {
        texts.extend(list.iter().enumerate().map(|(index, text)| (Spot::Element(field, index), text.as_str())));
    }
    for (field, map) in maps {
        texts.extend(map.iter().map(|(name, text)| (Spot::Entry(field, name), text.as_str())));
    }
    texts
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests;
