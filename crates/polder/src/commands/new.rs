//! `polder new`: files to start from.

use std::fs;
use std::path::Path;

use polder_core::{Error, ErrorKind, Result, ResultExt};

use crate::{documents, output};

/// Writes a small mesh that runs into a folder, which must be empty or absent.
pub(crate) fn mesh(dir: &Path) -> Result<()> {
    let taken = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if taken || dir.is_file() {
        return Err(Error::new(ErrorKind::Usage, format!("{} is not empty", dir.display()))
            .with_help("name a folder that is empty or does not exist yet"));
    }
    write_all(dir, documents::NEW_MESH)?;
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
