//! The engine in a real browser: whole networks, compiled to WebAssembly and run on WebGPU by a
//! headless Chromium, against the processor's backend.
//!
//! The page is built by `tools/web`, served from this process, and sends what it computed back.
//! Where Rust's wasm32 target, `wasm-bindgen` or a browser is missing, all tests are ignored, and
//! what is missing is printed. `POCKETVISION_BROWSER` names a browser that is not in the path.

#[path = "browser/build.rs"]
mod build;
#[path = "browser/case.rs"]
mod case;
#[path = "browser/chromium.rs"]
mod chromium;
#[path = "browser/server.rs"]
mod server;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use self::case::{CASES, Case};
use self::server::Server;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let is_listing = arguments.list || arguments.ignored;
    let ready = if is_listing { Err("not asked".to_owned()) } else { prepare() };
    if let (Err(reason), false) = (&ready, is_listing) {
        eprintln!("\n*** THE BROWSER IS NOT TESTED: {reason} ***\n");
    }
    let ready = ready.map(Arc::new);
    let trials = CASES.iter().map(|case| {
        let name = format!("browser::{}", case.title());
        match &ready {
            Ok(ready) => {
                let ready = Arc::clone(ready);
                Trial::test(name, move || check(case, &ready))
            }
            Err(_) => Trial::test(name, || Ok(())).with_ignored_flag(true),
        }
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// A built page and a browser to open it.
struct Ready {
    page: tempfile::TempDir,
    browser: String,
}

fn prepare() -> Result<Ready, String> {
    let browser = chromium::find()?;
    let page = tempfile::tempdir().map_err(|error| error.to_string())?;
    build::build(page.path())?;
    Ok(Ready { page, browser })
}

/// Runs a network in a browser of its own and judges what it computed.
fn check(case: &Case, ready: &Ready) -> Result<(), Failed> {
    let graph = case.graph()?;
    let input = case.input(&graph);
    let server = Server::start(ready.page.path(), case.address(), input.bytes().to_vec())?;
    let browser = chromium::open(&ready.browser, &server.address())?;
    let answer = server.wait_for_answer();
    drop(browser);
    let answer = answer?;
    eprintln!("{}: {}", case.title(), answer.told);
    Ok(case.judge(&graph, &input, &answer.bytes)?)
}
