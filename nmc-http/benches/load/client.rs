//! Twilio's side of the wire, made cheap: one thread and one kept connection per client, requests written by hand.
//! Shared by the benchmark and the example `load`.

use nmc_core::twilio::Signer;
use nmc_core::{Clock as _, SystemClock};
use std::io::{BufRead as _, BufReader, Error, ErrorKind, Read as _, Result, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PATH: &str = "/webhooks/twilio/voice/status";

/// What calls come in, and for whom.
pub(crate) struct Callers {
    /// The numbers that are called, any of them next.
    ours: Vec<String>,
    /// How the SIDs begin: tells whose calls are whose.
    sids: &'static str,
    number_of: fn(u64) -> String,
    next: AtomicU64,
}

impl Callers {
    /// Every call is another caller's. Those of a `first` that differs by a million or more are others again.
    pub(crate) const fn new(ours: Vec<String>, sids: &'static str, number_of: fn(u64) -> String, first: u64) -> Self {
        Self { ours, sids, number_of, next: AtomicU64::new(first) }
    }

    /// The form that Twilio posts for the next missed call, all of its fields.
    pub(crate) fn missed_call(&self) -> Vec<(String, String)> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        // Scattered: calls of one business that come at once get into each other's way, as they do in the baseline.
        let scattered = usize::try_from(n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32).unwrap_or(0);
        let to = self.ours.get(scattered % self.ours.len().max(1)).map_or("", String::as_str);
        let (from, sid) = ((self.number_of)(n), format!("{}{n:029}", self.sids));
        let mut form: Vec<(String, String)> = Vec::with_capacity(28);
        let mut add = |name: &str, value: &str| form.push((name.to_owned(), value.to_owned()));
        add("AccountSid", "AC00000000000000000000000000000000");
        add("ApiVersion", "2010-04-01");
        add("CallSid", &sid);
        add("CallStatus", "no-answer");
        add("CallDuration", "0");
        add("CallbackSource", "call-progress-events");
        add("Direction", "inbound");
        add("Duration", "0");
        add("SequenceNumber", "3");
        add("Timestamp", &SystemClock.now().to_rfc2822());
        for (party, number) in [("Called", to), ("To", to), ("Caller", &from), ("From", &from)] {
            add(party, number);
            for (part, value) in [("City", "SPRINGFIELD"), ("State", "IL"), ("Zip", "62701"), ("Country", "US")] {
                add(&format!("{party}{part}"), value);
            }
        }
        form
    }
}

/// The server under load.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// What signatures are made over, without a slash at the end.
    pub(crate) public_url: String,
    pub(crate) signer: Signer,
}

impl Target {
    /// A whole request: a signed callback.
    fn request(&self, form: &[(String, String)]) -> Vec<u8> {
        let signature = self.signer.sign(&format!("{}{PATH}", self.public_url), form);
        let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let (host, length) = (self.address, body.len());
        format!(
            "POST {PATH} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: TwilioProxy/1.1\r\nX-Twilio-Signature: {signature}\r\n\
             Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

/// A kept connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends one callback and reads the whole answer; returns its status.
    pub(crate) fn post(&mut self, target: &Target, form: &[(String, String)]) -> Result<u16> {
        self.stream.get_mut().write_all(&target.request(form))?;
        let garbled = || Error::from(ErrorKind::InvalidData);
        let (mut line, mut status, mut length) = (String::new(), None, 0);
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let text = line.trim_end();
            if status.is_none() {
                let code = text.split(' ').nth(1).and_then(|code| code.parse().ok());
                status = Some(code.ok_or_else(garbled)?);
            } else if text.is_empty() {
                break;
            } else if let Some((name, value)) = text.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(|_| garbled())?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        status.ok_or_else(garbled)
    }
}

/// When a load ends, whichever comes first.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) time: Duration,
    pub(crate) requests: u64,
}

/// How it went.
#[derive(Default)]
pub(crate) struct Outcome {
    /// How long the requests took that were answered 200 or 204, shortest first.
    pub(crate) latencies: Vec<Duration>,
    /// Requests that were answered otherwise, and the first such status.
    pub(crate) refused: u64,
    pub(crate) first_refusal: Option<u16>,
    pub(crate) took: Duration,
}

impl Outcome {
    /// Calls recorded per second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.latencies.len()).unwrap_or(u32::MAX)) / self.took.as_secs_f64()
    }

    /// The latency that this share of the requests, in percent, stays within.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let at = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).copied().unwrap_or_default()
    }
}

/// Keeps `clients` connections busy, each with one request at a time.
pub(crate) fn load(target: &Target, callers: &Callers, clients: usize, bounds: Bounds) -> Result<Outcome> {
    let begun = Instant::now();
    let sent = AtomicU64::new(0);
    let one = || -> Result<Outcome> {
        let mut client = Client::connect(target.address)?;
        let mut outcome = Outcome::default();
        while begun.elapsed() < bounds.time && sent.fetch_add(1, Ordering::Relaxed) < bounds.requests {
            let form = callers.missed_call();
            let since = Instant::now();
            match client.post(target, &form)? {
                200 | 204 => outcome.latencies.push(since.elapsed()),
                status => {
                    outcome.refused += 1;
                    outcome.first_refusal.get_or_insert(status);
                }
            }
        }
        Ok(outcome)
    };
    let mut whole = thread::scope(|scope| {
        let running: Vec<_> = (0..clients).map(|_| scope.spawn(one)).collect();
        let mut whole = Outcome::default();
        for client in running {
            let part = client.join().map_err(|_| Error::other("a client panicked"))??;
            whole.latencies.extend(part.latencies);
            whole.refused += part.refused;
            whole.first_refusal = whole.first_refusal.or(part.first_refusal);
        }
        Ok::<_, Error>(whole)
    })?;
    whole.took = begun.elapsed();
    whole.latencies.sort_unstable();
    Ok(whole)
}
