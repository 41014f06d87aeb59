//! Lists of Livy's of which no more is kept than is of use, however much a server sends within the limit of an answer.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A page with more batches than Livy lists in all is none.
const MOST_BATCHES: usize = 10_000;

/// The last lines of a log, so many at most, without those that are `null`: Livy had no words for an error of YARN's.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines<const MOST: usize>(pub Vec<String>);

impl<'de, const MOST: usize> Deserialize<'de> for Lines<MOST> {
    fn deserialize<D: Deserializer<'de>>(entries: D) -> Result<Self, D::Error> {
        struct Last<const MOST: usize>;

        impl<'de, const MOST: usize> Visitor<'de> for Last<MOST> {
            type Value = Lines<MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the lines of a log")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Lines<MOST>, A::Error> {
                let mut last = VecDeque::new();
                while let Some(entry) = entries.next_element::<Option<String>>()? {
                    last.extend(entry);
                    if last.len() > MOST {
                        last.pop_front();
                    }
                }
                Ok(Lines(last.into()))
            }
        }

        entries.deserialize_seq(Last::<MOST>)
    }
}

/// The batches of a page.
pub fn batches<'de, D: Deserializer<'de>, T: Deserialize<'de>>(page: D) -> Result<Vec<T>, D::Error> {
    struct Page<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Page<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a page of batches")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut page: A) -> Result<Vec<T>, A::Error> {
            let mut batches = Vec::new();
            while let Some(batch) = page.next_element()? {
                if batches.len() == MOST_BATCHES {
                    return Err(A::Error::custom(format_args!("more than {MOST_BATCHES} batches")));
                }
                batches.push(batch);
            }
            Ok(batches)
        }
    }

    page.deserialize_seq(Page(PhantomData))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{LOG_LINES, Listing, Log};
    use super::*;

    #[test]
    fn of_a_log_the_last_lines_are_kept_and_none_that_is_nothing() {
        let entries: Vec<Option<String>> = (0..3001).map(|line| (line % 3 > 0).then(|| line.to_string())).collect();
        let log: Log = serde_json::from_value(json!({ "log": entries })).expect("a log");
        let expected: Vec<String> = entries.into_iter().flatten().collect();
        assert_eq!(log.log.0, expected[expected.len() - LOG_LINES..]);
    }

    #[test]
    fn a_page_of_more_batches_than_there_can_be_is_none() {
        for (count, is_one) in [(0, true), (MOST_BATCHES, true), (MOST_BATCHES + 1, false)] {
            let page = json!({ "total": 1, "sessions": vec![json!({ "id": 1 }); count] });
            assert_eq!(serde_json::from_value::<Listing>(page).is_ok(), is_one, "{count}");
        }
    }
}
