//! `nmc openapi`.

use crate::error::CliResult;
use std::io::Write as _;
use std::process::ExitCode;

/// The document needs no database: the routes make it.
pub(crate) fn run() -> CliResult {
    let document = nmc_http::openapi().to_pretty_json().map_err(std::io::Error::from)?;
    writeln!(std::io::stdout(), "{document}")?;
    Ok(ExitCode::SUCCESS)
}
