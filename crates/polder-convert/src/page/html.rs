//! Pages in HTML: one file each, readable without style, by screen readers and on paper.

use std::fmt::Write;

use polder_core::units::counted;

use super::style::STYLE;
use super::{Block, IndexEntry, Page, Row, Section, Text, Word};

/// The page of a contract.
pub(super) fn contract(page: &Page, index: Option<&str>) -> String {
    let mut body = String::new();
    let back = index.map_or(String::new(), |index| {
        format!("<a href=\"{}\">All contracts</a>", escaped(index))
    });
    let _ = write!(
        body,
        "<header class=\"top\"><p class=\"crumbs\">{back}</p><h1>{}</h1><p class=\"state\"><span class=\"badge {}\">{}</span> \
         <span>Version {}</span></p>",
        escaped(&page.title),
        status_class(&page.status),
        escaped(&page.status),
        escaped(&page.version)
    );
    if let Some(lead) = &page.lead {
        paragraphs(lead, "lead", &mut body);
    }
    facts(&page.facts, &mut body);
    body.push_str("</header>\n");
    body.push_str("<div class=\"columns\"><nav aria-label=\"On this page\"><h2>On this page</h2><ul>");
    for section in &page.sections {
        let _ = write!(
            body,
            "<li><a href=\"#{}\">{}</a></li>",
            escaped(&section.id),
            escaped(&section.title)
        );
    }
    body.push_str("</ul></nav>\n<main id=\"content\" tabindex=\"-1\">\n");
    page.sections.iter().for_each(|part| section(part, &mut body));
    body.push_str("</main></div>");
    document(&format!("{} {}", page.title, page.version), &body)
}

/// The page that lists contracts.
pub(super) fn index(title: &str, entries: &[IndexEntry<'_>]) -> String {
    let mut entries: Vec<&IndexEntry<'_>> = entries.iter().collect();
    entries.sort_by(|a, b| (&a.contract.domain, &a.contract.name).cmp(&(&b.contract.domain, &b.contract.name)));
    let count = counted(entries.len(), "contract");
    let mut body = format!(
        "<header class=\"top\"><h1>{}</h1><p class=\"lead\">{count}</p></header>\n<main id=\"content\" tabindex=\"-1\">\n",
        escaped(title)
    );
    let mut rest = entries.as_slice();
    while let Some(first) = rest.first() {
        let domain = &first.contract.domain;
        let length = rest.iter().take_while(|entry| entry.contract.domain == *domain).count();
        let (group, others) = rest.split_at(length);
        rest = others;
        let heading = domain.as_deref().unwrap_or("Without a domain");
        let _ = write!(body, "<section><h2>{}</h2>\n<ul class=\"cards\">\n", escaped(heading));
        group.iter().for_each(|entry| card(entry, &mut body));
        body.push_str("</ul></section>\n");
    }
    body.push_str("</main>");
    document(title, &body)
}

fn card(entry: &IndexEntry<'_>, out: &mut String) {
    let contract = entry.contract;
    let _ = write!(
        out,
        "<li><h3><a href=\"{}\">{}</a></h3><p class=\"state\"><span class=\"badge {}\">{}</span> <span>Version {}</span>",
        escaped(entry.file),
        escaped(&super::content::title(contract)),
        status_class(&contract.status),
        escaped(&contract.status),
        escaped(&contract.version)
    );
    if let Some(owner) = &contract.owner {
        let _ = write!(out, " <span>Owner {}</span>", escaped(owner));
    }
    out.push_str("</p>");
    if let Some(text) = &contract.description {
        let _ = write!(out, "<p>{}</p>", escaped(text));
    }
    out.push_str("<ul class=\"objects\">");
    for object in &contract.objects {
        let name = object.physical_name.as_deref().unwrap_or(&object.name);
        let _ = write!(out, "<li><code>{}</code></li>", escaped(name));
    }
    out.push_str("</ul></li>\n");
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#content\">Skip to content</a>\n{body}\n</body>\n</html>\n",
        escaped(title)
    )
}

fn section(section: &Section, out: &mut String) {
    let id = escaped(&section.id);
    let _ = write!(
        out,
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\"><h2 id=\"{id}-title\">{}",
        escaped(&section.title)
    );
    if let Some(code) = &section.code {
        let _ = write!(out, " <code>{}</code>", escaped(code));
    }
    out.push_str("</h2>\n");
    for block in &section.blocks {
        match block {
            Block::Paragraph(text) => paragraphs(text, "", out),
            Block::Facts(list) => facts(list, out),
            Block::Table { caption, headers, rows } => {
                // The heading says it already.
                let class = if *caption == section.title {
                    " class=\"hidden\""
                } else {
                    ""
                };
                table(caption, class, headers, rows, out);
            }
        }
    }
    out.push_str("</section>\n");
}

fn table(caption: &str, class: &str, headers: &[&str], rows: &[Row], out: &mut String) {
    let caption = escaped(caption);
    // A wide table scrolls by itself, by keyboard too.
    let _ = write!(
        out,
        "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\"><table><caption{class}>{caption}</caption>\
         <thead><tr>"
    );
    let shown = super::filled(headers, rows);
    for column in &shown {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escaped(headers[*column]));
    }
    out.push_str("</tr></thead><tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (index, cell) in row.cells.iter().enumerate().filter(|(index, _)| shown.contains(index)) {
            if index == 0 {
                let _ = write!(
                    out,
                    "<th scope=\"row\" class=\"d{}\">{}</th>",
                    row.depth.min(6),
                    inline(cell)
                );
            } else {
                // On a narrow screen every cell stands below its own heading.
                let empty = if cell.is_empty() { " class=\"empty\"" } else { "" };
                let label = escaped(headers[index]);
                let _ = write!(out, "<td{empty} data-label=\"{label}\">{}</td>", inline(cell));
            }
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}

fn facts(list: &[(String, Text)], out: &mut String) {
    let mut list = list.iter().filter(|(_, value)| !value.is_empty()).peekable();
    if list.peek().is_none() {
        return;
    }
    out.push_str("<dl>");
    for (label, value) in list {
        let _ = write!(out, "<div><dt>{}</dt><dd>{}</dd></div>", escaped(label), inline(value));
    }
    out.push_str("</dl>\n");
}

fn inline(value: &Text) -> String {
    match value {
        Text::Plain(text) => escaped(text),
        Text::Code(text) if text.is_empty() => String::new(),
        Text::Code(text) => format!("<code>{}</code>", escaped(text)),
        Text::Link { text, url } if is_web(url) => {
            format!("<a href=\"{}\" rel=\"noreferrer\">{}</a>", escaped(url), escaped(text))
        }
        Text::Link { text, url } => format!("{} ({})", escaped(text), escaped(url)),
        Text::Words(words) => {
            let words: Vec<String> = words
                .iter()
                .map(|word| match word {
                    Word::Text(text) => escaped(text),
                    Word::Note(text) => format!("<span class=\"note\">{}</span>", escaped(text)),
                    Word::Badge(text) => format!("<span class=\"badge\">{}</span>", escaped(text)),
                })
                .collect();
            words.join(" ")
        }
    }
}

fn paragraphs(text: &str, class: &str, out: &mut String) {
    for part in text.split("\n\n").map(str::trim).filter(|part| !part.is_empty()) {
        if class.is_empty() {
            let _ = writeln!(out, "<p>{}</p>", escaped(part));
        } else {
            let _ = writeln!(out, "<p class=\"{class}\">{}</p>", escaped(part));
        }
    }
}

/// Whether a browser may follow the address: a contract could hold `javascript:` as well.
pub(super) fn is_web(url: &str) -> bool {
    let lower = url.trim_start().to_ascii_lowercase();
    ["http://", "https://", "mailto:"]
        .iter()
        .any(|scheme| lower.starts_with(scheme))
}

fn status_class(status: &str) -> &'static str {
    match status.to_ascii_lowercase().as_str() {
        "active" => "good",
        "deprecated" => "fading",
        "retired" => "gone",
        _ => "early",
    }
}

/// Text as content or as the value of an attribute in quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
