//! `cargo xtask demo`: builds Polder and runs `polder demo`.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::{checkout, polder};

/// Where the real invoices lie under a data folder.
const INVOICES: &str = "online_retail/by-day";

/// Runs the demo with these arguments. What is wrong with its folder of invoices is said before anything is built, which
/// takes minutes where nothing was built before.
pub(crate) fn run(arguments: &[&str]) -> Result<ExitCode> {
    if let Some(Err(why)) = retail(arguments).map(|folder| folder.and_then(invoices)) {
        eprintln!("xtask: {why}");
        return Ok(ExitCode::from(2));
    }
    let mut command = Command::new(polder::build()?);
    command.arg("demo");
    if !arguments.iter().any(|a| *a == "--dir" || a.starts_with("--dir=")) {
        command.arg("--dir").arg(checkout::target()?.join("demo"));
    }
    let status = command.args(arguments).status()?;
    match status.code() {
        Some(code) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(1))),
        None => bail!("the demo was ended by a signal"),
    }
}

/// The value of `--retail`, where it is given.
fn retail<'a>(arguments: &[&'a str]) -> Option<Result<&'a Path, String>> {
    let at = arguments
        .iter()
        .position(|argument| *argument == "--retail" || argument.starts_with("--retail="))?;
    let value = match arguments[at].split_once('=') {
        Some((_, value)) => Some(value),
        None => arguments.get(at + 1).copied().filter(|value| !value.starts_with("--")),
    };
    Some(match value {
        Some(value) if !value.is_empty() => Ok(Path::new(value)),
        _ => Err(format!(
            "--retail needs the folder of the invoices' CSV files, or one that holds {INVOICES}"
        )),
    })
}

/// Why a folder has no invoices; `polder demo` looks into the files.
fn invoices(folder: &Path) -> Result<(), String> {
    let below = folder.join(INVOICES);
    let folder = if below.is_dir() { below } else { folder.to_owned() };
    let help = format!("name the folder of the CSV files, or one that holds {INVOICES}: --retail DIR");
    let entries =
        fs::read_dir(&folder).map_err(|cause| format!("cannot read {}: {cause}\n{help}", folder.display()))?;
    let is_csv = |path: &Path| path.extension().is_some_and(|extension| extension == "csv");
    if entries.flatten().any(|entry| is_csv(&entry.path())) {
        return Ok(());
    }
    Err(format!("there are no CSV files in {}\n{help}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(arguments: &[&str]) -> Option<Result<(), String>> {
        retail(arguments).map(|folder| folder.and_then(invoices))
    }

    #[test]
    fn a_folder_of_invoices_is_looked_at_before_the_build() {
        let folder = std::env::temp_dir().join(format!("polder-xtask-demo-{}", std::process::id()));
        let days = folder.join("data").join(INVOICES);
        fs::create_dir_all(&days).unwrap();
        let named = folder.display().to_string();
        let data = format!("--retail={named}/data");
        let refused = |arguments: &[&str], why: &str| {
            let said = verdict(arguments).unwrap().unwrap_err();
            assert!(said.contains(why), "{said}");
        };
        refused(&["--retail", &named], "no CSV files in");
        refused(&[&data], "no CSV files in");
        refused(&["--retail", "no/such/folder"], "cannot read no/such/folder");
        refused(&["--weeks", "3", "--retail"], "--retail needs");
        refused(&["--retail", "--weeks"], "--retail needs");
        fs::write(days.join("2010-12-01.csv"), "").unwrap();
        assert_eq!(verdict(&[&data]), Some(Ok(())));
        assert_eq!(verdict(&["--retail", &days.display().to_string()]), Some(Ok(())));
        assert_eq!(verdict(&["--weeks", "3"]), None);
        fs::remove_dir_all(folder).unwrap();
    }
}
