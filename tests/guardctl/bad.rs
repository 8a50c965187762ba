//! Whatever a file holds, it is read to its end or refused; no text makes the command panic, hang or grow without bound.

use std::fs;

use super::shell::Shell;

#[test]
fn what_is_cut_or_broken_anywhere_is_read_or_refused() {
    let shell = Shell::new("broken");
    let mut count = 0;
    for name in
        ["taskdef.json", "template.yaml", "plan.json", "aliases.yaml", "cdk.out/Web.template.json", "containers.json"]
    {
        let bytes = fs::read(shell.directory.join(name)).unwrap();
        let (stem, end) = name.rsplit('/').next().unwrap().split_once('.').unwrap();
        for at in (0..bytes.len()).step_by(bytes.len() / 90 + 1) {
            shell.write(&format!("many/{stem}-{at}-cut.{end}"), &bytes[..at]);
            for (what, byte) in [("quote", b'"'), ("open", b'['), ("tag", b'!'), ("alias", b'*'), ("binary", 0xff)] {
                let mut broken = bytes.clone();
                broken[at] = byte;
                shell.write(&format!("many/{stem}-{at}-{what}.{end}"), broken);
                count += 1;
            }
        }
    }
    assert!(count > 2_000, "{count}");
    for options in ["-v", "-o json --residual", "-o csv"] {
        let said = shell.run(&format!("guardctl check {options} many"));
        assert_eq!(said.exit, Some(1), "{}", said.stderr.lines().last().unwrap_or_default());
    }
}

#[test]
fn what_is_deep_wide_or_endless_is_bounded() {
    let shell = Shell::new("bounded");
    let nested = |open: &str, close: &str, depth: usize| format!("{}{}", open.repeat(depth), close.repeat(depth));
    let definition = |containers: &str| {
        format!(r#"{{"containerDefinitions":[{{"name":"a","image":"b","privileged":true,"x":{containers}}}]}}"#)
    };
    let conditions = nested(r#"{"Fn::If":["C","#, ",false]}", 60_000).replace(r#"["C",,"#, r#"["C",true,"#);
    let loops = nested(r#"{"Fn::ForEach::L":["I",["a"],"#, "]}", 5_000).replacen("],]", "],{}]", 1);
    for (name, text, exit) in [
        ("deep.json", definition(&nested("[", "]", 200_000)), 3),
        ("deep.yaml", format!("a: {}", nested("[", "]", 300)), 1),
        ("deeper.yaml", "- ".repeat(100_000) + "a", 1),
        (
            "conditions.json",
            format!(
                r#"{{"Resources":{{"W":{{"Type":"AWS::ECS::TaskDefinition","Properties":{{"ContainerDefinitions":[{{"Privileged":{conditions}}}]}}}}}}}}"#
            ),
            0,
        ),
        ("loops.json", format!(r#"{{"Resources":{loops}}}"#), 0),
        ("itself.yaml", "Resources: &a {Web: *a}".to_owned(), 1),
        ("merges-itself.yaml", "Resources: &a {<<: *a, Web: 1}".to_owned(), 1),
        ("laughs.yaml", laughs("[*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]"), 1),
        ("merges.yaml", laughs("{<<: [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]}"), 1),
        ("texts.yaml", format!("a: &a {}\nResources: [{}]", "x".repeat(1_000_000), "*a,".repeat(10_000)), 1),
        ("long.yaml", "Resources: {}\n".to_owned() + &"# comment\n".repeat(1_000_000), 1),
        ("names.yaml", "Resources: {? [a, b] : 1, ? {c: d} : 2}".to_owned(), 0),
    ] {
        shell.write(name, &text);
        let said = shell.run(&format!("timeout 20 guardctl check {name}"));
        assert_eq!(said.exit, Some(exit), "{name}: {}", said.stderr);
    }
}

/// Lines that each stand for ten of the line before.
fn laughs(ten: &str) -> String {
    let line = |name: char, before: char| format!("{name}: &{name} {}\n", ten.replace('a', &before.to_string()));
    let lines: String = ('c'..='m').zip('b'..='l').map(|(name, before)| line(name, before)).collect();
    format!("Resources: {{}}\nb: &b {{x: 1}}\n{lines}")
}

#[test]
fn names_cannot_steer_a_terminal_or_a_spreadsheet() {
    let shell = Shell::new("names");
    let name = r#"\u001b[2J\u202e=\",\""#;
    let definition = format!(r#"{{"family":"=cmd","containerDefinitions":[{{"name":"{name}","privileged":true}}]}}"#);
    let file = "a\u{1b}[31m\u{9b}31m\u{7f}\u{202e}.json";
    shell.write(file, definition);
    for options in ["--color always", "-o csv", "-o json", "-v --color always"] {
        let said = shell.run(&format!("guardctl check {options} a*.json"));
        assert_eq!(said.exit, Some(3), "{}", said.stderr);
        let all = said.stdout + &said.stderr;
        // What steers is ours.
        let ours = ["1m", "2m", "0m", "31mprivileged"];
        for steers in all.split("\u{1b}[").skip(1) {
            let is_ours = ours.iter().any(|ours| steers.starts_with(ours));
            assert!(options.contains("color") && is_ours, "{options}: {all:?}");
        }
        assert!(!all.contains("a\u{1b}"), "{options}: {all:?}");
        assert!(!all.contains(['\u{202e}', '\u{9b}', '\u{7f}']), "{options}: {all:?}");
        assert!(!all.contains(",=cmd"), "{all}");
    }
    // A program gets the name with which it can be opened.
    let said: serde_json::Value = serde_json::from_str(&shell.run("guardctl check -o json a*.json").stdout).unwrap();
    assert_eq!(said["findings"][0]["file"], file);
    let said = shell.run("guardctl check -o csv a*.json").stdout;
    assert!(said.lines().nth(1).unwrap().contains(r#","\u{1b}[2J\u{202e}="",""","#), "{said}");
}
