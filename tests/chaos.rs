//! Nothing is lost and nothing counted twice: a short trial of the whole program, with an intake that misbehaves.
//!
//! The long one is `cargo run --release --example chaos`; `docs/conservation.md` says what it looks at.

#[allow(dead_code, reason = "the tool uses more of it")]
#[path = "../tools/chaos/trial/mod.rs"]
mod trial;

use std::time::Duration;

use trial::{DataDir, Plan};

fn plan(seconds: u64, kills: usize, stops: usize, data_dir: DataDir) -> Plan {
    Plan {
        binary: env!("CARGO_BIN_EXE_retriever").into(),
        duration: Duration::from_secs(seconds),
        kills,
        stops,
        seed: 1,
        targets: 6,
        interval: 1,
        data_dir,
        sums: true,
        log: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_whatever_the_intake_does() {
    let verdict = trial::hold(&Plan { interval: 2, ..plan(12, 0, 0, DataDir::Nowhere) }).await.unwrap();
    assert!(verdict.holds(), "{verdict}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kill_loses_without_a_data_directory_is_noticed() {
    let verdict = trial::hold(&plan(8, 1, 0, DataDir::Nowhere)).await.unwrap();
    assert!(!verdict.holds(), "{verdict}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_though_the_program_is_killed() {
    let verdict = trial::hold(&plan(20, 3, 1, DataDir::Own)).await.unwrap();
    assert!(verdict.holds(), "{verdict}");
}
