//! A table from the hashes of texts to the numbers of series: as compact as it can be, and open, so that many look-ups
//! can be under way together.

const FEWEST_CELLS: usize = 16;

/// Numbers by 32 bits of a hash, which tell nearly all texts apart; who asks compares the texts.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Of each cell a mark that says whether it is used, and tells most fingerprints apart. Marks of many cells fit into a
    /// cache, so that what is not there is found not to be there without a look at the cells.
    marks: Vec<u8>,
    /// A power of two of them, or none. At least a quarter is empty.
    cells: Vec<Cell>,
    used: usize,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    fingerprint: u32,
    place: u32,
}

const NO_CELL: Cell = Cell { fingerprint: 0, place: u32::MAX };

/// The mark of a cell that is empty.
const EMPTY: u8 = 0;

/// That of one with this fingerprint. Where it is looked for, the lower bits say.
fn mark(fingerprint: u32) -> u8 {
    (fingerprint >> 24) as u8 | 1
}

impl Index {
    /// The part of a hash that is kept.
    #[inline]
    pub(super) fn fingerprint(hash: u64) -> u32 {
        (hash >> 32) as u32
    }

    /// The numbers that may be meant, the likeliest first.
    #[inline]
    pub(super) fn candidates(&self, fingerprint: u32) -> impl Iterator<Item = u32> {
        let mask = self.marks.len().wrapping_sub(1);
        let mut at = fingerprint as usize & mask;
        std::iter::from_fn(move || {
            loop {
                let known = *self.marks.get(at)?;
                if known == EMPTY {
                    return None;
                }
                let cell = at;
                at = (at + 1) & mask;
                if known == mark(fingerprint)
                    && let Some(cell) = self.cells.get(cell)
                    && cell.fingerprint == fingerprint
                {
                    return Some(cell.place);
                }
            }
        })
    }

    /// Something of the cell where a number with this fingerprint will be added, read so that it is at hand then.
    #[inline]
    pub(super) fn touch(&self, fingerprint: u32) -> u32 {
        let at = fingerprint as usize & self.cells.len().wrapping_sub(1);
        self.cells.get(at).map_or(0, |cell| cell.place)
    }

    /// Adds a number that is not there.
    pub(super) fn insert(&mut self, fingerprint: u32, place: u32) {
        if self.cells.len() * 3 <= (self.used + 1) * 4 {
            let cells = (self.cells.len() * 2).max(FEWEST_CELLS);
            let old = std::mem::replace(&mut self.cells, vec![NO_CELL; cells]);
            let marks = std::mem::replace(&mut self.marks, vec![EMPTY; cells]);
            for (cell, _) in old.into_iter().zip(marks).filter(|(_, mark)| *mark != EMPTY) {
                self.put(cell);
            }
        }
        self.put(Cell { fingerprint, place });
        self.used += 1;
    }

    fn put(&mut self, cell: Cell) {
        let mask = self.marks.len() - 1;
        let mut at = cell.fingerprint as usize & mask;
        while self.marks[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.set(at, cell);
    }

    fn set(&mut self, at: usize, cell: Cell) {
        self.marks[at] = mark(cell.fingerprint);
        self.cells[at] = cell;
    }

    /// Takes a number out, if it is there.
    pub(super) fn remove(&mut self, fingerprint: u32, place: u32) {
        let mask = self.marks.len().wrapping_sub(1);
        let mut at = fingerprint as usize & mask;
        loop {
            match self.marks.get(at) {
                None | Some(&EMPTY) => return,
                Some(_) if self.cells[at].place == place => break,
                Some(_) => at = (at + 1) & mask,
            }
        }
        self.used -= 1;
        // What stands behind the gap moves up as far as it may, so that no search ends at the gap.
        let mut next = (at + 1) & mask;
        while self.marks[next] != EMPTY {
            let home = self.cells[next].fingerprint as usize & mask;
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(at) & mask) {
                self.set(at, self.cells[next]);
                at = next;
            }
            next = (next + 1) & mask;
        }
        self.marks[at] = EMPTY;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((any::<bool>(), 0..40_u32, 0..8_u32), 0..400)) {
            let mut index = Index::default();
            let mut known = BTreeMap::new();
            for (inserts, place, fingerprint) in steps {
                // Few fingerprints, at both ends of the table, so that many stand in each other's way.
                let fingerprint = fingerprint.wrapping_mul(3).wrapping_sub(9);
                if !inserts {
                    if let Some(fingerprint) = known.remove(&place) {
                        index.remove(fingerprint, place);
                    }
                } else if let std::collections::btree_map::Entry::Vacant(vacant) = known.entry(place) {
                    vacant.insert(fingerprint);
                    index.insert(fingerprint, place);
                }
                prop_assert_eq!(index.used, known.len());
                for (place, fingerprint) in &known {
                    prop_assert!(index.candidates(*fingerprint).any(|candidate| candidate == *place));
                }
                prop_assert!(index.candidates(5).all(|candidate| known.get(&candidate) == Some(&5)));
            }
        }
    }
}
