//! Tells whether settings that were read twice are the same, without keeping them.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

use super::expand::{Surroundings, expand};
use super::node::{Node, Value};

/// What an instance was read from: equal for equal options, wherever in the file they stand, with the same content of
/// what they refer to. Only good for comparisons within one process; says nothing of what was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The options of an instance together with what else they depend on.
    pub(super) fn of<'n>(nodes: impl IntoIterator<Item = &'n Node>, surroundings: &dyn Surroundings) -> Self {
        /// The same for all, and known to nobody who writes settings.
        static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let mut hasher = KEYS.build_hasher();
        for node in nodes {
            add_options(node, surroundings, &mut hasher);
        }
        Self(hasher.finish())
    }
}

/// A mapping of options, whose order means nothing.
fn add_options(node: &Node, surroundings: &dyn Surroundings, hasher: &mut impl Hasher) {
    let Value::Mapping(pairs) = &node.value else { return add(node, surroundings, hasher) };
    let mut pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.key_text(), value)).collect();
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
    pairs.len().hash(hasher);
    for (key, value) in pairs {
        key.hash(hasher);
        add(value, surroundings, hasher);
    }
}

fn add(node: &Node, surroundings: &dyn Surroundings, hasher: &mut impl Hasher) {
    std::mem::discriminant(&node.value).hash(hasher);
    node.spelled.hash(hasher);
    match &node.value {
        Value::Null => {}
        Value::Bool(value) => value.hash(hasher),
        Value::Integer(value) => value.hash(hasher),
        Value::Float(value) => value.to_bits().hash(hasher),
        Value::Text(text) => {
            text.hash(hasher);
            // What is no reference after all, as in a pattern, only means itself.
            expand(text, surroundings).ok().hash(hasher);
        }
        Value::List(list) => {
            list.len().hash(hasher);
            for node in list {
                add(node, surroundings, hasher);
            }
        }
        Value::Mapping(pairs) => {
            pairs.len().hash(hasher);
            for (key, value) in pairs {
                add(key, surroundings, hasher);
                add(value, surroundings, hasher);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::*;
    use crate::config::{Config, ConfiguredInstance, Instance};

    /// One file, with this content.
    struct Secret(&'static str);

    impl Surroundings for Secret {
        fn variable(&self, _: &str) -> Option<String> {
            None
        }

        fn file(&self, _: &Path) -> io::Result<String> {
            Ok(self.0.to_owned())
        }
    }

    fn instance(text: &str, secret: &'static str) -> Instance {
        let config = Config::read(text, "test", &Secret(secret));
        match config.instances.into_iter().next_back() {
            Some(ConfiguredInstance::Valid(instance)) => *instance,
            other => panic!("{other:?}"),
        }
    }

    const TEXT: &str = "init_config: {timeout: 3}\ninstances:\n- openmetrics_endpoint: http://a\n  metrics: [a: b]\n  \
                        password: ${file:/p}\n  username: u\n";

    #[test]
    fn the_same_wherever_and_in_whatever_order_it_stands() {
        let one = instance(TEXT, "x");
        let moved = "# A comment.\ninstances:\n- openmetrics_endpoint: http://other\n- username: u\n  metrics:\n    - a: b\n  \
                     openmetrics_endpoint: http://a\n  password: '${file:/p}'\ninit_config:\n  timeout: 3\n";
        assert!(one.is_same(&instance(moved, "x")));
    }

    #[test]
    fn another_for_every_change() {
        let one = instance(TEXT, "x");
        let with = |from: &str, to: &str| {
            let text = TEXT.replace(from, to);
            assert_ne!(text, TEXT);
            instance(&text, "x")
        };
        for (from, to) in [
            ("http://a", "http://b"),
            ("[a: b]", "[a: c]"),
            ("[a: b]", "[a: b, c]"),
            ("[a: b]", "[a, b]"),
            ("username: u", "username: u\n  tags: [x]"),
            ("timeout: 3", "timeout: 4"),
            ("{timeout: 3}", "{}"),
        ] {
            assert!(!one.is_same(&with(from, to)), "{to}");
        }
        assert!(!one.is_same(&instance(TEXT, "y")), "the secret was renewed");
    }
}
