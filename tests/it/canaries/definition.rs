//! A definition that holds a canary wherever ECS lets a customer put a value, and its versions.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::canary;

/// Where the canaries are.
pub(super) const PLACES: [&str; 59] = [
    "image",
    "command",
    "entryPoint",
    "environment name",
    "environment value",
    "environment value of another",
    "environmentFiles",
    "secrets name",
    "secrets valueFrom",
    "repositoryCredentials",
    "dockerLabels name",
    "dockerLabels value",
    "log driver",
    "log option name",
    "log option value",
    "log secret name",
    "log secret valueFrom",
    "health check",
    "firelens option name",
    "firelens option value",
    "extraHosts name",
    "extraHosts address",
    "dockerSecurityOptions",
    "links",
    "workingDirectory",
    "user",
    "hostname",
    "dnsServers",
    "dnsSearchDomains",
    "systemControls name",
    "systemControls value",
    "containerPath",
    "volumesFrom",
    "resourceRequirements",
    "credentialSpecs",
    "tmpfs path",
    "tmpfs option",
    "device in the container",
    "volume driver",
    "volume option name",
    "volume option value",
    "volume label name",
    "volume label value",
    "efs file system",
    "efs directory",
    "efs access point",
    "fsx credentials",
    "proxy property name",
    "proxy property value",
    "placement expression",
    "inference accelerator",
    "tag key",
    "tag value",
    "unknown member",
    "unknown member of a container",
    "another container's environment",
    "another container's command",
    "another container's image",
    "port name",
];

/// Privileged, of the family `web`.
pub(crate) static ORIGINAL: LazyLock<String> = LazyLock::new(|| definition().to_string());
/// The same without privilege, as ECS might show it.
pub(crate) static CLEAN: LazyLock<String> = LazyLock::new(|| {
    let mut clean = definition();
    clean["containerDefinitions"][0]["privileged"] = false.into();
    clean["containerDefinitions"].as_array_mut().unwrap().reverse();
    clean.to_string()
});
/// A newer version of the application.
pub(crate) static NEWER: LazyLock<String> = LazyLock::new(|| CLEAN.replace("app:1", "app:2"));
/// A newer version that is privileged too.
pub(crate) static NEWER_PRIVILEGED: LazyLock<String> = LazyLock::new(|| ORIGINAL.replace("app:1", "app:2"));

fn definition() -> Value {
    let c = canary;
    json!({
        "family": "web",
        "taskRoleArn": "arn:aws:iam::111122223333:role/web",
        "networkMode": "bridge",
        "requiresCompatibilities": ["EC2", "EXTERNAL"],
        "containerDefinitions": [app(), {
            "name": "sidecar", "image": c("another container's image"), "memory": 64,
            "command": [c("another container's command")],
            "environment": [{ "name": "B", "value": c("another container's environment") }],
        }],
        "volumes": [
            { "name": "host", "host": { "sourcePath": "/var/run" } },
            { "name": "docker", "dockerVolumeConfiguration": {
                "scope": "shared", "driver": c("volume driver"),
                "driverOpts": { c("volume option name"): c("volume option value") },
                "labels": { c("volume label name"): c("volume label value") },
            } },
            { "name": "efs", "efsVolumeConfiguration": {
                "fileSystemId": c("efs file system"), "rootDirectory": c("efs directory"),
                "authorizationConfig": { "accessPointId": c("efs access point") },
            } },
            { "name": "fsx", "fsxWindowsFileServerVolumeConfiguration": {
                "fileSystemId": "fs-1", "authorizationConfig": { "credentialsParameter": c("fsx credentials") },
            } },
        ],
        "proxyConfiguration": { "type": "APPMESH", "containerName": "sidecar", "properties": [
            { "name": c("proxy property name"), "value": c("proxy property value") },
        ] },
        "placementConstraints": [{ "type": "memberOf", "expression": c("placement expression") }],
        "inferenceAccelerators": [{ "deviceName": "device", "deviceType": c("inference accelerator") }],
        "tags": [{ "key": c("tag key"), "value": c("tag value") }, { "key": "team", "value": "core" }],
        "ofTheFuture": { "a": [c("unknown member"), 1.0] },
    })
}

fn app() -> Value {
    let c = canary;
    json!({
        "name": "app", "privileged": true, "memory": 128, "image": format!("{}/app:1", c("image")),
        "command": [c("command"), "b"], "entryPoint": [c("entryPoint")],
        "environment": [
            { "name": c("environment name"), "value": c("environment value") },
            { "name": "A", "value": c("environment value of another") },
        ],
        "environmentFiles": [{ "type": "s3", "value": c("environmentFiles") }],
        "secrets": [{ "name": c("secrets name"), "valueFrom": c("secrets valueFrom") }],
        "repositoryCredentials": { "credentialsParameter": c("repositoryCredentials") },
        "dockerLabels": { c("dockerLabels name"): c("dockerLabels value") },
        "logConfiguration": {
            "logDriver": c("log driver"), "options": { c("log option name"): c("log option value") },
            "secretOptions": [{ "name": c("log secret name"), "valueFrom": c("log secret valueFrom") }],
        },
        "healthCheck": { "command": ["CMD", c("health check")], "interval": 5 },
        "firelensConfiguration": {
            "type": "fluentbit", "options": { c("firelens option name"): c("firelens option value") },
        },
        "extraHosts": [{ "hostname": c("extraHosts name"), "ipAddress": c("extraHosts address") }],
        "dockerSecurityOptions": [c("dockerSecurityOptions")], "links": [c("links")],
        "workingDirectory": c("workingDirectory"), "user": c("user"), "hostname": c("hostname"),
        "dnsServers": [c("dnsServers")], "dnsSearchDomains": [c("dnsSearchDomains")],
        "systemControls": [{ "namespace": c("systemControls name"), "value": c("systemControls value") }],
        "mountPoints": [{ "sourceVolume": "host", "containerPath": c("containerPath") }],
        "volumesFrom": [{ "sourceContainer": c("volumesFrom") }],
        "resourceRequirements": [{ "type": "GPU", "value": c("resourceRequirements") }],
        "credentialSpecs": [c("credentialSpecs")],
        "linuxParameters": {
            "capabilities": { "add": ["NET_ADMIN"] },
            "tmpfs": [{ "containerPath": c("tmpfs path"), "size": 1, "mountOptions": [c("tmpfs option")] }],
            "devices": [{ "hostPath": "/dev/fuse", "containerPath": c("device in the container") }],
        },
        "portMappings": [{ "containerPort": 80, "name": c("port name") }],
        "ofTheFuture": c("unknown member of a container"),
    })
}
