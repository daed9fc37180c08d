//! Writes the expositions that the benchmarks measure, and those of the three scrapes after each, to files that other
//! programs can be measured with.

#[path = "../../benches/corpora/generate.rs"]
mod generate;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use clap::Parser;
use retriever::parse::Format;

/// How many scrapes there are of each target.
const SCRAPES: u64 = 4;

#[derive(Debug, Parser)]
struct Arguments {
    /// The folder for the files, `NAME.SCRAPE.prom` or `NAME.SCRAPE.om`
    folder: PathBuf,
    /// Write only what kube-state-metrics exposes, with so many series, as `kubernetes-SERIES`
    #[arg(long, value_name = "SERIES")]
    kubernetes: Vec<usize>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { folder, kubernetes } = Arguments::parse();
    fs::create_dir_all(&folder)?;
    for (series, scrape) in kubernetes.iter().flat_map(|series| (0..SCRAPES).map(move |scrape| (*series, scrape))) {
        let text = generate::kubernetes(series, scrape, false);
        fs::write(folder.join(format!("kubernetes-{series}.{scrape}.prom")), text)?;
    }
    if !kubernetes.is_empty() {
        return Ok(());
    }
    for scrape in 0..SCRAPES {
        let all = [
            ("kubernetes", "prom", generate::kubernetes(100_000, scrape, false)),
            ("kubernetes-shuffled", "prom", generate::kubernetes(100_000, scrape, true)),
            ("histograms", "prom", generate::histograms(100_000, scrape)),
            ("mixed", "prom", generate::mixed(Format::PrometheusText, 10_000, scrape)),
            ("mixed-openmetrics", "om", generate::mixed(Format::OpenMetrics, 10_000, scrape)),
        ];
        for (name, ending, text) in all {
            fs::write(folder.join(format!("{name}.{scrape}.{ending}")), text)?;
        }
    }
    Ok(())
}
