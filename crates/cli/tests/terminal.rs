//! What is said beside the report, and how: notes, verbosity, colours, completions, manuals,
//! Ctrl-C.

mod command;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use command::{pocketvision, stdout, text};

const BENCH: [&str; 7] =
    ["bench", "--model", "mobilenet-edgetpu-0.5", "--size", "32", "--runs", "2"];

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// The output of a command that must succeed.
fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    stdout(&output);
    output
}

#[test]
fn quiet_says_nothing_beside_the_report() {
    let classify = ["classify", "--model", "mobilenet-edgetpu-0.5", "--size", "32"];
    let loud = run(&mut pocketvision(&classify));
    assert!(stderr(&loud).starts_with("note: "), "{loud:?}");
    for quiet in ["-q", "--quiet"] {
        let output = run(pocketvision(&classify).arg(quiet));
        assert_eq!(stderr(&output), "");
        assert!(!output.stdout.is_empty());
    }
    let failed = pocketvision(&["bench", "--quiet", "--model", "nonsense"]).output().unwrap();
    assert!(stderr(&failed).starts_with("error: "), "{failed:?}");
}

#[test]
fn verbose_tells_what_is_done() {
    let silent = run(pocketvision(&BENCH).arg("--json"));
    assert_eq!(stderr(&silent), "");
    let verbose = run(pocketvision(&BENCH).args(["--json", "-v"]));
    for step in ["build", "passes", "compile", "weight_bytes"] {
        assert!(stderr(&verbose).contains(step), "no {step}: {}", stderr(&verbose));
    }
    assert!(!stderr(&verbose).contains("run{"), "{}", stderr(&verbose));
    assert!(!stderr(&verbose).contains('\x1b'), "{}", stderr(&verbose));
    let report: serde_json::Value = serde_json::from_slice(&verbose.stdout).unwrap();
    assert_eq!(report["backend"], "cpu");
    let more = run(pocketvision(&BENCH).args(["-vv"]));
    // Five unobserved runs and two timed ones.
    assert_eq!(stderr(&more).matches("run{").count(), 7, "{}", stderr(&more));
    let both = pocketvision(&BENCH).args(["-v", "-q"]).output().unwrap();
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn colours_are_for_terminals_or_who_asks() {
    let compare =
        ["compare", "--model", "mobilenet-edgetpu-0.5", "--size", "32", "--backends", "cpu"];
    let run = |variables: &[(&str, &str)]| {
        let mut command = pocketvision(&[&compare[..], &["--runs", "1"]].concat());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        stdout(&command.envs(variables.iter().copied()).output().unwrap())
    };
    let plain = run(&[]);
    assert!(!plain.contains('\x1b'), "{plain}");
    let coloured = run(&[("CLICOLOR_FORCE", "1")]);
    assert!(coloured.contains("\x1b[1mbackend"), "{coloured}");
    assert!(coloured.contains("\x1b[32midentical\x1b[0m"), "{coloured}");
    let refused = run(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]);
    assert!(!refused.contains('\x1b'), "{refused}");
    // Programs get no colours in any case.
    let mut command = pocketvision(&["models", "--json"]);
    let json = stdout(&command.env("CLICOLOR_FORCE", "1").output().unwrap());
    assert!(!json.contains('\x1b'));
}

#[test]
fn shells_get_their_completions() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = stdout(&pocketvision(&["completions", shell]).output().unwrap());
        assert!(script.contains("compare") && script.contains("backends"), "{shell}");
        if shell == "bash" && Command::new("bash").arg("--version").output().is_ok() {
            let file = folder.path().join("completions");
            fs::write(&file, script).unwrap();
            let complete = format!(
                "source {}; COMP_WORDS=(pocketvision models pu); COMP_CWORD=2; \
                 _pocketvision pocketvision pu models; echo ${{COMPREPLY[@]}}",
                text(&file)
            );
            let reply = Command::new("bash").args(["-c", &complete]).output().unwrap();
            assert_eq!(stdout(&reply).trim(), "pull");
        }
    }
}

#[test]
fn every_command_has_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man/man1");
    stdout(&pocketvision(&["man", text(&pages)]).output().unwrap());
    let page = |name: &str| fs::read_to_string(pages.join(name)).unwrap();
    assert!(page("pocketvision.1").contains("pocketvision\\-compare(1)"));
    assert!(page("pocketvision-compare.1").contains(".TH pocketvision-compare 1"));
    let pull = page("pocketvision-models-pull.1");
    assert!(pull.contains(".SH EXAMPLES\n.nf\npocketvision models pull \\-\\-list\n"), "{pull}");
    let names = fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    assert!(names.iter().all(|name| name.ends_with(".1")), "{names:?}");
    let help = stdout(&pocketvision(&["--help"]).output().unwrap());
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    for command in commands.take_while(|line| line.starts_with("  ")) {
        if let Some(name) = command.split_whitespace().next().filter(|name| *name != "help") {
            // A description that goes on begins further right.
            if command.starts_with("   ") {
                continue;
            }
            assert!(names.contains(&format!("pocketvision-{name}.1")), "{name}: {names:?}");
        }
    }
}

#[test]
fn names_that_are_mistyped_get_the_nearest() {
    for (arguments, hint) in [
        (&["bench", "--backend", "edgetpu"][..], "did you mean 'edgetpu-sim'?"),
        (&["inspect", "mobilenet-v3-smal"], "did you mean 'mobilenet-v3-small'"),
        (&["sweep", "--chip", "corral"], "did you mean 'coral'"),
        (&["sweep", "--vary", "array.clok_mhz=1"], "did you mean array.clock_mhz?"),
        (&["models", "pull", "mobilenet_v2_1.0_224_qant"], "'mobilenet_v2_1.0_224_quant'"),
    ] {
        let output = pocketvision(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        assert!(stderr(&output).contains(hint), "{arguments:?}: {}", stderr(&output));
    }
    // What the command line itself knows.
    for (arguments, hint) in [
        (&["comprae"][..], "'compare'"),
        (&["bench", "--bakend", "cpu"], "'--backend'"),
        (&["bench", "--precision", "int"], "'int8'"),
        (&["completions", "bsh"], "'bash'"),
    ] {
        let output = pocketvision(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(stderr(&output).contains(hint), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn classes_that_are_mistyped_get_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let (file, labels) = (folder.path().join("out.png"), folder.path().join("labels.txt"));
    fs::write(&labels, "road\nsidewalk\nbuilding\n").unwrap();
    let segment = ["segment", "--model", "deeplab-mobilenet-edgetpu-slim", "--size", "65"];
    let classes = ["--classes", "3", "--labels", text(&labels)];
    let cut = ["--draw", "cut-out", "-o", text(&file), "--class", "sidewlk"];
    let output = pocketvision(&[&segment[..], &classes, &cut].concat()).output().unwrap();
    assert!(stderr(&output).contains("did you mean 'sidewalk'"), "{output:?}");
    assert!(!file.exists());
}

#[cfg(unix)]
#[test]
fn an_interrupted_command_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("points.csv");
    // Minutes of work, of which the first line on stderr says that it has begun.
    let mut child = pocketvision(&["sweep", "--vary", "clock=100:1000:0.01", "-v", "--csv"])
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.contains("build"), "{line}");
    assert!(child.try_wait().unwrap().is_none(), "it ended");
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
