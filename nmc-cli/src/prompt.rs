//! Questions at a terminal, on standard error, answered line by line. Written here rather than taken from a crate: plain
//! lines work on every terminal and with every screen reader, and only hiding a password needs more than reading one.

use crate::error::{CliError, CliResult};
use nmc_core::Secret;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{BufRead as _, ErrorKind, IsTerminal as _, Read as _, Write as _};

/// No answer is longer, in bytes.
const LONGEST: u64 = 4_096;

const NOT_TEXT: &str = "that was not UTF-8; once more, please";

/// Whether there is somebody to ask.
pub(crate) fn is_somebody_there() -> bool {
    std::io::stdin().is_terminal()
}

/// Asks until the answer can be read. An empty one stands for `default`, if there is any.
pub(crate) fn ask<T>(question: &str, default: Option<&str>, read: impl Fn(&str) -> Result<T, String>) -> CliResult<T> {
    loop {
        let hint = default.map(|default| format!(" [{default}]")).unwrap_or_default();
        let answer = line(&format!("{question}{hint}: "))?;
        let answer = if answer.is_empty() { default.unwrap_or_default() } else { &answer };
        match read(answer) {
            Ok(value) => return Ok(value),
            Err(why) => eprintln!("  {why}"),
        }
    }
}

/// Asks for one line, without what surrounds it.
pub(crate) fn line(question: &str) -> CliResult<String> {
    loop {
        say(question)?;
        let mut answer = Vec::new();
        std::io::stdin().lock().take(LONGEST).read_until(b'\n', &mut answer)?;
        if answer.is_empty() {
            eprintln!();
            return Err(CliError::Usage("nothing was done: there are no more answers".to_owned()));
        }
        match String::from_utf8(answer) {
            Ok(answer) => return Ok(answer.trim().to_owned()),
            Err(_) => eprintln!("  {NOT_TEXT}"),
        }
    }
}

/// A line that the terminal does not show.
pub(crate) fn hidden(question: &str) -> CliResult<Secret> {
    loop {
        match String::from_utf8(hidden_bytes(question)?) {
            Ok(answer) => return Ok(Secret::new(answer)),
            Err(_) => eprintln!("  {NOT_TEXT}"),
        }
    }
}

fn hidden_bytes(question: &str) -> CliResult<Vec<u8>> {
    let quiet = Quiet::make()?;
    say(question)?;
    let mut typed: Vec<u8> = Vec::new();
    let end = loop {
        let mut byte = [0_u8];
        if let Err(error) = std::io::stdin().lock().read_exact(&mut byte) {
            break Err(if error.kind() == ErrorKind::UnexpectedEof { CliError::Interrupted } else { error.into() });
        }
        match byte {
            [b'\n' | b'\r'] => break Ok(typed),
            // Ctrl-C, and Ctrl-D as at the end of a file.
            [0x03 | 0x04] => break Err(CliError::Interrupted),
            // Backspace takes back a character, Ctrl-U the line.
            [0x08 | 0x7f] => while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            [0x15] => typed.clear(),
            [byte] if typed.len() < 4_096 => typed.push(byte),
            _ => {}
        }
    };
    drop(quiet);
    eprintln!();
    end
}

fn say(question: &str) -> CliResult<()> {
    let mut talk = std::io::stderr();
    write!(talk, "{question}")?;
    talk.flush()?;
    Ok(())
}

/// A terminal that shows nothing and hands over every key, Ctrl-C included: by itself it would end nmc here, and leave the
/// terminal mute. As it was again when dropped.
struct Quiet(Termios);

impl Quiet {
    fn make() -> CliResult<Self> {
        let before = tcgetattr(std::io::stdin()).map_err(std::io::Error::from)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(std::io::stdin(), OptionalActions::Drain, &quiet).map_err(std::io::Error::from)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(std::io::stdin(), OptionalActions::Drain, &self.0) {
            tracing::warn!(%error, "the terminal may not show what is typed; the command reset helps");
        }
    }
}
