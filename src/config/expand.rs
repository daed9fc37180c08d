//! References inside settings: `${env:NAME}`, `${file:PATH}` and the Agent's `%%env_NAME%%`.
//!
//! They are expanded on scalars after the YAML was read, so what they stand for is never taken for YAML.

use std::io;
use std::path::{Path, PathBuf};

/// What settings may refer to outside their file.
pub trait Surroundings {
    /// The value of an environment variable that is set, even if it is empty.
    fn variable(&self, name: &str) -> Option<String>;

    /// The content of a file.
    fn file(&self, path: &Path) -> io::Result<String>;
}

/// The environment and the files of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessSurroundings;

impl Surroundings for ProcessSurroundings {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        std::fs::read_to_string(path)
    }
}

/// No environment and no files: settings stand for themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSurroundings;

impl Surroundings for NoSurroundings {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &Path) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// The forms of a reference: how it opens, how it closes, and what is between.
const FORMS: [(&str, &str, Kind); 3] =
    [("${env:", "}", Kind::Variable), ("${file:", "}", Kind::File), ("%%env_", "%%", Kind::Variable)];

#[derive(Clone, Copy)]
enum Kind {
    Variable,
    File,
}

/// `text` with its references replaced. The error says which reference failed and why, without any value.
pub(crate) fn expand(text: &str, surroundings: &dyn Surroundings) -> Result<String, String> {
    if text.starts_with("ENC[") && text.ends_with(']') {
        let message =
            "`ENC[...]` stands for a secret that only the Agent can read; use `${env:NAME}` or `${file:PATH}`";
        return Err(message.to_owned());
    }
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, open, close, kind)) = next_reference(rest) {
        let name_start = at + open.len();
        let Some(length) = rest[name_start..].find(close) else {
            return Err(format!("the reference `{open}` is not closed; expected `{close}` behind its name"));
        };
        let name = &rest[name_start..name_start + length];
        expanded.push_str(&rest[..at]);
        expanded.push_str(&resolve(kind, name, surroundings)?);
        rest = &rest[name_start + length + close.len()..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn next_reference(text: &str) -> Option<(usize, &'static str, &'static str, Kind)> {
    let found = FORMS.iter().filter_map(|&(open, close, kind)| Some((text.find(open)?, open, close, kind)));
    found.min_by_key(|&(at, ..)| at)
}

fn resolve(kind: Kind, name: &str, surroundings: &dyn Surroundings) -> Result<String, String> {
    match kind {
        Kind::Variable => surroundings
            .variable(name)
            .ok_or_else(|| format!("the environment variable `{name}` is not set; set it or remove the reference")),
        // Files that hold a secret usually end in a line feed that is not part of it.
        Kind::File => match surroundings.file(Path::new(name)) {
            Ok(content) => Ok(content.trim_end_matches(['\r', '\n']).to_owned()),
            Err(error) => Err(format!("the file `{name}` cannot be read: {error}")),
        },
    }
}

/// `~/` at the beginning of a path is the home directory.
pub(crate) fn expand_home(path: &str, surroundings: &dyn Surroundings) -> PathBuf {
    match path.strip_prefix("~/").zip(surroundings.variable("HOME")) {
        Some((rest, home)) => PathBuf::from(home).join(rest),
        None => PathBuf::from(path),
    }
}
