//! What the command says beside its report, all of it on stderr: notes and progress. And how
//! reports look where they are read on a terminal.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::Write;
use std::sync::atomic::{AtomicU8, Ordering};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

/// How much is said beside the report.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Talk {
    /// Nothing but errors.
    Quiet,
    /// Notes, and progress where stderr is a terminal.
    Normal,
    /// Notes and what happens inside, line by line; a progress bar would run into that.
    Verbose,
}

/// Decides how much is said from now on.
pub(crate) fn set_talk(talk: Talk) {
    TALK.store(talk as u8, Ordering::Relaxed);
}

fn talks(talk: Talk) -> bool {
    TALK.load(Ordering::Relaxed) == talk as u8
}

static TALK: AtomicU8 = AtomicU8::new(Talk::Normal as u8);

/// True if what happens inside is told.
pub(crate) fn is_verbose() -> bool {
    talks(Talk::Verbose)
}

/// One line on stderr, unless `--quiet`.
pub(crate) fn note(text: impl Display) {
    if !talks(Talk::Quiet) {
        // If stderr is closed, there is nobody to tell.
        let _ = writeln!(anstream::stderr(), "{NOTE}note:{NOTE:#} {text}");
    }
}

/// The line that a command fails with.
pub(crate) fn error(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{BAD}error:{BAD:#} {text}");
}

/// A bar that counts to a length, with a word on what is counted. It is drawn if stderr is a
/// terminal, on one line however narrow that is, and must be cleared.
pub(crate) fn progress(length: usize, what: impl Into<Cow<'static, str>>) -> ProgressBar {
    styled(length as u64, "{bar:30} {pos}/{len}, {eta} left, {wide_msg}").with_message(what)
}

/// As [`progress`], of bytes.
pub(crate) fn progress_in_bytes(what: impl Into<Cow<'static, str>>) -> ProgressBar {
    const STYLE: &str = "{bar:20} {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}, \
                         {eta} left, {wide_msg}";
    styled(0, STYLE).with_message(what)
}

/// Says that something is being done of which nobody knows how long it takes. It must be cleared.
pub(crate) fn spinner(what: impl Into<Cow<'static, str>>) -> ProgressBar {
    let bar = styled(0, "{spinner} {elapsed}, {wide_msg}").with_message(what);
    bar.enable_steady_tick(std::time::Duration::from_millis(250));
    bar
}

fn styled(length: u64, style: &str) -> ProgressBar {
    if !talks(Talk::Normal) {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length);
    match ProgressStyle::with_template(style) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// The head of a table.
pub(crate) const HEAD: Style = Style::new().bold();
/// What is as it should be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What is less than that.
pub(crate) const FAIR: Style = AnsiColor::Yellow.on_default();
/// What went wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default();

/// Text in a style. The streams that a command writes to take the style off again where it is
/// not wanted: away from terminals, and with `NO_COLOR`.
pub(crate) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
