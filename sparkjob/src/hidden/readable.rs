//! What a reader sees of a text.

use std::borrow::Cow;

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
    fn colours_are_left_out_whole() {
        assert_eq!(readable("\u{1b}[1;31mERROR\u{1b}[0m\u{1b}[?25l of [m]\u{1b}["), "ERROR of [m]");
        assert_eq!(readable("\tplain\n"), Cow::Borrowed("\tplain\n"));
        assert_eq!(readable("a\u{0}b\r\u{fffe}\n\u{1b}c\u{7f}"), "ab\nc");
    }
}
