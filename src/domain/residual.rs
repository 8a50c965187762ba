//! Ways to the host that remain without `privileged`, and what dropping the flag does to capabilities. It reads a
//! definition's facts and decides nothing; the alert tells.

use super::document::{Container, Described, User};

/// Capabilities that are as good as the host, or nearly so.
/// <https://man7.org/linux/man-pages/man7/capabilities.7.html>
const STRONG: [&str; 12] = [
    "ALL",
    "SYS_ADMIN",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_BOOT",
    "SYS_CHROOT",
    "DAC_READ_SEARCH",
    "DAC_OVERRIDE",
    "NET_ADMIN",
    "MKNOD",
    "BPF",
];

/// What remains in the copy, in words that name no value but what the design allows: names of containers and
/// capabilities, paths of devices and mounts, modes, and whether the user is root. `containers` are those that were
/// privileged. Of the others nothing is said of their user, which most definitions leave out; but what they mount or may
/// do is a way to the host for the whole task, and what they mount others may have with `volumesFrom`.
#[must_use]
pub fn access(definition: &Described, containers: &[String]) -> Vec<String> {
    let modes = [
        ("pidMode", definition.pid_mode()),
        ("ipcMode", definition.ipc_mode()),
        ("networkMode", definition.network_mode()),
    ];
    let modes = modes.into_iter().filter_map(|(member, mode)| of_mode(member, mode?));
    let of_containers = definition.containers().iter().flat_map(|container| {
        let ways = match containers.contains(&container.name) {
            true => of_container(container),
            false => besides_the_user(container),
        };
        ways.into_iter().map(|way| format!("{}: {way}", container.name)).collect::<Vec<_>>()
    });
    modes.map(str::to_owned).chain(of_containers).collect()
}

/// The same of all containers of a definition with this mode.
#[must_use]
pub fn of_mode(member: &str, mode: &str) -> Option<&'static str> {
    match (member, mode) {
        ("pidMode", "host") => Some("pidMode host: it sees and signals the host's processes (Security Hub ECS.3)"),
        ("ipcMode", "host") => Some("ipcMode host: it shares the host's memory segments"),
        ("networkMode", "host") => Some("networkMode host: it is on the host's network (Security Hub ECS.17)"),
        _ => None,
    }
}

/// The same of one container that was privileged.
#[must_use]
pub fn of_container(container: &Container) -> Vec<String> {
    let of_user = match container.user {
        User::Root => Some("runs as root (Security Hub ECS.20)"),
        User::Unset => Some("runs as the image's user, which is root in most (Security Hub ECS.20)"),
        User::Other => None,
    };
    besides_the_user(container).into_iter().chain(of_user.map(str::to_owned)).collect()
}

fn besides_the_user(container: &Container) -> Vec<String> {
    let strong: Vec<&str> =
        container.capabilities_added.iter().map(String::as_str).filter(|added| STRONG.contains(added)).collect();
    let mut ways = Vec::new();
    if !strong.is_empty() {
        ways.push(format!("capabilities {}", strong.join(", ")));
    }
    ways.extend(container.host_mounts.iter().map(|mount| {
        let how = if mount.read_only { "read-only" } else { "writable" };
        format!("host path {}, {how}", mount.host_path)
    }));
    ways.extend(container.devices.iter().map(|device| format!("host device {device}")));
    ways
}

/// While a container is privileged, ECS ignores `capabilities.add` and `drop`; in the copy they take effect for the
/// first time. <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html>
#[must_use]
pub fn capabilities(definition: &Described, containers: &[String]) -> Vec<String> {
    let privileged = definition.containers().iter().filter(|container| containers.contains(&container.name));
    privileged
        .flat_map(|container| {
            let name = &container.name;
            let says = |verb: &str, names: &[String]| match names {
                [] => None,
                names => {
                    Some(format!("{name}: capabilities.{verb} {} takes effect for the first time", names.join(", ")))
                }
            };
            let added = says("add", &container.capabilities_added);
            let dropped = says("drop", &container.capabilities_dropped);
            let none = added.is_none() && dropped.is_none();
            let plain = none.then(|| format!("{name}: keeps Docker's default capabilities, and loses all others"));
            [added, dropped, plain].into_iter().flatten()
        })
        .collect()
}

/// Whether another common check turns red: with host network and a user that is root, or not said, AWS Config's
/// `ecs-task-definition-user-for-host-mode-check` passes only while `privileged` is true.
/// <https://docs.aws.amazon.com/config/latest/developerguide/ecs-task-definition-user-for-host-mode-check.html>
#[must_use]
pub fn fails_the_host_mode_check(definition: &Described, containers: &[String]) -> bool {
    definition.network_mode() == Some("host")
        && definition
            .containers()
            .iter()
            .any(|container| containers.contains(&container.name) && matches!(container.user, User::Root | User::Unset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(task: &str, container: &str) -> Described {
        Described::parse(&format!(
            r#"{{"taskDefinition":{{"taskDefinitionArn":"arn:aws:ecs:eu-west-1:111122223333:task-definition/web:1",
            "family":"web","revision":1,"status":"ACTIVE","volumes":[{{"name":"sock","host":{{"sourcePath":"/var/run/docker.sock"}}}}]{task},
            "containerDefinitions":[{{"name":"app","privileged":true{container}}}]}}}}"#
        ))
        .unwrap()
    }

    fn names() -> Vec<String> {
        vec!["app".to_owned()]
    }

    #[test]
    fn each_way_to_the_host_that_remains_is_named() {
        let open = definition(
            r#","pidMode":"host","ipcMode":"host","networkMode":"host""#,
            r#","user":"0","mountPoints":[{"sourceVolume":"sock","containerPath":"/s"}],
               "linuxParameters":{"capabilities":{"add":["SYS_ADMIN","CHOWN"]},"devices":[{"hostPath":"/dev/fuse"}]}"#,
        );
        let access = access(&open, &names()).join("\n");
        for way in
            ["ECS.3", "ipcMode host", "ECS.17", "SYS_ADMIN", "/var/run/docker.sock, writable", "/dev/fuse", "ECS.20"]
        {
            assert!(access.contains(way), "{way}: {access}");
        }
        assert!(!access.contains("CHOWN"), "what is harmless is not listed: {access}");
        assert!(super::access(&definition("", r#","user":"1000""#), &names()).is_empty());
    }

    /// A way to the host of one container is one of the task's, whoever was privileged.
    #[test]
    fn what_another_container_mounts_or_may_do_is_named_and_its_user_is_not() {
        let beside = definition(
            "",
            r#","user":"1000"},{"name":"agent","mountPoints":[{"sourceVolume":"sock","containerPath":"/s"}],
               "linuxParameters":{"capabilities":{"add":["SYS_ADMIN"]},"devices":[{"hostPath":"/dev/kvm"}]}"#,
        );
        let expected = [
            "agent: capabilities SYS_ADMIN",
            "agent: host path /var/run/docker.sock, writable",
            "agent: host device /dev/kvm",
        ];
        assert_eq!(access(&beside, &names()), expected);
    }

    #[test]
    fn what_takes_effect_for_the_first_time_is_said() {
        let both = definition("", r#","linuxParameters":{"capabilities":{"add":["SYS_ADMIN"],"drop":["ALL"]}}"#);
        let says = capabilities(&both, &names()).join("\n");
        assert!(says.contains("add SYS_ADMIN takes effect") && says.contains("drop ALL takes effect"), "{says}");
        assert!(capabilities(&definition("", ""), &names())[0].contains("Docker's default"));
        for only in ["add", "drop"] {
            let one = definition("", &format!(r#","linuxParameters":{{"capabilities":{{"{only}":["SYS_ADMIN"]}}}}"#));
            let says = capabilities(&one, &names());
            assert_eq!(says, [format!("app: capabilities.{only} SYS_ADMIN takes effect for the first time")]);
        }
        assert!(capabilities(&both, &[]).is_empty());
    }

    #[test]
    fn the_check_that_turns_red_is_host_network_with_root() {
        assert!(fails_the_host_mode_check(&definition(r#","networkMode":"host""#, ""), &names()));
        assert!(!fails_the_host_mode_check(&definition(r#","networkMode":"host""#, r#","user":"1000""#), &names()));
        assert!(!fails_the_host_mode_check(&definition("", ""), &names()));
    }
}
