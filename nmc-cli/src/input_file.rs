//! Files that the command line names: read without waiting for ever, and no further than they can be of use.

use crate::error::{CliError, CliResult};
use rustix::fs::{FileType, Mode, OFlags};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a pipe may keep silent, such as the one of `<(pass show nmc)`.
const PATIENCE: Duration = Duration::from_secs(5);

/// The beginning of a file, and whether that is all of it.
pub(crate) struct Beginning {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_whole: bool,
}

/// Reads the file that `option` names up to `longest` bytes. A directory or a device is refused, and a pipe that nobody writes into.
pub(crate) fn beginning(option: &str, path: &Path, longest: usize) -> CliResult<Beginning> {
    let refused = |why: String| CliError::Usage(format!("{option}: {} {why}", path.display()));
    let unreadable = |error: std::io::Error| refused(format!("can't be read: {error}"));
    // Opening a pipe would wait for its writer.
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty());
    let mut file = File::from(file.map_err(|error| unreadable(error.into()))?);
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&file).map_err(|error| unreadable(error.into()))?.st_mode);
    let mut bytes = Vec::new();
    let limit = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(1);
    match kind {
        FileType::RegularFile => {
            file.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
        }
        FileType::Fifo => {
            let waited = pipe(&mut file, longest.saturating_add(1), &mut bytes).map_err(unreadable)?;
            if waited {
                return Err(refused(format!("is a pipe into which nothing was written for {} seconds", PATIENCE.as_secs())));
            }
        }
        FileType::Directory => return Err(refused("is a directory".to_owned())),
        _ => return Err(refused("is a device or a socket, not a file".to_owned())),
    }
    let is_whole = bytes.len() <= longest;
    bytes.truncate(longest);
    Ok(Beginning { bytes, is_whole })
}

/// The text in a file, or on standard input where it is called `-`, of at most `longest` bytes. The byte order mark that some
/// editors put before it is not part of it.
pub(crate) fn text(option: &str, path: &Path, longest: usize) -> CliResult<String> {
    let refused = |why: String| CliError::Usage(format!("{option}: {} {why}", path.display()));
    let Beginning { bytes, is_whole } = if path == Path::new("-") {
        let mut bytes = Vec::new();
        let limit = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(1);
        let read = std::io::stdin().lock().take(limit).read_to_end(&mut bytes);
        read.map_err(|error| refused(format!("can't be read: {error}")))?;
        Beginning { is_whole: bytes.len() <= longest, bytes }
    } else {
        beginning(option, path, longest)?
    };
    if !is_whole {
        return Err(refused(format!("is longer than {longest} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("is not UTF-8".to_owned()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Reads a pipe to its end, or to `longest` bytes. The answer is whether that was waited for in vain.
fn pipe(file: &mut File, longest: usize, bytes: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut deadline = Instant::now() + PATIENCE;
    let mut part = [0_u8; 4_096];
    while bytes.len() < longest {
        match file.read(&mut part) {
            // Nobody has opened it for writing yet.
            Ok(0) if bytes.is_empty() => {}
            Ok(0) => return Ok(false),
            Ok(length) => {
                bytes.extend_from_slice(part.get(..length).unwrap_or_default());
                deadline = Instant::now() + PATIENCE;
                continue;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
        if Instant::now() >= deadline {
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(false)
}

/// Opens the file that `option` names, to be read as it comes. Of a pipe, its writer is waited for.
pub(crate) fn stream(option: &str, path: &Path) -> CliResult<File> {
    let refused = |why: String| CliError::Usage(format!("{option}: {} {why}", path.display()));
    let file = File::open(path).map_err(|error| refused(format!("can't be read: {error}")))?;
    match file.metadata() {
        Ok(found) if found.is_dir() => Err(refused("is a directory".to_owned())),
        _ => Ok(file),
    }
}

/// Insists that what an option names, if it is there, is an ordinary file.
pub(crate) fn must_be_file(option: &str, path: &Path) -> CliResult<()> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(CliError::Usage(format!("{option}: {} is not an ordinary file", path.display()))),
        _ => Ok(()),
    }
}
