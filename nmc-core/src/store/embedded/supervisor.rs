//! Starts the server again when it has died, for processes that are to run for long.

use super::{EmbeddedError, EmbeddedPostgres};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// How often we look whether the server lives.
const LOOK: Duration = Duration::from_millis(500);
/// How many attempts are made before somebody else has to see to it; between them it waits 1 s, 2 s, 4 s and so on.
const ATTEMPTS: u32 = 6;
/// A server that stayed up for so long was all right.
const STEADY: Duration = Duration::from_secs(60);
/// How long a stop waits for an attempt that is under way.
const UNDER_WAY: Duration = Duration::from_secs(3);

/// Looks after a server that this process holds.
#[derive(Debug)]
pub struct Supervisor {
    /// Dropped to end the supervision.
    stop: Sender<()>,
    /// The server, and why it was given up.
    end: Receiver<(EmbeddedPostgres, Option<EmbeddedError>)>,
}

impl Supervisor {
    /// Looks after `postgres` from now on. Calls `given_up` once if it can't be kept up; [`Self::stop`] then says why.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(postgres: EmbeddedPostgres, given_up: impl FnOnce() + Send + 'static) -> Result<Self, EmbeddedError> {
        let data_dir = postgres.home.path.clone();
        let (stop, asked) = mpsc::channel();
        let (ended, end) = mpsc::channel();
        let supervise = move || {
            let mut postgres = postgres;
            let failure = supervise(&mut postgres, &asked).err();
            let is_failure = failure.is_some();
            if let Err(unheard) = ended.send((postgres, failure)) {
                // Whoever asked has gone on without us: dropping it lets go of the server.
                drop(unheard);
            } else if is_failure {
                given_up();
            }
        };
        thread::Builder::new()
            .name("nmc-supervisor".to_owned())
            .spawn(supervise)
            .map_err(EmbeddedError::io("look after the server of", &data_dir))?;
        Ok(Self { stop, end })
    }

    /// Ends the supervision and lets go of the server, as [`EmbeddedPostgres::stop`] does.
    ///
    /// # Errors
    /// [`EmbeddedError::GivenUp`] if it could not be kept up; else as [`EmbeddedPostgres::stop`].
    pub fn stop(self) -> Result<(), EmbeddedError> {
        drop(self.stop);
        match self.end.recv_timeout(UNDER_WAY) {
            Ok((postgres, None)) => postgres.stop(),
            Ok((postgres, Some(failure))) => {
                drop(postgres);
                Err(failure)
            }
            Err(_) => {
                tracing::warn!("PostgreSQL is just being started again: it stops by itself when this process has ended");
                Ok(())
            }
        }
    }
}

/// Supervises the server until that is asked to stop, or can't go on.
fn supervise(postgres: &mut EmbeddedPostgres, asked: &Receiver<()>) -> Result<(), EmbeddedError> {
    let (mut attempts, mut since, mut pause) = (0, Instant::now(), LOOK);
    loop {
        match asked.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        let reason = match postgres.heal() {
            Ok(false) => {
                if attempts > 0 && since.elapsed() > STEADY {
                    attempts = 0;
                }
                pause = LOOK;
                continue;
            }
            Ok(true) => {
                tracing::warn!("PostgreSQL had gone down; it is up again");
                "it went down again at once".to_owned()
            }
            Err(EmbeddedError::Gone { data_dir }) => return Err(EmbeddedError::Gone { data_dir }),
            Err(error) => {
                tracing::error!(%error, "PostgreSQL has gone down");
                error.to_string()
            }
        };
        attempts += 1;
        if attempts >= ATTEMPTS {
            return Err(EmbeddedError::GivenUp { attempts, reason });
        }
        pause = Duration::from_secs(1 << (attempts - 1));
        since = Instant::now();
    }
}
