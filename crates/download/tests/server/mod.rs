//! A server of this process that misbehaves as it is told to.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Of a proxy's client, first the server that it wants to be connected with.
    pub(crate) path: String,
    /// By name in lower case.
    pub(crate) headers: HashMap<String, String>,
}

impl Request {
    /// The first byte that is asked for.
    pub(crate) fn from(&self) -> Option<usize> {
        self.headers.get("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What it does about a request.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// Status line and headers, without line ends; without any, not even the end of them is sent.
    pub(crate) head: Vec<String>,
    pub(crate) body: Vec<u8>,
    /// What it does after the body.
    pub(crate) then: Then,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Then {
    Close,
    /// Says nothing for a while, with the connection open.
    Stall(Duration),
}

/// A server that answers each request, counted from 0, as a function says.
pub(crate) struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(crate) fn start(reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        let reply = Arc::new(reply);
        // It lives as long as the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, reply) = (Arc::clone(&log), Arc::clone(&reply));
                thread::spawn(move || serve(stream, &log, &*reply));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<Request>>,
    reply: &(dyn Fn(usize, &Request) -> Reply + Send + Sync),
) {
    let Some((method, request)) = read(&stream) else { return };
    let number = {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        log.len() - 1
    };
    if method == "CONNECT" {
        // A proxy that is the server, too.
        let connected = b"HTTP/1.1 200 Connection established\r\n\r\n";
        if stream.write_all(connected).is_ok() {
            serve(stream, log, reply);
        }
        return;
    }
    let Reply { head, body, then } = reply(number, &request);
    let head = match head[..] {
        [] => String::new(),
        _ => format!("{}\r\nConnection: close\r\n\r\n", head.join("\r\n")),
    };
    // A client that has heard enough is its own test's business.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
    let _ = stream.flush();
    if let Then::Stall(time) = then {
        thread::sleep(time);
    }
}

/// A request's method, and the request.
fn read(stream: &TcpStream) -> Option<(String, Request)> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    let (method, rest) = first.split_once(' ')?;
    let path = rest.split(' ').next()?.to_owned();
    let headers = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_lowercase(), value.trim().to_owned()))
        })
        .collect();
    Some((method.to_owned(), Request { path, headers }))
}

impl Reply {
    pub(crate) fn new(status: &str, body: &[u8]) -> Self {
        let head = vec![format!("HTTP/1.1 {status}"), format!("Content-Length: {}", body.len())];
        Self { head, body: body.to_vec(), then: Then::Close }
    }

    /// The file, or the rest of it, as a good server answers.
    pub(crate) fn file(request: &Request, file: &[u8]) -> Self {
        match request.from() {
            Some(from) if from < file.len() => Self::part(from, file),
            Some(_) => Self::new("416 Range Not Satisfiable", b""),
            None => Self::new("200 OK", file),
        }
    }

    /// The rest of the file.
    pub(crate) fn part(from: usize, file: &[u8]) -> Self {
        let range = format!("Content-Range: bytes {from}-{}/{}", file.len() - 1, file.len());
        Self::new("206 Partial Content", &file[from..]).with(&range)
    }

    pub(crate) fn with(mut self, header: &str) -> Self {
        self.head.push(header.into());
        self
    }

    /// Without the header that says how long it is.
    pub(crate) fn without_length(mut self) -> Self {
        self.head.retain(|line| !line.starts_with("Content-Length"));
        self
    }

    /// In chunks, so that only the last one says that it was the last.
    pub(crate) fn chunked(self) -> Self {
        let mut reply = self.without_length().with("Transfer-Encoding: chunked");
        let mut body = Vec::new();
        for chunk in reply.body.chunks(1000) {
            body.extend(format!("{:x}\r\n", chunk.len()).bytes());
            body.extend(chunk);
            body.extend(b"\r\n");
        }
        body.extend(b"0\r\n\r\n");
        reply.body = body;
        reply
    }

    /// Of the body, only so many bytes.
    pub(crate) fn cut(mut self, bytes: usize) -> Self {
        self.body.truncate(bytes);
        self
    }

    pub(crate) fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}
