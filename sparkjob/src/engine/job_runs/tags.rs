//! How the tags of a job run change.

use std::collections::HashMap;

use crate::engine::aws::AwsError;
use crate::engine::{Trouble, doing};
use crate::job::{RunRef, Tags};

/// What is missing from the tags that a job run has, and what of them is to go: nothing where it has them already, so that no
/// permission is needed to change nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Tags that it has not, or has with another value.
    pub missing: HashMap<String, String>,
    /// Keys of tags that it has and that only the old description wants.
    pub surplus: Vec<String>,
}

impl Change {
    /// From the tags that are `present` to the `wanted` ones, where `old` were wanted before.
    pub fn of(present: &HashMap<String, String>, wanted: &Tags, old: &Tags) -> Self {
        let missing = wanted.iter().filter(|&(key, value)| present.get(key) != Some(value));
        let surplus = old.keys().filter(|&key| !wanted.contains_key(key) && present.contains_key(key));
        Self {
            missing: missing.map(|(key, value)| (key.clone(), value.clone())).collect(),
            surplus: surplus.cloned().collect(),
        }
    }
}

/// What came of a call that changes tags: what is not there (any more), as `is_gone` tells, needs none.
pub fn tagged(
    answer: Result<(), AwsError>,
    is_gone: impl Fn(&AwsError) -> bool,
    run: &RunRef,
    permission: &str,
) -> Result<(), Trouble> {
    match answer {
        Err(error) if !is_gone(&error) => Err(error.while_doing(doing::tag(run), permission, &run.to_string())),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_changes_and_strangers_tags_stay() {
        let tags = |text: &str| -> Tags {
            text.split(' ').filter_map(|tag| tag.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
        };
        let change = |present: &str, wanted: &str, old: &str| {
            let change = Change::of(&tags(present).into_iter().collect(), &tags(wanted), &tags(old));
            (change.missing.into_iter().collect::<Tags>(), change.surplus.join(" "))
        };
        assert_eq!(change("a=1 b=2 z=9", "a=1 b=3 c=4", "a=1 b=2 d=5"), (tags("b=3 c=4"), String::new()));
        assert_eq!(change("a=1 d=7 z=9", "a=1", "d=5 e=6"), (Tags::new(), "d".to_owned()));
        assert_eq!(change("", "", ""), (Tags::new(), String::new()));
    }
}
