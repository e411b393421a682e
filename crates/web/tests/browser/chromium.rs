//! A headless Chromium with WebGPU on its own software adapter, which any machine has.

use std::process::{Child, Command, Stdio};

/// The browser to use, or what is missing.
pub(crate) fn find() -> Result<String, String> {
    if let Ok(browser) = std::env::var("POCKETVISION_BROWSER") {
        return Ok(browser);
    }
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let runs = |name: &&str| {
        let version = Command::new(name).arg("--version").stdout(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    };
    let found = names.into_iter().find(runs).map(str::to_owned);
    found.ok_or_else(|| "there is no Chromium (Debian: apt install chromium)".into())
}

/// A browser that ends with this value.
pub(crate) struct Browser {
    child: Child,
    /// Its settings, of this run alone.
    _profile: tempfile::TempDir,
}

/// Opens a page.
pub(crate) fn open(browser: &str, address: &str) -> Result<Browser, String> {
    let profile = tempfile::tempdir().map_err(|error| error.to_string())?;
    let child = Command::new(browser)
        .args(FLAGS)
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(address)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{browser}: {error}"))?;
    Ok(Browser { child, _profile: profile })
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The sandbox needs rights that containers have not; the page is our own.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-dev-shm-usage",
];
