//! Which `pg_dump` and `pg_restore` this machine has. Each reads its own version's servers and older ones.

use super::TransferError;
use crate::store::Address;
use crate::store::embedded::program_folders;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Variables of libpq that say how a login proves itself. All others of its variables would lead elsewhere than the address says.
const KEPT: [&str; 8] =
    ["PGPASSFILE", "PGPASSWORD", "PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSSLCRL", "PGCHANNELBINDING"];

/// A program that is there.
pub(super) struct Program {
    pub(super) name: &'static str,
    path: PathBuf,
}

impl Program {
    /// The one of the server's major version or, without it, the next newer one.
    pub(super) fn find(name: &'static str, major: u32, bin_dir: Option<&Path>) -> Result<Self, TransferError> {
        let candidates = program_folders(bin_dir).into_iter().map(|folder| folder.join(name)).filter(|path| path.is_file());
        let mut found: Vec<(u32, PathBuf)> = Vec::new();
        for path in candidates {
            match version(&path) {
                Some(version) if version == major => return Ok(Self { name, path }),
                Some(version) => found.push((version, path)),
                None => {}
            }
        }
        found.sort();
        let versions = found.iter().map(|(version, _)| *version).collect();
        match found.into_iter().find(|(version, _)| *version > major) {
            Some((_, path)) => Ok(Self { name, path }),
            None => Err(TransferError::NoProgram { program: name, major, found: versions }),
        }
    }

    /// The program, with nothing of libpq's variables that could lead elsewhere.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        let is_kept = |name: &str| !name.starts_with("PG") || KEPT.contains(&name);
        for (name, _) in std::env::vars_os() {
            if !name.to_str().is_some_and(is_kept) && name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// The program at work on a database. The password goes by the environment, which other users can't read.
    pub(super) fn on(&self, address: &Address) -> Command {
        let mut command = self.command();
        command.arg("--no-password").arg(format!("--dbname={}", address.without_password()));
        if let Some(password) = address.password() {
            command.env("PGPASSWORD", password);
        }
        command
    }
}

/// The major version in `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn version(path: &Path) -> Option<u32> {
    let output = Command::new(path).arg("--version").stdin(Stdio::null()).output().ok()?;
    crate::store::embedded::parse_version(&String::from_utf8_lossy(&output.stdout))
}
