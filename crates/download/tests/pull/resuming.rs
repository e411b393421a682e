//! What is here already is not sent again, unless it is of another file.

use std::fs;

use pocketvision_download::{Network, PullError};

use crate::folder::{Folder, NAME, contents, listed, network, unchecked};
use crate::server::{Reply, Request, Server};

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let server = Server::start(|number, request| match number {
        0 => Reply::file(request, &contents()).cut(70_000).with("ETag: \"1\""),
        _ => Reply::file(request, &contents()).with("ETag: \"1\""),
    });
    let folder = Folder::new(Network { tries: 2, ..network() });
    let pulled = folder.pull(&listed(server.url(NAME))).unwrap();
    folder.assert_complete();
    assert_eq!(pulled.resumed_from, 0, "it is all of one pull");
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].from(), Some(70_000));
    assert_eq!(requests[1].headers["if-range"], "\"1\"");
}

#[test]
fn what_a_pull_leaves_the_next_one_goes_on_with() {
    let breaks = Server::start(|_, request| Reply::file(request, &contents()).cut(50_000));
    let folder = Folder::new(Network { tries: 3, ..network() });
    let file = listed(breaks.url(NAME));
    let error = folder.pull(&file).unwrap_err();
    let PullError::Broken { bytes: 150_000, total: Some(200_003), .. } = error else {
        panic!("{error}")
    };
    assert!(error.to_string().contains("run the command again"), "{error}");
    folder.assert_partial(150_000);

    // Another server will do where a checksum vouches for the whole.
    let works = Server::start(|_, request| Reply::file(request, &contents()));
    let pulled = folder.pull(&listed(works.url(NAME))).unwrap();
    folder.assert_complete();
    assert_eq!(pulled.resumed_from, 150_000);
    assert_eq!(works.requests()[0].from(), Some(150_000));
}

#[test]
fn without_a_checksum_only_the_same_server_goes_on() {
    let server = |tag: &'static str, cut: usize| {
        Server::start(move |_, request: &Request| {
            let same = request.headers.get("if-range").is_none_or(|wanted| wanted == tag);
            let reply = match same {
                true => Reply::file(request, &contents()),
                false => Reply::new("200 OK", &contents()),
            };
            reply.cut(cut).with(&format!("ETag: {tag}"))
        })
    };
    let folder = Folder::new(network());
    let breaks = server("\"old\"", 1000);
    folder.pull(&unchecked(breaks.url(NAME))).unwrap_err();
    folder.pull(&unchecked(breaks.url(NAME))).unwrap_err();
    assert_eq!(breaks.requests()[1].from(), Some(1000));
    assert_eq!(breaks.requests()[1].headers["if-range"], "\"old\"");
    folder.assert_partial(2000);

    let other = server("\"new\"", usize::MAX);
    let pulled = folder.pull(&unchecked(other.url(NAME))).unwrap();
    folder.assert_complete();
    assert_eq!(other.requests()[0].from(), None, "another address may have another file");
    assert!(!pulled.checked);
}

#[test]
fn a_server_that_has_changed_its_file_sends_all_of_it() {
    let server = Server::start(|number, request| match number {
        0 => Reply::new("200 OK", &[7; 3000]).cut(2000).with("ETag: \"old\""),
        _ => {
            assert_eq!(request.headers["if-range"], "\"old\"");
            Reply::new("200 OK", &contents()).with("ETag: \"new\"")
        }
    });
    let folder = Folder::new(network());
    folder.pull(&unchecked(server.url(NAME))).unwrap_err();
    let pulled = folder.pull(&unchecked(server.url(NAME))).unwrap();
    folder.assert_complete();
    assert_eq!(pulled.resumed_from, 0);
}

#[test]
fn pieces_of_two_files_are_noticed_and_fetched_anew() {
    let server = Server::start(|_, request| Reply::file(request, &contents()));
    for stale in [vec![1; 5000], vec![1; 200_003]] {
        let folder = Folder::new(network());
        fs::write(folder.path("net.tflite.partial"), &stale).unwrap();
        let pulled = folder.pull(&listed(server.url(NAME))).unwrap();
        folder.assert_complete();
        assert_eq!(pulled.resumed_from, 0);
    }
    let from: Vec<_> = server.requests().iter().map(Request::from).collect();
    assert_eq!(from, [Some(5000), None, None]);
    // More than there can be is not asked about.
    let folder = Folder::new(network());
    fs::write(folder.path("net.tflite.partial"), vec![1; 300_000]).unwrap();
    folder.pull(&listed(server.url(NAME))).unwrap();
    folder.assert_complete();
    assert_eq!(server.requests().last().unwrap().from(), None);
}

#[test]
fn servers_that_know_no_ranges_send_all_again() {
    type Case = (&'static str, fn() -> Reply);
    let cases: [Case; 4] = [
        ("ignores it", || Reply::new("200 OK", &contents())),
        ("sends another range", || {
            Reply::new("206 Partial Content", &contents()[9..])
                .with("Content-Range: bytes 9-200002/200003")
        }),
        ("does not say which", || Reply::new("206 Partial Content", &contents()[4000..])),
        ("refuses it", || Reply::new("416 Range Not Satisfiable", b"")),
    ];
    for (what, with_range) in cases {
        let server = Server::start(move |_, request| match request.from() {
            Some(_) => with_range(),
            None => Reply::new("200 OK", &contents()),
        });
        let folder = Folder::new(network());
        fs::write(folder.path("net.tflite.partial"), &contents()[..4000]).unwrap();
        let pulled = folder.pull(&listed(server.url(NAME))).unwrap();
        folder.assert_complete();
        assert_eq!((pulled.resumed_from, server.requests()[0].from()), (0, Some(4000)), "{what}");
    }
}

#[test]
fn redirections_lead_to_the_rest_too() {
    let home = Server::start(|_, request| Reply::file(request, &contents()));
    let target = home.url("store/net.tflite");
    let points = Server::start(move |_, _| {
        Reply::new("302 Found", b"").with(&format!("Location: {target}"))
    });
    let folder = Folder::new(network());
    fs::write(folder.path("net.tflite.partial"), &contents()[..4000]).unwrap();
    let pulled = folder.pull(&listed(points.url(NAME))).unwrap();
    folder.assert_complete();
    assert_eq!(pulled.resumed_from, 4000);
    assert_eq!(home.requests()[0].path, "/store/net.tflite");

    let circle = Server::start(|_, _| Reply::new("302 Found", b"").with("Location: /net.tflite"));
    let folder = Folder::new(network());
    let error = folder.pull(&listed(circle.url(NAME))).unwrap_err();
    assert!(matches!(error, PullError::Protocol { .. }), "{error}");
    assert!(folder.names().is_empty());
}
