//! A client of WebSockets (RFC 6455) by hand: for what no client would send, and to see what comes.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The key of the RFC's example, and what a server makes of it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// What comes from a server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Came {
    Message(Value),
    Ping,
    /// It closes, with this code.
    Close(u16),
    /// The connection has ended.
    Nothing,
}

/// An open WebSocket.
pub(crate) struct WebSocket(BufReader<TcpStream>);

/// A request for one that was refused: its status, and its body.
pub(crate) type Refused = (u16, String);

impl WebSocket {
    /// Opens one, with more lines in its head.
    pub(crate) fn open(address: SocketAddr, query: &str, head: &str) -> Result<Self, Refused> {
        Self::on(TcpStream::connect(address).expect("a connection"), query, head)
    }

    pub(crate) fn on(tcp: TcpStream, query: &str, head: &str) -> Result<Self, Refused> {
        let usual =
            format!("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n");
        Self::asked(tcp, query, &format!("{usual}{head}"))
    }

    /// Asks with this head, whatever it says.
    pub(crate) fn asked(mut tcp: TcpStream, query: &str, head: &str) -> Result<Self, Refused> {
        tcp.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        tcp.write_all(format!("GET /v1/socket{query} HTTP/1.1\r\nHost: nmc.example.com\r\n{head}\r\n").as_bytes())
            .expect("an open connection");
        let mut stream = BufReader::new(tcp);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).expect("a line in time");
            if line.trim_end().is_empty() {
                break;
            }
            lines.push(line.trim_end().to_owned());
        }
        let status: u16 = lines[0].split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let value = |name: &str| {
            lines.iter().find_map(|line| line.to_lowercase().strip_prefix(name).map(|_| line[name.len()..].to_owned()))
        };
        if status == 101 {
            assert_eq!(value("sec-websocket-accept: ").as_deref(), Some(ACCEPT));
            return Ok(Self(stream));
        }
        if status == 426 {
            assert_eq!(
                (value("upgrade: "), value("sec-websocket-version: ")),
                (Some("websocket".to_owned()), Some("13".to_owned()))
            );
        }
        let length = value("content-length: ").and_then(|length| length.parse().ok()).expect("a length");
        let mut body = vec![0; length];
        stream.read_exact(&mut body).expect("a body");
        Err((status, String::from_utf8(body).expect("text")))
    }

    /// Sends a frame, masked as clients must.
    pub(crate) fn frame(&mut self, opcode: u8, payload: &[u8]) {
        const MASK: [u8; 4] = [7, 77, 177, 250];
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            length @ ..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
            length => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(length).expect("a short message").to_be_bytes());
            }
        }
        frame.extend(MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.bytes(&frame);
    }

    /// Sends bytes as they are; a server that has closed does not take them.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        drop(self.0.get_mut().write_all(bytes));
    }

    pub(crate) fn say(&mut self, message: &Value) {
        self.frame(TEXT, message.to_string().as_bytes());
    }

    /// What comes next.
    pub(crate) fn any(&mut self) -> Came {
        let mut head = [0; 2];
        if self.0.read_exact(&mut head).is_err() {
            return Came::Nothing;
        }
        assert_eq!(head[1] & 0x80, 0, "servers don't mask");
        let length = match head[1] {
            126 => {
                let mut length = [0; 2];
                self.0.read_exact(&mut length).expect("a length");
                usize::from(u16::from_be_bytes(length))
            }
            length => usize::from(length),
        };
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).expect("a payload");
        match head[0] & 0x0f {
            TEXT => Came::Message(serde_json::from_slice(&payload).expect("JSON")),
            PING => Came::Ping,
            PONG => Came::Message(Value::from("pong of the protocol")),
            CLOSE => Came::Close(u16::from_be_bytes([payload[0], payload[1]])),
            other => panic!("opcode {other}"),
        }
    }

    /// What comes next but for pings, which are answered.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Came {
        let since = Instant::now();
        loop {
            match self.any() {
                // Each of them ends a wait of the connection's own.
                Came::Ping if since.elapsed() > PATIENCE => panic!("nothing but pings came"),
                Came::Ping => self.frame(PONG, b""),
                came => return came,
            }
        }
    }

    /// The next message, which is to be of this type.
    #[track_caller]
    pub(crate) fn expect(&mut self, kind: &str) -> Value {
        match self.next() {
            Came::Message(message) if message["type"] == kind => message,
            other => panic!("{kind}, and not {other:?}"),
        }
    }

    /// Says something, and returns what is answered, which is to be of this type.
    #[track_caller]
    pub(crate) fn ask(&mut self, message: &Value, kind: &str) -> Value {
        self.say(message);
        self.expect(kind)
    }

    /// Why it ends, and with which code. Errors that come before are passed over.
    #[track_caller]
    pub(crate) fn end(mut self) -> (String, u16) {
        let mut reason = String::new();
        loop {
            match self.next() {
                Came::Message(message) if message["type"] == "end" => {
                    message["reason"].as_str().expect("a reason").clone_into(&mut reason)
                }
                Came::Message(message) if message["type"] == "error" => {}
                Came::Close(code) => return (reason, code),
                other => panic!("an end, and not {other:?}"),
            }
        }
    }

    pub(crate) fn cut(self) {
        self.0.get_ref().shutdown(Shutdown::Both).expect("an open connection");
    }
}
