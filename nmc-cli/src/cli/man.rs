//! `nmc man`.

use clap::Args;
use std::path::PathBuf;

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
