//! The page of a comparison, as a browser shows it and as it says what the table says.

mod command;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use command::{SMALL, json, pocketvision, text};
use roxmltree::{Document, Node, ParsingOptions};

/// A comparison's report, and its page.
fn compared(file: &Path, arguments: &[&str]) -> (serde_json::Value, String) {
    let report = json(&[&["compare", "--html", text(file)], arguments].concat());
    (report, fs::read_to_string(file).unwrap())
}

fn parsed(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).expect("tags that nest")
}

fn table<'a>(page: &'a Document<'_>, section: &str) -> Vec<Vec<String>> {
    let is_section = |node: &Node<'_, '_>| node.attribute("aria-labelledby") == Some(section);
    let section = page.descendants().find(is_section).unwrap();
    let body = section.descendants().find(|node| node.has_tag_name("tbody")).unwrap();
    let text = |cell: Node<'a, 'a>| {
        let parts = cell.descendants().filter(Node::is_text).filter_map(|node| node.text());
        parts.collect::<String>().trim().to_owned()
    };
    let rows = body.children().filter(|node| node.has_tag_name("tr"));
    rows.map(|row| row.children().filter(Node::is_element).map(text).collect()).collect()
}

#[test]
fn its_figures_are_those_of_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    let options = ["--backends", "cpu,edgetpu-sim", "--runs", "3", "--layers"];
    let (report, html) = compared(&file, &[&SMALL[..], &options].concat());
    let page = parsed(&html);
    let latencies = table(&page, "latency");
    let backends = report["backends"].as_array().unwrap();
    assert_eq!((latencies.len(), backends.len()), (3, 3));
    for backend in backends {
        let name = backend["backend"].as_str().unwrap();
        let row = latencies.iter().find(|row| row[0] == name).unwrap();
        // Three digits of it, rounded once.
        let shown: f64 = row[2].parse().unwrap();
        let median = backend["median_ms"].as_f64().unwrap();
        assert!((shown - median).abs() <= 0.005 * median.max(0.1), "{row:?} of {median}");
        assert_eq!(row[6], backend["runs"].to_string());
        assert_eq!(row[1], backend["clock"].as_str().unwrap());
        let layers = backend["profile"]["layers"].as_array().unwrap();
        let sum: f64 = layers.iter().map(|layer| layer["latency_ms"].as_f64().unwrap()).sum();
        let total = backend["profile"]["latency_ms"].as_f64().unwrap();
        assert!((sum - total).abs() < 1e-6 * total);
        let agreement = table(&page, "agreement");
        let row = agreement.iter().find(|row| row[0] == name).unwrap();
        assert!(backend["output_sha256"].as_str().unwrap().starts_with(&row[4]));
        if name != "reference" {
            assert!(row[1].starts_with("identical"), "{row:?}");
        }
    }
    let roof = &backends.iter().find(|row| row["backend"] == "cpu").unwrap()["roofline"]["roof"];
    assert!(roof["macs_per_second"].as_f64().unwrap() > 0.0 && roof["source"] == "measured");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no partial file is left");
}

#[test]
fn an_accuracy_is_published_of_the_published_form_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    let model = ["--model", "mobilenet-v1-0.25", "--backends", "edgetpu-sim"];
    for (form, is_published) in [(&[][..], true), (&["--size", "64"], false)] {
        let (_, html) = compared(&file, &[&model[..], form].concat());
        assert_eq!(html.contains("Published top-1"), is_published);
    }
}

#[test]
fn a_picture_with_a_hostile_name_is_shown_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("<img src=x onerror=alert(1)>&.png");
    if pocketvision::vision::SamplePicture::Macaw.paint(64, 48).save_png(&picture).is_err() {
        // Not every file system has such names.
        return;
    }
    let file = folder.path().join("page.html");
    let options = ["--backends", "edgetpu-sim", text(&picture)];
    let (_, html) = compared(&file, &[&SMALL[..], &options].concat());
    let page = parsed(&html);
    assert_eq!(page.descendants().filter(|node| node.has_tag_name("img")).count(), 1);
    assert!(page.descendants().any(|node| node.text() == Some(text(&picture))));
}

#[test]
fn a_page_that_cannot_be_written_is_an_error_that_names_it() {
    let arguments = ["compare", "--backends", "edgetpu-sim", "--html", "no/such/folder/page.html"];
    let output = pocketvision(&[&arguments[..], &SMALL].concat()).output().unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("no/such/folder/page.html: cannot be written"), "{stderr}");
}

#[test]
fn a_browser_shows_it_without_complaint_and_runs_its_script() {
    let Some(browser) = browser() else {
        // Not eprintln: the test harness would keep it to itself.
        let _ = writeln!(std::io::stderr(), "IGNORED: no Chromium here to open the page with");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    compared(&file, &[&SMALL[..], &["--backends", "cpu,edgetpu-sim", "--runs", "2"]].concat());
    let shown = opened(&browser, &file);
    assert!(!shown.log.contains("CONSOLE"), "{}", shown.log);
    // The script made the first mark of each chart a stop of the tab key, and told people so.
    let charts = shown.page.matches("data-explore=\"\"").count();
    let stops = shown.page.matches("data-part=\"\" tabindex=\"0\"").count();
    assert!(charts >= 4 && stops == charts, "{stops} stops in {charts} charts");
    assert!(!shown.page.contains("class=\"scripted\" hidden"));

    // This would be seen: a page whose script is not the one that its policy allows.
    let html = fs::read_to_string(&file).unwrap();
    let changed = folder.path().join("changed.html");
    fs::write(&changed, html.replace("<script>", "<script> ")).unwrap();
    let refused = opened(&browser, &changed);
    assert!(refused.log.contains("CONSOLE"), "{}", refused.log);
    assert!(refused.page.contains("class=\"scripted\" hidden"));
}

struct Shown {
    /// What the browser has to say.
    log: String,
    /// The page after its script has run.
    page: String,
}

fn opened(browser: &Path, file: &Path) -> Shown {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--timeout=20000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let utf8 = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Shown { log: utf8(&output.stderr), page: utf8(&output.stdout) }
}

/// A Chromium of this machine.
fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file())
}
