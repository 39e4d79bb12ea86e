//! HTTP as the fake Twilio speaks it: a request read whole and bounded, an answer written.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

const LONGEST_LINE: u64 = 16 << 10;
const LONGEST_BODY: usize = 64 << 10;

pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) authorization: Option<String>,
    pub(super) form: Vec<(String, String)>,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<u64>,
    pub(super) body: String,
    /// The place where a redirect leads.
    pub(super) location: Option<String>,
    /// A file instead of a body: its type and bytes.
    pub(super) file: Option<(String, Vec<u8>)>,
}

/// The first line of a request: enough to know what it is about.
pub(super) struct RequestLine {
    method: String,
    target: String,
}

impl RequestLine {
    /// `None` when it is not HTTP as we know it.
    pub(super) fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Self>> {
        let line = line(reader)?;
        let mut words = line.split(' ').map(str::to_owned);
        let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
        Ok(Some(Self { method, target }))
    }

    pub(super) fn is_sending(&self) -> bool {
        self.method == "POST" && self.is_about_texts()
    }

    pub(super) fn is_about_texts(&self) -> bool {
        self.target.contains("/Messages")
    }

    /// Headers and body.
    pub(super) fn read_rest(self, reader: &mut BufReader<TcpStream>) -> std::io::Result<Request> {
        let (mut authorization, mut length) = (None, 0_usize);
        loop {
            let header = line(reader)?;
            let Some((name, value)) = header.split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "authorization" => authorization = Some(value.trim().to_owned()),
                "content-length" => length = value.trim().parse().unwrap_or(0),
                _ => {}
            }
        }
        let mut body = vec![0; length.min(LONGEST_BODY)];
        reader.read_exact(&mut body)?;
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        Ok(Request {
            method: self.method,
            path: path.to_owned(),
            query: pairs(query),
            authorization,
            form: pairs(&String::from_utf8_lossy(&body)),
        })
    }
}

fn line(reader: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut line = String::new();
    reader.take(LONGEST_LINE).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

impl Answer {
    pub(super) fn of(status: u16, body: &Value) -> Self {
        Self { status, retry_after: None, body: body.to_string(), location: None, file: None }
    }

    /// Done, and nothing to say of it.
    pub(super) const fn no_content() -> Self {
        Self { status: 204, retry_after: None, body: String::new(), location: None, file: None }
    }

    /// An answer that says that the thing is somewhere else on this host.
    pub(super) fn redirect(location: &str) -> Self {
        Self { status: 307, location: Some(location.to_owned()), ..Self::no_content() }
    }

    pub(super) fn file(content_type: &str, bytes: Vec<u8>) -> Self {
        Self { status: 200, file: Some((content_type.to_owned(), bytes)), ..Self::no_content() }
    }

    pub(super) fn error(status: u16, code: i32, message: &str) -> Self {
        let more = format!("https://www.twilio.com/docs/errors/{code}");
        Self::of(status, &json!({"code": code, "message": message, "more_info": more, "status": status}))
    }

    pub(super) fn unauthorized() -> Self {
        Self::error(401, 20_003, "Authenticate")
    }

    pub(super) fn not_found(request: &Request) -> Self {
        Self::error(404, 20_404, &format!("The requested resource {} was not found", request.path))
    }

    pub(super) fn not_allowed() -> Self {
        Self::error(405, 20_004, "Method not allowed")
    }

    pub(super) fn write(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        let Self { status, body, .. } = self;
        let retry_after = self.retry_after.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
        let location = self.location.as_ref().map(|to| format!("Location: {to}\r\n")).unwrap_or_default();
        let (content_type, bytes) = match &self.file {
            Some((content_type, bytes)) if body.is_empty() => (content_type.as_str(), bytes.as_slice()),
            _ => ("application/json", body.as_bytes()),
        };
        let content = match (bytes.len(), *status) {
            (0, 204) => String::new(),
            (length, _) => format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n"),
        };
        let head = format!("HTTP/1.1 {status} Answer\r\n{retry_after}{location}{content}\r\n");
        // At once: a body that is sent by itself waits 40 ms until the client has acknowledged the head.
        stream.write_all(&[head.as_bytes(), bytes].concat())
    }
}

/// How many items a list is asked for at once: 1000 at the most.
pub(super) fn page_size(query: &[(String, String)], usual: usize) -> usize {
    value(query, "PageSize").and_then(|text| text.parse().ok()).unwrap_or(usual).clamp(1, 1000)
}

pub(super) fn value<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The text as it stands in a query.
pub(super) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// The pairs of a query or a form.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    };
    text.split('&').filter(|pair| !pair.is_empty()).map(pair).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let escaped = others.first_chunk::<2>().and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, escaped) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = others.get(2..).unwrap_or_default();
                continue;
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
        rest = others;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
