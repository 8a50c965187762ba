use super::*;

const ARN: &str = "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:12";

/// An answer with these containers, these further members and these tags.
fn described(containers: &str, members: &str, tags: &str) -> Result<Described, DocumentError> {
    Described::parse(&format!(
        r#"{{"taskDefinition":{{"taskDefinitionArn":"{ARN}","containerDefinitions":{containers},"family":"web",
        "revision":12,"status":"ACTIVE"{members}}},"tags":{tags}}}"#
    ))
}

fn input(containers: &str, members: &str, tags: &str) -> RegisterInput {
    described(containers, members, tags).unwrap().register_input(&OutputOnly::default())
}

#[track_caller]
fn refused(containers: &str, error: &str) {
    assert_eq!(described(containers, "", "[]").unwrap_err().to_string(), error, "{containers}");
    let input = format!(r#"{{"family":"web","containerDefinitions":{containers}}}"#);
    let error = error.replace("taskDefinition.", "");
    assert_eq!(RegisterInput::parse(&input).unwrap_err().to_string(), error, "{containers}");
}

#[test]
fn the_input_is_the_description_without_its_output_only_members() {
    let members = r#","requiresAttributes":[{"name":"x"}],"compatibilities":["EC2"],"registeredAt":1.5,
        "registeredBy":"arn:aws:iam::111122223333:root","deregisteredAt":2,"deleteRequestedAt":3,
        "cpu" : "256" , "future":{"a": [1.0, 1e2]}"#;
    assert_eq!(
        input(r#"[ {"name": "a"} ]"#, members, "[]").as_str(),
        r#"{"containerDefinitions":[ {"name": "a"} ],"family":"web","cpu":"256","future":{"a": [1.0, 1e2]}}"#
    );
}

#[test]
fn a_new_output_only_member_can_be_named_but_no_input() {
    let extra = OutputOnly::new(["futureState".to_owned()]).unwrap();
    let described = described(r#"[{"name":"a"}]"#, r#","futureState":1,"future":2"#, "[]").unwrap();
    assert_eq!(
        described.register_input(&extra).as_str(),
        r#"{"containerDefinitions":[{"name":"a"}],"family":"web","future":2}"#
    );
    assert_eq!(OutputOnly::new(["x".to_owned(), "cpu".to_owned()]).unwrap_err(), InputMember("cpu"));
}

#[test]
fn tags_come_last_without_those_that_are_reserved_to_aws() {
    for (tags, expected) in [
        ("[]", ""),
        ("null", ""),
        (r#"[{"key":"aws:a","value":"b"},{"key":"AwS:a","value":"b"},{"key":"a","value":"aWS:b"}]"#, ""),
        (r#"[{"key":"\u0061ws:a","value":"b"}]"#, ""),
        (
            r#"[{"key":"aws:a","value":"b"}, {"value": "x", "key": "aws"},{"key":"é:aws:","value":null}]"#,
            r#","tags":[{"value": "x", "key": "aws"},{"key":"é:aws:","value":null}]"#,
        ),
    ] {
        let expected = format!(r#"{{"containerDefinitions":[{{"name":"a"}}],"family":"web"{expected}}}"#);
        assert_eq!(input(r#"[{"name":"a"}]"#, "", tags).as_str(), expected, "{tags}");
    }
}

#[test]
fn each_true_becomes_false_and_nothing_else_changes() {
    let before = input(
        r#"[{"privileged" : true ,"name":"a","command":["\"privileged\":true"]},
           {"name":"b","privileged":false,"dockerLabels":{"privileged":"true","x":{"privileged":true}}},
           {"name":"c","privileged":null},{"name":"d","privil\u0065ged":true,"privileged":false,"privileged":true}]"#,
        r#","privileged":true"#,
        "[]",
    );
    assert_eq!(before.privileged_containers(), ["a", "d"]);
    let after = before.without_privilege();
    assert_eq!(
        after.as_str(),
        r#"{"containerDefinitions":[{"privileged" : false ,"name":"a","command":["\"privileged\":true"]},
           {"name":"b","privileged":false,"dockerLabels":{"privileged":"true","x":{"privileged":true}}},
           {"name":"c","privileged":null},{"name":"d","privil\u0065ged":false,"privileged":false,"privileged":false}],"family":"web","privileged":true}"#
    );
    assert!(after.privileged_containers().is_empty());
    assert!(after.containers().iter().all(|container| !container.privileged));
    assert_eq!(after.without_privilege().as_str(), after.as_str());
}

#[test]
fn an_input_that_was_read_back_is_the_same_text() {
    let before = input(r#"[{"name":"a","privileged":true}]"#, r#","taskRoleArn":"t","executionRoleArn":"""#, "[]");
    let read_back = RegisterInput::parse(&format!("\n {} ", before.as_str())).unwrap();
    assert_eq!(read_back.as_str(), before.as_str());
    assert_eq!(read_back.without_privilege().as_str(), before.without_privilege().as_str());
    assert_eq!(read_back.family().as_str(), "web");
    assert_eq!(read_back.roles(), ["t"]);
}

#[test]
fn what_cannot_be_read_is_never_taken_for_unprivileged() {
    let list = "taskDefinition.containerDefinitions is not a list of containers";
    for containers in ["{}", "[]", r#""HIDDEN_DUE_TO_SECURITY_REASONS""#] {
        refused(containers, list);
    }
    refused("null", "taskDefinition.containerDefinitions is missing");
    refused(r#"[{"name":"a"},"b"]"#, "taskDefinition.containerDefinitions[1] is not an object");
    refused(r#"[{"image":"a"}]"#, "taskDefinition.containerDefinitions[0].name is missing");
    refused(r#"[{"name":1}]"#, "taskDefinition.containerDefinitions[0].name is not a text");
    refused(r#"[{"name":"\ud800"}]"#, "taskDefinition.containerDefinitions[0].name is not a text");
    refused(r#"[{"name":"a","name":"b"}]"#, "taskDefinition.containerDefinitions[0].name is given twice");
    for odd in [r#""true""#, "1", "[]", "{}", r#""""#] {
        let containers = format!(r#"[{{"name":"a"}},{{"name":"b","privileged":{odd}}}]"#);
        refused(&containers, "taskDefinition.containerDefinitions[1].privileged is not true or false");
    }
    refused(
        r#"[{"name":"a"}],"containerDefinitions":[{"name":"a","privileged":true}]"#,
        "taskDefinition.containerDefinitions is given twice",
    );
}

#[test]
fn an_answer_that_is_no_task_definition_is_refused_without_its_content() {
    for (answer, error) in [
        ("secret", "the document is not JSON (line 1, column 1)"),
        (r#"{"taskDefinition":{}"#, "the document is not JSON (line 1, column 20)"),
        ("[]", "the document is not an object"),
        ("{}", "taskDefinition is missing"),
        (r#"{"taskDefinition":"secret"}"#, "taskDefinition is not an object"),
        (r#"{"taskDefinition":{}}"#, "taskDefinition.taskDefinitionArn is missing"),
        (
            r#"{"taskDefinition":{"taskDefinitionArn":"secret"}}"#,
            "taskDefinition.taskDefinitionArn is not the ARN of a task definition",
        ),
    ] {
        assert_eq!(Described::parse(answer).unwrap_err().to_string(), error);
    }
    let other = format!(
        r#"{{"taskDefinition":{{"taskDefinitionArn":"{ARN}","family":"b","containerDefinitions":[{{"name":"a"}}]}}}}"#
    );
    let error = Described::parse(&other).unwrap_err().to_string();
    assert_eq!(error, "taskDefinition.family is not the family in taskDefinitionArn");
    for (tags, error) in [
        ("{}", "tags is not a list"),
        ("[1]", "tags[0] is not an object"),
        (r#"[{"value":"secret"}]"#, "tags[0].key is missing"),
        (r#"[{"key":"a","value":5}]"#, "tags[0].value is not a text"),
    ] {
        assert_eq!(described(r#"[{"name":"a"}]"#, "", tags).unwrap_err().to_string(), error);
    }
}

#[test]
fn who_what_and_when_are_read_from_the_description() {
    let members = r#","registeredAt":1700000000.123,"registeredBy":"arn:aws:iam::111122223333:user/eve""#;
    let described = described(r#"[{"name":"a"}]"#, members, r#"[{"key":"team","value":"blue"}]"#).unwrap();
    assert_eq!(described.arn().to_string(), ARN);
    assert_eq!(described.id().to_string(), "web:12");
    assert!(described.is_active());
    assert_eq!(described.registered_at().unwrap().to_string(), "2023-11-14T22:13:20.123Z");
    assert_eq!(described.registered_by(), Some("arn:aws:iam::111122223333:user/eve"));
    assert!(described.has_tag_key("team") && !described.has_tag_key("Team"));
    assert_eq!(described.tag_value("team").as_deref(), Some("blue"));
    assert_eq!(
        format!("{described:?}"),
        r#"Described { id: TaskDefinitionId { family: Family("web"), revision: Revision(12) }, status: "ACTIVE", .. }"#
    );
}

#[test]
fn a_container_shows_its_ways_to_the_host_and_nothing_odd_stops_it() {
    let containers = r#"[{"name":"a","privileged":true,"user":"0:0","readonlyRootFilesystem":true,
        "linuxParameters":{"capabilities":{"add":["SYS_ADMIN",7],"drop":["ALL"]},"devices":[{"hostPath":"/dev/kvm"}]},
        "mountPoints":[{"sourceVolume":"sock","containerPath":"/s"},{"sourceVolume":"tmp"},{}]},
        {"name":"b","user":5,"linuxParameters":"odd","mountPoints":{}}]"#;
    let volumes = r#","networkMode":"host","pidMode":"task","ipcMode":7,"volumes":[{"name":"tmp","host":{}},
        {"name":"sock","host":{"sourcePath":"/var/run/docker.sock"}}]"#;
    let described = described(containers, volumes, "[]").unwrap();
    let [a, b] = described.containers() else { panic!("two containers") };
    assert_eq!(a.capabilities_added, ["SYS_ADMIN"]);
    assert_eq!(a.capabilities_dropped, ["ALL"]);
    assert_eq!(a.devices, ["/dev/kvm"]);
    assert_eq!(a.host_mounts, [HostMount { host_path: "/var/run/docker.sock".to_owned(), read_only: false }]);
    assert!(a.privileged && a.readonly_root_filesystem);
    assert_eq!((a.user, b.user), (User::Root, User::Unset));
    assert!(b.devices.is_empty() && b.host_mounts.is_empty() && b.capabilities_added.is_empty());
    assert_eq!(described.network_mode(), Some("host"));
    assert_eq!(described.pid_mode(), Some("task"));
    assert_eq!(described.ipc_mode(), None);
}

/// As `docker volume create --opt type=none --opt o=bind --opt device=/` does.
#[test]
fn a_volume_of_dockers_own_driver_is_a_path_of_the_host_where_it_is_bound_to_one() {
    let mounted = |volume: &str| {
        let containers = r#"[{"name":"a","mountPoints":[{"sourceVolume":"v","containerPath":"/v"}]}]"#;
        let volumes = format!(r#","volumes":[{{"name":"v",{volume}}}]"#);
        let described = described(containers, &volumes, "[]").unwrap();
        described.containers()[0].host_mounts.iter().map(|mount| mount.host_path.clone()).collect::<Vec<_>>()
    };
    let driver = |options: &str| format!(r#""dockerVolumeConfiguration":{{"driverOpts":{options}}}"#);
    assert_eq!(mounted(&driver(r#"{"type":"none","o":"ro, bind","device":"/etc"}"#)), ["/etc"]);
    assert_eq!(mounted(&driver(r#"{"type":"none","o":"rbind","device":"/"}"#)), ["/"]);
    for other in
        [r#"{"type":"nfs","o":"addr=10.0.0.1","device":":/"}"#, r#"{"o":"bind","device":""}"#, r#"{"o":"bind"}"#]
    {
        assert_eq!(mounted(&driver(other)), Vec::<String>::new(), "{other}");
    }
    assert_eq!(mounted(r#""host":{}"#), Vec::<String>::new());
}

#[test]
fn root_is_known_by_name_and_by_number() {
    for (user, expected) in [
        ("root", User::Root),
        ("root:wheel", User::Root),
        ("0", User::Root),
        ("000:5", User::Root),
        ("1000", User::Other),
        ("rooty", User::Other),
        ("nobody:root", User::Other),
        ("", User::Unset),
        (":0", User::Unset),
    ] {
        assert_eq!(User::of(user), expected, "{user}");
    }
}

#[test]
fn what_is_to_be_registered_shows_nothing_of_itself_but_whose_it_is() {
    let containers = r#"[{"name":"app","privileged":true,"command":["canary"]}]"#;
    let input = RegisterInput::parse(&format!(r#"{{"family":"web","containerDefinitions":{containers}}}"#)).unwrap();
    assert_eq!(format!("{input:?}"), r#"RegisterInput { family: Family("web"), privileged: ["app"], .. }"#);
}
