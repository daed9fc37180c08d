//! Sets of characters: what `.`, `\w`, `[a-z]` and letters without regard to case are to Python.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::LazyLock;

/// The characters that one place of an expression may be.
#[derive(Clone, Debug, Default)]
pub(super) struct CharacterSet {
    /// Whether it is all characters but these.
    pub(super) negated: bool,
    /// First and last code point of each range; surrogates are allowed, and are no character of any text.
    pub(super) ranges: Vec<(u32, u32)>,
    pub(super) classes: Vec<Class>,
}

/// `\d`, `\s`, `\w`, and their opposites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) kind: ClassKind,
    pub(super) negated: bool,
    pub(super) ascii: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClassKind {
    Digit,
    Space,
    Word,
}

/// How letters that differ in case compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Distinct,
    /// Without regard to the case of ASCII letters.
    FoldAscii,
    /// Without regard to case.
    Fold,
}

impl CharacterSet {
    pub(super) fn of(code: u32, case: Case) -> Self {
        let mut set = Self { ranges: vec![(code, code)], ..Self::default() };
        set.fold(case);
        set
    }

    pub(super) fn of_class(class: Class) -> Self {
        Self { classes: vec![class], ..Self::default() }
    }

    /// What `.` stands for.
    pub(super) fn any(line_feeds: bool) -> Self {
        let ranges = if line_feeds { Vec::new() } else { vec![(0x0A, 0x0A)] };
        Self { negated: true, ranges, classes: Vec::new() }
    }

    /// Adds the characters that are the same as those of the ranges but for their case. Classes hold all cases already.
    pub(super) fn fold(&mut self, case: Case) {
        match case {
            Case::Distinct => {}
            Case::FoldAscii => self.fold_ascii(),
            Case::Fold => self.fold_all(),
        }
    }

    fn fold_ascii(&mut self) {
        for i in 0..self.ranges.len() {
            let (first, last) = self.ranges[i];
            for (from, to) in [(b'a', b'A'), (b'A', b'a')] {
                let (first, last) = (first.max(from.into()), last.min(u32::from(from) + 25));
                if first <= last {
                    let (from, to) = (u32::from(from), u32::from(to));
                    self.ranges.push((first - from + to, last - from + to));
                }
            }
        }
    }

    fn fold_all(&mut self) {
        let cases = &*CASES;
        let mut added = Vec::new();
        if let [(first, last)] = self.ranges[..]
            && first == last
        {
            added.extend(cases.class_of.get(&first).map(|&class| &cases.classes[class]).into_iter().flatten());
        } else {
            let is_member = |code: u32| self.ranges.iter().any(|&(first, last)| first <= code && code <= last);
            let touched = cases.classes.iter().filter(|class| class.iter().any(|&code| is_member(code)));
            added.extend(touched.flatten());
        }
        self.ranges.extend(added.into_iter().map(|&code| (code, code)));
    }

    /// Writes the set in the syntax that `regex` and `fancy-regex` share.
    pub(super) fn write(&self, out: &mut String) {
        let ranges = self.text_ranges();
        match (&ranges[..], &self.classes[..], self.negated) {
            ([(one, last)], [], false) if one == last => write_character(*one, out),
            ([], [], true) => out.push_str("(?s:.)"),
            ([], [], false) => out.push_str(r"[^\x{0}-\x{10FFFF}]"),
            _ => {
                out.push_str(if self.negated { "[^" } else { "[" });
                for &(first, last) in &ranges {
                    write_character(first, out);
                    if first != last {
                        out.push('-');
                        write_character(last, out);
                    }
                }
                for class in &self.classes {
                    class.write(out);
                }
                out.push(']');
            }
        }
    }

    /// The ranges in order, disjoint, and without surrogates.
    fn text_ranges(&self) -> Vec<(char, char)> {
        let mut sorted = self.ranges.clone();
        sorted.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(sorted.len());
        for (first, last) in sorted {
            match merged.last_mut() {
                Some(previous) if first <= previous.1.saturating_add(1) => previous.1 = previous.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        let around_surrogates = merged
            .into_iter()
            .flat_map(|(first, last)| [(first, last.min(0xD7FF)), (first.max(0xE000), last)])
            .filter(|(first, last)| first <= last);
        around_surrogates.filter_map(|(first, last)| Some((char::from_u32(first)?, char::from_u32(last)?))).collect()
    }
}

impl Class {
    /// Writes the class as part of a set.
    fn write(self, out: &mut String) {
        let members = match (self.kind, self.ascii) {
            (ClassKind::Digit, false) => r"\p{Nd}",
            (ClassKind::Digit, true) => "0-9",
            // U+001C to U+001F separate, and so are white space to Python; to Unicode they are not.
            (ClassKind::Space, false) => {
                r"\x{9}-\x{D}\x{1C}-\x{20}\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}"
            }
            (ClassKind::Space, true) => r"\x{9}-\x{D}\x{20}",
            // Neither marks nor connecting punctuation but `_`, which Unicode counts among the characters of words.
            (ClassKind::Word, false) => r"\p{L}\p{N}_",
            (ClassKind::Word, true) => "0-9A-Za-z_",
        };
        if self.negated {
            out.push_str("[^");
            out.push_str(members);
            out.push(']');
        } else {
            out.push_str(members);
        }
    }
}

fn write_character(character: char, out: &mut String) {
    if character.is_ascii_alphanumeric() || character == '_' {
        out.push(character);
    } else {
        write!(out, "\\x{{{:X}}}", u32::from(character)).expect("writing to a string cannot fail");
    }
}

/// Characters that are the same but for their case.
struct Cases {
    classes: Vec<Vec<u32>>,
    class_of: HashMap<u32, usize>,
}

static CASES: LazyLock<Cases> = LazyLock::new(Cases::of_unicode);

impl Cases {
    /// To Python two characters are the same but for their case if their lower-case forms are, or are the same again when
    /// put in upper case: `ſ` is `s`, and the Kelvin sign is `k`. Of a lower-case form of several characters (that of `İ`
    /// only) the first counts.
    fn of_unicode() -> Self {
        // Beyond this there is no character that has a case.
        let letters = '\0'..'\u{1FFFF}';
        let mut by_upper_case: HashMap<String, Vec<u32>> = HashMap::new();
        for letter in letters {
            let lower = letter.to_lowercase().next().unwrap_or(letter);
            let upper = lower.to_uppercase();
            if lower != letter || upper.len() > 1 || upper.clone().next() != Some(letter) {
                by_upper_case.entry(upper.collect()).or_default().push(letter.into());
            }
        }
        let classes: Vec<_> = by_upper_case.into_values().filter(|class| class.len() > 1).collect();
        let class_of =
            classes.iter().enumerate().flat_map(|(i, class)| class.iter().map(move |&code| (code, i))).collect();
        Self { classes, class_of }
    }
}
