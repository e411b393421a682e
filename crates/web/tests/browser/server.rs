//! A web server for one page: files of a folder, the test's input, and what the page sends back.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// What the page computed.
pub(crate) struct Answer {
    /// The bytes of the first output.
    pub(crate) bytes: Vec<u8>,
    /// What it tells of the adapter and its speed.
    pub(crate) told: String,
}

pub(crate) struct Server {
    address: SocketAddr,
    page: String,
    answers: Receiver<Result<Answer, String>>,
}

struct Site {
    folder: PathBuf,
    input: Vec<u8>,
    answers: Sender<Result<Answer, String>>,
}

impl Server {
    /// Serves a built page, and the test's page and input beside it.
    pub(crate) fn start(folder: &Path, page: String, input: Vec<u8>) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let (sender, answers) = channel();
        let site = Arc::new(Site { folder: folder.to_owned(), input, answers: sender });
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let site = Arc::clone(&site);
                // A browser that hangs up is of no concern: the test waits for the answer.
                std::thread::spawn(move || site.serve(&stream));
            }
        });
        Ok(Self { address, page, answers })
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}/{}", self.address, self.page)
    }

    pub(crate) fn wait_for_answer(&self) -> Result<Answer, String> {
        let answer = self.answers.recv_timeout(LONGEST_RUN);
        answer.map_err(|_| format!("no answer from the browser within {LONGEST_RUN:?}"))?
    }
}

impl Site {
    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut request = String::new();
        reader.read_line(&mut request)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
                break;
            }
            let line = line.to_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let mut words = request.split_whitespace();
        let method = words.next().unwrap_or_default();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if method == "POST" {
            let told = percent_decoded(query);
            let answer = match path {
                "/answer" => Ok(Answer { bytes: body, told }),
                _ => Err(String::from_utf8_lossy(&body).into_owned()),
            };
            let _ = self.answers.send(answer);
            return respond(stream, "204 No Content", "text/plain", &[]);
        }
        let (kind, content) = match path {
            "/check.html" => ("text/html", include_bytes!("check.html").to_vec()),
            "/input" => ("application/octet-stream", self.input.clone()),
            path => {
                let name = path.trim_start_matches('/');
                // Files of the folder alone.
                let is_within = name.split('/').all(|part| !["", ".", ".."].contains(&part));
                let file = is_within.then(|| std::fs::read(self.folder.join(name)));
                let Some(Ok(content)) = file else {
                    return respond(stream, "404 Not Found", "text/plain", b"no such file");
                };
                (kind_of(name), content)
            }
        };
        respond(stream, "200 OK", kind, &content)
    }
}

fn respond(mut stream: &TcpStream, status: &str, kind: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n"
    )?;
    stream.write_all(body)
}

fn kind_of(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html",
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Shaders are compiled in software, on a machine that may be busy.
const LONGEST_RUN: Duration = Duration::from_secs(300);
