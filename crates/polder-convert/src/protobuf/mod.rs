//! Protocol Buffers: the text of `.proto` files, proto2 and proto3.

mod beside;
mod enumeration;
mod export;
mod import;
#[cfg(test)]
mod tests;

pub(crate) use export::export;
pub(crate) use import::import;

/// The custom property that keeps a field's number, where it is not its position: readers know fields by number.
const FIELD_NUMBER: &str = "protobufFieldNumber";

/// Whether the text is an identifier.
fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
