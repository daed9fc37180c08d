//! `retriever record`: saves scrapes as fixtures.

use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::exit::Exit;
use super::print::{Printer, talk};
use super::runtime;
use super::settings::show;
use crate::config::{Config, ConfiguredInstance, HttpSettings, ProcessSurroundings, ProxySettings};
use crate::discover::Endpoint;
use crate::fixture::recorded_settings;
use crate::scrape::{Client, HttpMessage, Response, ScrapeError, USER_AGENT};

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
    client: Client,
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
        let proxy = ProxySettings::of_environment(&ProcessSurroundings).map_err(|problem| problem.to_string())?;
        let client = client(&HttpSettings { proxy, ..HttpSettings::default() })?;
        return Ok(vec![Subject { endpoint, client, folder: args.folder.clone(), settings }]);
    }
    let path = Path::new(&args.source);
    let config = Config::load(path, &ProcessSurroundings);
    show(&config);
    if config.has_errors() {
        return Err(format!("the settings `{}` cannot be used", path.display()));
    }
    let recorded = recorded_settings(path, &ProcessSurroundings);
    let several = config.instances.len() > 1;
    let mut subjects = Vec::new();
    for (i, (instance, settings)) in config.instances.into_iter().zip(recorded).enumerate() {
        let ConfiguredInstance::Valid(instance) = instance else { continue };
        let endpoint = Endpoint::parse(&instance.endpoint).map_err(|error| error.to_string())?;
        let folder = if several { args.folder.join(format!("{:03}", i + 1)) } else { args.folder.clone() };
        subjects.push(Subject { client: client(&instance.http)?, endpoint, folder, settings });
    }
    Ok(subjects)
}

fn client(settings: &HttpSettings) -> Result<Client, String> {
    Client::new(settings, USER_AGENT).map_err(|error| error.to_string())
}

async fn record(args: &RecordArgs, subjects: &[Subject]) -> Exit {
    let (mut exit, mut out) = (Exit::Fine, Printer::default());
    for number in 0..args.scrapes {
        if number > 0 {
            tokio::time::sleep(Duration::from_secs_f64(args.interval)).await;
        }
        for subject in subjects {
            match subject.scrape().await {
                Ok(path) => out.line(path.display()),
                Err(Fault::Target(message)) => {
                    talk(format_args!("{}: {message}", subject.endpoint));
                    exit = exit.max(Exit::Findings);
                }
                Err(Fault::File(path, error)) => {
                    let path = path.display();
                    talk(format_args!("`{path}` cannot be written: {error}; nothing of this scrape was kept"));
                    return Exit::Unusable;
                }
            }
        }
    }
    out.finish(exit)
}

/// Why a scrape was not recorded.
enum Fault {
    /// The target did not answer as it should.
    Target(String),
    /// The fixture cannot be written.
    File(PathBuf, io::Error),
}

impl Subject {
    /// Records one answer, an HTTP error as well, as the next scrape of the fixture; gives its file. Of a failed one
    /// nothing is left, not even a folder that was made for it.
    async fn scrape(&self) -> Result<PathBuf, Fault> {
        let response = self.client.fetch(&self.endpoint).await.map_err(|error| Fault::target(&error))?;
        let is_new = !self.folder.exists();
        fs::create_dir_all(&self.folder).map_err(|error| self.unwritable(error))?;
        let kept = self.keep(response).await;
        if kept.is_err() && is_new {
            // Only when it is empty; that it cannot be removed changes nothing.
            let _ = fs::remove_dir(&self.folder);
        }
        kept
    }

    /// Writes an answer as it arrives, and the settings of the fixture if they are missing.
    async fn keep(&self, response: Response) -> Result<PathBuf, Fault> {
        let next = (1..=u32::MAX).map(|number| self.folder.join(format!("{number}.http"))).find(|path| !path.exists());
        let path = next.ok_or_else(|| self.unwritable(io::Error::other("there are too many scrapes in it")))?;
        let Response { head, mut body } = response;
        let mut file = Partial::new(path)?;
        file.write(&HttpMessage::write_head(&head))?;
        while let Some(chunk) = body.chunk().await.map_err(|error| Fault::target(&error))? {
            file.write(&chunk)?;
        }
        let settings = self.folder.join("check.yaml");
        if !settings.exists() {
            let mut settings = Partial::new(settings)?;
            settings.write(self.settings.as_bytes())?;
            settings.finish()?;
        }
        file.finish()
    }

    fn unwritable(&self, error: io::Error) -> Fault {
        Fault::File(self.folder.clone(), error)
    }
}

impl Fault {
    fn target(error: &ScrapeError) -> Self {
        Self::Target(error.to_string())
    }
}

/// A file that appears with all of its content or not at all.
struct Partial {
    path: PathBuf,
    unfinished: PathBuf,
    file: BufWriter<fs::File>,
}

impl Partial {
    fn new(path: PathBuf) -> Result<Self, Fault> {
        let unfinished = path.with_extension("partial");
        match fs::File::create(&unfinished) {
            Ok(file) => Ok(Self { path, unfinished, file: BufWriter::new(file) }),
            Err(error) => Err(Fault::File(path, error)),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.file.write_all(bytes).map_err(|error| Fault::File(self.path.clone(), error))
    }

    fn finish(mut self) -> Result<PathBuf, Fault> {
        let finished = self.file.flush().and_then(|()| fs::rename(&self.unfinished, &self.path));
        finished.map(|()| self.path.clone()).map_err(|error| Fault::File(self.path.clone(), error))
    }
}

/// What is not whole is of no use. After [`Partial::finish`] there is nothing left to remove.
impl Drop for Partial {
    fn drop(&mut self) {
        // That it cannot be removed either changes nothing.
        let _ = fs::remove_file(&self.unfinished);
    }
}
