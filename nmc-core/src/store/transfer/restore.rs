//! A dump into an empty database, or one database into another.

use super::archive::rows_of;
use super::dump::Source;
use super::programs::Program;
use super::run::{Broken, Running, pump};
use super::server::Server;
use super::{RowCounts, TransferError, TransferProgress, compare};
use crate::Secret;
use crate::store::Address;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

/// A database that is filled: all of it or nothing.
struct Target {
    server: Server,
    address: Address,
    pg_restore: Program,
}

impl Target {
    fn open(url: &Secret, bin_dir: Option<&Path>) -> Result<Self, TransferError> {
        let address = Address::parse(url.expose())?;
        let mut server = Server::connect(url)?;
        server.must_be_free()?;
        let pg_restore = Program::find("pg_restore", server.major, bin_dir)?;
        Ok(Self { server, address, pg_restore })
    }

    /// Fills it from a dump, and counts what came in.
    fn fill(
        mut self,
        from: impl Read + Send + 'static,
        reading: &'static str,
        expected: &RowCounts,
        progress: &mut dyn FnMut(TransferProgress),
    ) -> Result<(), TransferError> {
        self.server.make_roles()?;
        let mut command = self.pg_restore.on(&self.address);
        command.args(["--no-owner", "--exit-on-error", "--single-transaction"]);
        let mut running = Running::start(&self.pg_restore, command.stdin(Stdio::piped()))?;
        let mut input = running.stdin();
        let moved = input.as_mut().map_or(Ok(0), |input| pump(from, input, progress));
        // The end of its input is what it waits for.
        drop(input);
        match moved {
            // It has ended before: its own words say why.
            Ok(_) | Err(Broken::Writing(_)) => running.finish()?,
            Err(broken) => return Err(broken.of(reading, |error| TransferError::Database(error.to_string()))),
        }
        progress(TransferProgress::Checking);
        let found = self.server.count_as_owner()?;
        compare(expected, &found)?;
        self.server.renew_streams()?;
        self.server.analyze()
    }
}

/// Restores a dump into the empty database at `url`, whose owner the login is: the roles first, then everything in one transaction.
/// Returns how many rows of each table were in the dump, and are now in the database.
///
/// # Errors
/// [`TransferError`]; the database is empty then, unless it is [`TransferError::Miscounted`].
pub fn restore(
    url: &Secret,
    file: &Path,
    bin_dir: Option<&Path>,
    progress: &mut dyn FnMut(TransferProgress),
) -> Result<RowCounts, TransferError> {
    let target = Target::open(url, bin_dir)?;
    let open = || {
        let unreadable = |reason: String| TransferError::File { file: file.to_owned(), what: "read", reason };
        let found = std::fs::metadata(file).map_err(|error| unreadable(error.to_string()))?;
        // Opening a pipe would wait for its writer.
        if !found.is_file() {
            return Err(unreadable("it is no ordinary file".to_owned()));
        }
        File::open(file).map_err(|error| unreadable(error.to_string()))
    };
    progress(TransferProgress::Counting);
    let expected = rows_of(&target.pg_restore, open()?).map_err(|error| match error {
        TransferError::Failed { reason, .. } => TransferError::NoDump { file: file.to_owned(), reason },
        other => other,
    })?;
    if !expected.keys().any(|table| table.ends_with(".tenants")) {
        return Err(TransferError::NoDump { file: file.to_owned(), reason: "it has no table tenants".to_owned() });
    }
    target.fill(open()?, "the file", &expected, progress)?;
    Ok(expected)
}

/// Copies the database at `from` into the empty one at `to`, as [`super::dump()`] and [`restore`] do, with no file between them. The
/// source stays as it is; what is written there meanwhile is not in the copy.
///
/// # Errors
/// As [`restore`], and [`TransferError::Older`].
pub fn copy(
    from: &Secret,
    to: &Secret,
    bin_dir: Option<&Path>,
    progress: &mut dyn FnMut(TransferProgress),
) -> Result<RowCounts, TransferError> {
    let target = Target::open(to, bin_dir)?;
    let mut source = Source::open(from, bin_dir)?;
    if target.server.major < source.major {
        return Err(TransferError::Older { from: source.major, to: target.server.major });
    }
    progress(TransferProgress::Counting);
    let rows = source.count()?;
    let mut running = source.start()?;
    let output = running.stdout().ok_or(TransferError::Failed { program: "pg_dump", reason: "it has no output".to_owned() })?;
    let filled = target.fill(output, source.program(), &rows, progress);
    match filled {
        Ok(()) => running.finish()?,
        // Where the source broke off, the target's complaint is of an unexpected end.
        Err(TransferError::Failed { program: "pg_restore", reason }) if reason.contains("end of file") => {
            running.finish()?;
            return Err(TransferError::Failed { program: "pg_restore", reason });
        }
        Err(error) => return Err(error),
    }
    Ok(rows)
}
