//! What happens to what breaks a rule: the custom property `polder.onFailure`, of which the nearest counts.

use polder_core::document::{Diagnostic, nearest};

use super::{OnFailure, RuleSeverity, path};
use crate::custom_property::CustomProperty;
use crate::schema::Property;

/// Custom properties that mean something to Polder on objects, columns, references and rules.
const KNOWN: [&str; 4] = [ON_FAILURE, "polder.currency", "polder.mask", "polder.samples"];

const ON_FAILURE: &str = "polder.onFailure";

/// What an element and those around it say about failures.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Policy(Option<OnFailure>);

impl Policy {
    /// What was declared, where it was.
    pub(super) fn declared(self) -> Option<OnFailure> {
        self.0
    }

    /// What happens.
    pub(super) fn on_failure(self) -> OnFailure {
        self.0.unwrap_or(OnFailure::Quarantine)
    }

    /// How much a failure weighs where no severity is declared.
    pub(super) fn severity(self) -> RuleSeverity {
        RuleSeverity::by(self.on_failure())
    }

    /// The policy of an element inside; what is wrong with its words is found elsewhere.
    pub(super) fn of(self, element: &[CustomProperty]) -> Self {
        let own = element.iter().filter(|custom| custom.property == ON_FAILURE);
        let own = own
            .filter_map(|custom| OnFailure::of_word(custom.value.as_str()?))
            .next_back();
        Self(own.or(self.0))
    }

    /// Whether `reject` is what counts for a value inside of this element, or for any inside of that.
    pub(super) fn rejects_within(self, value: &Property) -> bool {
        let own = self.of(&value.custom_properties);
        let inside = path::children(value);
        own.0 == Some(OnFailure::Reject) || inside.into_iter().any(|(_, child)| own.rejects_within(child))
    }
}

impl RuleSeverity {
    /// The severity by its word; the standard leaves words open, and what is neither a warning nor a note is an error.
    pub(crate) fn of_word(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "warning" | "warn" => Self::Warning,
            "info" | "information" | "note" | "notice" => Self::Info,
            _ => Self::Error,
        }
    }

    /// The severity that goes with what happens.
    pub(super) fn by(on_failure: OnFailure) -> Self {
        match on_failure {
            OnFailure::Warn => Self::Warning,
            OnFailure::Quarantine | OnFailure::Reject => Self::Error,
        }
    }
}

impl OnFailure {
    /// Everything that can happen, the default first.
    pub(crate) const ALL: [Self; 3] = [Self::Quarantine, Self::Reject, Self::Warn];

    /// What happens, by its word.
    pub(crate) fn of_word(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|word| word.as_str() == text)
    }
}

/// Everything that is wrong with the `polder.` properties of an element.
pub(super) fn problems(element: &[CustomProperty]) -> Vec<Diagnostic> {
    let ours = element.iter().filter(|custom| custom.property.starts_with("polder."));
    ours.filter_map(|custom| {
        if custom.property != ON_FAILURE {
            if KNOWN.contains(&custom.property.as_str()) {
                // What they say is read by policies and by the test of samples.
                return None;
            }
            let message = format!("`{}` means nothing to Polder here", custom.property);
            let help = match nearest(&custom.property, KNOWN) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("known here: {}", KNOWN.join(", ")),
            };
            return Some(custom.place.error("custom-property", message, Some(&help)));
        }
        let text = custom.value.scalar_text().unwrap_or_default();
        if OnFailure::of_word(text).is_some() {
            return None;
        }
        let known = "known: quarantine (the default), reject, warn";
        let help = match nearest(text, OnFailure::ALL.map(OnFailure::as_str)) {
            _ if text == "drop" => format!("rows are never dropped; {known}"),
            Some(word) => format!("did you mean `{word}`?"),
            None => known.to_owned(),
        };
        let message = format!("`{text}` is nothing that can happen to a failing row");
        Some(
            custom
                .place
                .at(custom.value.span)
                .error("custom-property", message, Some(&help)),
        )
    })
    .collect()
}
