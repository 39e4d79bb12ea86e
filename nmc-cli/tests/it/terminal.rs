//! A terminal with somebody at its keyboard.

use crate::nmc::{Nmc, PATIENCE, PROGRAM, Said};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// A run with the terminal as its input and its talk; its data goes elsewhere.
pub(crate) struct Terminal {
    keyboard: File,
    /// Keeps the terminal in being, to be looked at when the run has ended.
    tty: File,
    screen: Arc<(Mutex<String>, Condvar)>,
    /// How much of the screen has been answered.
    read: usize,
    child: Child,
    out: Option<JoinHandle<String>>,
}

impl Terminal {
    pub(crate) fn start(nmc: &Nmc, arguments: &[&str]) -> Self {
        Self::launch(nmc, arguments, None)
    }

    /// A run to its end on a terminal of this many columns, which shows the data, too.
    #[track_caller]
    pub(crate) fn show(nmc: &Nmc, arguments: &[&str], columns: u16) -> Said {
        Self::launch(nmc, arguments, Some(columns)).end()
    }

    /// A run on a terminal of this many columns, which shows the data, too.
    pub(crate) fn watch(nmc: &Nmc, arguments: &[&str], columns: u16) -> Self {
        Self::launch(nmc, arguments, Some(columns))
    }

    fn launch(nmc: &Nmc, arguments: &[&str], columns: Option<u16>) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&keyboard).and_then(|()| unlockpt(&keyboard)).expect("a terminal of our own");
        let name = ptsname(&keyboard, Vec::new()).expect("its name");
        let tty = File::options().read(true).write(true).open(OsStr::from_bytes(name.as_bytes())).expect("its other end");
        let other = || Stdio::from(tty.try_clone().expect("one more"));
        let mut command = nmc.command(PROGRAM);
        command.args(arguments).stdin(other()).stderr(other()).stdout(Stdio::piped());
        if let Some(columns) = columns {
            let size = Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
            tcsetwinsize(&tty, size).expect("a size");
            command.stdout(other());
        }
        let mut child = command.spawn().expect("a program that runs");
        let out = child.stdout.take().map(|mut pipe| {
            std::thread::spawn(move || {
                let mut text = String::new();
                pipe.read_to_string(&mut text).expect("text");
                text
            })
        });
        let keyboard = File::from(keyboard);
        let screen: Arc<(Mutex<String>, Condvar)> = Arc::default();
        let (shown, mut seen) = (Arc::clone(&screen), keyboard.try_clone().expect("one more"));
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(count) = seen.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]);
                shown.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
                shown.1.notify_all();
            }
        });
        Self { keyboard, tty, screen, read: 0, child, out }
    }

    /// Waits until this stands on the screen, after what was waited for before.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, what: &str) {
        let text = self.screen.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = self.read;
        let (text, waited) = self
            .screen
            .1
            .wait_timeout_while(text, PATIENCE, |text| !text[read..].contains(what))
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "never showed {what:?}: {text}");
        self.read += text[read..].find(what).map_or(0, |at| at + what.len());
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("a keyboard");
    }

    /// Each question, and what is typed at it.
    #[track_caller]
    pub(crate) fn answer(&mut self, dialogue: &[(&str, &str)]) {
        for (question, answer) in dialogue {
            self.wait_for(question);
            self.press(answer);
            self.press("\n");
        }
    }

    pub(crate) fn shows_what_is_typed(&self) -> bool {
        tcgetattr(&self.tty).expect("its state").local_modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    pub(crate) fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("a process to signal");
    }

    /// Its end: what it said is all that the screen shows.
    #[track_caller]
    pub(crate) fn end(&mut self) -> Said {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                break status;
            }
            assert!(Instant::now() < deadline, "it doesn't end: {:?}", self.screen.0);
            std::thread::yield_now();
        };
        let out = self.out.take().map(|out| out.join().expect("its data")).unwrap_or_default();
        // What it said last may still be on its way to the screen.
        self.press("the end\n");
        self.wait_for("the end");
        Said::new(status, out, self.screen.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}
