//! References to other datasets: every key here is one that is there.

use polder_core::DatasetName;
use polder_core::document::nearest;
use polder_core::units::counted;

use super::compiler::{Compiler, Heading, Value};
use super::on_failure::Policy;
use super::{Metric, Operator, id, key};
use crate::contract::Contract;
use crate::place::Written;
use crate::schema::{Property, Relationship, SchemaObject};

/// Why a reference has no target.
enum Unresolved {
    /// It is wrong: the problem and what to do.
    Wrong(String, Option<String>),
    /// Nothing here can follow it.
    NotRun(String),
}

/// What a reference names.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The dataset, where the object is bound to one.
    pub(crate) dataset: Option<DatasetName>,
    /// The object of this contract, by its position, where it is one.
    pub(crate) object: Option<usize>,
    /// The column, by its path in the store.
    pub(crate) path: String,
}

/// What an end of a reference of the contract names, by any notation; nothing where nothing here can follow it.
pub(crate) fn target(contract: &Contract, text: &str) -> Option<Target> {
    match text.contains('#') {
        true => contract.files.get(text).cloned(),
        false => within(&contract.objects, text).ok(),
    }
}

/// What a reference by file names in the contract of that file.
pub(crate) fn in_file(contract: &Contract, text: &str) -> Result<Target, (String, Option<String>)> {
    let objects = &contract.objects;
    let first = text.split('.').next().unwrap_or_default();
    if !text.contains('/') && !objects.iter().any(|object| object.name == first) {
        return Err(unknown(
            "object",
            first,
            objects.iter().map(|object| object.name.as_str()),
        ));
    }
    let target = within(objects, text)?;
    Ok(Target { object: None, ..target })
}

fn within(objects: &[SchemaObject], text: &str) -> Result<Target, (String, Option<String>)> {
    match text.contains('/') {
        true => by_id(objects, text),
        false => by_name(objects, text),
    }
}

/// A reference that is declared on the property where it begins.
pub(super) fn of_property(compiler: &mut Compiler<'_>, relationship: &Relationship, value: &Value<'_>) {
    let policy = compiler.policy(&relationship.custom_properties, value.policy);
    let heading = Heading {
        severity: policy.severity(),
        on_failure: policy.on_failure(),
        ..compiler.limit(value, "foreignKey", &relationship.place)
    };
    if value.is_repeated() {
        let why = "a row has many of these values, and keys are held against keys of rows";
        compiler.not_run(heading, why.to_owned(), &says(relationship));
        return;
    }
    compile(compiler, heading, relationship, vec![value.path.clone()]);
}

/// What gates call a reference that is declared on the object.
pub(crate) fn id_on_object(object: &SchemaObject, relationship: &Relationship) -> String {
    let begins = relationship.from.iter().map(|from| begin(object, &from.text).ok());
    id::of_reference(&begins.collect::<Option<Vec<_>>>().unwrap_or_default())
}

/// A reference that is declared on the object: both ends are named.
pub(super) fn of_object(compiler: &mut Compiler<'_>, relationship: &Relationship, policy: Policy) {
    let policy = compiler.policy(&relationship.custom_properties, policy);
    let mut columns = Vec::new();
    let mut sound = true;
    for from in &relationship.from {
        match begin(compiler.object, &from.text) {
            Ok(path) => columns.push(path),
            Err((problem, help)) => {
                sound = false;
                compiler.refuse(&from.place, problem, help.as_deref());
            }
        }
    }
    if !sound {
        return;
    }
    let heading = Heading {
        id: id::of_reference(&columns),
        column: (columns.len() == 1).then(|| columns[0].clone()),
        severity: policy.severity(),
        on_failure: policy.on_failure(),
        dimension: None,
        description: None,
        place: relationship.place.clone(),
    };
    if columns.iter().any(|path| path.contains("[]")) {
        let why = "a row has many of these values, and keys are held against keys of rows";
        compiler.not_run(heading, why.to_owned(), &says(relationship));
        return;
    }
    compile(compiler, heading, relationship, columns);
}

fn compile(compiler: &mut Compiler<'_>, heading: Heading, relationship: &Relationship, columns: Vec<String>) {
    if relationship.to.len() != columns.len() {
        let message = format!(
            "{}: {} cannot refer to {}",
            heading.id,
            counted(columns.len(), "column"),
            relationship.to.len()
        );
        compiler.refuse(
            &relationship.place,
            message,
            Some("both ends name the same number of columns"),
        );
        return;
    }
    let mut dataset: Option<DatasetName> = None;
    let mut to = Vec::new();
    for written in &relationship.to {
        match resolve(compiler, written) {
            Ok((found, path)) => {
                if dataset.as_ref().is_some_and(|dataset| *dataset != found) {
                    let message = format!("{}: it refers to columns of several datasets", heading.id);
                    compiler.refuse(&written.place, message, Some("write one relationship for each dataset"));
                    return;
                }
                dataset = Some(found);
                to.push(path);
            }
            Err(Unresolved::Wrong(problem, help)) => {
                compiler.refuse(&written.place, format!("{}: {problem}", heading.id), help.as_deref());
                return;
            }
            Err(Unresolved::NotRun(why)) => {
                compiler.not_run(heading, why, &says(relationship));
                return;
            }
        }
    }
    let places = match relationship.from.as_slice() {
        [] => vec![&relationship.place],
        from => from.iter().map(|from| &from.place).collect(),
    };
    if key::reference_refused(compiler, &heading.id, &columns, &places) {
        return;
    }
    if let Some(dataset) = dataset {
        let metric = Metric::Orphans { columns, dataset, to };
        compiler.set(heading, metric, Operator::MustBe("0".to_owned()), false);
    }
}

fn says(relationship: &Relationship) -> String {
    let to: Vec<_> = relationship.to.iter().map(|end| end.text.as_str()).collect();
    format!("every key is one of {}", to.join(", "))
}

/// The dataset and column that the far end names.
fn resolve(compiler: &Compiler<'_>, written: &Written) -> Result<(DatasetName, String), Unresolved> {
    let text = written.text.as_str();
    let only = std::slice::from_ref(compiler.object);
    let objects = compiler.contract.map_or(only, |contract| &contract.objects);
    let target = match text.split_once('#') {
        Some((file, _)) => {
            let known = compiler.contract.and_then(|contract| contract.files.get(text));
            let Some(target) = known else {
                return Err(Unresolved::NotRun(not_followed(file)));
            };
            Ok(target.clone())
        }
        None => within(objects, text),
    };
    match target {
        Ok(Target {
            dataset: Some(dataset),
            path,
            ..
        }) if path.contains("[]") => Err(Unresolved::NotRun(format!(
            "{path} of {dataset} has many values in a row, and keys are held against keys of rows"
        ))),
        Ok(Target {
            dataset: Some(dataset),
            path,
            ..
        }) => Ok((dataset, path)),
        Ok(Target { object, .. }) => {
            let name = object.map_or(text, |object| objects[object].name.as_str());
            Err(Unresolved::NotRun(format!("`{name}` is bound to no dataset")))
        }
        Err(_) if compiler.contract.is_none() => Err(Unresolved::NotRun(
            "it refers to another object of the contract".to_owned(),
        )),
        // Whoever binds nothing to datasets may name what another contract describes: the standard's own example does.
        Err((problem, _)) if compiler.object.dataset.is_none() && !names_object(objects, text) => {
            Err(Unresolved::NotRun(problem))
        }
        Err((problem, help)) => Err(Unresolved::Wrong(problem, help)),
    }
}

/// Why a reference into another document is not run.
fn not_followed(file: &str) -> String {
    let known = "name its dataset instead, such as sales.silver.customers.customer_id";
    match file.contains("://") {
        true => format!("`{file}` is an address, and nothing is fetched: {known}"),
        false => format!("`{file}` is no contract that was read here, or has no such column"),
    }
}

/// Whether the reference begins with an object of the contract.
fn names_object(objects: &[SchemaObject], text: &str) -> bool {
    let name = match text.trim_start_matches('/').strip_prefix("schema/") {
        Some(path) => path.split('/').next(),
        None => text.split('.').next(),
    };
    let mut known = objects
        .iter()
        .flat_map(|object| [Some(object.name.as_str()), object.id.as_deref()]);
    known.any(|known| known.is_some() && known == name)
}

/// The near end, which is in this object, by either notation; a bare column name is understood too.
pub(crate) fn begin(object: &SchemaObject, text: &str) -> Result<String, (String, Option<String>)> {
    let only = std::slice::from_ref(object);
    match within(only, text) {
        Ok(Target {
            object: Some(_), path, ..
        }) => Ok(path),
        Ok(_) => Err((format!("`{text}` is not in `{}`", object.name), None)),
        Err(problem) => Err(problem),
    }
}

/// `schema/<id>/properties/<id>…`; an element without an id is found by its name.
fn by_id(objects: &[SchemaObject], text: &str) -> Result<Target, (String, Option<String>)> {
    let parts: Vec<_> = text.trim_start_matches('/').split('/').collect();
    let (&["schema", id], rest) = parts.split_at(parts.len().min(2)) else {
        let help = "write schema/<id>/properties/<id>";
        return Err((format!("`{text}` names no column"), Some(help.to_owned())));
    };
    let is = |own: Option<&String>, name: &str| own.is_some_and(|own| own == id) || name == id;
    let Some(position) = objects.iter().position(|object| is(object.id.as_ref(), &object.name)) else {
        let known = objects
            .iter()
            .map(|object| object.id.as_deref().unwrap_or(&object.name));
        return Err(unknown("object", id, known));
    };
    let object = &objects[position];
    let mut properties = object.properties.as_slice();
    let mut path = String::new();
    for pair in rest.chunks(2) {
        let &["properties", id] = pair else {
            let help = "write schema/<id>/properties/<id>";
            return Err((format!("`{text}` names no column"), Some(help.to_owned())));
        };
        let found = properties
            .iter()
            .find(|property| property.id.as_deref() == Some(id) || (property.id.is_none() && named(property, id)));
        let Some(property) = found else {
            let known = properties
                .iter()
                .map(|property| property.id.as_deref().unwrap_or(&property.name));
            return Err(unknown("property", id, known));
        };
        properties = step(property, &mut path);
    }
    if path.is_empty() {
        return Err((
            format!("`{text}` names no column"),
            Some("add /properties/<id>".to_owned()),
        ));
    }
    Ok(Target {
        dataset: object.dataset.clone(),
        object: Some(position),
        path,
    })
}

/// `object.property…`, or a dataset's full name with the column behind it.
fn by_name(objects: &[SchemaObject], text: &str) -> Result<Target, (String, Option<String>)> {
    let mut parts = text.split('.');
    let first = parts.next().unwrap_or_default();
    let Some(position) = objects.iter().position(|object| object.name == first) else {
        return elsewhere(text).ok_or_else(|| {
            let (problem, near) = unknown("object", first, objects.iter().map(|object| object.name.as_str()));
            let help = "name an object of this contract, or a dataset, such as sales.silver.customers.customer_id";
            (problem, near.or_else(|| Some(help.to_owned())))
        });
    };
    let object = &objects[position];
    let mut properties = object.properties.as_slice();
    let mut path = String::new();
    for part in parts {
        let Some(property) = properties.iter().find(|property| named(property, part)) else {
            return Err(unknown("property", part, properties.iter().flat_map(names)));
        };
        properties = step(property, &mut path);
    }
    if path.is_empty() {
        return Err((
            format!("`{text}` names no column"),
            Some("write object.property".to_owned()),
        ));
    }
    Ok(Target {
        dataset: object.dataset.clone(),
        object: Some(position),
        path,
    })
}

fn elsewhere(text: &str) -> Option<Target> {
    let parts: Vec<_> = text.split('.').collect();
    let dataset: DatasetName = parts.get(..3)?.join(".").parse().ok()?;
    let path = parts[3..].join(".");
    (!path.is_empty()).then_some(Target {
        dataset: Some(dataset),
        object: None,
        path,
    })
}

/// Goes into the property; gives what is inside it. Items of a list are entered without a word.
fn step<'p>(property: &'p Property, path: &mut String) -> &'p [Property] {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(&property.name);
    let mut inner = property;
    while let Some(items) = &inner.items {
        if items.properties.is_empty() && items.items.is_none() {
            break;
        }
        path.push_str("[]");
        inner = items;
    }
    &inner.properties
}

fn named(property: &Property, name: &str) -> bool {
    property.declared_name.as_deref() == Some(name) || property.name == name
}

/// The names by which a property may be named.
fn names(property: &Property) -> impl Iterator<Item = &str> {
    let declared = property.declared_name.as_deref();
    declared.into_iter().chain([property.name.as_str()])
}

fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> (String, Option<String>) {
    let near = nearest(name, known).map(|near| format!("did you mean `{near}`?"));
    (format!("there is no {kind} `{name}`"), near)
}
