//! How far a pipeline got, as it is written in the commits of its table.
//!
//! `pipeline/<name>/<definition>/<source>@<table>` holds the version of a source that is built in, where `<table>` are 8
//! hexadecimal digits of the hash of its table's id: a table that is made anew is another one, whatever its version.
//! `pipeline/<name>/<definition>/<source>` says which table that was (0: there was none yet), and `pipeline/<name>` which
//! definition built the target. Without these two, going back to an earlier table or definition would find the old
//! progress and take the target for up to date.

use polder_contract::DatasetContract;
use polder_core::{DatasetName, ObjectName};

use crate::definition::{Pipeline, hex16};

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
    /// Query, materialization, key, contract, and `meaning`, the columns that the query's names mean: a change of any of them
    /// rebuilds the table.
    pub(crate) fn of(pipeline: &Pipeline, contract: &DatasetContract, meaning: &[String]) -> Self {
        let types: Vec<_> = contract
            .object()
            .properties
            .iter()
            .map(|property| match property.column_type() {
                Ok(kind) => format!("{} {kind:?}", property.name),
                Err(_) => property.name.clone(),
            })
            .collect();
        let text = serde_json::json!([
            pipeline.sql.text.trim(),
            pipeline.materialization.as_str(),
            pipeline.key,
            pipeline.dataset.to_string(),
            contract.version(),
            types,
            meaning,
        ]);
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use polder_contract::ContractSet;
    use polder_core::document::Source;

    use super::*;
    use crate::definition::parse_pipeline;

    #[test]
    fn what_tables_say_of_who_built_them_stays_as_it_is() {
        let columns = "[{name: k, logicalType: string}, {name: p, logicalType: number, physicalType: \"decimal(12,2)\"}, \
                       {name: o, logicalType: object, properties: [{name: a, logicalType: integer, required: true}]}]";
        let contract = Source::new(
            "contracts/s/y.odcs.yaml",
            format!(
                "apiVersion: v3.1.0\nkind: DataContract\nid: y\nname: y\nversion: 1.2.0\nstatus: active\nschema:\n  - name: \
                 rows\n    physicalName: s.silver.y\n    properties: {columns}\n"
            ),
        );
        let (contracts, findings) = ContractSet::load([("s".to_owned(), contract)]);
        assert_eq!(findings, []);
        let contract = contracts.get(&"s.silver.y".parse().unwrap()).unwrap();
        let document = "dataset: s.silver.y\nmaterialization: append_distinct\nkey: [k]\n";
        let read = |path: &Path| Ok(Source::new(path, "SELECT k, p, o FROM s.bronze.x\n"));
        let (pipeline, findings) = parse_pipeline("s", &Source::new("pipelines/s/y.pipeline.yaml", document), read);
        let pipeline = pipeline.unwrap_or_else(|| panic!("{findings:?}"));
        let meaning = ["s.bronze.x.k identity s.silver.y.k".to_owned()];
        let definition = Definition::of(&pipeline, &contract, &meaning);
        // SHA-256 of this JSON without blanks, by another program: [query, materialization, key, dataset, contract version, types,
        // meaning].
        assert_eq!(definition.hash, "4a0a9d461df91ad2");
        assert_eq!(definition.builder(), 2_667_624_816_524_954_985);
        let source = "s.bronze.x".parse().unwrap();
        assert_eq!(definition.builder_id(), "pipeline/s.y");
        assert_eq!(
            definition.source_id(&source),
            "pipeline/s.y/4a0a9d461df91ad2/s.bronze.x"
        );
        // SHA-256 of the table's id.
        let mark = TableMark::of("5f3c1a52-0b1d-4c7e-9f43-8d2c4e6b7a10");
        assert_eq!(
            definition.version_id(&source, &mark),
            "pipeline/s.y/4a0a9d461df91ad2/s.bronze.x@ef139e58"
        );
    }
}
