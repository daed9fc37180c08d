//! Reads the settings again while `retriever run` goes on, and puts into effect what can be changed.

use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, watch};

use super::descriptors;
use super::target::{Surroundings, TargetState};
use super::targets::{Changes, Targets};
use super::watch::Watch;
use super::{check_key, with_hostname};
use crate::cli::settings::{Loaded, SettingsArgs};
use crate::config::{Config, ConfiguredInstance, Global, Instance, Output, Problem, Severity};
use crate::scrape::Plan;
use crate::telemetry::{Reload, ReloadRequest};
use crate::time::UnixTime;

/// What there is to scrape, as the schedule follows it.
pub(super) type Plans = watch::Sender<Arc<Plan<TargetState>>>;

/// The settings in effect, and all that depends on them.
pub(super) struct Reloader {
    args: SettingsArgs,
    /// Whether files are watched that the settings say to watch.
    watches: bool,
    /// What is in effect; what takes effect at the next start only is as it was at this one.
    global: Global,
    targets: Targets,
    surroundings: Surroundings,
    plans: Plans,
    watch: Watch,
    /// Of the settings that were read last, usable or not.
    digest: u64,
}

impl Reloader {
    /// Starts what the first settings ask for.
    ///
    /// # Errors
    ///
    /// What keeps a target from being scraped at all.
    pub(super) fn start(
        args: SettingsArgs,
        watches: bool,
        loaded: Loaded,
        surroundings: Surroundings,
    ) -> Result<Self, String> {
        let Loaded { config: Config { global, instances, .. }, files, digest } = loaded;
        let mut targets = Targets::new(surroundings.clone());
        let prepared = targets.prepare(valid(instances))?;
        targets.replace(prepared, UnixTime::now());
        surroundings.telemetry.limited(global.slots);
        let plans = watch::Sender::new(plan(&targets, global.slots));
        Ok(Self { args, watches, global, targets, surroundings, plans, watch: Watch::of(files), digest })
    }

    /// What the schedule is to follow.
    pub(super) fn plans(&self) -> watch::Receiver<Arc<Plan<TargetState>>> {
        self.plans.subscribe()
    }

    /// Reads the settings again whenever that is asked for; for ever.
    pub(super) async fn run(mut self, mut hangups: Signal, mut requests: mpsc::Receiver<ReloadRequest>) {
        loop {
            let watches = self.watches && self.global.watch_settings;
            let answer = tokio::select! {
                Some(()) = hangups.recv() => None,
                Some(answer) = requests.recv() => Some(answer),
                () = self.watch.changed(), if watches => None,
            };
            let (reload, message) = self.reload().await;
            self.surroundings.telemetry.reloaded(reload, UnixTime::now());
            if let Some(answer) = answer {
                // Who asked need not wait for the answer.
                let _ = answer.send((reload, message));
            }
        }
    }

    /// Reads the settings once, and says what came of it.
    async fn reload(&mut self) -> (Reload, String) {
        let args = self.args.clone();
        let Ok(Loaded { config, files, digest }) = tokio::task::spawn_blocking(move || args.load()).await else {
            let message = "reading the settings panicked; this is a defect, please report it";
            tracing::error!("{message}");
            return (Reload::Failed, message.to_owned());
        };
        self.watch.read_again(files);
        let is_told = std::mem::replace(&mut self.digest, digest) == digest;
        if config.has_errors() {
            return (Reload::Failed, refuse(&config.problems, is_told));
        }
        if !is_told {
            for problem in &config.problems {
                match problem.severity {
                    Severity::Note => tracing::info!("{problem}"),
                    Severity::Warning | Severity::Error => tracing::warn!("{problem}"),
                }
            }
        }
        match self.apply(config) {
            Err(error) => {
                let message = format!("{KEPT}: {error}");
                tracing::error!("{message}");
                (Reload::Failed, message)
            }
            Ok((changes, false)) if changes.is_nothing() => {
                let message = "the settings are as they were";
                tracing::info!("{message}");
                (Reload::Unchanged, message.to_owned())
            }
            Ok((changes, _)) => {
                let message = format!("the settings were read again; {changes}");
                tracing::info!("{message}");
                (Reload::Applied, message)
            }
        }
    }

    /// Puts settings into effect: all of them, or none. Gives what that does to targets, and whether anything else
    /// changed.
    fn apply(&mut self, config: Config) -> Result<(Changes, bool), String> {
        let new = with_hostname(config.global);
        let prepared = self.targets.prepare(valid(config.instances))?;
        let mut changed = self.apply_outputs(&new.outputs)?;
        let changes = self.targets.replace(prepared, UnixTime::now());
        if self.global.enrichment != new.enrichment {
            self.surroundings.submitter.enrich(new.enrichment.clone());
            self.global.enrichment = new.enrichment.clone();
            changed = true;
        }
        changed |= (self.global.slots, self.global.watch_settings) != (new.slots, new.watch_settings);
        (self.global.slots, self.global.watch_settings) = (new.slots, new.watch_settings);
        self.surroundings.telemetry.limited(new.slots);
        for option in fixed(&self.global, &new) {
            tracing::warn!("{option} differs from what is in effect; it takes effect at the next start");
        }
        if changes.added > 0 {
            descriptors::provide_for(self.targets.states().len());
        }
        self.plans.send_replace(plan(&self.targets, new.slots));
        Ok((changes, changed))
    }

    /// The HTTP API can change its key, its URL and its limits; everything else waits for the next start.
    fn apply_outputs(&mut self, new: &[Output]) -> Result<bool, String> {
        let changed = new.iter().find_map(|output| if let Output::Api(api) = output { Some(api) } else { None });
        let present = self.global.outputs.iter_mut().find_map(|output| match output {
            Output::Api(api) => Some(api),
            _ => None,
        });
        let (Some(present), Some(api)) = (present, changed) else { return Ok(false) };
        if present == api {
            return Ok(false);
        }
        self.surroundings.submitter.reconfigure(api).map_err(|error| error.to_string())?;
        tokio::spawn(check_key(api.clone()));
        *present = api.clone();
        Ok(true)
    }
}

const KEPT: &str = "the settings cannot be used, those before stay in effect";

/// Says what is wrong, once for each content of the files.
fn refuse(problems: &[Problem], is_told: bool) -> String {
    let errors: Vec<&Problem> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    if is_told {
        tracing::error!(errors = errors.len(), "{KEPT}, as was said before");
    } else {
        for error in &errors {
            tracing::error!("{error}");
        }
        tracing::error!(errors = errors.len(), "{KEPT}");
    }
    errors.iter().fold(KEPT.to_owned(), |message, error| format!("{message}\n{error}"))
}

/// The options that differ and cannot be changed while the process runs.
fn fixed(present: &Global, new: &Global) -> Vec<&'static str> {
    let differences = [
        ("where metrics go (`output` and the address it takes)", present.outputs != new.outputs),
        ("what is kept on disk (`data_dir`, `state`, `disk_queue` and their limits)", present.storage != new.storage),
        ("`admin_listen`", present.admin_listen != new.admin_listen),
        ("`admin_reload`", present.admin_reload != new.admin_reload),
        ("`log_level`", present.log_level != new.log_level),
        ("`log_format_json`", present.log_format != new.log_format),
    ];
    differences.into_iter().filter(|&(_, differs)| differs).map(|(option, _)| option).collect()
}

fn plan(targets: &Targets, slots: NonZeroUsize) -> Arc<Plan<TargetState>> {
    Arc::new(Plan { jobs: targets.states().to_vec(), slots })
}

fn valid(instances: Vec<ConfiguredInstance>) -> Vec<Arc<Instance>> {
    let valid = instances.into_iter().filter_map(|instance| match instance {
        ConfiguredInstance::Valid(instance) => Some(Arc::from(instance)),
        ConfiguredInstance::Invalid { .. } => None,
    });
    valid.collect()
}
