//! What of rows everybody may be told: refusals, reports and examples reach logs and terminals of people who may not
//! read the dataset.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use polder_contract::rule::{Figure, Metric, PathStep, RuleKind};
use polder_contract::{ContractSet, DatasetContract, Property};
use polder_core::DatasetName;
use polder_gate::Gate;
use polder_gate::table::{How, Queries, QueryColumns, RuleResult, RuleVerdict};
use serde_json::{Map, Value};

use crate::columns::STREAM_COLUMNS;

/// What stands for a value that is not told.
pub const HIDDEN: &str = "***";
/// What stands for the words of an engine that stumbled, perhaps on a value that is not told.
const FAILED: &str = "it failed to run; why is not told, because the query reads columns that not everybody may see";
/// The same of a query whose failure is an error.
const NOT_TOLD: &str = "why is not told, because the query reads columns that not everybody may see";

/// Who says which columns not everybody may see.
type Hides = dyn Fn(&Property) -> bool + Send + Sync;

/// Which values are told to everybody. By default all are.
#[derive(Clone, Default)]
pub struct Discretion(Option<Known>);

#[derive(Clone)]
struct Known {
    contracts: Arc<ContractSet>,
    hides: Arc<Hides>,
}

impl Discretion {
    /// Where `hides` says of a declared value that not everybody may see it. `contracts` are those of the datasets that
    /// rules may ask beside their own: what no contract names is not told either.
    pub fn new(contracts: Arc<ContractSet>, hides: impl Fn(&Property) -> bool + Send + Sync + 'static) -> Self {
        let hides = Arc::new(hides);
        Self(Some(Known { contracts, hides }))
    }

    /// Whether everything is told.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a value, or one inside of it, is hidden.
    fn holds_hidden(&self, property: &Property) -> bool {
        let Some(known) = &self.0 else { return false };
        let inside = property.properties.iter().chain(property.items.as_deref());
        let map = property.map.iter().flat_map(|map| [&map.0, &map.1]);
        (known.hides)(property) || inside.chain(map).any(|property| self.holds_hidden(property))
    }

    /// Whether any value of the contract's dataset is hidden.
    fn hides_any(&self, contract: &DatasetContract) -> bool {
        let mut properties = contract.object().properties.iter();
        properties.any(|property| self.holds_hidden(property))
    }

    /// Whether one of these values, or something around or inside of it, is hidden; without any, whether anything is.
    fn hides_one_of(&self, contract: &DatasetContract, values: &[impl AsRef<str>]) -> bool {
        let object = contract.object();
        let top = |value: &str| match object.path(value)?.into_iter().next()? {
            PathStep::Field(name) => Some(name),
            _ => None,
        };
        let tops: Vec<String> = values.iter().filter_map(|value| top(value.as_ref())).collect();
        let properties = object.properties.iter();
        properties
            .filter(|property| tops.is_empty() || tops.contains(&property.name))
            .any(|property| self.holds_hidden(property))
    }

    /// Whether a column of some dataset is hidden; one that no contract names is, of it nobody said who may see it.
    pub(crate) fn hides_column(&self, own: &DatasetContract, dataset: &DatasetName, path: &str) -> bool {
        let Some(known) = &self.0 else { return false };
        let name = path.split(['.', '[', '{']).next().unwrap_or(path);
        let siblings = DatasetContract::all(&own.contract);
        let sibling = siblings.into_iter().find(|sibling| sibling.dataset() == dataset);
        let Some(contract) = sibling.or_else(|| known.contracts.get(dataset)) else {
            return true;
        };
        let mut properties = contract.object().properties.iter();
        match properties.find(|property| property.name == name) {
            Some(property) => self.holds_hidden(property),
            None => !is_platforms(name) || (is_records(name) && self.hides_any(&contract)),
        }
    }

    /// What is said of a query that failed to run, in place of the engine's words, which may quote a value that it
    /// stumbled on; nothing where they may be told. `contract` is of what the query gives, `named` are the columns that
    /// the query names, or nothing where nobody knows.
    pub fn in_place_of_failure(
        &self,
        contract: &DatasetContract,
        named: Option<&BTreeSet<(DatasetName, String)>>,
    ) -> Option<&'static str> {
        self.0.as_ref()?;
        let hides = |(dataset, path): &(DatasetName, String)| self.hides_column(contract, dataset, path);
        named.is_none_or(|named| named.iter().any(hides)).then_some(NOT_TOLD)
    }

    /// What is said of a row that breaks a rule, in place of reasons that may quote what is hidden; nothing where they
    /// do not. `gate` is the contract's.
    pub fn in_place_of_reasons(&self, contract: &DatasetContract, gate: &Gate, rule: &str) -> Option<String> {
        self.0.as_ref()?;
        let declared = contract.rules().unwrap_or_default();
        let declared = declared.into_iter().find(|declared| declared.id == rule);
        let nothing: &[&str] = &[];
        let hides = match (gate.quoted_by(rule), declared.as_ref().map(|declared| &declared.kind)) {
            (Some(quoted), _) => !quoted.is_empty() && self.hides_one_of(contract, &quoted),
            (None, Some(RuleKind::Set(test))) => match &test.metric {
                Metric::Duplicates { columns } | Metric::Orphans { columns, .. } => {
                    self.hides_one_of(contract, columns)
                }
                _ => self.hides_one_of(contract, nothing),
            },
            (None, _) => self.hides_one_of(contract, nothing),
        };
        hides.then(|| match declared {
            Some(declared) => declared.says,
            None => format!("{HIDDEN} does not fit the contract's type"),
        })
    }

    /// Whether the values of a rule's columns may be told.
    pub(crate) fn tells_keys(&self, contract: &DatasetContract, gate: &Gate, rule: &str) -> bool {
        self.in_place_of_reasons(contract, gate, rule).is_none()
    }

    /// Hides values of a row of the contract's dataset. Of a column that the contract does not name, nobody said who may
    /// see it; nor of the record's key and time, which may well be what a hidden column holds.
    pub fn hide_in_row(&self, row: &mut Value, contract: &DatasetContract) {
        if !self.is_open() {
            let hides_any = self.hides_any(contract);
            let known = |name: &str| is_platforms(name) && !(is_records(name) && hides_any);
            self.hide_fields(row, &contract.object().properties, known);
        }
    }

    /// Hides values of fields that must not be told, and of those that are neither declared nor `known`.
    fn hide_fields(&self, value: &mut Value, properties: &[Property], known: impl Fn(&str) -> bool) {
        let Value::Object(fields) = value else { return };
        for (name, value) in fields {
            match properties.iter().find(|property| property.name == *name) {
                Some(property) => self.hide(value, property),
                None if value.is_null() || known(name) => {}
                None => *value = Value::from(HIDDEN),
            }
        }
    }

    fn hide(&self, value: &mut Value, property: &Property) {
        if value.is_null() {
            return;
        }
        if self.0.as_ref().is_some_and(|known| (known.hides)(property)) {
            *value = Value::from(HIDDEN);
            return;
        }
        let is_of_its_kind = match &*value {
            Value::Object(_) => !property.properties.is_empty() || property.map.is_some(),
            Value::Array(_) => property.items.is_some(),
            _ => false,
        };
        // What came as another kind of value may hold what is hidden in any place.
        if !is_of_its_kind && self.holds_hidden(property) {
            *value = Value::from(HIDDEN);
            return;
        }
        // An object without declared fields is its own value, with whatever it holds.
        if !property.properties.is_empty() {
            self.hide_fields(value, &property.properties, |_| false);
        }
        if let (Some(items), Value::Array(values)) = (&property.items, &mut *value) {
            values.iter_mut().for_each(|value| self.hide(value, items));
        }
        if let (Some(map), Value::Object(values)) = (&property.map, &mut *value) {
            let (key, of_key) = map.as_ref();
            if self.holds_hidden(key) {
                *values = Map::from_iter([(HIDDEN.to_owned(), Value::from(HIDDEN))]);
                return;
            }
            values.values_mut().for_each(|value| self.hide(value, of_key));
        }
    }

    /// Takes out of the results of a contract's rules what their queries give of hidden columns, by the way that the
    /// values take through the query: a count says nothing of anybody, the greatest of a column is somebody's value.
    /// `table` is what was asked.
    pub async fn hide_figures(
        &self,
        contract: &DatasetContract,
        results: &mut [RuleResult],
        queries: &dyn Queries,
        table: &Arc<dyn TableProvider>,
    ) {
        let has_words = |result: &RuleResult| result.note_quotes || !matches!(result.figure, None | Some(Figure::Null));
        let is_asked = |result: &RuleResult| {
            result.how == How::Query && !matches!(result.verdict, RuleVerdict::NotRun(_)) && has_words(result)
        };
        if self.is_open() || !results.iter().any(is_asked) {
            return;
        }
        let rules = contract.rules().unwrap_or_default();
        for result in results.iter_mut().filter(|result| is_asked(result)) {
            let rule = rules.iter().find(|rule| rule.id == result.rule);
            let Some(RuleKind::Set(test)) = rule.map(|rule| &rule.kind) else {
                continue;
            };
            let query = match &test.metric {
                Metric::Sql { query } => query,
                Metric::Orphans { columns, .. } if result.note_quotes && self.hides_one_of(contract, columns) => {
                    result.note = Some(FAILED.to_owned());
                    continue;
                }
                _ => continue,
            };
            match queries
                .columns(query, result.column.as_deref(), Arc::clone(table))
                .await
            {
                Ok(columns) => self.hide_figure(contract, result, columns.as_ref()),
                // What cannot be planned never met a value.
                Err(_) if result.figure.is_none() => {}
                Err(_) => self.hide_figure(contract, result, None),
            }
        }
    }

    /// The same of one result; without `columns` nobody knows what the query reads.
    fn hide_figure(&self, contract: &DatasetContract, result: &mut RuleResult, columns: Option<&QueryColumns>) {
        let hides = |(dataset, path): &(DatasetName, String)| self.hides_column(contract, dataset, path);
        match &result.figure {
            None if result.note_quotes && columns.is_none_or(|columns| columns.named.iter().any(hides)) => {
                result.note = Some(FAILED.to_owned());
            }
            // No value stands there.
            None | Some(Figure::Null) => {}
            Some(_) if columns.is_some_and(|columns| !columns.figure.iter().any(hides)) => {}
            Some(_) => {
                result.figure = Some(Figure::Text(HIDDEN.to_owned()));
                (result.figure_in_words, result.measured) = (None, None);
            }
        }
    }
}

/// Whether it is a column that the platform adds.
fn is_platforms(column: &str) -> bool {
    STREAM_COLUMNS.iter().any(|field| field.name() == column)
}

/// Whether it is a platform's column that repeats what the source's record holds: its key, or a column's time.
fn is_records(column: &str) -> bool {
    matches!(column, "_key" | "_event_time")
}

#[cfg(test)]
mod tests {
    use polder_contract::rule::{OnFailure, RuleSeverity};
    use polder_core::document::Source;
    use serde_json::json;

    use super::*;

    fn contract(properties: &str) -> DatasetContract {
        let text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: t\nversion: 1.0.0\nstatus: active\n\
             schema:\n  - name: t\n    physicalName: sales.bronze.t\n    properties:\n{properties}"
        );
        let parsed = polder_contract::parse(&Source::new("contracts/sales/t.odcs.yaml", text));
        let contract = parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
        DatasetContract {
            contract: Arc::new(contract),
            object: 0,
        }
    }

    fn discretion() -> Discretion {
        let restricted = |property: &Property| property.classification.as_deref() == Some("restricted");
        Discretion::new(Arc::new(ContractSet::default()), restricted)
    }

    #[test]
    fn values_are_hidden_wherever_they_lie_and_so_is_what_nobody_declared() {
        let contract = contract(
            "      - {name: id, logicalType: integer}\n\
             \x20     - {name: mail, logicalType: string, classification: restricted}\n\
             \x20     - {name: city, logicalType: string, classification: public}\n\
             \x20     - name: people\n        logicalType: array\n        items:\n          logicalType: object\n\
             \x20         properties:\n            - {name: name, logicalType: string, classification: restricted}\n\
             \x20           - {name: age, logicalType: integer}\n",
        );
        let mut row = json!({
            "id": 1, "mail": "a@b.c", "city": "Oslo",
            "people": [{"name": "Ada", "age": 36, "maiden": "King"}], "_offset": 7, "dropped": "Ada", "_made": null,
        });
        discretion().hide_in_row(&mut row, &contract);
        assert_eq!(
            row,
            json!({
                "id": 1, "mail": "***", "city": "Oslo",
                "people": [{"name": "***", "age": 36, "maiden": "***"}], "_offset": 7, "dropped": "***", "_made": null,
            })
        );
    }

    #[test]
    fn what_came_as_another_kind_of_value_is_hidden_where_something_inside_is() {
        let inside = |hidden: &str| {
            format!(
                "      - name: who\n        logicalType: object\n        properties:\n\
                 \x20         - {{name: mail, logicalType: string{hidden}}}\n\
                 \x20     - name: all\n        logicalType: array\n        items: {{logicalType: string{hidden}}}\n"
            )
        };
        let rows = [
            json!({"who": "{\"mail\": \"a@b.c\"}", "all": "a@b.c"}),
            json!({"who": ["a@b.c"], "all": {"x": "a@b.c"}}),
        ];
        let (open, hiding) = (contract(&inside("")), contract(&inside(", classification: restricted")));
        for row in rows {
            let mut told = row.clone();
            discretion().hide_in_row(&mut told, &open);
            assert_eq!(told["all"], row["all"]);
            discretion().hide_in_row(&mut told, &hiding);
            assert_eq!(told, json!({"who": HIDDEN, "all": HIDDEN}));
        }
    }

    #[test]
    fn the_records_key_and_time_are_told_only_where_all_of_the_row_may_be() {
        let open = contract("      - {name: id, logicalType: integer}\n");
        let hiding = contract(
            "      - {name: id, logicalType: integer}\n\
             \x20     - name: who\n        logicalType: object\n        properties:\n\
             \x20         - {name: mail, logicalType: string, classification: restricted}\n",
        );
        for (contract, told) in [(open, "6461"), (hiding, HIDDEN)] {
            let mut row = json!({"id": 1, "_topic": "t", "_offset": 7, "_key": "6461", "_event_time": null});
            discretion().hide_in_row(&mut row, &contract);
            assert_eq!(
                row,
                json!({"id": 1, "_topic": "t", "_offset": 7, "_key": told, "_event_time": null})
            );
            let own = contract.dataset();
            for of_record in ["_key", "_event_time"] {
                assert_eq!(discretion().hides_column(&contract, own, of_record), told == HIDDEN);
            }
            assert!(!discretion().hides_column(&contract, own, "_topic"));
            assert!(!Discretion::default().hides_column(&contract, own, "_key"));
        }
    }

    #[test]
    fn figures_and_notes_of_queries_are_told_as_far_as_their_columns_may_be_seen() {
        let contract = contract(
            "      - {name: id, logicalType: integer}\n\
             \x20     - {name: mail, logicalType: string, classification: restricted}\n",
        );
        let result = |figure: Option<Figure>, note_quotes: bool| RuleResult {
            rule: "r".to_owned(),
            column: None,
            dimension: None,
            severity: RuleSeverity::Error,
            on_failure: OnFailure::Warn,
            verdict: RuleVerdict::Failed,
            measured: figure.as_ref().map(|figure| format!("{figure}, asked: 1")),
            figure,
            figure_in_words: None,
            says: "the query's figure: 1".to_owned(),
            note: Some("it failed to run: ada".to_owned()),
            note_quotes,
            failing_rows: None,
            how: How::Query,
            place: contract.object().place.clone(),
        };
        let columns = |names: &[&str]| -> BTreeSet<(DatasetName, String)> {
            let named = |name: &&str| match name.split_once(' ') {
                Some((dataset, column)) => (dataset.parse().unwrap(), column.to_owned()),
                None => ("sales.bronze.t".parse().unwrap(), (*name).to_owned()),
            };
            names.iter().map(named).collect()
        };
        let told = |figure: &[&str], named: &[&str], mut result: RuleResult| {
            let columns = QueryColumns {
                figure: columns(figure),
                named: columns(named),
            };
            discretion().hide_figure(&contract, &mut result, Some(&columns));
            let told = format!("{:?} {:?} {:?}", result.figure, result.measured, result.note);
            !told.contains(HIDDEN) && result.note.as_deref() != Some(FAILED)
        };
        let text = || result(Some(Figure::Text("ada".to_owned())), false);
        assert!(told(&["id"], &["id", "mail"], text()));
        assert!(told(&[], &["mail"], text()));
        assert!(told(&["_offset"], &["_offset"], text()));
        assert!(!told(&["mail"], &["mail"], text()));
        // Nobody said who may see these.
        assert!(!told(&["surname"], &["surname"], text()));
        assert!(!told(&["hr.bronze.people id"], &[], text()));
        // Of a failure: by what the query reads at all, where values were met.
        assert!(told(&[], &["id"], result(None, true)));
        assert!(told(&[], &["mail"], result(None, false)));
        assert!(!told(&[], &["mail"], result(None, true)));
        let instead = |named: Option<&[&str]>| {
            let named = named.map(columns);
            discretion().in_place_of_failure(&contract, named.as_ref())
        };
        assert_eq!(instead(Some(&["id"])), None);
        assert_eq!(instead(Some(&["id", "mail"])), Some(NOT_TOLD));
        assert_eq!(instead(None), Some(NOT_TOLD));
        assert_eq!(Discretion::default().in_place_of_failure(&contract, None), None);
        let mut unknown = text();
        discretion().hide_figure(&contract, &mut unknown, None);
        assert_eq!(
            (unknown.figure, unknown.measured),
            (Some(Figure::Text(HIDDEN.to_owned())), None)
        );
    }

    #[test]
    fn reasons_that_may_quote_hidden_values_are_not_told_and_the_others_are() {
        let contract = contract(
            "      - {name: id, logicalType: integer, quality: [{id: both, type: custom, engine: polder, \
             implementation: {row: \"id > 0 AND length(mail) > 3\"}}]}\n\
             \x20     - {name: mail, logicalType: string, classification: restricted, unique: true, \
             logicalTypeOptions: {pattern: .+@.+}}\n\
             \x20     - {name: city, logicalType: string, logicalTypeOptions: {maxLength: 3}}\n",
        );
        let gate = Gate::compile(&contract).unwrap();
        let rules: Vec<String> = gate.rules().iter().map(|rule| rule.id.clone()).collect();
        let hidden = |rule: &str| discretion().in_place_of_reasons(&contract, &gate, rule).is_some();
        for rule in ["mail.pattern", "mail.type", "mail.unique", "both"] {
            assert!(hidden(rule), "{rule} of {rules:?}");
        }
        for rule in ["city.maxLength", "city.type", "id.type"] {
            assert!(!hidden(rule), "{rule} of {rules:?}");
        }
        assert!(
            Discretion::default()
                .in_place_of_reasons(&contract, &gate, "mail.type")
                .is_none()
        );
    }
}
