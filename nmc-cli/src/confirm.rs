//! Destructive calls need a `Confirmed`, which only `--yes` or a prompt makes here.

use crate::error::{CliError, CliResult};
use crate::output::plain;
use crate::prompt;
use nmc_core::Confirmed;

/// Asks, unless `--yes` was given. Where there is nobody to ask, it refuses.
pub(crate) fn confirmed(yes: bool, what: &str) -> CliResult<Confirmed> {
    if yes {
        return Ok(Confirmed::irrevocably());
    }
    let what = plain(what);
    if !prompt::is_somebody_there() {
        return Err(CliError::Usage(format!("{what}: say --yes to do it without being asked")));
    }
    match prompt::line(&format!("{what}. Go on? [y/N] "))?.as_str() {
        "y" | "Y" | "yes" => Ok(Confirmed::irrevocably()),
        _ => Err(CliError::Usage("nothing was done".to_owned())),
    }
}
