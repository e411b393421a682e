//! Ctrl-C: nothing half-written stays, and the exit code says so.
//!
//! What a download has of a file does stay, under another name than the file's, to be gone on
//! with.

use signal_hook::consts::SIGINT;

/// From now on, Ctrl-C removes unfinished files and ends the process with 130, as shells have it.
#[cfg(unix)]
pub(crate) fn handle() {
    // Without a handler, the process ends all the same.
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT]) else { return };
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            crate::output_file::remove_unfinished();
            signal_hook::low_level::exit(EXIT_CODE);
        }
    });
}

/// From now on, Ctrl-C ends the process with 130. Unfinished files remain, under other names.
#[cfg(not(unix))]
pub(crate) fn handle() {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    let always = Arc::new(AtomicBool::new(true));
    let _ = signal_hook::flag::register_conditional_shutdown(SIGINT, EXIT_CODE, always);
}

/// 128 and the number of SIGINT.
const EXIT_CODE: i32 = 130;
