//! A client of a stream, by either transport, which costs little.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Error, ErrorKind, Read as _, Result, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Sse,
    WebSocket,
}

/// An event as it came.
pub(crate) struct Event {
    /// Where to come back to.
    pub(crate) cursor: String,
    pub(crate) seq: i64,
    pub(crate) kind: String,
    pub(crate) id: String,
    /// When, in microseconds since 1970.
    pub(crate) heard: i64,
}

pub(crate) enum Heard {
    /// From where on it is told.
    Ready(String),
    Event(Event),
    Reset,
    /// The server says that it ends.
    End,
}

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    transport: Transport,
}

fn garbled() -> Error {
    ErrorKind::InvalidData.into()
}

impl Client {
    /// One that goes on after a cursor, or begins.
    pub(crate) fn open(address: SocketAddr, transport: Transport, key: &str, after: Option<&str>) -> Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let (path, head, awaited) = match transport {
            Transport::Sse => ("events", "Accept: text/event-stream\r\n", 200),
            Transport::WebSocket => (
                "socket",
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                101,
            ),
        };
        let after = after.map(|after| format!("?after={after}")).unwrap_or_default();
        let request = format!("GET /v1/{path}{after} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n{head}\r\n");
        stream.write_all(request.as_bytes())?;
        // Little, as a thousand of them are open.
        let mut client = Self { stream: BufReader::with_capacity(2_048, stream), transport };
        let status: u16 = client.line()?.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(garbled)?;
        while !client.line()?.is_empty() {}
        if status == awaited { Ok(client) } else { Err(Error::other(format!("answered {status}"))) }
    }

    /// What cuts the connection from elsewhere.
    pub(crate) fn handle(&self) -> Result<TcpStream> {
        self.stream.get_ref().try_clone()
    }

    pub(crate) fn patience(&self, patience: Duration) -> Result<()> {
        self.stream.get_ref().set_read_timeout(Some(patience))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }

    /// What comes next; an error when the connection ends, or nothing comes in time.
    pub(crate) fn next(&mut self) -> Result<Heard> {
        match self.transport {
            Transport::Sse => self.next_of_sse(),
            Transport::WebSocket => self.next_of_socket(),
        }
    }

    fn next_of_sse(&mut self) -> Result<Heard> {
        let (mut event, mut cursor, mut data) = (String::new(), String::new(), Value::Null);
        loop {
            let line = self.line()?;
            match line.split_once(": ") {
                Some(("event", text)) => text.clone_into(&mut event),
                Some(("id", text)) => text.clone_into(&mut cursor),
                Some(("data", text)) => data = serde_json::from_str(text)?,
                _ if line.is_empty() && !event.is_empty() => break,
                // Lengths of chunks, and comments.
                _ => {}
            }
        }
        match event.as_str() {
            "ready" => Ok(Heard::Ready(cursor)),
            "reset" => Ok(Heard::Reset),
            "end" => Ok(Heard::End),
            _ => told(cursor, &data),
        }
    }

    fn next_of_socket(&mut self) -> Result<Heard> {
        loop {
            let (opcode, payload) = self.frame()?;
            match opcode {
                // The mask may be zero.
                9 => self.stream.get_mut().write_all(&[0x8a, 0x80, 0, 0, 0, 0])?,
                8 => return Ok(Heard::End),
                1 => {
                    let words: Value = serde_json::from_slice(&payload)?;
                    let cursor = text(&words, "cursor").to_owned();
                    return match text(&words, "type") {
                        "ready" => Ok(Heard::Ready(cursor)),
                        "reset" => Ok(Heard::Reset),
                        "end" => Ok(Heard::End),
                        "event" => told(cursor, &words),
                        _ => Err(garbled()),
                    };
                }
                _ => return Err(garbled()),
            }
        }
    }

    fn frame(&mut self) -> Result<(u8, Vec<u8>)> {
        let mut head = [0_u8; 2];
        self.stream.read_exact(&mut head)?;
        let [opcode, length] = head;
        let length = if length == 126 {
            let mut length = [0; 2];
            self.stream.read_exact(&mut length)?;
            u16::from_be_bytes(length)
        } else {
            length.into()
        };
        let mut payload = vec![0; length.into()];
        self.stream.read_exact(&mut payload)?;
        Ok((opcode & 0x0f, payload))
    }
}

fn text<'v>(data: &'v Value, name: &str) -> &'v str {
    data.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn told(cursor: String, data: &Value) -> Result<Heard> {
    let heard = SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_micros()).ok());
    let seq = data.get("seq").and_then(Value::as_i64).ok_or_else(garbled)?;
    Ok(Heard::Event(Event {
        cursor,
        seq,
        kind: text(data, "kind").to_owned(),
        id: text(data, "id").to_owned(),
        heard: heard.ok_or_else(garbled)?,
    }))
}
