//! From a declared object to its rules: the walk over its values.

use std::collections::HashSet;

use polder_core::Result;
use polder_core::document::Diagnostic;

use super::compiler::{Compiler, Heading, Value};
use super::on_failure::Policy;
use super::{
    Metric, OnFailure, Operator, PathStep, Rule, RuleSeverity, custom, id, key, library, limits, path, reference,
};
use crate::column_type::ColumnType;
use crate::contract::Contract;
use crate::quality::{Quality, QualityKind};
use crate::schema::{Property, SchemaObject};

/// An object's rules and everything that is wrong with them. `contract` is its own, where that is known.
pub(super) fn compile(object: &SchemaObject, contract: Option<&Contract>) -> (Vec<Rule>, Vec<Diagnostic>) {
    compile_beside(object, contract, &mut HashSet::new())
}

/// As [`compile`], of an object beside others with these large patterns.
pub(super) fn compile_beside(
    object: &SchemaObject,
    contract: Option<&Contract>,
    large: &mut HashSet<String>,
) -> (Vec<Rule>, Vec<Diagnostic>) {
    let mut compiler = Compiler::new(object, contract, large);
    let policy = compiler.policy(&object.custom_properties, Policy::default());
    for property in &object.properties {
        compiler.column(property, policy);
    }
    compiler.primary_key(policy);
    for relationship in &object.relationships {
        reference::of_object(&mut compiler, relationship, policy);
    }
    for quality in &object.quality {
        compiler.quality(quality, None, policy);
    }
    compiler.finish()
}

impl<'a> Compiler<'a> {
    fn column(&mut self, property: &'a Property, policy: Policy) {
        let policy = self.policy(&property.custom_properties, policy);
        // A column whose type cannot be told, inside too, is refused with that reason alone.
        match self.column_type(property) {
            Ok(column) => self.value(&Value {
                property,
                column,
                steps: vec![PathStep::Field(property.name.clone())],
                path: property.name.clone(),
                policy,
            }),
            Err(_) if self.object.dataset.is_none() => self.typeless(property, policy),
            Err(error) => self.report(error.diagnostics().to_vec()),
        }
    }

    /// The type of a value's column. Objects that are bound to no dataset may name types of any store: there the logical
    /// type alone says enough to judge rules by.
    fn column_type(&self, property: &Property) -> Result<ColumnType> {
        let found = property.column_type();
        match found {
            Err(_) if self.object.dataset.is_none() => property.logical_column_type(),
            found => found,
        }
    }

    /// A column of which nobody can say what it holds: what does not depend on that is judged all the same.
    fn typeless(&mut self, property: &'a Property, policy: Policy) {
        let value = Value {
            property,
            column: ColumnType::String,
            steps: vec![PathStep::Field(property.name.clone())],
            path: property.name.clone(),
            policy,
        };
        for relationship in &property.relationships {
            reference::of_property(self, relationship, &value);
        }
        for quality in &property.quality {
            self.quality(quality, Some(&value), policy);
        }
    }

    fn value(&mut self, value: &Value<'a>) {
        let property = value.property;
        limits::collect(self, value);
        if property.unique {
            let heading = self.limit(value, "unique", &property.place);
            self.key(heading, value, vec![value.path.clone()]);
        }
        if property.primary_key.is_some() && value.steps.len() > 1 {
            let heading = self.limit(value, "primaryKey", &property.place);
            self.not_run(
                heading,
                "a primary key is made of columns".to_owned(),
                "no two rows of one key",
            );
        }
        for relationship in &property.relationships {
            reference::of_property(self, relationship, value);
        }
        for quality in &property.quality {
            self.quality(quality, Some(value), value.policy);
        }
        let children = path::children(property);
        if children.is_empty()
            && (!property.properties.is_empty() || property.items.is_some() || property.map.is_some())
        {
            let message = format!("`{}` has values inside, but no logical type that has any", value.path);
            let help = "say `logicalType: object`, `array` or `map`";
            self.refuse(&property.place, message, Some(help));
        }
        for (step, child) in children {
            let Ok(column) = self.column_type(child) else { continue };
            let mut steps = value.steps.clone();
            steps.push(step);
            let policy = self.policy(&child.custom_properties, value.policy);
            self.value(&Value {
                property: child,
                column,
                path: path::written(&steps),
                steps,
                policy,
            });
        }
    }

    /// The key of the table, over all its columns.
    fn primary_key(&mut self, policy: Policy) {
        let key = self.object.primary_key();
        let Some(first) = key.first() else { return };
        let columns: Vec<_> = key.iter().map(|property| property.name.clone()).collect();
        // Of several columns none is nearer than the object.
        let policy = match key.as_slice() {
            [only] => policy.of(&only.custom_properties),
            _ => policy,
        };
        let heading = Heading {
            id: "primaryKey".to_owned(),
            column: (columns.len() == 1).then(|| columns[0].clone()),
            severity: policy.severity(),
            on_failure: policy.on_failure(),
            dimension: None,
            description: None,
            place: first.place.clone(),
        };
        let places: Vec<_> = key.iter().map(|property| &property.place).collect();
        if !key::refused(self, &heading.id, &columns, &places) {
            self.set(
                heading,
                Metric::Duplicates { columns },
                Operator::MustBe("0".to_owned()),
                false,
            );
        }
    }

    /// A rule that no two rows have the same value.
    fn key(&mut self, heading: Heading, value: &Value<'_>, columns: Vec<String>) {
        if value.is_repeated() {
            let why = "a row has many of these values: what must differ is said by `uniqueItems` of the list";
            self.not_run(heading, why.to_owned(), "no two values are the same");
        } else if !key::refused(self, &heading.id, &columns, &[&value.property.place]) {
            self.set(
                heading,
                Metric::Duplicates { columns },
                Operator::MustBe("0".to_owned()),
                false,
            );
        }
    }

    /// A declared quality rule, of a value or of the whole object.
    fn quality(&mut self, quality: &'a Quality, value: Option<&Value<'a>>, outer: Policy) {
        let own = self.policy(&quality.custom_properties, Policy::default());
        let heading = self.heading(quality, value, own, outer);
        match &quality.kind {
            QualityKind::Text => {
                let says = quality.description.clone().or_else(|| quality.name.clone());
                self.not_run(
                    heading,
                    "a rule in words, for people".to_owned(),
                    &says.unwrap_or_else(|| "a rule in words".to_owned()),
                );
            }
            QualityKind::Sql { query } => self.sql(heading, quality, query, value),
            QualityKind::Custom { engine, implementation } => {
                custom::collect(self, heading, quality, engine, implementation.as_ref());
            }
            QualityKind::Library { metric, arguments } => {
                library::collect(self, heading, quality, metric, arguments.as_ref(), value);
            }
        }
    }

    fn heading(&mut self, quality: &Quality, value: Option<&Value<'_>>, own: Policy, outer: Policy) -> Heading {
        let id = id::of_quality(value.map(|value| value.path.as_str()), quality);
        let declared = quality.severity.as_deref().map(RuleSeverity::of_word);
        let on_failure = match (own.declared(), declared) {
            (Some(word @ (OnFailure::Quarantine | OnFailure::Reject)), Some(severity))
                if severity != RuleSeverity::Error =>
            {
                let message = format!(
                    "{id}: its severity is {}, but polder.onFailure says {}",
                    severity.as_str(),
                    word.as_str()
                );
                self.refuse(&quality.places.severity, message, Some("leave one of them out"));
                OnFailure::Warn
            }
            (_, Some(RuleSeverity::Warning | RuleSeverity::Info)) => OnFailure::Warn,
            (Some(word), _) => word,
            (None, _) => outer.on_failure(),
        };
        Heading {
            id,
            column: value.map(|value| value.path.clone()),
            severity: declared.unwrap_or_else(|| RuleSeverity::by(on_failure)),
            on_failure,
            dimension: quality.dimension.clone(),
            description: quality.description.clone(),
            place: quality.place.clone(),
        }
    }

    fn sql(&mut self, heading: Heading, quality: &Quality, query: &str, value: Option<&Value<'_>>) {
        if query.trim().is_empty() {
            let help = "write a query that gives one figure, such as SELECT count(*) FROM {object} WHERE …";
            self.refuse(
                &quality.places.body,
                format!("{}: the query is empty", heading.id),
                Some(help),
            );
            return;
        }
        let of_property = ["{property}", "{column}"].into_iter().find(|name| query.contains(name));
        if let (Some(name), None) = (of_property, value) {
            let message = format!(
                "{}: {name} stands for nothing in a rule of the whole object",
                heading.id
            );
            self.refuse(
                &quality.places.body,
                message,
                Some("name the column, or move the rule to it"),
            );
            return;
        }
        let Some(operator) = quality.operator.clone() else {
            let message = format!("{}: it does not say what the figure must be", heading.id);
            let help = "add one value to compare it with, such as `mustBe: 0`";
            self.refuse(&quality.places.operator, message, Some(help));
            return;
        };
        if let Some((problem, help)) = operator.problem(quality.lower.as_ref()) {
            self.refuse(
                &quality.places.operator,
                format!("{}: {problem}", heading.id),
                Some(help),
            );
            return;
        }
        let query = query.to_owned();
        self.set(heading, Metric::Sql { query }, operator, false);
    }
}
