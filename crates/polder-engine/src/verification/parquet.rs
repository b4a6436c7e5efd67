//! Parquet files as a table.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use object_store::ObjectStoreExt as _;
use object_store::path::Path as ObjectPath;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use polder_gate::reading::tells_misread;
use url::Url;

use super::belief::{Believed, Untold};
use super::bringing::Bringing;
use super::given::SUPPORTED;
use super::together::{Refused, Together};

/// How every Parquet file begins and ends that is not encrypted.
const MAGIC: &[u8; 4] = b"PAR1";
/// How one ends whose footer is encrypted.
const ENCRYPTED: &[u8; 4] = b"PARE";
/// Bytes of a file's end: the length of the footer before it, and the magic word.
const END: usize = 8;

/// Files whose columns are known.
pub(super) struct Known<'f> {
    files: &'f [PathBuf],
    urls: Vec<ListingTableUrl>,
    /// The columns of each.
    schemas: Vec<SchemaRef>,
    together: Together,
    format: ParquetFormat,
    untold: Untold,
}

/// The rows of one file.
///
/// # Errors
/// As [`Known::read`].
pub(super) async fn table(context: &SessionContext, file: &PathBuf) -> Result<Arc<dyn TableProvider>> {
    let types = Schema::empty();
    let known = Known::read(context, std::slice::from_ref(file), &types);
    known.await?.table()
}

impl<'f> Known<'f> {
    /// `types` are the columns of the contract, into which those of files go that are not of one type in all.
    ///
    /// # Errors
    /// `Usage` for a file that cannot be read as Parquet, or has a column twice.
    pub(super) async fn read(context: &SessionContext, files: &'f [PathBuf], types: &Schema) -> Result<Self> {
        let mut urls = Vec::with_capacity(files.len());
        let mut schemas = Vec::with_capacity(files.len());
        // As views, texts that occur again and again are looked at once.
        let format = ParquetFormat::default().with_force_view_types(true);
        let mut untold = Untold::default();
        for file in files {
            fit_at_first_sight(file)?;
            let url = url(file)?;
            let schema = schema(context, &format, &url)
                .await
                .map_err(|cause| unreadable(file).with_source(cause))?;
            if schema.fields().iter().any(|field| tells_misread(field.data_type())) {
                return Err(unreadable(file));
            }
            untold
                .look_at(file)
                .map_err(|cause| unreadable(file).with_source(cause))?;
            urls.push(url);
            schemas.push(schema);
        }
        let together = Together::of(files.iter().map(PathBuf::as_path).zip(&schemas), types)?;
        // What a file tells of a column says nothing of what it becomes.
        untold.forget(together.brought.keys());
        Ok(Self {
            files,
            urls,
            schemas,
            together,
            format: format.with_enable_pruning(untold.may_choose()),
            untold,
        })
    }

    /// Each file with where it is, as the engine knows it, and its columns.
    pub(super) fn each(&self) -> impl Iterator<Item = (&Path, &ObjectPath, &Schema)> {
        let places = self.urls.iter().map(ListingTableUrl::prefix);
        let files = self.files.iter().map(PathBuf::as_path).zip(places).zip(&self.schemas);
        files.map(|((file, place), schema)| (file, place, schema.as_ref()))
    }

    /// The contract's columns on whose type the files do not agree, and which in some of them cannot become the contract's.
    pub(super) fn refused(&self) -> &[Refused] {
        &self.together.refused
    }

    /// The rows of all files. A column that one of them does not have is null in its rows.
    ///
    /// # Errors
    /// `Usage`, where the engine does not take the files.
    pub(super) fn table(self) -> Result<Arc<dyn TableProvider>> {
        let options = ListingOptions::new(Arc::new(self.format)).with_file_extension("");
        let mut config = ListingTableConfig::new_with_multi_paths(self.urls)
            .with_listing_options(options)
            .with_schema(Arc::new(Schema::new(self.together.columns)));
        if !self.together.brought.is_empty() {
            config = config.with_expr_adapter_factory(Arc::new(Bringing(Arc::new(self.together.brought))));
        }
        let table = ListingTable::try_new(config).map_err(|cause| cannot_be_read(self.files).with_source(cause))?;
        Ok(Arc::new(Believed {
            table,
            untold: self.untold,
        }))
    }
}

/// That files cannot be read as Parquet.
pub(super) fn cannot_be_read(files: &[PathBuf]) -> Error {
    match files {
        [file] => unreadable(file),
        _ => Error::new(ErrorKind::Usage, "the files cannot be read as Parquet"),
    }
}

fn unreadable(file: &Path) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!("{} cannot be read as Parquet", file.display()),
    )
}

/// Where a file is. As a URL the name stands for itself: an asterisk in it does not stand for other files.
fn url(file: &Path) -> Result<ListingTableUrl> {
    let url = std::fs::canonicalize(file)
        .ok()
        .and_then(|path| Url::from_file_path(path).ok())
        .ok_or_else(|| unreadable(file))?;
    ListingTableUrl::try_new(url, None).map_err(|cause| unreadable(file).with_source(cause))
}

async fn schema(
    context: &SessionContext,
    format: &ParquetFormat,
    url: &ListingTableUrl,
) -> Result<SchemaRef, DataFusionError> {
    let store = context.runtime_env().object_store(url.object_store())?;
    let object = store.head(url.prefix()).await?;
    format.infer_schema(&context.state(), &store, &[object]).await
}

/// Refuses what is no whole Parquet file, before anybody reads it: by where it begins and ends.
fn fit_at_first_sight(file: &Path) -> Result<()> {
    let wrong = wrong_at_first_sight(file).context(ErrorKind::Usage, || format!("cannot read {}", file.display()))?;
    let Some(what) = wrong else { return Ok(()) };
    let message = format!("{} {what}", file.display());
    Err(Error::new(ErrorKind::Usage, message).with_help(format!(
        "`polder test` holds {SUPPORTED} against contracts: write the rows as one of these first"
    )))
}

fn wrong_at_first_sight(file: &Path) -> std::io::Result<Option<&'static str>> {
    let mut open = File::open(file)?;
    let length = open.metadata()?.len();
    if length == 0 {
        return Ok(Some("is empty"));
    }
    let (mut begin, mut end) = ([0; MAGIC.len()], [0; END]);
    if length < (begin.len() + end.len()) as u64 {
        return Ok(Some("is no Parquet file"));
    }
    open.read_exact(&mut begin)?;
    open.seek(SeekFrom::End(-(END as i64)))?;
    open.read_exact(&mut end)?;
    let (footer, magic) = end.split_at(END - MAGIC.len());
    if begin == *ENCRYPTED || magic == ENCRYPTED {
        return Ok(Some("is encrypted"));
    }
    if begin != *MAGIC {
        return Ok(Some("is no Parquet file"));
    }
    let footer = footer
        .iter()
        .rev()
        .fold(0, |length, byte| length << 8 | u64::from(*byte));
    let fits = footer + (begin.len() + end.len()) as u64 <= length;
    Ok((magic != MAGIC || !fits).then_some("is cut off: it does not end as a Parquet file does"))
}
