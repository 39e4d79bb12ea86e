//! Variables of the shell that are meant for psql and its like.

use std::io::Error;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Variables that libpq obeys whatever it is told: the settings of another database's sessions, and a service that has to be
/// known. No address can take them back.
const OBEYED: [&str; 4] = ["PGSERVICE", "PGTZ", "PGDATESTYLE", "PGGEQO"];

/// Begins this program again without those variables, if there are any: nmc goes by the address it is given. A program can't
/// safely take a variable out of its own environment.
pub(crate) fn leave_psqls() -> Result<(), Error> {
    if OBEYED.iter().all(|name| std::env::var_os(name).is_none()) {
        return Ok(());
    }
    // By the kernel's link where there is one: the file may have been replaced by a newer one meanwhile.
    let link = std::path::Path::new("/proc/self/exe");
    let program = if link.exists() { link.to_owned() } else { std::env::current_exe()? };
    let mut arguments = std::env::args_os();
    let mut again = Command::new(program);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    again.args(arguments);
    for name in OBEYED {
        again.env_remove(name);
    }
    Err(again.exec())
}
