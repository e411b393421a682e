//! `completions`: what a shell needs to complete this command's words.

use std::io::Write;

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::CommandLine;

/// Write the completions of a shell
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision completions bash > ~/.local/share/bash-completion/completions/pocketvision
  pocketvision completions zsh > ~/.zfunc/_pocketvision
  pocketvision completions fish > ~/.config/fish/completions/pocketvision.fish")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<()> {
        let mut script = Vec::new();
        generate(self.shell, &mut CommandLine::command(), "pocketvision", &mut script);
        Ok(out.write_all(&script)?)
    }
}
