use super::*;

/// Inputs with these further members, on top and in their one container, differ at these paths, both ways round.
#[track_caller]
fn check_text(a: &str, b: &str, tags: Tags, expected: &[&str]) {
    let (a, b) = (RegisterInput::parse(a).unwrap(), RegisterInput::parse(b).unwrap());
    for (a, b) in [(&a, &b), (&b, &a)] {
        let found = differences(a, b, tags);
        let found: Vec<&str> = found.iter().map(MemberPath::as_str).collect();
        assert_eq!(found, expected, "{}\n{}", a.as_str(), b.as_str());
    }
}

#[track_caller]
fn check_top(a: &str, b: &str, expected: &[&str]) {
    let text = |members| {
        let comma = if str::is_empty(members) { "" } else { "," };
        format!(r#"{{"family":"web","containerDefinitions":[{{"name":"a"}}]{comma}{members}}}"#)
    };
    check_text(&text(a), &text(b), Tags::Compared, expected);
}

#[track_caller]
fn check_container(a: &str, b: &str, expected: &[&str]) {
    let text = |members| {
        let comma = if str::is_empty(members) { "" } else { "," };
        format!(r#"{{"family":"web","containerDefinitions":[{{"name":"a"{comma}{members}}}]}}"#)
    };
    let expected: Vec<String> = expected.iter().map(|path| format!("containerDefinitions[a]{path}")).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check_text(&text(a), &text(b), Tags::Compared, &expected);
}

#[test]
fn objects_have_no_order_and_containers_are_matched_by_name() {
    check_text(
        r#"{"family":"web","containerDefinitions":[{"name":"a","cpu":1},{"image":"i","name":"b"}],"cpu":"1"}"#,
        r#"{"cpu":"1","containerDefinitions":[{"name":"b","image":"i"},{"cpu":1,"name":"a"}],"family":"web"}"#,
        Tags::Compared,
        &[],
    );
    check_text(
        r#"{"family":"web","containerDefinitions":[{"name":"a","cpu":1},{"name":"b"},{"name":"c","image":"x"}]}"#,
        r#"{"family":"web","containerDefinitions":[{"name":"c","image":"y"},{"name":"a","cpu":2},{"name":"d"}]}"#,
        Tags::Compared,
        &[
            "containerDefinitions[a].cpu",
            "containerDefinitions[b]",
            "containerDefinitions[c].image",
            "containerDefinitions[d]",
        ],
    );
}

#[test]
fn containers_that_share_a_name_are_compared_together() {
    let text = |containers| format!(r#"{{"family":"web","containerDefinitions":[{containers}]}}"#);
    let two = text(r#"{"name":"a","cpu":1},{"name":"a","cpu":2}"#);
    check_text(&two, &text(r#"{"name":"a","cpu":2},{"name":"a","cpu":1}"#), Tags::Compared, &[]);
    check_text(&two, &text(r#"{"name":"a","cpu":2}"#), Tags::Compared, &["containerDefinitions[a]"]);
}

#[test]
fn lists_of_objects_are_sets_in_which_each_entry_counts() {
    let (a, b) = (r#"{"name":"A","value":"1"}"#, r#"{"name":"B","value":"2"}"#);
    for member in ["environment", "secrets", "ulimits", "futureList"] {
        let path = format!(".{member}");
        check_container(&format!(r#""{member}":[{a},{b}]"#), &format!(r#""{member}":[{b},{a}]"#), &[]);
        check_container(&format!(r#""{member}":[{a},{a}]"#), &format!(r#""{member}":[{a}]"#), &[&path]);
        check_container(&format!(r#""{member}":[{a},{a}]"#), &format!(r#""{member}":[{a},{b}]"#), &[&path]);
    }
}

#[test]
fn environment_files_are_read_from_top_to_bottom() {
    let (a, b) = (r#"{"value":"a","type":"s3"}"#, r#"{"type":"s3","value":"b"}"#);
    let files = |list: &str| format!(r#""environmentFiles":[{list}]"#);
    check_container(&files(&format!("{a},{b}")), &files(&format!("{b},{a}")), &[".environmentFiles"]);
    check_container(&files(a), &files(r#"{"type":"s3","value":"a"}"#), &[]);
}

#[test]
fn lists_of_texts_are_in_order_except_those_that_ecs_treats_as_sets() {
    for member in ["command", "entryPoint", "dnsServers", "links", "futureTexts"] {
        let path = format!(".{member}");
        check_container(&format!(r#""{member}":["a","b"]"#), &format!(r#""{member}":["b","a"]"#), &[&path]);
    }
    check_container(
        r#""healthCheck":{"command":["CMD","x"]}"#,
        r#""healthCheck":{"command":["x","CMD"]}"#,
        &[".healthCheck.command"],
    );
    check_top(r#""requiresCompatibilities":["EC2","X"]"#, r#""requiresCompatibilities":["X","EC2"]"#, &[]);
    let capabilities = |add, drop| format!(r#""linuxParameters":{{"capabilities":{{"add":{add},"drop":{drop}}}}}"#);
    let a = capabilities(r#"["A","B"]"#, r#"["C","D"]"#);
    check_container(&a, &capabilities(r#"["B","A"]"#, r#"["D","C"]"#), &[]);
    check_container(
        &a,
        &capabilities(r#"["B","B"]"#, "[]"),
        &[".linuxParameters.capabilities.add", ".linuxParameters.capabilities.drop"],
    );
}

#[test]
fn absent_equals_empty() {
    for empty in ["null", r#""""#, "[]", "{}"] {
        for member in ["user", "command", "environment", "linuxParameters", "dockerLabels", "futureMember"] {
            check_container("", &format!(r#""{member}":{empty}"#), &[]);
        }
    }
    check_container("", r#""linuxParameters":{"capabilities":{"add":[],"drop":null},"devices":[]}"#, &[]);
    check_container(r#""environment":[{"name":"A"}]"#, r#""environment":[{"value":"","name":"A"}]"#, &[]);
    check_container(r#""environment":[{}]"#, r#""environment":[{"name":""}]"#, &[]);
    check_container(r#""environment":[{}]"#, "", &[]);
    check_container(r#""command":[""]"#, "", &[".command"]);
    check_container(r#""command":[null]"#, r#""command":[""]"#, &[".command"]);
    check_container(r#""memory":0"#, "", &[".memory"]);
}

#[test]
fn absent_equals_the_documented_default_of_that_very_member() {
    for (member, default, other) in [
        ("privileged", "false", "true"),
        ("essential", "true", "false"),
        ("readonlyRootFilesystem", "false", "true"),
        ("interactive", "false", "true"),
        ("pseudoTerminal", "false", "true"),
        ("disableNetworking", "false", "true"),
        ("cpu", "0", "1"),
        ("versionConsistency", r#""enabled""#, r#""disabled""#),
    ] {
        check_container("", &format!(r#""{member}":{default}"#), &[]);
        check_container("", &format!(r#""{member}":{other}"#), &[&format!(".{member}")]);
    }
    check_container("", r#""healthCheck":{"interval":30,"timeout":5,"retries":3}"#, &[]);
    check_container("", r#""healthCheck":{"interval":5}"#, &[".healthCheck.interval"]);
    check_container("", r#""linuxParameters":{"swappiness":60,"initProcessEnabled":false}"#, &[]);
    check_container("", r#""linuxParameters":{"swappiness":0}"#, &[".linuxParameters.swappiness"]);
    let port = r#""portMappings":[{"containerPort":80}]"#;
    check_container(port, r#""portMappings":[{"containerPort":80,"hostPort":0,"protocol":"tcp"}]"#, &[]);
    check_container(port, r#""portMappings":[{"containerPort":80,"protocol":"udp"}]"#, &[".portMappings"]);
    check_top("", r#""networkMode":"bridge","enableFaultInjection":false"#, &[]);
    check_top("", r#""networkMode":"host","enableFaultInjection":true"#, &["enableFaultInjection", "networkMode"]);
    check_top("", r#""cpu":"0""#, &["cpu"]);
    check_top(
        r#""volumes":[{"name":"v","efsVolumeConfiguration":{"fileSystemId":"f"}}]"#,
        r#""volumes":[{"efsVolumeConfiguration":{"fileSystemId":"f","rootDirectory":"/","transitEncryption":"DISABLED",
            "authorizationConfig":{"iam":"DISABLED"}},"host":{},"name":"v"}]"#,
        &[],
    );
}

#[test]
fn numbers_are_equal_by_their_exact_value() {
    for equal in [
        ["1", "1.0"],
        ["1", "1e0"],
        ["100", "1E+2"],
        ["0.5", "5e-1"],
        ["-0", "0e9"],
        ["0.0", "-0.00"],
        ["1152921504606846976", "1152921504606846976.0"],
        ["-12.50", "-125e-1"],
    ] {
        check_container(&format!(r#""future":{}"#, equal[0]), &format!(r#""future":{}"#, equal[1]), &[]);
    }
    for different in [
        ["1152921504606846976", "1152921504606846977"],
        ["1", "-1"],
        ["1", r#""1""#],
        ["1", "true"],
        ["1", "10"],
        ["0.1", "0.01"],
        ["0.1", "0.10000000000000001"],
        ["1e99999999999999999999", "1e99999999999999999998"],
    ] {
        check_container(
            &format!(r#""future":{}"#, different[0]),
            &format!(r#""future":{}"#, different[1]),
            &[".future"],
        );
    }
    check_container("", r#""cpu":-0.0"#, &[]);
}

#[test]
fn texts_and_names_are_equal_as_decoded() {
    check_container(r#""us\u0065r":"\u00e9\/\ud83d\ude00""#, r#""user":"é/😀""#, &[]);
    check_container(r#""user":"\ud800""#, r#""user":"\uD800""#, &[]);
    check_container(r#""user":"\ud800""#, r#""user":"\ud801""#, &[".user"]);
    check_container(r#""user":"a""#, r#""user":"A""#, &[".user"]);
}

#[test]
fn a_member_that_is_given_twice_is_not_the_same_as_once() {
    check_container(r#""user":"a","user":"b""#, r#""user":"a","user":"b""#, &[]);
    check_container(r#""user":"a","user":"b""#, r#""user":"b""#, &[".user"]);
    check_container(r#""user":"a","user":"b""#, r#""user":"b","user":"a""#, &[".user"]);
    check_container(r#""privileged":false,"privileged":false"#, "", &[]);
}

#[test]
fn names_that_a_customer_chose_end_the_path() {
    for member in ["dockerLabels", "logConfiguration.options", "firelensConfiguration.options"] {
        let wrap = |map: &str| match member.split_once('.') {
            Some((outer, inner)) => format!(r#""{outer}":{{"{inner}":{map}}}"#),
            None => format!(r#""{member}":{map}"#),
        };
        let path = format!(".{member}");
        check_container(&wrap(r#"{"secret":"a"}"#), &wrap(r#"{"secret":"b"}"#), &[&path]);
        check_container(&wrap(r#"{"secret":""}"#), &wrap("{}"), &[&path]);
        check_container(&wrap(r#"{"a":"1","b":""}"#), &wrap(r#"{"b":"","a":"1"}"#), &[]);
    }
    for name in ["$serde_json::private::Number", "$serde_json::private::RawValue"] {
        let label = |value| format!(r#""dockerLabels":{{"{name}":"{value}"}}"#);
        check_container(&label("1"), &label("1"), &[]);
        check_container(&label("1"), &label("1.0"), &[".dockerLabels"]);
    }
    let volume =
        |value| format!(r#""volumes":[{{"name":"v","dockerVolumeConfiguration":{{"labels":{{"k":{value}}}}}}}]"#);
    check_top(&volume("1"), &volume("2"), &["volumes"]);
    check_container(r#""future":{"secret":{"b":1}}"#, r#""future":{"secret":{"b":2}}"#, &[".future"]);
}

#[test]
fn a_name_that_ecs_could_not_have_given_is_not_shown() {
    check_container(r#""so \"odd\"":1"#, "", &[".?"]);
    check_container(r#""\ud800":1"#, "", &[".?"]);
    let text = |cpu| format!(r#"{{"family":"web","containerDefinitions":[{{"name":"a; rm -rf","cpu":{cpu}}}]}}"#);
    check_text(&text(1), &text(2), Tags::Compared, &["containerDefinitions[?].cpu"]);
}

#[test]
fn a_value_of_another_kind_is_a_difference_at_its_member() {
    check_container(r#""linuxParameters":{"maxSwap":1}"#, r#""linuxParameters":"x""#, &[".linuxParameters"]);
    check_container(r#""environment":[{"name":"A"}]"#, r#""environment":"HIDDEN""#, &[".environment"]);
    check_container(r#""dockerLabels":{"a":1}"#, r#""dockerLabels":["a",1]"#, &[".dockerLabels"]);
    check_container("", r#""linuxParameters":{"maxSwap":0}"#, &[".linuxParameters.maxSwap"]);
}

#[test]
fn tags_can_be_left_out() {
    let text = |tags: &str| format!(r#"{{"family":"web","containerDefinitions":[{{"name":"a"}}],"tags":[{tags}]}}"#);
    let (a, b) = (r#"{"key":"a","value":"1"}"#, r#"{"key":"b"}"#);
    let both = text(&format!("{a},{b}"));
    check_text(&both, &text(&format!("{b},{a}")), Tags::Compared, &[]);
    check_text(&both, &text(a), Tags::Compared, &["tags"]);
    check_text(&both, &text(a), Tags::LeftOut, &[]);
}

#[test]
fn what_is_too_deep_is_compared_as_it_is_written() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = |depth, core| format!(r#""future":{}{core}{}"#, open.repeat(depth), close.repeat(depth));
        check_container(&deep(3_000, "1"), &deep(3_000, "1"), &[]);
        check_container(&deep(3_000, "1"), &deep(3_000, "2"), &[".future"]);
        check_container(&deep(3_000, "1"), &deep(3_000, "1.0"), &[".future"]);
        // The value of a container's member is at depth 3.
        check_container(&deep(97, "1"), &deep(97, "1.0"), &[]);
        check_container(&deep(98, "1"), &deep(98, "1.0"), &[".future"]);
    }
}
