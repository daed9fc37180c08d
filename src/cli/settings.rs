//! The argument that names the settings, and how what is wrong with them is shown.

use std::path::PathBuf;

use super::print::talk;
use crate::config::{Config, Problem, ProcessSurroundings, Severity};

/// The settings file of a command.
#[derive(Debug, clap::Args)]
pub(super) struct SettingsArgs {
    /// The settings: a `conf.yaml` of Datadog's OpenMetrics check, or one of Retriever's own
    #[arg(value_name = "CONFIG", default_value = "retriever.yaml")]
    config: PathBuf,
}

impl SettingsArgs {
    /// Reads the settings and shows every problem on the standard error.
    pub(super) fn load(&self) -> Config {
        let config = Config::load(&self.config, &ProcessSurroundings);
        show(&config.problems);
        config
    }

    /// Reads the settings and shows no problem.
    pub(super) fn read(&self) -> Config {
        Config::load(&self.config, &ProcessSurroundings)
    }
}

/// One line for each problem, and their number where there are several.
pub(super) fn show(problems: &[Problem]) {
    for problem in problems {
        talk(problem);
    }
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    if errors > 1 {
        talk(format_args!("{errors} errors in the settings"));
    }
}
