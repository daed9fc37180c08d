//! The argument that names the settings, and how what is wrong with them is shown.

use std::path::PathBuf;

use super::print::talk;
use crate::config::{
    Config, ConfiguredInstance, Files, Instance, Problem, ProcessSurroundings, Remembering, Severity, Surroundings as _,
};
use crate::discover::Endpoint;
use crate::explain::Source;
use crate::fixture::Remark;
use crate::scrape::{Client, USER_AGENT};

/// The settings file of a command.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SettingsArgs {
    /// The settings: a `conf.yaml` of Datadog's OpenMetrics check, or one of Retriever's own
    #[arg(value_name = "CONFIG", default_value = "retriever.yaml")]
    config: PathBuf,
}

/// Settings together with where they were read.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) config: Config,
    /// All files that had a say.
    pub(super) files: Files,
    /// Tells whether their content is the same as another time.
    pub(super) digest: u64,
}

impl SettingsArgs {
    /// For commands that name the file in another way.
    pub(super) fn of(config: PathBuf) -> Self {
        Self { config }
    }

    /// Like [`SettingsArgs::read`], and remembers from which files, so that a change of them can be noticed.
    pub(super) fn load(&self) -> Loaded {
        let surroundings = Remembering::new(&ProcessSurroundings);
        let config = self.with_fetching(Config::load(&self.config, &surroundings));
        let (files, digest) = surroundings.into_files();
        Loaded { config, files, digest }
    }

    /// Reads the settings, including what is needed to fetch the targets: URLs and the files of TLS.
    pub(super) fn read(&self) -> Config {
        self.with_fetching(self.read_for_replay())
    }

    /// Reads the settings for a replay, which fetches nothing.
    pub(super) fn read_for_replay(&self) -> Config {
        Config::load(&self.config, &ProcessSurroundings)
    }

    /// What scrapes say about the settings, as a problem of them.
    pub(super) fn problem(&self, remark: &Remark) -> Problem {
        Problem {
            source: self.config.display().to_string(),
            position: Some(remark.at),
            severity: Severity::Warning,
            message: remark.message.clone(),
        }
    }

    /// The text of the settings, for those who quote it.
    pub(super) fn source(&self) -> Source {
        // What cannot be read is a problem of the settings already.
        let text = ProcessSurroundings.file(&self.config).unwrap_or_default();
        Source::new(self.config.display().to_string(), &text)
    }

    /// Finds the instances whose targets cannot be fetched at all.
    fn with_fetching(&self, mut config: Config) -> Config {
        for instance in &mut config.instances {
            let ConfiguredInstance::Valid(valid) = &*instance else { continue };
            let Err(message) = fetching(valid) else { continue };
            let problem = Problem {
                source: self.config.display().to_string(),
                position: Some(valid.at),
                severity: Severity::Error,
                message,
            };
            config.problems.push(problem.clone());
            *instance = ConfiguredInstance::Invalid { endpoint: Some(valid.endpoint.clone()), errors: vec![problem] };
        }
        config.problems.sort_by_key(|problem| problem.position);
        config
    }
}

fn fetching(instance: &Instance) -> Result<(), String> {
    Endpoint::parse(&instance.endpoint).map_err(|error| error.to_string())?;
    Client::new(&instance.http, USER_AGENT).map(drop).map_err(|error| error.to_string())
}

/// One line for each problem that is more than a note, the number of errors where there are several, and one line in place
/// of all the notes on the legacy form.
pub(super) fn show(config: &Config) {
    for problem in config.problems.iter().filter(|problem| problem.severity != Severity::Note) {
        talk(problem);
    }
    let errors = config.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    if errors > 1 {
        talk(format_args!("{errors} errors in the settings"));
    }
    if config.has_legacy_form {
        talk("the settings are of the legacy form; `retriever validate` shows what became of each option");
    }
}
