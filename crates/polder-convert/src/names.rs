//! Names in the forms that other formats and tables write them in.

/// `OrderLine` and `order-line` as `order_line`.
pub(crate) fn snake_case(text: &str) -> String {
    let mut out = String::new();
    let mut lower_before = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && lower_before {
                out.push('_');
            }
            lower_before = !c.is_ascii_uppercase();
            out.push(c.to_ascii_lowercase());
        } else {
            lower_before = false;
            if !out.ends_with('_') && !out.is_empty() {
                out.push('_');
            }
        }
    }
    let trimmed = out.trim_end_matches('_');
    if trimmed.starts_with(|c: char| c.is_ascii_lowercase()) {
        trimmed.to_owned()
    } else {
        format!("t_{trimmed}")
    }
}

/// `OrderStatus` as `ORDER_STATUS`.
pub(crate) fn screaming_snake_case(text: &str) -> String {
    snake_case(text).to_uppercase()
}
