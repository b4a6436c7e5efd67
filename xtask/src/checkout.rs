//! Where things are: the checkout, cargo's target folder, the real data, and the cache outside the checkout.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::processes;

/// The cargo that started this task, else the one on the path.
///
/// It starts without what cargo told this task of its own package: build scripts of other makers (ring's, for one) watch
/// `CARGO_PKG_NAME` and its like, and would make everything above them be compiled anew.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let told = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
        "CARGO_PRIMARY_",
    ];
    for (name, _) in env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| told.iter().any(|prefix| name.starts_with(prefix)))
        {
            command.env_remove(name);
        }
    }
    command
}

/// `cargo metadata` of the workspace, without other makers' packages.
pub(crate) fn metadata() -> Result<&'static Value> {
    static METADATA: OnceLock<Value> = OnceLock::new();
    if let Some(known) = METADATA.get() {
        return Ok(known);
    }
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--no-deps"]);
    // Started by cargo: the folder of this package is known, wherever the user stands.
    if let Some(package) = env::var_os("CARGO_MANIFEST_DIR") {
        command.current_dir(package);
    }
    let text = processes::output(&mut command)?;
    let value = serde_json::from_str(&text).context("cargo metadata is no JSON")?;
    Ok(METADATA.get_or_init(|| value))
}

/// The workspace's root folder.
pub(crate) fn root() -> Result<PathBuf> {
    path_in_metadata("workspace_root")
}

/// cargo's target folder.
pub(crate) fn target() -> Result<PathBuf> {
    path_in_metadata("target_directory")
}

fn path_in_metadata(key: &str) -> Result<PathBuf> {
    let path = metadata()?.get(key).and_then(Value::as_str);
    Ok(PathBuf::from(
        path.with_context(|| format!("cargo metadata has no {key}"))?,
    ))
}

/// The folder of real data, if it is there.
pub(crate) fn data() -> Result<Option<PathBuf>> {
    let folder = match env::var_os("POLDER_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => root()?.join("../shared/data"),
    };
    Ok(folder.canonicalize().ok())
}

/// Where programs are installed and services keep their data.
pub(crate) struct Cache {
    /// Programs, by name and version; shared by all checkouts.
    pub(crate) programs: PathBuf,
    /// What services write: data, logs, ports.
    pub(crate) state: PathBuf,
}

impl Cache {
    /// Opens the cache and creates its folders.
    pub(crate) fn open() -> Result<Self> {
        let programs = match env::var_os("POLDER_SERVICES_CACHE") {
            Some(folder) => PathBuf::from(folder),
            // PostgreSQL refuses to run as root, and its own user cannot enter root's home.
            None if is_root() => PathBuf::from("/var/cache/polder"),
            None => user_cache()?.join("polder/services"),
        };
        let state = env::var_os("POLDER_SERVICES_STATE").map_or_else(|| programs.join("run"), PathBuf::from);
        Ok(Self {
            programs: create(&programs)?,
            state: create(&state)?,
        })
    }
}

fn create(folder: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder.canonicalize()?)
}

fn user_cache() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("XDG_CACHE_HOME") {
        return Ok(PathBuf::from(folder));
    }
    match env::var_os("HOME") {
        Some(home) => Ok(PathBuf::from(home).join(".cache")),
        None => bail!("neither HOME nor XDG_CACHE_HOME is set: say where to install with POLDER_SERVICES_CACHE"),
    }
}

/// Whether this process runs as root.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}
