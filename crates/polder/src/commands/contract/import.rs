//! `polder contract import`: a contract from a document of another format.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use polder_contract::DatasetContract;
use polder_convert::{Binding, Dialect, ImportOptions};
use polder_core::Result;
use polder_core::document::Source;
use polder_gate::Gate;

use super::conversion::{FormatName, OutputArgs};
use crate::options::worded;
use crate::report;

/// What is imported, and what only people know about it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The document.
    file: PathBuf,
    /// Its format.
    #[arg(long, value_enum)]
    from: FormatName,
    /// The dialect of its SQL: ansi (the default), postgres, spark, snowflake, bigquery, duckdb, mysql, sqlserver, oracle
    /// or redshift.
    #[arg(long, value_parser = worded::<Dialect>)]
    dialect: Option<Dialect>,
    #[command(flatten)]
    about: AboutArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// What a contract says that no other format knows.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct AboutArgs {
    /// The domain that owns the data.
    #[arg(long)]
    domain: Option<String>,
    /// The dataset that it describes (domain.layer.name), or a domain and layer, where each table becomes a dataset of its
    /// own name.
    #[arg(long, value_name = "DATASET|DOMAIN.LAYER", value_parser = worded::<Binding>)]
    dataset: Option<Binding>,
    /// The user name of its owner.
    #[arg(long)]
    owner: Option<String>,
}

impl AboutArgs {
    /// The options of an import of something of this name.
    pub(super) fn options(&self, name: Option<String>) -> ImportOptions {
        ImportOptions {
            name,
            domain: self.domain.clone(),
            dataset: self.dataset.clone(),
            owner: self.owner.clone(),
            row_rules: Some(can_run),
            ..ImportOptions::default()
        }
    }
}

/// Whether the gate can run a contract's rules, by its own compiler.
fn can_run(contract: &DatasetContract) -> std::result::Result<(), String> {
    let Err(error) = Gate::compile(contract) else {
        return Ok(());
    };
    let found = error.diagnostics().first();
    let message = found.map_or_else(|| error.to_string(), |found| found.message.clone());
    // The rule itself stands before it.
    let rest = message.split_once(" cannot be enforced: rule ").map(|(_, rest)| rest);
    let why = rest.and_then(|rest| rest.split_once(": ")).map(|(_, why)| why);
    Err(why.unwrap_or(&message).to_owned())
}

/// Prints the contract, or writes it to a file.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<ExitCode> {
    let format = args.from.in_dialect(args.dialect)?;
    let source = Source::read(Path::new(""), &args.file)?;
    let options = ImportOptions {
        file: Some(args.file.clone()),
        ..args.about.options(stem(&args.file))
    };
    let imported = polder_convert::import(format, &source.text, &options);
    let given = imported.and_then(|converted| args.output.give(&converted, quiet));
    report::or_told(given, &[source])
}

/// The file's name without what says its format: `orders.schema.json` is `orders`.
pub(super) fn stem(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?;
    name.split('.').find(|part| !part.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use polder_convert::{Format, import};

    use super::*;

    #[test]
    fn checks_that_no_gate_can_run_are_named_and_left_out() {
        let script = "CREATE TABLE t (\n a int, b date, c text,\n CHECK (b <= CURRENT_DATE),\n CHECK (c ~ '^(?=x)'),\n \
                      CHECK (a IN (SELECT 1)),\n CHECK (own(a) > 1),\n CHECK (a > 1 OR b IS NULL),\n \
                      CHECK (c SIMILAR TO '[A-Z]+')\n);";
        let options = ImportOptions {
            row_rules: Some(can_run),
            ..ImportOptions::default()
        };
        let converted = import(Format::Sql(Dialect::Postgres), script, &options).unwrap();
        let places: Vec<&str> = converted.losses.iter().map(|loss| loss.path.as_str()).collect();
        assert_eq!(
            places,
            ["line 3: t", "line 4: t", "line 5: t", "line 6: t"],
            "{:#?}",
            converted.losses
        );
        assert!(
            converted.losses[1].why.contains("look-around"),
            "{:#?}",
            converted.losses
        );
        let rules: Vec<&str> = converted.value.lines().filter(|line| line.contains("row: ")).collect();
        assert_eq!(rules.len(), 2, "{}", converted.value);
        assert!(rules[0].contains("a > 1 OR b IS NULL"), "{rules:?}");
        assert!(rules[1].contains("c ~ '(?s)^(?:[A-Z]+)$'"), "{rules:?}");
    }
}
