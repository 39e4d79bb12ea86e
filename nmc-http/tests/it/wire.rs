//! HTTP by hand: for what no client would send, and for when it would.

use crate::site::Answer;
use socket2::{Domain, Socket, Type};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection, written on and read from by hand.
pub(crate) struct Wire(BufReader<TcpStream>);

impl Wire {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
        Self(BufReader::new(stream))
    }

    /// From another address of this machine, like 127.0.0.2.
    pub(crate) fn open_from(from: &str, address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let from: SocketAddr = format!("{from}:0").parse().expect("an address");
        socket.bind(&from.into()).expect("an address of ours");
        socket.connect(&address.into()).expect("a connection");
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
        Self(BufReader::new(stream))
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).expect("an open connection");
    }

    pub(crate) fn exchange(&mut self, text: &str) -> Answer {
        self.write(text);
        self.read()
    }

    /// A request of somebody with a JSON body, and its answer, on a connection that stays.
    pub(crate) fn json(&mut self, method: &str, path: &str, bearer: &str, body: &serde_json::Value) -> Answer {
        let body = body.to_string();
        self.write(&format!(
            "{method} {path} HTTP/1.1\r\nHost: nmc\r\nAuthorization: Bearer {bearer}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        self.read_any().checked_form()
    }

    /// Whether something has come.
    pub(crate) fn has_answer(&self) -> bool {
        let stream = self.0.get_ref();
        stream.set_nonblocking(true).expect("a mode");
        let has_answer = stream.peek(&mut [0]).is_ok_and(|count| count > 0);
        stream.set_nonblocking(false).expect("a mode");
        has_answer
    }

    /// The next line that comes.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// No more will be written.
    pub(crate) fn hang_up(&mut self) {
        self.0.get_ref().shutdown(std::net::Shutdown::Write).expect("an open connection");
    }

    /// Reads until the other side closes.
    pub(crate) fn closes(&mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).is_ok()
    }

    /// Everything until the other side closes, or falls silent.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        drop(self.0.read_to_end(&mut rest));
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Writes as much as the other side takes; whether that was all.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> bool {
        self.0.get_mut().write_all(bytes).is_ok()
    }

    /// Whether nothing comes back: the other side has closed before it has said anything.
    pub(crate) fn is_closed_unanswered(&mut self) -> bool {
        self.0.fill_buf().map_or(true, <[u8]>::is_empty)
    }

    pub(crate) fn read(&mut self) -> Answer {
        self.read_any().checked()
    }

    fn read_any(&mut self) -> Answer {
        let first = self.line();
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.unwrap_or_else(|| panic!("{first:?} is no answer"));
        let mut headers = Vec::new();
        loop {
            let header = self.line();
            let Some((name, value)) = header.split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, headers, body: String::new() };
        let length = answer.header("Content-Length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        answer.body = String::from_utf8(body).expect("text");
        answer
    }
}
