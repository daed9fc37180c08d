//! Writes an expression in the syntax of an engine.

use std::fmt::Write;

use super::characters::{CharacterSet, Class, ClassKind};
use super::syntax::{Anchor, Asker, Direction, Expression, Node, RepeatKind};
use super::width::Width;

/// Whose syntax to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `regex`: no look-around, no back-references.
    Linear,
    /// `fancy-regex`.
    Backtracking,
}

/// An expression for an engine.
#[derive(Debug)]
pub(super) struct Translation {
    pub(super) text: String,
    pub(super) scope: Scope,
    /// Whether groups have the values that they have in Python.
    pub(super) exact_groups: bool,
    /// The names of groups and the engine's numbers for them, in the order of the expression.
    pub(super) names: Vec<(String, usize)>,
}

/// The texts for which a translation says what Python says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scope {
    /// None that ends with a line feed: `$` would have to look beyond itself.
    pub(super) without_final_line_feed: bool,
    /// None with other than ASCII characters: which of them belong to words is another matter in `regex`.
    pub(super) ascii: bool,
    /// Not the empty one, in which Python finds no `\B`.
    pub(super) not_empty: bool,
}

impl Scope {
    pub(super) fn is_unlimited(self) -> bool {
        !(self.without_final_line_feed || self.ascii || self.not_empty)
    }

    pub(super) fn contains(self, text: &str) -> bool {
        !(self.without_final_line_feed && text.ends_with('\n')
            || self.ascii && !text.is_ascii()
            || self.not_empty && text.is_empty())
    }
}

/// None if the dialect cannot express it.
pub(super) fn translate(expression: &Expression, dialect: Dialect) -> Option<Translation> {
    let mut writer = Writer {
        expression,
        dialect,
        out: String::new(),
        scope: Scope::default(),
        exact_groups: true,
        numbers: numbers(&expression.askers),
    };
    writer.node(&expression.root)?;
    let names = expression.names.iter().map(|(name, group)| (name.clone(), writer.numbers[*group])).collect();
    Some(Translation { text: writer.out, scope: writer.scope, exact_groups: writer.exact_groups, names })
}

/// The engine's number for each group that it shall remember; it does not know of the others.
fn numbers(askers: &[Asker]) -> Vec<usize> {
    let mut last = 0;
    let number = |asker: &Asker| {
        last += usize::from(*asker != Asker::Nobody);
        last
    };
    askers.iter().map(number).collect()
}

struct Writer<'a> {
    expression: &'a Expression,
    dialect: Dialect,
    out: String,
    scope: Scope,
    exact_groups: bool,
    numbers: Vec<usize>,
}

impl Writer<'_> {
    fn node(&mut self, node: &Node) -> Option<()> {
        match node {
            Node::Set(set) => set.write(&mut self.out),
            Node::Anchor(anchor) => self.anchor(*anchor),
            Node::Group { capture, body } => {
                let opening = match (capture.map(|group| self.expression.askers[group]), self.dialect) {
                    (None | Some(Asker::Nobody), _) => "(?:",
                    // The engine hands parts of one length to an automaton, from which it takes one way to match only;
                    // but on whether the group took part depends what follows.
                    (Some(Asker::Expression), Dialect::Backtracking) => "((?=)",
                    _ => "(",
                };
                self.enclosed(opening, body)?;
            }
            Node::Sequence(items) => {
                for item in items {
                    self.node(item)?;
                }
            }
            Node::Alternation(alternatives) => {
                for (i, alternative) in alternatives.iter().enumerate() {
                    if i > 0 {
                        self.out.push('|');
                    }
                    self.node(alternative)?;
                }
            }
            Node::Repeat { body, least, most, kind } => self.repeat(body, *least, *most, *kind)?,
            _ if self.dialect == Dialect::Linear => return None,
            Node::Atomic(body) => self.enclosed("(?>", body)?,
            Node::Look { direction, negative, body } => {
                let opening = match (direction, negative) {
                    (Direction::Ahead, false) => "(?=",
                    (Direction::Ahead, true) => "(?!",
                    (Direction::Behind, false) => "(?<=",
                    (Direction::Behind, true) => "(?<!",
                };
                self.enclosed(opening, body)?;
            }
            Node::BackReference { group, ignore_case } => {
                let number = self.numbers[*group];
                let flag = if *ignore_case { "i" } else { "" };
                self.push(format_args!("(?{flag}:\\{number})"));
            }
            Node::Conditional { group, then, otherwise } => self.conditional(*group, then, otherwise)?,
        }
        Some(())
    }

    fn enclosed(&mut self, opening: &str, body: &Node) -> Option<()> {
        self.out.push_str(opening);
        self.node(body)?;
        self.out.push(')');
        Some(())
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.out.write_fmt(text).expect("writing to a string cannot fail");
    }

    fn repeat(&mut self, body: &Node, least: u32, most: Option<u32>, kind: RepeatKind) -> Option<()> {
        if self.dialect == Dialect::Backtracking && (most == Some(0) || Width::of(body, &[]).most == 0) {
            return self.repeat_without_width(body, least, most, kind);
        }
        // After a round that matches nothing the loop ends, but to Python it was a round and its groups are set. The
        // automata of the engines skip it; a look-around that asks for nothing makes `fancy-regex` go round itself.
        let last_round_counts = Width::of(body, &[]).least == 0 && most != Some(1) && self.remembers(body);
        if kind == RepeatKind::Possessive {
            if self.dialect == Dialect::Linear {
                return None;
            }
            // Python does not come back to an earlier round of it either.
            self.enclosed("(?>(?>", body)?;
        } else if last_round_counts && self.dialect == Dialect::Backtracking {
            self.enclosed("(?:(?=)", body)?;
        } else if matches!(body, Node::Set(_) | Node::Group { .. }) {
            self.node(body)?;
        } else {
            self.enclosed("(?:", body)?;
        }
        self.exact_groups &= !last_round_counts;
        match (least, most) {
            (0, None) => self.out.push('*'),
            (1, None) => self.out.push('+'),
            (0, Some(1)) => self.out.push('?'),
            (_, None) => self.push(format_args!("{{{least},}}")),
            (_, Some(most)) => self.push(format_args!("{{{least},{most}}}")),
        }
        match kind {
            RepeatKind::Greedy => {}
            RepeatKind::Lazy => self.out.push('?'),
            RepeatKind::Possessive => self.out.push(')'),
        }
        Some(())
    }

    /// `fancy-regex` repeats nothing that matches no character, and neither is it needed: once is as good as often.
    fn repeat_without_width(&mut self, body: &Node, least: u32, most: Option<u32>, kind: RepeatKind) -> Option<()> {
        let (opening, closing) = match (least, most, kind) {
            // Never tried, but its groups keep their numbers.
            (_, Some(0), _) => ("(?>|", ")"),
            (0, _, RepeatKind::Greedy) => ("(?:", "|)"),
            (0, _, RepeatKind::Lazy) => ("(?:|(?:", "))"),
            (0, _, RepeatKind::Possessive) => ("(?>", "|)"),
            (_, _, RepeatKind::Greedy | RepeatKind::Lazy) => ("(?:", ")"),
            (_, _, RepeatKind::Possessive) => ("(?>", ")"),
        };
        self.out.push_str(opening);
        self.node(body)?;
        self.out.push_str(closing);
        Some(())
    }

    /// Whether there is a group in it that is asked for.
    fn remembers(&self, node: &Node) -> bool {
        match node {
            Node::Group { capture, body } => {
                capture.is_some_and(|group| self.expression.askers[group] != Asker::Nobody) || self.remembers(body)
            }
            Node::Atomic(body) | Node::Look { body, .. } | Node::Repeat { body, .. } => self.remembers(body),
            Node::Conditional { then, otherwise, .. } => self.remembers(then) || self.remembers(otherwise),
            Node::Sequence(nodes) | Node::Alternation(nodes) => nodes.iter().any(|node| self.remembers(node)),
            Node::Set(_) | Node::Anchor(_) | Node::BackReference { .. } => false,
        }
    }

    fn conditional(&mut self, group: usize, then: &Node, otherwise: &Node) -> Option<()> {
        if then.is_nothing() && otherwise.is_nothing() {
            return Some(());
        }
        let number = self.numbers[group];
        self.push(format_args!("(?({number})"));
        self.node(then)?;
        self.out.push('|');
        self.node(otherwise)?;
        self.out.push(')');
        Some(())
    }

    fn anchor(&mut self, anchor: Anchor) {
        let linear = self.dialect == Dialect::Linear;
        match anchor {
            Anchor::TextStart => self.out.push_str(r"\A"),
            Anchor::LineStart => self.out.push_str("(?m:^)"),
            Anchor::TextEnd => self.out.push_str(r"\z"),
            Anchor::LineEnd => self.out.push_str("(?m:$)"),
            Anchor::LastLineEnd if linear => {
                self.scope.without_final_line_feed = true;
                self.out.push_str(r"\z");
            }
            Anchor::LastLineEnd => self.out.push_str(r"(?=\n?\z)"),
            Anchor::Boundary { .. } if linear => {
                self.scope.ascii = true;
                self.out.push_str(r"\b");
            }
            Anchor::NotBoundary { .. } if linear => {
                self.scope.ascii = true;
                self.scope.not_empty = true;
                self.out.push_str(r"\B");
            }
            Anchor::Boundary { ascii } => {
                let word = word(ascii);
                self.push(format_args!("(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"));
            }
            Anchor::NotBoundary { ascii } => {
                let word = word(ascii);
                self.push(format_args!(r"(?:(?<={word})(?={word})|(?<!{word})(?!{word})(?:(?<=(?s:.))|(?=(?s:.))))"));
            }
        }
    }
}

/// The characters of words, as a set.
fn word(ascii: bool) -> String {
    let mut out = String::new();
    CharacterSet::of_class(Class { kind: ClassKind::Word, negated: false, ascii }).write(&mut out);
    out
}
