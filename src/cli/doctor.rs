//! `retriever doctor`: the way to a target and on to Datadog, step by step.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::exit::Exit;
use super::explain::print_text;
use super::format::Format;
use super::print::talk;
use super::runtime;
use super::settings::{SettingsArgs, show};
use crate::config::{Config, ConfiguredInstance, Instance, ProcessSurroundings};
use crate::discover::{Endpoint, redact};
use crate::doctor::{self, Diagnosis, Outcome};

/// The arguments of `retriever doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct DoctorArgs {
    /// The endpoint, or the settings whose endpoints are looked at
    #[arg(value_name = "URL|CONFIG", default_value = "retriever.yaml")]
    source: String,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What is to be looked at.
struct Subject {
    config: Config,
    /// None: there is only a URL.
    file: Option<String>,
}

/// Exit status: 0 metrics get through, even if something is worth a warning; 1 something fails; 2 the settings cannot be
/// used.
pub(super) fn run(args: &DoctorArgs) -> Exit {
    let examined = Subject::of(&args.source)
        .and_then(|subject| Ok((subject, runtime::single().map_err(|error| error.to_string())?)))
        .map(|(subject, runtime)| runtime.block_on(examine(subject, args.format)));
    match examined {
        Err(message) => {
            talk(message);
            Exit::Unusable
        }
        Ok((Err(error), _)) if error.kind() != io::ErrorKind::BrokenPipe => {
            talk(format_args!("cannot write the output: {error}"));
            Exit::Unusable
        }
        Ok((_, exit)) => exit,
    }
}

impl Subject {
    fn of(source: &str) -> Result<Self, String> {
        if source.contains("://") {
            return Self::of_url(source);
        }
        let config = SettingsArgs::of(PathBuf::from(source)).read();
        show(&config);
        if config.instances.is_empty() && config.has_errors() {
            return Err(format!(
                "the settings `{source}` cannot be used; a URL begins with `http://`, `https://` or `unix://`"
            ));
        }
        Ok(Self { config, file: Some(source.to_owned()) })
    }

    /// Default settings, but for what the environment says.
    fn of_url(url: &str) -> Result<Self, String> {
        // Any will do; that of the instance is set below, because that text is not to be expanded.
        const SETTINGS: &str = "instances:\n  - openmetrics_endpoint: http://localhost/\n    metrics: [.+]\n";
        Endpoint::parse(url).map_err(|error| error.to_string())?;
        let mut config = Config::read(SETTINGS, "the environment", &ProcessSurroundings);
        show(&config);
        for instance in &mut config.instances {
            match instance {
                ConfiguredInstance::Valid(instance) => instance.endpoint = url.to_owned().into(),
                ConfiguredInstance::Invalid { .. } => return Err("the environment has errors".to_owned()),
            }
        }
        Ok(Self { config, file: None })
    }
}

/// Looks at each target and then at the way to Datadog; text is printed as soon as there is some.
async fn examine(subject: Subject, format: Format) -> (io::Result<()>, Exit) {
    let Subject { config, file } = subject;
    let mut exit = if config.has_errors() { Exit::Unusable } else { Exit::Fine };
    let mut diagnoses = Vec::new();
    for instance in config.instances {
        let diagnosis = match instance {
            ConfiguredInstance::Valid(instance) => {
                doctor::examine_target(&Arc::<Instance>::from(instance), file.as_deref()).await
            }
            ConfiguredInstance::Invalid { endpoint, errors } => {
                let title = endpoint.as_deref().map_or_else(|| "(no endpoint)".to_owned(), redact);
                let messages = errors.iter().map(|error| match error.position {
                    Some(at) => format!("line {}, column {}: {}", at.line, at.column, error.message),
                    None => error.message.clone(),
                });
                doctor::unusable(title, file.clone(), messages)
            }
        };
        if let Err(error) = tell(&diagnosis, format) {
            return (Err(error), exit);
        }
        diagnoses.push(diagnosis);
    }
    let deliveries = doctor::examine_deliveries(&config.global.outputs, file.as_deref()).await;
    let told = deliveries.iter().try_for_each(|delivery| tell(delivery, format));
    let document = (format == Format::Json).then(|| doctor::json(&diagnoses, &deliveries));
    diagnoses.extend(deliveries);
    if diagnoses.iter().any(|diagnosis| diagnosis.outcome() == Outcome::Failed) {
        exit = exit.max(Exit::Findings);
    }
    let printed = told.and_then(|()| match document {
        Some(document) => writeln!(io::stdout(), "{document}"),
        None => print_text(&doctor::summary(&diagnoses)),
    });
    (printed, exit)
}

fn tell(diagnosis: &Diagnosis, format: Format) -> io::Result<()> {
    match format {
        Format::Text => print_text(&format!("{}\n", doctor::text(diagnosis))),
        Format::Json => Ok(()),
    }
}
