//! One request for a file, or for the rest of it.

use std::io;
use std::time::Duration;

use ureq::http::{HeaderMap, Response, StatusCode, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, Error, Timeout};

use crate::PullError;

/// How patient to be with a network.
///
/// ```
/// use pocketvision_download::{Network, Puller};
///
/// let impatient = Network { tries: 1, ..Network::default() };
/// let puller = Puller::new("models").with_network(impatient);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a server may send nothing.
    pub read_timeout: Duration,
    /// How often to ask before giving up on what may pass.
    pub tries: u32,
    /// How long to wait before the second try; before each further one twice as long.
    pub pause: Duration,
    /// Go through the proxies that the environment names.
    pub proxies: bool,
}

impl Default for Network {
    /// 10 seconds to connect, 30 seconds of silence, 5 tries after 1, 2, 4 and 8 seconds, proxies.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            tries: 5,
            pause: Duration::from_secs(1),
            proxies: true,
        }
    }
}

impl Network {
    pub(crate) fn agent(&self) -> Agent {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_resolve(Some(self.connect_timeout))
            .timeout_connect(Some(self.connect_timeout))
            .timeout_per_read(Some(self.read_timeout))
            .timeout_per_write(Some(self.read_timeout))
            // A body as it is stored: its length is the file's.
            .accept_encoding("identity")
            .user_agent(concat!("pocketvision/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(authorities()).build());
        if !self.proxies {
            config = config.proxy(None);
        }
        config.build().into()
    }
}

/// Whose certificates are believed: the system's authorities, for an organisation may have its
/// own; Mozilla's where there are none, as in a bare container.
fn authorities() -> RootCerts {
    let system = rustls_native_certs::load_native_certs().certs;
    if system.is_empty() {
        return RootCerts::WebPki;
    }
    system.iter().map(|der| Certificate::from_der(der).to_owned()).into()
}

/// What is there of a file already, and by what the server can tell that it still has that file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest<'a> {
    pub(crate) from: u64,
    pub(crate) validator: Option<&'a str>,
}

/// An answer that has the file, or the rest of it.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Where what comes belongs.
    pub(crate) from: u64,
    /// Size of the whole file, if the server says it.
    pub(crate) total: Option<u64>,
    /// True if the end of what comes is marked.
    pub(crate) ends: bool,
    /// By what the server can later tell that it still has this file.
    pub(crate) validator: Option<String>,
    pub(crate) body: Body,
}

/// Asks for a file, or for the rest of it. Redirections are followed.
pub(crate) fn ask(
    agent: &Agent,
    network: &Network,
    url: &str,
    rest: Option<Rest<'_>>,
) -> Result<Answer, PullError> {
    let mut request = agent.get(url);
    if let Some(Rest { from, validator }) = rest {
        request = request.header(header::RANGE, format!("bytes={from}-"));
        if let Some(validator) = validator {
            request = request.header(header::IF_RANGE, validator);
        }
    }
    let response = request.call().map_err(|error| ask_failure(url, error, network))?;
    answer(url, response, rest.map(|rest| rest.from))
}

fn answer(
    url: &str,
    response: Response<Body>,
    asked_from: Option<u64>,
) -> Result<Answer, PullError> {
    let headers = response.headers();
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let ends = length.is_some() || headers.contains_key(header::TRANSFER_ENCODING);
    let validator = validator(headers);
    let (from, total) = match response.status() {
        StatusCode::OK => (0, length),
        StatusCode::PARTIAL_CONTENT => {
            let range = headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
            match (range.and_then(content_range), asked_from) {
                (Some((from, total)), Some(asked)) if from == asked => {
                    (from, total.or(length.map(|rest: u64| from.saturating_add(rest))))
                }
                _ => {
                    let range = range.unwrap_or("nothing of that");
                    let reason = format!("the server was asked for the rest and sends {range}");
                    return Err(PullError::Protocol { url: url.into(), reason });
                }
            }
        }
        status => return Err(PullError::Status { url: url.into(), status: status.as_u16() }),
    };
    Ok(Answer { from, total, ends, validator, body: response.into_body() })
}

/// An entity tag that stands for these very bytes, else the date of the last change.
fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| Some(value.to_str().ok()?.to_owned()));
    let strong = text(header::ETAG).filter(|tag| tag.starts_with('"'));
    strong.or_else(|| text(header::LAST_MODIFIED))
}

/// First byte and size of the whole, as in `bytes 100-199/200`.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    Some((from.trim().parse().ok()?, total.trim().parse().ok()))
}

/// What went wrong while the bytes of a file came.
pub(crate) fn read_failure(
    url: &str,
    error: io::Error,
    bytes: u64,
    total: Option<u64>,
    network: &Network,
) -> PullError {
    let url = url.to_owned();
    match Error::from(error) {
        Error::Timeout(_) => stalled(url, bytes, network),
        Error::Io(error) => PullError::Broken { url, bytes, total, reason: cause(&error) },
        error => PullError::Broken { url, bytes, total, reason: error.to_string() },
    }
}

/// What went wrong before a server answered.
fn ask_failure(url: &str, error: Error, network: &Network) -> PullError {
    let unreachable = |reason: String| PullError::Unreachable { host: host(url).into(), reason };
    let certificate = |reason: String| PullError::Certificate { host: host(url).into(), reason };
    let url = url.to_owned();
    match error {
        Error::HostNotFound => unreachable("no such host is known".into()),
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            unreachable("it does not answer".into())
        }
        Error::Timeout(_) => stalled(url, 0, network),
        Error::ConnectionFailed => unreachable("the connection failed".into()),
        Error::ConnectProxyFailed(reason) => unreachable(format!("the proxy says {reason}")),
        Error::Rustls(error) => certificate(error.to_string()),
        Error::Io(error) => match error.kind() {
            // A handshake that fails.
            io::ErrorKind::InvalidData => certificate(cause(&error)),
            // It was reached, and then it went.
            io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof => {
                PullError::Broken { url, bytes: 0, total: None, reason: cause(&error) }
            }
            _ => unreachable(cause(&error)),
        },
        error => PullError::Protocol { url, reason: error.to_string() },
    }
}

const fn stalled(url: String, bytes: u64, network: &Network) -> PullError {
    PullError::Stalled { url, seconds: network.read_timeout.as_secs(), bytes }
}

/// The innermost reason.
fn cause(error: &io::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

/// The server's name in an address.
pub(crate) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.rsplit('@').next().unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!(content_range("bytes 100-199/200"), Some((100, Some(200))));
        assert_eq!(content_range("bytes 0-0/*"), Some((0, None)));
        for wrong in ["", "bytes", "bytes */200", "lines 1-2/3", "bytes x-1/2"] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_weak_tag_vouches_for_nothing() {
        let mut headers = HeaderMap::new();
        assert_eq!(validator(&headers), None);
        headers.insert(header::ETAG, "W/\"abc\"".parse().unwrap());
        assert_eq!(validator(&headers), None);
        headers.insert(header::LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        assert_eq!(validator(&headers).as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        headers.insert(header::ETAG, "\"abc\"".parse().unwrap());
        assert_eq!(validator(&headers).as_deref(), Some("\"abc\""));
    }

    #[test]
    fn hosts_are_named_without_their_secrets() {
        assert_eq!(host("https://a.org/x/y"), "a.org");
        assert_eq!(host("http://me:secret@a.org:8080?x"), "a.org:8080");
    }
}
