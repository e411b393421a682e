//! The `pocketvision` command.
//!
//! Each file of `command` is one subcommand: its options, and what it does with the library.
//! A command makes one report, a plain struct in `report` that is written either as a table
//! for people or, with `--json`, field by field for scripts; both show the same numbers.
//!
//! Exit codes: 0 for success; 1 for failure, with one line on stderr that says what is wrong
//! and what to do; 2 for a command line that cannot be parsed; 130 for Ctrl-C.

mod baseline;
mod claims;
mod command;
mod dataset;
mod inference;
mod interrupt;
mod latency;
mod npy;
mod options;
mod output_file;
mod picture_files;
mod precision;
mod report;
mod terminal;
mod verbose;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use anyhow::Error;
use clap::Parser;

fn main() -> ExitCode {
    let command = command::CommandLine::parse();
    interrupt::handle();
    // Colours are for terminals, and as NO_COLOR and CLICOLOR_FORCE have it.
    let mut out = BufWriter::new(anstream::stdout().lock());
    let result = command.run(&mut out).and_then(|()| Ok(out.flush()?));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has read enough, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::error(one_line(&error));
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &Error) -> bool {
    let kinds = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    kinds.map(io::Error::kind).any(|kind| kind == io::ErrorKind::BrokenPipe)
}

/// An error and its causes on one line. Causes that an error's text already ends in are not
/// repeated.
fn one_line(error: &Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn causes_are_joined_once_on_one_line() {
        let error = anyhow!("disk\nfull").context("x.npy: cannot be written");
        assert_eq!(one_line(&error), "x.npy: cannot be written: disk full");
        let error = anyhow!("disk full").context("x.npy: disk full");
        assert_eq!(one_line(&error), "x.npy: disk full");
    }
}
