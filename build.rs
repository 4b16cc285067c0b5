//! Makes the folder that the admin web app is embedded from, so that the server also builds where the app was not built.

use std::fs;

/// Where `make web` puts the app.
const APP: &str = "web/dist/admin";

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={APP}");
    fs::create_dir_all(APP)
}
