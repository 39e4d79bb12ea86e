use super::local_server::LocalServer;
use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One way in which a receiver of webhooks fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiverFault {
    /// The webhook is taken, and answered with this status, these headers (`Retry-After: 5\r\n`) and this body.
    Answer(u16, String, String),
    /// The connection is closed with the request unread.
    DropBefore,
    /// The webhook is taken, and the connection closed without an answer.
    DropAfter,
    /// The webhook is taken, and never answered.
    Stall,
}

/// A webhook that the receiver took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedWebhook {
    /// The path and the query that were asked for.
    pub target: String,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl ReceivedWebhook {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A receiver of webhooks on this machine, without TLS: it remembers what it took, and fails on demand.
pub struct WebhookReceiver {
    state: Arc<Mutex<State>>,
    server: LocalServer,
}

#[derive(Default)]
struct State {
    taken: Vec<ReceivedWebhook>,
    faults: VecDeque<ReceiverFault>,
    connections: usize,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WebhookReceiver {
    /// Starts a receiver.
    #[must_use]
    pub fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let server = LocalServer::start({
            let state = Arc::clone(&state);
            move |stream| serve(&state, stream)
        });
        Self { state, server }
    }

    /// The port of the receiver on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.server.address.port()
    }

    /// The next webhooks fail so, in this order.
    pub fn fail_with(&self, faults: impl IntoIterator<Item = ReceiverFault>) {
        lock(&self.state).faults.extend(faults);
    }

    /// The webhooks that the receiver took, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<ReceivedWebhook> {
        lock(&self.state).taken.clone()
    }

    /// The number of connections that were made.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }
}

fn serve(state: &Mutex<State>, stream: TcpStream) -> std::io::Result<()> {
    lock(state).connections += 1;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while !reader.fill_buf()?.is_empty() {
        let fault = lock(state).faults.pop_front();
        if fault == Some(ReceiverFault::DropBefore) {
            break;
        }
        let webhook = read(&mut reader)?;
        lock(state).taken.push(webhook);
        let (status, headers, body) = match fault {
            None | Some(ReceiverFault::DropBefore) => (204, String::new(), String::new()),
            Some(ReceiverFault::Answer(status, headers, body)) => (status, headers, body),
            Some(ReceiverFault::DropAfter) => break,
            Some(ReceiverFault::Stall) => {
                std::io::copy(&mut reader, &mut std::io::sink())?;
                break;
            }
        };
        let length = if status == 204 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        writer.write_all(format!("HTTP/1.1 {status} Said\r\n{headers}{length}\r\n{body}").as_bytes())?;
    }
    Ok(())
}

fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<ReceivedWebhook> {
    let mut line = || {
        let mut line = String::new();
        reader.by_ref().take(16 << 10).read_line(&mut line).map(|_| line.trim_end().to_owned())
    };
    let target = line()?.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    while let Some((name, value)) = line()?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0).min(1 << 20)];
    reader.read_exact(&mut body)?;
    Ok(ReceivedWebhook { target, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
