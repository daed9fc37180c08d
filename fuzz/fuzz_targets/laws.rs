//! What holds for any bytes in any format: nothing panics, and where the body is cut never matters.

use retriever::parse::{Diagnostic, Family, Format, Reader, ReaderLimits, Sample, Sink};

/// Everything a reader says, as text.
#[derive(Default, PartialEq, Debug)]
struct Said(Vec<String>);

impl Sink for Said {
    fn family(&mut self, family: &Family) {
        self.0.push(format!("{family:?}"));
    }

    fn sample(&mut self, _: &Family, sample: &Sample<'_>) {
        self.0.push(format!("{sample:?}"));
    }

    fn family_end(&mut self, family: &Family) {
        self.0.push(format!("end {}", family.name));
    }

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        self.0.push(diagnostic.to_string());
    }
}

fn read<'b>(format: Format, chunks: impl Iterator<Item = &'b [u8]>) -> Said {
    let limits = ReaderLimits { line_bytes: 4096, labels: 16, samples: 1000, ..ReaderLimits::default() };
    let mut said = Said::default();
    let mut reader = Reader::new(format, limits);
    for chunk in chunks {
        if reader.push(chunk, &mut said).is_err() {
            break;
        }
    }
    match reader.finish(&mut said) {
        Ok(totals) => said.0.push(format!("{totals:?}")),
        Err(error) => said.0.push(error.to_string()),
    }
    said
}

/// Reads the bytes whole, and in chunks whose size they choose themselves.
pub fn hold(format: Format, bytes: &[u8]) {
    let size = usize::from(bytes.first().copied().unwrap_or(1) % 32) + 1;
    assert_eq!(read(format, std::iter::once(bytes)), read(format, bytes.chunks(size)));
}
