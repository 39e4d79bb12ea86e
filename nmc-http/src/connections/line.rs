//! What is known of one connection, by the listener, by the stream of its bytes, and by the handlers of its requests.

use super::{ConnectionLimits, Connections};
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The reason why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The connection was idle: nothing was going on.
    Idle,
    /// The head of a request did not arrive in time.
    SlowHead,
    /// The client does not take its answer.
    Stalled,
}

/// How many bytes of an answer follow its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Following {
    Bytes(u64),
    /// As many bytes as come.
    Unknown,
}

/// One connection.
pub(crate) struct Line {
    pub(super) id: u64,
    pub(super) network: IpAddr,
    all: Arc<Connections>,
    state: Mutex<State>,
    hung_up: watch::Sender<bool>,
}

struct State {
    /// Requests that handlers are at.
    at_work: usize,
    /// The instant since when bytes are there of a request that no handler is at yet.
    head_since: Option<Instant>,
    /// The instant at which bytes last came or went.
    last: Instant,
    has_spoken: bool,
    /// Answers of handlers whose heads are still to be written, in order.
    answers: VecDeque<Following>,
    /// An answer is being written.
    is_writing: bool,
    /// Whether the connection goes on as another protocol: what comes is no request.
    is_upgraded: bool,
    /// The instant since when the client takes nothing.
    stalled_since: Option<Instant>,
    closing: Option<Why>,
    waker: Option<Waker>,
}

impl State {
    fn is_idle(&self) -> bool {
        self.at_work == 0 && self.head_since.is_none() && self.answers.is_empty() && !self.is_writing
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Line {
    pub(super) fn new(id: u64, network: IpAddr, all: Arc<Connections>, now: Instant) -> Self {
        let state = State {
            at_work: 0,
            head_since: None,
            last: now,
            has_spoken: false,
            answers: VecDeque::new(),
            is_writing: false,
            is_upgraded: false,
            stalled_since: None,
            closing: None,
            waker: None,
        };
        Self { id, network, all, state: Mutex::new(state), hung_up: watch::Sender::new(false) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The instant since when nothing is going on; `None` while something is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        state.is_idle().then_some(state.last)
    }

    pub(super) fn close(&self, why: Why) {
        let mut state = self.state();
        state.closing.get_or_insert(why);
        state.wake();
    }

    pub(super) fn wake(&self) {
        self.state().wake();
    }

    pub(super) fn check(&self, now: Instant, limits: &ConnectionLimits, idle: Duration) {
        let mut state = self.state();
        let longer = |since: Instant, bound: Duration| now.saturating_duration_since(since) >= bound;
        let idle = if state.has_spoken { idle } else { idle.min(limits.head) };
        let why = if state.stalled_since.is_some_and(|since| longer(since, limits.stalled)) {
            Why::Stalled
        } else if state.head_since.is_some_and(|since| longer(since, limits.head)) {
            Why::SlowHead
        } else if state.is_idle() && longer(state.last, idle) {
            Why::Idle
        } else {
            return;
        };
        state.closing.get_or_insert(why);
        state.wake();
    }

    /// The connection is closed, or about to be.
    pub(super) fn leave(&self) {
        self.all.forget(self);
    }

    /// Bytes have come.
    pub(super) fn came(&self) {
        let mut state = self.state();
        let now = Instant::now();
        (state.last, state.has_spoken) = (now, true);
        if state.at_work == 0 && state.head_since.is_none() && !state.is_upgraded {
            state.head_since = Some(now);
        }
    }

    /// The client has closed its side: nothing more comes from it.
    pub(super) fn hangs_up(&self) {
        self.hung_up.send_replace(true);
    }

    /// Ends when the client has closed its side: for an answer that would go on without end, which only the next writes would
    /// find nobody to take.
    pub(crate) async fn hung_up(&self) {
        let mut hears = self.hung_up.subscribe();
        // The sender is ours, so that it stays until then.
        drop(hears.wait_for(|has| *has).await);
    }

    /// No more bytes are there. Whether to take that for the end: when the connection is to be closed, and nothing is lost by it.
    pub(super) fn ends(&self, cx: &Context<'_>) -> bool {
        let mut state = self.state();
        if state.waker.as_ref().is_none_or(|known| !known.will_wake(cx.waker())) {
            state.waker = Some(cx.waker().clone());
        }
        match state.closing {
            Some(Why::Idle) => state.is_idle(),
            // A handler has begun in the meantime.
            Some(Why::SlowHead) => state.head_since.is_some(),
            Some(Why::Stalled) => true,
            None => self.all.is_draining() && state.is_idle(),
        }
    }

    pub(super) fn closing(&self) -> Option<Why> {
        self.state().closing
    }

    /// The head of an answer is about to be written; `None` when no handler has made one.
    pub(super) fn answer_begins(&self) -> Option<Following> {
        let mut state = self.state();
        let following = state.answers.pop_front()?;
        state.is_writing = true;
        Some(following)
    }

    /// Bytes have gone; whether that was the end of an answer.
    pub(super) fn went(&self, is_end: bool) {
        let mut state = self.state();
        state.last = Instant::now();
        state.stalled_since = None;
        if is_end {
            state.is_writing = false;
        }
    }

    /// The client takes no more for now.
    pub(super) fn stalls(&self) {
        let mut state = self.state();
        state.stalled_since.get_or_insert_with(Instant::now);
    }
}

/// A request that a handler is at.
struct AtWork(Arc<Line>);

impl AtWork {
    fn begin(line: Arc<Line>) -> Self {
        let mut state = line.state();
        state.at_work += 1;
        state.head_since = None;
        if state.closing == Some(Why::SlowHead) {
            state.closing = None;
        }
        drop(state);
        Self(line)
    }

    fn answered(&self, following: Following) {
        self.0.state().answers.push_back(following);
    }

    fn upgraded(&self) {
        self.0.state().is_upgraded = true;
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.at_work = state.at_work.saturating_sub(1);
        state.last = Instant::now();
    }
}

/// Notes on its connection what becomes of a request. The outermost of all: what it does not see, no handler has answered.
pub(crate) async fn track(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let Some(line) = req.conn_data::<Arc<Line>>().cloned() else { return next.call(req).await };
    let is_head = req.method() == Method::HEAD;
    let at_work = AtWork::begin(line);
    let mut answer = match next.call(req).await {
        Ok(answer) => answer,
        Err(error) => {
            at_work.answered(Following::Unknown);
            return Err(error);
        }
    };
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        at_work.upgraded();
    } else if at_work.0.all.is_draining() {
        answer.response_mut().head_mut().set_connection_type(actix_http::ConnectionType::Close);
    }
    at_work.answered(match answer.response().body().size() {
        _ if is_head => Following::Bytes(0),
        BodySize::None => Following::Bytes(0),
        BodySize::Sized(length) => Following::Bytes(length),
        BodySize::Stream => Following::Unknown,
    });
    Ok(answer)
}
