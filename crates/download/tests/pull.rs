//! Files come complete and right, or not at all, from servers of every kind.

mod server;

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use pocketvision_download::{
    Mirror, Network, Progress, PublishedFile, PullError, Pulled, Puller, Task, published,
};
use proptest::prelude::*;
use server::{Reply, Request, Server, Then};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const NAME: &str = "net.tflite";

/// Bytes that are not alike, of a size that is no multiple of anything.
fn contents() -> Vec<u8> {
    (0..200_003u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The file as the list would have it.
fn listed(url: String) -> PublishedFile {
    let bytes = contents();
    PublishedFile {
        name: NAME.into(),
        what: "a network".into(),
        task: Task::Classify,
        url,
        bytes: Some(bytes.len() as u64),
        sha256: Some(sha256(&bytes)),
        licence: "Apache-2.0".into(),
        source: "us".into(),
        accuracy: None,
        accuracy_source: None,
        needs: vec![],
    }
}

/// The file as it is listed when nobody here has had it.
fn unchecked(url: String) -> PublishedFile {
    PublishedFile { bytes: None, sha256: None, ..listed(url) }
}

fn network() -> Network {
    Network {
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(5),
        tries: 1,
        pause: Duration::ZERO,
        proxies: false,
    }
}

/// A folder, and a puller into it.
struct Folder {
    folder: TempDir,
    puller: Puller,
}

impl Folder {
    fn new(network: Network) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let puller = Puller::new(folder.path()).with_network(network);
        Self { folder, puller }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn pull(&self, file: &PublishedFile) -> Result<Pulled, PullError> {
        self.puller.pull(file, &mut |_| ())
    }

    /// The names of all files in it.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The file is there, is right, and nothing else is.
    fn assert_complete(&self) {
        assert_eq!(self.names(), [NAME]);
        assert!(fs::read(self.path(NAME)).unwrap() == contents(), "other bytes");
    }

    /// Nothing is under the file's name, and so much beside it.
    fn assert_partial(&self, bytes: usize) {
        assert!(!self.path(NAME).exists());
        let partial = fs::read(self.path("net.tflite.partial")).unwrap();
        assert!(partial == contents()[..bytes], "{} bytes", partial.len());
    }
}

#[test]
fn a_file_comes_with_its_progress() {
    let server = Server::start(|_, request| Reply::file(request, &contents()));
    let folder = Folder::new(Network { proxies: false, ..Network::default() });
    let mut heard: Vec<Progress> = Vec::new();
    let file = listed(server.url("home/net.tflite"));
    let pulled = folder.puller.pull(&file, &mut |progress| heard.push(progress)).unwrap();
    folder.assert_complete();
    let size = contents().len() as u64;
    assert_eq!(
        pulled,
        Pulled {
            path: folder.path(NAME),
            bytes: size,
            was_here: false,
            resumed_from: 0,
            checked: true
        }
    );
    assert!(heard.is_sorted_by_key(|progress| progress.bytes));
    assert_eq!(heard.first(), Some(&Progress { bytes: 0, total: Some(size) }));
    assert_eq!(heard.last(), Some(&Progress { bytes: size, total: Some(size) }));
    let requests = server.requests();
    assert_eq!(requests[0].path, "/home/net.tflite");
    // A compressed body would have another length than the file.
    assert_eq!(requests[0].headers["accept-encoding"], "identity");
    assert_eq!(requests.len(), 1);
}

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

/// An archive of these files.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, *bytes).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

#[test]
fn one_file_of_an_archive_is_kept() {
    let whole = archive(&[("net/model.ckpt", &[1; 5000]), ("net/net.tflite", &contents())]);
    let served = whole.clone();
    let server = Server::start(move |number, request| {
        let reply = Reply::file(request, &served).with("ETag: \"1\"");
        if number == 0 { reply.cut(1000) } else { reply }
    });
    let folder = Folder::new(network());
    let file = listed(server.url("net.tgz"));
    folder.pull(&file).unwrap_err();
    assert_eq!(folder.names(), ["net.tgz.partial", "net.tgz.partial.from"]);
    folder.pull(&file).unwrap();
    folder.assert_complete();
    assert_eq!(server.requests()[1].from(), Some(1000));

    for (what, bytes) in [
        ("no such file", archive(&[("net/other.tflite", &contents())])),
        ("another size", archive(&[("net.tflite", b"words")])),
        ("too long", archive(&[("net.tflite", &[contents(), vec![0; 99]].concat())])),
        ("other bytes", archive(&[("net.tflite", &vec![0; 200_003])])),
        ("cut off", whole[..whole.len() / 2].to_vec()),
        ("no archive", b"words".to_vec()),
    ] {
        let server = Server::start(move |_, request| Reply::file(request, &bytes));
        let folder = Folder::new(network());
        let error = folder.pull(&listed(server.url("net.tgz"))).unwrap_err().to_string();
        assert!(error.contains("net.tgz: "), "{what}: {error}");
        assert!(folder.names().is_empty(), "{what}: {:?}", folder.names());
    }
}

#[test]
fn a_mirror_has_files_by_their_names() {
    let server = Server::start(|_, request| Reply::file(request, &contents()));
    // An archive at home, the file itself in a mirror.
    let file = listed("https://home.invalid/elsewhere/net.tgz".into());
    let folder = Folder::new(network());
    let mirror = Mirror::parse(&server.url("mirror/"));
    folder.puller.clone().from_mirror(mirror).pull(&file, &mut |_| ()).unwrap();
    folder.assert_complete();
    assert_eq!(server.requests()[0].path, "/mirror/net.tflite");

    let from = |mirror: &Path| {
        let folder = Folder::new(network());
        let puller = folder.puller.clone().from_mirror(Mirror::Folder(mirror.to_owned()));
        let pulled = puller.pull(&file, &mut |_| ());
        (folder, pulled)
    };
    let (copy, pulled) = from(folder.folder.path());
    assert!(pulled.unwrap().checked);
    copy.assert_complete();

    let bad = tempfile::tempdir().unwrap();
    let (copy, pulled) = from(bad.path());
    let error = pulled.unwrap_err();
    assert!(matches!(error, PullError::NotInMirror { .. }), "{error}");
    assert!(copy.names().is_empty());
    for (bytes, word) in [(vec![0; 200_003], "SHA-256"), (vec![0; 5], "5 bytes")] {
        fs::write(bad.path().join(NAME), bytes).unwrap();
        let (copy, pulled) = from(bad.path());
        let error = pulled.unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
        assert!(copy.names().is_empty());
    }
}

#[test]
fn a_file_that_is_there_stays() {
    let server = Server::start(|_, request| Reply::file(request, &contents()));
    let file = listed(server.url(NAME));
    let folder = Folder::new(network());
    folder.pull(&file).unwrap();
    let pulled = folder.pull(&file).unwrap();
    assert!(pulled.was_here && pulled.checked);
    assert_eq!(server.requests().len(), 1);

    for other in [vec![0; 200_003], b"words".to_vec()] {
        fs::write(folder.path(NAME), &other).unwrap();
        let error = folder.pull(&file).unwrap_err().to_string();
        assert!(error.contains("--force"), "{error}");
        assert!(fs::read(folder.path(NAME)).unwrap() == other);
    }
    // Not before the new one is complete.
    let breaks = Server::start(|_, request| Reply::file(request, &contents()).cut(10));
    let replacing = folder.puller.clone().replacing(true);
    replacing.pull(&listed(breaks.url(NAME)), &mut |_| ()).unwrap_err();
    assert_eq!(fs::read(folder.path(NAME)).unwrap(), b"words");
    replacing.pull(&file, &mut |_| ()).unwrap();
    folder.assert_complete();
}

#[test]
fn two_processes_do_not_write_one_file() {
    let server = Server::start(|_, request| Reply::file(request, &contents()));
    let folder = Folder::new(network());
    let file = listed(server.url(NAME));
    let (puller, mut second) = (folder.puller.clone(), None);
    let first = puller.pull(&file, &mut |progress| {
        if progress.bytes > 0 && second.is_none() {
            second = Some(folder.pull(&file));
        }
    });
    first.unwrap();
    folder.assert_complete();
    assert!(matches!(second, Some(Err(PullError::Busy { .. }))), "{second:?}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    write!(&file, "no folder").unwrap();
    let puller = Puller::new(file.path().join("models")).with_network(network());
    let error = puller.pull(&listed("http://127.0.0.1:9/x".into()), &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("models: "), "{error}");
}

/// The list against the files themselves, where they are at hand.
#[test]
fn the_list_says_what_the_files_are() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let shared = std::env::var_os("POCKETVISION_SHARED").unwrap_or_else(|| default.into());
    let models = Path::new(&shared).join("models");
    if !models.is_dir() {
        let required = std::env::var("POCKETVISION_REQUIRE_SHARED").is_ok_and(|value| value == "1");
        assert!(!required, "{} is not there, and is required", models.display());
        // Not eprintln: the test harness would keep it to itself.
        let _ = writeln!(std::io::stderr(), "IGNORED: {} is not there", models.display());
        return;
    }
    let folder = Folder::new(network());
    let puller = folder.puller.clone().from_mirror(Mirror::Folder(models.clone()));
    let mut checked = 0;
    for file in published().iter().filter(|file| file.sha256.is_some()) {
        let pulled = puller.pull(file, &mut |_| ()).unwrap();
        assert!(pulled.checked, "{}", file.name);
        checked += 1;
    }
    assert_eq!(folder.names().len(), checked);
    assert!(checked >= 10, "{checked}");
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
