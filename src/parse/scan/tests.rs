//! The straight path against the grammar: the same tokens, or none at all.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::parse::departure::Departures;
use crate::parse::line::{self, Labels, Line};

/// What the straight path makes of the line at the front of `text`.
fn straight(scanner: &mut Scanner, name: &str, text: &str) -> Option<String> {
    let (mut sample, mut exemplar) = (Vec::new(), Vec::new());
    let mut labels = LabelsOut { sample: &mut sample, exemplar: &mut exemplar };
    let plain = scanner.sample(text, name, &mut labels)?;
    assert_eq!(text.split_once('\n').map(|(_, rest)| rest), Some(plain.rest), "the line ends at its first LF");
    Some(format!("{:?} {sample:?} {exemplar:?}", plain.line))
}

/// What the grammar makes of `line`.
fn grammar(line: &str, format: Format, limit: usize) -> Option<String> {
    let (mut sample, mut exemplar) = (Vec::new(), Vec::new());
    let mut departures = Departures::first(format);
    let Ok(Line::Sample(input)) = line::classify(line, format, &mut departures) else { return None };
    let mut labels = Labels { sample: &mut sample, exemplar: &mut exemplar, limit, departures: &mut departures };
    let read = line::sample(input, format, &mut labels).ok()?;
    assert_eq!(departures.refused, None, "a departure is worth a word: {line}");
    Some(format!("{read:?} {sample:?} {exemplar:?}"))
}

/// So much behind a line that its end can be looked at in lanes.
const MORE: &str = "\nanother_metric{with=\"labels\"} 1\n";

#[test]
fn common_lines_go_straight() {
    let both = [
        "up 1",
        "up 0.25",
        "a:b_C9 -17",
        "a{b=\"c\"} 1",
        "a{b=\"\",c_9=\"d e{}=,#\"} 1.7e+09",
        "a{b=\"c\"} +Inf",
        "a{b=\"c\"} NaN",
        "a{b=\"c\"} 123456789012345678901234567890",
        "a{b=\"c\"} 0.30000000000000004",
        "a_name_that_is_longer_than_one_look{a_label_that_is_longer_too=\"a value that is also longer\"} 12345678901",
        "a 1 1700000000",
    ];
    let text = ["a{b=\"c\",} 1", "a 1 1700000000123", "a{b=\"c\"} 1 0"];
    let open_metrics = [
        "a 1 1700000000.123",
        "a 1 9999999999999999999",
        "a_bucket{le=\"1\"} 1 # {trace_id=\"x\"} 0.5",
        "a_bucket{le=\"1\"} 1 1.5 # {trace_id=\"x\",b=\"c\"} 0.5 1700000000.123",
    ];
    for (format, lines) in [(Format::PrometheusText, &text[..]), (Format::OpenMetrics, &open_metrics[..])] {
        let mut scanner = Scanner::of(format, 10).expect("it reads this");
        for line in both.iter().chain(lines) {
            let read = straight(&mut scanner, "", &format!("{line}{MORE}"));
            assert!(read.is_some(), "{line}");
            assert_eq!(read, grammar(line, format, 10), "{line}");
        }
    }
}

#[test]
fn everything_else_is_left_to_the_grammar() {
    let both = [
        "",
        "# EOF",
        "# HELP a b",
        "{\"a\"} 1",
        "{a=\"b\"} 1",
        " a 1",
        "a  1",
        "a\t1",
        "a 1 ",
        "a 1\r",
        "a",
        "a ",
        "a x",
        "9a 1",
        "a{b=\"\\\\\"} 1",
        "a{b=\"\u{e9}\"} 1",
        "a{b=\"c\" } 1",
        "a{ b=\"c\"} 1",
        "a{b=\"c\"}1",
        "a{b =\"c\"} 1",
        "a{b=\"c\"d=\"e\"} 1",
        "a{\"b\"=\"c\"} 1",
        "a{b=\"c",
        "a{b=\"c\"",
        "a{b=\"c\"}",
        "a{9b=\"c\"} 1",
        "a{=\"c\"} 1",
        "a{b:c=\"c\"} 1",
        "a{} 1",
        "a{,} 1",
        "a{b=\"c\",,} 1",
        "a{b=\"1\",c=\"2\",d=\"3\"} 1",
        "a 0x1",
        "a 1_0",
        "a 1 x",
        "a 1 1 1",
        "caf\u{e9} 1",
        "a{b=\"c\td\"} 1",
    ];
    let text = ["a 1 # {b=\"c\"} 1", "a 1 1.5", "a 1 -5", "a 1 9999999999999999999"];
    let open_metrics = ["a{b=\"c\",} 1", "a 1 # {} 1", "a 1 #{b=\"c\"} 1", "a 1 # {b=\"c\"} 1 x", "a 1 NaN"];
    for (format, lines) in [(Format::PrometheusText, &text[..]), (Format::OpenMetrics, &open_metrics[..])] {
        let mut scanner = Scanner::of(format, 2).expect("it reads this");
        for line in both.iter().chain(lines) {
            assert_eq!(straight(&mut scanner, "", &format!("{line}{MORE}")), None, "{line}");
        }
    }
    // A line at the end of what is there, and one whose quote closes in the next line.
    let mut scanner = Scanner::of(Format::PrometheusText, 2).expect("it reads this");
    for text in ["a 1\n", "a 1", "", "a{b=\"c\n\"} 1 and so on, for quite a while\n"] {
        assert_eq!(straight(&mut scanner, "", text), None, "{text}");
    }
}

/// Mostly what exporters write, and now and then something else.
fn mostly(common: &'static str, others: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop_oneof![9 => Just(common), 1 => select(others)]
}

fn label() -> impl Strategy<Value = String> {
    let name =
        select(&["a", "le", "code", "namespace", "created_by_kind", "a_name_of_many_letters", "", "9", "a:b"][..]);
    let value =
        prop_oneof!["[ -~]{0,20}".prop_map(|text| text.replace(['"', '\\'], "")), "\\PC{0,5}", "[\\\\\"n]{0,3}"];
    (name, mostly("=", &[" =", "= ", ""]), value).prop_map(|(name, equals, value)| format!("{name}{equals}\"{value}\""))
}

fn block() -> impl Strategy<Value = String> {
    let between = mostly(",", &[", ", ",,", ""]);
    (vec((label(), between), 1..5), any::<bool>()).prop_map(|(labels, comma)| {
        let joined: String = labels.iter().flat_map(|(label, between)| [label.as_str(), between]).collect();
        let joined = if comma { &joined } else { joined.strip_suffix(',').unwrap_or(&joined) };
        format!("{{{joined}}}")
    })
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<f64>().prop_map(|number| format!("{number}")),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        "[0-9]{1,20}",
        "-?[0-9]{1,17}\\.[0-9]{0,17}(e[+-]?[0-9]{1,3})?",
        Just("1700000000.123".to_owned()),
        select(&["+Inf", "-Inf", "NaN", "-NaN", "0x1", "1_0", "", ".5", "1.", "1e999"][..]).prop_map(str::to_owned),
    ]
}

fn line() -> impl Strategy<Value = String> {
    let name = select(&["a", "up", "http_requests_total", "node_filesystem_free_bytes", "a:b"][..]);
    let blank = || mostly(" ", &["  ", "\t", ""]);
    let labels = prop_oneof![1 => Just(String::new()), 4 => block()];
    let timestamp =
        prop_oneof![Just(String::new()), (blank(), number()).prop_map(|(blank, number)| blank.to_owned() + &number)];
    let exemplar = prop_oneof![
        3 => Just(String::new()),
        1 => (mostly(" # ", &[" #", "# ", " #  "]), block(), blank(), number())
            .prop_map(|(mark, block, blank, number)| format!("{mark}{block}{blank}{number}")),
    ];
    (name, labels, blank(), number(), timestamp.clone(), exemplar, timestamp).prop_map(
        |(name, labels, blank, value, timestamp, exemplar, last)| {
            let last = if exemplar.is_empty() { "" } else { &last };
            format!("{name}{labels}{blank}{value}{timestamp}{exemplar}{last}")
        },
    )
}

/// A line with some of its characters replaced, removed or doubled.
fn mutated() -> impl Strategy<Value = String> {
    let character =
        select(&['"', '\\', '{', '}', ',', '=', ' ', '#', '\t', '\r', '0', '.', '-', 'e', 'a', '\u{e9}', '\0'][..]);
    (line(), vec((any::<Index>(), character, 0..3), 0..3)).prop_map(|(line, changes)| {
        let mut characters: Vec<char> = line.chars().collect();
        for (index, character, kind) in changes {
            let at = index.index(characters.len().max(1));
            match kind {
                0 => characters.insert(at, character),
                _ if characters.is_empty() => {}
                1 => characters[at] = character,
                _ => drop(characters.remove(at)),
            }
        }
        characters.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn the_straight_path_gives_what_the_grammar_gives(
        lines in vec(prop_oneof![line(), mutated()], 1..8),
        open_metrics in any::<bool>(),
        limit in 1..6_usize,
    ) {
        let format = if open_metrics { Format::OpenMetrics } else { Format::PrometheusText };
        let mut scanner = Scanner::of(format, limit).expect("it reads this");
        let mut name = "";
        for line in lines.iter().filter(|line| !line.contains('\n')) {
            if let Some(read) = straight(&mut scanner, name, &format!("{line}{MORE}")) {
                prop_assert_eq!(Some(read), grammar(line, format, limit), "{}", line);
                name = &line[..line.find(['{', ' ']).unwrap_or(line.len())];
            }
        }
    }
}
