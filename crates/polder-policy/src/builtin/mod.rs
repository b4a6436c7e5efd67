//! The rules that are built in, with their parameters.

mod columns;
mod contracts;
mod secrets;

use polder_contract::{Contract, Place, Property};
use polder_core::document::{MapReader, Node, Reader, nearest};
use regex::{Regex, RegexBuilder};

use crate::applies::Scope;
use crate::found::Found;
use crate::subject::{Column, Object};
use crate::words::Phrases;

pub(crate) use secrets::in_document;

/// Compiled patterns may take so many bytes.
const PATTERN_BYTES: usize = 1 << 20;
/// So many rows of a shipment are searched where a policy does not say how many.
const SEARCHED_ROWS: u64 = 1_000;
/// Lower-case words with underscores between them.
const SNAKE_CASE: &str = "^[a-z][a-z0-9]*(_[a-z0-9]+)*$";

/// A built-in rule.
#[derive(Debug, Clone)]
pub enum BuiltIn {
    /// The contract's team has an owner.
    Owner,
    /// The element has text under one of these keys (`description.purpose` is a key within a mapping).
    Present {
        /// The keys, each the way from the element.
        fields: Vec<String>,
    },
    /// The element's name fits a pattern; without one it is in snake_case.
    Naming {
        /// The pattern.
        pattern: Regex,
    },
    /// Columns of timestamps are instants in UTC.
    Instants,
    /// Columns of text are not named like dates.
    DatesAsText {
        /// How names of dates and times end.
        endings: NameWords,
    },
    /// Columns of money are decimals, and their currency is known.
    Money {
        /// Words in names of columns that hold money.
        words: NameWords,
        /// How names end that have such a word and are no money (`price_count`).
        unless_ending: NameWords,
        /// Words in names of columns that hold a currency.
        currency: NameWords,
    },
    /// Personal data is classified, and masked where its class is restricted.
    PersonalData {
        /// Words in names of columns that hold personal data.
        words: NameWords,
        /// Names that say so only where they are the whole name.
        names: NameWords,
        /// How names end that have such a word and are none.
        unless_ending: NameWords,
        /// Classifications that say that data is not personal.
        open: Vec<String>,
        /// Classifications whose values must not be shown to everybody.
        restricted: Vec<String>,
    },
    /// No column holds what may not land at all: card numbers, check numbers, passwords, keys.
    ForbiddenData {
        /// Words in names of columns that hold such data.
        words: NameWords,
        /// Names that say so only where they are the whole name (`token`; a `payment_token` stands for a card).
        names: NameWords,
        /// How names end that have such a word and hold none.
        unless_ending: NameWords,
        /// Classifications that say so.
        classifications: Vec<String>,
    },
    /// No text of the contract (examples, sample rows, servers) is a card number or a credential.
    NoSecrets,
    /// No row that lands holds a card number or a credential. Asked at the write, of the first rows of each shipment.
    NoSecretsLanded {
        /// How many rows of a shipment are searched at most; 0 for all.
        rows: u64,
    },
    /// The object has a primary key, or a column whose values differ from each other.
    Keys,
    /// The contract promises these service levels.
    ServiceLevels {
        /// The properties; `|` parts those of which one is enough.
        properties: Vec<String>,
    },
}

/// Words that names are searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameWords(pub(crate) Phrases);

impl BuiltIn {
    /// The word of each rule.
    pub const WORDS: [&'static str; 12] = [
        "owner",
        "present",
        "naming",
        "instants",
        "dates-as-text",
        "money",
        "personal-data",
        "forbidden-data",
        "no-secrets",
        "no-secrets-landed",
        "keys",
        "service-levels",
    ];

    /// Whether a column's values must not be shown to everybody, by its classification.
    pub(crate) fn restricts(&self, property: &Property) -> bool {
        let Self::PersonalData { restricted, .. } = self else {
            return false;
        };
        let class = property.classification.as_deref().map(plain);
        class.is_some_and(|class| restricted.contains(&class))
    }

    /// Whether the rule says of any class that its values must not be shown to everybody.
    pub(crate) fn names_restricted_classes(&self) -> bool {
        matches!(self, Self::PersonalData { restricted, .. } if !restricted.is_empty())
    }

    /// Whether this classification says that a column holds nothing personal.
    pub(crate) fn opens(&self, class: &str) -> bool {
        matches!(self, Self::PersonalData { open, .. } if open.contains(&plain(class)))
    }

    /// The rule's word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Present { .. } => "present",
            Self::Naming { .. } => "naming",
            Self::Instants => "instants",
            Self::DatesAsText { .. } => "dates-as-text",
            Self::Money { .. } => "money",
            Self::PersonalData { .. } => "personal-data",
            Self::ForbiddenData { .. } => "forbidden-data",
            Self::NoSecrets => "no-secrets",
            Self::NoSecretsLanded { .. } => "no-secrets-landed",
            Self::Keys => "keys",
            Self::ServiceLevels { .. } => "service-levels",
        }
    }

    /// What the rule is asked about; none where the policy chooses.
    pub(crate) fn scope(&self) -> Option<Scope> {
        match self {
            Self::Owner | Self::NoSecrets | Self::ServiceLevels { .. } => Some(Scope::Contract),
            Self::Money { .. } | Self::Keys | Self::NoSecretsLanded { .. } => Some(Scope::Object),
            Self::Instants | Self::DatesAsText { .. } | Self::PersonalData { .. } | Self::ForbiddenData { .. } => {
                Some(Scope::Property)
            }
            Self::Present { .. } | Self::Naming { .. } => None,
        }
    }

    /// Reads a rule by its word and parameters; what is wrong is reported.
    pub(crate) fn read(reader: &Reader<'_>, named: &Node, word: &str, parameters: Option<&Node>) -> Option<Self> {
        // A rule without parameters is read from an empty mapping, so that what is missing is named.
        let none = Node {
            value: polder_core::document::Value::Map(Vec::new()),
            span: named.span,
        };
        let map = reader.map_at(parameters.unwrap_or(&none), "parameters".to_owned())?;
        let words = |key: &'static str| {
            map.required_node(key);
            NameWords(Phrases::new(&map.string_list(key)))
        };
        let optional = |key: &'static str| NameWords(Phrases::new(&map.string_list(key)));
        let rule = match word {
            "owner" => Some(Self::Owner),
            "present" => {
                map.required_node("fields");
                Some(Self::Present {
                    fields: map.string_list("fields"),
                })
            }
            "naming" => pattern(reader, &map).map(|pattern| Self::Naming { pattern }),
            "instants" => Some(Self::Instants),
            "dates-as-text" => Some(Self::DatesAsText {
                endings: words("endings"),
            }),
            "money" => Some(Self::Money {
                words: words("words"),
                unless_ending: optional("unless_ending"),
                currency: words("currency"),
            }),
            "personal-data" => Some(Self::PersonalData {
                words: words("words"),
                names: optional("names"),
                unless_ending: optional("unless_ending"),
                open: normal(map.string_list("open")),
                restricted: normal(map.string_list("restricted")),
            }),
            "forbidden-data" => Some(Self::ForbiddenData {
                words: words("words"),
                names: optional("names"),
                unless_ending: optional("unless_ending"),
                classifications: normal(map.string_list("classifications")),
            }),
            "no-secrets" => Some(Self::NoSecrets),
            "no-secrets-landed" => Some(Self::NoSecretsLanded {
                rows: map.optional_u64("rows").unwrap_or(SEARCHED_ROWS),
            }),
            "keys" => Some(Self::Keys),
            "service-levels" => {
                map.required_node("properties");
                Some(Self::ServiceLevels {
                    properties: map.string_list("properties"),
                })
            }
            _ => {
                let help = nearest(word, Self::WORDS).map_or_else(
                    || {
                        format!(
                            "rules are: {}; anything else is an `expression`",
                            Self::WORDS.join(", ")
                        )
                    },
                    |near| format!("did you mean `{near}`?"),
                );
                reader.error(
                    named.span,
                    "wrong-value",
                    format!("there is no rule `{word}`"),
                    Some(help),
                );
                return None;
            }
        };
        map.finish();
        rule
    }

    /// Asks about a contract.
    pub(crate) fn contract(&self, contract: &Contract, found: &mut Vec<Found>) {
        match self {
            Self::Owner => contracts::owner(contract, found),
            Self::Present { fields } => contracts::present_in_contract(fields, contract, found),
            Self::ServiceLevels { properties } => contracts::service_levels(properties, contract, found),
            Self::NoSecrets => secrets::contract(contract, found),
            _ => {}
        }
    }

    /// Asks about an object.
    pub(crate) fn object(
        &self,
        contract: &Contract,
        object: &Object<'_>,
        columns: &[Column<'_>],
        found: &mut Vec<Found>,
    ) {
        match self {
            Self::Present { fields } => contracts::present(
                fields,
                object.node,
                &object.dataset.to_string(),
                &object.object.place,
                None,
                found,
            ),
            Self::Naming { pattern } => contracts::naming(
                pattern,
                &object.object.name,
                "object",
                object.dataset,
                &object.object.place,
                None,
                found,
            ),
            Self::Keys => contracts::keys(object, columns, found),
            Self::Money {
                words,
                unless_ending,
                currency,
            } => {
                columns::money(words, unless_ending, currency, contract, object, columns, found);
            }
            _ => {}
        }
    }

    /// Asks about a property.
    pub(crate) fn property(&self, object: &Object<'_>, column: &Column<'_>, found: &mut Vec<Found>) {
        let place = &column.property.place;
        match self {
            // The items of a list are described by the list.
            Self::Present { .. } | Self::Naming { .. } if column.property.name.is_empty() => {}
            Self::Present { fields } => {
                let of = format!("`{}` of {}", column.path, object.dataset);
                contracts::present(fields, column.node, &of, place, Some(&column.path), found);
            }
            Self::Naming { pattern } => {
                contracts::naming(
                    pattern,
                    &column.property.name,
                    "column",
                    object.dataset,
                    place,
                    Some(&column.path),
                    found,
                );
            }
            Self::Instants => columns::instants(object, column, found),
            Self::DatesAsText { endings } => columns::dates_as_text(endings, object, column, found),
            Self::PersonalData {
                words,
                names,
                unless_ending,
                open,
                restricted,
            } => {
                let rule = columns::PersonalData {
                    words,
                    names,
                    unless_ending,
                    open,
                    restricted,
                };
                rule.check(object, column, found);
            }
            Self::ForbiddenData {
                words,
                names,
                unless_ending,
                classifications,
            } => {
                columns::forbidden(names, words, unless_ending, classifications, object, column, found);
            }
            _ => {}
        }
    }
}

/// A finding about a column or what it lies in.
fn finding(message: String, place: &Place, column: Option<&str>) -> Found {
    Found {
        message,
        place: place.clone(),
        column: column.map(str::to_owned),
    }
}

fn pattern(reader: &Reader<'_>, map: &MapReader<'_, '_, '_>) -> Option<Regex> {
    let text = map.optional_string("pattern").unwrap_or_else(|| SNAKE_CASE.to_owned());
    match RegexBuilder::new(&text).size_limit(PATTERN_BYTES).build() {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let why = error.to_string();
            let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            reader.error(
                map.span_of("pattern"),
                "wrong-value",
                format!("the pattern cannot be used: {last}"),
                None,
            );
            None
        }
    }
}

/// Classifications are compared without regard to case, blanks and hyphens.
fn normal(words: Vec<String>) -> Vec<String> {
    words.iter().map(|word| plain(word)).collect()
}

/// Whether a contract says of a column how its values are hidden from those who may not see them.
pub(crate) fn says_how_to_hide(property: &Property) -> bool {
    let masked = property.custom_properties.iter().any(|custom| {
        let value = custom.value.as_str();
        custom.property == columns::MASK && value.is_some_and(|mask| !mask.trim().is_empty())
    });
    let encrypted = property.encrypted_name.as_ref();
    masked || encrypted.is_some_and(|name| !name.trim().is_empty())
}

fn plain(word: &str) -> String {
    word.trim().to_lowercase().replace([' ', '-'], "_")
}
