//! Which metrics the legacy form collects, under which name and as what: `metrics`, with what other options say about its
//! entries.

use std::collections::HashSet;

use crate::config::node::{Node, Value};
use crate::config::problem::Position;
use crate::config::section::Section;

use super::counters::Counters;
use super::flow::flow;
use super::glob::{Glob, Name, literal_key, stem};
use super::ignored::{self, Ignored};
use super::overrides::{Kind, Overrides};
use super::{Translation, mapping, metadata};

/// Makes `metrics` and `exclude_metrics` out of all options that say something about them.
pub(super) fn translate(translation: &mut Translation<'_>) {
    let section = &translation.section;
    let (at, list) = match translation.placed("metrics") {
        Some((at, Node { value: Value::List(list), .. })) => (at, list.as_slice()),
        // What it is instead is reported where it is read.
        Some((at, node)) => return translation.put("metrics", node.clone(), at),
        None => (section.at(), [].as_slice()),
    };
    if list.is_empty() {
        section.warning(at, "`metrics` names no metric, so nothing is collected");
    } else {
        let message = "`metrics` has the same name in the modern form, and metrics are sent under other names: a counter \
                       is `<name>.count`, a bucket is `<name>.bucket`, and like sums and counts both are monotonic counts";
        section.note(at, message);
    }
    let mut selection = Selection::new(section, list);
    for entry in list {
        selection.entry(entry);
    }
    selection.made.extend(metadata::entry(section, &selection.explicit));
    selection.overrides.report(section, &selection.counters);
    selection.counters.report(section);
    let Selection { made, excluded, .. } = selection;
    translation.put("metrics", Node::new(Value::List(made), at), at);
    ignored::translate(translation, excluded);
}

/// The metrics that `metrics` names without a glob.
pub(super) fn explicit_names(list: &[Node]) -> HashSet<String> {
    let names = list.iter().flat_map(|entry| match &entry.value {
        Value::Text(name) => vec![name.clone()],
        Value::Mapping(pairs) => pairs.iter().filter_map(|(key, _)| key.key_text()).collect(),
        _ => Vec::new(),
    });
    names.filter(|name| matches!(Name::read(name), Name::Exact(_))).collect()
}

/// The entries of `metrics` as they are made.
struct Selection<'s, 'a> {
    section: &'s Section<'a>,
    explicit: HashSet<String>,
    overrides: Overrides,
    ignored: Ignored,
    counters: Counters,
    made: Vec<Node>,
    /// What `exclude_metrics` must have so that nothing more is collected.
    excluded: Vec<Node>,
}

impl<'s, 'a> Selection<'s, 'a> {
    fn new(section: &'s Section<'a>, list: &[Node]) -> Self {
        Self {
            section,
            explicit: explicit_names(list),
            overrides: Overrides::read(section),
            ignored: Ignored::read(section),
            counters: Counters::read(section),
            made: Vec::with_capacity(list.len()),
            excluded: Vec::new(),
        }
    }

    fn entry(&mut self, entry: &Node) {
        let Value::Mapping(pairs) = &entry.value else {
            match &entry.value {
                Value::Text(name) => self.metric(name, None, entry.at, entry),
                _ => self.made.push(entry.clone()),
            }
            return;
        };
        for (key, value) in pairs {
            let alone = Node::new(Value::Mapping(vec![(key.clone(), value.clone())]), entry.at);
            match (key.key_text(), &value.value) {
                (Some(name), Value::Text(sent)) => self.metric(&name, Some(sent), key.at, &alone),
                // Nothing that the legacy form knows: it is read, or reported, as it stands.
                _ => self.made.push(alone),
            }
        }
    }

    /// `name` or `name: sent`; `written` is how it stands there.
    fn metric(&mut self, name: &str, sent: Option<&str>, at: Position, written: &Node) {
        let made = match Name::read(name) {
            Name::Exact(name) => self.exact(&name, sent, at),
            Name::Glob(glob) => self.glob(&glob, sent, at),
        };
        let written = flow(written);
        let read: Vec<String> = made.iter().map(flow).collect();
        if !read.is_empty() && read != [written.as_str()] {
            let mut message = format!("`{written}` in `metrics` is read as `{}`", read.join("` and `"));
            let counter = stem(name).filter(|_| matches!(Name::read(name), Name::Exact(_)));
            if let (Some(stem), [_, _]) = (counter, read.as_slice()) {
                message += ": a counter has no `_total` in its name there";
                if self.counters.kind().is_none() {
                    message.extend([", and is sent as `", sent.unwrap_or(stem), ".count`"]);
                }
            }
            self.section.note(at, message);
        }
        self.made.extend(made);
    }

    /// The entries for one metric: two for what may be a counter, since its name then depends on its type.
    fn exact(&mut self, name: &str, sent: Option<&str>, at: Position) -> Vec<Node> {
        if self.ignored.means(name) {
            self.section.warning(at, format!("`{name}` is not collected: `ignore_metrics` means it, too"));
            return Vec::new();
        }
        let kind = match self.overrides.kind(name) {
            None => None,
            Some(Kind::Known(kind)) => Some(kind),
            Some(Kind::NotCollected) => return Vec::new(),
        };
        let Some(stem) = stem(name) else {
            if kind.is_none() {
                self.counters.doubt(name);
            }
            return vec![entry(&literal_key(name), sent, self.counters.of(kind), at)];
        };
        let is_counter = |kind: &str| matches!(kind, "counter" | "counter_gauge");
        let own = |kind: Option<&'static str>| kind.is_some_and(is_counter).then_some(stem);
        let kind_of_other = self.counters.of(kind);
        let other = entry(&literal_key(name), sent.or(own(kind_of_other)), kind_of_other, at);
        if self.explicit.contains(stem) {
            let message = format!(
                "the counter `{name}` is named `{stem}` in the modern form, where `metrics` has an entry already, which is \
                 the one for both"
            );
            self.section.warning(at, message);
            return vec![other];
        }
        // What is exposed as a counter needs no type to be one, and as a gauge it keeps its name of the legacy form.
        let kind = if kind.is_none_or(is_counter) { self.counters.kind() } else { kind };
        let name = kind.is_some_and(|kind| !is_counter(kind)).then_some(name);
        vec![entry(&literal_key(stem), sent.or(name), kind, at), other]
    }

    fn glob(&mut self, glob: &Glob, sent: Option<&str>, at: Position) -> Vec<Node> {
        let text = &glob.text;
        if let Some(sent) = sent {
            let message = format!("the name `{sent}` has no effect: what `{text}` means is sent under its own name");
            self.section.warning(at, message);
        }
        let foreign = glob.foreign_characters();
        if !foreign.is_empty() {
            let message = format!(
                "`{text}` is a glob and no regular expression: `{}` stands for itself, and no metric has that in its name",
                foreign.iter().collect::<String>()
            );
            self.section.warning(at, message);
        }
        let families = glob.families();
        if families.loose {
            let message = format!(
                "`{text}` knows counters by their `_total`, which is no part of their names in the modern form, so \
                 `^{}$` takes its place and collects other metrics as well; name the counters one by one, without \
                 `_total`, to collect no others",
                families.body
            );
            self.section.warning(at, message);
        }
        let mut made = Vec::new();
        for name in self.overrides.names_of(glob) {
            if self.explicit.contains(&name) || self.ignored.means(&name) {
                continue;
            }
            if self.overrides.kind(&name) == Some(Kind::NotCollected) {
                self.excluded.push(Node::text(literal_key(&name), at));
            } else {
                made.extend(self.exact(&name, None, at));
            }
        }
        for (pattern, kind) in self.overrides.patterns_of(glob, &families.body) {
            match kind {
                Kind::Known(kind) => made.push(entry(&pattern, None, self.counters.of(Some(kind)), at)),
                Kind::NotCollected => self.excluded.push(Node::text(pattern, at)),
            }
        }
        made.push(entry(&format!("^{}$", families.body), None, None, at));
        self.counters.doubt(text);
        made
    }
}

/// An entry of the modern `metrics`, in its shortest form.
fn entry(key: &str, sent: Option<&str>, kind: Option<&str>, at: Position) -> Node {
    let text = |text: &str| Node::text(text, at);
    let value = match (sent.filter(|sent| *sent != key), kind) {
        (None, None) => return text(key),
        (Some(sent), None) => text(sent),
        (sent, Some(kind)) => {
            let name = sent.map(|sent| ("name", text(sent)));
            mapping(at, name.into_iter().chain([("type", text(kind))]))
        }
    };
    Node::new(Value::Mapping(vec![(text(key), value)]), at)
}
