//! `polder contract docs`: a page for each contract and data product of the mesh, and an index.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use polder_convert::{IndexEntry, ProductEntry, Site};
use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result, ResultExt};

use super::conversion::write;
use crate::commands::product;
use crate::output;
use crate::platform::Platform;

/// The page that lists all.
const INDEX: &str = "index.html";

/// The head of a page tells within these that it is one of a site.
const HEAD_BYTES: usize = 4096;

/// Where the pages go.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The folder; made if it is not there. Pages of the same names in it are replaced, those of what is gone removed.
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
    let (products, contracts) = product::load(platform)?;
    std::fs::create_dir_all(&args.output).context(ErrorKind::Refused, || {
        format!("cannot make the folder {}", args.output.display())
    })?;
    let mut names = HashSet::from([INDEX.to_owned()]);
    let contracts = contracts.contracts();
    let of_contracts: Vec<_> = contracts.iter().map(|one| file_name(&one.id, &mut names)).collect();
    let of_products: Vec<_> = products.iter().map(|one| file_name(&one.id, &mut names)).collect();
    let contracts: Vec<_> = contracts
        .iter()
        .zip(&of_contracts)
        .map(|(contract, file)| IndexEntry { contract, file })
        .collect();
    let products: Vec<_> = products
        .iter()
        .zip(&of_products)
        .map(|(product, file)| ProductEntry { product, file })
        .collect();
    let site = Site {
        mesh: &platform.mesh.config.name,
        index: INDEX,
        contracts: &contracts,
        products: &products,
    };
    let page = |file: &str, text: String| write(&args.output.join(file), &text, true);
    for entry in site.contracts {
        page(entry.file, polder_convert::html(entry.contract, Some(&site)))?;
    }
    for entry in site.products {
        page(entry.file, polder_convert::product_html(entry.product, Some(&site)))?;
    }
    page(INDEX, polder_convert::index(&site))?;
    let gone = remove_others(&args.output, &names, &site.mark())?;
    if !quiet {
        let gone = match gone {
            0 => String::new(),
            some => format!(", {some} of what is gone removed"),
        };
        let pages = counted(names.len(), "page");
        output::remark(&format!("{pages} in {}{gone}", args.output.display()));
    }
    Ok(())
}

/// Removes the pages with the mark that an earlier call wrote and this one did not; how many. Whatever else is in the folder stays.
fn remove_others(folder: &Path, written: &HashSet<String>, mark: &str) -> Result<usize> {
    let failed = || format!("cannot look for pages of what is gone in {}", folder.display());
    let mut removed = 0;
    for entry in std::fs::read_dir(folder).context(ErrorKind::Refused, failed)? {
        let path = entry.context(ErrorKind::Refused, failed)?.path();
        let is_page = path.extension().is_some_and(|ending| ending == "html") && path.is_file();
        let name = path.file_name().and_then(|name| name.to_str());
        if !is_page || name.is_none_or(|name| written.contains(name)) {
            continue;
        }
        let page = std::fs::read(&path).context(ErrorKind::Refused, failed)?;
        let head = String::from_utf8_lossy(page.get(..HEAD_BYTES).unwrap_or(&page));
        if head.contains(mark) {
            std::fs::remove_file(&path).context(ErrorKind::Refused, failed)?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// A file's name for the id of a contract or product that no other has, on any file system.
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
    let safe = if safe.is_empty() { "page" } else { safe };
    let mut name = format!("{safe}.html");
    let mut number = 2;
    while !names.insert(name.clone()) {
        name = format!("{safe}-{number}.html");
        number += 1;
    }
    name
}
