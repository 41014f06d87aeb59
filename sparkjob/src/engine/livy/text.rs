//! Text for people, within bounds.

use std::borrow::Cow;

/// `text`, cut to `characters` of which the last is an ellipsis where something was cut off.
pub fn clip(text: &str, characters: usize) -> Cow<'_, str> {
    if text.char_indices().nth(characters).is_none() {
        return Cow::Borrowed(text);
    }
    let kept: String = text.chars().take(characters.saturating_sub(1)).collect();
    Cow::Owned(kept + "…")
}
