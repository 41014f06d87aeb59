//! What text costs in an answer whose bytes are counted.

/// The bytes that `text` takes within a JSON string, as `serde_json` writes it.
pub fn cost(text: &str) -> usize {
    text.chars().map(cost_of).sum()
}

/// As much of `text` from its beginning as costs no more than `room`; what is left out shows as an ellipsis.
pub fn cut(text: &str, room: usize) -> String {
    if cost(text) <= room {
        return text.to_owned();
    }
    let mut left = room.saturating_sub(cost(ELLIPSIS));
    let kept = text.chars().take_while(|&c| {
        let fits = cost_of(c) <= left;
        left = left.saturating_sub(cost_of(c));
        fits
    });
    let kept: String = kept.collect();
    if room < cost(ELLIPSIS) { String::new() } else { kept + ELLIPSIS }
}

const ELLIPSIS: &str = "…";

/// See [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259#section-7): control characters without a letter of their own
/// take six bytes.
fn cost_of(c: char) -> usize {
    match c {
        '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => 2,
        '\0'..='\u{1f}' => 6,
        _ => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_cost_is_what_serde_json_writes(text in "[\\x00-\\x7f\u{80}-\u{ff}🎇]{0,40}") {
            let written = serde_json::to_string(&text).expect("text");
            prop_assert_eq!(cost(&text), written.len() - 2);
        }

        #[test]
        fn what_is_cut_fits_and_begins_the_same(text in any::<String>(), room in 0_usize..60) {
            let kept = cut(&text, room);
            prop_assert!(cost(&kept) <= room);
            prop_assert!(kept == text || text.starts_with(kept.trim_end_matches('…')));
        }
    }

    #[test]
    fn text_that_fits_is_not_cut() {
        assert_eq!(cut("one", 3), "one");
        assert_eq!(cut("four", 3), "…");
        assert_eq!(cut("eleven", 5), "el…");
    }
}
