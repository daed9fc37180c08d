//! The runtimes that commands wait on.

use std::io;
use std::num::NonZero;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Runtime};

/// For what a single thread does.
pub(super) fn single() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// For `retriever run` with so many targets: with no more threads than targets. One that finds nothing to do is woken
/// nonetheless whenever another one has something to do, and keeps the room of what it did once. For one target the main
/// thread does everything itself: it and another one would wake each other at each scrape.
pub(super) fn shared(targets: usize) -> io::Result<Runtime> {
    let cores = available_parallelism().map_or(1, NonZero::get);
    match targets.min(cores) {
        0 | 1 => single(),
        threads => Builder::new_multi_thread().worker_threads(threads).enable_all().build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_threads_than_targets_or_cores() {
        let cores = available_parallelism().unwrap().get();
        for (targets, threads) in [(0, 1), (1, 1), (2, 2.min(cores)), (100_000, cores)] {
            assert_eq!(shared(targets).unwrap().metrics().num_workers(), threads, "{targets}");
        }
    }
}
