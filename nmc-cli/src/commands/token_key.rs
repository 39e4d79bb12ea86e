//! `nmc token-key`.

use crate::database::token_keys;
use crate::error::CliResult;
use crate::options::{DatabaseArgs, FormatArg, TokenKeysArg};
use crate::output::{Columns, time};
use clap::Subcommand;
use nmc_core::access::{TokenKey, TokenKeys};
use nmc_core::{Clock as _, SystemClock};
use serde_json::json;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum TokenKeyCommand {
    /// Put a new key in front, which signs half a minute later; nobody is logged out
    Rotate {
        #[command(flatten)]
        token_keys: TokenKeysArg,
        /// Drop all others at once: for a key that has leaked. Clients refresh their access tokens
        #[arg(long)]
        revoke_old: bool,
        #[command(flatten)]
        format: FormatArg,
    },
    /// List the keys, newest first; never what they sign with
    List {
        #[command(flatten)]
        token_keys: TokenKeysArg,
        #[command(flatten)]
        format: FormatArg,
    },
}

const COLUMNS: Columns<TokenKey> =
    Columns(&[("kid", |key| json!(key.kid)), ("made_at", |key| time(key.made_at)), ("signs", |key| json!(key.signs))]);

pub(crate) fn run(args: &DatabaseArgs, command: &TokenKeyCommand) -> CliResult {
    let now = SystemClock.now();
    match command {
        TokenKeyCommand::Rotate { token_keys: named, revoke_old, format } => {
            let file = token_keys(args, named)?;
            let key = if *revoke_old { TokenKeys::replace(&file, now)? } else { TokenKeys::rotate(&file, now)? };
            COLUMNS.one(format.format, &key)?;
            if !key.signs {
                eprintln!("it signs in half a minute, when every server has seen it; nobody is logged out");
            }
        }
        TokenKeyCommand::List { token_keys: named, format } => {
            let items = TokenKeys::list(&token_keys(args, named)?, now)?;
            COLUMNS.all(format.format, &items)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
