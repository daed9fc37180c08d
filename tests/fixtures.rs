//! Recordings of real exporters come to what was once accepted.

use std::path::Path;

use retriever::fixture::{Case, Verdict};

#[tokio::test]
async fn recordings_of_real_exporters_come_to_their_snapshots() {
    let cases = Case::find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")).expect("there are fixtures");
    assert!(cases.len() >= 5, "only {} fixtures were found", cases.len());
    for case in cases {
        let replayed = case.replay().await.expect("a fixture can be replayed");
        let verdict = case.judge(&replayed, false).expect("a fixture has a snapshot");
        assert_eq!(verdict, Verdict::Equal, "{}", case.name());
    }
}
