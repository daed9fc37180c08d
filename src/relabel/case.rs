//! Lower and upper case as Go maps them: each character for itself, by Unicode's simple mappings.
//!
//! Rust maps texts by the full mappings, in which one character may become several, and `Σ` depends on its place.

/// All characters in lower case.
pub(super) fn lower(text: &str) -> String {
    text.chars().map(lower_of).collect()
}

/// All characters in upper case.
pub(super) fn upper(text: &str) -> String {
    text.chars().map(upper_of).collect()
}

fn lower_of(character: char) -> char {
    // The only character whose full mapping is longer than the simple one.
    if character == '\u{130}' { 'i' } else { single(character.to_lowercase()).unwrap_or(character) }
}

fn upper_of(character: char) -> char {
    single(character.to_uppercase()).unwrap_or_else(|| {
        // Small Greek letters with an iota below: the full mapping writes the iota after the letter, the simple one
        // gives the letter of the title case. All other characters without a single capital stay.
        let offset = match character {
            '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => 8,
            '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => 9,
            _ => 0,
        };
        char::from_u32(u32::from(character) + offset).unwrap_or(character)
    })
}

fn single(mut mapped: impl Iterator<Item = char>) -> Option<char> {
    let first = mapped.next();
    first.filter(|_| mapped.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_full_mappings_lengthen_stay_single() {
        // Expected: the columns of simple mappings in Unicode's character database.
        for (text, lowered, raised) in [
            ("Straße", "straße", "STRAßE"),
            ("İIıi", "iiıi", "İIII"),
            ("ΟΔΟΣ ς", "οδοσ ς", "ΟΔΟΣ Σ"),
            ("ﬁ ŉ ǰ", "ﬁ ŉ ǰ", "ﬁ ŉ ǰ"),
            ("ᾀᾳῃῳᾷ", "ᾀᾳῃῳᾷ", "ᾈᾼῌῼᾷ"),
            ("ǅ Kſ", "ǆ kſ", "Ǆ KS"),
            ("𐐀𐐨", "𐐨𐐨", "𐐀𐐀"),
        ] {
            assert_eq!((lower(text), upper(text)), (lowered.to_owned(), raised.to_owned()), "{text}");
        }
    }
}
