//! HTTP by hand: for what no client would send, and for when it would.

use crate::site::Answer;
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

    /// Writes as much as the other side takes.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) {
        drop(self.0.get_mut().write_all(bytes));
    }

    pub(crate) fn read(&mut self) -> Answer {
        self.read_any().checked()
    }

    fn read_any(&mut self) -> Answer {
        let mut line = || {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("a line");
            line.trim_end().to_owned()
        };
        let first = line();
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.unwrap_or_else(|| panic!("{first:?} is no answer"));
        let mut headers = Vec::new();
        loop {
            let header = line();
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
