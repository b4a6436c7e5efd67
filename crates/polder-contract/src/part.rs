//! A contract seen from one of its datasets.

use polder_core::DatasetName;
use polder_core::document::{Entry, Node, Source, Value};

use crate::contract::Contract;

impl Contract {
    /// What the contract promises of one of its datasets: without its other objects, and without the service levels that
    /// are about those alone.
    #[must_use]
    pub fn part(&self, dataset: &DatasetName) -> Self {
        let only = self.objects.len() == 1;
        let object = self
            .objects
            .iter()
            .position(|object| object.dataset.as_ref() == Some(dataset));
        let about = |level: usize| {
            let of = self
                .service_levels
                .get(level)
                .zip(object.and_then(|at| self.objects.get(at)));
            of.is_none_or(|(level, object)| level.columns_of(object, only).is_some())
        };
        let mut document = self.document.clone();
        if let Value::Map(entries) = &mut document.value {
            for Entry { key, value, .. } in entries {
                match (key.as_str(), &mut value.value) {
                    ("schema", Value::List(objects)) => keep(objects, |at| Some(at) == object),
                    ("slaProperties", Value::List(levels)) => keep(levels, about),
                    _ => {}
                }
            }
        }
        Self::read(&Source::new(&self.source_path, self.text.as_ref()), document)
    }
}

fn keep(items: &mut Vec<Node>, wanted: impl Fn(usize) -> bool) {
    let mut at = 0;
    items.retain(|_| {
        at += 1;
        wanted(at - 1)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[test]
    fn a_part_has_its_object_and_the_service_levels_that_are_not_about_others() {
        let text = "apiVersion: v3.1.0\nkind: DataContract\nid: s.orders\nversion: 1.0.0\nstatus: active\nschema:\n  - \
                    name: src\n    physicalName: s.bronze.src\n    properties:\n      - {name: at, logicalType: \
                    timestamp}\n  - name: oth\n    physicalName: s.bronze.oth\n    properties:\n      - {name: at, \
                    logicalType: timestamp}\nslaProperties:\n  - {property: latency, value: 1, unit: h, element: \
                    src.at}\n  - {property: latency, value: 2, unit: h, element: oth.at}\n  - {property: retention, value: \
                    3, unit: y}\n";
        let contract = parse(&Source::new("contracts/s/orders.odcs.yaml", text))
            .contract
            .unwrap();
        let part = contract.part(&"s.bronze.oth".parse().unwrap());
        let datasets: Vec<_> = part.datasets().map(ToString::to_string).collect();
        assert_eq!(datasets, ["s.bronze.oth"]);
        let levels = part.service_levels.iter();
        let levels: Vec<_> = levels
            .map(|level| (level.property.as_str(), level.element.as_deref()))
            .collect();
        assert_eq!(levels, [("latency", Some("oth.at")), ("retention", None)]);
        assert_eq!((part.id.as_str(), part.version.as_str()), ("s.orders", "1.0.0"));
        // Of one that it does not describe there is no object.
        assert_eq!(contract.part(&"s.bronze.none".parse().unwrap()).datasets().count(), 0);
    }
}
