//! `nmc call import`: a log of older calls, of any length, in the memory of one batch.

use super::call_import_progress::Progress;
use crate::database::{Database, hurry, tenant};
use crate::error::{CliError, CliResult};
use crate::input_file;
use crate::options::{FormatArg, TenantArg};
use crate::output::Columns;
use crate::stop::StopSignals;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use nmc_core::calls::{CallLog, CallLogFormat, NewCall};
use nmc_core::{CallDirection, Error, Store, Tenant};
use serde_json::json;
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

/// The calls that were read from a log.
#[derive(Clone, Copy, Default)]
struct Count {
    calls: u64,
    /// Inbound ones of which nobody can tell what came of them.
    undecided: u64,
}

impl Count {
    fn add(&mut self, batch: &Batch) {
        let is_undecided = |call: &&NewCall| call.call_direction == CallDirection::Inbound && call.outcome.is_none();
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        self.calls += number(batch.calls.len());
        self.undecided += number(batch.calls.iter().filter(is_undecided).count());
    }

    /// Says what nobody would look for: no figure has these calls.
    fn tell(self) {
        match self.undecided {
            0 => {}
            1 => eprintln!(
                "1 inbound call of the log tells no outcome, and none follows: unless it is there already, the figures leave it out"
            ),
            many => eprintln!(
                "{many} inbound calls of the log tell no outcome, and none follows: unless they are there already, the figures leave \
                 them out"
            ),
        }
    }
}

const IMPORTED: Columns<Imported> = Columns(&[
    ("read", |row| json!(row.read)),
    ("imported", |row| json!(row.new)),
    ("already_there", |row| json!(row.new.map(|new| row.read.saturating_sub(new)))),
]);

/// How much of a log is written.
#[derive(Clone, Copy, Default)]
struct Loaded {
    taken: Count,
    written: u64,
}

/// The lines at fault that are told; there may be a million.
const MOST_FAULTS: u64 = 20;

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
            read.tell();
            IMPORTED.one(args.format.format, &Imported { read: read.calls, new: None })?;
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
    if loaded.taken.calls == 0 {
        eprintln!("there is no call in it");
    }
    loaded.taken.tell();
    IMPORTED.one(args.format.format, &Imported { read: loaded.taken.calls, new: Some(loaded.written) })?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a log to its end, and counts its calls, if none of its lines is at fault by itself or contradicts what is recorded.
fn check(store: &Store, tenant: &Tenant, input: impl Read, args: &ImportArgs, asked: &AtomicBool) -> CliResult<Count> {
    let mut log = open(input, args)?;
    let mut progress = Progress::start("checked");
    let (mut read, mut faults) = (Count::default(), 0_u64);
    while let Some(batch) = Batch::of(&mut log, store.now(), asked) {
        if batch.is_cut {
            progress.end();
            return Err(CliError::Interrupted);
        }
        read.add(&batch);
        progress.tell(read.calls);
        let at_fault = batch.at_fault(store, tenant, None).inspect_err(|_| progress.end())?;
        if !at_fault.is_empty() {
            progress.end();
        }
        tell(&at_fault, faults);
        faults += u64::try_from(at_fault.len()).unwrap_or(u64::MAX);
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

/// Names lines at fault, as far as there are not too many with those that were named before.
fn tell(at_fault: &[(u64, Error)], before: u64) {
    let left = usize::try_from(MOST_FAULTS.saturating_sub(before)).unwrap_or(usize::MAX);
    for (line, error) in at_fault.iter().take(left) {
        eprintln!("line {line}: {}", without_row(error));
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
    /// Whether somebody asked for an end before the batch was full.
    is_cut: bool,
}

impl Batch {
    /// The next calls of a log, as many as are written at once; none at its end.
    fn of<R: Read>(log: &mut CallLog<R>, now: DateTime<Utc>, asked: &AtomicBool) -> Option<Self> {
        let mut batch = Self::default();
        while batch.calls.len() < Store::BATCH && batch.faults.len() < Store::BATCH {
            batch.is_cut = asked.load(Ordering::SeqCst);
            if batch.is_cut {
                break;
            }
            let Some(row) = log.next() else { break };
            match row.and_then(|call| call.lies_before(now).map(|()| call)) {
                Ok(call) => {
                    batch.lines.push(log.line());
                    batch.calls.push(call);
                }
                Err(error) => batch.faults.push((log.line(), error)),
            }
        }
        if batch.is_cut || !batch.calls.is_empty() || !batch.faults.is_empty() { Some(batch) } else { None }
    }

    /// The lines at fault, those included whose calls contradict what is recorded, in their order. What the batch was refused for is one of
    /// them, unless it is gone by now.
    fn at_fault(mut self, store: &Store, tenant: &Tenant, refused: Option<Error>) -> nmc_core::Result<Vec<(u64, Error)>> {
        let mut faults = std::mem::take(&mut self.faults);
        let mut contradictions = store.tenant(tenant, |tx| tx.calls().contradictions(&self.calls))?;
        if contradictions.is_empty() {
            contradictions.extend(refused);
        }
        for error in contradictions {
            let Some(line) = row_of(&error).and_then(|row| self.lines.get(row)) else { return Err(error) };
            faults.push((*line, error));
        }
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

/// Writes a log batch by batch, up to the one in which a line is at fault.
fn load(store: &Store, tenant: &Tenant, input: impl Read, args: &ImportArgs, asked: &AtomicBool) -> CliResult<Loaded> {
    let mut log = open(input, args)?;
    let mut done = Loaded::default();
    let mut progress = Progress::start("read");
    let stopped = loop {
        let Some(batch) = Batch::of(&mut log, store.now(), asked) else {
            progress.end();
            return Ok(done);
        };
        if batch.is_cut {
            break CliError::Stopped;
        }
        let written = if batch.faults.is_empty() { store.tenant(tenant, |tx| tx.calls().import(&batch.calls)) } else { Ok(0) };
        match written {
            Ok(new) if batch.faults.is_empty() => {
                done.taken.add(&batch);
                done.written += new;
                progress.tell(done.taken.calls);
            }
            Err(error) if row_of(&error).is_none() => break error.into(),
            refused => {
                progress.end();
                break match batch.at_fault(store, tenant, refused.err()) {
                    Ok(at_fault) => {
                        tell(&at_fault, 0);
                        let first = at_fault.first().map_or(0, |(line, _)| *line);
                        CliError::Usage(match at_fault.len().saturating_sub(1) {
                            0 => format!("line {first} is at fault"),
                            more => format!("line {first} is at fault, and {more} more of its batch"),
                        })
                    }
                    Err(error) => error.into(),
                };
            }
        }
    };
    progress.end();
    eprintln!(
        "of the log, {} calls were read and kept, {} of them new, and nothing of what follows: import it again, and what is there \
         already stays as it is",
        done.taken.calls, done.written
    );
    Err(stopped)
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
