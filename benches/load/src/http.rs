//! Owns a blocking HTTP/1.1 client for 127.0.0.1: one keep-alive connection, one request at a time, a deadline on each.
//! It refuses TLS, redirects and retries: what a broken connection means is for the caller to say.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Answers longer than this are refused, so that a wrong peer cannot fill the memory.
const BODY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Header lines longer than this in all are refused.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// What came back.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After` in seconds, when given.
    pub retry_after_s: Option<u64>,
    /// `ETag`, when given.
    pub etag: Option<String>,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Response {
    /// The body as text, for messages.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One connection to one address, opened when first needed and again after it broke.
#[derive(Debug)]
pub struct HttpClient {
    address: SocketAddr,
    timeout: Duration,
    stream: Option<BufReader<TcpStream>>,
    request: Vec<u8>,
}

impl HttpClient {
    /// A client of `address`; `timeout` bounds connecting, each write and each read.
    #[must_use]
    pub fn new(address: SocketAddr, timeout: Duration) -> Self {
        Self {
            address,
            timeout,
            stream: None,
            request: Vec::with_capacity(1024),
        }
    }

    /// Talks to another address from the next request on, as after a restart that took another port.
    pub fn move_to(&mut self, address: SocketAddr) {
        if self.address != address {
            self.address = address;
            self.stream = None;
        }
    }

    /// Sends one request and reads its answer whole.
    ///
    /// # Errors
    /// The connection could not be opened, broke, ran over its time, or the peer does not speak HTTP/1.1.
    /// The connection is closed then; whether the request was carried out is not known.
    pub fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> io::Result<Response> {
        let outcome = self.exchange(method, path, headers, body);
        if outcome.is_err() {
            self.stream = None;
        }
        outcome
    }

    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> io::Result<Response> {
        self.request.clear();
        write!(
            self.request,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n",
            self.address
        )?;
        for (name, value) in headers {
            write!(self.request, "{name}: {value}\r\n")?;
        }
        if let Some(body) = body {
            write!(
                self.request,
                "content-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            )?;
            self.request.extend_from_slice(body);
        } else {
            self.request.extend_from_slice(b"\r\n");
        }
        if self.stream.is_none() {
            let stream = TcpStream::connect_timeout(&self.address, self.timeout)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(self.timeout))?;
            stream.set_write_timeout(Some(self.timeout))?;
            self.stream = Some(BufReader::with_capacity(16 * 1024, stream));
        }
        let Some(stream) = self.stream.as_mut() else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        stream.get_mut().write_all(&self.request)?;
        let (response, keep) = read_response(stream)?;
        if !keep {
            self.stream = None;
        }
        Ok(response)
    }
}

/// Reads one response; the flag says whether the connection may be used again.
fn read_response(stream: &mut BufReader<TcpStream>) -> io::Result<(Response, bool)> {
    let mut line = String::new();
    read_line(stream, &mut line)?;
    let status = line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|digits| digits.parse::<u16>().ok())
        .ok_or_else(|| bad(format!("not an HTTP/1.1 status line: {line:?}")))?;
    let mut response = Response {
        status,
        ..Response::default()
    };
    let (mut length, mut chunked, mut keep, mut head_bytes) = (None, false, true, 0);
    loop {
        read_line(stream, &mut line)?;
        head_bytes += line.len();
        if head_bytes > HEAD_BYTES_MAX {
            return Err(bad("the head of the answer is too long".into()));
        }
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(bad(format!("not a header: {line:?}")));
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse::<usize>().ok(),
            "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
            "connection" => keep = !value.eq_ignore_ascii_case("close"),
            "retry-after" => response.retry_after_s = value.parse().ok(),
            "etag" => response.etag = Some(value.to_owned()),
            _ => {}
        }
    }
    if chunked {
        read_chunks(stream, &mut response.body)?;
    } else if let Some(length) = length {
        read_exactly(stream, length, &mut response.body)?;
    } else if status != 204 && status != 304 {
        stream.read_to_end(&mut response.body)?;
        keep = false;
    }
    Ok((response, keep))
}

fn read_chunks(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> io::Result<()> {
    let mut line = String::new();
    loop {
        read_line(stream, &mut line)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let length = usize::from_str_radix(digits, 16)
            .map_err(|_| bad(format!("not a chunk length: {line:?}")))?;
        if length == 0 {
            break;
        }
        read_exactly(stream, length, body)?;
        read_line(stream, &mut line)?;
    }
    read_line(stream, &mut line)
}

fn read_exactly(
    stream: &mut BufReader<TcpStream>,
    length: usize,
    body: &mut Vec<u8>,
) -> io::Result<()> {
    let before = body.len();
    if before + length > BODY_BYTES_MAX {
        return Err(bad("the body of the answer is too long".into()));
    }
    body.resize(before + length, 0);
    stream.read_exact(&mut body[before..])
}

fn read_line(stream: &mut BufReader<TcpStream>, line: &mut String) -> io::Result<()> {
    line.clear();
    if stream.read_line(line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(())
}

fn bad(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::net::TcpListener;

    /// Answers one connection with `answers` in turn, one for each request head it sees.
    fn peer(answers: Vec<&'static str>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            for answer in answers {
                let mut line = String::new();
                while line != "\r\n" {
                    line.clear();
                    if reader.read_line(&mut line).unwrap() == 0 {
                        return;
                    }
                }
                reader.get_mut().write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    #[test]
    fn lengths_chunks_and_headers_are_understood_on_one_connection() {
        let address = peer(vec![
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\ncontent-length: 3\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nETag: W/\"1:2\"\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
        ]);
        let mut client = HttpClient::new(address, Duration::from_secs(5));
        let first = client.request("GET", "/", &[], None).unwrap();
        assert_eq!((first.status, first.retry_after_s), (503, Some(2)));
        assert_eq!(first.body, b"abc");
        let second = client.request("GET", "/", &[], None).unwrap();
        assert_eq!(second.etag.as_deref(), Some("W/\"1:2\""));
        assert_eq!(second.body, b"abcde");
        assert_eq!(
            client.request("DELETE", "/", &[], None).unwrap().status,
            204
        );
    }

    #[test]
    fn a_peer_that_closes_is_an_error_and_not_an_empty_answer() {
        let address = peer(vec![""]);
        let mut client = HttpClient::new(address, Duration::from_secs(5));
        assert!(client.request("GET", "/", &[], None).is_err());
    }
}
