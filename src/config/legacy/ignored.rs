//! `ignore_metrics`: names and globs that are not collected whatever `metrics` says.

use std::collections::{BTreeSet, HashSet};

use crate::config::node::{Node, Value};
use crate::config::pattern::{self, Pattern};
use crate::config::section::Section;

use super::flow::flow;
use super::glob::{Name, literal_key, stem};
use super::metrics::explicit_names;
use super::{Translation, placed};

/// What `ignore_metrics` means, as long as it has an effect.
pub(super) struct Ignored(Vec<Name>);

impl Ignored {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let list = match (placed(section, "ignore_metrics"), placed(section, "exclude_metrics")) {
            (Some((_, Node { value: Value::List(list), .. })), None) => list.as_slice(),
            _ => &[],
        };
        Self(list.iter().filter_map(Node::key_text).map(|text| Name::read(&text)).collect())
    }

    pub(super) fn means(&self, name: &str) -> bool {
        self.0.iter().any(|ignored| ignored.means(name))
    }
}

/// `exclude_metrics` out of `ignore_metrics`, or itself if it is there, and of `more` names that are not collected.
pub(super) fn translate(translation: &mut Translation<'_>, mut more: Vec<Node>) {
    let section = &translation.section;
    let ignored = translation.placed("ignore_metrics").filter(|(_, node)| !matches!(node.value, Value::Null));
    if let Some((at, modern)) = translation.placed("exclude_metrics") {
        if let Some((at, _)) = ignored {
            section.warning(at, "`ignore_metrics` has no effect beside `exclude_metrics`");
        }
        let mut modern = modern.clone();
        if let Value::List(list) = &mut modern.value {
            list.append(&mut more);
        }
        return translation.put("exclude_metrics", modern, at);
    }
    let mut excluded = Vec::new();
    let at = ignored.map_or(section.at(), |(at, _)| at);
    if let Some((_, node)) = ignored {
        let Value::List(list) = &node.value else {
            let message = format!("`ignore_metrics` is {}; expected a list of names", node.describe());
            return section.error(node.at, message);
        };
        let collected = Collected::read(section);
        excluded.extend(list.iter().flat_map(|entry| collected.without(section, entry)));
        let value = flow(&Node::new(Value::List(excluded.clone()), at));
        section.note(at, format!("`ignore_metrics` is read as `exclude_metrics: {value}`"));
    }
    excluded.append(&mut more);
    if !excluded.is_empty() {
        translation.put("exclude_metrics", Node::new(Value::List(excluded), at), at);
    }
}

/// What `metrics` collects, as far as its names tell.
struct Collected {
    names: HashSet<String>,
    has_globs: bool,
}

impl Collected {
    fn read(section: &Section<'_>) -> Self {
        let Some((_, Node { value: Value::List(list), .. })) = placed(section, "metrics") else {
            return Self { names: HashSet::new(), has_globs: false };
        };
        let names = explicit_names(list);
        let entries = list.iter().map(|entry| if let Value::Mapping(pairs) = &entry.value { pairs.len() } else { 1 });
        let has_globs = entries.sum::<usize>() > names.len();
        Self { names, has_globs }
    }

    /// What `exclude_metrics` has for an entry of `ignore_metrics`, so that counters that `metrics` names stay.
    fn without(&self, section: &Section<'_>, entry: &Node) -> Vec<Node> {
        let Value::Text(text) = &entry.value else {
            section.error(entry.at, format!("an entry of `ignore_metrics` is {}; expected a name", entry.describe()));
            return Vec::new();
        };
        let key = |text: String| Node::text(text, entry.at);
        let glob = match Name::read(text) {
            Name::Exact(name) => {
                let candidates = self.not_meant(&Name::Exact(name.clone()));
                let names = stem(&name).into_iter().chain([name.as_str()]);
                let kept = names.filter(|name| !candidates.contains(*name));
                return kept.map(|name| key(literal_key(name))).collect();
            }
            Name::Glob(glob) => glob,
        };
        let families = glob.families();
        if families.loose && self.has_globs {
            let message = format!(
                "`{text}` in `ignore_metrics` knows counters by their `_total`, which is no part of their names in the \
                 modern form: counters stay; name those to leave out in `ignore_metrics`"
            );
            section.warning(entry.at, message);
        } else if self.has_globs && !glob.is_open() && !text.ends_with("_total") {
            let message = format!(
                "`{text}` in `ignore_metrics` also leaves out counters that are named like this with `_total` behind it, \
                 which is no part of their names in the modern form; name those to keep in `metrics`"
            );
            section.warning(entry.at, message);
        }
        let body = if families.loose { glob.plain() } else { families.body };
        let excluded = Pattern::new(&format!("^{body}$"));
        let spared: Vec<String> = self
            .not_meant(&Name::Glob(glob))
            .iter()
            .filter(|name| excluded.as_ref().is_ok_and(|excluded| excluded.is_found_in(name)))
            .map(|name| pattern::escape(name))
            .collect();
        if spared.is_empty() {
            return vec![key(format!("^{body}$"))];
        }
        vec![key(format!("^(?!(?:{})$){body}$", spared.join("|")))]
    }

    /// The names that metrics of `metrics` have in the modern form if an entry does not mean them.
    fn not_meant(&self, entry: &Name) -> BTreeSet<String> {
        let others = self.names.iter().filter(|name| !entry.means(name));
        others.flat_map(|name| stem(name).into_iter().chain([name.as_str()])).map(ToOwned::to_owned).collect()
    }
}
