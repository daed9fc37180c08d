//! `docs/hostile.md` lists what is tested here, with the words of the errors.

use std::fmt::Write as _;

use super::{Case, End, themes};

const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/hostile.md");

fn row(name: &str, case: &Case) -> String {
    let behaviour = name.replace('_', " ");
    let scraped = if case.submitted.is_empty() { "" } else { "yes" };
    let (said, reason, health) = match &case.end {
        End::Fine if case.malformed > 0 => ("each line that is skipped".to_owned(), String::new(), "OK"),
        End::Fine => ("nothing".to_owned(), String::new(), "OK"),
        End::Failed { reason, words, critical, .. } => {
            let words = words.trim_end_matches([' ', '(', ':']).replace('|', "\\|");
            (format!("“{words}”"), format!("`{reason}`"), if *critical { "CRITICAL" } else { "OK" })
        }
    };
    format!("| {behaviour} | {said} | {reason} | {health} | {scraped} |\n")
}

#[test]
fn the_list_of_the_documentation_is_that_of_the_tests() {
    let mut expected = String::new();
    for (theme, cases) in themes() {
        let _ = writeln!(expected, "\n### `hostile::{theme}`\n");
        expected += "| what it does | what is said | reason | health | scraped |\n|---|---|---|---|---|\n";
        expected.extend(cases.iter().map(|(name, case)| row(name, case)));
    }
    let document = std::fs::read_to_string(LIST).unwrap_or_default();
    let start = document.find("\n### `hostile::").unwrap_or(document.len());
    if std::env::var_os("RETRIEVER_UPDATE_LIST").is_some() {
        std::fs::write(LIST, format!("{}{expected}", &document[..start])).unwrap();
        return;
    }
    assert_eq!(&document[start..], expected, "write it anew with `RETRIEVER_UPDATE_LIST=1`");
}

#[test]
fn no_two_have_one_name() {
    let mut names: Vec<_> = super::all().into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    assert!(names.len() >= 40, "{}", names.len());
    assert_eq!(names.windows(2).find(|pair| pair[0] == pair[1]), None);
}
