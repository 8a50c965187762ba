//! The members of a task definition that ECS documents, what kind each is, and what its absence means.
//! Used to compare meanings and to know which names are ECS's own and may be shown. Nothing is ever copied by this list.
//!
//! Source: `RegisterTaskDefinition` of botocore's `ecs` model (1.43.127), which is also the text of
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html> and of
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>.
//! `tests/e2e/test_model.py` fails when a newer model has a member that is missing here.

use super::json::Json;

/// The members that only `DescribeTaskDefinition` gives and `RegisterTaskDefinition` does not take
/// (botocore `ecs`, shapes `TaskDefinition` and `RegisterTaskDefinitionRequest`, compared).
pub const OUTPUT_ONLY: &[&str] = &[
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

/// One member that ECS documents.
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// The documented value that its absence stands for, beside the empty one.
    pub default: Option<Json<'static>>,
}

/// What a member holds.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A text, a number, a boolean, or a list of them whose order counts.
    Plain,
    /// A list of texts that ECS treats as a set.
    Set,
    /// An object with members that ECS documents.
    Object(&'static [Member]),
    /// A list of such objects, in no order.
    Objects(&'static [Member]),
    /// A list of such objects whose order counts.
    Sequence(&'static [Member]),
    /// The containers: objects in no order, told apart by `name`.
    Containers(&'static [Member]),
    /// An object whose member names are the customer's. An empty value is a value here: a label may be empty.
    Map,
}

const fn plain(name: &'static str) -> Member {
    Member { name, kind: Kind::Plain, default: None }
}

const fn default(name: &'static str, json: &'static str) -> Member {
    Member { name, kind: Kind::Plain, default: Some(Json::written(json)) }
}

const fn set(name: &'static str) -> Member {
    Member { name, kind: Kind::Set, default: None }
}

const fn map(name: &'static str) -> Member {
    Member { name, kind: Kind::Map, default: None }
}

const fn object(name: &'static str, members: &'static [Member]) -> Member {
    Member { name, kind: Kind::Object(members), default: None }
}

const fn objects(name: &'static str, members: &'static [Member]) -> Member {
    Member { name, kind: Kind::Objects(members), default: None }
}

const fn sequence(name: &'static str, members: &'static [Member]) -> Member {
    Member { name, kind: Kind::Sequence(members), default: None }
}

const fn containers(name: &'static str, members: &'static [Member]) -> Member {
    Member { name, kind: Kind::Containers(members), default: None }
}

/// What `RegisterTaskDefinition` takes.
pub const REGISTER_INPUT: &[Member] = &[
    plain("family"),
    plain("taskRoleArn"),
    object("trustedExecutionConfiguration", &[plain("isolationMode"), plain("attestationPolicy")]),
    plain("executionRoleArn"),
    // "If no network mode is specified, the default is bridge" (Linux; Windows has no `privileged`).
    default("networkMode", r#""bridge""#),
    containers(
        "containerDefinitions",
        &[
            plain("name"),
            plain("image"),
            object("repositoryCredentials", &[plain("credentialsParameter")]),
            // "null and zero CPU values are passed to Docker as 0".
            default("cpu", "0"),
            plain("memory"),
            plain("memoryReservation"),
            plain("links"),
            objects(
                "portMappings",
                &[
                    plain("containerPort"),
                    // "you can omit the hostPort (or set it to 0)".
                    default("hostPort", "0"),
                    // "The default is tcp".
                    default("protocol", r#""tcp""#),
                    plain("name"),
                    plain("appProtocol"),
                    plain("containerPortRange"),
                ],
            ),
            // "If this parameter is omitted, a container is assumed to be essential".
            default("essential", "true"),
            object(
                "restartPolicy",
                &[
                    plain("enabled"),
                    plain("ignoredExitCodes"),
                    // "By default, a container must run for 300 seconds before it can be restarted".
                    default("restartAttemptPeriod", "300"),
                ],
            ),
            plain("entryPoint"),
            plain("command"),
            objects("environment", &[plain("name"), plain("value")]),
            // "If multiple environment files are specified that contain the same variable, they're processed from the
            // top down".
            sequence("environmentFiles", &[plain("value"), plain("type")]),
            objects(
                "mountPoints",
                // "The default value is false".
                &[plain("sourceVolume"), plain("containerPath"), default("readOnly", "false")],
            ),
            // "The default value is false".
            objects("volumesFrom", &[plain("sourceContainer"), default("readOnly", "false")]),
            object(
                "linuxParameters",
                &[
                    object("capabilities", &[set("add"), set("drop")]),
                    objects("devices", &[plain("hostPath"), plain("containerPath"), plain("permissions")]),
                    // "maps to the --init option to docker run", which is off unless given.
                    default("initProcessEnabled", "false"),
                    plain("sharedMemorySize"),
                    objects("tmpfs", &[plain("containerPath"), plain("size"), plain("mountOptions")]),
                    plain("maxSwap"),
                    // "If the swappiness parameter is not specified, a default value of 60 is used".
                    default("swappiness", "60"),
                ],
            ),
            objects("secrets", &[plain("name"), plain("valueFrom")]),
            objects("dependsOn", &[plain("containerName"), plain("condition")]),
            plain("startTimeout"),
            plain("stopTimeout"),
            // "By default, the value is enabled".
            default("versionConsistency", r#""enabled""#),
            plain("hostname"),
            plain("user"),
            plain("workingDirectory"),
            // "When this parameter is true, …", as for the four booleans below: each maps to a switch of `docker run`
            // that is off unless given.
            default("disableNetworking", "false"),
            default("privileged", "false"),
            default("readonlyRootFilesystem", "false"),
            plain("dnsServers"),
            plain("dnsSearchDomains"),
            objects("extraHosts", &[plain("hostname"), plain("ipAddress")]),
            plain("dockerSecurityOptions"),
            default("interactive", "false"),
            default("pseudoTerminal", "false"),
            map("dockerLabels"),
            objects("ulimits", &[plain("name"), plain("softLimit"), plain("hardLimit")]),
            object(
                "logConfiguration",
                &[plain("logDriver"), map("options"), objects("secretOptions", &[plain("name"), plain("valueFrom")])],
            ),
            object(
                "healthCheck",
                &[
                    plain("command"),
                    // "The default value is 30 seconds".
                    default("interval", "30"),
                    // "The default value is 5".
                    default("timeout", "5"),
                    // "The default value is 3".
                    default("retries", "3"),
                    plain("startPeriod"),
                ],
            ),
            objects("systemControls", &[plain("namespace"), plain("value")]),
            objects(
                "resourceRequirements",
                &[
                    plain("value"),
                    plain("type"),
                    object("sharingStrategy", &[object("nvidiaMps", &[plain("memory"), plain("maxComputePercent")])]),
                ],
            ),
            object("firelensConfiguration", &[plain("type"), map("options")]),
            plain("credentialSpecs"),
        ],
    ),
    objects(
        "volumes",
        &[
            plain("name"),
            object("host", &[plain("sourcePath")]),
            object(
                "dockerVolumeConfiguration",
                &[plain("scope"), plain("autoprovision"), plain("driver"), map("driverOpts"), map("labels")],
            ),
            object(
                "efsVolumeConfiguration",
                &[
                    plain("fileSystemId"),
                    // "Specifying / will have the same effect as omitting this parameter".
                    default("rootDirectory", r#""/""#),
                    // "If this parameter is omitted, the default value of DISABLED is used".
                    default("transitEncryption", r#""DISABLED""#),
                    plain("transitEncryptionPort"),
                    object(
                        "authorizationConfig",
                        // "If this parameter is omitted, the default value of DISABLED is used".
                        &[plain("accessPointId"), default("iam", r#""DISABLED""#)],
                    ),
                ],
            ),
            object(
                "s3filesVolumeConfiguration",
                &[
                    plain("fileSystemArn"),
                    // "Specifying / will have the same effect as omitting this parameter".
                    default("rootDirectory", r#""/""#),
                    plain("transitEncryptionPort"),
                    plain("accessPointArn"),
                ],
            ),
            object(
                "fsxWindowsFileServerVolumeConfiguration",
                &[
                    plain("fileSystemId"),
                    plain("rootDirectory"),
                    object("authorizationConfig", &[plain("credentialsParameter"), plain("domain")]),
                ],
            ),
            plain("configuredAtLaunch"),
        ],
    ),
    objects("placementConstraints", &[plain("type"), plain("expression")]),
    set("requiresCompatibilities"),
    plain("cpu"),
    plain("memory"),
    objects("tags", &[plain("key"), plain("value")]),
    plain("pidMode"),
    plain("ipcMode"),
    object(
        "proxyConfiguration",
        &[plain("type"), plain("containerName"), objects("properties", &[plain("name"), plain("value")])],
    ),
    objects("inferenceAccelerators", &[plain("deviceName"), plain("deviceType")]),
    object("ephemeralStorage", &[plain("sizeInGiB")]),
    object("runtimePlatform", &[plain("cpuArchitecture"), plain("operatingSystemFamily")]),
    // "The default value is false".
    default("enableFaultInjection", "false"),
];
