//! Reads an expression in Python's syntax: sequences, alternatives and repetitions.
//!
//! What Python refuses is refused, with the place and what to write instead. Groups, sets and escapes have files of
//! their own.

use super::characters::{Case, CharacterSet};
use super::refusal::Refusal;
use super::syntax::{Asker, Expression, Node, RepeatKind};
use super::tokens::{Token, Tokens};
use super::width::Width;

/// How deep groups may be nested; the parser calls itself for each.
const DEEPEST: usize = 60;

/// The count that Python cannot hold any more.
const COUNT_LIMIT: u32 = u32::MAX;

/// The flags in force at one place.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own in the settings too")]
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) ascii: bool,
    pub(super) ignore_case: bool,
    pub(super) multi_line: bool,
    pub(super) dot_all: bool,
    pub(super) verbose: bool,
}

impl Flags {
    pub(super) fn case(self) -> Case {
        match (self.ignore_case, self.ascii) {
            (false, _) => Case::Distinct,
            (true, true) => Case::FoldAscii,
            (true, false) => Case::Fold,
        }
    }
}

pub(super) struct Parser {
    pub(super) tokens: Tokens,
    /// By number, group 0 included: what the group can match, once it is closed.
    pub(super) groups: Vec<Option<Width>>,
    pub(super) names: Vec<(String, usize)>,
    /// Groups that the expression itself asks for.
    pub(super) asked: Vec<usize>,
    /// Conditions on groups, which may still come, and where they stand.
    pub(super) conditions: Vec<(usize, usize)>,
    /// In a look-behind, the number of groups before it.
    pub(super) groups_before_look_behind: Option<usize>,
    /// Whether the flags at the start say `a` or `u`.
    pub(super) global_alphabet: Option<char>,
    depth: usize,
}

pub(super) fn parse(text: &str) -> Result<Expression, Refusal> {
    let mut parser = Parser {
        tokens: Tokens::new(text)?,
        groups: vec![None],
        names: Vec::new(),
        asked: Vec::new(),
        conditions: Vec::new(),
        groups_before_look_behind: None,
        global_alphabet: None,
        depth: 0,
    };
    let mut flags = Flags::default();
    let root = parser.alternation(&mut flags, true)?;
    if parser.tokens.peek().is_some() {
        let why = "`)` closes no group; write `\\)` for the character itself";
        return Err(Refusal::new(parser.tokens.at(), why));
    }
    for &(group, at) in &parser.conditions {
        if group >= parser.groups.len() {
            return Err(Refusal::new(at, format!("the condition asks for group {group}, and there is none")));
        }
    }
    let mut askers = vec![Asker::Nobody; parser.groups.len()];
    for &(_, group) in &parser.names {
        askers[group] = Asker::Outside;
    }
    for group in parser.asked {
        askers[group] = Asker::Expression;
    }
    Ok(Expression { root, names: parser.names, askers })
}

impl Parser {
    /// Alternatives up to the end of the group or of the text. Flags that are set for the whole expression, which only
    /// its very start can do, are left in `flags`.
    pub(super) fn alternation(&mut self, flags: &mut Flags, whole: bool) -> Result<Node, Refusal> {
        if self.depth >= DEEPEST {
            let why = format!("groups are nested more than {DEEPEST} deep, which is not supported");
            return Err(Refusal::new(self.tokens.at(), why));
        }
        self.depth += 1;
        let mut alternatives = vec![self.sequence(flags, whole)?];
        while self.tokens.take_if('|') {
            alternatives.push(self.sequence(flags, false)?);
        }
        self.depth -= 1;
        Ok(if alternatives.len() == 1 { alternatives.remove(0) } else { Node::Alternation(alternatives) })
    }

    /// One alternative.
    pub(super) fn sequence(&mut self, flags: &mut Flags, may_set_flags: bool) -> Result<Node, Refusal> {
        let mut items = Vec::new();
        loop {
            let at = self.tokens.at();
            let Some(token) = self.tokens.peek() else { break };
            if matches!(token, Token::Plain('|' | ')')) {
                break;
            }
            self.tokens.take();
            match token {
                Token::Plain(' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}') if flags.verbose => {}
                Token::Plain('#') if flags.verbose => self.skip_line(),
                Token::Plain(first @ ('*' | '+' | '?' | '{')) => match self.counts(first, at)? {
                    Some(counts) => self.repeat(&mut items, counts, at)?,
                    None => items.push(Node::Set(CharacterSet::of('{'.into(), flags.case()))),
                },
                Token::Plain('(') => {
                    let may_set_flags = may_set_flags && items.is_empty();
                    items.extend(self.group(flags, may_set_flags, at)?);
                }
                Token::Plain('[') => items.push(Node::Set(self.set(*flags, at)?)),
                Token::Plain('.') => items.push(Node::Set(CharacterSet::any(flags.dot_all))),
                Token::Plain('^') => items.push(Node::Anchor(flags.start())),
                Token::Plain('$') => items.push(Node::Anchor(flags.end())),
                Token::Plain(other) => items.push(Node::Set(CharacterSet::of(other.into(), flags.case()))),
                Token::Escaped(escaped) => items.push(self.escape(escaped, at, *flags)?),
            }
        }
        Ok(if items.len() == 1 { items.remove(0) } else { Node::Sequence(items) })
    }

    /// A comment of verbose expressions. A backslash hides the end of the line.
    fn skip_line(&mut self) {
        while !matches!(self.tokens.take(), None | Some(Token::Plain('\n'))) {}
    }

    /// The smallest and the largest count; none if `{` is only a character.
    fn counts(&mut self, first: char, at: usize) -> Result<Option<(u32, Option<u32>)>, Refusal> {
        match first {
            '*' => return Ok(Some((0, None))),
            '+' => return Ok(Some((1, None))),
            '?' => return Ok(Some((0, Some(1)))),
            _ => {}
        }
        let mark = self.tokens.mark();
        if self.tokens.peek() == Some(Token::Plain('}')) {
            return Ok(None);
        }
        let is_digit = |digit: char| digit.is_ascii_digit();
        let least = self.tokens.take_while(usize::MAX, is_digit);
        let most = if self.tokens.take_if(',') { self.tokens.take_while(usize::MAX, is_digit) } else { least.clone() };
        if !self.tokens.take_if('}') {
            self.tokens.back_to(mark);
            return Ok(None);
        }
        let too_large = |digits: &str| {
            Refusal::new(at, format!("the count `{digits}` is too large; write a count below {COUNT_LIMIT}"))
        };
        let count = |digits: &str| match digits.parse::<u32>() {
            Ok(count) if count < COUNT_LIMIT => Ok(Some(count)),
            _ if digits.is_empty() => Ok(None),
            _ => Err(too_large(digits)),
        };
        let (smallest, largest) = (count(&least)?.unwrap_or(0), count(&most)?);
        if largest.is_some_and(|largest| largest < smallest) {
            let why = format!("the counts of `{{{least},{most}}}` are the wrong way round; write `{{{most},{least}}}`");
            return Err(Refusal::new(at, why));
        }
        Ok(Some((smallest, largest)))
    }

    /// Repeats the last of `items`.
    fn repeat(&mut self, items: &mut Vec<Node>, (least, most): (u32, Option<u32>), at: usize) -> Result<(), Refusal> {
        let body = match items.pop() {
            None | Some(Node::Anchor(_)) => {
                let why = "there is nothing to repeat; write a backslash before the character if it is meant itself";
                return Err(Refusal::new(at, why));
            }
            Some(Node::Repeat { .. }) => {
                let why = "a repetition is repeated; put the first one in a group, as in `(?:a*)+`";
                return Err(Refusal::new(at, why));
            }
            Some(body) => Box::new(body),
        };
        let kind = if self.tokens.take_if('?') {
            RepeatKind::Lazy
        } else if self.tokens.take_if('+') {
            RepeatKind::Possessive
        } else {
            RepeatKind::Greedy
        };
        items.push(Node::Repeat { body, least, most, kind });
        Ok(())
    }
}
