use crate::cli::Cli;
use crate::error::CliResult;
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::io::Write as _;
use std::process::ExitCode;

/// Prints the completions of a shell. They are made first, so that a reader who has seen enough is no panic.
pub(crate) fn run(shell: Shell) -> CliResult {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "nmc", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
