//! A client that costs little: one kept connection, one request after the other.

use std::io::{BufRead as _, BufReader, Error, ErrorKind, Read as _, Result, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream: BufReader::with_capacity(1 << 16, stream), line: String::new(), body: Vec::new() })
    }

    /// The length of the answer's body; `Err` of the status if it isn't 200.
    pub(crate) fn get(&mut self, path: &str, token: Option<&str>) -> Result<std::result::Result<usize, u16>> {
        let authorization = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n");
        self.stream.get_mut().write_all(request.as_bytes())?;
        let garbled = || Error::from(ErrorKind::InvalidData);
        let (mut status, mut length) = (None, None);
        loop {
            self.line.clear();
            if self.stream.read_line(&mut self.line)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let text = self.line.trim_end();
            if status.is_none() {
                status = Some(text.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok()).ok_or_else(garbled)?);
            } else if text.is_empty() {
                break;
            } else if let Some((name, value)) = text.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = Some(value.trim().parse::<usize>().map_err(|_| garbled())?);
            }
        }
        self.body.resize(length.ok_or_else(garbled)?, 0);
        self.stream.read_exact(&mut self.body)?;
        Ok(match status {
            Some(200) => Ok(self.body.len()),
            status => Err(status.unwrap_or_default()),
        })
    }
}
