//! `nmc completions`.

use crate::error::CliResult;
use clap::{Args, Command};
use clap_complete::Shell;
use std::io::Write as _;
use std::process::ExitCode;

/// Which shell's completions.
#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    pub(crate) shell: Shell,
}

/// Prints the completions of a shell. They are made first, so that a reader who has seen enough is no panic.
pub(crate) fn run(args: &CompletionsArgs, mut command: Command) -> CliResult {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "nmc", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
