//! Takes the documents that the binary carries: the shop's mesh for the demo, and the mesh that `polder new mesh` starts with.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let workspace = package.join("../..");
    let mut code = String::new();
    embed(
        &mut code,
        "SHOP",
        &workspace,
        &["polder.yaml", "contracts", "pipelines", "catalog"],
    )?;
    embed(&mut code, "NEW_MESH", &package.join("templates/mesh"), &["."])?;
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?).join("documents.rs");
    fs::write(out, code)
}

/// Writes a constant of (path within `root`, text) for all files below the given places.
fn embed(code: &mut String, name: &str, root: &Path, places: &[&str]) -> io::Result<()> {
    let mut files = Vec::new();
    for place in places {
        collect(&root.join(place), &mut files)?;
    }
    files.sort();
    let _ = writeln!(code, "pub(crate) const {name}: &[(&str, &str)] = &[");
    for file in files {
        let relative = file.strip_prefix(root).map_err(io::Error::other)?;
        let relative: PathBuf = relative.components().filter(|part| part.as_os_str() != ".").collect();
        let _ = writeln!(
            code,
            "    ({:?}, include_str!({:?})),",
            relative.display().to_string(),
            file.canonicalize()?
        );
    }
    code.push_str("];\n");
    Ok(())
}

fn collect(place: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", place.display());
    if place.is_file() {
        files.push(place.to_path_buf());
        return Ok(());
    }
    for entry in fs::read_dir(place)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}
