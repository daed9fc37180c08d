//! Expositions to measure with: always the same bytes, made by rules that look like what real exporters expose. The
//! files of the folder that the variable `RETRIEVER_CORPORA` names are measured too.

use std::fmt::{self, Write as _};
use std::path::Path;
use std::sync::LazyLock;

use retriever::parse::Format;

pub(crate) mod generate;

/// An exposition and what is known of it.
pub(crate) struct Corpus {
    /// What it is called in the results.
    pub(crate) name: String,
    /// How to read it.
    pub(crate) format: Format,
    /// The exposition.
    pub(crate) text: String,
    /// The same exposition with a blank before every sample. It means the same, but it is not the form that the
    /// straight path knows, so every sample goes through the grammar.
    pub(crate) indented: String,
}

impl fmt::Display for Corpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Corpus {
    pub(crate) fn new(name: impl Into<String>, format: Format, text: String) -> Self {
        let mut indented = String::with_capacity(text.len() + text.len() / 32);
        for line in text.lines() {
            let blank = if line.is_empty() || line.starts_with('#') { "" } else { " " };
            writeln!(indented, "{blank}{line}").expect("a string takes text");
        }
        Self { name: name.into(), format, text, indented }
    }
}

/// All expositions: the generated ones, then those of `RETRIEVER_CORPORA`.
pub(crate) fn all() -> impl Iterator<Item = &'static Corpus> {
    static ALL: LazyLock<Vec<Corpus>> = LazyLock::new(|| {
        let mut all = vec![
            Corpus::new("kubernetes", Format::PrometheusText, generate::kubernetes(100_000, 0, false)),
            Corpus::new("histograms", Format::PrometheusText, generate::histograms(100_000, 0)),
            Corpus::new("mixed", Format::PrometheusText, generate::mixed(Format::PrometheusText, 10_000, 0)),
            Corpus::new("mixed.om", Format::OpenMetrics, generate::mixed(Format::OpenMetrics, 10_000, 0)),
        ];
        if let Some(folder) = std::env::var_os("RETRIEVER_CORPORA") {
            all.extend(recorded(Path::new(&folder)));
        }
        all
    });
    ALL.iter()
}

/// The expositions in `folder`, in the order of their names. Those that end in `.om` or `.om.txt` are OpenMetrics.
fn recorded(folder: &Path) -> Vec<Corpus> {
    let entries = std::fs::read_dir(folder).expect("`RETRIEVER_CORPORA` names a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.sort();
    let corpus = |path: &Path| {
        let name = path.file_name()?.to_str()?;
        let format = match name {
            _ if name.ends_with(".om.txt") => Format::OpenMetrics,
            _ => Format::from_path(path)?,
        };
        Some(Corpus::new(name, format, std::fs::read_to_string(path).ok()?))
    };
    paths.iter().filter_map(|path| corpus(path)).collect()
}
