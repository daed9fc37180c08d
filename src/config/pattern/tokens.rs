//! The text of an expression, character by character; a backslash belongs to the character after it.

use super::refusal::Refusal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Plain(char),
    Escaped(char),
}

pub(super) struct Tokens {
    /// Each token and the place of its first character.
    all: Vec<(usize, Token)>,
    next: usize,
    /// The number of characters.
    end: usize,
}

impl Tokens {
    pub(super) fn new(text: &str) -> Result<Self, Refusal> {
        let mut all = Vec::with_capacity(text.len());
        let mut characters = text.chars().enumerate();
        while let Some((at, character)) = characters.next() {
            all.push(match character {
                '\\' => match characters.next() {
                    Some((_, escaped)) => (at, Token::Escaped(escaped)),
                    None => return Err(Refusal::new(at, "`\\` stands alone; write `\\\\` for the character itself")),
                },
                _ => (at, Token::Plain(character)),
            });
        }
        Ok(Self { all, next: 0, end: text.chars().count() })
    }

    /// The place of the next token.
    pub(super) fn at(&self) -> usize {
        self.all.get(self.next).map_or(self.end, |&(at, _)| at)
    }

    pub(super) fn peek(&self) -> Option<Token> {
        self.all.get(self.next).map(|&(_, token)| token)
    }

    pub(super) fn take(&mut self) -> Option<Token> {
        let token = self.peek();
        self.next += usize::from(token.is_some());
        token
    }

    pub(super) fn take_if(&mut self, character: char) -> bool {
        let found = self.peek() == Some(Token::Plain(character));
        self.next += usize::from(found);
        found
    }

    /// Up to `most` characters that `belongs` accepts.
    pub(super) fn take_while(&mut self, most: usize, belongs: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while taken.len() < most
            && let Some(Token::Plain(character)) = self.peek()
            && belongs(character)
        {
            taken.push(character);
            self.next += 1;
        }
        taken
    }

    /// What stands before `end`, which is taken too; none if `end` does not come.
    pub(super) fn take_until(&mut self, end: char) -> Option<String> {
        let mut taken = String::new();
        loop {
            match self.take()? {
                Token::Plain(character) if character == end => return Some(taken),
                Token::Plain(character) => taken.push(character),
                Token::Escaped(character) => taken.extend(['\\', character]),
            }
        }
    }

    /// A place to come back to.
    pub(super) fn mark(&self) -> usize {
        self.next
    }

    pub(super) fn back_to(&mut self, mark: usize) {
        self.next = mark;
    }
}
