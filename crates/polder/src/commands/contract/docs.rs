//! `polder contract docs`: a page for each contract of the mesh, and an index.

use std::collections::HashSet;
use std::path::PathBuf;

use polder_convert::IndexEntry;
use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result, ResultExt};

use super::conversion::write;
use crate::output;
use crate::platform::Platform;

/// Where the pages go.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The folder; made if it is not there. Pages of the same names in it are replaced.
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
}

/// Writes the pages.
pub(crate) fn run(platform: &Platform, args: &Args, quiet: bool) -> Result<()> {
    if let Some(file) = args.output.ancestors().find(|path| path.is_file()) {
        return Err(
            Error::new(ErrorKind::Usage, format!("{} is a file, no folder", file.display()))
                .with_help("name the folder that takes the pages: -o site"),
        );
    }
    let contracts = platform.contracts()?;
    std::fs::create_dir_all(&args.output).context(ErrorKind::Refused, || {
        format!("cannot make the folder {}", args.output.display())
    })?;
    let mut names = HashSet::from(["index.html".to_owned()]);
    let mut files = Vec::new();
    for contract in contracts.contracts() {
        let file = file_name(&contract.id, &mut names);
        write(
            &args.output.join(&file),
            &polder_convert::html(contract, Some("index.html")),
            true,
        )?;
        files.push(file);
    }
    let entries: Vec<_> = contracts
        .contracts()
        .iter()
        .zip(&files)
        .map(|(contract, file)| IndexEntry { contract, file })
        .collect();
    let title = "Data contracts";
    write(
        &args.output.join("index.html"),
        &polder_convert::index(title, &entries),
        true,
    )?;
    if !quiet {
        output::remark(&format!(
            "{} in {}",
            counted(files.len() + 1, "page"),
            args.output.display()
        ));
    }
    Ok(())
}

/// A file's name for a contract's id that no other has, on any file system.
fn file_name(id: &str, names: &mut HashSet<String>) -> String {
    let safe: String = id
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .take(100)
        .collect();
    let safe = safe.trim_matches(['.', '-']);
    let safe = if safe.is_empty() { "contract" } else { safe };
    let mut name = format!("{safe}.html");
    let mut number = 2;
    while !names.insert(name.clone()) {
        name = format!("{safe}-{number}.html");
        number += 1;
    }
    name
}
