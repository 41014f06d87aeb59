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

/// `text` without what nobody sees of it: what colours it, and control characters but tabs and line breaks; and without the two that XML
/// does not know either. Any of them may stand within a secret.
pub fn readable(text: &str) -> Cow<'_, str> {
    let is_unseen = |c: char| c.is_control() && c != '\t' && c != '\n' || matches!(c, '\u{fffe}' | '\u{ffff}');
    if text.contains(is_unseen) { Cow::Owned(uncoloured(text).replace(is_unseen, "")) } else { Cow::Borrowed(text) }
}

/// `text` without what [colours](https://en.wikipedia.org/wiki/ANSI_escape_code#Control_Sequence_Introducer_commands) it on a
/// terminal: ESC, a bracket, parameters, a letter.
fn uncoloured(text: &str) -> Cow<'_, str> {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default();
    if first.len() == text.len() {
        return Cow::Borrowed(text);
    }
    let mut plain = first.to_owned();
    for part in parts {
        let behind = part.trim_start_matches(|c: char| ('0'..='?').contains(&c));
        plain.push_str(behind.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(behind));
    }
    Cow::Owned(plain)
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
    fn colours_are_left_out_whole() {
        assert_eq!(readable("\u{1b}[1;31mERROR\u{1b}[0m\u{1b}[?25l of [m]\u{1b}["), "ERROR of [m]");
        assert_eq!(readable("\tplain\n"), Cow::Borrowed("\tplain\n"));
        assert_eq!(readable("a\u{0}b\r\u{fffe}\n\u{1b}c\u{7f}"), "ab\nc");
    }

    #[test]
    fn a_line_has_single_blanks_and_none_at_its_ends() {
        assert_eq!(line(" a\n\tb  c ", 9), "a b c");
        assert_eq!(line("a b c d", 4), "a b\u{2026}");
        assert_eq!(line(&"\u{e9} ".repeat(1 << 16), 5), "\u{e9} \u{e9} \u{2026}");
        assert_eq!(line(&"x".repeat(1 << 20), 5), "xxxx\u{2026}");
    }
}
