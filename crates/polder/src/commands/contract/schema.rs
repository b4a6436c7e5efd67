//! `polder contract schema`: the JSON schema by which editors complete and check contracts.

use std::path::PathBuf;

use polder_contract::editor_schema;
use polder_core::{ErrorKind, Result, ResultExt};

use crate::output::{line, make_folder_of, wrote};

/// Where the schema goes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Write it to this file instead of printing it.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Prints or writes the schema; needs no mesh.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<()> {
    let schema = format!("{:#}", editor_schema());
    match &args.output {
        None => line(&schema),
        Some(path) => {
            make_folder_of(path)?;
            std::fs::write(path, schema + "\n")
                .context(ErrorKind::Refused, || format!("cannot write {}", path.display()))?;
            wrote(path, quiet);
            Ok(())
        }
    }
}
