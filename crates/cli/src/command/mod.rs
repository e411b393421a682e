//! The command line: one file a subcommand.

mod bench;
mod claims;
mod classify;
mod compare;
mod completions;
mod convert;
mod detect;
mod devices;
mod evaluate;
mod inspect;
mod man;
mod models;
mod profile;
mod pull;
mod quantize;
mod run;
mod segment;
mod sweep;
mod validate;

use std::io::Write;

use anyhow::Result;
use clap::{ArgAction, Args, Parser, Subcommand};
use pocketvision::{Clock, Model, Weights};

use crate::inference::Inference;
use crate::report::InferenceReport;
use crate::terminal::{self, Talk};
use crate::verbose;

/// Mobile vision networks on the CPU, the GPU and a simulated Edge TPU, side by side.
#[derive(Parser, Debug)]
#[command(name = "pocketvision", version, arg_required_else_help = true)]
#[command(after_help = "Examples:
  pocketvision compare parrot.jpg         one photo through every backend
  pocketvision classify *.jpg --top 3     what is in these photos
  pocketvision detect pets.jpg -o x.png   boxes around objects
  pocketvision segment pets.jpg -o x.png  what each pixel belongs to
  pocketvision models                     what --model can name
  pocketvision models pull --list         published networks to download
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
#[command(next_help_heading = "Options of the report")]
struct OutputOptions {
    /// Write JSON, for scripts
    #[arg(long, global = true)]
    json: bool,
    /// Say nothing beside the report but errors: no notes, no progress
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say what is done and how long it takes; twice, for each run too
    #[arg(long, short, global = true, action = ArgAction::Count)]
    verbose: u8,
}

impl OutputOptions {
    /// Decides how much is said beside the report.
    fn apply(self) {
        if self.quiet {
            terminal::set_talk(Talk::Quiet);
        } else if self.verbose > 0 {
            terminal::set_talk(Talk::Verbose);
            verbose::start(self.verbose);
        }
    }
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
    Completions(completions::Completions),
    Man(man::Manual),
}

impl CommandLine {
    /// Does what the command line asks for.
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<()> {
        self.output.apply();
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
            Command::Completions(command) => command.run(out),
            Command::Man(command) => command.run(out),
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

/// What reports say of a network that saw pictures.
fn inference_report(inference: &Inference) -> InferenceReport {
    let Inference { model, backend, device, .. } = inference;
    InferenceReport {
        model: model.name().to_owned(),
        weights: weights_name(model),
        backend: backend.name(),
        device: device.name.clone(),
        clock: run_clock(device.clock),
    }
}

/// How reports call a model's weights.
const fn weights_name(model: &Model) -> &'static str {
    match model.weights() {
        Weights::Trained => "trained",
        Weights::Seeded(_) => "seeded",
    }
}

#[cfg(test)]
#[path = "../../tests/documentation/mod.rs"]
mod documentation;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::documentation::{self, Example};
    use super::*;
    use crate::options::{DEVICE_HEADING, DeviceOptions, MODEL_HEADING, ModelChoices};

    fn check(examples: &[Example]) {
        for Example { source, words, .. } in examples {
            let words = std::iter::once("pocketvision").chain(words.iter().map(String::as_str));
            if let Err(error) = CommandLine::try_parse_from(words.clone()) {
                let line = words.collect::<Vec<_>>().join(" ");
                panic!("{source}: {line}\n{error}");
            }
        }
    }

    #[test]
    fn the_definition_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_example_of_the_documentation_can_be_typed() {
        let pages = documentation::pages();
        let shown = pages.iter().flat_map(|(path, text)| documentation::of_page(path, text));
        let shown: Vec<Example> = shown.collect();
        assert!(shown.len() >= 10, "{shown:?}");
        check(&shown);
    }

    #[test]
    fn headings_stand_over_their_own_options_alone() {
        fn names(command: &clap::Command, heading: &str) -> Vec<String> {
            let of_heading = |arg: &&clap::Arg| arg.get_help_heading() == Some(heading);
            command.get_arguments().filter(of_heading).map(|arg| arg.get_id().to_string()).collect()
        }
        let model = ModelChoices::augment_args(clap::Command::new("model"));
        let device = DeviceOptions::augment_args(clap::Command::new("device"));
        for command in CommandLine::command().get_subcommands() {
            for (heading, own) in [(MODEL_HEADING, &model), (DEVICE_HEADING, &device)] {
                let found = names(command, heading);
                assert!(
                    found.is_empty() || found == names(own, heading),
                    "{}: {heading}: {found:?}",
                    command.get_name()
                );
            }
        }
    }

    #[test]
    fn every_command_has_examples_that_can_be_typed() {
        fn check_all(command: &clap::Command) {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = documentation::of_help(name, &help);
            assert!(!examples.is_empty() || name == "list", "{name} --help has no examples");
            check(&examples);
            command.get_subcommands().for_each(check_all);
        }
        check_all(&CommandLine::command());
    }

    #[test]
    fn examples_are_read_as_a_shell_reads_them() {
        let page = "Text.\n```sh\npocketvision a --b 'c d' # e\n$ X=1 pocketvision f > g\n\
            cargo run -p pocketvision-cli -- h \\\n  i\ncargo run -p other -- j\nls\n```\n\
            pocketvision outside\n```toml\npocketvision = \"1\"\n```\n";
        let example = |environment: &[(&str, &str)], words: &[&str]| Example {
            source: "page".into(),
            environment: environment.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect(),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        };
        let expected = [
            example(&[], &["a", "--b", "c d"]),
            example(&[("X", "1")], &["f"]),
            example(&[], &["h", "i"]),
        ];
        assert_eq!(documentation::of_page("page", page), expected);
        let help = "Examples:\n  pocketvision a b   what it does\n  pocketvision c\n\nText.\n";
        let expected = [example(&[], &["a", "b"]), example(&[], &["c"])];
        assert_eq!(documentation::of_help("page", help), expected);
    }
}
