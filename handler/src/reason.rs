//! What people read in the stack's events: the most telling first.

use sparkjob::hidden::readable;
use sparkjob::outcome::{self, Failure, Outcome};

use crate::presigned::without_signatures;
use crate::room::{cost, cut};

/// What an answer says of an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    said: String,
    tail: Vec<String>,
}

/// The exception may not push out where the log is and what to do, and one line of a log not all others.
const EXCEPTION_ROOM: usize = 1000;
const LINE_ROOM: usize = 400;

const TAIL_TITLE: &str = " Last lines of its log:";

impl Reason {
    /// What there is to say; none where all went as it should.
    pub fn of(outcome: &Outcome) -> Option<Self> {
        let notes = outcome.notes.iter().map(|note| sentence(note));
        let Some(failure) = &outcome.failure else {
            let said = joined(notes);
            return (!said.is_empty()).then_some(Self { said, tail: Vec::new() });
        };
        let told = [sentence(&failure.what), exception(failure, outcome), full_log(outcome), sentence(&failure.advice)];
        let said = joined(told.into_iter().chain(notes));
        // CloudFormation takes no failure without a reason.
        let said = if said.is_empty() { "It failed for a reason that nobody told.".to_owned() } else { said };
        let tail = outcome.report.tail.iter().map(|line| cut(clean(line).trim_end(), LINE_ROOM));
        Some(Self { said, tail: tail.filter(|line| !line.is_empty()).collect() })
    }

    /// What it costs without the job's log.
    pub fn cost(&self) -> usize {
        cost(&self.said)
    }

    /// What fits into `room`: the log gives way first, from its oldest line on, then the rest from its end.
    pub fn within(&self, room: usize) -> String {
        let mut text = cut(&self.said, room);
        let mut left = room.saturating_sub(cost(&text) + cost(TAIL_TITLE));
        let newest_first = self.tail.iter().rev().take_while(|line| {
            let taken = cost(line) + cost("\n");
            let fits = taken <= left;
            left = left.saturating_sub(taken);
            fits
        });
        let shown = newest_first.count();
        if shown > 0 {
            text.push_str(TAIL_TITLE);
            for line in &self.tail[self.tail.len() - shown..] {
                text.push('\n');
                text.push_str(line);
            }
        }
        text
    }
}

/// `text` as `CloudFormation` can show it: its API speaks XML, which has no control characters, and a log may colour
/// its lines. No signature either, whoever wrote it there.
pub fn clean(text: &str) -> String {
    without_signatures(&readable(text).replace('\t', " "))
}

fn exception(failure: &Failure, outcome: &Outcome) -> String {
    let lines = outcome.report.exception.iter().map(|line| clean(line).trim().to_owned());
    let news: Vec<String> = lines.filter(|line| !line.is_empty() && !failure.what.contains(line.as_str())).collect();
    sentence(&cut(&news.join("; "), EXCEPTION_ROOM))
}

fn full_log(outcome: &Outcome) -> String {
    let place = &outcome.report.full_log;
    if place.trim().is_empty() { String::new() } else { sentence(&format!("Full log: {place}")) }
}

/// `text` as a sentence that `CloudFormation` can show.
fn sentence(text: &str) -> String {
    outcome::sentence(&clean(text))
}

fn joined(sentences: impl Iterator<Item = String>) -> String {
    let said: Vec<String> = sentences.filter(|sentence| !sentence.is_empty()).collect();
    said.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use proptest::prelude::*;

    #[test]
    fn a_failure_tells_the_most_telling_first() {
        let mut outcome = sample::dead_job();
        outcome.notes = vec!["Batch 2 was left behind".to_owned()];
        assert_eq!(
            Reason::of(&outcome).expect("a reason").within(4000),
            "Pi failed on Livy at http://emr:8998: batch 3 is dead. ValueError: no such column \"fare\"; at pi.py, \
             line 3. Full log: http://emr:8998/batches/3/log. Fix the job and deploy again. Batch 2 was left behind. \
             Last lines of its log:\nreading\nclosing"
        );
    }

    #[test]
    fn the_oldest_lines_of_the_log_give_way_first() {
        let reason = Reason::of(&sample::dead_job()).expect("a reason");
        let whole = reason.within(4000);
        let tight = reason.within(cost(&whole) - 1);
        assert_eq!(tight, whole.replace("reading\n", ""));
        assert_eq!(reason.within(reason.cost() + 5), reason.said);
        assert!(reason.within(20).starts_with("Pi failed on Livy"));
    }

    #[test]
    fn a_success_tells_its_notes_alone() {
        let mut outcome = sample::dead_job();
        outcome.failure = None;
        assert_eq!(Reason::of(&outcome), None);
        outcome.notes = vec!["It was not waited for".to_owned(), "It runs.".to_owned()];
        assert_eq!(Reason::of(&outcome).expect("a reason").within(4000), "It was not waited for. It runs.");
    }

    #[test]
    fn an_exception_that_was_told_already_is_not_told_twice() {
        let mut outcome = sample::dead_job();
        outcome.failure.as_mut().expect("a failure").what =
            "Pi died of ValueError: no such column \"fare\".".to_owned();
        let reason = Reason::of(&outcome).expect("a reason").within(4000);
        assert_eq!(reason.matches("ValueError").count(), 1);
    }

    #[test]
    fn colours_control_characters_and_signatures_are_left_out() {
        let line = "\u{1b}[31mERROR\u{1b}[0m\tat\r \0s3://x https://s3/?X-Amz-Signature=abc\u{fffe}\u{1b}[";
        assert_eq!(clean(line), "ERROR at s3://x (a signed address)");
    }

    proptest! {
        #[test]
        fn any_text_fits_any_room(what in any::<String>(), line in any::<String>(), room in 0_usize..2000) {
            let mut outcome = sample::dead_job();
            outcome.failure.as_mut().expect("a failure").what = what;
            outcome.report.tail = vec![line.clone(), line];
            prop_assert!(cost(&Reason::of(&outcome).expect("a reason").within(room)) <= room);
        }

        #[test]
        fn what_is_clean_has_no_control_characters(text in any::<String>()) {
            prop_assert!(!clean(&text).contains(|c: char| c.is_control() && c != '\n'));
        }
    }
}
