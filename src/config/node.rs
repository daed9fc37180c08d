//! A YAML document as a tree in which every value knows where it stands.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{DuplicateKeyPolicy, NonFiniteFloatPolicy, Spanned};

use super::problem::{Position, Problems};

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) at: Position,
    /// How a number or boolean is written if not as it is printed, for options that want text: `1.0` is not `1`, and `n`
    /// is not `false`.
    pub(crate) spelled: Option<String>,
    /// First byte and length in the text.
    extent: Option<(u64, u64)>,
}

/// A YAML value. Mappings keep their order.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// Reads the one document of `text`; what cannot be read is a problem, and then there is no tree.
    pub(crate) fn read(text: &str, problems: &mut Problems) -> Option<Self> {
        // The Agent lets the last of two equal keys win, and its files must read the same here.
        let options = serde_yaml::options! {
            duplicate_keys: DuplicateKeyPolicy::LastWins,
            // What an option does not take is said of the option, not of the file.
            non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        };
        match serde_yaml::from_str_with_options::<Self>(text, options) {
            Ok(mut node) => {
                node.spell(text);
                Some(node)
            }
            Err(error) => {
                let message = format!("this is not valid YAML: {}", error.without_snippet());
                match error.location() {
                    Some(location) => problems.error(position(&location), message),
                    None => problems.whole(message),
                }
                None
            }
        }
    }

    /// What an empty file holds.
    pub(crate) fn nothing() -> Self {
        Self::new(Value::Null, Position { line: 1, column: 1 })
    }

    /// A value that is not in the file as it is here, at the place of what it was made from.
    pub(crate) fn new(value: Value, at: Position) -> Self {
        Self { value, at, spelled: None, extent: None }
    }

    pub(crate) fn text(text: impl Into<String>, at: Position) -> Self {
        Self::new(Value::Text(text.into()), at)
    }

    /// Looks up how the numbers and booleans of the tree are written.
    fn spell(&mut self, text: &str) {
        let plain = match &mut self.value {
            Value::Bool(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            Value::Float(value) => value.to_string(),
            Value::List(list) => return list.iter_mut().for_each(|node| node.spell(text)),
            Value::Mapping(entries) => {
                return entries.iter_mut().for_each(|(key, value)| {
                    key.spell(text);
                    value.spell(text);
                });
            }
            Value::Null | Value::Text(_) => return,
        };
        let bounds = self.extent.and_then(|(first, length)| {
            Some(usize::try_from(first).ok()?..usize::try_from(first.checked_add(length)?).ok()?)
        });
        let spelled = bounds.and_then(|bounds| text.get(bounds)).map(str::trim);
        self.spelled = spelled.filter(|spelled| *spelled != plain).map(str::to_owned);
    }

    /// The text of a key: keys that YAML reads as numbers or booleans are meant as they are spelled.
    pub(crate) fn key_text(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.clone()),
            Value::Bool(value) => Some(self.spelled.clone().unwrap_or_else(|| value.to_string())),
            Value::Integer(value) => Some(self.spelled.clone().unwrap_or_else(|| value.to_string())),
            Value::Float(value) => Some(self.spelled.clone().unwrap_or_else(|| value.to_string())),
            Value::Null | Value::List(_) | Value::Mapping(_) => None,
        }
    }

    /// What the value is, for messages: ``the number `5` ``.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing (null)".to_owned(),
            Value::Bool(value) => format!("the boolean `{value}`"),
            Value::Integer(value) => format!("the number `{value}`"),
            Value::Float(value) => format!("the number `{value}`"),
            Value::Text(_) => "text".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
        }
    }
}

fn position(location: &serde_yaml::Location) -> Position {
    Position { line: location.line(), column: location.column() }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        let extent = spanned.defined.span();
        let extent = extent.byte_offset().zip(extent.byte_len());
        Ok(Self { value: spanned.value, at: position(&spanned.referenced), spelled: None, extent })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = access.next_element()? {
            list.push(node);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut mapping = Vec::new();
        while let Some(key) = access.next_key()? {
            mapping.push((key, access.next_value()?));
        }
        Ok(Value::Mapping(mapping))
    }
}
