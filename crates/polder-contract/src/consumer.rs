//! Registered consumers: who reads which columns of which datasets, and on which guarantees they rely. A change of a
//! contract breaks those whom it takes something from, and nobody else.

use chrono::NaiveDate;
use polder_core::document::{self, Diagnostic, MapReader, Node, Reader, Source, nearest};
use polder_core::{DatasetName, Error, ErrorKind, Result};

use crate::dataset_contract::DatasetContract;
use crate::diff::Reliance;
use crate::place::{Place, Written};
use crate::schema::Property;
use crate::service_level::service_level_name;
use crate::set::ContractSet;
use crate::version::SemanticVersion;

/// One registered consumer.
#[derive(Debug, Clone)]
pub struct Consumer {
    /// Its name, which is that of its document.
    pub name: String,
    /// Who answers for it.
    pub owner: String,
    /// What it is for.
    pub description: String,
    /// How its people are reached.
    pub contact: Option<String>,
    /// What it reads.
    pub reads: Vec<Read>,
    /// Where it is declared.
    pub place: Place,
}

/// What a consumer takes from one dataset.
#[derive(Debug, Clone)]
pub struct Read {
    /// The dataset.
    pub dataset: DatasetName,
    /// The columns that it reads, by path (`price`, `address.city`, `lines[].price`); nothing stands for all.
    pub columns: Option<Vec<Written>>,
    /// The rules and service levels that it relies on.
    pub guarantees: Vec<Written>,
    /// The first day on which it reads.
    pub since: Option<NaiveDate>,
    /// The major version of the contract that it is made for: the step to that major version does not break it, changes
    /// within it do.
    pub version: Option<u64>,
    /// Where the dataset is named.
    pub place: Place,
}

impl Consumer {
    /// Reads a document; it is named `<name>.yaml`. A consumer whose document has errors is not given.
    pub fn parse(source: &Source) -> (Option<Self>, Vec<Diagnostic>) {
        let root = match document::parse(source) {
            Ok(root) => root,
            Err(diagnostics) => return (None, diagnostics),
        };
        let reader = Reader::new(source);
        let consumer = read(&reader, &root, source).filter(|_| !reader.has_errors());
        (consumer, reader.finish())
    }

    /// What is wrong with what it reads: datasets without a contract, columns and guarantees that no contract has.
    pub fn problems(&self, contracts: &ContractSet) -> Vec<Diagnostic> {
        self.reads.iter().flat_map(|read| read.problems(contracts)).collect()
    }
}

impl Read {
    /// What a change must not take away.
    pub fn reliance(&self) -> Reliance {
        let texts = |list: &[Written]| list.iter().map(|one| one.text.clone()).collect();
        Reliance {
            columns: self.columns.as_deref().map(texts),
            guarantees: texts(&self.guarantees),
        }
    }

    fn problems(&self, contracts: &ContractSet) -> Vec<Diagnostic> {
        let Some(contract) = contracts.get(&self.dataset) else {
            if contracts.is_unreadable(&self.dataset.to_string()) {
                return Vec::new();
            }
            let message = format!("there is no dataset {}: no contract declares it", self.dataset);
            let help = contracts
                .nearest(&self.dataset.to_string())
                .map(|near| format!("did you mean {near}?"));
            return vec![self.place.error("unknown-dataset", message, help.as_deref())];
        };
        let mut problems = Vec::new();
        let declared = contract.contract.version.parse::<SemanticVersion>().ok();
        if let (Some(known), Some(declared)) = (self.version, declared)
            && known > declared.major
        {
            let message = format!(
                "the contract of {} has no version {known}: it is {declared}",
                self.dataset
            );
            let help = format!(
                "write version: {}; raise it when the consumer was adapted",
                declared.major
            );
            problems.push(self.place.error("unknown-version", message, Some(&help)));
        }
        for column in self.columns.iter().flatten() {
            // Platform columns are in no contract.
            if !column.text.starts_with('_') && !has_column(&contract.object().properties, &column.text) {
                let names = contract.object().properties.iter().map(|column| column.name.as_str());
                let names: Vec<&str> = names.collect();
                let help = match nearest(&column.text, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", names.join(", ")),
                };
                let message = format!("`{}` is not in the contract of {}", column.text, self.dataset);
                problems.push(column.place.error("unknown-column", message, Some(&help)));
            }
        }
        if !self.guarantees.is_empty() {
            let known = guarantees(&contract);
            for guarantee in &self.guarantees {
                let same = |name: &String| {
                    *name == guarantee.text || service_level_name(name) == service_level_name(&guarantee.text)
                };
                if known.iter().any(same) {
                    continue;
                }
                let help = match nearest(&guarantee.text, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", known.join(", ")),
                };
                let message = format!(
                    "the contract of {} has no rule or service level `{}`",
                    self.dataset, guarantee.text
                );
                problems.push(guarantee.place.error("unknown-guarantee", message, Some(&help)));
            }
        }
        problems
    }
}

/// The names of everything that a contract guarantees of a dataset: rules, also behind their column, and service levels.
fn guarantees(contract: &DatasetContract) -> Vec<String> {
    let mut names: Vec<_> = contract
        .contract
        .service_levels
        .iter()
        .map(|level| level.property.clone())
        .collect();
    // What is wrong with rules is found where contracts are read.
    for rule in contract.rules().unwrap_or_default() {
        // An id that no document declares begins with its column already.
        let behind = rule.column.as_ref().map(|column| format!("{column}."));
        names.extend(
            behind
                .filter(|head| !rule.id.starts_with(head.as_str()))
                .map(|head| head + &rule.id),
        );
        names.push(rule.id);
    }
    names
}

fn has_column(properties: &[Property], path: &str) -> bool {
    let end = path.find(['.', '[', '{']).unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    // A name may itself have dots.
    let exact = properties.iter().any(|property| property.name == path);
    exact
        || properties
            .iter()
            .find(|property| property.name == name)
            .is_some_and(|property| has_inside(property, rest))
}

fn has_inside(property: &Property, path: &str) -> bool {
    if path.is_empty() {
        return true;
    }
    if let Some(rest) = path.strip_prefix('.') {
        return has_column(&property.properties, rest);
    }
    let items = path.strip_prefix("[]").zip(property.items.as_deref());
    items.is_some_and(|(rest, items)| has_inside(items, rest))
}

fn read(reader: &Reader<'_>, root: &Node, source: &Source) -> Option<Consumer> {
    let map = reader.map(root)?;
    let place = Place::of(source, map.span_of("consumer"));
    let name = map.required_string("consumer");
    let stem = source
        .path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    if let Some(name) = name.as_ref().filter(|name| *name != stem) {
        let help = format!("rename the file to {name}.yaml, or the consumer to `{stem}`");
        let message = format!("the document of the consumer `{name}` is named {stem}.yaml");
        reader.error(place.span, "file-name", message, Some(help));
    }
    let owner = map.required_string("owner");
    let description = map.required_string("description");
    let contact = map.optional_string("contact");
    let given = map.required_node("reads");
    let reads = map.list("reads").iter().enumerate();
    if let Some(empty) = given.filter(|given| given.as_list().is_some_and(<[_]>::is_empty)) {
        let message = "`reads` is empty: a consumer that reads nothing is broken by nothing";
        let help = "name the datasets that it reads, or take the document away";
        reader.error(empty.span, "wrong-value", message, Some(help.to_owned()));
    }
    let reads: Vec<_> = reads
        .filter_map(|(i, node)| one_read(reader.map_at(node, format!("reads[{i}]"))?, &place))
        .collect();
    map.finish();
    Some(Consumer {
        name: name?,
        owner: owner?,
        description: description?,
        contact,
        reads,
        place,
    })
}

fn one_read(map: MapReader<'_, '_, '_>, document: &Place) -> Option<Read> {
    let dataset = map.required_parsed::<DatasetName>("dataset");
    let place = document.at(map.span_of("dataset"));
    let written = |key| {
        let mut list = Vec::new();
        for node in map.list(key) {
            match node.as_str() {
                Some(text) => list.push(Written {
                    text: text.to_owned(),
                    place: document.at(node.span),
                }),
                None => {
                    let message = format!("`{}` must be texts, but one is {}", map.path_of(key), node.kind());
                    map.reader().error(node.span, "wrong-type", message, None);
                }
            }
        }
        list
    };
    let columns = map.node("columns").map(|_| written("columns"));
    let guarantees = written("guarantees");
    // A list that was emptied would turn all into nothing.
    if let Some(empty) = map
        .node("columns")
        .filter(|node| node.as_list().is_some_and(<[_]>::is_empty))
        && guarantees.is_empty()
    {
        let path = map.path_of("columns");
        let message = format!("`{path}` is empty, and no guarantee is named: no change would break the consumer");
        let help = "name the columns that it reads; leave `columns` out for all";
        map.reader()
            .error(empty.span, "wrong-value", message, Some(help.to_owned()));
    }
    let since = map.optional_with("since", day);
    let version = map.optional_u64("version");
    map.finish();
    Some(Read {
        dataset: dataset?,
        columns,
        guarantees,
        since,
        version,
        place,
    })
}

fn day(text: &str) -> Result<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map_err(|_| Error::new(ErrorKind::Document, format!("`{text}` is not a date")).with_help("write 2026-01-31"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT: &str = "apiVersion: v3.1.0\nkind: DataContract\nid: orders\nversion: 1.0.0\nstatus: active\nschema:\n  \
        - name: orders\n    physicalName: shop.gold.orders\n    properties:\n      \
        - {name: id, logicalType: string, required: true}\n      \
        - name: total\n        logicalType: number\n        quality: [{id: positive, type: library, metric: nullValues, mustBe: 0}]\n      \
        - {name: place, logicalType: object, properties: [{name: city, logicalType: string}]}\n\
        slaProperties: [{property: latency, value: 4, unit: h}]\n";

    const CONSUMER: &str = "consumer: board\nowner: finance\ndescription: revenue by day\nreads:\n  \
        - dataset: shop.gold.orders\n    columns: [id, place.city, _offset]\n    \
        guarantees: [latency, positive, total.positive]\n    since: 2026-01-31\n";

    fn found(text: &str) -> Vec<String> {
        let (contracts, findings) = ContractSet::load([(
            "shop".to_owned(),
            Source::new("contracts/shop/orders.odcs.yaml", CONTRACT),
        )]);
        assert_eq!(findings, []);
        let (consumer, diagnostics) = Consumer::parse(&Source::new("catalog/consumers/board.yaml", text));
        let problems = consumer
            .map(|consumer| consumer.problems(&contracts))
            .unwrap_or_default();
        diagnostics.iter().chain(&problems).map(ToString::to_string).collect()
    }

    #[test]
    fn a_consumer_names_columns_values_inside_them_rules_and_service_levels() {
        assert_eq!(found(CONSUMER), Vec::<String>::new());
        let (consumer, _) = Consumer::parse(&Source::new("catalog/consumers/board.yaml", CONSUMER));
        let reliance = consumer.unwrap().reads[0].reliance();
        assert_eq!(reliance.columns.unwrap(), ["id", "place.city", "_offset"]);
        assert_eq!(reliance.guarantees, ["latency", "positive", "total.positive"]);
    }

    #[test]
    fn what_no_contract_has_is_reported_with_the_nearest_name() {
        let text = CONSUMER
            .replace("[id, place.city", "[idd, place.town")
            .replace("[latency", "[latncy");
        assert_eq!(
            found(&text),
            [
                "catalog/consumers/board.yaml:6:15: `idd` is not in the contract of shop.gold.orders",
                "catalog/consumers/board.yaml:6:20: `place.town` is not in the contract of shop.gold.orders",
                "catalog/consumers/board.yaml:7:18: the contract of shop.gold.orders has no rule or service level `latncy`",
            ]
        );
        let text = CONSUMER.replace("[id, place.city", "[quantity, place.city");
        let (set, _) = ContractSet::load([(
            "shop".to_owned(),
            Source::new("contracts/shop/orders.odcs.yaml", CONTRACT),
        )]);
        let (consumer, _) = Consumer::parse(&Source::new("catalog/consumers/board.yaml", text));
        let help = consumer.unwrap().problems(&set)[0].help.clone().unwrap();
        assert!(help.starts_with("there are: id, "), "{help}");
        assert_eq!(
            found(&CONSUMER.replace("gold.orders", "gold.order")),
            ["catalog/consumers/board.yaml:5:14: there is no dataset shop.gold.order: no contract declares it"]
        );
    }

    #[test]
    fn a_version_that_is_not_there_yet_is_reported_and_ids_are_listed_once() {
        let version = |major: u64| CONSUMER.replace("since: 2026", &format!("version: {major}\n    since: 2026"));
        assert_eq!(found(&version(1)), Vec::<String>::new());
        assert_eq!(
            found(&version(99)),
            ["catalog/consumers/board.yaml:5:14: the contract of shop.gold.orders has no version 99: it is 1.0.0"]
        );
        let (contracts, _) = ContractSet::load([(
            "shop".to_owned(),
            Source::new("contracts/shop/orders.odcs.yaml", CONTRACT),
        )]);
        let names = guarantees(&contracts.get(&"shop.gold.orders".parse().unwrap()).unwrap());
        assert_eq!(names, ["latency", "id.required", "total.positive", "positive"]);
    }

    #[test]
    fn who_relies_on_nothing_is_told_to_leave_the_list_out() {
        let emptied = CONSUMER.replace("[id, place.city, _offset]", "[]");
        assert_eq!(found(&emptied), Vec::<String>::new(), "it relies on guarantees");
        let emptied = emptied.replace("[latency, positive, total.positive]", "[]");
        assert_eq!(
            found(&emptied),
            [
                "catalog/consumers/board.yaml:6:14: `reads[0].columns` is empty, and no guarantee is named: no change \
                 would break the consumer"
            ]
        );
        let (head, _) = CONSUMER.split_once("reads:").unwrap();
        assert_eq!(
            found(&format!("{head}reads: []\n")),
            ["catalog/consumers/board.yaml:4:8: `reads` is empty: a consumer that reads nothing is broken by nothing"]
        );
    }

    #[test]
    fn the_documents_form_is_checked() {
        let found = found("consumer: bord\nowner: finance\nreads:\n  - {dataset: orders, sinc: 2026-01-31}\n");
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found[0].contains("`description` is missing"), "{found:?}");
        assert!(
            found[1].contains(":1:11: the document of the consumer `bord`"),
            "{found:?}"
        );
        assert!(found[2].contains(":4:15: `reads[0].dataset`"), "{found:?}");
        assert!(found[3].contains(":4:23: `reads[0].sinc` is not known"), "{found:?}");
    }
}
