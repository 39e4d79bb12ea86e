//! Where passwords come from: a file, standard input, or the keyboard; never an option, which every process could read.

use crate::error::{CliError, CliResult};
use crate::input_file::{self, Beginning};
use crate::prompt;
use nmc_core::Secret;
use nmc_core::access::Password;
use std::io::Read as _;
use std::path::Path;

/// A file may go on after its first line, but a password is not looked for in a large one.
const LONGEST: usize = 4_096;

/// The first line of a file, or of standard input where it is called `-`.
pub(crate) fn from_file(option: &str, file: &Path) -> CliResult<Secret> {
    let Beginning { bytes, is_whole } = if file == Path::new("-") {
        let mut bytes = Vec::new();
        let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX);
        let read = std::io::stdin().lock().take(limit).read_to_end(&mut bytes);
        read.map_err(|error| CliError::Usage(format!("{option}: - can't be read: {error}")))?;
        Beginning { is_whole: bytes.len() < LONGEST, bytes }
    } else {
        input_file::beginning(option, file, LONGEST)?
    };
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if !is_whole && line.len() == bytes.len() {
        return Err(CliError::Usage(format!("{option}: the first line of {} is longer than {LONGEST} bytes", file.display())));
    }
    let line = std::str::from_utf8(line).map_err(|_| CliError::Usage(format!("{option}: {} is not UTF-8", file.display())))?;
    let line = without_mark(line);
    Ok(Secret::new(line.strip_suffix('\r').unwrap_or(line)))
}

/// A file's text without the byte order mark that some editors and shells put before it: nobody types one.
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Typed twice, the same both times, and one that may be chosen.
pub(crate) fn typed(whose: &str) -> CliResult<Secret> {
    loop {
        let first = prompt::hidden(&format!("{whose} password (it is not shown): "))?;
        if let Err(why) = Password::new("it", &first) {
            eprintln!("  {why}");
        } else if prompt::hidden("The same again: ")?.expose() == first.expose() {
            return Ok(first);
        } else {
            eprintln!("  these were two different ones");
        }
    }
}
