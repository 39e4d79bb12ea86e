use super::fake_sms::LONGEST_HOLD;
use super::twilio_wire::{Answer, Request, value};
use super::unique_sid;
use crate::twilio::TwilioConfig;
use crate::{Clock, PhoneNumber, Secret, SystemClock};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::{HashSet, VecDeque};
use std::io::{BufRead as _, BufReader};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "a token that must never be seen";
/// The number that Twilio's own test credentials call invalid.
const INVALID_NUMBER: &str = "+15005550001";
/// Connections served at once; more wait to be accepted.
const MOST_CONNECTIONS: usize = 32;

/// One way in which Twilio's API fails. "After" means that the text has been taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwilioFault {
    /// The answer takes this long.
    Slow(Duration),
    /// 429 with this Retry-After.
    TooMany(u64),
    /// 401, whatever the credentials.
    Unauthorized,
    /// 500, and nothing was taken.
    ErrorBefore,
    /// 500, and the text was taken.
    ErrorAfter,
    /// The connection is closed with the request unread.
    DropBefore,
    /// The text was taken, and the connection is closed without an answer.
    DropAfter,
    /// The text was taken, and the answer is not JSON.
    Garbage,
    /// The request waits for [`FakeTwilio::release`], and then the connection is closed with nothing taken.
    HoldBefore,
    /// The text was taken, and the answer waits for [`FakeTwilio::release`].
    HoldAfter,
}

/// A message resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioText {
    /// Twilio's SID of it.
    pub sid: String,
    /// The sender.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// The words.
    pub body: String,
    /// `outbound-api` or `inbound`.
    pub direction: &'static str,
    /// Where its delivery is to be reported.
    pub status_callback: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Twilio's Messages resource (API 2010-04-01) as an HTTP server on this machine, which fails on demand. As with Twilio's
/// test credentials, `+15005550001` is an invalid number.
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
    texts: Vec<TwilioText>,
    faults: VecDeque<TwilioFault>,
    blocked: HashSet<String>,
    requests: usize,
    held: usize,
    open: Vec<(u64, TcpStream)>,
}

impl FakeTwilio {
    /// One that works, with the machine's clock.
    #[must_use]
    pub fn start() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// One that dates what it takes by this clock.
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

    /// The account on it.
    #[must_use]
    pub fn account(&self) -> TwilioConfig {
        Self::account_at(self.url())
    }

    /// The same for another process, which knows only where it is.
    #[must_use]
    pub fn account_at(url: String) -> TwilioConfig {
        TwilioConfig {
            account_sid: ACCOUNT.to_owned(),
            auth_token: Secret::new(TOKEN),
            public_url: "https://nmc.example.com".to_owned(),
            api_url: Some(url),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next requests fail so, in this order.
    pub fn fail_with(&self, faults: impl IntoIterator<Item = TwilioFault>) {
        self.server.state().faults.extend(faults);
    }

    /// Forgets the failures that have not come to pass, and returns them.
    pub fn take_faults(&self) -> Vec<TwilioFault> {
        self.server.state().faults.drain(..).collect()
    }

    /// From now on it refuses texts to this person with error 21610, as after a STOP that we never heard of.
    pub fn block(&self, person: &PhoneNumber) {
        self.server.state().blocked.insert(person.to_string());
    }

    /// Gives it a text that it did not get from us.
    pub fn put(&self, text: TwilioText) {
        self.server.state().texts.push(text);
    }

    /// The texts it holds, oldest first.
    #[must_use]
    pub fn texts(&self) -> Vec<TwilioText> {
        self.server.state().texts.clone()
    }

    /// How many requests have reached it, failed ones included.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.server.state().requests
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

    /// Lets what is held go on.
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
            let fault = {
                let mut state = self.state();
                state.requests += 1;
                state.faults.pop_front()
            };
            if fault == Some(TwilioFault::DropBefore) {
                break;
            }
            let Some(request) = Request::read(&mut reader)? else { break };
            match fault {
                Some(TwilioFault::Slow(wait)) => std::thread::sleep(wait),
                Some(TwilioFault::HoldBefore) => {
                    self.hold();
                    break;
                }
                _ => {}
            }
            let answer = match fault {
                Some(TwilioFault::TooMany(seconds)) => {
                    Answer { retry_after: Some(seconds), ..Answer::error(429, 20_429, "Too Many Requests") }
                }
                Some(TwilioFault::Unauthorized) => Answer::error(401, 20_003, "Authenticate"),
                Some(TwilioFault::ErrorBefore) => Answer::error(500, 20_500, "Internal Server Error"),
                _ => self.answer(&request),
            };
            let answer = match fault {
                Some(TwilioFault::ErrorAfter) => Answer::error(500, 20_500, "Internal Server Error"),
                Some(TwilioFault::Garbage) => Answer { body: "<html>not what you asked for".to_owned(), ..answer },
                Some(TwilioFault::DropAfter) => break,
                Some(TwilioFault::HoldAfter) => {
                    self.hold();
                    answer
                }
                _ => answer,
            };
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

    fn answer(&self, request: &Request) -> Answer {
        let credentials = format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{TOKEN}")));
        if request.authorization.as_ref() != Some(&credentials) {
            return Answer::error(401, 20_003, "Authenticate");
        }
        if request.path != format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json") {
            return Answer::error(404, 20_404, "The requested resource was not found");
        }
        match request.method.as_str() {
            "POST" => self.create(request),
            "GET" => self.list(request),
            _ => Answer::error(405, 20_004, "Method not allowed"),
        }
    }

    fn create(&self, request: &Request) -> Answer {
        let field = |name| value(&request.form, name).unwrap_or_default().to_owned();
        let text = TwilioText {
            sid: unique_sid("SM"),
            from: field("From"),
            to: field("To"),
            body: field("Body"),
            direction: "outbound-api",
            status_callback: value(&request.form, "StatusCallback").map(str::to_owned),
            created_at: self.clock.now(),
        };
        let is_number = |text: &str| text.parse::<PhoneNumber>().is_ok();
        if !is_number(&text.to) || text.to == INVALID_NUMBER {
            return Answer::error(400, 21_211, &format!("The 'To' number {} is not a valid phone number.", text.to));
        }
        if !is_number(&text.from) {
            return Answer::error(400, 21_212, &format!("The 'From' number {} is not a valid phone number.", text.from));
        }
        match text.body.chars().count() {
            0 => return Answer::error(400, 21_602, "Message body is required."),
            1..=1600 => {}
            _ => return Answer::error(400, 21_617, "The concatenated message body exceeds the 1600 character limit."),
        }
        let mut state = self.state();
        if state.blocked.contains(&text.to) {
            return Answer::error(400, 21_610, "Attempt to send to unsubscribed recipient");
        }
        let body = text.resource().to_string();
        state.texts.push(text);
        Answer { status: 201, retry_after: None, body }
    }

    fn list(&self, request: &Request) -> Answer {
        let wanted = |name: &str, held: &str| value(&request.query, name).is_none_or(|wanted| wanted == held);
        let size = value(&request.query, "PageSize").and_then(|text| text.parse().ok()).unwrap_or(50_usize).min(1000);
        let state = self.state();
        let found: Vec<&TwilioText> =
            state.texts.iter().rev().filter(|text| wanted("To", &text.to) && wanted("From", &text.from)).collect();
        let page: Vec<Value> = found.iter().take(size).map(|text| text.resource()).collect();
        let uri = &request.path;
        let next = (found.len() > page.len()).then(|| format!("{uri}?PageSize={size}&Page=1"));
        let body = json!({
            "messages": page, "page": 0, "page_size": size, "start": 0, "end": page.len().saturating_sub(1),
            "uri": uri, "first_page_uri": uri, "previous_page_uri": null, "next_page_uri": next,
        });
        Answer { status: 200, retry_after: None, body: body.to_string() }
    }
}

impl TwilioText {
    fn resource(&self) -> Value {
        let uri = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{}", self.sid);
        let created = self.created_at.to_rfc2822();
        json!({
            "account_sid": ACCOUNT, "api_version": "2010-04-01", "sid": self.sid, "status": "queued",
            "from": self.from, "to": self.to, "body": self.body, "direction": self.direction,
            "date_created": created, "date_updated": created, "date_sent": null,
            "error_code": null, "error_message": null, "messaging_service_sid": null,
            "num_media": "0", "num_segments": "1", "price": null, "price_unit": "USD", "tags": null,
            "uri": format!("{uri}.json"), "subresource_uris": {"media": format!("{uri}/Media.json")},
            "a_field_of_next_year": {"that": ["nobody", "knows"]},
        })
    }
}
