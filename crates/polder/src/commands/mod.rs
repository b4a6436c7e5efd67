//! The commands, one module each.

pub(crate) mod catalog;
pub(crate) mod check;
pub(crate) mod contract;
pub(crate) mod demo;
pub(crate) mod ingest;
pub(crate) mod lineage;
pub(crate) mod model;
pub(crate) mod new;
pub(crate) mod policy;
pub(crate) mod product;
pub(crate) mod quarantine;
pub(crate) mod run;
pub(crate) mod slo;
pub(crate) mod source;
pub(crate) mod sql;
pub(crate) mod test;

use std::path::Path;

use polder_contract::ContractSet;
use polder_core::{DatasetName, Error, ErrorKind, Result};

use crate::platform::Platform;

/// A dataset that a command line names. Where it names a file, the error says which datasets that is the contract of.
fn named_dataset(platform: &Platform, contracts: &ContractSet, name: &str) -> Result<DatasetName> {
    name.parse().map_err(|error: Error| {
        let Ok(file) = Path::new(name).canonicalize() else {
            let missing = missing_file(name).map(|missing| missing.with_help("name a dataset: domain.layer.name"));
            return missing.unwrap_or(error);
        };
        let is_here = |path: &Path| platform.mesh.path(path).canonicalize().is_ok_and(|path| path == file);
        let described = contracts.iter().filter(|bound| is_here(&bound.contract.source_path));
        let described: Vec<_> = described.map(|bound| bound.dataset().to_string()).collect();
        let help = match described.as_slice() {
            [] => "name one as domain.layer.name; `polder contract status` lists them".to_owned(),
            [one] => format!("name the one that it describes: {one}"),
            many => format!("name one that it describes: {}", many.join(", ")),
        };
        let what = if file.is_dir() { "a folder" } else { "a file" };
        Error::new(
            ErrorKind::Usage,
            format!("{name} is {what}, and this is about datasets"),
        )
        .with_help(help)
    })
}

/// What to say of a name that is neither a dataset's nor a file's but looks like a file's.
fn missing_file(name: &str) -> Option<Error> {
    let looks_like_one = name.contains('/') || [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
    (looks_like_one && !Path::new(name).is_file())
        .then(|| Error::new(ErrorKind::NotFound, format!("there is no file {name}")))
}
