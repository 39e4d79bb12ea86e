//! A program at work: fed or read through a pipe, so that it ends when this process does, however that happens.

use super::programs::Program;
use super::{TransferError, TransferProgress};
use std::io::{ErrorKind, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the source may give nothing: longer than any lock is waited for.
const STALLED_AFTER: Duration = Duration::from_secs(600);
/// The bytes that are kept of a program's complaints.
const LONGEST_COMPLAINT: u64 = 16_384;
/// Bytes that are moved at a time.
const PART: usize = 65_536;

/// A program that runs; ended when dropped.
pub(super) struct Running {
    name: &'static str,
    child: Child,
    complaints: Option<JoinHandle<String>>,
}

impl Running {
    pub(super) fn start(program: &Program, command: &mut Command) -> Result<Self, TransferError> {
        let name = program.name;
        let mut child = command.spawn().map_err(|error| TransferError::Failed { program: name, reason: error.to_string() })?;
        let stderr = child.stderr.take();
        let complaints = std::thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(mut stderr) = stderr {
                let kept = stderr.by_ref().take(LONGEST_COMPLAINT).read_to_end(&mut text);
                // The rest is read, too: a program must not wait for a reader.
                if let Err(error) = kept.and_then(|_| std::io::copy(&mut stderr, &mut std::io::sink())) {
                    tracing::debug!(%error, "what a program says can't be read");
                }
            }
            String::from_utf8_lossy(&text).into_owned()
        });
        Ok(Self { name, child, complaints: Some(complaints) })
    }

    pub(super) fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for its end, which must be a good one.
    pub(super) fn finish(mut self) -> Result<(), TransferError> {
        let failed = |reason| TransferError::Failed { program: self.name, reason };
        let status = self.child.wait().map_err(|error| failed(error.to_string()))?;
        let said = self.complaints.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        if status.success() {
            return Ok(());
        }
        let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let grave = lines.iter().find(|line| line.contains("error:") || line.contains("ERROR:")).or_else(|| lines.last());
        Err(failed(grave.map_or_else(|| status.to_string(), |line| (*line).to_owned())))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let ended = self.child.kill().and_then(|()| self.child.wait());
            if let Err(error) = ended {
                tracing::warn!(program = self.name, %error, "a program can't be ended");
            }
        }
    }
}

/// The reason why the moving of bytes broke off.
pub(super) enum Broken {
    /// The source.
    Reading(std::io::Error),
    /// The target; a pipe whose reader has gone says why by the reader's end.
    Writing(std::io::Error),
    /// The source has given nothing for a long time.
    Stalled,
}

impl Broken {
    /// The error of the program that is read.
    pub(super) fn of(self, program: &'static str, writing: impl FnOnce(std::io::Error) -> TransferError) -> TransferError {
        match self {
            Self::Reading(error) => TransferError::Failed { program, reason: error.to_string() },
            Self::Writing(error) => writing(error),
            Self::Stalled => TransferError::Stalled { program, minutes: STALLED_AFTER.as_secs() / 60 },
        }
    }
}

/// Moves all bytes, and tells how many.
pub(super) fn pump(
    mut from: impl Read + Send + 'static,
    to: &mut impl Write,
    progress: &mut dyn FnMut(TransferProgress),
) -> Result<u64, Broken> {
    let (sender, receiver) = sync_channel::<std::io::Result<Vec<u8>>>(4);
    // It ends when the source does; and with the receiver, as soon as the source gives something.
    std::thread::spawn(move || {
        loop {
            let mut part = vec![0; PART];
            let read = match from.read(&mut part) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Ok(0) => return,
                Ok(length) => {
                    part.truncate(length);
                    Ok(part)
                }
                Err(error) => Err(error),
            };
            if sender.send(read).is_err() {
                return;
            }
        }
    });
    let mut moved = 0_u64;
    loop {
        match receiver.recv_timeout(STALLED_AFTER) {
            Ok(Ok(part)) => {
                to.write_all(&part).map_err(Broken::Writing)?;
                moved = moved.saturating_add(u64::try_from(part.len()).unwrap_or(0));
                progress(TransferProgress::Moved(moved));
            }
            Ok(Err(error)) => return Err(Broken::Reading(error)),
            Err(RecvTimeoutError::Timeout) => return Err(Broken::Stalled),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    to.flush().map_err(Broken::Writing)?;
    Ok(moved)
}
