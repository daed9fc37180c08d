//! Who receives what a reader reads.

use super::diagnostic::Diagnostic;
use super::model::{Family, Sample};

/// Receives families, samples and diagnostics in the order of the exposition.
///
/// The calls for one family are one [`Sink::family`], any number of [`Sink::sample`] and one [`Sink::family_end`];
/// [`Sink::malformed`] and [`Sink::departing`] may come at any place between them.
pub trait Sink {
    /// A family begins. Its metadata is complete, unless the body repeats metadata after samples.
    fn family(&mut self, family: &Family);

    /// A sample of the family that [`Sink::family`] announced last.
    fn sample(&mut self, family: &Family, sample: &Sample<'_>);

    /// All samples of the family have been handed over.
    fn family_end(&mut self, family: &Family);

    /// A line was skipped, or, by a strict reader, found to break a rule of the format.
    fn malformed(&mut self, diagnostic: &Diagnostic);

    /// A line was read although Prometheus refuses the exposition for it. Of each kind of departure only the first line
    /// is reported. Most sinks have nothing to do: no sample is lost.
    fn departing(&mut self, _: &Diagnostic) {}
}
