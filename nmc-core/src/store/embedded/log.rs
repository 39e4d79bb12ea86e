//! The server's log: bounded, and read back when a start fails.

use std::fs;
use std::io::{Read, Seek, SeekFrom};

use rustix::fs::OFlags;

use super::holders::open;
use super::paths::DataDir;

/// Starts a new log once the old one has grown beyond 1 MiB; one old one is kept.
pub(super) fn rotate(home: &DataDir) {
    let log = home.log();
    if !fs::symlink_metadata(&log).is_ok_and(|metadata| metadata.len() > 1 << 20) {
        return;
    }
    if let Err(error) = fs::rename(&log, home.join("postgres.log.1")) {
        tracing::warn!(path = %log.display(), %error, "could not rotate the log");
    }
}

/// The last thing of weight that the server wrote to its log since it was `from` bytes long.
pub(super) fn tail(home: &DataDir, from: u64) -> Option<String> {
    let mut file = open(&home.log(), OFlags::RDONLY | OFlags::NONBLOCK).ok()?;
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut text = Vec::new();
    file.take(64 << 10).read_to_end(&mut text).ok()?;
    let text = String::from_utf8_lossy(&text);
    let grave = |line: &&str| ["FATAL:", "PANIC:", "ERROR:"].iter().any(|level| line.contains(level));
    let line = text.lines().rfind(grave).or_else(|| text.lines().rfind(|line| !line.trim().is_empty()))?;
    let said = line.split_once(":  ").map_or(line, |(_, said)| said);
    Some(said.trim().trim_end_matches('.').to_owned())
}

/// How long the log is now.
pub(super) fn length(home: &DataDir) -> u64 {
    fs::symlink_metadata(home.log()).map_or(0, |metadata| metadata.len())
}
