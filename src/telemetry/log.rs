//! Sets up the log: to standard error, for people or as JSON.

use std::env;
use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::LogFormat;

/// Overrides `log_level` with directives such as `warn,retriever::scrape=trace`.
const VARIABLE: &str = "RETRIEVER_LOG";

/// The log cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LogError(#[from] LogProblem);

#[derive(Debug, thiserror::Error)]
enum LogProblem {
    #[error(
        "`{directives}` in {place} is no log filter: {reason}; \
         expected a level, or directives such as `warn,retriever::scrape=trace`"
    )]
    Filter { place: &'static str, directives: String, reason: String },
    #[error("the log was already set up, once for a process is enough")]
    Repeated,
}

/// Sends the log of this process to standard error; in colour only where that is a terminal and `NO_COLOR` is not set.
///
/// `level` is one of `log_level` and counts for Retriever itself; the libraries below it are heard from `warn` on. The
/// environment variable `RETRIEVER_LOG` takes the place of both.
///
/// # Errors
///
/// When the variable holds no filter, and when the log was already set up.
pub fn init(level: &str, format: LogFormat) -> Result<(), LogError> {
    let filter = filter(level, env::var(VARIABLE).ok().as_deref())?;
    let colours = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let subscriber = subscriber(filter, format, colours, io::stderr);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogProblem::Repeated.into())
}

fn filter(level: &str, variable: Option<&str>) -> Result<EnvFilter, LogError> {
    let variable = variable.map(str::trim).filter(|directives| !directives.is_empty());
    let (place, directives) = match (variable, level) {
        (Some(directives), _) => ("the environment variable `RETRIEVER_LOG`", directives.to_owned()),
        (None, "off" | "error" | "warn") => ("`log_level`", level.to_owned()),
        (None, _) => ("`log_level`", format!("warn,retriever={level}")),
    };
    EnvFilter::try_new(&directives)
        .map_err(|error| LogProblem::Filter { place, directives, reason: error.to_string() }.into())
}

fn subscriber<W>(filter: EnvFilter, format: LogFormat, colours: bool, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // That a line cannot be written must not be said on the standard error: to write to one that is gone is a panic.
    let builder = tracing_subscriber::fmt().with_env_filter(filter).log_internal_errors(false).with_writer(writer);
    match format {
        LogFormat::Text => Box::new(builder.with_ansi(colours).with_target(false).finish()),
        LogFormat::Json => Box::new(builder.with_ansi(false).json().flatten_event(true).finish()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: &str, variable: Option<&str>, format: LogFormat, colours: bool, events: fn()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = subscriber(filter(level, variable).unwrap(), format, colours, move || writer.clone());
        tracing::subscriber::with_default(subscriber, events);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn events() {
        tracing::debug!(target: "retriever::scrape", "own detail");
        tracing::info!(target: "retriever", target_url = "http://a", "own news");
        tracing::info!(target: "hyper", "news of a library");
        tracing::warn!(target: "hyper", "warning of a library");
    }

    #[test]
    fn the_level_is_that_of_retriever() {
        let text = logged("info", None, LogFormat::Text, false, events);
        assert!(text.contains("own news") && text.contains("warning of a library"), "{text}");
        assert!(!text.contains("own detail") && !text.contains("news of a library"), "{text}");
        assert!(logged("debug", None, LogFormat::Text, false, events).contains("own detail"));
        assert!(!logged("error", None, LogFormat::Text, false, events).contains("warning of a library"));
        assert_eq!(logged("off", None, LogFormat::Text, false, events), "");
    }

    #[test]
    fn the_variable_goes_before_the_level() {
        let text = logged("off", Some("hyper=info"), LogFormat::Text, false, events);
        assert!(text.contains("news of a library") && !text.contains("own news"), "{text}");
        assert_eq!(logged("off", Some(" "), LogFormat::Text, false, events), "");
    }

    #[test]
    fn colours_are_only_for_terminals() {
        assert!(!logged("info", None, LogFormat::Text, false, events).contains('\u{1b}'));
        assert!(logged("info", None, LogFormat::Text, true, events).contains('\u{1b}'));
        assert!(!logged("info", None, LogFormat::Json, true, events).contains('\u{1b}'));
    }

    #[test]
    fn json_is_one_object_a_line() {
        let text = logged("info", None, LogFormat::Json, false, events);
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["level"], "INFO");
        assert_eq!(lines[0]["message"], "own news");
        assert_eq!(lines[0]["target_url"], "http://a");
        assert_eq!(lines[0]["target"], "retriever");
    }

    #[test]
    fn a_bad_filter_says_where_it_stands() {
        let error = filter("info", Some("retriever=loud")).unwrap_err().to_string();
        assert!(error.contains("`RETRIEVER_LOG`") && error.contains("`retriever=loud`"), "{error}");
        let error = filter("loud", None).unwrap_err().to_string();
        assert!(error.contains("`log_level`"), "{error}");
    }
}
