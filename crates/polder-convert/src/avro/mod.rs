//! Avro schemas (JSON, by the Avro specification 1.12).

mod export;
mod import;
#[cfg(test)]
mod tests;

pub(crate) use export::export;
pub(crate) use import::import;

/// Whether the text is a name by the specification.
fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
