//! The program that is tried: started, looked at through `/proc`, and stopped.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A running program; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process(Child);

/// What the program has used so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Of all its threads, in user and system mode.
    pub(crate) cpu: Duration,
    /// Bytes of memory that are resident now.
    pub(crate) resident: u64,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Stopped {
    pub(crate) status: ExitStatus,
    pub(crate) took: Duration,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    pub(crate) fn start(binary: &Path, settings: &Path, log: &Path) -> io::Result<Self> {
        let mut command = Command::new(binary);
        command
            .env_clear()
            .arg("run")
            .arg(settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(log)?);
        let named = |error| io::Error::other(format!("`{}` does not start: {error}", binary.display()));
        command.spawn().map(Self).map_err(named)
    }

    pub(crate) fn usage(&self) -> io::Result<Usage> {
        let read = |file| fs::read_to_string(format!("/proc/{}/{file}", self.0.id()));
        let odd = || io::Error::other("`/proc` does not say what it should, or the program has ended");
        let stat = read("stat")?;
        let (_, fields) = stat.rsplit_once(')').ok_or_else(odd)?;
        let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        let status = read("status")?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or_else(odd)?;
        let kilobytes: u64 = resident.trim().trim_end_matches(" kB").parse().map_err(|_| odd())?;
        // The unit of these times is a hundredth of a second.
        Ok(Usage { cpu: Duration::from_millis(ticks * 10), resident: kilobytes << 10 })
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) -> io::Result<Stopped> {
        let begun = Instant::now();
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.ok_or_else(|| io::Error::other("the program has no number"))?, Signal::TERM)?;
        let status = self.0.wait()?;
        Ok(Stopped { status, took: begun.elapsed() })
    }
}

/// The end of what the program said, without the lines that name a single target.
pub(crate) fn last_lines(log: &Path) -> String {
    let log = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = log.lines().filter(|line| !line.contains("endpoint=")).collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
