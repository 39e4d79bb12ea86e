//! `nmc man`.

use crate::error::{CliError, CliResult};
use clap::{Args, Command};
use clap_mangen::Man;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Which manual page, and where it goes.
#[derive(Args)]
pub(crate) struct ManArgs {
    /// The command, like tenant onboard [default: nmc itself]
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    pub(crate) path: Vec<String>,

    /// Write the pages of all commands into this directory instead
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// Prints one manual page, or writes those of all commands into a directory.
pub(crate) fn run(args: &ManArgs, mut command: Command) -> CliResult {
    command.build();
    if let Some(dir) = &args.dir {
        clap_mangen::generate_to(command, dir)
            .map_err(|error| CliError::Usage(format!("--dir: {} can't be written to: {error}", dir.display())))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut named = &command;
    for name in &args.path {
        named = named
            .find_subcommand(name)
            .ok_or_else(|| CliError::Usage(format!("there is no command {}; see nmc --help", args.path.join(" "))))?;
    }
    let mut page = Vec::new();
    Man::new(named.clone()).render(&mut page)?;
    std::io::stdout().write_all(&page)?;
    Ok(ExitCode::SUCCESS)
}
