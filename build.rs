//! Links the binaries to a fixed address. The SDK's schemas are 20,000 pointers in static data, and moving them at each
//! start writes to 130 pages that a compliant event never looks at: a fifth of such an event's CPU.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_CFG_TARGET_OS").is_some_and(|os| os == "linux") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
