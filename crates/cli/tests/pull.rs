//! `models pull`, as a user meets it: in a folder of models, with and without a network.

mod command;
#[path = "../../download/tests/server/mod.rs"]
#[allow(dead_code, reason = "it can do more than is needed here")]
mod server;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use command::{json_of, pocketvision, shared, stdout, text};
use serde_json::Value;
use server::{Reply, Server, Then};
use tempfile::TempDir;

/// A network of the list that nobody here has had: whatever bytes come are it.
const UNCHECKED: &str = "ssd_mobilenet_v2_coco_quant_postprocess";
const CHECKED: &str = "mobilenet_v1_0.25_128_quant";

/// `models pull` into a folder, cut off from the network.
fn pull(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = pocketvision(&[&["models", "pull"], arguments].concat());
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(proxy).env_remove(proxy.to_lowercase());
    }
    command.env("POCKETVISION_MODELS", folder.path());
    command
}

fn contents() -> Vec<u8> {
    (0..100_000u32).map(|i| (i % 251) as u8).collect()
}

/// The one line that a command which failed says.
fn failure(output: &Output) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr.trim().to_owned()
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_was_pulled_is_found_by_name() {
    let Some(shared) = shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let models = shared.join("models");
    let report =
        json_of(&mut pull(&folder, &[CHECKED, "--json", "--quiet", "--from", text(&models)]));
    let file = &report["files"][0];
    assert_eq!((&file["checked"], &file["was_here"]), (&true.into(), &false.into()));
    assert_eq!(file["file"], text(&folder.path().join(format!("{CHECKED}.tflite"))));
    let find = |arguments: &[&str]| {
        json_of(pocketvision(arguments).arg("--json").env("POCKETVISION_MODELS", folder.path()))
    };
    assert_eq!(find(&["inspect", CHECKED])["weights"], "trained");
    let listed = find(&["models", "pull", "--list"]);
    let files = listed["files"].as_array().unwrap();
    let here: Vec<&Value> = files.iter().filter(|file| !file["here"].is_null()).collect();
    assert_eq!((here.len(), &here[0]["name"]), (1, &format!("{CHECKED}.tflite").into()));

    let again = pull(&folder, &[CHECKED, "--quiet"]).output().unwrap();
    assert!(stdout(&again).contains("was here"), "{again:?}");
}

#[test]
fn labels_that_are_missing_are_a_note() {
    let Some(shared) = shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let output =
        pull(&folder, &[CHECKED, "--from", text(&shared.join("models"))]).output().unwrap();
    assert!(stdout(&output).contains("SHA-256 agrees"), "{output:?}");
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.starts_with("note: ") && notes.contains("imagenet_labels.txt"), "{notes}");
    assert_eq!(notes.lines().count(), 1);
}

#[test]
fn a_network_comes_with_its_labels() {
    let Some(shared) = shared() else { return };
    let server = Server::start(move |_, request| {
        let folder = if request.path.ends_with(".txt") { "labels" } else { "models" };
        let name = Path::new(&request.path).file_name().unwrap();
        Reply::file(request, &fs::read(shared.join(folder).join(name)).unwrap())
    });
    let folder = tempfile::tempdir().unwrap();
    stdout(&pull(&folder, &[CHECKED, "--from", &server.url("m")]).output().unwrap());
    assert_eq!(names(&folder), ["imagenet_labels.txt".into(), format!("{CHECKED}.tflite")]);
    let report = json_of(
        pocketvision(&["classify", "--model", CHECKED, "--json"])
            .env("POCKETVISION_MODELS", folder.path()),
    );
    assert!(report["images"][0]["top"][0]["label"].is_string(), "{report}");
}

#[test]
fn other_bytes_leave_nothing() {
    let server = Server::start(|_, request| {
        Reply::file(request, &vec![1; if request.path.contains("0.25_128") { 525_598 } else { 9 }])
    });
    let folder = tempfile::tempdir().unwrap();
    let line = failure(&pull(&folder, &[CHECKED, "--from", &server.url("")]).output().unwrap());
    assert!(line.contains("another file") && line.contains("SHA-256"), "{line}");
    assert!(names(&folder).is_empty());
    let gone = Server::start(|_, _| Reply::new("404 Not Found", b""));
    let line = failure(&pull(&folder, &[CHECKED, "--from", &gone.url("m")]).output().unwrap());
    assert!(line.contains("404") && line.contains("/m/mobilenet_v1"), "{line}");
    assert!(names(&folder).is_empty());
}

#[test]
fn without_a_network_one_line_says_so_and_what_is_here() {
    let folder = tempfile::tempdir().unwrap();
    let offline = |arguments: &[&str]| {
        // Port 9 of this machine, where nobody listens: nothing is asked of anybody.
        let output = pull(&folder, arguments).env("ALL_PROXY", "http://127.0.0.1:9").output();
        failure(&output.unwrap())
    };
    let line = offline(&[CHECKED]);
    assert!(line.starts_with("error: ") && line.contains("cannot be reached"), "{line}");
    assert!(line.contains("no model file is here yet"), "{line}");
    fs::write(folder.path().join("mine.tflite"), "").unwrap();
    let line = offline(&[CHECKED]);
    assert!(line.contains("here already: mine"), "{line}");
    assert!(line.contains("--from"), "{line}");
    assert_eq!(names(&folder), ["mine.tflite"]);
}

#[test]
fn proxies_of_the_environment_are_used() {
    let proxy = Server::start(|_, request| Reply::file(request, &contents()));
    let folder = tempfile::tempdir().unwrap();
    let mirror = "http://mirror.invalid/models";
    let through = |folder: &TempDir, no_proxy: &str| {
        let mut command = pull(folder, &[UNCHECKED, "--from", mirror]);
        command.env("HTTP_PROXY", proxy.url("")).env("NO_PROXY", no_proxy);
        command.output().unwrap()
    };
    stdout(&through(&folder, ""));
    assert!(fs::read(folder.path().join(format!("{UNCHECKED}.tflite"))).unwrap() == contents());
    let asked: Vec<String> = proxy.requests().into_iter().map(|request| request.path).collect();
    let path = format!("/models/{UNCHECKED}.tflite");
    assert_eq!(asked, ["mirror.invalid:80".to_owned(), path]);

    let folder = tempfile::tempdir().unwrap();
    let line = failure(&through(&folder, "mirror.invalid"));
    assert!(line.contains("mirror.invalid cannot be reached"), "{line}");
    assert_eq!(proxy.requests().len(), 2);
}

/// Pulls from a server that stops in the middle, until so much is there.
fn pull_until_it_stalls(folder: &TempDir, server: &Server, bytes: u64) -> Child {
    let mut child = pull(folder, &[UNCHECKED, "--from", &server.url("m")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let partial = folder.path().join(format!("{UNCHECKED}.tflite.partial"));
    let start = Instant::now();
    while fs::metadata(&partial).map_or(0, |file| file.len()) < bytes {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing comes");
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

#[cfg(unix)]
#[test]
fn an_interrupted_pull_leaves_no_file_and_is_gone_on_with() {
    use std::os::unix::process::ExitStatusExt;

    let server = Server::start(|number, request| {
        let reply = Reply::file(request, &contents()).with("ETag: \"1\"");
        match number {
            0 | 1 => reply.cut(40_000).then(Then::Stall(Duration::from_secs(60))),
            _ => reply,
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(format!("{UNCHECKED}.tflite"));

    // Ctrl-C.
    let mut child = pull_until_it_stalls(&folder, &server, 40_000);
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!file.exists());

    // As if the power failed.
    let mut child = pull_until_it_stalls(&folder, &server, 80_000);
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    assert!(!file.exists());

    let report = json_of(&mut pull(&folder, &[UNCHECKED, "--json", "--from", &server.url("m")]));
    assert_eq!(report["files"][0]["resumed_from"], 80_000);
    assert!(fs::read(&file).unwrap() == contents());
    assert_eq!(names(&folder), [format!("{UNCHECKED}.tflite")]);
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let server = Server::start(|_, request| {
        Reply::file(request, &contents()).cut(100).then(Then::Stall(Duration::from_secs(60)))
    });
    let folder = tempfile::tempdir().unwrap();
    let arguments = [UNCHECKED, "--timeout", "1", "--tries", "1", "--from", &server.url("m")];
    let line = failure(&pull(&folder, &arguments).output().unwrap());
    assert!(line.contains("nothing came for 1 s"), "{line}");
    assert!(!folder.path().join(format!("{UNCHECKED}.tflite")).exists());
}

#[test]
fn names_that_are_mistyped_get_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let line = failure(&pull(&folder, &["mobilenet_edgtpu_224_1.0_uint8"]).output().unwrap());
    assert!(line.contains("did you mean 'mobilenet_edgetpu_224_1.0_uint8'"), "{line}");
    let nothing = pull(&folder, &[]).output().unwrap();
    assert_eq!(nothing.status.code(), Some(2));
}

#[test]
fn a_network_that_could_be_pulled_says_so() {
    for arguments in [["inspect", CHECKED], ["inspect", &format!("{CHECKED}.tflite")]] {
        let line = failure(&pocketvision(&arguments).output().unwrap());
        assert!(line.contains(&format!("`pocketvision models pull {CHECKED}`")), "{line}");
    }
}

#[test]
fn another_file_of_the_name_is_replaced_only_on_request() {
    let server = Server::start(|_, request| Reply::file(request, &contents()));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(format!("{CHECKED}.tflite"));
    fs::write(&file, "mine").unwrap();
    let from = ["--from", &server.url("m")];
    let line = failure(&pull(&folder, &[&[CHECKED], &from[..]].concat()).output().unwrap());
    assert!(line.contains("--force"), "{line}");
    let elsewhere = folder.path().join("other");
    let to = ["--to", text(&elsewhere)];
    stdout(&pull(&folder, &[&[UNCHECKED], &from[..], &to].concat()).output().unwrap());
    assert!(elsewhere.join(format!("{UNCHECKED}.tflite")).is_file());
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}
