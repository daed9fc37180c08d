//! `retriever run`.
use super::exit::Exit;
use super::settings::SettingsArgs;
/// Args.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    settings: SettingsArgs,
}
pub(super) fn run(args: RunArgs) -> Exit {
    args.settings.load();
    Exit::Fine
}
