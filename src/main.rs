//! The command `retriever`.

use std::process::ExitCode;

fn main() -> ExitCode {
    retriever::cli::main()
}
