//! Where and how much Retriever keeps on disk: what waits for delivery, and where counters stood.

use std::path::PathBuf;
use std::time::Duration;

use super::overridden::Overridden;

const DIRECTORY_VARIABLE: &str = "RETRIEVER_DATA_DIR";
/// An hour without the intake, at 100,000 series every 15 seconds, twice over: `docs/delivery.md` has the figures.
const DEFAULT_DISK_BYTES: u64 = 2 << 30;
const DEFAULT_STATE_INTERVAL: Duration = Duration::from_mins(5);
const DEFAULT_STATE_AGE: Duration = Duration::from_hours(1);

/// The directory of the data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DataDirectory {
    /// Nothing is kept on disk.
    #[default]
    None,
    /// Where the system has a place for such data; without it Retriever does its work all the same.
    Usual(PathBuf),
    /// As the settings ask for it (`data_dir`).
    Configured(PathBuf),
}

/// What is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageSettings {
    /// Where (`data_dir`).
    pub directory: DataDirectory,
    /// Whether it is kept where counters stood (`state`).
    pub state: bool,
    /// Whether payloads that wait for delivery are kept (`disk_queue`).
    pub queue: bool,
    /// Bytes that what is kept may take (`forwarder_storage_max_size_in_bytes`).
    pub disk_bytes: u64,
    /// How often the state file is written (`state_interval`).
    pub state_interval: Duration,
    /// How old a reading may be that a counter goes on from (`state_max_age`).
    pub state_age: Duration,
}

impl Default for StorageSettings {
    fn default() -> Self {
        Self {
            directory: DataDirectory::None,
            state: true,
            queue: true,
            disk_bytes: DEFAULT_DISK_BYTES,
            state_interval: DEFAULT_STATE_INTERVAL,
            state_age: DEFAULT_STATE_AGE,
        }
    }
}

impl StorageSettings {
    pub(super) fn read(options: &Overridden<'_, '_>) -> Self {
        const DISK: [&str; 2] = ["forwarder_storage_max_size_in_bytes", "DD_FORWARDER_STORAGE_MAX_SIZE_IN_BYTES"];
        let defaults = Self::default();
        let seconds = |option, variable, default| {
            let number = options.number(option, variable);
            let duration = number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            duration.filter(|duration| !duration.is_zero()).unwrap_or(default)
        };
        let disk_bytes = options.number(DISK[0], DISK[1]).map_or(defaults.disk_bytes, |bytes| bytes as u64);
        Self {
            directory: read_directory(options),
            state: options.affirmative("state", "RETRIEVER_STATE", defaults.state),
            // To the Agent, no room means no queue.
            queue: options.affirmative("disk_queue", "RETRIEVER_DISK_QUEUE", defaults.queue) && disk_bytes > 0,
            disk_bytes,
            state_interval: seconds("state_interval", "RETRIEVER_STATE_INTERVAL", defaults.state_interval),
            state_age: seconds("state_max_age", "RETRIEVER_STATE_MAX_AGE", defaults.state_age),
        }
    }

    /// Where data is to be kept, if any is.
    pub fn is_off(&self) -> bool {
        self.directory == DataDirectory::None || !(self.state || self.queue)
    }
}

fn read_directory(options: &Overridden<'_, '_>) -> DataDirectory {
    match options.text("data_dir", &[DIRECTORY_VARIABLE]) {
        Some(text) if text == "none" => return DataDirectory::None,
        Some(text) => return DataDirectory::Configured(PathBuf::from(text)),
        None => {}
    }
    // systemd may name several, separated by colons.
    let of_service = options.variable(&["STATE_DIRECTORY"]);
    let of_service = of_service.as_deref().and_then(|list| list.split(':').find(|path| !path.is_empty()));
    let absolute = |variable| options.variable(&[variable]).map(PathBuf::from).filter(|path| path.is_absolute());
    let of_user = || {
        let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
        state.map(|state| state.join("retriever"))
    };
    of_service.map(PathBuf::from).or_else(of_user).map_or(DataDirectory::None, DataDirectory::Usual)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io;
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Surroundings};

    struct Variables(HashMap<&'static str, &'static str>);

    impl Surroundings for Variables {
        fn variable(&self, name: &str) -> Option<String> {
            self.0.get(name).map(ToString::to_string)
        }

        fn file(&self, _: &Path) -> io::Result<String> {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    fn read(text: &str, variables: &[(&'static str, &'static str)]) -> StorageSettings {
        let text = format!("{text}\ninstances:\n- openmetrics_endpoint: http://a\n");
        let config = Config::read(&text, "test", &Variables(variables.iter().copied().collect()));
        assert!(config.problems.is_empty(), "{:?}", config.problems);
        config.global.storage
    }

    #[test]
    fn the_directory_is_the_configured_one_or_the_usual_one() {
        let usual = |path: &str| DataDirectory::Usual(path.into());
        let configured = |path: &str| DataDirectory::Configured(path.into());
        let home = ("HOME", "/home/a");
        for (text, variables, expected) in [
            ("", &[][..], DataDirectory::None),
            ("", &[home], usual("/home/a/.local/state/retriever")),
            ("", &[home, ("XDG_STATE_HOME", "/s")], usual("/s/retriever")),
            ("", &[("HOME", "relative")], DataDirectory::None),
            ("", &[home, ("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")], usual("/var/lib/a")),
            ("data_dir: /data", &[home], configured("/data")),
            ("data_dir: /data", &[(DIRECTORY_VARIABLE, "/other")], configured("/other")),
            ("data_dir: none", &[home], DataDirectory::None),
        ] {
            assert_eq!(read(text, variables).directory, expected, "{text} {variables:?}");
        }
    }

    #[test]
    fn sizes_and_ages_have_defaults_and_no_room_is_no_queue() {
        assert_eq!(read("", &[]), StorageSettings::default());
        let text = "state: false\ndisk_queue: true\nforwarder_storage_max_size_in_bytes: 1000\nstate_interval: 10\n\
                    state_max_age: 20";
        let read_settings = read(text, &[]);
        assert_eq!((read_settings.state, read_settings.queue, read_settings.disk_bytes), (false, true, 1000));
        assert_eq!(read_settings.state_interval, Duration::from_secs(10));
        assert_eq!(read_settings.state_age, Duration::from_secs(20));
        assert!(!read("", &[("DD_FORWARDER_STORAGE_MAX_SIZE_IN_BYTES", "0")]).queue);
    }
}
