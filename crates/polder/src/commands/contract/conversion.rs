//! What conversions of contracts have in common: formats and dialects on the command line, where the result goes, and
//! the losses that are named.

use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;
use polder_convert::{Converted, Dialect, Format};
use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result, ResultExt};

use crate::output;

/// A format that contracts are read from and written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatName {
    /// An Avro schema.
    Avro,
    /// SQL DDL; --dialect names which.
    Sql,
    /// JSON Schema.
    #[value(name = "jsonschema")]
    JsonSchema,
    /// A .proto file.
    Protobuf,
    /// dbt's schema.yml; --dialect names that of its types.
    Dbt,
    /// The Data Contract Specification.
    Dcs,
}

impl FormatName {
    /// The format, in a dialect where it has any.
    pub(super) fn in_dialect(self, dialect: Option<Dialect>) -> Result<Format> {
        let given = dialect.unwrap_or_default();
        let format = match self {
            Self::Sql => return Ok(Format::Sql(given)),
            Self::Dbt => return Ok(Format::Dbt(given)),
            Self::Avro => Format::Avro,
            Self::JsonSchema => Format::JsonSchema,
            Self::Protobuf => Format::Protobuf,
            Self::Dcs => Format::DataContractSpecification,
        };
        match dialect {
            None => Ok(format),
            Some(_) => {
                Err(Error::new(ErrorKind::Usage, "only sql and dbt have dialects").with_help("leave --dialect out"))
            }
        }
    }
}

/// What becomes of the result.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct OutputArgs {
    /// Write to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<std::path::PathBuf>,
    /// Replace the file if it is there.
    #[arg(long, requires = "output")]
    force: bool,
    /// Any loss is a failure (exit code 1), and then nothing is written; so is a rule that is kept and not run.
    #[arg(long)]
    strict: bool,
}

impl OutputArgs {
    /// Writes the result, and names on standard error what it does not say.
    pub(super) fn give(&self, converted: &Converted<String>, quiet: bool) -> Result<ExitCode> {
        if !quiet || self.strict {
            for loss in &converted.losses {
                let what = if loss.is_kept() { "kept, not run" } else { "lost" };
                output::remark(&format!("{what}: {loss}"));
            }
        }
        if self.strict && !converted.losses.is_empty() {
            let lost = match converted.losses.iter().any(polder_convert::Loss::is_kept) {
                true => "lost or not run",
                false => "lost",
            };
            let things = counted(converted.losses.len(), "thing");
            output::remark(&format!(
                "nothing was written: {things} would be {lost}, and --strict allows no loss"
            ));
            return Ok(ExitCode::FAILURE);
        }
        match &self.output {
            Some(path) => {
                write(path, &converted.value, self.force)?;
                output::wrote(path, quiet);
            }
            None => output::text(&converted.value)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes a file, whole or not at all, and its folder where that is not there yet; one that is there is kept unless it is to be replaced.
pub(super) fn write(path: &Path, text: &str, force: bool) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    if path.exists() && !force {
        return Err(
            Error::new(ErrorKind::Usage, format!("{} is there already", path.display()))
                .with_help("name another file, or replace it with --force"),
        );
    }
    output::make_folder_of(path)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, text).context(ErrorKind::Refused, failed)?;
    std::fs::rename(&beside, path).context(ErrorKind::Refused, failed)
}
