//! What the cutting of a body into lines takes away: line ends and the byte order mark.

/// Watches the bytes that are cut into lines.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// The last byte before the bytes at hand.
    previous: u8,
    /// How many bytes of a byte order mark the body begins with; `None` once it is known whether there is one.
    mark: Option<usize>,
    started: bool,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Wire {
    /// Watches the bytes of one line or of a part of one. Returns whether CRLF ends them.
    pub(super) fn watch(&mut self, bytes: &[u8]) -> bool {
        let Some((last, others)) = bytes.split_last() else { return false };
        if !self.started || self.mark.is_some() {
            self.find_mark(bytes);
        }
        let before = others.last().copied().unwrap_or(self.previous);
        self.previous = *last;
        *last == b'\n' && before == b'\r'
    }

    fn find_mark(&mut self, bytes: &[u8]) {
        let have = if self.started { self.mark.unwrap_or(0) } else { 0 };
        self.started = true;
        let same = BYTE_ORDER_MARK[have..].iter().zip(bytes).take_while(|(mark, byte)| mark == byte).count();
        let reached = have + same;
        self.mark = (same == bytes.len().min(BYTE_ORDER_MARK.len() - have)).then_some(reached);
    }

    /// Whether the body begins with a byte order mark; tells it once.
    pub(super) fn take_mark(&mut self) -> bool {
        let found = self.mark == Some(BYTE_ORDER_MARK.len());
        if found {
            self.mark = None;
        }
        found
    }

    /// Whether the bytes end with CR; at the end of the body that is a line end too.
    pub(super) fn ends_with_return(&self) -> bool {
        self.previous == b'\r'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_told_once_however_the_body_is_cut() {
        for size in 1..6 {
            let mut wire = Wire::default();
            let told: Vec<bool> =
                b"\xEF\xBB\xBFa 1".chunks(size).map(|c| (wire.watch(c), wire.take_mark()).1).collect();
            assert_eq!(told.iter().filter(|told| **told).count(), 1, "chunks of {size}");
        }
        for body in [&b"\xEF\xBBa"[..], b"a\xEF\xBB\xBF", b""] {
            let mut wire = Wire::default();
            assert!(!body.chunks(1).any(|c| (wire.watch(c), wire.take_mark()).1));
        }
    }

    #[test]
    fn line_ends_are_seen_across_cuts() {
        let mut wire = Wire::default();
        assert_eq!(
            [&b"a\r\n"[..], b"a\n", b"a\r", b"\n", b"\n", b"\r"].map(|c| wire.watch(c)),
            [true, false, false, true, false, false]
        );
        assert!(wire.ends_with_return());
    }
}
