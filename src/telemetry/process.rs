//! What the operating system says about this process, read from `/proc` whenever the metrics page is asked for; where
//! there is no `/proc` only the start time is known.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;

use super::families::{Description, Families};
use crate::time::UnixTime;

/// The unit of times in `/proc/self/stat`: Linux converts its own ticks to hundredths of a second for its readers, on
/// every architecture that Rust's standard library supports.
const TICKS_PER_SECOND: f64 = 100.0;

/// Shows the process on the metrics page, under the names that Prometheus' own client libraries use.
#[derive(Debug)]
pub(super) struct ProcessCollector {
    /// When the process began.
    pub(super) started: UnixTime,
}

impl Collector for ProcessCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families::new(encoder);
        let help = "When the process began, since the Unix epoch";
        let family = Description::with_unit("process_start_time", Unit::Seconds, help);
        families.gauge(&family, self.started.seconds())?;

        if let Some(seconds) = read("stat").as_deref().and_then(cpu_seconds) {
            let family = Description::with_unit("process_cpu", Unit::Seconds, "User and system CPU time spent");
            families.counter(&family, seconds)?;
        }
        if let Some(bytes) = read("status").as_deref().and_then(resident_bytes) {
            let family = Description::with_unit("process_resident_memory", Unit::Bytes, "Resident memory size");
            families.gauge(&family, bytes)?;
        }
        if let Some(count) = open_descriptors() {
            families.gauge(&Description::new("process_open_fds", "Open file descriptors"), count)?;
        }
        Ok(())
    }
}

fn read(file: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/self/{file}")).ok()
}

/// User and system time from `/proc/self/stat`. The second field is the name of the program in parentheses and may hold
/// blanks and parentheses itself; the two times are the 14th and 15th.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    Some((user + system) as f64 / TICKS_PER_SECOND)
}

/// Resident memory from `/proc/self/status`, which unlike `statm` does not count in pages of unknown size.
fn resident_bytes(status: &str) -> Option<u64> {
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix("kB")?;
    kilobytes.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Open descriptors, without the one that reading them takes.
fn open_descriptors() -> Option<u64> {
    let descriptors = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    Some(descriptors.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_any_program_name() {
        let rest = "S 1 71 71 0 -1 4194560 1520 0 0 0 250 75 0 0 20 0 4 0 81623 233967616 3211 184467";
        for name in ["retriever", "tokio runtime w", "a) (b", ""] {
            assert_eq!(cpu_seconds(&format!("71 ({name}) {rest}")), Some(3.25), "{name}");
        }
        assert_eq!(cpu_seconds("71 (retriever) S 1 71"), None);
        assert_eq!(cpu_seconds(""), None);
    }

    #[test]
    fn resident_memory_is_in_bytes() {
        assert_eq!(resident_bytes("Name:\tx\nVmHWM:\t  9000 kB\nVmRSS:\t    5164 kB\nThreads:\t3\n"), Some(5_287_936));
        assert_eq!(resident_bytes("Name:\tx\n"), None);
        assert_eq!(resident_bytes("VmRSS:\t many kB\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_found() {
        assert!(read("stat").as_deref().and_then(cpu_seconds).is_some_and(|seconds| seconds >= 0.0));
        assert!(read("status").as_deref().and_then(resident_bytes).is_some_and(|bytes| bytes > 100_000));
        assert!(open_descriptors().is_some_and(|count| count >= 3));
    }
}
