//! Small files that hold credentials.

use std::path::Path;

use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::error::AuthError;

/// No file of credentials is larger. Bytes.
const LIMIT: u64 = 1 << 20;

/// The text of a file; `what` names it in messages.
pub(super) async fn read(path: &Path, what: &'static str) -> Result<String, AuthError> {
    let unreadable = |cause| AuthError::unreadable(path, what, &cause);
    // Reading a pipe would hang.
    if !tokio::fs::metadata(path).await.map_err(unreadable)?.is_file() {
        return Err(AuthError::unusable(path, what, "is not a regular file"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).await.map_err(unreadable)?;
    let length = file.take(LIMIT + 1).read_to_end(&mut bytes).await.map_err(unreadable)?;
    if length as u64 > LIMIT {
        return Err(AuthError::unusable(path, what, format!("is larger than {LIMIT} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| AuthError::unusable(path, what, "is not valid UTF-8"))
}
