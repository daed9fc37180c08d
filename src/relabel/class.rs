//! The parts of a regular expression that stand for characters: escapes, and classes in brackets and by name.

use std::fmt::Write;

use regex::Regex;

use super::syntax::{SyntaxProblem, as_written};

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// Writes a character so that it means itself, in brackets and outside.
pub(super) fn push_literal(text: &mut String, character: char) {
    if character.is_ascii_alphanumeric() || !character.is_ascii() {
        text.push(character);
    } else {
        write!(text, "\\x{:02X}", u32::from(character)).expect("writing to a string cannot fail");
    }
}

/// What `\d` and its kin stand for: ASCII in RE2.
pub(super) fn perl_class(letter: char) -> Option<&'static str> {
    Some(match letter {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => r"[\t\n\x0C\r ]",
        'S' => r"[^\t\n\x0C\r ]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        _ => return None,
    })
}

/// Reads `\pN`, `\p{Greek}`, `\P{^Greek}` at the beginning of `text`; gives it translated, and what follows.
pub(super) fn unicode_class(text: &str) -> Result<(String, &str), SyntaxProblem> {
    let unknown = |length: usize| SyntaxProblem::Class(text[..length].to_owned());
    let after = &text[2..];
    let (name, length) = if let Some(inner) = after.strip_prefix('{') {
        let end = inner.find('}').ok_or_else(|| SyntaxProblem::Class(as_written(text)))?;
        (&inner[..end], 2 + end + 2)
    } else {
        let length = after.chars().next().map_or(0, char::len_utf8);
        (&after[..length], 2 + length)
    };
    let (name, inverted) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
    let letter = if text.starts_with(r"\P") == inverted { 'p' } else { 'P' };
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' ')) {
        return Err(unknown(length));
    }
    // Of Unicode's properties, RE2 has general categories and scripts.
    let classes = ["gc", "sc"].map(|property| format!(r"\{letter}{{{property}={name}}}"));
    let class = classes.into_iter().find(|class| Regex::new(class).is_ok()).ok_or_else(|| unknown(length))?;
    Ok((class, &text[length..]))
}

/// Reads a class in brackets at the beginning of `text`, writes it translated, gives what follows.
pub(super) fn push_class<'t>(output: &mut String, text: &'t str) -> Result<&'t str, SyntaxProblem> {
    output.push('[');
    let mut rest = &text[1..];
    if let Some(after) = rest.strip_prefix('^') {
        output.push('^');
        rest = after;
    }
    let mut first = true;
    loop {
        if let Some(after) = rest.strip_prefix(']')
            && !first
        {
            output.push(']');
            return Ok(after);
        }
        rest = push_class_item(output, rest)?;
        first = false;
    }
}

fn push_class_item<'t>(output: &mut String, text: &'t str) -> Result<&'t str, SyntaxProblem> {
    if let Some((class, after)) = posix_class(text) {
        let name = &class[2..class.len() - 2];
        if !POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(SyntaxProblem::Class(class.to_owned()));
        }
        output.push_str(class);
        return Ok(after);
    }
    if let Some(escaped) = text.strip_prefix('\\').and_then(|after| after.chars().next()) {
        if matches!(escaped, 'p' | 'P') {
            let (class, after) = unicode_class(text)?;
            output.push_str(&class);
            return Ok(after);
        }
        if let Some(class) = perl_class(escaped) {
            output.push_str(class);
            return Ok(&text[2..]);
        }
    }
    let (low, mut after) = read_class_character(text)?;
    push_literal(output, low);
    // A minus before the closing bracket means itself.
    if let Some(range) = after.strip_prefix('-')
        && !range.is_empty()
        && !range.starts_with(']')
    {
        let (high, end) = read_class_character(range)?;
        if high < low {
            return Err(SyntaxProblem::Range(text[..text.len() - end.len()].to_owned()));
        }
        output.push('-');
        push_literal(output, high);
        after = end;
    }
    Ok(after)
}

/// `[:alpha:]` and what has its form.
fn posix_class(text: &str) -> Option<(&str, &str)> {
    let end = text.strip_prefix("[:")?.find(":]")? + 4;
    Some(text.split_at(end))
}

fn read_class_character(text: &str) -> Result<(char, &str), SyntaxProblem> {
    match text.chars().next() {
        None => Err(SyntaxProblem::MissingBracket),
        Some('\\') => read_escape(text),
        Some(character) => Ok((character, &text[character.len_utf8()..])),
    }
}

/// Reads an escape that stands for one character, gives that and what follows.
pub(super) fn read_escape(text: &str) -> Result<(char, &str), SyntaxProblem> {
    let after = &text[1..];
    let escaped = after.chars().next().ok_or(SyntaxProblem::TrailingBackslash)?;
    let rest = &after[escaped.len_utf8()..];
    let octal = |digits: &str| digits.bytes().take_while(|digit| matches!(digit, b'0'..=b'7')).count();
    let character = match escaped {
        'a' => '\u{7}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' => return read_hexadecimal(text),
        '1'..='7' if octal(rest) == 0 => return Err(SyntaxProblem::BackReference(text[..2].to_owned())),
        '0'..='7' => {
            let (digits, rest) = after.split_at(octal(after).min(3));
            let number = u32::from_str_radix(digits, 8).unwrap_or_default();
            // Three octal digits are below 512, all of which are characters.
            return Ok((char::from_u32(number).unwrap_or_default(), rest));
        }
        _ if escaped.is_ascii() && !escaped.is_ascii_alphanumeric() => escaped,
        _ => return Err(SyntaxProblem::Escape(text[..text.len() - rest.len()].to_owned())),
    };
    Ok((character, rest))
}

/// `\x41` or `\x{41}`.
fn read_hexadecimal(text: &str) -> Result<(char, &str), SyntaxProblem> {
    let after = &text[2..];
    let (digits, rest) = match after.strip_prefix('{').map(|inner| inner.split_once('}')) {
        Some(braced) => braced.unwrap_or_default(),
        None => after.split_at_checked(2).unwrap_or_default(),
    };
    // Leading zeros may be as many as they like, so the number is counted without them.
    let significant = digits.trim_start_matches('0');
    let number = if significant.is_empty() { Ok(0) } else { u32::from_str_radix(significant, 16) };
    let valid = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let character = number.ok().filter(|_| valid).and_then(char::from_u32);
    character.map(|character| (character, rest)).ok_or_else(|| {
        let end = text.find('}').filter(|_| after.starts_with('{')).map(|end| &text[..=end]);
        let shown = end.map_or_else(|| as_written(text), str::to_owned);
        SyntaxProblem::Escape(if after.starts_with('{') { shown } else { shown.chars().take(4).collect() })
    })
}
