//! The program that is tried: started, asked for its metrics, stopped and killed.

use std::fs::{File, OpenOptions};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper_util::rt::TokioIo;
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// How long a stop may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// How the program is started.
#[derive(Debug)]
pub(super) struct Launcher {
    pub(super) binary: PathBuf,
    pub(super) settings: PathBuf,
    pub(super) log: PathBuf,
    /// What `RETRIEVER_DATA_DIR` says.
    pub(super) data_dir: PathBuf,
    pub(super) admin: SocketAddr,
}

impl Launcher {
    pub(super) fn start(&self) -> io::Result<Program> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let named = |error| io::Error::other(format!("`{}` does not start: {error}", self.binary.display()));
        let child = Command::new(&self.binary)
            .env_clear()
            .env("RETRIEVER_DATA_DIR", &self.data_dir)
            .arg("run")
            .arg(&self.settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(named)?;
        Ok(Program { child, admin: self.admin, given_up: 0, waiting: None })
    }
}

/// A life of the program; killed when it is dropped.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    admin: SocketAddr,
    /// Entries that it gave up, as its page said last.
    pub(super) given_up: u64,
    /// Payloads that wait for delivery, as its page said last.
    pub(super) waiting: Option<u64>,
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Reads its own page of metrics, if it answers; an error if it has ended by itself.
    pub(super) async fn look(&mut self) -> io::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            return Err(io::Error::other(format!("the program ended by itself: {status}")));
        }
        if let Ok(Ok(page)) = timeout(Duration::from_secs(2), page(self.admin)).await {
            self.given_up = self.given_up.max(sum(&page, "retriever_delivery_dropped_total"));
            self.waiting = Some(sum(&page, "retriever_delivery_queue_payloads"));
        }
        Ok(())
    }

    pub(super) fn kill(mut self) -> io::Result<u64> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(self.given_up)
    }

    /// Asks it to stop, and waits until it has.
    pub(super) async fn stop(&mut self) -> io::Result<ExitStatus> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.ok_or_else(|| io::Error::other("the program has no number"))?, Signal::TERM)?;
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if begun.elapsed() > PATIENCE {
                return Err(io::Error::other(format!("the program did not stop within {PATIENCE:?}")));
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// An address at which nobody listens, most likely.
pub(super) fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// Makes a file empty, or makes it.
pub(super) fn empty(path: &Path) -> io::Result<()> {
    File::create(path).map(drop)
}

async fn page(admin: SocketAddr) -> io::Result<String> {
    let stream = TcpStream::connect(admin).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let request = Request::builder().uri("/metrics").header("host", admin.to_string()).body(Empty::<Bytes>::new());
    let response = sender.send_request(request.map_err(io::Error::other)?).await.map_err(io::Error::other)?;
    let body = response.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    String::from_utf8(body.to_vec()).map_err(io::Error::other)
}

/// The sum of a family.
fn sum(page: &str, family: &str) -> u64 {
    let lines = page.lines().filter_map(|line| line.strip_prefix(family));
    let values = lines.filter(|rest| rest.starts_with(['{', ' '])).filter_map(|rest| rest.rsplit_once(' '));
    values.filter_map(|(_, value)| value.parse::<f64>().ok()).sum::<f64>() as u64
}
