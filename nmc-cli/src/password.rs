//! Where passwords come from: a file, standard input, or the keyboard; never an option, which every process could read.

use crate::error::{CliError, CliResult};
use crate::prompt;
use nmc_core::Secret;
use nmc_core::identity::Password;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A file may go on after its first line, but a password is not looked for in a large one.
const LONGEST: u64 = 4_096;

/// The first line of a file, or of standard input where it is called `-`.
pub(crate) fn from_file(option: &str, file: &Path) -> CliResult<Secret> {
    let mut text = Vec::new();
    let mut read = |source: &mut dyn Read| source.take(LONGEST).read_to_end(&mut text);
    let result = if file == Path::new("-") {
        read(&mut std::io::stdin().lock())
    } else {
        File::open(file).and_then(|mut file| read(&mut file))
    };
    result.map_err(|error| CliError::Usage(format!("{option}: {} can't be read: {error}", file.display())))?;
    let text = String::from_utf8(text).map_err(|_| CliError::Usage(format!("{option}: {} is not UTF-8", file.display())))?;
    Ok(Secret::new(without_mark(&text).lines().next().unwrap_or_default()))
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
