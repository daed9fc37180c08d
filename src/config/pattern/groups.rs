//! Everything that begins with `(`, and references to groups.

use super::parser::{Flags, Parser};
use super::refusal::Refusal;
use super::syntax::{Anchor, Direction, Node};
use super::tokens::Token;
use super::width::Width;

impl Flags {
    pub(super) fn start(self) -> Anchor {
        if self.multi_line { Anchor::LineStart } else { Anchor::TextStart }
    }

    pub(super) fn end(self) -> Anchor {
        if self.multi_line { Anchor::LineEnd } else { Anchor::LastLineEnd }
    }

    fn set(&mut self, letter: char, on: bool) {
        match letter {
            'a' => self.ascii = true,
            'u' => self.ascii = false,
            'i' => self.ignore_case = on,
            'm' => self.multi_line = on,
            's' => self.dot_all = on,
            'x' => self.verbose = on,
            _ => unreachable!("only the letters of `is_flag` are set"),
        }
    }
}

impl Parser {
    /// What follows a `(` at the place `at`; none if it is a comment or sets flags.
    pub(super) fn group(&mut self, flags: &mut Flags, may_set_flags: bool, at: usize) -> Result<Option<Node>, Refusal> {
        if !self.tokens.take_if('?') {
            return self.capture(None, *flags, at).map(Some);
        }
        let inner_at = self.tokens.at();
        match self.tokens.take() {
            Some(Token::Plain('P')) => self.named(*flags, at).map(Some),
            Some(Token::Plain(':')) => self.plain(*flags, at).map(Some),
            Some(Token::Plain('>')) => {
                let body = self.body(*flags, at)?;
                Ok(Some(Node::Atomic(body)))
            }
            Some(Token::Plain('#')) => match self.tokens.take_until(')') {
                Some(_) => Ok(None),
                None => Err(Refusal::new(at, "the comment that begins here never ends; close it with `)`")),
            },
            Some(Token::Plain('=')) => self.look(Direction::Ahead, false, *flags, at).map(Some),
            Some(Token::Plain('!')) => self.look(Direction::Ahead, true, *flags, at).map(Some),
            Some(Token::Plain('<')) => match self.tokens.take() {
                Some(Token::Plain('=')) => self.look(Direction::Behind, false, *flags, at).map(Some),
                Some(Token::Plain('!')) => self.look(Direction::Behind, true, *flags, at).map(Some),
                _ => {
                    Err(Refusal::new(at, "`(?<` begins a look-behind, `(?<=` or `(?<!`; a name is written `(?P<name>`"))
                }
            },
            Some(Token::Plain('(')) => self.conditional(*flags, at).map(Some),
            Some(Token::Plain(letter)) if is_flag(letter) || letter == '-' => {
                self.flags(letter, flags, may_set_flags, at)
            }
            _ => {
                let why = "`(?` begins no group that there is; write `\\(` for the character itself";
                Err(Refusal::new(inner_at.saturating_sub(2), why))
            }
        }
    }

    /// The alternatives of a group and its `)`.
    fn body(&mut self, mut flags: Flags, at: usize) -> Result<Box<Node>, Refusal> {
        let body = self.alternation(&mut flags, false)?;
        self.close(at)?;
        Ok(Box::new(body))
    }

    fn close(&mut self, at: usize) -> Result<(), Refusal> {
        if self.tokens.take_if(')') {
            return Ok(());
        }
        let why = "the group that begins here never ends; close it with `)`, or write `\\(` for the character itself";
        Err(Refusal::new(at, why))
    }

    fn plain(&mut self, flags: Flags, at: usize) -> Result<Node, Refusal> {
        Ok(Node::Group { capture: None, body: self.body(flags, at)? })
    }

    fn capture(&mut self, name: Option<String>, flags: Flags, at: usize) -> Result<Node, Refusal> {
        let number = self.groups.len();
        self.groups.push(None);
        if let Some(name) = name {
            if self.number_of(&name).is_some() {
                let why = format!("there are two groups with the name `{name}`; a name stands for one group");
                return Err(Refusal::new(at, why));
            }
            self.names.push((name, number));
        }
        let body = self.body(flags, at)?;
        self.groups[number] = Some(Width::of(&body, &self.groups));
        Ok(Node::Group { capture: Some(number), body })
    }

    /// `(?P<name>...)` or `(?P=name)`.
    fn named(&mut self, flags: Flags, at: usize) -> Result<Node, Refusal> {
        if self.tokens.take_if('<') {
            let name = self.name('>', at)?;
            self.capture(Some(name), flags, at)
        } else if self.tokens.take_if('=') {
            let name = self.name(')', at)?;
            let number = self.number_of(&name).ok_or_else(|| unknown_name(&name, at))?;
            self.back_reference(number, at, flags)
        } else {
            Err(Refusal::new(at, "`(?P` goes on as `(?P<name>...)` for a group, or as `(?P=name)` for what it matched"))
        }
    }

    fn name(&mut self, end: char, at: usize) -> Result<String, Refusal> {
        let Some(name) = self.tokens.take_until(end) else {
            return Err(Refusal::new(at, format!("the name of the group never ends; close it with `{end}`")));
        };
        if !is_identifier(&name) {
            let why =
                format!("`{name}` cannot be the name of a group; use letters, digits and `_`, and no digit first");
            return Err(Refusal::new(at, why));
        }
        Ok(name)
    }

    fn number_of(&self, name: &str) -> Option<usize> {
        self.names.iter().find(|(known, _)| known == name).map(|&(_, number)| number)
    }

    pub(super) fn back_reference(&mut self, group: usize, at: usize, flags: Flags) -> Result<Node, Refusal> {
        match self.groups.get(group) {
            None => {
                let why = format!("there is no group {group} before this place; groups are counted by their `(`");
                return Err(Refusal::new(at, why));
            }
            Some(None) => return Err(open_group(at)),
            Some(Some(_)) => {}
        }
        self.check_look_behind(group, at)?;
        self.asked.push(group);
        Ok(Node::BackReference { group, ignore_case: flags.ignore_case })
    }

    /// In a look-behind, only groups that were closed before it have a value.
    fn check_look_behind(&self, group: usize, at: usize) -> Result<(), Refusal> {
        let Some(before) = self.groups_before_look_behind else { return Ok(()) };
        if self.groups.get(group).copied().flatten().is_none() {
            return Err(open_group(at));
        }
        if group >= before {
            let why = format!("a look-behind cannot ask for group {group}, which is in it");
            return Err(Refusal::new(at, why));
        }
        Ok(())
    }

    fn look(&mut self, direction: Direction, negative: bool, flags: Flags, at: usize) -> Result<Node, Refusal> {
        let outer = self.groups_before_look_behind;
        if direction == Direction::Behind && outer.is_none() {
            self.groups_before_look_behind = Some(self.groups.len());
        }
        let body = self.body(flags, at)?;
        self.groups_before_look_behind = outer;
        if direction == Direction::Behind {
            let width = Width::of(&body, &self.groups);
            if width.least != width.most {
                let why = "a look-behind must match a fixed number of characters; spell out its alternatives, each in a \
                           look-behind of its own";
                return Err(Refusal::new(at, why));
            }
        }
        Ok(Node::Look { direction, negative, body })
    }

    /// `(?(group)then|otherwise)`; the group may come later.
    fn conditional(&mut self, flags: Flags, at: usize) -> Result<Node, Refusal> {
        let Some(asked) = self.tokens.take_until(')') else {
            return Err(Refusal::new(at, "the condition never ends; close it with `)`"));
        };
        let group = if !asked.is_empty() && asked.chars().all(|digit| digit.is_ascii_digit()) {
            match asked.parse::<u16>() {
                Ok(group) if group > 0 => usize::from(group),
                _ => return Err(Refusal::new(at, format!("there is no group {asked}; groups are counted from 1"))),
            }
        } else if is_identifier(&asked) {
            self.number_of(&asked).ok_or_else(|| unknown_name(&asked, at))?
        } else {
            return Err(Refusal::new(at, format!("`{asked}` is neither the number nor the name of a group")));
        };
        self.conditions.push((group, at));
        self.check_look_behind(group, at)?;
        self.asked.push(group);
        let then = Box::new(self.branch(flags)?);
        let otherwise = Box::new(if self.tokens.take_if('|') { self.branch(flags)? } else { Node::nothing() });
        if self.tokens.peek() == Some(Token::Plain('|')) {
            let why = "a condition has two alternatives at most; put the others in a group";
            return Err(Refusal::new(self.tokens.at(), why));
        }
        self.close(at)?;
        Ok(Node::Conditional { group, then, otherwise })
    }

    fn branch(&mut self, mut flags: Flags) -> Result<Node, Refusal> {
        self.sequence(&mut flags, false)
    }

    /// `(?i)` for the whole expression, or `(?i-s:...)` for a group.
    fn flags(
        &mut self,
        first: char,
        flags: &mut Flags,
        may_set_flags: bool,
        at: usize,
    ) -> Result<Option<Node>, Refusal> {
        let mut changed = *flags;
        let (mut on, mut off) = (String::new(), String::new());
        let mut next = Some(Token::Plain(first));
        while let Some(Token::Plain(letter)) = next
            && is_flag(letter)
        {
            on.push(letter);
            changed.set(letter, true);
            next = self.tokens.take();
        }
        if on.contains('a') && on.contains('u') {
            return Err(both_alphabets(at));
        }
        if next == Some(Token::Plain(')')) {
            self.check_global(&on, may_set_flags, at)?;
            *flags = changed;
            return Ok(None);
        }
        if next == Some(Token::Plain('-')) {
            next = self.tokens.take();
            while let Some(Token::Plain(letter)) = next
                && is_flag(letter)
            {
                if matches!(letter, 'a' | 'u') || on.contains(letter) {
                    return Err(Refusal::new(at, format!("the flag `{letter}` cannot be turned off here")));
                }
                off.push(letter);
                changed.set(letter, false);
                next = self.tokens.take();
            }
            if off.is_empty() {
                return Err(Refusal::new(at, "a flag is missing after `-`; the flags are `i`, `m`, `s` and `x`"));
            }
        }
        if next != Some(Token::Plain(':')) {
            let why = "these are no flags; write `(?i)` for the whole expression, or `(?i:...)` for a part of it; the \
                       flags are `a`, `i`, `m`, `s`, `u` and `x`";
            return Err(Refusal::new(at, why));
        }
        self.plain(changed, at).map(Some)
    }

    fn check_global(&mut self, letters: &str, may_set_flags: bool, at: usize) -> Result<(), Refusal> {
        if !may_set_flags {
            let why = format!(
                "flags for the whole expression stand at its very beginning, and the entries of a list are one \
                 expression, joined with `|`; write `(?{letters}:...)` around the part that they are for"
            );
            return Err(Refusal::new(at, why));
        }
        for alphabet in letters.chars().filter(|letter| matches!(letter, 'a' | 'u')) {
            if self.global_alphabet.replace(alphabet).is_some_and(|earlier| earlier != alphabet) {
                return Err(both_alphabets(at));
            }
        }
        Ok(())
    }
}

fn is_flag(letter: char) -> bool {
    matches!(letter, 'a' | 'i' | 'm' | 's' | 'u' | 'x')
}

fn is_identifier(name: &str) -> bool {
    static IDENTIFIER: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
        regex::Regex::new(r"\A[_\p{XID_Start}]\p{XID_Continue}*\z").expect("the expression is valid")
    });
    IDENTIFIER.is_match(name)
}

fn unknown_name(name: &str, at: usize) -> Refusal {
    Refusal::new(at, format!("there is no group with the name `{name}` before this place"))
}

fn open_group(at: usize) -> Refusal {
    Refusal::new(at, "this asks for a group that has not ended yet")
}

fn both_alphabets(at: usize) -> Refusal {
    Refusal::new(at, "the flags `a` and `u` exclude each other; write one of them")
}
