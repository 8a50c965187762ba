use super::*;

/// What ECS takes in `add`: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html>
const TAKEN: &str = "ALL AUDIT_CONTROL AUDIT_WRITE BLOCK_SUSPEND CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID \
    IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE \
    NET_BROADCAST NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT \
    SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG SYSLOG WAKE_ALARM";

/// Stands wherever a definition can hold what may not be shown.
const CANARY: &str = "CANARY";

/// A definition that mounts these host paths (`ro:` for those that can only be read), with these members.
fn definition(mounts: &[&str], task: &str, container: &str) -> Described {
    let each = |write: &dyn Fn(usize, &str) -> String| {
        mounts.iter().enumerate().map(|(number, path)| write(number, path)).collect::<Vec<_>>().join(",")
    };
    let volumes = each(&|number, path| {
        let path = path.strip_prefix("ro:").unwrap_or(path);
        format!(r#"{{"name":"{CANARY}{number}","host":{{"sourcePath":"{path}"}}}}"#)
    });
    let points = each(&|number, path| {
        let read_only = path.starts_with("ro:");
        format!(r#"{{"sourceVolume":"{CANARY}{number}","containerPath":"/{CANARY}","readOnly":{read_only}}}"#)
    });
    Described::parse(&format!(
        r#"{{"taskDefinition":{{"taskDefinitionArn":"arn:aws:ecs:eu-west-1:111122223333:task-definition/web:1",
        "family":"web","revision":1,"status":"ACTIVE","taskRoleArn":"{CANARY}","volumes":[{volumes}]{task},
        "containerDefinitions":[{{"name":"app","privileged":true,"image":"{CANARY}","command":["{CANARY}"],
        "entryPoint":["{CANARY}"],"environment":[{{"name":"{CANARY}","value":"{CANARY}"}}],
        "secrets":[{{"name":"{CANARY}","valueFrom":"{CANARY}"}}],"dockerLabels":{{"{CANARY}":"{CANARY}"}},
        "systemControls":[{{"namespace":"{CANARY}","value":"{CANARY}"}}],"mountPoints":[{points}]{container}}},
        {{"name":"other","image":"{CANARY}","user":"1"}}]}},"tags":[{{"key":"{CANARY}","value":"{CANARY}"}}]}}"#
    ))
    .unwrap()
}

#[track_caller]
fn check(mounts: &[&str], task: &str, container: &str, expected: &[&str]) {
    let hints = hints(&definition(mounts, task, container), &["app".to_owned()]);
    assert!(!hints.join("").contains(CANARY), "{hints:?}");
    assert_eq!(hints, expected);
}

fn capabilities(add: &str, drop: &str) -> String {
    format!(r#","linuxParameters":{{"capabilities":{{"add":[{add}],"drop":[{drop}]}}}}"#)
}

fn devices(paths: &[&str]) -> String {
    let devices: Vec<String> =
        paths.iter().map(|path| format!(r#"{{"hostPath":"{path}","containerPath":"{CANARY}"}}"#)).collect();
    format!(r#","linuxParameters":{{"devices":[{}]}}"#, devices.join(","))
}

const NAME_IT: &str = "without the flag a mount opens no device: name what it uses in linuxParameters.devices";

#[test]
fn no_row_advises_what_ecs_refuses() {
    let taken: Vec<&str> = TAKEN.split_whitespace().collect();
    let advised = TABLE.iter().flat_map(|row| row.takes).flat_map(|(_, capabilities)| *capabilities);
    for capability in advised.chain(&DEFAULT) {
        assert!(taken.contains(capability), "{capability}");
    }
}

#[test]
fn the_sockets_of_the_hosts_engine_rarely_need_the_flag() {
    let says = "the host's container engine works for it through this mount, which stays: that rarely needs the flag, \
        and is as good as the host";
    for path in ["/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run//containerd/"] {
        check(&[path], "", "", &[&format!("app: host path {path}: {says}")]);
    }
    let says = "the sockets of the host's services, the container engine among them, stay within reach: using them \
        rarely needs the flag, and is as good as the host";
    check(&["/var/run/"], "", "", &[&format!("app: host path /var/run/: {says}")]);
}

#[test]
fn a_mounted_device_is_to_be_named_and_a_given_one_stays_open() {
    for (path, takes) in [
        ("/dev/fuse", "; for mounting FUSE file systems add SYS_ADMIN"),
        ("/dev/net/tun", "; for making tunnels add NET_ADMIN"),
        (
            "/dev/nvidia0",
            "; or better ask for GPUs in resourceRequirements (type GPU), and ECS gives it the devices and the driver",
        ),
        ("/dev/neuron0", "; for locking the memory that a Neuron device reads add IPC_LOCK"),
        ("/dev/mem", "; for reaching memory, ports and registers of the host add SYS_RAWIO"),
        ("/dev/rtc0", "; for setting a clock add SYS_TIME"),
        ("/dev/kmsg", "; for reading the kernel's log add SYSLOG"),
        ("/dev/loop-control", "; for setting it up and mounting what is on it add SYS_ADMIN"),
        ("/dev/kvm", ""),
        ("/dev", ""),
    ] {
        check(&[path], "", "", &[&format!("app: host path {path}: {NAME_IT}{takes}")]);
        let given = format!("app: device {path}: it stays open without the flag{takes}");
        check(&[], "", &devices(&[path]), &[&given]);
        check(&[path], "", &devices(&[path]), &[&given]);
    }
    check(&["/dev/sda", "/dev/kvm"], "", "", &[&format!("app: host paths /dev/sda, /dev/kvm: {NAME_IT}")]);
    check(&["/dev/shm"], "", "", &["app: host path /dev/shm: this is no device, and works without the flag"]);
}

#[test]
fn what_the_host_shows_of_its_kernel_says_what_it_is_for() {
    let tracing = "ECS takes neither BPF nor PERFMON, and SYS_ADMIN permits what they do; Linux before 5.11 wants \
        SYS_RESOURCE too; for eBPF and tracing add SYS_ADMIN";
    check(
        &["/sys/kernel/debug", "ro:/sys/fs/bpf"],
        "",
        "",
        &[&format!("app: host paths /sys/kernel/debug, /sys/fs/bpf: {tracing}")],
    );
    let modules = "reading needs nothing more; for loading kernel modules add SYS_MODULE";
    check(&["ro:/lib/modules"], "", "", &[&format!("app: host path /lib/modules: {modules}")]);
    let processes = "it stays readable; for looking into processes of other users add SYS_PTRACE";
    check(&["ro:/proc"], "", "", &[&format!("app: host path /proc: {processes}")]);
    check(&["ro:/sys/fs/cgroup"], "", "", &["app: host path /sys/fs/cgroup: it stays readable"]);
    let parameters = "kernel parameters that have a namespace go into systemControls (net ones not with networkMode \
        host, IPC ones not with ipcMode host); set the others on the host itself";
    check(&["/proc/sys", "/sys"], "", "", &[&format!("app: host paths /proc/sys, /sys: {parameters}")]);
    let root = "the host's files stay within reach; for entering the host's namespaces (nsenter) add SYS_ADMIN and \
        SYS_PTRACE";
    check(&["/"], "", "", &[&format!("app: host path /: {root}")]);
}

#[test]
fn a_mode_of_the_host_is_a_hint_where_nothing_else_is() {
    let pid = "app: pidMode host: seeing and signalling root's processes needs nothing more; for tracing and looking \
        into them add SYS_PTRACE";
    let network = "app: networkMode host: for interfaces, routes and firewall rules add NET_ADMIN; for capturing packets \
        it has NET_RAW";
    let ipc = "app: ipcMode host: for locking memory add IPC_LOCK";
    check(&[], r#","pidMode":"host","networkMode":"host""#, "", &[pid]);
    check(&[], r#","networkMode":"host""#, "", &[network]);
    check(&[], r#","ipcMode":"host""#, "", &[ipc]);
    let tun = format!("app: host path /dev/net/tun: {NAME_IT}; for making tunnels add NET_ADMIN");
    check(&["/dev/net/tun"], r#","networkMode":"host""#, "", &[&tun]);
}

#[test]
fn capabilities_take_effect_for_the_first_time() {
    let adds = "app: capabilities.add SYS_TIME: works only without the flag, and may be all that it needs";
    check(&[], "", &capabilities(r#""SYS_TIME""#, ""), &[adds]);
    let drops = "app: capabilities.drop MKNOD, KILL: works for the first time, and may be what broke it: take out what \
        it needs";
    check(&[], "", &capabilities("", r#""MKNOD","KILL""#), &[drops]);
    let all = "app: capabilities.drop ALL: works for the first time, and may be what broke it: what it needs must stand \
        in capabilities.add";
    check(&[], "", &capabilities(r#""SYS_TIME""#, r#""ALL","KILL""#), &[adds, all]);
}

#[test]
fn what_it_has_without_the_flag_is_not_advised() {
    let network = |add, drop| {
        hints(&definition(&[], r#","networkMode":"host""#, &capabilities(add, drop)), &["app".to_owned()]).remove(0)
    };
    assert!(network(r#""NET_ADMIN""#, "").contains("firewall rules it has NET_ADMIN; for capturing packets it has"));
    assert!(network("", r#""ALL""#).contains("for capturing packets add NET_RAW"));
    assert!(network("", r#""NET_RAW""#).contains("for capturing packets add NET_RAW"));
    assert!(network(r#""NET_RAW""#, r#""ALL""#).contains("for capturing packets it has NET_RAW"));
    assert!(network(r#""ALL""#, "").contains("firewall rules add NET_ADMIN"));
}

#[test]
fn a_user_that_is_not_root_has_little_of_the_flag() {
    let says = "app: user: it does not run as root, so capabilities, the flag's as well, may reach it only through a \
        file that carries them (setcap, set-user-ID)";
    check(&[], "", r#","user":"CANARY""#, &[says]);
}

#[test]
fn where_nothing_gives_a_hint_it_says_how_to_find_out() {
    let says = "app: the definition gives no hint; run the copy once where it may fail, look for \"Operation not \
        permitted\" in its log, and add the one capability that permits it (man 7 capabilities)";
    check(&[], "", r#","readonlyRootFilesystem":true,"user":"root""#, &[says]);
    check(&["/etc/ssl"], "", "", &[says]);
}

#[test]
fn only_containers_that_were_privileged_are_spoken_of() {
    let open = definition(&["/dev/fuse"], r#","pidMode":"host""#, "");
    assert!(hints(&open, &["app".to_owned()]).iter().all(|hint| hint.starts_with("app: ")));
    assert!(hints(&open, &["other".to_owned()]).iter().all(|hint| hint.starts_with("other: ")));
}

/// Every sign at once, with each other text of the definition a canary.
#[test]
fn nothing_else_out_of_the_definition_is_shown() {
    let everything = definition(
        &["/", "/run", "/run/docker.sock", "/dev", "/dev/fuse", "/dev/shm", "/sys/fs/bpf", "/lib/modules", "ro:/proc"],
        r#","pidMode":"host","ipcMode":"host","networkMode":"host","executionRoleArn":"CANARY""#,
        r#","user":"CANARY","linuxParameters":{"devices":[{"hostPath":"/dev/kvm","containerPath":"/CANARY"}],
           "capabilities":{"add":["SYS_TIME"],"drop":["ALL"]},"tmpfs":[{"containerPath":"/CANARY","size":1}]}"#,
    );
    let hints = hints(&everything, &["app".to_owned()]);
    assert!(hints.len() > 10 && !hints.join("").contains(CANARY), "{hints:?}");
}
