//! `retriever run`: scrapes on a schedule until stopped.

mod condition;
mod descriptors;
mod reload;
mod target;
mod targets;
mod watch;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch::{Receiver, Sender, channel};

use super::exit::Exit;
use super::print::talk;
use super::runtime;
use super::settings::{Loaded, SettingsArgs, show};
use crate::config::{ApiSettings, Global, Output};
use crate::scrape::{Plan, TickClock, run_schedule};
use crate::submit::{Drained, KeyCheck, Pace, Storage, Submitter, validate_keys};
use crate::telemetry::{AdminServer, DeliverySource, Readiness, ReloadRequests, Telemetry, init_log};
use crate::time::UnixTime;

use self::reload::Reloader;
use self::target::{Surroundings, TargetState};

/// How long scrapes that run may go on once a stop was asked for.
const SCRAPE_PATIENCE: Duration = Duration::from_secs(5);
/// How long what was scraped may take to be delivered after that.
const DRAIN_PATIENCE: Duration = Duration::from_secs(10);

/// The arguments of `retriever run`.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Read the settings again on SIGHUP only, not when their files change
    #[arg(long)]
    no_watch: bool,
}

/// Exit status: 0 stopped by a signal, or because nobody reads the console any more; 2 the settings cannot be used or something could not be started.
pub(super) fn run(args: &RunArgs) -> Exit {
    let loaded = args.settings.load();
    let config = &loaded.config;
    show(config);
    if config.has_errors() {
        return Exit::Unusable;
    }
    let started = init_log(&config.global.log_level, config.global.log_format)
        .map_err(|error| error.to_string())
        .and_then(|()| runtime::shared(config.instances.len()).map_err(|error| format!("cannot start: {error}")))
        .and_then(|runtime| runtime.block_on(serve(args, loaded)));
    match started {
        Ok(()) => Exit::Fine,
        Err(message) => {
            talk(message);
            Exit::Unusable
        }
    }
}

/// Everything from the start to the end of the process.
async fn serve(args: &RunArgs, mut loaded: Loaded) -> Result<(), String> {
    let global = with_hostname(loaded.config.global);
    loaded.config.global = global.clone();
    let (stop, stops) = stops().map_err(|error| unheard(&error))?;
    let hangups = signal(SignalKind::hangup()).map_err(|error| unheard(&error))?;
    let submitter = Arc::new(start_delivery(&global).await?);
    let telemetry = Telemetry::new(UnixTime::now(), delivery_source(&submitter));
    stop_when_unread(&submitter, &stop);
    let surroundings = Surroundings { telemetry: telemetry.clone(), submitter: Arc::clone(&submitter), stop };
    let reloader = Reloader::start(args.settings.clone(), !args.no_watch, loaded, surroundings)?;
    let (reload, requests) = ReloadRequests::channel();
    let readiness = Readiness::default();
    let (served, unserved) = channel(false);
    let admin = match global.admin_listen {
        None => None,
        Some(address) => {
            let server = AdminServer::bind(address).await.map_err(|error| error.to_string())?;
            let server = if global.admin_reload { server.with_reload(reload.clone()) } else { server };
            tracing::info!("pages of Retriever itself at http://{}/", server.local_addr());
            Some(tokio::spawn(server.serve(telemetry, readiness.clone(), reached(unserved, true))))
        }
    };
    let plans = reloader.plans();
    let targets = plans.borrow().jobs.len();
    descriptors::provide_for(targets);
    announce(&global, targets);
    readiness.scheduled();
    let reloading = tokio::spawn(reloader.run(hangups, requests));
    scrape(plans, &stops).await;
    reloading.abort();
    drain(&submitter, &stops).await;
    served.send_replace(true);
    if let Some(admin) = admin {
        // It was told to end; how it did is of no interest any more.
        let _ = admin.await;
    }
    Ok(())
}

/// Opens the data directory, and starts to deliver what is in it.
async fn start_delivery(global: &Global) -> Result<Submitter, String> {
    let settings = global.storage.clone();
    let opened = tokio::task::spawn_blocking(move || Storage::open(&settings, UnixTime::now())).await;
    let storage = opened.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    Submitter::with_storage(&global.outputs, global.enrichment.clone(), Pace::default(), storage)
        .map_err(|error| error.to_string())
}

fn unheard(error: &io::Error) -> String {
    format!("cannot listen for signals: {error}")
}

/// Without a host name in the settings, that of the machine counts.
fn with_hostname(mut global: Global) -> Global {
    if global.enrichment.hostname.is_empty() {
        global.enrichment.hostname = gethostname::gethostname().to_string_lossy().into_owned();
    }
    global
}

/// Says where metrics go, and asks the intake about the key in the background.
fn announce(global: &Global, targets: usize) {
    for output in &global.outputs {
        match output {
            Output::Console(_) if global.outputs.len() == 1 => {
                tracing::info!(
                    targets,
                    "metrics are printed and go nowhere else: set `api_key` (DD_API_KEY) or `dogstatsd_url` for more"
                );
            }
            _ => tracing::info!(targets, "metrics go to {output}"),
        }
        if let Output::Api(api) = output {
            tokio::spawn(check_key(api.clone()));
        }
    }
}

/// Asks the process to stop when there is nobody left to scrape for.
fn stop_when_unread(submitter: &Arc<Submitter>, stop: &Sender<u32>) {
    let (submitter, stop) = (Arc::clone(submitter), stop.clone());
    tokio::spawn(async move {
        submitter.unread().await;
        stop.send_modify(|asked| *asked = (*asked).max(1));
    });
}

async fn check_key(api: ApiSettings) {
    let checks = match validate_keys(&api).await {
        Ok(checks) => checks,
        Err(error) => return tracing::error!("{error}"),
    };
    if checks.iter().all(|check| *check == KeyCheck::Valid) {
        return tracing::info!("{}", if checks.len() == 1 { "the API key is valid" } else { "the API keys are valid" });
    }
    for check in checks {
        match check {
            KeyCheck::Valid => {}
            KeyCheck::Invalid(message) => tracing::error!("{message}"),
            KeyCheck::Unreachable(message) => tracing::warn!("{message}"),
        }
    }
}

/// Scrapes until a stop is asked for, and a little longer for the scrapes that run then.
async fn scrape(plans: Receiver<Arc<Plan<TargetState>>>, stops: &Receiver<u32>) {
    let asked = stops.clone();
    let stopping = async move {
        reached(asked, 1).await;
        tracing::info!("stopping");
    };
    let schedule = run_schedule(TickClock::set(UnixTime::now()), plans, stopping);
    let impatience = async {
        reached(stops.clone(), 1).await;
        let _ = tokio::time::timeout(SCRAPE_PATIENCE, reached(stops.clone(), 2)).await;
    };
    tokio::select! {
        () = schedule => {}
        () = impatience => tracing::warn!("scrapes were still running and are given up"),
    }
}

/// Delivers what waits, until the deadline or another signal.
async fn drain(submitter: &Submitter, stops: &Receiver<u32>) {
    tokio::select! {
        drained = submitter.drain(DRAIN_PATIENCE) => match drained {
            Drained { given_up: 0, kept: 0 } => tracing::info!("stopped; everything was delivered"),
            Drained { given_up: 0, kept } => {
                tracing::info!(kept, "stopped; what was not delivered in time is kept for the next start");
            }
            Drained { given_up, .. } => {
                tracing::warn!(given_up, "stopped; what could not be delivered in time is lost");
            }
        },
        () = reached(stops.clone(), 2) => {
            tracing::warn!("stopped by a second signal; what was not delivered is lost unless it is kept on disk");
        }
    }
}

/// The counters of delivery, for the pages.
fn delivery_source(submitter: &Arc<Submitter>) -> DeliverySource {
    let submitter = Arc::clone(submitter);
    Arc::new(move || submitter.outputs())
}

/// How often the process was asked to stop, by signals or through the sender.
fn stops() -> io::Result<(Sender<u32>, Receiver<u32>)> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (sender, receiver) = channel(0);
    let signalled = sender.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            signalled.send_modify(|count| *count += 1);
        }
    });
    Ok((sender, receiver))
}

/// Waits until a watched value is at least `value`.
async fn reached<T: PartialOrd>(mut watched: Receiver<T>, value: T) {
    // A sender that is gone sends nothing any more, which is as good as the value.
    let _ = watched.wait_for(|present| *present >= value).await;
}
