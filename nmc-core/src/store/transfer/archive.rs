//! What a dump holds: read whole, so that a damaged one is found out before anything depends on it.

use super::programs::Program;
use super::run::Running;
use super::{RowCounts, SHORT_LIVED, TransferError};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

/// The rows of each table that is counted in a dump, which is read from its beginning to its end.
pub(super) fn rows_of(pg_restore: &Program, dump: File) -> Result<RowCounts, TransferError> {
    let mut command = pg_restore.command();
    command.args(["--data-only", "--no-owner", "--file=-"]).stdin(Stdio::from(dump)).stdout(Stdio::piped());
    let mut running = Running::start(pg_restore, &mut command)?;
    let failed = |reason: String| TransferError::Failed { program: pg_restore.name, reason };
    let mut script = BufReader::new(running.stdout().ok_or_else(|| failed("it has no output".to_owned()))?);
    let (mut counts, mut table, mut line) = (RowCounts::new(), None::<String>, Vec::new());
    loop {
        line.clear();
        if script.read_until(b'\n', &mut line).map_err(|error| failed(error.to_string()))? == 0 {
            break;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        match &table {
            Some(_) if text == b"\\." => table = None,
            Some(table) => *counts.entry(table.clone()).or_default() += 1,
            None => {
                if let Some(name) = copied_into(text) {
                    counts.entry(name.clone()).or_default();
                    table = Some(name);
                }
            }
        }
    }
    running.finish()?;
    counts.retain(|table, _| table.rsplit('.').next() != Some(SHORT_LIVED));
    Ok(counts)
}

/// The table of `COPY public.calls (id, …) FROM stdin;`.
fn copied_into(line: &[u8]) -> Option<String> {
    let rest = std::str::from_utf8(line).ok()?.strip_prefix("COPY ")?.strip_suffix(" FROM stdin;")?;
    rest.split_once(" (").map(|(table, _)| table.to_owned())
}

#[cfg(test)]
mod tests {
    use super::copied_into;

    #[test]
    fn table_of_a_copy_is_told() {
        assert_eq!(copied_into(b"COPY public.calls (id, tenant_id) FROM stdin;").as_deref(), Some("public.calls"));
        for other in ["COPY public.calls", "-- COPY x (a) FROM stdin;", "SELECT 1;", "\\."] {
            assert_eq!(copied_into(other.as_bytes()), None, "{other}");
        }
    }
}
