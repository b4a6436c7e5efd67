//! Pipelines as declared: one dataset, one SQL query, and how the table follows its sources.

use std::path::Path;
use std::str::FromStr;

use polder_core::config::Mesh;
use polder_core::document::{self, Diagnostic, Reader, Source, Span};
use polder_core::{DatasetName, Error, ErrorKind, Layer, ObjectName, Result};

/// How a table follows its sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Materialization {
    /// The SQL runs over the new rows of its one source; its rows are added.
    Append,
    /// As [`Materialization::Append`], without rows whose key the table has already.
    AppendDistinct,
    /// Groups of rows, by key, are built anew when something that they are made of changed. Without a key the whole
    /// table is one group.
    ReplaceGroups,
}

impl Materialization {
    /// The word in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::AppendDistinct => "append_distinct",
            Self::ReplaceGroups => "replace_groups",
        }
    }
}

impl FromStr for Materialization {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Append, Self::AppendDistinct, Self::ReplaceGroups]
            .into_iter()
            .find(|one| one.as_str() == text)
            .ok_or_else(|| {
                Error::new(ErrorKind::Document, format!("`{text}` is not a materialization"))
                    .with_help("materializations are append, append_distinct and replace_groups")
            })
    }
}

/// One declared step from datasets to a dataset.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Full name, `<domain>.<name>`.
    pub name: ObjectName,
    /// What it is for.
    pub description: Option<String>,
    /// The dataset that it builds.
    pub dataset: DatasetName,
    /// How the table follows its sources.
    pub materialization: Materialization,
    /// `append_distinct`: the distinct key; `replace_groups`: the group columns, or empty.
    pub key: Vec<String>,
    /// The file of the query; [`Pipeline::query`] is what it asks.
    pub sql: Source,
    /// The declaring document.
    pub document: Source,
    pub(crate) dataset_span: Span,
    pub(crate) key_spans: Vec<Span>,
}

impl Pipeline {
    /// How the names of documents end that declare pipelines.
    pub const SUFFIX: &str = ".pipeline.yaml";

    /// The text of the query, without the byte order mark that some editors write before it.
    pub(crate) fn query(&self) -> &str {
        document::without_mark(&self.sql.text)
    }

    /// Where the document names the dataset.
    pub fn dataset_span(&self) -> Span {
        self.dataset_span
    }

    /// Whether a change of a source is built in by itself; otherwise everything is built anew.
    pub(crate) fn is_incremental(&self) -> bool {
        self.materialization != Materialization::ReplaceGroups || !self.key.is_empty()
    }
}

/// All pipelines of a mesh with everything that is wrong in their documents; a pipeline whose document has errors or
/// cannot be read is left out.
pub fn load_pipelines(mesh: &Mesh) -> (Vec<Pipeline>, Vec<Diagnostic>) {
    let (sources, mut diagnostics) = mesh.readable("pipelines", Pipeline::SUFFIX);
    let (pipelines, found) = read_pipelines(sources, |path| Source::read(&mesh.root, path));
    diagnostics.extend(found);
    (pipelines, diagnostics)
}

/// As [`load_pipelines`], from documents at hand, each with its domain; `read_sql` gives the files with the queries.
pub fn read_pipelines(
    sources: impl IntoIterator<Item = (String, Source)>,
    read_sql: impl Fn(&Path) -> Result<Source>,
) -> (Vec<Pipeline>, Vec<Diagnostic>) {
    let mut pipelines = Vec::new();
    let mut diagnostics = Vec::new();
    for (domain, source) in sources {
        let (pipeline, findings) = parse(&domain, &source, &read_sql);
        pipelines.extend(pipeline);
        diagnostics.extend(findings);
    }
    (pipelines, diagnostics)
}

/// Reads one document; `read_sql` gives the file with the query.
pub(crate) fn parse(
    domain: &str,
    source: &Source,
    read_sql: impl Fn(&Path) -> Result<Source>,
) -> (Option<Pipeline>, Vec<Diagnostic>) {
    let root = match document::parse(source) {
        Ok(root) => root,
        Err(diagnostics) => return (None, diagnostics),
    };
    let reader = Reader::new(source);
    let pipeline = read(domain, source, &reader, &root, read_sql);
    let pipeline = pipeline.filter(|_| !reader.has_errors());
    (pipeline, reader.finish())
}

fn read(
    domain: &str,
    source: &Source,
    reader: &Reader<'_>,
    root: &document::Node,
    read_sql: impl Fn(&Path) -> Result<Source>,
) -> Option<Pipeline> {
    let map = reader.map(root)?;
    let name = super::model::object_name(reader, domain, source, Pipeline::SUFFIX, root.span);
    let description = map.optional_string("description");
    let dataset = map.required_parsed::<DatasetName>("dataset");
    let materialization = map.required_parsed::<Materialization>("materialization");
    let key = map.string_list("key");
    let key_spans: Vec<_> = map.list("key").iter().map(|node| node.span).collect();
    let file = map.optional_string("sql");
    let (dataset_span, materialization_span) = (map.span_of("dataset"), map.span_of("materialization"));
    let (sql_span, key_span) = (map.span_of("sql"), map.span_of("key"));
    map.finish();

    for (i, column) in key.iter().enumerate() {
        if key[..i].contains(column) {
            let span = key_spans.get(i).copied().unwrap_or(key_span);
            reader.error(span, "duplicate-key", format!("`{column}` is in the key twice"), None);
        }
    }
    // Only what refuses rows writes them, and only what decides about them changes them.
    if let Some(dataset) = dataset.as_ref().filter(|dataset| dataset.layer() == Layer::Quarantine) {
        reader.error(
            dataset_span,
            "built-in-contract",
            format!("{dataset} keeps refused rows: no pipeline builds it"),
            Some("name a dataset of another layer, such as gold; pipelines may read refused rows".to_owned()),
        );
    }
    match materialization {
        Some(Materialization::Append) if !key.is_empty() => reader.error(
            key_span,
            "key-without-use",
            "an `append` pipeline has no key",
            Some("drop `key`, or use append_distinct to keep each key once".to_owned()),
        ),
        Some(Materialization::AppendDistinct) if key.is_empty() => reader.error(
            materialization_span,
            "missing-value",
            "`append_distinct` needs a `key`: the columns by which rows are the same",
            None,
        ),
        _ => {}
    }
    let sql = name.as_ref().and_then(|name| {
        let file = file.unwrap_or_else(|| format!("{}.sql", name.name()));
        let path = source.path.parent().unwrap_or(Path::new("")).join(file);
        match read_sql(&path) {
            Ok(sql) => Some(sql),
            Err(error) => {
                let help = format!(
                    "write the query to {}, or name another file under `sql`",
                    path.display()
                );
                reader.error(sql_span, "sql-file", error.report(), Some(help));
                None
            }
        }
    });
    Some(Pipeline {
        name: name?,
        description,
        dataset: dataset?,
        materialization: materialization?,
        key,
        sql: sql?,
        document: source.clone(),
        dataset_span,
        key_spans,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(yaml: &str) -> (Option<Pipeline>, Vec<String>) {
        let source = Source::new("pipelines/sales/lines.pipeline.yaml", yaml);
        let read = |path: &Path| match path.ends_with("lines.sql") {
            true => Ok(Source::new(path, "SELECT 1 AS a")),
            false => Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no file {}", path.display()),
            )),
        };
        let (pipeline, diagnostics) = parse("sales", &source, read);
        (pipeline, diagnostics.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_sql_lies_beside_the_document_by_default() {
        let (pipeline, findings) =
            parsed("dataset: sales.silver.lines\nmaterialization: append_distinct\nkey: [a]\ndescription: each once\n");
        assert_eq!(findings, Vec::<String>::new());
        let pipeline = pipeline.unwrap();
        assert_eq!(pipeline.name.to_string(), "sales.lines");
        assert_eq!(pipeline.sql.path, Path::new("pipelines/sales/lines.sql"));
        assert_eq!(pipeline.materialization, Materialization::AppendDistinct);
        assert_eq!(pipeline.key_spans[0].line, 3);
    }

    #[test]
    fn everything_wrong_is_reported_at_its_place() {
        let (pipeline, findings) = parsed("dataset: sales.silver\nmaterialization: apend\nkeys: [a]\nsql: none.sql\n");
        assert!(pipeline.is_none());
        let file = "pipelines/sales/lines.pipeline.yaml";
        assert_eq!(findings.len(), 4, "{findings:?}");
        assert!(findings[0].starts_with(&format!("{file}:1:10: ")), "{findings:?}");
        assert!(findings[1].starts_with(&format!("{file}:2:18: ")), "{findings:?}");
        assert!(
            findings[2].starts_with(&format!("{file}:3:1: `keys` is not known")),
            "{findings:?}"
        );
        assert!(
            findings[3].starts_with(&format!("{file}:4:6: there is no file")),
            "{findings:?}"
        );
    }

    #[test]
    fn no_pipeline_builds_refused_rows() {
        for dataset in ["sales.quarantine.bronze_lines", "sales.quarantine.lines"] {
            let (pipeline, findings) = parsed(&format!("dataset: {dataset}\nmaterialization: replace_groups\n"));
            assert!(pipeline.is_none());
            let told = format!(
                "pipelines/sales/lines.pipeline.yaml:1:10: {dataset} keeps refused rows: no pipeline builds it"
            );
            assert_eq!(findings, [told]);
        }
    }

    #[test]
    fn a_key_is_required_or_refused_by_the_materialization() {
        let (_, findings) = parsed("dataset: a.silver.b\nmaterialization: append\nkey: [x]\n");
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(
            findings[0].contains(":3:6: an `append` pipeline has no key"),
            "{findings:?}"
        );
        let (_, findings) = parsed("dataset: a.silver.b\nmaterialization: append_distinct\n");
        assert!(
            findings[0].contains(":2:18: `append_distinct` needs a `key`"),
            "{findings:?}"
        );
    }
}
