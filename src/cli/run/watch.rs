//! Notices that the files of the settings have changed.

use std::time::Duration;

use tokio::time::sleep;

use crate::config::Files;

/// From one look at the files to the next. Each wakes two threads, which is most of what an idle process does.
const PERIOD: Duration = Duration::from_secs(5);
/// For how long files that changed have to rest.
const REST: Duration = Duration::from_secs(1);

/// Watches the files that the settings were last read from.
#[derive(Debug)]
pub(super) struct Watch {
    read: Files,
    /// What a look found that differs.
    found: Option<Files>,
}

impl Watch {
    /// These files were read.
    pub(super) fn of(read: Files) -> Self {
        Self { read, found: None }
    }

    /// The settings were read again, from these files.
    pub(super) fn read_again(&mut self, files: Files) {
        self.read = files;
        self.found = None;
    }

    /// Whether the files have changed and come to rest: one that is still being written differs from look to look.
    fn look(&mut self, now: Files) -> bool {
        if now == self.read {
            self.found = None;
            return false;
        }
        let rests = self.found.as_ref() == Some(&now);
        self.found = Some(now);
        rests
    }

    /// Waits until the files have changed.
    pub(super) async fn changed(&mut self) {
        loop {
            sleep(if self.found.is_some() { REST } else { PERIOD }).await;
            let files = self.read.clone();
            // A file system may hang.
            let Ok(now) = tokio::task::spawn_blocking(move || files.now()).await else { continue };
            if self.look(now) {
                self.found = None;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::config::{ProcessSurroundings, Remembering, Surroundings};

    fn read(path: &Path) -> Files {
        let surroundings = Remembering::new(&ProcessSurroundings);
        // It need not be there.
        let _ = surroundings.file(path);
        surroundings.into_files().0
    }

    #[test]
    fn a_file_is_read_again_once_it_has_come_to_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("conf.yaml");
        fs::write(&path, "a").unwrap();
        let read = read(&path);
        let mut watch = Watch::of(read.clone());
        let mut look = || watch.look(read.now());
        assert!(!look());
        fs::write(&path, "a: ").unwrap();
        assert!(!look());
        fs::write(&path, "a: b").unwrap();
        assert!(!look(), "it changed again meanwhile");
        assert!(look());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_there_may_come() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("conf.yaml");
        let mut watch = Watch::of(read(&path));
        let early = tokio::time::timeout(PERIOD * 10, watch.changed()).await;
        assert!(early.is_err());
        fs::write(&path, "a").unwrap();
        watch.changed().await;
        let mut watch = Watch::of(read(&path));
        assert!(tokio::time::timeout(PERIOD * 10, watch.changed()).await.is_err());
    }
}
