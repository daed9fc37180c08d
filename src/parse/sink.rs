//! Who receives what a reader reads.

use super::diagnostic::Diagnostic;
use super::model::{Family, Sample};

/// How much a sink may take without it being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// So many lines.
    pub lines: u64,
    /// Lines of so many bytes.
    pub line_bytes: usize,
}

/// What a sink took without it being read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// So many bytes.
    pub bytes: usize,
    /// So many lines, each of which is a sample.
    pub lines: u64,
}

/// Receives families, samples and diagnostics in the order of the exposition.
///
/// The calls for one family are one [`Sink::family`], any number of [`Sink::sample`] and one [`Sink::family_end`];
/// [`Sink::malformed`] and [`Sink::departing`] may come at any place between them.
pub trait Sink {
    /// A family begins. Its metadata is complete, unless the body repeats metadata after samples.
    fn family(&mut self, family: &Family);

    /// A sample of the family that [`Sink::family`] announced last.
    fn sample(&mut self, family: &Family, sample: &Sample<'_>);

    /// Offers the lines to come before they are read. A sink that knows sample lines of the family at their front, by
    /// having been handed the same series before, or others that are like them, may take them: whole lines, all of them
    /// samples of this family, no more than there is room for. It is not told of them again.
    fn take_known(&mut self, _: &Family, _lines: &[u8], _: Room) -> Taken {
        Taken::default()
    }

    /// Whether the line at the front of `lines` is a sample for certain, and one that [`Sink::take_known`] might take. Asked
    /// before its family is told, of which more metadata could follow otherwise.
    fn knows(&self, _lines: &[u8], _: Room) -> bool {
        false
    }

    /// All samples of the family have been handed over.
    fn family_end(&mut self, family: &Family);

    /// A line was skipped, or, by a strict reader, found to break a rule of the format.
    fn malformed(&mut self, diagnostic: &Diagnostic);

    /// A line was read although Prometheus refuses the exposition for it. Of each kind of departure only the first line
    /// is reported. Most sinks have nothing to do: no sample is lost.
    fn departing(&mut self, _: &Diagnostic) {}
}
