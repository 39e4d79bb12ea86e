//! A database into a file.

use super::archive::rows_of;
use super::draft::Draft;
use super::programs::Program;
use super::run::{Running, pump};
use super::server::Server;
use super::{RowCounts, TransferError, TransferProgress, compare};
use crate::Secret;
use crate::store::Address;
use std::path::Path;
use std::process::Stdio;

/// A source whose state at one instant is read: by `pg_dump`, and by who counts.
pub(super) struct Source {
    server: Server,
    address: Address,
    snapshot: String,
    pg_dump: Program,
    pub(super) major: u32,
}

impl Source {
    pub(super) fn open(url: &Secret, bin_dir: Option<&Path>) -> Result<Self, TransferError> {
        let address = Address::parse(url.expose())?;
        let mut server = Server::connect(url)?;
        let major = server.major;
        let pg_dump = Program::find("pg_dump", major, bin_dir)?;
        let snapshot = server.begin_snapshot()?;
        Ok(Self { server, address, snapshot, pg_dump, major })
    }

    pub(super) fn count(&mut self) -> Result<RowCounts, TransferError> {
        self.server.count_in_snapshot()
    }

    pub(super) const fn program(&self) -> &'static str {
        self.pg_dump.name
    }

    /// Starts to read it; its output is the dump.
    pub(super) fn start(&self) -> Result<Running, TransferError> {
        let mut command = self.pg_dump.on(&self.address);
        command.args(["--format=custom", "--lock-wait-timeout=60s"]).arg(format!("--snapshot={}", self.snapshot));
        Running::start(&self.pg_dump, command.stdout(Stdio::piped()))
    }
}

/// Dumps the database at `url` into a file that `pg_restore` reads, and returns how many rows of each table are in it. The file is
/// there when it is complete and has been read again, and for its owner alone; one of that name stays unless `overwrite`.
/// The programs are looked for in `bin_dir` first.
///
/// # Errors
/// [`TransferError`]; no file is left then.
pub fn dump(
    url: &Secret,
    file: &Path,
    overwrite: bool,
    bin_dir: Option<&Path>,
    progress: &mut dyn FnMut(TransferProgress),
) -> Result<RowCounts, TransferError> {
    let mut source = Source::open(url, bin_dir)?;
    let pg_restore = Program::find("pg_restore", source.major, bin_dir)?;
    let mut draft = Draft::create(file, overwrite)?;
    progress(TransferProgress::Counting);
    let rows = source.count()?;
    let mut running = source.start()?;
    if let Some(output) = running.stdout() {
        let moved = pump(output, draft.file(), progress);
        moved.map_err(|broken| broken.of(source.program(), |error| draft.failed(&error)))?;
    }
    running.finish()?;
    progress(TransferProgress::Checking);
    let found = rows_of(&pg_restore, draft.read()?)?;
    compare(&rows, &found)?;
    draft.publish()?;
    Ok(rows)
}
