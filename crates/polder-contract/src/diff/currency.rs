//! The currency that amounts are in (`polder.currency`), by the object or, where that says none, by the contract. In
//! another one the same figures mean other amounts: to who reads and who writes them alike.

use polder_core::document::Node;

use super::Class;
use super::pairing::{OBJECT_IDENTITIES, pair as pair_items, word};
use super::walk::{At, Pair, Walk};
use crate::place::items;

/// The custom property that names it, by ISO 4217.
pub(super) const CURRENCY: &str = "polder.currency";

/// The currency that an element itself names.
pub(super) fn currency(element: Option<&Node>) -> Option<String> {
    let mut properties = items(element?, "customProperties").iter();
    let ours = properties.find(|one| word(one, "property").is_some_and(|name| name == CURRENCY))?;
    word(ours, "value").map(|code| code.trim().to_uppercase())
}

impl Walk {
    /// The property (`said`) of the contract or of an object. On anything else it means nothing.
    pub(super) fn currency(&mut self, element: Pair<'_>, said: Pair<'_>, at: &At) {
        if at.column.is_some() || at.rule.is_some() {
            return;
        }
        if at.object.is_some() || at.dataset.is_some() {
            return self.currency_of(element, said, at);
        }
        let schema = element.under("schema");
        let (old, new) = schema.items();
        for paired in pair_items(old, new, &OBJECT_IDENTITIES, false) {
            let (Some((_, old)), Some((_, new))) = (paired.old, paired.new) else {
                continue;
            };
            // An object that changed what it says itself is told where it says so.
            if currency(Some(old)) == currency(Some(new)) {
                let object = schema.of(Some(old), Some(new));
                self.currency_of(object, said, &At::of_object(object));
            }
        }
    }

    fn currency_of(&mut self, object: Pair<'_>, said: Pair<'_>, at: &At) {
        let before = currency(object.old).or(self.currency.0.clone());
        let now = currency(object.new).or(self.currency.1.clone());
        let of = at.shown();
        let (class, what) = match (before, now) {
            (Some(before), Some(now)) if before != now => (
                Class::BreaksBoth,
                format!("the amounts of {of} are in {now} now, no longer in {before}"),
            ),
            (None, Some(now)) => (
                Class::BreaksWriters,
                format!("the amounts of {of} are in {now} now; no currency was said"),
            ),
            (Some(before), None) => (
                Class::BreaksReaders,
                format!("nothing says any more that the amounts of {of} are in {before}"),
            ),
            _ => return,
        };
        self.add("currency-changed", class, said, at, what);
    }
}
