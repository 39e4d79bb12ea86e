//! Writers that change a business through its servers, whichever of them lives.

use crate::servers::{Server, Site};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Error, ErrorKind, Read as _, Result, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// The next customer's number, over all parts of the benchmark.
static CUSTOMERS: AtomicU32 = AtomicU32::new(0);

/// How many there are.
pub(crate) const WRITERS: usize = 8;

/// Opens conversations until it is told to stop, by turns at each server. Returns which server has answered for which.
pub(crate) fn write(
    site: &Site,
    servers: &[Server<'_>],
    first: usize,
    pause: Duration,
    over: &AtomicBool,
) -> HashMap<String, SocketAddr> {
    let mut made = HashMap::new();
    for turn in first.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let Some(server) = servers.get(turn % servers.len().max(1)) else { break };
        // Whether what a killed server did not answer for was done, the table tells.
        if let Ok(id) = open(server.address, &site.key) {
            made.insert(id, server.address);
        }
        sleep(pause);
    }
    made
}

fn open(address: SocketAddr, key: &str) -> Result<String> {
    let n = CUSTOMERS.fetch_add(1, Ordering::Relaxed);
    let body = format!(r#"{{"customer_phone":"+1415{}{:04}"}}"#, 200 + n / 10_000, n % 10_000);
    let mut stream = BufReader::new(TcpStream::connect(address)?);
    stream.get_ref().set_nodelay(true)?;
    stream.get_ref().set_read_timeout(Some(Duration::from_secs(20)))?;
    let request = format!(
        "POST /v1/conversations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.get_mut().write_all(request.as_bytes())?;
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    if status != "201" {
        return Err(Error::other(format!("answered {status}: {}", String::from_utf8_lossy(&answer))));
    }
    let answer: Value = serde_json::from_slice(&answer)?;
    answer.get("id").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| ErrorKind::InvalidData.into())
}
