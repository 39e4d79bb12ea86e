use crate::cli::{DatabaseArgs, TokenKeyCommand};
use crate::database::token_keys;
use crate::error::CliResult;
use crate::output::{Columns, time};
use nmc_core::access::{TokenKey, TokenKeys};
use nmc_core::{Clock as _, Page, SystemClock};
use serde_json::json;
use std::process::ExitCode;

const COLUMNS: Columns<TokenKey> =
    Columns { names: &["kid", "made_at", "signs"], values: |key| vec![json!(key.kid), time(key.made_at), json!(key.signs)] };

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
            COLUMNS.page(format.format, &Page { items, next: None })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
