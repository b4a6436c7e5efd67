//! What keeps an object of a schema from being a dataset: columns without a type, names and types that no table of ours
//! can have.

use polder_core::Layer;
use polder_core::document::Diagnostic;

use crate::column_type::ColumnType;
use crate::schema::{MOST_COLUMNS, Property, SchemaObject};

/// Characters that other readers and writers of Delta tables refuse in the names of columns.
const NOT_IN_NAMES: &str = " ,;{}()\n\t=";
/// Characters by which Polder names what is inside of a column: `address.city`, `lines[].price`.
const OF_PATHS: &str = ".[]";

impl SchemaObject {
    /// What keeps the object from being a dataset's contract: columns without a type, names that belong to the platform.
    pub(crate) fn problems(&self) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        if self.properties.is_empty() {
            let help = Some("a dataset's contract names its columns under `properties`");
            problems.push(
                self.place
                    .error("no-columns", format!("`{}` has no properties", self.name), help),
            );
        }
        if self.properties.len() > MOST_COLUMNS {
            let message = format!("`{}` has more than {MOST_COLUMNS} columns", self.name);
            let help = Some("nest what belongs together, or make several datasets of it");
            return vec![self.place.error("too-many-columns", message, help)];
        }
        let quarantine = self
            .dataset
            .as_ref()
            .is_some_and(|dataset| dataset.layer() == Layer::Quarantine);
        let mut names = std::collections::HashSet::new();
        for property in &self.properties {
            if property.name.is_empty() {
                problems.push(property.place.error("column-name", "a column needs a name", None));
            }
            if property.name.starts_with('_') && !quarantine {
                let message = format!("the column `{}` begins with an underscore", property.name);
                let help = Some("such names belong to columns that Polder adds");
                problems.push(property.place.error("reserved-name", message, help));
            }
            if !names.insert(property.name.to_lowercase()) {
                let message = format!("`{}` has two columns `{}`", self.name, property.name);
                let help = Some("Delta tables do not tell upper and lower case apart in names");
                problems.push(property.place.error("duplicate-name", message, help));
            }
            problems.extend(property.type_problems());
            property.unstorable(&mut problems);
        }
        problems
    }
}

impl Property {
    /// What keeps it and what is inside of it from being stored in a table that every engine reads.
    fn unstorable(&self, problems: &mut Vec<Diagnostic>) {
        if let Some(bad) = self
            .name
            .chars()
            .find(|c| NOT_IN_NAMES.contains(*c) || OF_PATHS.contains(*c) || c.is_control())
        {
            let (message, help) = (
                format!("the column {:?} has {bad:?} in its name", self.name),
                match OF_PATHS.contains(bad) {
                    true => "points and brackets name what is inside of a column: use an underscore",
                    false => "Spark refuses such names in Delta tables: use an underscore",
                },
            );
            problems.push(self.place.error("column-name", message, Some(help)));
        }
        if matches!(self.column_type(), Ok(ColumnType::Time)) {
            let place = self
                .physical_type
                .as_ref()
                .map_or(&self.place, |written| &written.place);
            let message = format!("`{}` is a time of day, which Delta tables do not know", self.shown());
            let help = "declare it as a string, with the pattern that it keeps";
            problems.push(place.error("column-type", message, Some(help)));
        }
        let mut names = std::collections::HashSet::new();
        for field in &self.properties {
            if field.name.is_empty() {
                problems.push(field.place.error("column-name", "a column needs a name", None));
            }
            if !names.insert(field.name.to_lowercase()) {
                let message = format!("`{}` has two fields `{}`", self.name, field.name);
                let help = Some("Delta tables do not tell upper and lower case apart in names");
                problems.push(field.place.error("duplicate-name", message, help));
            }
            field.unstorable(problems);
        }
        let map = self.map.as_deref().map(|(key, value)| [key, value]);
        for inside in self.items.as_deref().into_iter().chain(map.into_iter().flatten()) {
            inside.unstorable(problems);
        }
    }
}
