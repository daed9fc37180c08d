//! The texts of series in pieces that others have too, each kept once: the name, the labels that series of other families
//! have as well, and what is left. And what is known of pieces for as long as a body is read.
//!
//! Of kube-state-metrics, where each object is in a dozen families, the pieces have a third of the bytes of the texts.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::texts::{NOTHING, Texts};

/// A piece, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::map) struct Piece(u32);

impl Piece {
    /// Stands for none.
    pub(in crate::map) const NONE: Self = Self(NOTHING);
}

impl Default for Piece {
    fn default() -> Self {
        Self::NONE
    }
}

/// A text in pieces. One that has nothing in common with others is all rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PiecedText {
    /// The name, with a brace behind it.
    pub(super) head: Piece,
    /// The first of its labels.
    pub(super) stem: Piece,
    pub(super) rest: Piece,
}

impl PiecedText {
    fn pieces(self) -> impl Iterator<Item = u32> {
        [self.head, self.stem, self.rest].into_iter().filter(|piece| *piece != Piece::NONE).map(|Piece(number)| number)
    }
}

/// Where a text is cut: the offsets at which its stem begins, and where its rest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::map) struct Cut {
    pub(in crate::map) stem: usize,
    /// Not before the stem.
    pub(in crate::map) rest: usize,
}

/// What the labels of a piece are called, and what they mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::map) struct Meaning(u32);

/// So many families may look for stems of one meaning that none of them finds.
const FAIR_CHANCE: u32 = 3;

/// How it went with stems of one meaning.
#[derive(Clone, Copy, Debug, Default)]
struct Fortune {
    /// How often they were to be looked for.
    chances: u32,
    found: u32,
    missed: u32,
}

/// What is known of a piece.
#[derive(Clone, Copy, Debug)]
struct Known {
    meaning: Meaning,
    /// Where its tags begin.
    tags: u32,
}

const UNKNOWN: Known = Known { meaning: Meaning(u32::MAX), tags: 0 };

/// All pieces.
#[derive(Debug, Default)]
pub(in crate::map) struct Pieces {
    texts: Texts,
    meanings: HashMap<String, Meaning, RandomState>,
    /// By the number of the meaning.
    fortunes: Vec<Fortune>,
    /// What is known of labels that stood in this body, by the number of the piece.
    known: Vec<Known>,
    /// The tags that they become, one after the other.
    tags: Vec<u32>,
    /// Pieces that stood in this body, to be let go with it.
    held: Vec<u32>,
}

impl Pieces {
    /// The meaning that is described so.
    pub(in crate::map) fn meaning(&mut self, description: String) -> Meaning {
        let next = Meaning(self.meanings.len() as u32);
        let meaning = *self.meanings.entry(description).or_insert(next);
        if meaning == next {
            self.fortunes.push(Fortune::default());
        }
        meaning
    }

    /// Whether stems of this meaning are worth looking for, once more: most of them may be in one family only.
    pub(in crate::map) fn is_worthwhile(&mut self, meaning: Meaning) -> bool {
        let fortune = &mut self.fortunes[meaning.0 as usize];
        fortune.chances += 1;
        fortune.chances <= FAIR_CHANCE || fortune.found >= fortune.missed / 2
    }

    /// Notes whether a stem of this meaning was known.
    #[inline]
    pub(in crate::map) fn fared(&mut self, meaning: Meaning, is_known: bool) {
        let fortune = &mut self.fortunes[meaning.0 as usize];
        fortune.found += u32::from(is_known);
        fortune.missed += u32::from(!is_known);
    }

    /// The piece of this text, until the body ends.
    pub(in crate::map) fn meet(&mut self, text: &[u8]) -> Piece {
        let number = self.texts.hold(text);
        self.held.push(number);
        Piece(number)
    }

    /// The piece of this meaning that stands at the front of `bytes`, and where it ends, if it is the one that last followed
    /// `before`, or that one again.
    #[inline]
    pub(in crate::map) fn guess(&self, meaning: Meaning, before: Piece, bytes: &[u8]) -> Option<(Piece, usize)> {
        [self.texts.follower(before.0), before.0].into_iter().find_map(|number| {
            self.known.get(number as usize).filter(|known| known.meaning == meaning)?;
            let behind = self.texts.behind(number, bytes)?;
            Some((Piece(number), bytes.len() - behind.len()))
        })
    }

    /// The piece of this text, which follows `before`; and whether its tags are known for this meaning.
    pub(in crate::map) fn look_up(&mut self, meaning: Meaning, before: Piece, text: &[u8]) -> (Piece, bool) {
        let number = self.texts.hold(text);
        self.texts.note_follower(before.0, number);
        let is_known = self.known.get(number as usize).is_some_and(|known| known.meaning == meaning);
        if is_known {
            self.texts.let_go(number);
        } else {
            self.held.push(number);
        }
        (Piece(number), is_known)
    }

    /// Notes the tags of a piece of labels, until the body ends.
    pub(in crate::map) fn learn(&mut self, piece: Piece, meaning: Meaning, tags: &[u32]) {
        let place = piece.0 as usize;
        if self.known.len() <= place {
            self.known.resize(place + 1, UNKNOWN);
        }
        self.known[place] = Known { meaning, tags: self.tags.len() as u32 };
        self.tags.extend_from_slice(tags);
    }

    /// The tags of a piece that is known to have so many.
    #[inline]
    pub(in crate::map) fn tags(&self, piece: Piece, count: usize) -> &[u32] {
        let start = self.known[piece.0 as usize].tags as usize;
        &self.tags[start..start + count]
    }

    /// A body has ended.
    pub(super) fn forget(&mut self) {
        for number in std::mem::take(&mut self.held) {
            if let Some(known) = self.known.get_mut(number as usize) {
                *known = UNKNOWN;
            }
            self.texts.let_go(number);
        }
        (self.meanings, self.fortunes, self.tags) = Default::default();
    }

    /// Keeps a text that has nothing in common with others.
    pub(super) fn keep(&mut self, text: &[u8]) -> Piece {
        Piece(self.texts.keep(text))
    }

    /// Keeps a piece that is there.
    #[inline]
    pub(super) fn hold(&mut self, piece: Piece) {
        self.texts.hold_again(piece.0);
    }

    /// Keeps a text that is to be cut.
    pub(super) fn hold_cut(&mut self, text: &[u8], cut: Cut) -> PiecedText {
        let mut hold = |piece: &[u8]| Piece(self.texts.hold(piece));
        PiecedText {
            head: hold(&text[..cut.stem]),
            stem: hold(&text[cut.stem..cut.rest]),
            rest: hold(&text[cut.rest..]),
        }
    }

    /// A text is no longer needed.
    pub(super) fn let_go(&mut self, text: PiecedText) {
        for piece in text.pieces() {
            self.texts.let_go(piece);
        }
    }

    /// Whether a text is this one.
    #[inline]
    pub(super) fn is(&self, text: PiecedText, bytes: &[u8]) -> bool {
        if text.stem == Piece::NONE { bytes == self.texts.bytes(text.rest.0) } else { self.is_cut(text, bytes) }
    }

    fn is_cut(&self, text: PiecedText, bytes: &[u8]) -> bool {
        let texts = &self.texts;
        let behind = texts.behind(text.head.0, bytes).and_then(|behind| texts.behind(text.stem.0, behind));
        behind.is_some_and(|behind| behind == texts.bytes(text.rest.0))
    }

    /// Makes room for so many texts of so many bytes.
    pub(super) fn expect(&mut self, texts: usize, bytes: usize) {
        self.texts.expect(texts, bytes);
    }

    /// A text.
    pub(super) fn get(&self, text: PiecedText) -> String {
        text.pieces().map(|piece| self.texts.get(piece)).collect()
    }

    /// Puts a text into `copy`, in the place of what was there.
    pub(super) fn copy(&self, text: PiecedText, copy: &mut Vec<u8>) {
        copy.clear();
        for piece in text.pieces() {
            copy.extend_from_slice(self.texts.bytes(piece));
        }
    }

    /// Something of that piece of a text that is the farthest from others, read so that it is at hand when it is compared.
    #[inline]
    pub(super) fn touch(&self, text: PiecedText) -> u8 {
        let text = self.texts.bytes(if text.stem == Piece::NONE { text.rest.0 } else { text.stem.0 });
        let at = |at: usize| text.get(at).copied().unwrap_or_default();
        at(0) ^ at(text.len() / 2) ^ at(text.len().wrapping_sub(1))
    }

    /// Gives back the room of texts that are gone, if it is much.
    pub(super) fn tidy(&mut self) {
        self.texts.tidy();
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.texts.capacity()
    }
}
