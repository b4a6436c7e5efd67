//! `polder contract infer`: a contract from a table that is there.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use futures::StreamExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use polder_contract::{ContractSet, Property};
use polder_convert::{Binding, Converted, ImportOptions, Observed, TableFacts, infer};
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt};
use polder_lake::{Lake, Table};
use polder_policy::Policies;
use polder_query::{Session, SessionOptions, query_error};

use super::conversion::OutputArgs;
use super::import::{AboutArgs, stem};
use crate::options::Global;
use crate::platform::Platform;

/// The table, and how closely it is looked at.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// A dataset of the lake (domain.layer.name), a Parquet file, or the folder of a Delta table.
    #[arg(value_name = "DATASET|FILE|FOLDER")]
    table: String,
    /// Look at so many rows for what stands in comments (values, candidates for keys); 0 at none.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    rows: u64,
    #[command(flatten)]
    about: AboutArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Prints the contract, or writes it to a file.
pub(crate) async fn run(global: &Global, args: &Args) -> Result<ExitCode> {
    let file = PathBuf::from(&args.table);
    let converted = match args.table.parse::<DatasetName>() {
        Ok(dataset) if !file.is_file() => of_dataset(&Platform::open(global)?, &dataset, args).await?,
        _ if file.is_dir() => of_folder(global, &file, args).await?,
        _ => of_file(&file, args)?,
    };
    args.output.give(&converted, global.quiet)
}

/// Whether a text holds what must stand in no document: card and account numbers, credentials.
fn is_secret(text: &str) -> bool {
    !polder_policy::detect(text).is_empty()
}

/// Whether a column is classified as anything but public: its values are not for a document that everybody reads.
fn is_classified(property: &Property) -> bool {
    let class = property.classification.as_deref();
    class.is_some_and(|class| !class.eq_ignore_ascii_case("public"))
}

async fn of_dataset(platform: &Platform, dataset: &DatasetName, args: &Args) -> Result<Converted<String>> {
    let mut options = args.about.options(Some(dataset.name().to_owned()));
    options.dataset.get_or_insert_with(|| Binding::Dataset(dataset.clone()));
    let table = platform.lake()?.load(dataset).await?;
    let session = platform.session()?;
    let of = (table.as_ref(), &session, dataset);
    if args.rows == 0 {
        return of_table(of, args, &options, |_| false).await;
    }
    let (policies, diagnostics) = Policies::of_mesh(&platform.mesh)?;
    platform.refuse_errors(diagnostics)?;
    // A contract with mistakes is no reason not to infer another; what its own classifies then nobody knows.
    let (contracts, _) = ContractSet::load(platform.mesh.sources("contracts", ".odcs.yaml")?);
    let unread = contracts.is_unreadable(&dataset.to_string());
    let declared = contracts.get(dataset);
    let is_hidden = |column: &str| {
        let properties = declared
            .as_ref()
            .map(|contract| contract.object().properties.as_slice());
        let mut named = properties
            .unwrap_or_default()
            .iter()
            .filter(|property| property.name == column);
        unread || named.any(|property| is_classified(property) || policies.hides(property))
    };
    of_table(of, args, &options, is_hidden).await
}

/// A Delta table by its folder. One of the mesh's lake is its dataset: its contract says what may be shown.
async fn of_folder(global: &Global, folder: &Path, args: &Args) -> Result<Converted<String>> {
    let shown = folder.display();
    let folder = folder
        .canonicalize()
        .context(ErrorKind::Refused, || format!("cannot open {shown}"))?;
    if !folder.join("_delta_log").is_dir() {
        let message = format!("{shown} is a folder, and no Delta table: it has no _delta_log");
        let help = match parquet_file(&folder) {
            Some(name) => format!(
                "name one of its Parquet files, such as {}",
                Path::new(&args.table).join(name).display()
            ),
            None => "name a dataset (domain.layer.name), a Parquet file, or the folder of a Delta table".to_owned(),
        };
        return Err(Error::new(ErrorKind::Usage, message).with_help(help));
    }
    if let Ok(platform) = Platform::open(global)
        && let Some(dataset) = dataset_at(&platform, &folder)
    {
        return of_dataset(&platform, &dataset, args).await;
    }
    let mut options = args.about.options(stem(&folder));
    let name = match &options.dataset {
        Some(Binding::Dataset(dataset)) => dataset.clone(),
        // A query needs one.
        _ => "folder.bronze.table".parse()?,
    };
    if matches!(options.dataset, Some(Binding::Dataset(_))) {
        options.name = Some(name.name().to_owned());
    }
    let unreadable = || format!("cannot read the Delta table in {shown}");
    let lake = Lake::of_table(&folder)?;
    let table = lake.load(&name).await.context(ErrorKind::Data, unreadable)?;
    let Some(table) = table else {
        return Err(Error::new(ErrorKind::Data, unreadable()).with_help("its _delta_log has no commit"));
    };
    let session = Session::new(&lake, &SessionOptions::default())?;
    of_table((Some(&table), &session, &name), args, &options, |_| false).await
}

/// The dataset of the mesh's lake whose table is in this folder.
fn dataset_at(platform: &Platform, folder: &Path) -> Option<DatasetName> {
    // Where the lake is in a store, or not made yet, there is no such folder.
    let location = platform.mesh.config.lake.location.trim();
    let lake = platform.mesh.path(location.strip_prefix("file://").unwrap_or(location));
    let lake = lake.canonicalize().ok()?;
    let below = folder.strip_prefix(lake).ok()?;
    let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
    parts?.join(".").parse().ok()
}

/// A Parquet file of the folder, the first by name.
fn parquet_file(folder: &Path) -> Option<OsString> {
    let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.file_name());
    let is_parquet = |name: &OsString| {
        Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "parquet")
    };
    entries.filter(is_parquet).min()
}

/// A contract of a table in a session, with what its rows show; `is_hidden` says whose values are shown to nobody.
async fn of_table(
    (table, session, dataset): (Option<&Table>, &Session, &DatasetName),
    args: &Args,
    options: &ImportOptions,
    is_hidden: impl Fn(&str) -> bool,
) -> Result<Converted<String>> {
    let facts = table.map_or_else(TableFacts::default, |table| TableFacts {
        description: table.description().map(str::to_owned),
        partitions: table.partition_columns(),
        configuration: table.configuration(),
    });
    let frame = session.sql(&format!("SELECT * FROM {dataset}")).await?;
    // A query's columns have lost what the table's say of themselves.
    let schema = match table {
        Some(table) => table.schema().as_ref().clone(),
        None => frame.schema().as_arrow().clone(),
    };
    if args.rows == 0 {
        return infer(&schema, &facts, None, options);
    }
    let mut observed = Observed::new(frame.schema().as_arrow()).hiding(is_hidden, is_secret);
    let mut left = args.rows;
    let mut rows = frame.execute_stream().await.map_err(query_error)?;
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(query_error)?;
        if batch.num_rows() as u64 > left {
            observed.cut_off();
        }
        if left == 0 {
            break;
        }
        let taken = batch.slice(
            0,
            usize::try_from(left).map_or(batch.num_rows(), |left| left.min(batch.num_rows())),
        );
        left -= taken.num_rows() as u64;
        observed.push(&taken)?;
    }
    infer(&schema, &facts, Some(&observed), options)
}

fn of_file(path: &Path, args: &Args) -> Result<Converted<String>> {
    let file = File::open(path).context(ErrorKind::NotFound, || format!("cannot open {}", path.display()))?;
    let unreadable = || format!("{} is not a Parquet file that can be read", path.display());
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).context(ErrorKind::Document, unreadable)?;
    // Its entries are in the file's, too.
    let schema = reader.schema().as_ref().clone().with_metadata(HashMap::new());
    let entries = reader.metadata().file_metadata().key_value_metadata();
    let facts = TableFacts {
        configuration: entries
            .into_iter()
            .flatten()
            // The columns' own types, which were read.
            .filter(|entry| entry.key != "ARROW:schema")
            .map(|entry| (entry.key.clone(), entry.value.clone().unwrap_or_default()))
            .collect(),
        ..TableFacts::default()
    };
    let mut options: ImportOptions = args.about.options(stem(path));
    if let Some(Binding::Dataset(dataset)) = &options.dataset {
        options.name = Some(dataset.name().to_owned());
    }
    if args.rows == 0 {
        return infer(&schema, &facts, None, &options);
    }
    let mut observed = Observed::new(&schema).hiding(|_| false, is_secret);
    let all = u64::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or(u64::MAX);
    if all > args.rows {
        observed.cut_off();
    }
    let reader = reader
        .with_limit(usize::try_from(args.rows).unwrap_or(usize::MAX))
        .build()
        .context(ErrorKind::Document, unreadable)?;
    for batch in reader {
        observed.push(&batch.context(ErrorKind::Data, unreadable)?)?;
    }
    infer(&schema, &facts, Some(&observed), &options)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    use clap::Parser;
    use parquet::arrow::ArrowWriter;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn card_numbers_and_credentials_of_a_file_stand_in_no_contract() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("payments.parquet");
        let ids: ArrayRef = Arc::new(StringArray::from(vec![
            "4111 1111 1111 1111",
            "5",
            "AKIAIOSFODNN7EXAMPLE",
        ]));
        let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
        let batch = RecordBatch::try_from_iter([("order_id", ids), ("name", names)]).unwrap();
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let command = Command::try_parse_from(["infer", path.to_str().unwrap()]).unwrap();
        let text = of_file(&path, &command.args).unwrap().value;
        assert!(
            text.contains("# - order_id: never null; from `***` to `***`; every value differs"),
            "{text}"
        );
        assert!(text.contains("# - name: never null; from `a` to `c`"), "{text}");
        assert!(!text.contains("4111") && !text.contains("AKIA"), "{text}");
    }
}
