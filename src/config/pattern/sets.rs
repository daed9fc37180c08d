//! Sets of characters in brackets.
//!
//! They do not nest and have no operators: `[`, `&&` and `~~` are characters in them.

use super::characters::CharacterSet;
use super::escapes::Member;
use super::parser::{Flags, Parser};
use super::refusal::Refusal;
use super::tokens::Token;

impl Parser {
    /// The set whose `[` stands at the place `at`.
    pub(super) fn set(&mut self, flags: Flags, at: usize) -> Result<CharacterSet, Refusal> {
        let mut set = CharacterSet { negated: self.tokens.take_if('^'), ..CharacterSet::default() };
        let mut is_first = true;
        loop {
            // The first `]` does not close the set.
            if !is_first && self.tokens.take_if(']') {
                break;
            }
            is_first = false;
            let member_at = self.tokens.at();
            let member = self.member(flags, at)?;
            if !self.tokens.take_if('-') {
                set.add(member);
            } else if self.tokens.take_if(']') {
                set.add(member);
                set.add(Member::Character('-'.into()));
                break;
            } else {
                let last = self.member(flags, at)?;
                set.ranges.push(range(member, last, member_at)?);
            }
        }
        set.fold(flags.case());
        Ok(set)
    }

    fn member(&mut self, flags: Flags, set_at: usize) -> Result<Member, Refusal> {
        let at = self.tokens.at();
        match self.tokens.take() {
            Some(Token::Plain(character)) => Ok(Member::Character(character.into())),
            Some(Token::Escaped(escaped)) => self.escape_in_set(escaped, at, flags),
            None => {
                let why =
                    "the set that begins here never ends; close it with `]`, or write `\\[` for the character itself";
                Err(Refusal::new(set_at, why))
            }
        }
    }
}

impl CharacterSet {
    fn add(&mut self, member: Member) {
        match member {
            Member::Character(code) => self.ranges.push((code, code)),
            Member::Class(class) => self.classes.push(class),
        }
    }
}

fn range(first: Member, last: Member, at: usize) -> Result<(u32, u32), Refusal> {
    match (first, last) {
        (Member::Character(first), Member::Character(last)) if first <= last => Ok((first, last)),
        (Member::Character(_), Member::Character(_)) => {
            Err(Refusal::new(at, "the range ends before it begins; write `\\-` if a hyphen is meant"))
        }
        _ => {
            let why = "a class such as `\\d` cannot be an end of a range; write `\\-` if a hyphen is meant";
            Err(Refusal::new(at, why))
        }
    }
}
