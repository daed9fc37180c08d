//! Writes what identifies a series, in the form in which the text format exposes it. All of it goes into buffers that
//! are used again.

use crate::parse::model::Label;

/// The text of one series after the other.
#[derive(Debug, Default)]
pub(super) struct SeriesText {
    /// The labels of the metric, without braces.
    block: String,
    text: String,
    /// The length of what all series of one name and one metric have in common.
    stem: usize,
    /// What comes before one more label.
    separator: &'static str,
    /// What comes behind the last label of the stem.
    end: &'static str,
}

impl SeriesText {
    /// Takes the labels of a metric.
    pub(super) fn metric(&mut self, labels: &[Label<'_>]) {
        self.block.clear();
        for label in labels {
            if !self.block.is_empty() {
                self.block.push(',');
            }
            push_label(&mut self.block, label.name.raw(), label.value.raw());
        }
    }

    /// Takes the name of the series that follow.
    pub(super) fn name(&mut self, name: &str) {
        self.text.clear();
        if is_bare(name, true) {
            self.text.push_str(name);
            (self.separator, self.end) = ("{", "");
        } else {
            self.text.push('{');
            push_quoted(&mut self.text, name);
            (self.separator, self.end) = (",", "}");
        }
        if !self.block.is_empty() {
            self.text.push_str(self.separator);
            self.text.push_str(&self.block);
            (self.separator, self.end) = (",", "}");
        }
        self.stem = self.text.len();
    }

    /// The series that has the labels of the metric only.
    pub(super) fn plain(&mut self) -> &str {
        self.text.truncate(self.stem);
        self.text.push_str(self.end);
        &self.text
    }

    /// The series that has one label more.
    pub(super) fn with(&mut self, label: &str, value: &str) -> &str {
        self.text.truncate(self.stem);
        self.text.push_str(self.separator);
        push_label(&mut self.text, label, value);
        self.text.push('}');
        &self.text
    }
}

fn push_label(text: &mut String, name: &str, value: &str) {
    if is_bare(name, false) {
        text.push_str(name);
    } else {
        push_quoted(text, name);
    }
    text.push('=');
    push_quoted(text, value);
}

fn push_quoted(text: &mut String, plain: &str) {
    text.push('"');
    let mut rest = plain;
    while let Some(at) = memchr::memchr3(b'\\', b'"', b'\n', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        text.push_str(match rest.as_bytes()[at] {
            b'\\' => "\\\\",
            b'"' => "\\\"",
            _ => "\\n",
        });
        rest = &rest[at + 1..];
    }
    text.push_str(rest);
    text.push('"');
}

/// Whether a name needs no quotes; only names of metrics may have colons.
fn is_bare(name: &str, colons: bool) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || (colons && byte == b':');
    !name.starts_with(|first: char| first.is_ascii_digit()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::model::Quoted;

    fn label<'a>(name: &'a str, value: &'a str) -> Label<'a> {
        Label { name: Quoted::new(name, false), value: Quoted::new(value, false) }
    }

    #[test]
    fn series_look_as_in_the_text_format() {
        let mut series = SeriesText::default();
        let mut text = |name: &str, labels: &[Label<'_>]| {
            series.metric(labels);
            series.name(name);
            let with = series.with("le", "1.0").to_owned();
            (series.plain().to_owned(), with)
        };
        let expected = |plain: &str, with: &str| (plain.to_owned(), with.to_owned());
        assert_eq!(text("a:b_1", &[]), expected("a:b_1", "a:b_1{le=\"1.0\"}"));
        assert_eq!(
            text("a", &[label("b", "c"), label("d:e", "")]),
            expected("a{b=\"c\",\"d:e\"=\"\"}", "a{b=\"c\",\"d:e\"=\"\",le=\"1.0\"}")
        );
        assert_eq!(text("a.b", &[]), expected("{\"a.b\"}", "{\"a.b\",le=\"1.0\"}"));
        assert_eq!(
            text("1\"", &[label("\u{e9}", "x\\y\n\"z\"")]),
            expected(
                "{\"1\\\"\",\"\u{e9}\"=\"x\\\\y\\n\\\"z\\\"\"}",
                "{\"1\\\"\",\"\u{e9}\"=\"x\\\\y\\n\\\"z\\\"\",le=\"1.0\"}"
            )
        );
    }
}
