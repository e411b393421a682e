//! Files that come out of an archive, or from another place than their home.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use pocketvision_download::{Mirror, PullError, published};

use crate::folder::{Folder, NAME, contents, listed, network};
use crate::server::{Reply, Server};

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
