//! What a contract says and nobody would heed: words of Polder's in places where they mean nothing, service levels that
//! cannot be measured or not as a whole, elements and columns that are not there, a status of one's own.

use polder_core::DatasetName;
use polder_core::document::{Diagnostic, Node, Severity, nearest};

use crate::contract::Contract;
use crate::place::{Place, items, text};
use crate::promise::{Subject, is_there};
use crate::schema::SchemaObject;
use crate::service_level::ServiceLevel;
use crate::status::Status;
use crate::structure::{STATUSES, plain, slip};

/// How names of custom properties begin that mean something to Polder.
const OURS: &str = "polder.";

/// What an element is, for the custom properties that it can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Contract,
    Object,
    Column,
    Reference,
    Rule,
    Other,
}

/// Custom properties of Polder's with the elements where they mean something, and those in words.
pub(crate) const PROPERTIES: [(&str, &[Kind], &str); 7] = [
    ("polder.noticePeriod", &[Kind::Contract], "the contract as a whole"),
    ("polder.replacement", &[Kind::Contract], "the contract as a whole"),
    ("polder.compatibility", &[Kind::Contract], "the contract as a whole"),
    (
        "polder.currency",
        &[Kind::Contract, Kind::Object],
        "the contract as a whole or an object of the schema",
    ),
    ("polder.samples", &[Kind::Object], "an object of the schema"),
    ("polder.mask", &[Kind::Column], "a column"),
    (
        "polder.onFailure",
        &[Kind::Object, Kind::Column, Kind::Reference, Kind::Rule],
        "an object of the schema, a column or a rule",
    ),
];

/// What nobody would heed. Names of columns are looked at where the document is `sound`: else they may be what is wrong.
pub(crate) fn unheeded(contract: &Contract, document: &Place, sound: bool) -> Vec<Diagnostic> {
    let mut found = properties(&contract.document, document);
    let levels = items(&contract.document, "slaProperties").iter();
    for (level, node) in contract.service_levels.iter().zip(levels) {
        found.extend(unmeasured(level));
        found.extend(extended(level, node, document));
        let element = node
            .get("element")
            .or_else(|| contract.document.get("slaDefaultElement"));
        // An end that misses its object is an error of the contract's life.
        let ends = matches!(Subject::of(&level.property), Subject::EndOfSupport | Subject::EndOfLife);
        if let (true, false, Some(element)) = (sound, ends, element) {
            let lost = lost_elements(contract, element, document).into_iter();
            found.extend(lost.map(|lost| milder(Severity::Warning, lost)));
        }
    }
    let objects = || contract.objects.iter().zip(items(&contract.document, "schema"));
    let mut bound = objects().filter(|(object, _)| object.dataset.is_some()).peekable();
    let is_bound = bound.peek().is_some();
    if sound {
        found.extend(bound.flat_map(|(object, node)| encrypted(object, node, document)));
    }
    if is_bound
        && let Some(node) = contract.document.get("status")
        && let Status::Other(word) = Status::read(&contract.status)
        && slip(&word, STATUSES).is_none()
    {
        let message = format!("`{word}` is a status of your own: such a contract promises less than an active one");
        let help = format!("the standard knows {}", STATUSES.join(", "));
        let place = document.at(node.span);
        found.push(milder(Severity::Note, place.error("own-status", message, Some(&help))));
    }
    found
}

/// What is wrong with the names of custom properties, wherever they stand.
pub(crate) fn properties(document: &Node, place: &Place) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    walk(document, Kind::Contract, place, &mut found);
    found
}

/// The same, of a document in which Polder's own mean nothing.
pub(crate) fn foreign_properties(document: &Node, place: &Place) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    walk(document, Kind::Other, place, &mut found);
    found
}

fn walk(node: &Node, kind: Kind, place: &Place, found: &mut Vec<Diagnostic>) {
    for item in node.as_list().unwrap_or_default() {
        walk(item, kind, place, found);
    }
    for entry in node.as_map().unwrap_or_default() {
        let inside = match (kind, entry.key.as_str()) {
            (_, "customProperties") => {
                for custom in entry.value.as_list().unwrap_or_default() {
                    found.extend(custom.get("property").and_then(|name| named(name, kind, place)));
                }
                continue;
            }
            // What is under these keys is the author's own.
            (_, "arguments" | "implementation" | "examples" | "value") if kind != Kind::Column => continue,
            (_, "examples") => continue,
            (Kind::Contract, "schema") => Kind::Object,
            (Kind::Object | Kind::Column, "properties" | "items" | "map" | "key" | "value") => Kind::Column,
            (Kind::Object | Kind::Column, "quality") => Kind::Rule,
            (Kind::Object | Kind::Column, "relationships") => Kind::Reference,
            _ => Kind::Other,
        };
        walk(&entry.value, inside, place, found);
    }
}

fn named(node: &Node, kind: Kind, place: &Place) -> Option<Diagnostic> {
    let name = node.as_str()?;
    let place = place.at(node.span);
    let known = PROPERTIES.iter().find(|(known, ..)| *known == name);
    let names = PROPERTIES.map(|(name, ..)| name);
    if let Some((_, kinds, where_to)) = known {
        let of_contract = kinds == &[Kind::Contract];
        if kinds.contains(&kind) || (of_contract && !matches!(kind, Kind::Contract | Kind::Other)) {
            // Where rules are, they say so.
            return None;
        }
        let help = format!("declare it on {where_to}");
        let found = place.error("custom-property", format!("`{name}` means nothing here"), Some(&help));
        return Some(refused(kind, found));
    }
    if name.starts_with(OURS) {
        if !matches!(kind, Kind::Contract | Kind::Other) {
            // The rules say so.
            return None;
        }
        let help = match nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "known are {}; names of your own begin with another word",
                names.join(", ")
            ),
        };
        let message = format!("`{name}` means nothing to Polder");
        return Some(refused(kind, place.error("custom-property", message, Some(&help))));
    }
    // Without the beginning there is no telling what is meant, but for words that are nobody else's.
    let bare = ["polder.onFailure", "polder.noticePeriod"];
    let bare = bare
        .into_iter()
        .find(|known| plain(&known[OURS.len()..]) == plain(name));
    let near = slip(name, names).or(bare)?;
    let message = format!("the custom property `{name}` means nothing to Polder");
    let help = format!("did you mean `{near}`?");
    Some(milder(
        Severity::Warning,
        place.error("custom-property", message, Some(&help)),
    ))
}

/// A service level that nobody can measure as it is written. The standard leaves them open, so it is no error. What is
/// wrong with dates is found with the contract's life.
fn unmeasured(level: &ServiceLevel) -> Option<Diagnostic> {
    if matches!(
        Subject::of(&level.property),
        Subject::GeneralAvailability | Subject::EndOfSupport | Subject::EndOfLife
    ) || level.value.trim().is_empty()
    {
        return None;
    }
    let problem = level.promise().err()?;
    Some(milder(Severity::Warning, *problem))
}

/// More about how much is promised, of a service level that is measured without it. `node` declares the level.
fn extended(level: &ServiceLevel, node: &Node, place: &Place) -> Option<Diagnostic> {
    let more = level.value_ext.as_deref()?;
    // A second time the same is no more; what nobody measures at all is said to be so.
    if more.trim() == level.value.trim() || level.promise().is_err() {
        return None;
    }
    let message = format!(
        "`valueExt` of the service level `{}` is not measured: it is held against `value` alone",
        level.property
    );
    let help = "promise each figure as a service level of its own, or say in `description` what the second one means";
    let found = place
        .at(node.get("valueExt")?.span)
        .error("service-level", message, Some(help));
    Some(milder(Severity::Warning, found))
}

/// Elements that a service level is promised of, and that are not there. `node` names them.
pub(crate) fn lost_elements(contract: &Contract, node: &Node, place: &Place) -> Vec<Diagnostic> {
    let objects = &contract.objects;
    if objects.is_empty() || objects.iter().any(|object| object.dataset.is_none()) {
        return Vec::new();
    }
    let named = node.as_str().unwrap_or_default().split(',').map(str::trim);
    let lost = named.filter(|name| !name.is_empty() && !is_there(objects, name));
    let names = || {
        objects.iter().flat_map(|object| {
            let columns = object
                .properties
                .iter()
                .map(|column| format!("{}.{}", object.name, column.name));
            std::iter::once(object.name.clone()).chain(columns)
        })
    };
    lost.map(|name| {
        let names: Vec<String> = names().collect();
        let message = format!("the service level is promised of `{name}`, which is not in the schema");
        let bare = || {
            let column = |full: &&String| full.split_once('.').is_some_and(|(_, column)| column == name);
            names.iter().find(column).map(String::as_str)
        };
        let help = match bare().or_else(|| nearest(name, names.iter().map(String::as_str))) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write object.column, or leave it out where it is about everything".to_owned(),
        };
        place.at(node.span).error("unknown-element", message, Some(&help))
    })
    .collect()
}

/// Columns whose encrypted value is said to be in a column that is nearly there. `node` is where the object is declared.
fn encrypted(object: &SchemaObject, node: &Node, place: &Place) -> Vec<Diagnostic> {
    let names = || object.properties.iter().map(|property| property.name.as_str());
    let declared = items(node, "properties").iter().zip(&object.properties);
    let wrong = declared.filter_map(|(node, property)| {
        let name = property.encrypted_name.as_deref()?;
        if names().any(|known| known == name) {
            return None;
        }
        let near = slip(name, names().filter(|known| *known != property.name))?;
        let message = format!(
            "the encrypted value of `{}` is said to be in `{name}`, which is no column",
            property.name
        );
        let help = format!("did you mean `{near}`?");
        let span = node.get("encryptedName")?.span;
        let found = place.at(span).error("unknown-column", message, Some(&help));
        Some(milder(Severity::Warning, found))
    });
    wrong.collect()
}

/// Polder's own word on the contract as a whole is refused, as it is on objects and columns; elsewhere it is a warning.
fn refused(kind: Kind, found: Diagnostic) -> Diagnostic {
    match kind {
        Kind::Contract => found,
        _ => milder(Severity::Warning, found),
    }
}

fn milder(severity: Severity, found: Diagnostic) -> Diagnostic {
    Diagnostic { severity, ..found }
}

/// An id that is a slip of the pen away from the name of the contract's only dataset, where ids are such names: one of
/// both is not meant, and whoever names it finds nothing.
pub(crate) fn id(contract: &Contract, place: &Place) -> Option<Diagnostic> {
    let [object] = contract.objects.as_slice() else {
        return None;
    };
    let id = &contract.id;
    let dataset = object.dataset.as_ref()?.to_string();
    if *id == dataset || id.parse::<DatasetName>().is_err() {
        return None;
    }
    slip(id, [dataset.as_str()])?;
    let message = format!("the contract's id is `{id}`, and its dataset is {dataset}");
    let help = "one of both is probably misspelt: let them be the same, or an id of another form";
    let node = contract.document.get("id")?;
    let found = place.at(node.span).error("unknown-word", message, Some(help));
    Some(milder(Severity::Warning, found))
}

/// The domain that a contract names, where it is a slip of the pen away from the one in whose folder it lies.
pub(crate) fn domain(contract: &Contract, folder: &str, place: &Place) -> Option<Diagnostic> {
    let node = contract.document.get("domain")?;
    let named = text(&contract.document, "domain")?;
    if named == folder {
        return None;
    }
    let near = slip(&named, [folder])?;
    let message = format!("the contract lies in the folder of `{folder}` and names the domain `{named}`");
    let help = format!("did you mean `{near}`?");
    let found = place.at(node.span).error("unknown-word", message, Some(&help));
    Some(milder(Severity::Warning, found))
}
