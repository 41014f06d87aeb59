//! Where a job runs: an engine and its address.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::LivyUrl;

/// Where a job runs: an engine and its address, as the template gives it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Place {
    /// [Apache Livy](https://livy.apache.org/docs/latest/rest-api.html), on EMR or anywhere else.
    #[serde(rename = "LivyUrl")]
    Livy(LivyUrl),
    /// Livy on the primary node of this cluster of EMR on EC2.
    #[serde(rename = "LivyClusterId")]
    LivyOnCluster(String),
    /// This virtual cluster of
    /// [EMR on EKS](https://docs.aws.amazon.com/emr-on-eks/latest/APIReference/Welcome.html).
    #[serde(rename = "VirtualClusterId")]
    EmrOnEks(String),
    /// This application of
    /// [EMR Serverless](https://docs.aws.amazon.com/emr-serverless/latest/APIReference/Welcome.html).
    #[serde(rename = "ApplicationId")]
    EmrServerless(String),
    /// The [steps](https://docs.aws.amazon.com/emr/latest/APIReference/API_AddJobFlowSteps.html) of this cluster of EMR on
    /// EC2.
    #[serde(rename = "ClusterId")]
    EmrSteps(String),
}

impl Place {
    /// The engine's name as the attribute `Engine` tells it.
    pub fn engine(&self) -> &'static str {
        match self {
            Self::Livy(_) | Self::LivyOnCluster(_) => "livy",
            Self::EmrOnEks(_) => "emr-on-eks",
            Self::EmrServerless(_) => "emr-serverless",
            Self::EmrSteps(_) => "emr-steps",
        }
    }

    /// What the engine calls a run, at the beginning of a sentence.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Livy(_) | Self::LivyOnCluster(_) => "Batch",
            Self::EmrOnEks(_) | Self::EmrServerless(_) => "Job run",
            Self::EmrSteps(_) => "Step",
        }
    }

    /// Whether the engine is Livy.
    pub fn is_livy(&self) -> bool {
        matches!(self, Self::Livy(_) | Self::LivyOnCluster(_))
    }

    /// Whether the engine honours the token of a submission: the same again is the same run, so a submission whose answer
    /// was lost is made again, and a first one needs no look before it.
    pub fn starts_once(&self) -> bool {
        matches!(self, Self::EmrOnEks(_) | Self::EmrServerless(_))
    }

    /// Whether the engine takes two runs of one name at the same moment, so that only a look afterwards tells whether there
    /// are two.
    pub fn takes_twins(&self) -> bool {
        matches!(self, Self::EmrSteps(_))
    }
}

/// For sentences: `Livy at http://emr-master:8998`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Livy(url) => write!(f, "Livy at {url}"),
            Self::LivyOnCluster(cluster) => write!(f, "Livy on cluster {cluster}"),
            Self::EmrOnEks(cluster) => write!(f, "EMR on EKS, virtual cluster {cluster}"),
            Self::EmrServerless(application) => write!(f, "EMR Serverless, application {application}"),
            Self::EmrSteps(cluster) => write!(f, "EMR, cluster {cluster}"),
        }
    }
}
