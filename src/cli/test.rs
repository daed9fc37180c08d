//! `retriever test`: replays fixtures and compares with their snapshots.

use std::path::PathBuf;

use super::exit::Exit;
use super::print::{Printer, talk};
use super::runtime;
use crate::fixture::{Case, Verdict};

/// The arguments of `retriever test`.
#[derive(Debug, clap::Args)]
pub(super) struct TestArgs {
    /// Fixtures, or folders of fixtures: a fixture is a folder with a `check.yaml`
    #[arg(value_name = "DIR", default_value = "fixtures")]
    folders: Vec<PathBuf>,

    /// Accept what the replay comes to: write it as the snapshot
    #[arg(long)]
    update: bool,
}

/// Exit status: 0 all equal, 1 one differs or has no snapshot, 2 one cannot be replayed.
pub(super) fn run(args: &TestArgs) -> Exit {
    let runtime = match runtime::single() {
        Ok(runtime) => runtime,
        Err(error) => {
            talk(error);
            return Exit::Unusable;
        }
    };
    let mut exit = Exit::Fine;
    let mut cases = Vec::new();
    for folder in &args.folders {
        match Case::find(folder) {
            Ok(found) => cases.extend(found),
            Err(error) => {
                talk(error);
                exit = Exit::Unusable;
            }
        }
    }
    let (mut equal, mut out) = (0, Printer::default());
    for case in &cases {
        let verdict = runtime.block_on(case.replay()).and_then(|replayed| case.judge(&replayed, args.update));
        match verdict {
            Ok(Verdict::Equal) => {
                out.line(format_args!("ok       {}", case.name()));
                equal += 1;
            }
            Ok(Verdict::Accepted) => {
                out.line(format_args!("accepted {}", case.name()));
                equal += 1;
            }
            Ok(Verdict::Different(differences)) => {
                out.line(format_args!("differs  {}", case.name()));
                for difference in differences {
                    out.line(format_args!("    {difference}"));
                }
                exit = exit.max(Exit::Findings);
            }
            Ok(Verdict::NoSnapshot) => {
                out.line(format_args!("new      {}: there is no snapshot; `--update` writes it", case.name()));
                exit = exit.max(Exit::Findings);
            }
            Err(error) => {
                out.line(format_args!("error    {}: {error}", case.name()));
                exit = Exit::Unusable;
            }
        }
    }
    out.line(format_args!("{equal} of {} fixtures as expected", cases.len()));
    out.finish(exit)
}
