//! `retriever record`: saves scrapes as fixtures.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::exit::Exit;
use super::print::{Printer, talk};
use super::runtime;
use super::settings::show;
use crate::config::{Config, ConfiguredInstance, HttpSettings, ProcessSurroundings};
use crate::discover::Endpoint;
use crate::scrape::{Client, HttpMessage, ScrapeError, USER_AGENT};

/// The arguments of `retriever record`.
#[derive(Debug, clap::Args)]
pub(super) struct RecordArgs {
    /// The endpoint, or the settings whose endpoints are recorded
    #[arg(value_name = "URL|CONFIG")]
    source: String,

    /// Where the fixture is kept; it is made if it does not exist, and scrapes are added to those that it holds
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// How many scrapes to record
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    scrapes: u32,

    /// From one scrape to the next, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 15.0, value_parser = seconds)]
    interval: f64,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected 0 to 86400 seconds".to_owned()),
    }
}

/// A target to be recorded and the folder of its fixture.
struct Subject {
    endpoint: Endpoint,
    http: HttpSettings,
    folder: PathBuf,
    /// What `check.yaml` will say if there is none.
    settings: String,
}

/// Exit status: 0 recorded, 1 a target failed, 2 the settings cannot be used or the fixture cannot be written.
pub(super) fn run(args: &RecordArgs) -> Exit {
    let subjects = match subjects(args) {
        Ok(subjects) => subjects,
        Err(message) => {
            talk(message);
            return Exit::Unusable;
        }
    };
    let runtime = match runtime::single() {
        Ok(runtime) => runtime,
        Err(error) => {
            talk(error);
            return Exit::Unusable;
        }
    };
    runtime.block_on(record(args, &subjects))
}

fn subjects(args: &RecordArgs) -> Result<Vec<Subject>, String> {
    if args.source.contains("://") {
        let endpoint = Endpoint::parse(&args.source).map_err(|error| error.to_string())?;
        let settings = format!(
            "init_config:\ninstances:\n  - openmetrics_endpoint: {endpoint}\n    namespace: recorded\n    metrics:\n      - .+\n"
        );
        return Ok(vec![Subject { endpoint, http: HttpSettings::default(), folder: args.folder.clone(), settings }]);
    }
    let path = Path::new(&args.source);
    let config = Config::load(path, &ProcessSurroundings);
    show(&config.problems);
    if config.has_errors() {
        return Err(format!("the settings `{}` cannot be used", path.display()));
    }
    let recorded = Config::for_fixtures(path, &ProcessSurroundings);
    let several = config.instances.len() > 1;
    let mut subjects = Vec::new();
    for (i, (instance, settings)) in config.instances.into_iter().zip(recorded).enumerate() {
        let ConfiguredInstance::Valid(instance) = instance else { continue };
        let endpoint = Endpoint::parse(&instance.endpoint).map_err(|error| error.to_string())?;
        let folder = if several { args.folder.join(format!("{:03}", i + 1)) } else { args.folder.clone() };
        subjects.push(Subject { endpoint, http: instance.http, folder, settings });
    }
    Ok(subjects)
}

async fn record(args: &RecordArgs, subjects: &[Subject]) -> Exit {
    let (mut exit, mut out) = (Exit::Fine, Printer::default());
    for number in 0..args.scrapes {
        if number > 0 {
            tokio::time::sleep(Duration::from_secs_f64(args.interval)).await;
        }
        for subject in subjects {
            match subject.scrape().await {
                Ok(bytes) => match subject.keep(&bytes) {
                    Ok(path) => out.line(path.display()),
                    Err((path, error)) => {
                        talk(format_args!(
                            "`{}` cannot be written: {error}; nothing of this scrape was kept",
                            path.display()
                        ));
                        return Exit::Unusable;
                    }
                },
                Err(message) => {
                    talk(format_args!("{}: {message}", subject.endpoint));
                    exit = exit.max(Exit::Findings);
                }
            }
        }
    }
    out.finish(exit)
}

impl Subject {
    /// The recorded form of one answer; an HTTP error is an answer too.
    async fn scrape(&self) -> Result<Vec<u8>, String> {
        let client = Client::new(&self.http, USER_AGENT).map_err(|error| error.to_string())?;
        let text = |error: ScrapeError| error.to_string();
        let mut response = client.fetch(&self.endpoint).await.map_err(text)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.body.chunk().await.map_err(text)? {
            body.extend_from_slice(&chunk);
        }
        Ok(HttpMessage::write(&response.head, &body))
    }

    /// Writes the next scrape of the fixture, and its settings if they are missing; all or nothing of each file.
    fn keep(&self, bytes: &[u8]) -> Result<PathBuf, (PathBuf, io::Error)> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| (path, error)
        };
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        let settings = self.folder.join("check.yaml");
        if !settings.exists() {
            write_whole(&settings, self.settings.as_bytes()).map_err(at(&settings))?;
        }
        let next = (1..=u32::MAX).map(|number| self.folder.join(format!("{number}.http"))).find(|path| !path.exists());
        let path = next.unwrap_or_else(|| self.folder.join("0.http"));
        write_whole(&path, bytes).map_err(at(&path))?;
        Ok(path)
    }
}

/// A file appears with all of its content or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // What could not be written whole is of no use; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(&partial);
    }
    written
}
