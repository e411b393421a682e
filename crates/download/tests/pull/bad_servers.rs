//! Servers that fall silent, lie or are not there.

use std::net::TcpListener;
use std::time::Duration;

use pocketvision_download::{Network, PullError};
use proptest::prelude::*;

use crate::folder::{Folder, NAME, contents, listed, network, sha256, unchecked};
use crate::server::{Reply, Request, Server, Then};

#[test]
fn a_server_that_falls_silent_is_left_after_a_while() {
    let stalls = |request: &Request, bytes| {
        let then = Then::Stall(Duration::from_secs(20));
        Reply::file(request, &contents()).cut(bytes).then(then)
    };
    let server = Server::start(move |_, request| stalls(request, 60_000));
    let impatient = Network { read_timeout: Duration::from_millis(300), ..network() };
    let folder = Folder::new(impatient);
    let error = folder.pull(&listed(server.url(NAME))).unwrap_err();
    assert!(matches!(error, PullError::Stalled { bytes: 60_000, .. }), "{error}");
    folder.assert_partial(60_000);

    // Not even a status line.
    let mute =
        Server::start(move |_, request| Reply { head: vec![], body: vec![], ..stalls(request, 0) });
    let folder = Folder::new(impatient);
    let error = folder.pull(&listed(mute.url(NAME))).unwrap_err();
    assert!(matches!(error, PullError::Stalled { bytes: 0, .. }), "{error}");
    assert!(folder.names().is_empty());
}

#[test]
fn lengths_that_are_not_the_files_are_refused() {
    let longer = [contents(), vec![0; 10]].concat();
    for (what, found, reply) in [
        ("announces more", 200_013, Reply::new("200 OK", &longer)),
        ("announces less", 5, Reply::new("200 OK", b"words")),
        ("sends more", 200_013, Reply::new("200 OK", &longer).chunked()),
    ] {
        let server = Server::start(move |_, _| reply.clone());
        let folder = Folder::new(Network { tries: 3, ..network() });
        let error = folder.pull(&listed(server.url(NAME))).unwrap_err();
        match error {
            PullError::Size { found: size, bytes: 200_003, .. } => {
                // Of what has no announced size, no more is read than shows that it is too much.
                assert!(size == found || size > 200_003, "{what}: {error}");
            }
            _ => panic!("{what}: {error}"),
        }
        assert!(folder.names().is_empty(), "{what}: {:?}", folder.names());
        assert_eq!(server.requests().len(), 1, "{what}: another try would bring the same");
    }
}

#[test]
fn a_break_shows_without_an_announced_length() {
    // The list knows the size.
    let server = Server::start(|_, request| Reply::file(request, &contents()).without_length());
    let folder = Folder::new(network());
    folder.pull(&listed(server.url(NAME))).unwrap();
    folder.assert_complete();
    let server =
        Server::start(|_, request| Reply::file(request, &contents()).without_length().cut(9000));
    let folder = Folder::new(network());
    let error = folder.pull(&listed(server.url(NAME))).unwrap_err();
    assert!(matches!(error, PullError::Broken { bytes: 9000, .. }), "{error}");

    // Chunks have an end.
    let server = Server::start(|_, request| Reply::file(request, &contents()).chunked());
    let folder = Folder::new(network());
    folder.pull(&unchecked(server.url(NAME))).unwrap();
    folder.assert_complete();
    let server = Server::start(|_, request| Reply::file(request, &contents()).chunked().cut(5000));
    let folder = Folder::new(network());
    let error = folder.pull(&unchecked(server.url(NAME))).unwrap_err();
    assert!(matches!(error, PullError::Broken { .. }), "{error}");
    assert!(!folder.path(NAME).exists());

    // Nothing else does.
    let server = Server::start(|_, request| Reply::file(request, &contents()).without_length());
    let folder = Folder::new(network());
    let error = folder.pull(&unchecked(server.url(NAME))).unwrap_err();
    assert!(matches!(error, PullError::NoLength { .. }), "{error}");
    assert!(folder.names().is_empty());
}

#[test]
fn other_bytes_are_thrown_away() {
    let mut other = contents();
    other[100_000] ^= 1;
    let served = other.clone();
    let server = Server::start(move |_, request| Reply::file(request, &served));
    let folder = Folder::new(Network { tries: 3, ..network() });
    let error = folder.pull(&listed(server.url(NAME))).unwrap_err();
    match &error {
        PullError::Checksum { found, .. } => assert_eq!(*found, sha256(&other)),
        _ => panic!("{error}"),
    }
    assert!(folder.names().is_empty());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn refusals_are_told_and_what_may_pass_is_tried_again() {
    let gone = Server::start(|_, _| Reply::new("404 Not Found", b"no such page"));
    let folder = Folder::new(Network { tries: 3, ..network() });
    let error = folder.pull(&listed(gone.url(NAME))).unwrap_err();
    assert!(matches!(error, PullError::Status { status: 404, .. }), "{error}");
    assert!(error.to_string().contains("--from"), "{error}");
    assert!(folder.names().is_empty());
    assert_eq!(gone.requests().len(), 1);

    let busy = Server::start(|number, request| match number {
        0 => Reply::new("503 Service Unavailable", b""),
        1 => Reply::new("429 Too Many Requests", b""),
        _ => Reply::file(request, &contents()),
    });
    folder.pull(&listed(busy.url(NAME))).unwrap();
    folder.assert_complete();

    let folder = Folder::new(Network { tries: 2, ..network() });
    let broken = Server::start(|_, _| Reply::new("500 Internal Server Error", b""));
    let error = folder.pull(&listed(broken.url(NAME))).unwrap_err();
    assert!(matches!(error, PullError::Status { status: 500, .. }), "{error}");
    assert_eq!(broken.requests().len(), 2);
}

#[test]
fn nonsense_is_an_error() {
    let chatter = Server::start(|_, _| Reply {
        head: vec!["SSH-2.0-OpenSSH".into()],
        body: vec![],
        then: Then::Close,
    });
    let folder = Folder::new(network());
    folder.pull(&listed(chatter.url(NAME))).unwrap_err();
    folder.pull(&listed("no address at all".into())).unwrap_err();
    assert!(folder.names().is_empty());
}

#[test]
fn without_a_network_it_says_so_at_once() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let slow = Network { tries: 5, pause: Duration::from_secs(60), ..network() };
    let folder = Folder::new(slow);
    let error = folder.pull(&listed(format!("http://{port}/{NAME}"))).unwrap_err();
    assert!(error.is_offline(), "{error}");
    assert!(error.to_string().contains(&port.to_string()), "{error}");
    // A name that none can have, of RFC 6761.
    let error = folder.pull(&listed(format!("http://home.invalid/{NAME}"))).unwrap_err();
    assert!(error.is_offline() && error.to_string().starts_with("home.invalid "), "{error}");
    assert!(folder.names().is_empty());
}

#[test]
fn a_server_without_its_certificate_is_not_believed() {
    let server = Server::start(|_, request| Reply::file(request, &contents()));
    let folder = Folder::new(network());
    let url = server.url(NAME).replace("http:", "https:");
    let error = folder.pull(&listed(url)).unwrap_err();
    assert!(matches!(error, PullError::Certificate { .. } | PullError::Broken { .. }), "{error}");
    assert!(folder.names().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever a server does, a file of the list's checksum is under the name, or none.
    #[test]
    fn no_server_gets_a_wrong_file_under_the_name(
        replies in prop::collection::vec((0u8..6, 0usize..210_000), 1..6),
        checked in any::<bool>(),
    ) {
        let plan = replies.clone();
        let server = Server::start(move |number, request| {
            let (kind, at) = plan[number % plan.len()];
            let file = contents();
            let tagged = |reply: Reply| reply.with("ETag: \"1\"");
            match kind {
                0 => tagged(Reply::file(request, &file)),
                1 => tagged(Reply::file(request, &file).cut(at)),
                2 => tagged(Reply::new("200 OK", &file).cut(at)),
                3 => Reply::new("503 Service Unavailable", b""),
                4 => tagged(Reply::file(request, &file).chunked().cut(at)),
                _ if checked => Reply::file(request, &vec![3; file.len()]).cut(at),
                _ => Reply::new("404 Not Found", b""),
            }
        });
        let folder = Folder::new(Network { tries: 3, ..network() });
        let file = if checked { listed(server.url(NAME)) } else { unchecked(server.url(NAME)) };
        for _ in 0..3 {
            match folder.pull(&file) {
                Ok(_) => folder.assert_complete(),
                Err(_) => prop_assert!(!folder.path(NAME).exists()),
            }
        }
    }
}
