//! `nmc call import`: a log of older calls, of any length, in the memory of one batch.

use super::call_import_progress::Progress;
use crate::database::{Database, hurry, tenant};
use crate::error::{CliError, CliResult};
use crate::input_file;
use crate::options::{FormatArg, TenantArg};
use crate::output::Columns;
use crate::stop::StopSignals;
use clap::{Args, ValueEnum};
use nmc_core::calls::{CallLog, CallLogFormat, NewCall};
use nmc_core::store::{LoadError, Loaded};
use nmc_core::{Error, Store, Tenant};
use serde_json::json;
use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What to take in.
#[derive(Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// The log: a line of names and one for each call, or a JSON object in each line; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What the log is written in [default: what it looks like]
    #[arg(long, value_enum, value_name = "FORMAT")]
    input_format: Option<InputFormat>,
    /// Only read it, and tell which lines are at fault
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    format: FormatArg,
}

/// What a log is written in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    /// Comma-separated values, the names in the first line
    Csv,
    /// One JSON object in each line
    Jsonl,
}

/// The result of an import; a dry run does not count what is there already.
struct Imported {
    read: u64,
    new: Option<u64>,
}

const IMPORTED: Columns<Imported> = Columns(&[
    ("read", |row| json!(row.read)),
    ("imported", |row| json!(row.new)),
    ("already_there", |row| json!(row.new.map(|new| row.read.saturating_sub(new)))),
]);

/// The lines at fault that are told; there may be a million.
const MOST_FAULTS: u64 = 20;

/// The reason why the input gave no call.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("{0}")]
    Row(Error),
    #[error("it was asked to stop")]
    Asked,
}

pub(super) fn run(database: Database, store: Store, args: &ImportArgs) -> CliResult {
    let stop = StopSignals::listen()?;
    let asked = Arc::new(AtomicBool::new(false));
    let proof = tenant(&store, &args.tenant.tenant)?;
    let (for_signal, patience) = (Arc::clone(&asked), store.clone());
    std::thread::Builder::new().name("nmc-stop".to_owned()).spawn(move || {
        stop.wait_and(|| for_signal.store(true, Ordering::SeqCst));
        hurry(&patience);
    })?;
    let code = import(&store, &proof, args, &asked)?;
    drop(store);
    database.close()?;
    Ok(code)
}

fn import(store: &Store, tenant: &Tenant, args: &ImportArgs, asked: &AtomicBool) -> CliResult {
    let is_input = args.file == Path::new("-");
    let mut file = if is_input { None } else { Some(input_file::stream("FILE", &args.file)?) };
    // What can be read twice is read to its end first: then a line at fault leaves nothing written.
    let again =
        file.as_ref().filter(|file| file.metadata().is_ok_and(|found| found.is_file())).map(File::try_clone).transpose()?;
    if args.dry_run || again.is_some() {
        let read = match file.take() {
            Some(file) => check(store, tenant, file, args, asked)?,
            None => check(store, tenant, std::io::stdin().lock(), args, asked)?,
        };
        if args.dry_run {
            IMPORTED.one(args.format.format, &Imported { read, new: None })?;
            return Ok(ExitCode::SUCCESS);
        }
    }
    let loaded = match (again, file) {
        (Some(mut file), _) => {
            file.rewind()?;
            load(store, tenant, file, args, asked)
        }
        (None, Some(file)) => load(store, tenant, file, args, asked),
        (None, None) => load(store, tenant, std::io::stdin().lock(), args, asked),
    }?;
    if loaded.taken == 0 {
        eprintln!("there is no call in it");
    }
    IMPORTED.one(args.format.format, &Imported { read: loaded.taken, new: Some(loaded.written) })?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a log to its end, and counts its calls, if none of its lines is at fault by itself or contradicts what is recorded.
fn check(store: &Store, tenant: &Tenant, input: impl Read, args: &ImportArgs, asked: &AtomicBool) -> CliResult<u64> {
    let mut log = open(input, args)?;
    let mut progress = Progress::start("checked");
    let (mut read, mut faults, mut is_over) = (0_u64, 0_u64, false);
    while !is_over {
        let mut batch = Batch::default();
        while batch.calls.len() < Store::BATCH && batch.faults.len() < Store::BATCH {
            if asked.load(Ordering::SeqCst) {
                progress.end();
                return Err(CliError::Interrupted);
            }
            let Some(row) = log.next() else {
                is_over = true;
                break;
            };
            match row.and_then(|call| call.lies_before(store.now()).map(|()| call)) {
                Ok(call) => batch.take(log.line(), call),
                Err(error) => batch.faults.push((log.line(), error)),
            }
            progress.tell(read + batch.read());
        }
        read += batch.read();
        let at_fault = batch.at_fault(store, tenant).inspect_err(|_| progress.end())?;
        for (line, error) in at_fault {
            faults += 1;
            if faults <= MOST_FAULTS {
                progress.end();
                eprintln!("line {line}: {}", without_row(&error));
            }
        }
    }
    progress.end();
    match faults {
        0 => Ok(read),
        _ => Err(CliError::Usage(format!(
            "{faults} {} at fault{}; nothing was written",
            if faults == 1 { "line is" } else { "lines are" },
            if faults > MOST_FAULTS { format!(", of which the first {MOST_FAULTS} are told") } else { String::new() },
        ))),
    }
}

/// A part of a log, as it was read.
#[derive(Default)]
struct Batch {
    calls: Vec<NewCall>,
    /// The line in which each of the calls begins.
    lines: Vec<u64>,
    /// The lines that are no calls.
    faults: Vec<(u64, Error)>,
}

impl Batch {
    fn take(&mut self, line: u64, call: NewCall) {
        self.lines.push(line);
        self.calls.push(call);
    }

    fn read(&self) -> u64 {
        u64::try_from(self.calls.len()).unwrap_or(u64::MAX)
    }

    /// The line of a call of the batch.
    fn line(&self, row: usize) -> u64 {
        self.lines.get(row).copied().unwrap_or_default()
    }

    /// The lines at fault, those included whose calls contradict what is recorded, in their order.
    fn at_fault(mut self, store: &Store, tenant: &Tenant) -> CliResult<Vec<(u64, Error)>> {
        let contradictions = store.tenant(tenant, |tx| tx.calls().contradictions(&self.calls))?;
        let mut faults = std::mem::take(&mut self.faults);
        faults.extend(contradictions.into_iter().map(|error| (row_of(&error).map_or(0, |row| self.line(row)), error)));
        faults.sort_by_key(|(line, _)| *line);
        Ok(faults)
    }
}

/// The row that an error names.
const fn row_of(error: &Error) -> Option<usize> {
    match error {
        Error::Invalid { row, .. } => *row,
        _ => None,
    }
}

fn load(store: &Store, tenant: &Tenant, input: impl Read, args: &ImportArgs, asked: &AtomicBool) -> CliResult<Loaded> {
    let mut log = open(input, args)?;
    // Those of the batch that is read, and then written.
    let lines = RefCell::new(Vec::new());
    let rows = std::iter::from_fn(|| {
        if asked.load(Ordering::SeqCst) {
            return Some(Err(Stopped::Asked));
        }
        let row = log.next()?;
        lines.borrow_mut().push(log.line());
        Some(row.map_err(Stopped::Row))
    });
    let mut done = Loaded::default();
    let mut progress = Progress::start("read");
    let loaded = store.try_load(
        tenant,
        rows,
        |tx, calls: &[NewCall]| tx.calls().import(calls),
        |so_far| {
            done = so_far;
            lines.borrow_mut().clear();
            progress.tell(so_far.taken);
        },
    );
    progress.end();
    let stopped = match loaded {
        Ok(loaded) => return Ok(loaded),
        Err(stopped) => stopped,
    };
    let lines = lines.into_inner();
    let at_fault = match &stopped {
        LoadError::Row { source: Stopped::Row(error), .. } => lines.last().map(|line| (*line, without_row(error))),
        // Of the whole input's rows, those before the batch are kept.
        LoadError::Write(error) => {
            let kept = usize::try_from(done.taken).unwrap_or(usize::MAX);
            row_of(error).and_then(|row| Some((*lines.get(row.checked_sub(kept)?)?, without_row(error))))
        }
        _ => None,
    };
    if let Some((line, rule)) = &at_fault {
        eprintln!("line {line}: {rule}");
    }
    eprintln!(
        "of the log, {} calls were read and kept, {} of them new, and nothing of what follows: import it again, and what is there \
         already stays as it is",
        done.taken, done.written
    );
    Err(match (at_fault, stopped) {
        (Some((line, _)), _) => CliError::Usage(format!("line {line} is at fault")),
        (None, LoadError::Write(error)) => error.into(),
        (None, _) => CliError::Stopped,
    })
}

/// The rule that a row broke: where it stands is told by its line.
fn without_row(error: &Error) -> String {
    match error {
        Error::Invalid { field, rule, .. } => format!("{field} {rule}"),
        other => other.to_string(),
    }
}

/// A log in the format that was named, or that its name or its first byte suggests.
fn open<R: Read>(input: R, args: &ImportArgs) -> CliResult<CallLog<BufReader<R>>> {
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let named = args.input_format.or_else(|| {
        let extension = args.file.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(InputFormat::Csv),
            "jsonl" | "ndjson" => Some(InputFormat::Jsonl),
            _ => None,
        }
    });
    let format = match named {
        Some(InputFormat::Csv) => CallLogFormat::Csv,
        Some(InputFormat::Jsonl) => CallLogFormat::JsonLines,
        None => looks(input.fill_buf().map_err(|error| CliError::Usage(format!("FILE: can't be read: {error}")))?),
    };
    Ok(CallLog::new(format, input))
}

/// The format of a log, as its beginning looks.
fn looks(beginning: &[u8]) -> CallLogFormat {
    let bare = beginning.strip_prefix("\u{feff}".as_bytes()).unwrap_or(beginning).trim_ascii_start();
    if bare.starts_with(b"{") { CallLogFormat::JsonLines } else { CallLogFormat::Csv }
}
