//! The command line: one file a subcommand.

mod bench;
mod claims;
mod classify;
mod compare;
mod convert;
mod detect;
mod devices;
mod evaluate;
mod inspect;
mod models;
mod profile;
mod quantize;
mod run;
mod segment;
mod sweep;
mod validate;

use std::io::Write;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use pocketvision::{Clock, Model, Weights};

/// Mobile vision networks on the CPU, the GPU and a simulated Edge TPU, side by side.
#[derive(Parser, Debug)]
#[command(name = "pocketvision", version, arg_required_else_help = true)]
#[command(after_help = "Examples:
  pocketvision compare parrot.jpg         one photo through every backend
  pocketvision classify *.jpg --top 3     what is in these photos
  pocketvision detect pets.jpg -o x.png   boxes around objects
  pocketvision segment pets.jpg -o x.png  what each pixel belongs to
  pocketvision models                     what --model can name
  pocketvision devices                    what can run networks here

Models are found by path, in the folders of $POCKETVISION_MODELS (separated as in PATH), in
the user's cache folder (pocketvision/models), and among those that are built in.")]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: OutputOptions,
}

/// How reports are written.
#[derive(Args, Clone, Copy, Debug)]
struct OutputOptions {
    /// Write JSON, for scripts
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand, Debug)]
enum Command {
    Compare(compare::Compare),
    Classify(classify::Classify),
    Detect(detect::Detect),
    Segment(segment::Segment),
    Run(run::Run),
    Evaluate(evaluate::Evaluate),
    Bench(bench::Bench),
    Profile(profile::Profile),
    Quantize(quantize::Quantize),
    Convert(convert::Convert),
    Inspect(inspect::Inspect),
    Devices(devices::Devices),
    Models(models::Models),
    Sweep(sweep::Sweep),
    Validate(validate::Validate),
    Claims(claims::Claims),
}

impl CommandLine {
    /// Does what the command line asks for.
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<()> {
        let json = self.output.json;
        match &self.command {
            Command::Compare(command) => command.run(json, out),
            Command::Classify(command) => command.run(json, out),
            Command::Detect(command) => command.run(json, out),
            Command::Segment(command) => command.run(json, out),
            Command::Run(command) => command.run(json, out),
            Command::Evaluate(command) => command.run(json, out),
            Command::Bench(command) => command.run(json, out),
            Command::Profile(command) => command.run(json, out),
            Command::Quantize(command) => command.run(json, out),
            Command::Convert(command) => command.run(json, out),
            Command::Inspect(command) => command.run(json, out),
            Command::Devices(command) => command.run(json, out),
            Command::Models(command) => command.run(json, out),
            Command::Sweep(command) => command.run(json, out),
            Command::Validate(command) => command.run(json, out),
            Command::Claims(command) => command.run(json, out),
        }
    }
}

/// How reports call the clock of whole runs. Those of a real device are timed by the host,
/// however its profiles are.
const fn run_clock(clock: Clock) -> &'static str {
    match clock {
        Clock::HostWall | Clock::DeviceTimestamp => "measured",
        Clock::Simulated => "simulated",
    }
}

/// How reports call a model's weights.
const fn weights_name(model: &Model) -> &'static str {
    match model.weights() {
        Weights::Trained => "trained",
        Weights::Seeded(_) => "seeded",
    }
}
