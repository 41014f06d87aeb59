//! What AWS publishes about the requests: names, types, limits.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Api;

/// The shape of what is meant by `name` in the API's model.
///
/// # Panics
/// Where the model has none of that name: all names come from the model itself.
pub(super) fn shape(api: Api, name: &str) -> &'static Shape {
    shapes(api).get(name).unwrap_or_else(|| panic!("{api:?} has no shape {name}"))
}

/// All shapes of an API, by their names.
pub(super) fn shapes(api: Api) -> &'static Shapes {
    match api {
        Api::Emr => &TABLE.emr,
        Api::EmrContainers => &TABLE.emr_containers,
        Api::EmrServerless => &TABLE.emr_serverless,
    }
}

type Shapes = BTreeMap<String, Shape>;

/// It is read when it is first needed: who runs Livy never needs it.
static TABLE: LazyLock<Table> =
    LazyLock::new(|| serde_json::from_str(include_str!("../shapes.json")).expect("a table that is tested"));

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    emr: Shapes,
    emr_containers: Shapes,
    emr_serverless: Shapes,
}

/// What a value must be. What is inside it is told by the name of its shape.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Shape {
    Structure(Structure),
    List(List),
    Map(Map),
    String(Text),
    Integer(Whole),
    Long(Whole),
    Boolean {},
}

/// An object with the names that the model has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Structure {
    /// From a member's name to its shape's.
    pub members: BTreeMap<String, String>,
    #[serde(default)]
    pub required: Vec<String>,
    /// Whether exactly one member is given.
    #[serde(default)]
    pub union: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    pub member: String,
    min: Option<usize>,
    max: Option<usize>,
}

/// An object with any names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Map {
    pub key: String,
    pub value: String,
    min: Option<usize>,
    max: Option<usize>,
    #[serde(default)]
    sensitive: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    /// The words that are allowed; any where there are none.
    #[serde(default, rename = "enum")]
    pub words: Vec<String>,
    /// What it must look like as a whole, as the model has it.
    pub pattern: Option<String>,
    min: Option<usize>,
    max: Option<usize>,
    #[serde(default)]
    sensitive: bool,
}

/// A whole number.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whole {
    pub min: Option<u32>,
    pub max: Option<u32>,
}

/// How much of something there may be: characters of a text, elements of a list, entries of a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Limits {
    pub least: usize,
    /// None where the model names no limit.
    pub most: Option<usize>,
}

impl Shape {
    /// How much of it there may be; no limit where that makes no sense.
    pub fn limits(&self) -> Limits {
        let (min, max) = match self {
            Self::List(list) => (list.min, list.max),
            Self::Map(map) => (map.min, map.max),
            Self::String(text) => (text.min, text.max),
            Self::Structure(_) | Self::Integer(_) | Self::Long(_) | Self::Boolean {} => (None, None),
        };
        Limits { least: min.unwrap_or(0), most: max }
    }

    /// Whether the model calls it a secret, with all that is inside.
    pub fn is_sensitive(&self) -> bool {
        match self {
            Self::Map(map) => map.sensitive,
            Self::String(text) => text.sensitive,
            Self::Structure(_) | Self::List(_) | Self::Integer(_) | Self::Long(_) | Self::Boolean {} => false,
        }
    }
}
