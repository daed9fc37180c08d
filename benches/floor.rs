//! How near later scrapes come to the least that they could cost: to programs that do nothing but recognise each line
//! exactly, read its value, and store that.
//!
//! `sequential` compares each line with the one that stood behind the one before it in the scrape before, and looks it up
//! by a hash only if it is another one. `batch` looks up all lines by a hash, 32 together, so that the memory is waited
//! for once for all of them; it is the measure where the order changes. Neither knows types, resets, missing series,
//! points, or anything else that has to be done.
//!
//! `cargo bench --bench floor`

#![allow(dead_code, reason = "the expositions are shared with other benchmarks")]

mod corpora;
mod target;

use std::hash::BuildHasher;
use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use corpora::generate;
use foldhash::fast::RandomState;
use memchr::{memchr, memrchr};
use retriever::parse::Format;
use target::Target;

/// Scrapes that follow each other.
const SUCCESSIVE: u64 = 4;

/// How often each of them is scraped.
const ROUNDS: usize = 50;

const TOGETHER: usize = 32;
const NOBODY: u32 = u32::MAX;

/// The lines that came, as far as they stand before the value.
#[derive(Default)]
struct Cache {
    texts: Vec<u8>,
    lines: Vec<Line>,
    values: Vec<f64>,
    /// Hashes and places, by the hash: a power of two of them.
    cells: Vec<(u32, u32)>,
    hasher: RandomState,
}

#[derive(Clone, Copy)]
struct Line {
    start: u32,
    length: u32,
    /// The line behind it.
    next: u32,
}

impl Cache {
    fn new() -> Self {
        Self { cells: vec![(0, NOBODY); 1 << 18], ..Self::default() }
    }

    #[inline]
    fn text(&self, place: u32) -> &[u8] {
        let range = |line: &Line| line.start as usize..(line.start + line.length) as usize;
        self.lines.get(place as usize).and_then(|line| self.texts.get(range(line))).unwrap_or_default()
    }

    fn hash(&self, text: &[u8]) -> u32 {
        (self.hasher.hash_one(text) >> 32) as u32
    }

    /// The first place with this hash, and the cell behind it; or nobody, and the cell for it.
    fn candidate(&self, hash: u32, mut cell: usize) -> (u32, usize) {
        loop {
            cell &= self.cells.len() - 1;
            let (known, place) = self.cells[cell];
            if place == NOBODY {
                return (NOBODY, cell);
            }
            cell += 1;
            if known == hash {
                return (place, cell);
            }
        }
    }

    /// The place of a text, which is remembered if it is new.
    fn place(&mut self, hash: u32, text: &[u8]) -> u32 {
        let (mut place, mut cell) = self.candidate(hash, hash as usize);
        while place != NOBODY && self.text(place) != text {
            (place, cell) = self.candidate(hash, cell);
        }
        if place == NOBODY {
            assert!(self.lines.len() < self.cells.len() / 2, "the table is large enough");
            place = self.lines.len() as u32;
            self.cells[cell] = (hash, place);
            self.lines.push(Line { start: self.texts.len() as u32, length: text.len() as u32, next: NOBODY });
            self.texts.extend_from_slice(text);
            self.values.push(0.0);
        }
        place
    }

    fn sequential(&mut self, body: &[u8]) {
        let (mut at, mut last) = (0, NOBODY);
        while at < body.len() {
            let rest = &body[at..];
            if rest[0] == b'#' {
                at += memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
                continue;
            }
            let mut place = self.lines.get(last as usize).map_or(0, |line| line.next);
            let text = self.text(place);
            let mut length = text.len();
            if length == 0 || rest.len() <= length || rest[length] != b' ' || rest[..length] != *text {
                length = series_length(rest);
                place = self.place(self.hash(&rest[..length]), &rest[..length]);
                if let Some(last) = self.lines.get_mut(last as usize) {
                    last.next = place;
                }
            }
            let (value, end) = value(rest, length + 1);
            self.values[place as usize] = value;
            (at, last) = (at + end + 1, place);
        }
    }

    fn batch(&mut self, body: &[u8]) {
        let mut rest = body;
        while !rest.is_empty() {
            let mut found = [(&rest[..0], 0, 0, NOBODY); TOGETHER];
            let mut count = 0;
            while count < TOGETHER && !rest.is_empty() {
                if rest[0] != b'#' {
                    let length = series_length(rest);
                    found[count] = (rest, length, self.hash(&rest[..length]), NOBODY);
                    count += 1;
                }
                rest = memchr(b'\n', rest).map_or(&[], |end| &rest[end + 1..]);
            }
            let found = &mut found[..count];
            for (_, _, hash, place) in &mut *found {
                *place = self.candidate(*hash, *hash as usize).0;
            }
            let touched = found.iter().filter_map(|(.., place)| self.text(*place).last());
            black_box(touched.fold(0, |all, byte| all ^ byte));
            for (line, length, hash, place) in found {
                let text = &line[..*length];
                let place = if self.text(*place) == text { *place } else { self.place(*hash, text) };
                self.values[place as usize] = value(line, *length + 1).0;
            }
        }
    }
}

/// How many bytes stand before the blank and the value of the line at the front.
fn series_length(lines: &[u8]) -> usize {
    let end = memchr(b'\n', lines).unwrap_or(lines.len());
    memrchr(b' ', &lines[..end]).unwrap_or(end)
}

/// The value at `at`, and where its line ends.
#[inline]
fn value(lines: &[u8], at: usize) -> (f64, usize) {
    let (mut end, mut whole) = (at, 0_u64);
    while let Some(digit @ b'0'..=b'9') = lines.get(end) {
        whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        end += 1;
    }
    if lines.get(end) == Some(&b'\n') && (1..=15).contains(&(end - at)) {
        return (whole as f64, end);
    }
    while lines.get(end).is_some_and(|byte| *byte != b'\n') {
        end += 1;
    }
    let text = std::str::from_utf8(&lines[at..end]).unwrap_or_default();
    (text.parse().unwrap_or(f64::NAN), end)
}

/// Prints a row about successive bodies of one target. The three take turns, so that what slows the machine down slows
/// all of them down.
fn measure(name: &str, make: impl Fn(u64) -> String) {
    let bodies: Vec<Bytes> = (0..SUCCESSIVE).map(|scrape| Bytes::from(make(scrape))).collect();
    let (mut target, mut sequential, mut batch) = (Target::new(), Cache::new(), Cache::new());
    let mut times = [const { Vec::new() }; 3];
    for round in 0..=ROUNDS {
        for body in &bodies {
            let next = target.time(body);
            let begun = Instant::now();
            sequential.sequential(body);
            let of_sequential = begun.elapsed();
            let begun = Instant::now();
            batch.batch(body);
            if round > 0 {
                for (times, took) in times.iter_mut().zip([next, of_sequential, begun.elapsed()]) {
                    times.push(took.as_secs_f64() * 1e3);
                }
            }
        }
    }
    black_box((&sequential.values, &batch.values));
    let medians = times.map(|mut times| {
        times.sort_unstable_by(f64::total_cmp);
        times[times.len() / 2]
    });
    let [next, sequential, batch] = medians;
    let (of_sequential, of_batch) = (100.0 * sequential / next, 100.0 * batch / next);
    println!("| {name} | {next:.2} ms | {sequential:.2} ms | {of_sequential:.0} % | {batch:.2} ms | {of_batch:.0} % |");
}

fn main() {
    println!("| exposition | `next`, median | `sequential` | share | `batch` | share |\n|---|---|---|---|---|---|");
    measure("kubernetes", |scrape| generate::kubernetes(100_000, scrape, false));
    measure("kubernetes, shuffled", |scrape| generate::kubernetes(100_000, scrape, true));
    measure("histograms", |scrape| generate::histograms(100_000, scrape));
    measure("mixed", |scrape| generate::mixed(Format::PrometheusText, 10_000, scrape));
}
