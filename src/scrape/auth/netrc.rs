//! The netrc file, where users keep names and passwords of hosts.

use std::iter::Peekable;
use std::path::PathBuf;
use std::str::Chars;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::header::HeaderValue;

use super::{basic_authorization, files};
use crate::discover::{Location, Origin};

/// The files that may be there. They are read for each scrape, so that changes count at once.
pub(super) struct Netrc {
    candidates: Vec<PathBuf>,
    /// Whether it was told that the file cannot be read.
    told: AtomicBool,
}

impl Netrc {
    pub(super) fn new(candidates: Vec<PathBuf>) -> Self {
        Self { candidates, told: AtomicBool::new(false) }
    }

    /// The header for the host of a location. A file that cannot be read is told of once and then as good as none.
    pub(super) async fn find(&self, location: &Location) -> Option<HeaderValue> {
        if let Origin::Unix(_) = location.origin() {
            return None;
        }
        let path = self.candidates.iter().find(|path| path.exists())?;
        let host = location.host().trim_start_matches('[').trim_end_matches(']');
        let found = match files::read(path, "netrc file").await {
            Ok(text) => parse(&text).map_err(|line| format!("`{}` is not a netrc file at line {line}", path.display())),
            Err(error) => Err(error.to_string()),
        };
        match found {
            Ok(entries) => {
                let named = entries.iter().find(|entry| entry.machine.as_deref() == Some(host));
                let entry = named.or_else(|| entries.iter().find(|entry| entry.machine.is_none()))?;
                entry.header()
            }
            Err(problem) => {
                if !self.told.swap(true, Ordering::Relaxed) {
                    tracing::warn!("{problem}; no credentials are taken from it");
                }
                None
            }
        }
    }
}

/// The credentials of one host, or of all others.
#[derive(Default)]
struct Entry {
    /// None: the entry `default`.
    machine: Option<String>,
    login: String,
    account: String,
    password: String,
}

impl Entry {
    fn header(&self) -> Option<HeaderValue> {
        let user = if self.login.is_empty() { &self.account } else { &self.login };
        (!user.is_empty() || !self.password.is_empty()).then(|| basic_authorization(user, &self.password))
    }
}

/// The entries of a file, or the line that cannot be understood.
fn parse(text: &str) -> Result<Vec<Entry>, usize> {
    let mut words = Words { characters: text.chars().peekable(), line: 1 };
    let mut entries: Vec<Entry> = Vec::new();
    while let Some(word) = words.next_word() {
        let line = words.line;
        match word.as_str() {
            "machine" => {
                let machine = Some(words.next_word().ok_or(line)?);
                entries.push(Entry { machine, ..Entry::default() });
            }
            "default" => entries.push(Entry::default()),
            "macdef" => words.skip_macro(),
            "login" | "user" => entries.last_mut().ok_or(line)?.login = words.next_word().ok_or(line)?,
            "account" => entries.last_mut().ok_or(line)?.account = words.next_word().ok_or(line)?,
            "password" => entries.last_mut().ok_or(line)?.password = words.next_word().ok_or(line)?,
            comment if comment.starts_with('#') => words.skip_line(),
            _ => return Err(line),
        }
    }
    Ok(entries)
}

/// The words of a file; quotes hold a word together, a backslash takes what follows literally.
struct Words<'t> {
    characters: Peekable<Chars<'t>>,
    line: usize,
}

impl Words<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.characters.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    fn next_word(&mut self) -> Option<String> {
        while self.characters.peek()?.is_whitespace() {
            self.next();
        }
        let mut word = String::new();
        if self.characters.next_if_eq(&'"').is_some() {
            while let Some(c) = self.next() {
                match c {
                    '"' => break,
                    '\\' => word.extend(self.next()),
                    c => word.push(c),
                }
            }
            return Some(word);
        }
        // The blank behind the word stays, so that the end of its line is seen.
        while let Some(c) = self.characters.next_if(|c| !c.is_whitespace()) {
            word.extend(if c == '\\' { self.next() } else { Some(c) });
        }
        Some(word)
    }

    fn skip_line(&mut self) {
        while let Some(c) = self.next() {
            if c == '\n' {
                return;
            }
        }
    }

    /// A macro ends at an empty line.
    fn skip_macro(&mut self) {
        self.skip_line();
        while self.characters.peek().is_some_and(|&c| c != '\n') {
            self.skip_line();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all_forms() {
        let text = "# all of mine\nmachine a.example login me password p#1 # not yet\nmachine b.example\n\tlogin \"two words\"\n\
                    \tpassword \"a\\\"b\"\nmacdef init\ncd /\nmachine x\n\nmachine c login c password\\ pass\\ word\n";
        assert_eq!(parse(text).err(), Some(10));
        let text = text.replace("password\\ pass\\ word", "password pass\\ word\ndefault login anyone password guest");
        let entries = parse(&text).unwrap();
        let shown: Vec<_> = entries.iter().map(|e| (e.machine.as_deref(), &*e.login, &*e.password)).collect();
        assert_eq!(
            shown,
            [
                (Some("a.example"), "me", "p#1"),
                (Some("b.example"), "two words", "a\"b"),
                (Some("c"), "c", "pass word"),
                (None, "anyone", "guest"),
            ]
        );
    }

    #[test]
    fn says_where_it_is_wrong() {
        for (text, line) in [("login a", 1), ("machine", 1), ("machine a\nlogin", 2), ("machine a\n\npasword b", 3)] {
            assert_eq!(parse(text).err(), Some(line), "{text}");
        }
        assert!(parse("").unwrap().is_empty());
    }
}
