//! `nmc database`.

use super::FormatArg;
use clap::Subcommand;
use nmc_core::Secret;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum DatabaseCommand {
    /// Write the whole database into a file, which is read again and counted before it gets its name
    Dump {
        /// The file to write, for its owner alone
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Replace a file of that name
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Read a dump into an empty database: all of it or nothing
    Restore {
        /// The file that nmc database dump wrote
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Copy the data of nmc's own server into an empty database elsewhere; the source stays as it is
    Move {
        /// The empty database; its login must own it
        #[arg(long, env = "NMC_TO_DATABASE_URL", hide_env_values = true, value_name = "URL")]
        to: Secret,
        #[command(flatten)]
        format: FormatArg,
    },
}
