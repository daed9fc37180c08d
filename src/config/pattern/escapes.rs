//! What a backslash and the character after it mean, inside a set and outside.

use super::characters::{CharacterSet, Class, ClassKind};
use super::parser::{Flags, Parser};
use super::refusal::Refusal;
use super::syntax::{Anchor, Node};
use super::tokens::Token;

/// What one place in a set holds.
#[derive(Clone, Copy)]
pub(super) enum Member {
    Character(u32),
    Class(Class),
}

impl Parser {
    /// The node of an escape outside of a set; `at` is the place of the backslash.
    pub(super) fn escape(&mut self, escaped: char, at: usize, flags: Flags) -> Result<Node, Refusal> {
        let ascii = flags.ascii;
        let anchor = match escaped {
            'A' => Anchor::TextStart,
            'Z' => Anchor::TextEnd,
            'b' => Anchor::Boundary { ascii },
            'B' => Anchor::NotBoundary { ascii },
            '1'..='9' => return self.group_or_octal(escaped, at, flags),
            _ => {
                return Ok(Node::Set(match class(escaped, flags) {
                    Some(class) => CharacterSet::of_class(class),
                    None => CharacterSet::of(self.character(escaped, at)?, flags.case()),
                }));
            }
        };
        Ok(Node::Anchor(anchor))
    }

    /// The member that an escape in a set stands for.
    pub(super) fn escape_in_set(&mut self, escaped: char, at: usize, flags: Flags) -> Result<Member, Refusal> {
        if let Some(class) = class(escaped, flags) {
            return Ok(Member::Class(class));
        }
        Ok(Member::Character(match escaped {
            'b' => 0x08,
            '1'..='7' => {
                let digits = format!("{escaped}{}", self.tokens.take_while(2, is_octal));
                octal(&digits, at)?
            }
            _ => self.character(escaped, at)?,
        }))
    }

    /// `\12` is a group, `\123` a character: three octal digits, or a zero at the beginning, are one.
    fn group_or_octal(&mut self, first: char, at: usize, flags: Flags) -> Result<Node, Refusal> {
        let mut digits = first.to_string();
        digits += &self.tokens.take_while(1, |next| next.is_ascii_digit());
        if digits.len() == 2
            && digits.chars().all(is_octal)
            && let Some(Token::Plain(third)) = self.tokens.peek()
            && is_octal(third)
        {
            self.tokens.take();
            digits.push(third);
            return Ok(Node::Set(CharacterSet::of(octal(&digits, at)?, flags.case())));
        }
        let group = digits.parse().expect("one or two digits are a small number");
        self.back_reference(group, at, flags)
    }

    /// The code point of an escape that means one character everywhere.
    fn character(&mut self, escaped: char, at: usize) -> Result<u32, Refusal> {
        Ok(match escaped {
            'a' => 0x07,
            'f' => 0x0C,
            'n' => 0x0A,
            'r' => 0x0D,
            't' => 0x09,
            'v' => 0x0B,
            'x' => self.hexadecimal('x', 2, at)?,
            'u' => self.hexadecimal('u', 4, at)?,
            'U' => self.hexadecimal('U', 8, at)?,
            'N' => {
                let why = "`\\N` asks for a character by its name, and names are not known here; write `\\u` and the four \
                           hexadecimal digits of the character instead";
                return Err(Refusal::new(at, why));
            }
            '0' => octal(&format!("0{}", self.tokens.take_while(2, is_octal)), at)?,
            letter if letter.is_ascii_alphanumeric() => {
                let why = format!(
                    "`\\{letter}` means nothing; write `{letter}` for the character itself, and `\\\\` for a backslash"
                );
                return Err(Refusal::new(at, why));
            }
            other => other.into(),
        })
    }

    fn hexadecimal(&mut self, letter: char, count: usize, at: usize) -> Result<u32, Refusal> {
        let digits = self.tokens.take_while(count, |digit| digit.is_ascii_hexdigit());
        if digits.len() < count {
            return Err(Refusal::new(at, format!("`\\{letter}` needs {count} hexadecimal digits")));
        }
        match u32::from_str_radix(&digits, 16) {
            Ok(code) if code <= u32::from(char::MAX) => Ok(code),
            _ => {
                Err(Refusal::new(at, format!("there is no character `\\{letter}{digits}`; the last is `\\U0010ffff`")))
            }
        }
    }
}

fn class(letter: char, flags: Flags) -> Option<Class> {
    let kind = match letter.to_ascii_lowercase() {
        'd' => ClassKind::Digit,
        's' => ClassKind::Space,
        'w' => ClassKind::Word,
        _ => return None,
    };
    Some(Class { kind, negated: letter.is_ascii_uppercase(), ascii: flags.ascii })
}

fn is_octal(digit: char) -> bool {
    digit.is_digit(8)
}

fn octal(digits: &str, at: usize) -> Result<u32, Refusal> {
    let code = u32::from_str_radix(digits, 8).unwrap_or(u32::MAX);
    if code <= 0xFF {
        return Ok(code);
    }
    let message = format!(
        "`\\{digits}` is beyond the last character that octal digits can say, `\\377`; write it as `\\u{code:04x}`"
    );
    Err(Refusal::new(at, message))
}
