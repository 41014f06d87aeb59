//! The portable block as a call of `spark-submit`, for the engines that take one: pure, no I/O.
//!
//! It stands beside [`engine`](crate::engine) and above [`job`](crate::job) alone: engines send what is made here, and
//! whoever reads a description asks [`problems`] whether an engine would take it.

pub(crate) mod command;
mod conf;
mod problems;
pub mod quote;

use crate::job::Parameters;

pub(crate) use conf::{append, yarn_tag};
pub(crate) use problems::{LONGEST_STEP, longest_tag};
pub use problems::{Problem, Spot, problems};

/// Where `spark-submit` runs and who calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// EMR on EKS, on Kubernetes in cluster mode.
    EmrOnEks,
    /// EMR Serverless.
    EmrServerless,
    /// A step on YARN whose driver is a part of `spark-submit`, so that it ends with the step.
    ClientStep,
    /// A step on YARN whose driver runs somewhere in the cluster and outlives `spark-submit`.
    ClusterStep,
}

impl Way {
    /// The engine's name, for sentences.
    fn engine(self) -> &'static str {
        match self {
            Self::EmrOnEks => "EMR on EKS",
            Self::EmrServerless => "EMR Serverless",
            Self::ClientStep | Self::ClusterStep => "EMR steps",
        }
    }

    fn is_on_yarn(self) -> bool {
        matches!(self, Self::ClientStep | Self::ClusterStep)
    }
}

/// What `spark-submit <parameters> <entry point> <arguments>` takes. It may hold secrets, so it has no Debug to be shown by.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Invocation {
    /// `NAME=value` for the process of `spark-submit` itself: where that is the driver's too, else none.
    pub environment: Vec<String>,
    /// Options and their values, one element each.
    pub parameters: Vec<String>,
    /// The jar or Python file.
    pub entry_point: String,
    /// The program's own arguments.
    pub arguments: Vec<String>,
}

impl Invocation {
    /// The call that runs `told` under `name`, the same for the same.
    ///
    /// All that can be a Spark property is one: a property has the same meaning on every engine and appears once, whatever
    /// the user's own ones say. The rest has no property: the main class, whom to be, and the deploy mode, which
    /// an option sets whatever the cluster's defaults are.
    pub fn of(told: &Parameters, name: &str, way: Way) -> Self {
        let mut parameters = Vec::new();
        let mut add = |option: &str, value: &str| parameters.extend([option.to_owned(), value.to_owned()]);
        match way {
            Way::ClientStep => add("--deploy-mode", "client"),
            Way::ClusterStep => add("--deploy-mode", "cluster"),
            // The services choose for themselves.
            Way::EmrOnEks | Way::EmrServerless => {}
        }
        if let Some(class) = &told.class_name {
            add("--class", class);
        }
        if let Some(user) = &told.proxy_user {
            add("--proxy-user", user);
        }
        for (property, value) in conf::conf(told, name, way) {
            add("--conf", &format!("{property}={value}"));
        }
        let variables = told.environment.iter().filter(|_| way == Way::ClientStep);
        Self {
            environment: variables.map(|(name, value)| format!("{name}={value}")).collect(),
            parameters,
            entry_point: told.file.clone(),
            arguments: told.args.clone(),
        }
    }

    /// The whole as one command, for whoever runs commands: `env NAME=value spark-submit ...`.
    ///
    /// As `Args` of [`command-runner.jar`](https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-commandrunner.html) it
    /// needs no quotes: nothing splits them. One with blanks in it is
    /// [the name of a program](https://github.com/aws/aws-cdk/issues/8490), blanks included.
    pub fn command(&self) -> Vec<String> {
        let env = if self.environment.is_empty() { None } else { Some("env") };
        let words = env.into_iter().map(str::to_owned);
        words
            .chain(self.environment.iter().cloned())
            .chain(["spark-submit".to_owned()])
            .chain(self.parameters.iter().cloned())
            .chain([self.entry_point.clone()])
            .chain(self.arguments.iter().cloned())
            .collect()
    }
}

#[cfg(test)]
mod tests;
