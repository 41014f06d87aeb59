//! Text for people, within bounds.

use std::borrow::Cow;

/// `text`, cut to `characters` of which the last is an ellipsis where something was cut off.
pub fn clip(text: &str, characters: usize) -> Cow<'_, str> {
    if text.char_indices().nth(characters).is_none() {
        return Cow::Borrowed(text);
    }
    let kept: String = text.chars().take(characters.saturating_sub(1)).collect();
    Cow::Owned(kept + "\u{2026}")
}

/// The same in one line, with one blank wherever there was white space.
pub fn line(text: &str, characters: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        // More than is kept tells that something is cut off; the rest may be megabytes.
        if line.len() > 4 * characters {
            break;
        }
    }
    clip(&line, characters).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_it_is_too_long_and_says_so() {
        assert_eq!((clip("abc", 3), clip("abcd", 3)), (Cow::Borrowed("abc"), Cow::Borrowed("ab\u{2026}")));
        assert_eq!(clip("\u{e9}\u{e9}\u{e9}", 2), "\u{e9}\u{2026}");
    }

    #[test]
    fn a_line_has_single_blanks_and_none_at_its_ends() {
        assert_eq!(line(" a\n\tb  c ", 9), "a b c");
        assert_eq!(line("a b c d", 4), "a b\u{2026}");
        assert_eq!(line(&"\u{e9} ".repeat(1 << 16), 5), "\u{e9} \u{e9} \u{2026}");
        assert_eq!(line(&"x".repeat(1 << 20), 5), "xxxx\u{2026}");
    }
}
