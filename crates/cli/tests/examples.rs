//! Examples that need nothing but the command itself do what they say. That all others can be
//! typed, the tests of the command line's definition see to.

mod command;
mod documentation;

use std::path::Path;

use command::{pocketvision, stdout};
use documentation::{Example, of_help, of_page, pages};

/// Commands that take no time and no input.
const QUICK: [&str; 9] = [
    "completions",
    "convert",
    "devices",
    "inspect",
    "man",
    "models",
    "profile",
    "sweep",
    "validate",
];

/// What `--help` of every quick command and every page shows.
fn all() -> Vec<Example> {
    let help = |words: &[&str]| {
        let words = [words, &["--help"]].concat();
        of_help(&words.join(" "), &stdout(&pocketvision(&words).output().unwrap()))
    };
    let mut examples: Vec<Example> = help(&[]);
    examples.extend(QUICK.iter().flat_map(|name| help(&[name])));
    examples.extend(help(&["models", "pull"]));
    examples.extend(pages().iter().flat_map(|(path, text)| of_page(path, text)));
    examples
}

/// True if an example needs no file, no network and no minute.
fn is_quick(example: &Example) -> bool {
    let words: Vec<&str> = example.words.iter().map(String::as_str).collect();
    let input = |word: &&str| {
        let extension = Path::new(word).extension().and_then(|extension| extension.to_str());
        let of_inputs = ["jpg", "npy", "onnx", "safetensors", "tflite", "toml"];
        extension.is_some_and(|extension| of_inputs.contains(&extension))
    };
    match words[..] {
        // The second file is written.
        ["convert", model, ..] => !input(&model),
        // Trained networks are files, and so is MODEL.
        ["profile" | "inspect", ..] => !words.iter().any(|word| {
            input(word) || word.ends_with("_quant") || *word == "MODEL" || *word == "gpu"
        }),
        // The same work, written in another way.
        ["validate", _, ..] => false,
        ["models", "pull", ..] => words.contains(&"--list"),
        [first, ..] => QUICK.contains(&first),
        [] => false,
    }
}

#[test]
fn quick_examples_do_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let mut ran = Vec::new();
    for example in all().into_iter().filter(is_quick) {
        if ran.contains(&example.words) {
            continue;
        }
        let words: Vec<&str> = example.words.iter().map(String::as_str).collect();
        let mut command = pocketvision(&words);
        command.current_dir(folder.path()).envs(example.environment.clone());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}: {words:?}: {output:?}", example.source);
        ran.push(example.words);
    }
    let first = |words: &Vec<String>| words[0].clone();
    for name in QUICK {
        assert!(ran.iter().map(first).any(|first| first == name), "no example of {name} was run");
    }
}
