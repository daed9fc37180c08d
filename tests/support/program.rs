//! The program itself, as its users start it: settings in a file, and nothing of the environment of whoever tests.

use std::ffi::OsStr;
use std::fmt;
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long anything may take, on a machine that may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// How a process ended and what it wrote.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit status; none when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The exit status is this, and there was no panic.
    pub(crate) fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self}");
        assert!(!self.stderr.contains("panicked"), "{self}");
        self
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit status {:?}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// The program without the environment of the test, above all without `DD_*` and proxies.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_retriever"));
    let kept = std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "LLVM_PROFILE_FILE");
    command.env_clear().envs(kept).stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn retriever<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Finished {
    let output = assert_cmd::Command::from_std({
        let mut command = command();
        command.args(args);
        command
    })
    .timeout(PATIENCE)
    .output()
    .unwrap();
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the program to its end while servers of the test go on.
pub(crate) async fn retriever_beside<S: AsRef<OsStr> + Send + 'static>(args: Vec<S>) -> Finished {
    tokio::task::spawn_blocking(move || retriever(args)).await.unwrap()
}

/// A folder with files in it, that goes away with this value.
#[derive(Debug)]
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with one file of settings, and the path of that file.
    pub(crate) fn with_settings(settings: &str) -> (Self, String) {
        let folder = Self::new();
        let path = folder.write("conf.yaml", settings);
        (folder, path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }
}

/// An address at which nobody listens, most likely.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// `retriever run`, until it is told to stop. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    stdout: Output,
    stderr: Output,
    folder: Folder,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts it with these settings and these environment variables.
    pub(crate) fn start(settings: &str, variables: &[(&str, &str)]) -> Self {
        let (folder, _) = Folder::with_settings(settings);
        Self::start_in(folder, &[], variables)
    }

    /// Starts it with the settings `conf.yaml` of this folder.
    pub(crate) fn start_in(folder: Folder, options: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = command();
        command.arg("run").args(options).arg(folder.path("conf.yaml")).envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = Output::of(child.stdout.take().unwrap());
        let stderr = Output::of(child.stderr.take().unwrap());
        Self { child, stdout, stderr, folder }
    }

    /// What it has printed so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has said so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// How many lines of what it has said hold these words.
    pub(crate) fn said(&self, words: &str) -> usize {
        self.stderr().lines().filter(|line| line.contains(words)).count()
    }

    /// Waits until something is so.
    pub(crate) async fn until(&mut self, what: &str, mut is_so: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}; it said\n{}", self.stderr());
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "{what}: it ended before, {ended:?}; it said\n{}", self.stderr());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until it has said these words.
    pub(crate) async fn until_said(&mut self, words: &str) {
        let stderr = self.stderr.clone();
        self.until(words, || stderr.text().contains(words)).await;
    }

    /// The folder that it was started with.
    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        // The shell's own `kill`: there may be no program of that name.
        let command = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }

    /// Waits until it has ended, by itself or because it was told to.
    pub(crate) async fn ended(mut self) -> Finished {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end; it said\n{}", self.stderr());
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        self.stdout.complete().await;
        self.stderr.complete().await;
        Finished { code: status.code(), stdout: self.stdout(), stderr: self.stderr() }
    }

    /// Tells it to stop and waits until it has.
    pub(crate) async fn stop(self) -> Finished {
        self.terminate();
        self.ended().await
    }
}

/// What comes out of a pipe, kept as it comes.
#[derive(Clone, Debug)]
struct Output(Arc<Mutex<(Vec<u8>, bool)>>);

impl Output {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let output = Self(Arc::default());
        let kept = Arc::clone(&output.0);
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(length) = pipe.read(&mut chunk) {
                if length == 0 {
                    break;
                }
                kept.lock().unwrap().0.extend_from_slice(&chunk[..length]);
            }
            kept.lock().unwrap().1 = true;
        });
        output
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap().0).into_owned()
    }

    async fn complete(&self) {
        while !self.0.lock().unwrap().1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
