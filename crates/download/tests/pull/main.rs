//! Files come complete and right, or not at all, from servers of every kind.

#[path = "../server/mod.rs"]
mod server;

mod archives_and_mirrors;
mod bad_servers;
mod folder;
mod resuming;

use std::fs;
use std::io::Write as _;

use folder::{Folder, NAME, contents, listed, network};
use pocketvision_download::{Network, Progress, PullError, Pulled, Puller};
use server::{Reply, Server};

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
