//! Telling of who types from one process to the others.

use super::typing_notice::{BITE, Heard, Key, TypingNotice};
use super::typing_outbox::{Due, TypingOutbox};
use crate::store::{Reason, Store};
use crate::{Error, Result, TenantId};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How often it looks for what other processes have written.
const POLL: Duration = Duration::from_millis(250);

/// Between two transactions that write.
const BETWEEN_WRITES: Duration = Duration::from_millis(50);

/// How often old notices are deleted, and for how long after the last was written.
const SWEPT_EVERY: Duration = Duration::from_secs(60);
const SWEPT_FOR: Duration = Duration::from_secs(180);

/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long the end waits for the last to be written.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// The rooms of a process, in which its clients hear who types.
pub trait TypingRooms: Send + 'static {
    /// The businesses in which somebody is in a conversation's room.
    fn tenants(&self) -> Vec<TenantId>;

    /// Takes what a client of another process has said, once. It must not block.
    fn hear(&self, notice: TypingNotice);
}

/// Tells the clients of other processes who types, and this one's what was said there: within a third of a second. It is one thread,
/// which takes a connection from the pool for a moment, and none while nobody is in a room. Nobody waits for it, and what the database
/// does not take is left out, as it is soon out of date. Dropping it writes what waits, but waits
/// for no more than a second itself.
pub struct TypingRelay {
    outbox: TypingOutbox,
    /// There until the end.
    thread: Option<JoinHandle<()>>,
    /// Ends with the thread.
    thread_lives: Mutex<Receiver<()>>,
}

impl TypingRelay {
    /// Starts one over this store, for what is told to the outbox and for those who are in the rooms; a process needs one at the most.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the system gives no thread.
    pub fn start(store: &Store, outbox: &TypingOutbox, rooms: impl TypingRooms) -> Result<Self> {
        let now = Instant::now();
        let worker = Worker {
            store: store.clone(),
            outbox: outbox.clone(),
            rooms: Box::new(rooms),
            process: Uuid::now_v7(),
            heard: HashMap::new(),
            next_poll: now,
            not_before: now,
            next_sweep: now,
            last_write: None,
            failures: 0,
        };
        let (lives, thread_lives) = channel();
        let run = move || {
            let _lives = lives;
            worker.run();
        };
        let thread = std::thread::Builder::new().name("nmc typing".to_owned()).spawn(run);
        let thread = thread.map_err(|error| Error::unavailable("typing can't be told now", error))?;
        Ok(Self { outbox: outbox.clone(), thread: Some(thread), thread_lives: Mutex::new(thread_lives) })
    }
}

impl Drop for TypingRelay {
    fn drop(&mut self) {
        self.outbox.end();
        let lives = self.thread_lives.get_mut().unwrap_or_else(PoisonError::into_inner);
        // A database that is silent just now is left to the thread.
        let is_over = lives.recv_timeout(LAST_WRITE) != Err(RecvTimeoutError::Timeout);
        if self.thread.take().is_some_and(|thread| is_over && thread.join().is_err()) {
            tracing::error!("the telling of who types ended by a panic");
        }
    }
}

impl std::fmt::Debug for TypingRelay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TypingRelay").field("outbox", &self.outbox).finish_non_exhaustive()
    }
}

struct Worker {
    store: Store,
    outbox: TypingOutbox,
    rooms: Box<dyn TypingRooms>,
    /// What its notices are known by.
    process: Uuid,
    /// What others had written when it last looked. Transactions don't end in the order of their instants: what is new is
    /// what was not there, and not what is later.
    heard: HashMap<Key, DateTime<Utc>>,
    next_poll: Instant,
    /// Nothing is written before.
    not_before: Instant,
    next_sweep: Instant,
    last_write: Option<Instant>,
    failures: u32,
}

/// One look at the database.
struct Round {
    due: Vec<Due>,
    /// The businesses to look at; `None`: it is not time.
    tenants: Option<Vec<TenantId>>,
    sweeps: bool,
}

/// What came of it.
#[derive(Default)]
struct Done {
    written: Vec<Key>,
    heard: Vec<Heard>,
    swept: usize,
}

impl Worker {
    fn run(mut self) {
        loop {
            let is_ended = self.outbox.wait(self.next_poll, self.not_before);
            // At the end a database that was not there is not waited for once more.
            if is_ended && self.failures > 0 {
                return;
            }
            self.look(is_ended);
            if is_ended {
                return;
            }
        }
    }

    fn look(&mut self, is_ended: bool) {
        let now = Instant::now();
        let is_time = !is_ended && now >= self.next_poll;
        let round = Round {
            due: if is_ended || now >= self.not_before { self.outbox.take(now) } else { Vec::new() },
            tenants: is_time.then(|| self.rooms.tenants()),
            sweeps: now >= self.next_sweep && self.last_write.is_some_and(|last| now < last + SWEPT_FOR),
        };
        match self.ask(&round) {
            Ok(done) => {
                self.failures = 0;
                self.take_in(&round, done);
            }
            Err(error) => {
                // Whoever types says so again.
                tracing::debug!(
                    error = error.causes(),
                    left_out = round.due.len(),
                    "who types can't be told to other processes now"
                );
                self.failures = self.failures.saturating_add(1);
            }
        }
        let pause = LONGEST_PAUSE.min(POLL * (1 << self.failures.min(10)));
        if self.failures > 0 {
            self.not_before = Instant::now() + pause;
        }
        if is_time || self.failures > 0 {
            self.next_poll = Instant::now() + pause;
        }
    }

    /// All that is to be done, in one transaction; none if nothing is.
    fn ask(&self, round: &Round) -> Result<Done> {
        let tenants = round.tenants.as_deref().unwrap_or_default();
        if round.due.is_empty() && tenants.is_empty() && !round.sweeps {
            return Ok(Done::default());
        }
        let told: Vec<TypingNotice> = round.due.iter().map(|due| due.notice).collect();
        self.store.system(Reason::Typing, |tx| {
            Ok(Done {
                written: tx.write_typing(self.process, &told)?,
                heard: tx.typing_of_others(self.process, tenants)?,
                swept: if round.sweeps { tx.delete_old_typing()? } else { 0 },
            })
        })
    }

    fn take_in(&mut self, round: &Round, done: Done) {
        let now = Instant::now();
        if !round.due.is_empty() {
            self.last_write = Some(now);
            self.not_before = now + BETWEEN_WRITES;
        }
        for due in round.due.iter().filter(|due| !done.written.contains(&due.notice.key())) {
            self.outbox.put_back(due, now);
        }
        if round.sweeps && done.swept < BITE {
            self.next_sweep = now + SWEPT_EVERY;
        }
        if round.tenants.is_some() {
            let last = std::mem::take(&mut self.heard);
            for heard in done.heard {
                let notice = heard.notice();
                if last.get(&notice.key()) != Some(&heard.noticed_at) {
                    self.rooms.hear(notice);
                }
                self.heard.insert(notice.key(), heard.noticed_at);
            }
        }
    }
}
