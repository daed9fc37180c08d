//! The way from here to where metrics go.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use super::intake;
use super::model::{Diagnosis, Step, StepKind};
use super::socket;
use super::words::quoted;
use crate::config::{DogstatsdAddress, Output};
use crate::submit::{Reached, reach_dogstatsd};

/// Walks the way to one of the places that the settings send metrics to. `file`: the settings; none: there is only the
/// environment.
async fn examine_delivery(output: &Output, file: Option<&str>) -> Diagnosis {
    let (title, steps) = match output {
        Output::Console(_) => ("Datadog".to_owned(), vec![console(file)]),
        Output::File(settings) => (output.to_string(), vec![growing_file(&settings.path)]),
        Output::Dogstatsd(settings) => ("Datadog, through an Agent".to_owned(), dogstatsd(&settings.address).await),
        Output::Api(api) => ("Datadog".to_owned(), intake::steps(api).await),
    };
    Diagnosis { title, place: None, steps }
}

/// The ways to all of them. That metrics are printed is worth no warning where they go to Datadog too.
pub(crate) async fn examine_deliveries(outputs: &[Output], file: Option<&str>) -> Vec<Diagnosis> {
    let mut diagnoses = Vec::with_capacity(outputs.len());
    for output in outputs {
        diagnoses.push(match output {
            Output::Console(_) if outputs.len() > 1 => {
                let step = Step::fine(StepKind::Destination, "metrics are printed too").fact("output", "console");
                Diagnosis { title: "The console".to_owned(), place: None, steps: vec![step] }
            }
            _ => examine_delivery(output, file).await,
        });
    }
    diagnoses
}

/// Nothing is written and no file is made: to look must change nothing.
fn growing_file(path: &Path) -> Step {
    let found = match OpenOptions::new().append(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            match folder.metadata() {
                Ok(metadata) if metadata.is_dir() => Ok("the file is not there yet; its folder is"),
                Ok(_) => Err(io::Error::from(io::ErrorKind::NotADirectory)),
                Err(error) => Err(error),
            }
        }
        opened => opened.map(|_| "the file can be written to"),
    };
    let step = match found {
        Ok(words) => Step::fine(StepKind::Destination, words),
        Err(error) => Step::failed(StepKind::Destination, format!("the file cannot be written to: {error}"))
            .advise("check `output_file` (RETRIEVER_OUTPUT_FILE): its folder must be there and writable for this user"),
    };
    step.fact("output", "file").fact("path", path.display().to_string())
}

fn console(file: Option<&str>) -> Step {
    let step = match file {
        Some(_) => Step::warning(StepKind::Destination, "metrics are printed, and go nowhere else")
            .advise("set `api_key` (DD_API_KEY) and `site` (DD_SITE), or `dogstatsd_url`, to have them sent"),
        None => Step::not_needed(
            StepKind::Destination,
            "with settings instead of a URL, or with DD_API_KEY: the way to Datadog",
        ),
    };
    step.fact("output", "console")
}

async fn dogstatsd(address: &DogstatsdAddress) -> Vec<Step> {
    let destination = Step::fine(StepKind::Destination, format!("the DogStatsD listener at `{address}`"))
        .fact("output", "dogstatsd")
        .fact("address", address.to_string());
    let connection = match (reach_dogstatsd(address).await, address) {
        (Ok(Reached::Socket), _) => Step::fine(StepKind::Connection, "the socket is there, and somebody listens"),
        (Ok(Reached::Udp(to)), _) => {
            Step::fine(StepKind::Connection, format!("{to} does not refuse, which is all that UDP tells")).detail(
                "Whether an Agent listens there cannot be known from here; `agent status` on its machine shows it.",
            )
        }
        (Ok(Reached::Nobody(to)), _) => Step::failed(StepKind::Connection, format!("nobody listens at {to}"))
            .advise(
                "check that the Agent runs, that `use_dogstatsd` is not off there, and that host and port are right",
            )
            .advise("an Agent in another container needs `dogstatsd_non_local_traffic: true`"),
        (Err(error), DogstatsdAddress::Udp { host, .. }) => {
            Step::failed(StepKind::Connection, format!("{} cannot be sent to: {error}", quoted(host)))
                .advise("check the host name; DD_AGENT_HOST and `dogstatsd_host` set it")
        }
        (Err(error), DogstatsdAddress::UnixDatagram(path) | DogstatsdAddress::UnixStream(path)) => {
            socket::failed(path, &unreachable(&error))
        }
    };
    vec![destination, connection]
}

fn unreachable(error: &io::Error) -> String {
    let advice = "check that the Agent runs, that it has `dogstatsd_socket` set to this path, and that its folder is \
                  mounted here if one of both is in a container";
    match error.kind() {
        io::ErrorKind::NotFound => format!("the socket does not exist; {advice}"),
        io::ErrorKind::ConnectionRefused => format!("nobody listens at the socket; {advice}"),
        // The path is right, but the socket is of the other kind.
        _ if error.raw_os_error() == Some(rustix::io::Errno::PROTOTYPE.raw_os_error()) => {
            "the socket is of the other kind; write `unix://` for datagrams and `unixstream://` for a stream".to_owned()
        }
        _ => format!("the socket cannot be used: {error}; {advice}"),
    }
}
