//! `polder new`: files to start from.

use std::fs;
use std::path::Path;

use polder_core::{Error, ErrorKind, Result, ResultExt};

use crate::{documents, output};

/// Writes a small mesh that runs into a folder, which must be empty or absent, and says how to run it unless `quiet`.
pub(crate) fn mesh(dir: &Path, quiet: bool) -> Result<()> {
    let taken = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if taken || dir.is_file() {
        return Err(Error::new(ErrorKind::Usage, format!("{} is not empty", dir.display()))
            .with_help("name a folder that is empty or does not exist yet"));
    }
    let own = mesh_name(dir);
    let named = |text: &str| match &own {
        Some(own) => text.replacen("name: my_mesh\n", &format!("name: {own}\n"), 1),
        None => text.to_owned(),
    };
    let written: Vec<(&str, String)> = documents::NEW_MESH
        .iter()
        .map(|(path, text)| match *path {
            "polder.yaml" => (*path, named(text)),
            _ => (*path, (*text).to_owned()),
        })
        .collect();
    let written: Vec<(&str, &str)> = written.iter().map(|(path, text)| (*path, text.as_str())).collect();
    write_all(dir, &written)?;
    if quiet {
        return Ok(());
    }
    output::line(&format!("a new mesh is in {}; to run it:\n", dir.display()))?;
    for command in [
        format!("cd {}", quoted(&dir.display().to_string())),
        "polder check".to_owned(),
        "polder ingest --until-end".to_owned(),
        "polder run".to_owned(),
        "polder sql \"SELECT * FROM shop.gold.daily_orders ORDER BY order_day\"".to_owned(),
    ] {
        output::line(&format!("  {command}"))?;
    }
    Ok(())
}

/// The name of a mesh in this folder: the folder's own, in small letters, digits and underscores. None where that
/// leaves no name.
fn mesh_name(dir: &Path) -> Option<String> {
    let dir = std::path::absolute(dir).ok()?;
    let letters = dir.file_name()?.to_str()?.chars();
    let name: String = letters
        .map(|c| match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => c,
            _ => '_',
        })
        .collect();
    let name = name.trim_matches('_');
    name.starts_with(|c: char| c.is_ascii_lowercase())
        .then(|| name.to_owned())
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:=@".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Writes documents below a folder.
pub(crate) fn write_all(dir: &Path, documents: &[(&str, &str)]) -> Result<()> {
    for (path, text) in documents {
        let path = dir.join(path);
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text));
        written.context(ErrorKind::Refused, || format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mesh_is_named_after_its_folder() {
        let cases = [
            ("/tmp/shop", Some("shop")),
            ("/tmp/My-Mesh 2/", Some("my_mesh_2")),
            ("/tmp/2026", None),
            ("/", None),
        ];
        for (dir, name) in cases {
            assert_eq!(mesh_name(Path::new(dir)).as_deref(), name, "{dir}");
        }
    }
}
