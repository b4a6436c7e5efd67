//! How far a pipeline got, as it is written in the commits of its table.
//!
//! `pipeline/<name>/<definition>/<source>@<table>` holds the version of a source that is built in, where `<table>` are 8
//! hexadecimal digits of the hash of its table's id: a table that is made anew is another one, whatever its version.
//! `pipeline/<name>/<definition>/<source>` says which table that was (0: there was none yet), and `pipeline/<name>` which
//! definition built the target. Without these two, going back to an earlier table or definition would find the old
//! progress and take the target for up to date.

use polder_contract::{ColumnType, DatasetContract};
use polder_core::{DatasetName, ObjectName};

use crate::definition::{Pipeline, hex16};
use crate::meaning::Meaning;

/// The number of the form in which definitions are hashed. A table that was built by another form is built anew, unless that
/// form is kept beside this one and recognised, as [`Definition::former`] is.
const FORM: u32 = 2;

/// The source has no table yet.
pub(crate) const NO_TABLE: i64 = 0;

/// A source's table, by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableMark(String);

impl TableMark {
    /// The mark of the table with this id.
    pub(crate) fn of(id: &str) -> Self {
        Self(hex16(id.as_bytes()))
    }

    /// What stands under [`Definition::source_id`]; never [`NO_TABLE`].
    pub(crate) fn number(&self) -> i64 {
        bits(&self.0).max(1)
    }
}

/// 63 bits of 16 hexadecimal digits, because progress is signed and not negative.
fn bits(hash: &str) -> i64 {
    u64::from_str_radix(hash, 16).map_or(0, |bits| (bits >> 1) as i64)
}

/// The definition of a pipeline: what its rows depend on besides its sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    name: ObjectName,
    /// 16 hexadecimal digits.
    hash: String,
}

impl Definition {
    /// Query, materialization, key, contract, and what the query's names mean: a change of any of them rebuilds the table.
    pub(crate) fn of(pipeline: &Pipeline, contract: &DatasetContract, meaning: &Meaning) -> Self {
        let types: Vec<_> = types(contract)
            .map(|(column, kind)| match kind {
                Some(kind) => format!("{column} {}", in_words(&kind)),
                None => column.to_owned(),
            })
            .collect();
        let hashed = serde_json::json!([
            FORM,
            pipeline.query().trim(),
            pipeline.materialization.as_str(),
            pipeline.key,
            pipeline.dataset.to_string(),
            contract.version(),
            types,
            meaning,
        ]);
        Self::hashed(pipeline, &hashed)
    }

    /// The same in the form that had no number, and did not ask what names mean. Tables that were built by it are known to be
    /// those of the definition, and are told so in the form of now when they are next built, or found up to date.
    pub(crate) fn former(pipeline: &Pipeline, contract: &DatasetContract) -> Self {
        let types: Vec<_> = types(contract)
            .map(|(column, kind)| match kind {
                Some(kind) => format!("{column} {kind:?}"),
                None => column.to_owned(),
            })
            .collect();
        let hashed = serde_json::json!([
            pipeline.query().trim(),
            pipeline.materialization.as_str(),
            pipeline.key,
            pipeline.dataset.to_string(),
            contract.version(),
            types,
        ]);
        Self::hashed(pipeline, &hashed)
    }

    fn hashed(pipeline: &Pipeline, text: &serde_json::Value) -> Self {
        Self {
            name: pipeline.name.clone(),
            hash: hex16(text.to_string().as_bytes()),
        }
    }

    /// The id under which the table says who built it.
    pub(crate) fn builder_id(&self) -> String {
        format!("pipeline/{}", self.name)
    }

    /// What stands under [`Definition::builder_id`] when this definition built the table.
    pub(crate) fn builder(&self) -> i64 {
        bits(&self.hash)
    }

    /// The id under which the target says which table of a source is built in.
    pub(crate) fn source_id(&self, source: &DatasetName) -> String {
        format!("pipeline/{}/{}/{source}", self.name, self.hash)
    }

    /// The id of the progress on one table of a source.
    pub(crate) fn version_id(&self, source: &DatasetName, table: &TableMark) -> String {
        format!("{}@{}", self.source_id(source), &table.0[..8])
    }
}

/// The columns of a contract, each with its type where it has one.
fn types(contract: &DatasetContract) -> impl Iterator<Item = (&str, Option<ColumnType>)> {
    let columns = contract.object().properties.iter();
    columns.map(|column| (column.name.as_str(), column.column_type().ok()))
}

/// A type as it is hashed: as people write it, with what must be there inside of it.
fn in_words(kind: &ColumnType) -> String {
    match kind {
        ColumnType::List(items) => format!("array<{}>", in_words(items)),
        ColumnType::Map(key, value) => format!("map<{},{}>", in_words(key), in_words(value)),
        ColumnType::Struct(fields) => {
            let fields = fields.iter().map(|(name, kind, can_be_null)| {
                let required = if *can_be_null { "" } else { " not null" };
                format!("{name}:{}{required}", in_words(kind))
            });
            format!("struct<{}>", fields.collect::<Vec<_>>().join(","))
        }
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use polder_contract::ContractSet;
    use polder_core::document::Source;

    use super::*;
    use crate::definition::parse_pipeline;

    #[test]
    fn what_tables_say_of_who_built_them_stays_as_it_is() {
        let columns = [
            "{name: k, logicalType: string}",
            "{name: p, logicalType: number, physicalType: \"decimal(12,2)\"}",
            "{name: o, logicalType: object, properties: [{name: a, logicalType: integer, required: true}, {name: l, \
             logicalType: array, items: {logicalType: object, properties: [{name: d, logicalType: date}, {name: t, \
             logicalType: timestamp}]}}]}",
            "{name: m, logicalType: map, map: {key: {logicalType: string}, value: {logicalType: number}}}",
            "{name: b, logicalType: boolean}",
            "{name: y, physicalType: binary}",
            "{name: n, physicalType: timestamp_ntz}",
            "{name: i, physicalType: bigint}",
        ];
        let contract = Source::new(
            "contracts/s/y.odcs.yaml",
            format!(
                "apiVersion: v3.1.0\nkind: DataContract\nid: y\nname: y\nversion: 1.2.0\nstatus: active\nschema:\n  - name: \
                 rows\n    physicalName: s.silver.y\n    properties: [{}]\n",
                columns.join(", ")
            ),
        );
        let (contracts, findings) = ContractSet::load([("s".to_owned(), contract)]);
        assert_eq!(findings, []);
        let contract = contracts.get(&"s.silver.y".parse().unwrap()).unwrap();
        let document = "dataset: s.silver.y\nmaterialization: append_distinct\nkey: [k]\n";
        let read = |path: &Path| Ok(Source::new(path, "SELECT k, p, o FROM s.bronze.x\n"));
        let (pipeline, findings) = parse_pipeline("s", &Source::new("pipelines/s/y.pipeline.yaml", document), read);
        let pipeline = pipeline.unwrap_or_else(|| panic!("{findings:?}"));
        let meaning = vec![("s.bronze.x".to_owned(), ["k", "p", "o"].map(str::to_owned).to_vec())];
        let definition = Definition::of(&pipeline, &contract, &meaning);
        // SHA-256 of this JSON without blanks, by another program: [2, query, materialization, key, dataset, contract version,
        // types, meaning].
        assert_eq!(definition.hash, "a575699a1fbd7281");
        assert_eq!(definition.builder(), 5_961_275_849_605_822_784);
        // The same without number and meaning, the types as they are written in the code.
        let former = Definition::former(&pipeline, &contract);
        assert_eq!(former.hash, "5e78c2d547ff1488");
        let source = "s.bronze.x".parse().unwrap();
        assert_eq!(definition.builder_id(), "pipeline/s.y");
        assert_eq!(
            definition.source_id(&source),
            "pipeline/s.y/a575699a1fbd7281/s.bronze.x"
        );
        // SHA-256 of the table's id.
        let mark = TableMark::of("5f3c1a52-0b1d-4c7e-9f43-8d2c4e6b7a10");
        assert_eq!(
            definition.version_id(&source, &mark),
            "pipeline/s.y/a575699a1fbd7281/s.bronze.x@ef139e58"
        );
    }
}
