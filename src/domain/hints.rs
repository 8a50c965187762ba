//! What might replace `privileged`, as far as a definition gives a hint: one table from what it shows to what that takes
//! without the flag. A hint is no proof: the flag also switches off seccomp, AppArmor and SELinux, of which a definition
//! says little. It names containers, capabilities, modes, and paths of devices and host mounts,
//! and nothing else out of the definition; it decides nothing.

use super::document::{Container, Described, HostMount, User};

/// A row of the table: what the definition shows, and what that means once the flag is gone.
struct Row {
    shows: Sign,
    /// What to know or to do. It may be empty.
    says: &'static str,
    /// What for, and which capabilities that takes.
    takes: &'static [(&'static str, &'static [&'static str])],
}

/// What a definition can show. A path is this one or one below it; `*` stands for any beginning or end, and `=` asks for
/// this very path.
enum Sign {
    /// A host path that is mounted.
    Path(&'static [&'static str]),
    /// The same, where it can only be read.
    ReadOnly(&'static [&'static str]),
    /// A device of the host: mounted, or given by `linuxParameters.devices`.
    Device(&'static [&'static str]),
    /// `pidMode` is `host`.
    PidHost,
    /// `networkMode` is `host`, and no row above says anything: else that is the likelier reason.
    OnlyNetworkHost,
    /// `ipcMode` is `host`, and no row above says anything.
    OnlyIpcHost,
    /// `capabilities.add`
    Adds,
    /// `capabilities.drop` with `ALL`.
    DropsAll,
    /// `capabilities.drop` without it.
    DropsSome,
    /// A user that is not root.
    NotRoot,
}

/// From top to bottom: of a mount or a device the first row that fits, of all else each. No row advises a capability that
/// ECS does not take: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html>. What
/// capabilities permit: <https://man7.org/linux/man-pages/man7/capabilities.7.html>.
const TABLE: [Row; 25] = [
    // "only trusted users should be allowed to control your Docker daemon":
    // https://docs.docker.com/engine/security/#docker-daemon-attack-surface. A container that talks to the host's engine
    // has its work done by a process that is not in the container, so its own rights do not matter.
    Row {
        shows: Sign::Path(&["*/docker.sock", "*/containerd.sock", "*/podman.sock", "/run/docker", "/run/containerd"]),
        says: "the host's container engine works for it through this mount, which stays: that rarely needs the flag, and \
               is as good as the host",
        takes: &[],
    },
    Row {
        shows: Sign::Path(&["=/run"]),
        says: "the sockets of the host's services, the container engine among them, stay within reach: using them rarely \
               needs the flag, and is as good as the host",
        takes: &[],
    },
    // To mount a FUSE file system takes both --cap-add SYS_ADMIN and --device /dev/fuse:
    // https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities
    Row { shows: Sign::Device(&["/dev/fuse"]), says: "", takes: &[("mounting FUSE file systems", &["SYS_ADMIN"])] },
    // capabilities(7), CAP_NET_ADMIN: interface configuration, routing tables. Opening the device alone makes no tunnel:
    // https://docs.kernel.org/networking/tuntap.html
    Row { shows: Sign::Device(&["/dev/net"]), says: "", takes: &[("making tunnels", &["NET_ADMIN"])] },
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-gpu-specifying.html
    Row {
        shows: Sign::Device(&["/dev/nvidia*"]),
        says: "or better ask for GPUs in resourceRequirements (type GPU), and ECS gives it the devices and the driver",
        takes: &[],
    },
    // The example for instances of one's own has the devices and IPC_LOCK:
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference-task-def.html
    Row {
        shows: Sign::Device(&["/dev/neuron*"]),
        says: "",
        takes: &[("locking the memory that a Neuron device reads", &["IPC_LOCK"])],
    },
    // capabilities(7), CAP_SYS_RAWIO: open devices for accessing x86 model-specific registers, /dev/mem, /dev/kmem, ports.
    Row {
        shows: Sign::Device(&["/dev/mem", "/dev/kmem", "/dev/port", "/dev/cpu"]),
        says: "",
        takes: &[("reaching memory, ports and registers of the host", &["SYS_RAWIO"])],
    },
    // capabilities(7), CAP_SYS_TIME: set the system clock, set the real-time (hardware) clock.
    Row { shows: Sign::Device(&["/dev/rtc*", "/dev/ptp*"]), says: "", takes: &[("setting a clock", &["SYS_TIME"])] },
    // capabilities(7), CAP_SYSLOG: privileged syslog(2) operations, which the sysctl dmesg_restrict makes of reading too.
    Row { shows: Sign::Device(&["/dev/kmsg"]), says: "", takes: &[("reading the kernel's log", &["SYSLOG"])] },
    // capabilities(7), CAP_SYS_ADMIN: mount(2), and "privileged block device" operations.
    Row {
        shows: Sign::Device(&["/dev/loop*", "/dev/mapper", "/dev/dm-*"]),
        says: "",
        takes: &[("setting it up and mounting what is on it", &["SYS_ADMIN"])],
    },
    // Directories and sockets, whatever the folder says: https://man7.org/linux/man-pages/man7/shm_overview.7.html
    Row {
        shows: Sign::Path(&["/dev/shm", "/dev/log", "/dev/mqueue", "/dev/hugepages*"]),
        says: "this is no device, and works without the flag",
        takes: &[],
    },
    // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinuxParameters.html
    Row { shows: Sign::Device(&["/dev"]), says: "", takes: &[] },
    // BPF and PERFMON were taken out of SYS_ADMIN, which still permits both (capabilities(7)). ECS takes neither of them.
    // Before Linux 5.11 maps counted as locked memory: https://docs.ebpf.io/linux/concepts/resource-limit
    Row {
        shows: Sign::Path(&["/sys/fs/bpf", "/sys/kernel/debug", "/sys/kernel/tracing", "/sys/kernel/btf"]),
        says: "ECS takes neither BPF nor PERFMON, and SYS_ADMIN permits what they do; Linux before 5.11 wants \
               SYS_RESOURCE too",
        takes: &[("eBPF and tracing", &["SYS_ADMIN"])],
    },
    // capabilities(7), CAP_SYS_MODULE: load and unload kernel modules.
    Row {
        shows: Sign::Path(&["/lib/modules", "/usr/lib/modules", "/usr/src"]),
        says: "reading needs nothing more",
        takes: &[("loading kernel modules", &["SYS_MODULE"])],
    },
    // proc(5) asks for ptrace access to other users' processes: https://man7.org/linux/man-pages/man2/ptrace.2.html
    Row {
        shows: Sign::ReadOnly(&["/proc"]),
        says: "it stays readable",
        takes: &[("looking into processes of other users", &["SYS_PTRACE"])],
    },
    Row { shows: Sign::ReadOnly(&["/sys"]), says: "it stays readable", takes: &[] },
    // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_SystemControl.html
    Row {
        shows: Sign::Path(&["/proc", "/sys"]),
        says: "kernel parameters that have a namespace go into systemControls (net ones not with networkMode host, IPC \
               ones not with ipcMode host); set the others on the host itself",
        takes: &[],
    },
    // https://man7.org/linux/man-pages/man2/setns.2.html
    Row {
        shows: Sign::Path(&["/"]),
        says: "the host's files stay within reach",
        takes: &[("entering the host's namespaces (nsenter)", &["SYS_ADMIN", "SYS_PTRACE"])],
    },
    // capabilities(7), CAP_SYS_PTRACE: trace arbitrary processes, transfer data to or from their memory.
    Row {
        shows: Sign::PidHost,
        says: "seeing and signalling root's processes needs nothing more",
        takes: &[("tracing and looking into them", &["SYS_PTRACE"])],
    },
    // capabilities(7), CAP_NET_ADMIN and CAP_NET_RAW.
    Row {
        shows: Sign::OnlyNetworkHost,
        says: "",
        takes: &[("interfaces, routes and firewall rules", &["NET_ADMIN"]), ("capturing packets", &["NET_RAW"])],
    },
    // capabilities(7), CAP_IPC_LOCK: mlock(2), huge pages.
    Row { shows: Sign::OnlyIpcHost, says: "", takes: &[("locking memory", &["IPC_LOCK"])] },
    // "When the container is a privileged container, [...] add [...] and drop [...] are ignored":
    // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html
    Row { shows: Sign::Adds, says: "works only without the flag, and may be all that it needs", takes: &[] },
    Row {
        shows: Sign::DropsAll,
        says: "works for the first time, and may be what broke it: what it needs must stand in capabilities.add",
        takes: &[],
    },
    Row {
        shows: Sign::DropsSome,
        says: "works for the first time, and may be what broke it: take out what it needs",
        takes: &[],
    },
    // capabilities(7), "Transformation of capabilities during execve()": a process of another user gains only what the
    // file carries. Docker gives such a process no ambient ones (https://github.com/moby/moby/issues/8460), and may one day
    // give it those of capabilities.add (https://github.com/moby/moby/pull/52830).
    Row {
        shows: Sign::NotRoot,
        says: "it does not run as root, so capabilities, the flag's as well, may reach it only through a file that carries \
               them (setcap, set-user-ID)",
        takes: &[],
    },
];

/// What a container has unless it is dropped.
/// <https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities>
const DEFAULT: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// What might replace the flag, a sentence each; one that says how to find out where nothing gives a hint. `containers`
/// are those that were privileged.
#[must_use]
pub fn hints(definition: &Described, containers: &[String]) -> Vec<String> {
    let privileged = definition.containers().iter().filter(|container| containers.contains(&container.name));
    let found: Vec<String> = privileged.flat_map(|container| hints_of(definition, container)).collect();
    match found.is_empty() {
        true => vec![how_to_find_out(containers)],
        false => found,
    }
}

fn how_to_find_out(containers: &[String]) -> String {
    format!(
        "{}: the definition gives no hint; run the copy once where it may fail, look for \"Operation not permitted\" in \
         its log, and add the one capability that permits it (man 7 capabilities)",
        containers.join(", ")
    )
}

fn hints_of(definition: &Described, container: &Container) -> Vec<String> {
    let mut said = Vec::new();
    for (number, row) in TABLE.iter().enumerate() {
        let shown = shown(number, row, definition, container, said.is_empty());
        said.extend(shown.iter().map(|shown| sentence(row, container, shown)));
    }
    said
}

/// What of the definition fits a row.
struct Shown {
    what: String,
    /// What the kind of it means without the flag.
    means: Option<&'static str>,
}

impl Shown {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), means: None }
    }

    /// Nothing where there is no path.
    fn paths(kind: &str, paths: &[&str], means: Option<&'static str>) -> Option<Self> {
        match paths {
            [] => None,
            [one] => Some(Self { what: format!("{kind} {one}"), means }),
            more => Some(Self { what: format!("{kind}s {}", more.join(", ")), means }),
        }
    }
}

fn shown(number: usize, row: &Row, definition: &Described, container: &Container, is_first: bool) -> Vec<Shown> {
    let is_host = |mode: Option<&str>| mode == Some("host");
    let when = |applies: bool, what: &str| applies.then(|| Shown::new(what)).into_iter().collect();
    let capabilities = |verb: &str, names: &[String]| Shown::new(format!("capabilities.{verb} {}", names.join(", ")));
    let drops_all = has(&container.capabilities_dropped, "ALL");
    match row.shows {
        Sign::Path(_) | Sign::ReadOnly(_) | Sign::Device(_) => paths(number, row, container),
        Sign::PidHost => when(is_host(definition.pid_mode()), "pidMode host"),
        Sign::OnlyNetworkHost => when(is_first && is_host(definition.network_mode()), "networkMode host"),
        Sign::OnlyIpcHost => when(is_first && is_host(definition.ipc_mode()), "ipcMode host"),
        Sign::Adds => match container.capabilities_added.as_slice() {
            [] => Vec::new(),
            added => vec![capabilities("add", added)],
        },
        Sign::DropsAll => when(drops_all, "capabilities.drop ALL"),
        Sign::DropsSome => match container.capabilities_dropped.as_slice() {
            dropped if dropped.is_empty() || drops_all => Vec::new(),
            dropped => vec![capabilities("drop", dropped)],
        },
        Sign::NotRoot => when(container.user == User::Other, "user"),
    }
}

/// The mounts and devices whose first row this is. A device that is given and mounted is a device.
fn paths(number: usize, row: &Row, container: &Container) -> Vec<Shown> {
    let is_first_row = |fits: &dyn Fn(&Sign) -> bool| TABLE.iter().position(|row| fits(&row.shows)) == Some(number);
    let devices = container.devices.iter().map(String::as_str);
    let devices: Vec<&str> = devices.filter(|path| is_first_row(&|sign| sign.is_shown_by_device(path))).collect();
    let is_given = |mount: &&HostMount| container.devices.iter().any(|path| normal(path) == normal(&mount.host_path));
    let mounts = container.host_mounts.iter().filter(|mount| !is_given(mount));
    let mounts = mounts.filter(|mount| is_first_row(&|sign| sign.is_shown_by_mount(mount)));
    let mounts: Vec<&str> = mounts.map(|mount| mount.host_path.as_str()).collect();
    // The device cgroup lets a container open what it was given, and with the flag everything:
    // https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities
    let is_of_devices = matches!(row.shows, Sign::Device(_));
    let mounted = "without the flag a mount opens no device: name what it uses in linuxParameters.devices";
    let given = "it stays open without the flag";
    let of_mounts = Shown::paths("host path", &mounts, is_of_devices.then_some(mounted));
    of_mounts.into_iter().chain(Shown::paths("device", &devices, Some(given))).collect()
}

impl Sign {
    fn is_shown_by_mount(&self, mount: &HostMount) -> bool {
        match self {
            Self::Path(at) | Self::Device(at) => at.iter().any(|at| is_at(&mount.host_path, at)),
            Self::ReadOnly(at) => mount.read_only && at.iter().any(|at| is_at(&mount.host_path, at)),
            Self::PidHost | Self::OnlyNetworkHost | Self::OnlyIpcHost => false,
            Self::Adds | Self::DropsAll | Self::DropsSome | Self::NotRoot => false,
        }
    }

    fn is_shown_by_device(&self, path: &str) -> bool {
        matches!(self, Self::Device(at) if at.iter().any(|at| is_at(path, at)))
    }
}

fn is_at(path: &str, at: &str) -> bool {
    let path = normal(path);
    match (at.strip_prefix('*'), at.strip_prefix('='), at.strip_suffix('*')) {
        (Some(end), ..) => path.ends_with(end),
        (_, Some(same), _) => path == same,
        (_, _, Some(beginning)) => path.starts_with(beginning),
        (None, None, None) => path.strip_prefix(at).is_some_and(|below| below.is_empty() || below.starts_with('/')),
    }
}

/// As the table writes it. `/var/run` is `/run`: <https://refspecs.linuxfoundation.org/FHS_3.0/fhs/ch05s13.html>
fn normal(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["var", below @ ("run" | "lock"), rest @ ..] => format!("/{}", [&[*below], rest].concat().join("/")),
        parts => format!("/{}", parts.join("/")),
    }
}

fn sentence(row: &Row, container: &Container, shown: &Shown) -> String {
    let takes = row.takes.iter().map(|(what_for, capabilities)| advice(container, what_for, capabilities));
    let says = [shown.means.unwrap_or_default(), row.says].into_iter().filter(|says| !says.is_empty());
    let clauses: Vec<String> = says.map(str::to_owned).chain(takes).collect();
    format!("{}: {}: {}", container.name, shown.what, clauses.join("; "))
}

fn advice(container: &Container, what_for: &str, capabilities: &[&str]) -> String {
    let missing: Vec<&str> = capabilities.iter().copied().filter(|name| !is_left_with(container, name)).collect();
    match missing.as_slice() {
        [] => format!("for {what_for} it has {}", capabilities.join(" and ")),
        missing => format!("for {what_for} add {}", missing.join(" and ")),
    }
}

/// Whether the container has it without the flag: drop counts first, then add. `add: ALL` does not count: ECS's page and
/// Docker's do not agree on what it gives.
fn is_left_with(container: &Container, capability: &str) -> bool {
    let dropped = &container.capabilities_dropped;
    let is_dropped = has(dropped, "ALL") || has(dropped, capability);
    has(&container.capabilities_added, capability) || DEFAULT.contains(&capability) && !is_dropped
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|one| one == name)
}

#[cfg(test)]
mod tests;
