//! A stand-in for Twilio (features `fake-twilio` and `testing`): an HTTP server on this machine that answers like Twilio's
//! API, version 2010-04-01, holds texts, phone numbers and calls in memory, and fails on demand.

#![expect(clippy::expect_used, reason = "a stand-in that can't stand is of no use to anybody")]

mod account;
mod calls;
mod faults;
mod lists;
mod media;
mod numbers;
mod prices;
mod shop;
mod texts;
mod wire;

use crate::telephony::{CallbackUrls, WebhookUrls};
use crate::twilio::TwilioConfig;
use crate::{Clock, Secret, SystemClock};
pub use account::OwnedTwilioNumber;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
pub use calls::TwilioCall;
use chrono::{DateTime, TimeDelta, Utc};
pub use faults::TwilioFault;
pub use lists::TextFacts;
use media::Pictures;
use numbers::Numbers;
use std::collections::{HashMap, VecDeque};
use std::io::{BufRead as _, BufReader};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use texts::Texts;
pub use texts::TwilioText;
use uuid::Uuid;
use wire::{Answer, Request, RequestLine};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "a token that must never be seen";
/// The number that Twilio's own test credentials call invalid.
const INVALID_NUMBER: &str = "+15005550001";
/// Connections served at once; more wait to be accepted.
const MOST_CONNECTIONS: usize = 32;
/// A request that nobody releases goes on by itself.
const LONGEST_HOLD: Duration = Duration::from_secs(20);

/// A SID that nothing else has, in this process or in another one.
fn new_sid(prefix: &str) -> String {
    format!("{prefix}{}", Uuid::new_v4().simple())
}

/// Twilio's API as an HTTP server on this machine, with one account on it. It takes texts, sells and keeps phone numbers,
/// and knows of calls. As with Twilio's test credentials, `+15005550001` is an invalid number.
///
/// What another host of Twilio's answers, the prices, it answers at the same address.
pub struct FakeTwilio {
    server: Arc<Server>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

struct Server {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    moved: Condvar,
    stopping: AtomicBool,
}

#[derive(Default)]
struct State {
    texts: Texts,
    pictures: Pictures,
    numbers: Numbers,
    calls: HashMap<String, TwilioCall>,
    text_facts: HashMap<String, TextFacts>,
    lists_lag: TimeDelta,
    lists_spoilt: bool,
    lists_loose: bool,
    lists_undated: bool,
    text_faults: VecDeque<TwilioFault>,
    send_faults: VecDeque<TwilioFault>,
    number_faults: VecDeque<TwilioFault>,
    requests: usize,
    number_requests: usize,
    held: usize,
    open: Vec<(u64, TcpStream)>,
    postponed: Vec<(DateTime<Utc>, Request)>,
}

impl FakeTwilio {
    /// Starts a stand-in for Twilio with the machine's clock.
    #[must_use]
    pub fn start() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// Starts a stand-in for Twilio that dates what it takes by this clock.
    ///
    /// # Panics
    /// When the machine has no port for it.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        let server = Arc::new(Server { clock, state: Mutex::default(), moved: Condvar::new(), stopping: AtomicBool::new(false) });
        let acceptor = std::thread::spawn({
            let server = Arc::clone(&server);
            move || server.accept(&listener)
        });
        Self { server, address, acceptor: Some(acceptor) }
    }

    /// The configuration of the account at this stand-in.
    #[must_use]
    pub fn account(&self) -> TwilioConfig {
        Self::account_at(self.url())
    }

    /// The configuration of the account for another process, which knows only where the stand-in is.
    #[must_use]
    pub fn account_at(url: String) -> TwilioConfig {
        TwilioConfig {
            account_sid: ACCOUNT.to_owned(),
            auth_token: Secret::new(TOKEN),
            callbacks: CallbackUrls {
                numbers: WebhookUrls::new(
                    "https://nmc.example.com/voice",
                    "https://nmc.example.com/voice/status",
                    "https://nmc.example.com/sms",
                ),
                delivery: "https://nmc.example.com/sms/status".to_owned(),
            },
            api_url: Some(url),
        }
    }

    /// The address of the stand-in.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next requests about texts fail so, in this order.
    pub fn fail_with(&self, faults: impl IntoIterator<Item = TwilioFault>) {
        self.server.state().text_faults.extend(faults);
    }

    /// The next requests that send a text fail so, in this order, whatever is asked in between.
    pub fn fail_sends_with(&self, faults: impl IntoIterator<Item = TwilioFault>) {
        self.server.state().send_faults.extend(faults);
    }

    /// Forgets the failures about texts that have not come to pass, and returns them.
    pub fn take_faults(&self) -> Vec<TwilioFault> {
        self.server.state().text_faults.drain(..).collect()
    }

    /// The next requests about anything but texts (numbers, prices, calls) fail so, in this order.
    pub fn fail_numbers_with(&self, faults: impl IntoIterator<Item = TwilioFault>) {
        self.server.state().number_faults.extend(faults);
    }

    /// Forgets the failures about numbers that have not come to pass, and returns them.
    pub fn take_number_faults(&self) -> Vec<TwilioFault> {
        self.server.state().number_faults.drain(..).collect()
    }

    /// Whether a request is held.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.server.state().held > 0
    }

    /// The number of requests that have reached the stand-in, failed ones included.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.server.state().requests
    }

    /// The number of requests that were about anything but texts: numbers, prices, calls.
    #[must_use]
    pub fn number_requests(&self) -> usize {
        self.server.state().number_requests
    }

    /// Waits until a request is held.
    ///
    /// # Panics
    /// When none is within ten seconds.
    pub fn wait_for_held(&self) {
        let waited = self
            .server
            .moved
            .wait_timeout_while(self.server.state(), Duration::from_secs(10), |state| state.held == 0)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.1.timed_out(), "no request came to be held");
    }

    /// Lets the request that is held go on.
    pub fn release(&self) {
        self.server.state().held = 0;
        self.server.moved.notify_all();
    }
}

impl Drop for FakeTwilio {
    fn drop(&mut self) {
        self.server.stopping.store(true, Ordering::SeqCst);
        self.release();
        // Wakes the acceptor, which then ends the connections and waits for their threads.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            drop(acceptor.join());
        }
    }
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        let mut threads: Vec<JoinHandle<()>> = Vec::new();
        for (number, stream) in (0_u64..).zip(listener.incoming()) {
            let Ok(stream) = stream else { continue };
            let mut state = self
                .moved
                .wait_while(self.state(), |state| state.open.len() >= MOST_CONNECTIONS && !self.stopping())
                .unwrap_or_else(PoisonError::into_inner);
            if self.stopping() {
                break;
            }
            let Ok(handle) = stream.try_clone() else { continue };
            state.open.push((number, handle));
            drop(state);
            let server = Arc::clone(self);
            threads.push(std::thread::spawn(move || {
                // A client that goes away ends its connection and nothing else.
                drop(server.serve(stream));
                server.state().open.retain(|(open, _)| *open != number);
                server.moved.notify_all();
            }));
        }
        for (_, stream) in &self.state().open {
            drop(stream.shutdown(Shutdown::Both));
        }
        for thread in threads {
            drop(thread.join());
        }
    }

    /// One connection, request after request, until either side closes it.
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut answers = stream.try_clone()?;
        let mut reader = BufReader::new(stream);
        while !reader.fill_buf()?.is_empty() && !self.stopping() {
            let Some(line) = RequestLine::read(&mut reader)? else { break };
            let fault = self.state().meet(&line);
            if fault == TwilioFault::DropBefore {
                break;
            }
            let request = line.read_rest(&mut reader)?;
            match fault {
                TwilioFault::Slow(wait) => std::thread::sleep(wait),
                TwilioFault::HoldBefore => {
                    self.hold();
                    break;
                }
                TwilioFault::TakenLate(wait) => {
                    let at = self.clock.now() + TimeDelta::from_std(wait).unwrap_or_default();
                    self.state().postponed.push((at, request));
                    break;
                }
                TwilioFault::Duplicate => drop(self.answer(&request)),
                _ => {}
            }
            let answer = fault.refusal().or_else(|| fault.spoil(self.answer(&request)));
            if fault == TwilioFault::HoldAfter {
                self.hold();
            }
            let Some(answer) = answer else { break };
            answer.write(&mut answers)?;
        }
        answers.shutdown(Shutdown::Both)
    }

    fn hold(&self) {
        let mut state = self.state();
        state.held += 1;
        self.moved.notify_all();
        drop(self.moved.wait_timeout_while(state, LONGEST_HOLD, |state| state.held > 0 && !self.stopping()));
    }

    /// Takes the requests whose time has come.
    fn take_postponed(&self) {
        let now = self.clock.now();
        let due: Vec<_> = self.state().postponed.extract_if(.., |(at, _)| *at <= now).collect();
        for (at, request) in due {
            let before = self.state().texts.count();
            drop(self.answer_now(&request));
            self.state().texts.date_from(before, at);
        }
    }

    fn answer(&self, request: &Request) -> Answer {
        self.take_postponed();
        self.answer_now(request)
    }

    fn answer_now(&self, request: &Request) -> Answer {
        let credentials = format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{TOKEN}")));
        if request.authorization.as_ref() != Some(&credentials) {
            return Answer::unauthorized();
        }
        if let Some(country) = request.path.strip_prefix("/v1/PhoneNumbers/Countries/") {
            return prices::answer(country, request);
        }
        if let Some(path) = request.path.strip_prefix("/picture-bytes") {
            return self.picture_bytes(path, request);
        }
        let account = format!("/2010-04-01/Accounts/{ACCOUNT}/");
        let words: Option<Vec<&str>> = request.path.strip_prefix(&account).map(|path| path.split('/').collect());
        match words.as_deref() {
            Some(["Messages.json"]) => self.texts(request),
            Some(["Messages", _, "Media", _]) => self.picture(request),
            Some(["Messages", text, "Media.json"]) => self.media(text, request),
            Some(["AvailablePhoneNumbers", country, kind]) => self.numbers_for_sale(country, kind, request),
            Some(["IncomingPhoneNumbers.json"]) => self.numbers(request),
            Some(["IncomingPhoneNumbers", number]) => self.number(number, request),
            Some(["Calls.json"]) => self.calls(request),
            Some(["Calls", call]) => self.call(call, request),
            _ => Answer::not_found(request),
        }
    }
}

impl State {
    /// Counts a request, and says what goes wrong with it.
    fn meet(&mut self, line: &RequestLine) -> TwilioFault {
        self.requests += 1;
        let faults = if line.is_sending() && !self.send_faults.is_empty() {
            &mut self.send_faults
        } else if line.is_about_texts() {
            &mut self.text_faults
        } else {
            self.number_requests += 1;
            &mut self.number_faults
        };
        faults.pop_front().unwrap_or(TwilioFault::Pass)
    }
}
