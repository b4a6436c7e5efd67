//! `polder contract infer`: a contract from a table that is there.

mod hiding;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use futures::StreamExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use polder_convert::{Binding, Converted, ImportOptions, Observed, TableFacts, infer};
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt};
use polder_lake::{Lake, Table};
use polder_query::{Session, SessionOptions, query_error};

use super::conversion::OutputArgs;
use super::import::{AboutArgs, stem};
use crate::options::Global;
use crate::platform::{self, Platform};
use hiding::Hiding;

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
        _ if file.is_dir() => of_folder(around(global)?.as_ref(), &file, args).await?,
        _ => of_file(around(global)?.as_ref(), &file, args)?,
    };
    args.output.give(&converted, global.quiet)
}

/// The mesh around, where there is one. One that cannot be read is an error: what it hides nobody knows.
fn around(global: &Global) -> Result<Option<Platform>> {
    match platform::root(global) {
        Some(_) => Platform::open(global).map(Some),
        None => Ok(None),
    }
}

/// Whether a text holds what must stand in no document: card and account numbers, credentials.
fn is_secret(text: &str) -> bool {
    !polder_policy::detect(text).is_empty()
}

async fn of_dataset(platform: &Platform, dataset: &DatasetName, args: &Args) -> Result<Converted<String>> {
    let mut options = args.about.options(Some(dataset.name().to_owned()));
    options.dataset.get_or_insert_with(|| Binding::Dataset(dataset.clone()));
    let table = platform.lake()?.load(dataset).await?;
    let session = platform.session()?;
    let of = (table.as_ref(), &session, dataset);
    let hiding = hiding(Some(platform), Some(dataset), args, &options)?;
    of_table(of, args, &options, hiding).await
}

/// What is shown of no row, where any row is looked at.
fn hiding(
    platform: Option<&Platform>,
    table: Option<&DatasetName>,
    args: &Args,
    options: &ImportOptions,
) -> Result<Hiding> {
    match args.rows {
        0 => Ok(Hiding::default()),
        _ => Hiding::of(platform, table, options),
    }
}

/// A Delta table by its folder. One of the mesh's lake is its dataset: its contract says what may be shown.
async fn of_folder(platform: Option<&Platform>, folder: &Path, args: &Args) -> Result<Converted<String>> {
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
    if let Some(platform) = platform
        && let Some(dataset) = dataset_at(platform, &folder)
    {
        return of_dataset(platform, &dataset, args).await;
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
    let hiding = hiding(platform, None, args, &options)?;
    of_table((Some(&table), &session, &name), args, &options, hiding).await
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

/// A contract of a table in a session, with what its rows show.
async fn of_table(
    (table, session, dataset): (Option<&Table>, &Session, &DatasetName),
    args: &Args,
    options: &ImportOptions,
    hiding: Hiding,
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
    let hiding = hiding.seeing(frame.schema().as_arrow());
    let mut observed = Observed::new(frame.schema().as_arrow()).hiding(|column| hiding.hides(column), is_secret);
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

/// A Parquet file. One among those of a table of the mesh's lake holds rows of its dataset.
fn of_file(platform: Option<&Platform>, path: &Path, args: &Args) -> Result<Converted<String>> {
    if path.exists() && !path.is_file() {
        let message = format!("cannot read {}: it is no ordinary file", path.display());
        return Err(Error::new(ErrorKind::Usage, message));
    }
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
    let whole = path.canonicalize().ok();
    let table = platform.zip(whole.as_deref()).and_then(|(platform, file)| {
        let mut folders = file.ancestors().skip(1);
        folders.find_map(|folder| dataset_at(platform, folder))
    });
    let hiding = hiding(platform, table.as_ref(), args, &options)?.seeing(&schema);
    let mut observed = Observed::new(&schema).hiding(|column| hiding.hides(column), is_secret);
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
        let text = of_file(None, &path, &command.args).unwrap().value;
        assert!(
            text.contains("# - order_id: never null; from `***` to `***`; every value differs"),
            "{text}"
        );
        assert!(text.contains("# - name: never null; from `a` to `c`"), "{text}");
        assert!(!text.contains("4111") && !text.contains("AKIA"), "{text}");
    }
}
