//! Destructive calls need a `Confirmed`, which only `--yes` or a prompt makes here.

use crate::error::{CliError, CliResult};
use nmc_core::Confirmed;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

/// Asks, unless `--yes` was given. Where there is nobody to ask, it refuses.
pub(crate) fn confirmed(yes: bool, what: &str) -> CliResult<Confirmed> {
    if yes {
        return Ok(Confirmed::irrevocably());
    }
    if !std::io::stdin().is_terminal() {
        return Err(CliError::Usage(format!("{what}: say --yes to do it without being asked")));
    }
    let mut talk = std::io::stderr();
    write!(talk, "{what}. Go on? [y/N] ")?;
    talk.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(Confirmed::irrevocably()),
        _ => Err(CliError::Usage("nothing was done".to_owned())),
    }
}
