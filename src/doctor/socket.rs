//! Unix sockets: whether they are there, whether they are sockets, and who may use them.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::model::{Step, StepKind};

/// A socket that could not be connected to, with what the file system says about it. `message` may have advice behind
/// a semicolon, which is replaced where more is known.
pub(super) fn failed(path: &Path, message: &str) -> Step {
    let step = Step::failed_with(StepKind::Connection, message).fact("path", path.display().to_string());
    let shown = path.display();
    match fs::symlink_metadata(path) {
        Err(_) => {
            let step = step.detail(missing(path));
            if step.advice.is_empty() {
                step.advise("check the path, and that whoever makes the socket runs")
            } else {
                step
            }
        }
        Ok(found) if found.is_symlink() && fs::metadata(path).is_err() => {
            step.detail(format!("`{shown}` is a link to something that is not there."))
        }
        Ok(_) => match fs::metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                let what = if found.is_dir() { "a directory" } else { "a file" };
                with_advice(step, format!("`{shown}` is {what}, not a socket"))
            }
            Ok(found) => explained(step, path, &found, message),
            Err(error) => step.detail(format!("`{shown}` cannot be looked at: {error}.")),
        },
    }
}

fn explained(step: Step, path: &Path, found: &fs::Metadata, message: &str) -> Step {
    let shown = path.display();
    let (user, mode) = (rustix::process::geteuid().as_raw(), found.mode() & 0o777);
    let step = step.fact("mode", format!("{mode:04o}")).fact("owner", found.uid()).fact("group", found.gid());
    if message.to_lowercase().contains("permission denied") {
        return with_advice(
            step,
            format!(
                "`{shown}` belongs to user {} and group {} with mode {mode:04o}, and Retriever runs as user {user}, which \
                 needs the right to write there: add it to the group, or change mode or owner of the socket",
                found.uid(),
                found.gid()
            ),
        );
    }
    step.detail(format!(
        "`{shown}` is a socket, but nobody listens there: whoever made it has ended, or was started anew with another one."
    ))
}

fn with_advice(mut step: Step, advice: String) -> Step {
    step.advice.clear();
    step.advise(advice)
}

/// How far the path can be followed.
fn missing(path: &Path) -> String {
    let mut inside = path;
    for parent in path.ancestors().skip(1) {
        if parent.as_os_str().is_empty() {
            break;
        }
        match fs::metadata(parent) {
            Ok(_) => {
                let missing = inside.file_name().unwrap_or_default().display();
                return format!("`{}` is there, and has no `{missing}` in it.", parent.display());
            }
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return format!("`{}` may not be looked into by this user.", parent.display());
            }
            Err(_) => inside = parent,
        }
    }
    format!("`{}` is nowhere.", path.display())
}
