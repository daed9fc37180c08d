//! Files of TLS settings change while Retriever runs; this notices, and shares what was read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::super::error::ClientError;
use super::files::Stamp;
use super::material::Material;
use crate::config::TlsSettings;

/// The files are looked at when a scrape begins, but not more often than this.
const INTERVAL: Duration = Duration::from_secs(5);

/// How long a scrape waits for files; a network file system that hangs must not stop it.
const PATIENCE: Duration = Duration::from_secs(1);

/// The material of one set of settings, and how its files looked when it was read.
pub(super) struct Watched {
    settings: TlsSettings,
    material: Mutex<Arc<Material>>,
    watch: Mutex<Watch>,
}

struct Watch {
    /// Of the material in use.
    stamp: Stamp,
    looked: Option<Instant>,
    /// What was said about files that cannot be used, so that it is said once.
    told: Option<String>,
}

impl Watch {
    fn is_due(&self, now: Instant) -> bool {
        !self.stamp.is_empty() && self.looked.is_none_or(|looked| now.saturating_duration_since(looked) >= INTERVAL)
    }
}

impl Watched {
    /// The same for all who ask with equal settings while any of them lives: thousands of targets may trust one file.
    pub(super) fn shared(settings: &TlsSettings) -> Result<Arc<Self>, ClientError> {
        static SHARED: Mutex<Option<HashMap<TlsSettings, Weak<Watched>>>> = Mutex::new(None);
        // The name to ask for is each client's own business.
        let settings = TlsSettings { use_host_header: false, ..settings.clone() };
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = shared.get_or_insert_default();
        if let Some(watched) = shared.get(&settings).and_then(Weak::upgrade) {
            return Ok(watched);
        }
        // Before the files are read: what changes in between is noticed later.
        let stamp = Stamp::of(&settings);
        let material = Mutex::new(Arc::new(Material::read(&settings)?));
        let watch = Mutex::new(Watch { stamp, looked: None, told: None });
        let watched = Arc::new(Self { settings: settings.clone(), material, watch });
        if shared.len() == shared.capacity() {
            shared.retain(|_, watched| watched.strong_count() > 0);
        }
        shared.insert(settings, Arc::downgrade(&watched));
        Ok(watched)
    }

    pub(super) fn material(&self) -> Arc<Material> {
        Arc::clone(&self.material.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the files again if they look different. What was read before stays as long as that fails.
    fn look(&self, now: Instant) {
        let Some(mut watch) = self.idle_watch().filter(|watch| watch.is_due(now)) else { return };
        watch.looked = Some(now);
        let stamp = Stamp::of(&self.settings);
        if stamp == watch.stamp {
            watch.told = None;
            return;
        }
        match Material::read(&self.settings) {
            Ok(material) => {
                let paths: Vec<_> =
                    stamp.changed_since(&watch.stamp).map(|path| format!("`{}`", path.display())).collect();
                tracing::info!("files for TLS have changed and were read again: {}", paths.join(", "));
                *self.material.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(material);
                (watch.stamp, watch.told) = (stamp, None);
            }
            Err(error) => {
                let message = error.to_string();
                if watch.told.as_ref() != Some(&message) {
                    tracing::warn!("a file for TLS has changed, and what was read before stays in use: {message}");
                    watch.told = Some(message);
                }
            }
        }
    }

    /// None while another scrape looks at the files.
    fn idle_watch(&self) -> Option<MutexGuard<'_, Watch>> {
        match self.watch.try_lock() {
            Ok(watch) => Some(watch),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// Looks at the files if it is time to, on a thread that may wait for them.
pub(super) async fn look(watched: &Arc<Watched>, now: Instant) {
    if watched.idle_watch().is_some_and(|watch| watch.is_due(now)) {
        let watched = Arc::clone(watched);
        let looking = tokio::task::spawn_blocking(move || watched.look(now));
        // Late or not at all: then the files are as they were.
        let _ = tokio::time::timeout(PATIENCE, looking).await;
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::PathBuf;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn trusting(ca_cert: PathBuf) -> TlsSettings {
        TlsSettings { ca_cert: Some(ca_cert), ..TlsSettings::default() }
    }

    fn certificate() -> String {
        CertificateParams::default().self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    /// What is logged, and the guard that keeps it going there.
    fn logged() -> (Arc<Mutex<Vec<u8>>>, tracing::subscriber::DefaultGuard) {
        #[derive(Clone)]
        struct Log(Arc<Mutex<Vec<u8>>>);
        impl io::Write for Log {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let log = Log(Arc::default());
        let lines = Arc::clone(&log.0);
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || log.clone()).finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    #[test]
    fn a_broken_file_is_told_once_and_what_was_read_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        std::fs::write(&path, certificate()).unwrap();
        let watched = Watched::shared(&trusting(path.clone())).unwrap();
        let (log, _guard) = logged();
        let start = Instant::now();
        let mut looks = 0;
        let mut look = || {
            looks += 1;
            watched.look(start + looks * INTERVAL);
            (watched.material(), String::from_utf8(std::mem::take(&mut *log.lock().unwrap())).unwrap())
        };
        let (before, said) = look();
        assert_eq!(said, "");
        std::fs::write(&path, "half of").unwrap();
        let (material, said) = look();
        assert!(Arc::ptr_eq(&before, &material));
        assert!(said.contains("WARN") && said.contains("stays in use: `"), "{said}");
        for _ in 0..3 {
            assert_eq!(look().1, "");
        }
        std::fs::remove_file(&path).unwrap();
        let (material, said) = look();
        assert!(Arc::ptr_eq(&before, &material) && said.contains("cannot be read"), "{said}");
        std::fs::write(&path, certificate()).unwrap();
        let (material, said) = look();
        assert!(!Arc::ptr_eq(&before, &material));
        assert!(said.contains("INFO") && said.contains(&format!("read again: `{}`", path.display())), "{said}");
        assert_eq!(look().1, "");
    }

    #[test]
    fn files_are_looked_at_now_and_then_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        std::fs::write(&path, certificate()).unwrap();
        let watched = Watched::shared(&trusting(path.clone())).unwrap();
        let start = Instant::now();
        watched.look(start);
        let before = watched.material();
        std::fs::write(&path, certificate()).unwrap();
        watched.look(start + INTERVAL / 2);
        assert!(Arc::ptr_eq(&before, &watched.material()));
        watched.look(start + INTERVAL);
        assert!(!Arc::ptr_eq(&before, &watched.material()));
    }

    #[test]
    fn equal_settings_share_what_was_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        std::fs::write(&path, certificate()).unwrap();
        let settings = trusting(path);
        let one = Watched::shared(&settings).unwrap();
        let named = TlsSettings { use_host_header: true, ..settings.clone() };
        assert!(Arc::ptr_eq(&one, &Watched::shared(&named).unwrap()));
        let nameless = TlsSettings { validate_hostname: false, ..settings.clone() };
        assert!(!Arc::ptr_eq(&one, &Watched::shared(&nameless).unwrap()));
        // What nobody uses any more is read anew.
        let weak = Arc::downgrade(&one);
        drop(one);
        assert!(weak.upgrade().is_none());
        assert_eq!(Arc::strong_count(&Watched::shared(&settings).unwrap()), 1);
    }
}
