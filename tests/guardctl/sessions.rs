//! Sessions at a prompt, the examples of the help, and those of GUARDCTL.md.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::shell::{Said, Shell};

#[track_caller]
fn session(name: &str) {
    let shell = Shell::new(name);
    session_with(name, |line| shell.run(line));
}

/// The same at a prompt of one's own.
#[track_caller]
pub(crate) fn session_with(name: &str, run: impl Fn(&str) -> Said) {
    let path = path(&format!("tests/guardctl/sessions/{name}.txt"));
    let expected = fs::read_to_string(&path).unwrap();
    let mut actual = String::new();
    for line in expected.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let Said { stdout, stderr, exit } = run(line);
        let _ = write!(actual, "$ {line}\n{stdout}");
        for line in stderr.lines() {
            let _ = writeln!(actual, "stderr: {line}");
        }
        let _ = writeln!(actual, "exit: {}\n", exit.map_or_else(|| "by a signal".to_owned(), |code| code.to_string()));
    }
    assert!(actual.contains("$ "), "{name}: no command");
    if std::env::var_os("GOLDEN").is_some() {
        fs::write(&path, &actual).unwrap();
    } else {
        assert!(actual == expected, "{name}: says something else by now:\n{actual}");
    }
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn what_people_are_told() {
    session("check");
}

#[test]
fn what_programs_are_told() {
    session("json");
}

#[test]
fn what_cannot_be_read_is_said() {
    session("errors");
}

#[test]
fn what_is_exempt() {
    session("exemptions");
}

#[test]
fn what_is_written_in_odd_ways() {
    session("odd");
}

#[test]
fn what_policy_denies() {
    session("policy");
    for (kind, file) in [("scp", "policies/scp.json"), ("managed", "policies/managed-policy.json")] {
        let said = Shell::new("policies")
            .run(&format!("guardctl policy --account 012345678912 --region us-east-1 --kind {kind}"));
        assert_eq!(said.stdout, fs::read_to_string(path(file)).unwrap());
    }
}

#[test]
fn the_help() {
    session("help");
}

/// With what it takes to run them: what makes the plan, and describes the definition.
fn examples(name: &str) -> Shell {
    let shell = Shell::new(name);
    for (tool, file) in [("terraform", "plan.json"), ("aws", "described.json")] {
        shell.write(&format!("bin/{tool}"), format!("#!/bin/sh\nexec cat {file}\n"));
        assert_eq!(shell.run(&format!("chmod +x bin/{tool}")).exit, Some(0));
    }
    shell
}

/// Runs each of them. It is well if it did what it says, whether or not it found something.
#[track_caller]
fn run(shell: &Shell, lines: &[&str]) {
    assert!(lines.len() > 2, "{lines:?}");
    for line in lines {
        let line = line.replace("~/", "home/");
        let said = shell.run(&line);
        assert!(matches!(said.exit, Some(0 | 3)), "{line}: {:?}\n{}", said.exit, said.stderr);
    }
}

#[test]
fn every_example_of_the_help_runs() {
    let shell = examples("help-examples");
    for directory in [".zfunc", ".config/fish/completions"] {
        shell.write(&format!("home/{directory}/empty"), "");
    }
    for command in ["check", "completions"] {
        let help = shell.run(&format!("guardctl help {command}")).stdout;
        let examples = help.split_once("Examples:\n").unwrap().1;
        let examples = examples.split("\n\n").next().unwrap().replace("\\\n", "");
        run(&shell, &examples.lines().collect::<Vec<_>>());
    }
}

const IN_AN_ACCOUNT: &str = "\n## In an account\n";

/// What is told of guardctl.
fn document() -> String {
    fs::read_to_string(path("GUARDCTL.md")).unwrap()
}

fn blocks(section: &str) -> Vec<&str> {
    section.split("```").skip(1).step_by(2).map(|block| block.trim_start_matches("json")).collect()
}

/// What GUARDCTL.md says of an account: the lines to run, and those that are shown with what they say.
pub(crate) fn lines_of_an_account() -> (Vec<String>, Vec<(String, String)>) {
    let document = document();
    let blocks = blocks(document.split_once(IN_AN_ACCOUNT).unwrap().1);
    let shown = blocks.iter().filter_map(|block| block.trim_start().strip_prefix("$ ")?.split_once('\n'));
    let shown = shown.map(|(line, said)| (line.to_owned(), said.to_owned())).collect();
    let lines = blocks.iter().filter(|block| !block.contains("$ ")).flat_map(|block| block.trim().lines());
    (lines.map(str::to_owned).collect(), shown)
}

#[test]
fn every_example_of_its_page_runs_and_says_what_it_shows() {
    let document = document();
    let blocks = blocks(document.split_once(IN_AN_ACCOUNT).unwrap().0);
    let shell = examples("page-examples");
    let is_command = |line: &&str| line.contains("guardctl ") && !line.starts_with("$ ");
    run(&shell, &blocks.iter().flat_map(|block| block.lines()).filter(is_command).collect::<Vec<_>>());
    for shown in blocks.iter().filter_map(|block| block.trim_start().strip_prefix("$ ")) {
        let (line, shown) = shown.split_once('\n').unwrap();
        let said = shell.run(line);
        assert_eq!(format!("{}{}", said.stdout, said.stderr), shown, "{line}");
    }
}

#[test]
fn colour_is_for_terminals_and_for_who_asks() {
    let shell = Shell::new("colour");
    let coloured = |line: &str, environment: &[(&str, &str)]| {
        let said = shell.run_with(line, environment);
        said.stdout.contains('\u{1b}')
    };
    for (options, environment, expected) in [
        ("", &[][..], false),
        ("--color always", &[], true),
        ("--color always", &[("NO_COLOR", "1")], true),
        ("--color never", &[("CLICOLOR_FORCE", "1")], false),
        ("", &[("CLICOLOR_FORCE", "1")], true),
        ("", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        assert_eq!(
            coloured(&format!("guardctl check taskdef.json {options}"), environment),
            expected,
            "{options} {environment:?}"
        );
    }
    assert!(!coloured("guardctl check taskdef.json -o json --color always", &[]), "data for programs has none");
}

#[test]
fn a_pipe_that_closes_ends_quietly() {
    let shell = Shell::new("pipe");
    for line in ["check -o json template.yaml", "completions bash", "help exit-codes", "help check"] {
        let said = shell.run(&format!("(sleep 0.3; guardctl {line}; echo $? >code) | true; cat code"));
        assert_eq!(
            said.stderr,
            match line {
                "check -o json template.yaml" => said.stderr.clone(),
                _ => String::new(),
            },
            "{line}"
        );
        assert!(!said.stderr.contains("error"), "{line}: {}", said.stderr);
        assert!(["0\n", "3\n"].contains(&said.stdout.as_str()), "{line}: {}", said.stdout);
    }
}
