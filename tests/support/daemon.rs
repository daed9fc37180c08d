//! Programs that others wrote, as peers of a test.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running program; it is killed when it is dropped.
pub(crate) struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program and waits until it listens; none if it is not installed.
pub(crate) async fn start(program: &str, args: &[&str], address: SocketAddr) -> Option<Daemon> {
    let path = std::env::var_os("PATH")?;
    if !std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
        eprintln!("skipped: {program} is not installed");
        return None;
    }
    let mut command = Command::new(program);
    let daemon = Daemon(command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let deadline = Instant::now() + Duration::from_secs(40);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "`{program}` does not listen on {address}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Some(daemon)
}
