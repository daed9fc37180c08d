//! Which outputs there are: those that are asked for, or the first that there is an address for.

use std::path::PathBuf;

use super::dogstatsd::ReadDogstatsd;
use super::output::{ApiSettings, FileSettings, Output, OutputFormat, OutputKind};
use super::overridden::Overridden;

const OUTPUT_VARIABLES: [&str; 1] = ["RETRIEVER_OUTPUT"];

/// All outputs, at least one and at most one of a kind. What is asked for and cannot be is an error.
pub(super) fn read_outputs(options: &Overridden<'_, '_>, api: Option<ApiSettings>) -> Vec<Output> {
    let (option, wanted) = read_wanted(options);
    let mut available = Available {
        api,
        dogstatsd: Some(ReadDogstatsd::read(options)),
        file: read_file(options),
        console: read_console(options),
    };
    let mut kinds: Vec<OutputKind> = Vec::new();
    for word in &wanted {
        match OutputKind::ALL.into_iter().find(|kind| kind.as_str() == word) {
            Some(kind) if kinds.contains(&kind) => {}
            Some(kind) => kinds.push(kind),
            None => {
                let message = format!("has `{word}`, which is none of `api`, `dogstatsd`, `file`, `console`");
                options.error(option, &OUTPUT_VARIABLES, &message);
            }
        }
    }
    if let Some(file) = &available.file
        && !wanted.is_empty()
        && !kinds.contains(&OutputKind::File)
    {
        let message = format!("`output_file` is `{}`, but `output` does not have `file`", file.path.display());
        let at = options.section.node("output_file").map_or(options.section.at(), |node| node.at);
        options.section.warning(at, message);
    }
    let asked = kinds.into_iter().filter_map(|kind| {
        available.take(kind).map_err(|message| options.error(option, &OUTPUT_VARIABLES, message)).ok()
    });
    let outputs: Vec<Output> = asked.collect();
    if outputs.is_empty() { vec![available.first()] } else { outputs }
}

/// The words that name outputs, and the option that has them.
fn read_wanted(options: &Overridden<'_, '_>) -> (&'static str, Vec<String>) {
    let one = options.words("output", &OUTPUT_VARIABLES);
    let several = options.words("outputs", &OUTPUT_VARIABLES);
    match (options.section.present("output"), options.section.present("outputs")) {
        (Some(_), Some(node)) => {
            options.section.error(node.at, "`outputs` says the same as `output`: keep one of them");
            ("output", one)
        }
        (None, Some(_)) => ("outputs", several),
        _ => ("output", one),
    }
}

/// What could be an output; each is taken once.
struct Available {
    api: Option<ApiSettings>,
    dogstatsd: Option<ReadDogstatsd>,
    file: Option<FileSettings>,
    console: OutputFormat,
}

impl Available {
    /// An output that is asked for.
    fn take(&mut self, kind: OutputKind) -> Result<Output, &'static str> {
        match kind {
            OutputKind::Api => self
                .api
                .take()
                .map(Output::Api)
                .ok_or("has `api`, but there is no API key: set `api_key` or DD_API_KEY"),
            OutputKind::Dogstatsd => match self.dogstatsd.take().filter(|read| !read.is_disabled) {
                Some(read) => Ok(Output::Dogstatsd(read.anywhere())),
                None => Err("has `dogstatsd`, but DD_DOGSTATSD_DISABLE forbids it: remove one of both"),
            },
            OutputKind::File => self
                .file
                .take()
                .map(Output::File)
                .ok_or("has `file`, but no file is named: set `output_file` or RETRIEVER_OUTPUT_FILE"),
            OutputKind::Console => Ok(Output::Console(self.console)),
        }
    }

    /// The first that there is an address for.
    fn first(self) -> Output {
        let Self { api, dogstatsd, file, console } = self;
        let dogstatsd = || dogstatsd.and_then(ReadDogstatsd::if_addressed).map(Output::Dogstatsd);
        api.map(Output::Api).or_else(dogstatsd).or(file.map(Output::File)).unwrap_or(Output::Console(console))
    }
}

fn read_file(options: &Overridden<'_, '_>) -> Option<FileSettings> {
    let format =
        read_format(options, "output_file_format", "RETRIEVER_OUTPUT_FILE_FORMAT").unwrap_or(OutputFormat::Json);
    let path = options.text("output_file", &["RETRIEVER_OUTPUT_FILE"])?;
    Some(FileSettings { path: PathBuf::from(path), format })
}

fn read_console(options: &Overridden<'_, '_>) -> OutputFormat {
    read_format(options, "console_format", "RETRIEVER_CONSOLE_FORMAT").unwrap_or_default()
}

fn read_format(options: &Overridden<'_, '_>, option: &'static str, variable: &'static str) -> Option<OutputFormat> {
    let text = options.text(option, &[variable])?;
    match text.trim() {
        "text" => Some(OutputFormat::Text),
        "json" => Some(OutputFormat::Json),
        _ => {
            options.error(option, &[variable], "is neither `text` nor `json`");
            None
        }
    }
}
