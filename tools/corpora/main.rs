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
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Arguments::parse().folder;
    fs::create_dir_all(&folder)?;
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
