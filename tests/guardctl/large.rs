//! How large and how many: a plan of 50 MB, a thousand files.

use std::fmt::Write as _;
use std::fs;

use super::shell::Shell;

/// Runs a line, and says how many seconds of work it took, whatever else the machine does.
fn timed(shell: &Shell, line: &str) -> (Option<i32>, f64) {
    let said = shell.run(&format!("TIMEFORMAT=%U; {{ time {line} >stdout 2>stderr; }} 2>seconds; echo $? >exit"));
    assert_eq!(said.stderr, "");
    let read = |name: &str| fs::read_to_string(shell.directory.join(name)).unwrap();
    (read("exit").trim().parse().ok(), read("seconds").trim().parse().unwrap())
}

#[test]
fn a_plan_of_50_mb_takes_seconds_and_little_more_memory_than_itself() {
    let shell = Shell::new("large");
    let plan = fs::read_to_string(shell.directory.join("plan.json")).unwrap();
    let (begin, end) = plan.split_at(plan.find("\"resource_changes\":[").unwrap() + "\"resource_changes\":[".len());
    let mut large = String::from(begin);
    let containers = |number: usize| {
        format!(
            r#"[{{\"name\":\"c{number}\",\"image\":\"i\",\"environment\":[{}]}}]"#,
            r#"{\"name\":\"N\",\"value\":\"CANARY\"},"#.repeat(64).trim_end_matches(',')
        )
    };
    for number in 0..20_000 {
        let _ = write!(
            large,
            r#"{{"address":"a[{number}]","mode":"managed","type":"aws_ecs_task_definition","change":{{"after":{{"family":"f{number}","container_definitions":"{}"}}}}}},"#,
            containers(number)
        );
    }
    large += end;
    assert!(large.len() > 50_000_000, "{}", large.len());
    shell.write("large.json", large);
    // In KiB of address space: the plan, its 50 MB, and what the program takes.
    let (exit, seconds) = timed(&shell, "sh -c 'ulimit -v 200000; exec guardctl check large.json'");
    assert_eq!(exit, Some(3), "{}", fs::read_to_string(shell.directory.join("stderr")).unwrap());
    assert!(seconds < 10.0, "{seconds} s");
    assert!(
        fs::read_to_string(shell.directory.join("stderr")).unwrap().starts_with("20,005 task definitions in 1 file: ")
    );
}

#[test]
fn a_thousand_files_take_less_than_a_second_of_work() {
    let shell = Shell::new("many");
    let read = |name: &str| fs::read_to_string(shell.directory.join(name)).unwrap();
    let (yaml, json, definition) = (read("template.yaml"), read("cdk.out/Web.template.json"), read("taskdef.json"));
    for number in 0..250 {
        shell.write(&format!("all/{}/stack-{number}.yaml", number % 10), &yaml);
        shell.write(&format!("all/{}/stack-{number}.template.json", number % 10), &json);
        shell.write(&format!("all/{}/taskdef-{number}.json", number % 10), &definition);
        shell
            .write(&format!("all/{}/values-{number}.yaml", number % 10), "image: {name: web, tag: latest}\nport: 80\n");
    }
    let (exit, seconds) = timed(&shell, "guardctl check all");
    assert_eq!(exit, Some(3));
    assert!(fs::read_to_string(shell.directory.join("stderr")).unwrap().contains(" in 750 files: "));
    assert!(seconds < 1.0, "{seconds} s");
}
