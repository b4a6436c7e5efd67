//! The standard's own examples, and what happens to them when something is broken.

use std::fs;
use std::path::PathBuf;

use polder_core::document::{Entry, Node, Source, Value, parse as parse_document, write as write_document};
use proptest::prelude::*;

use crate::parse;

/// A file or folder of the standard; nothing, said aloud, where it is not at hand.
pub(super) fn standard(name: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    let path = std::env::var_os("POLDER_SHARED")
        .map_or_else(beside, PathBuf::from)
        .join("odcs")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    polder_testkit::skip::skip(
        "polder-contract",
        "the standard's examples are not there (POLDER_SHARED names their folder)",
    );
    None
}

/// The official examples; nothing, said aloud, where they are not at hand.
pub(super) fn examples() -> Vec<Source> {
    let Some(folder) = standard("examples") else {
        return Vec::new();
    };
    let listing = fs::read_dir(&folder).unwrap();
    let mut sources: Vec<_> = listing
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            Source::new(
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read_to_string(&path).unwrap(),
            )
        })
        .collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

#[test]
fn every_official_example_is_accepted() {
    let sources = examples();
    if sources.is_empty() {
        return;
    }
    assert_eq!(sources.len(), 18);
    for source in sources {
        let parsed = parse(&source);
        let shown: Vec<_> = parsed.diagnostics.iter().map(ToString::to_string).collect();
        assert!(parsed.contract.is_some() && shown.is_empty(), "{shown:#?}");
    }
}

#[test]
fn what_the_full_example_says_is_read() {
    let Some(source) = examples()
        .into_iter()
        .find(|source| source.path.starts_with("all-full-example.odcs.yaml"))
    else {
        return;
    };
    let contract = parse(&source).contract.unwrap();
    assert_eq!(
        (
            contract.version.as_str(),
            contract.status.as_str(),
            contract.domain.as_deref()
        ),
        ("1.1.0", "active", Some("seller"))
    );
    assert_eq!(contract.owner.as_deref(), Some("daustin"));
    assert_eq!(contract.objects.len(), 2);
    let table = &contract.objects[0];
    assert_eq!(
        (
            table.name.as_str(),
            table.physical_name.as_deref(),
            table.dataset.as_ref()
        ),
        ("tbl", Some("tbl_1"), None)
    );
    let names: Vec<_> = table.properties.iter().map(|property| property.name.as_str()).collect();
    assert_eq!(names, ["txn_ref_dt", "rcvr_id", "rcvr_cntry_code"]);
    let key: Vec<_> = contract.objects[1]
        .primary_key()
        .iter()
        .map(|property| property.name.as_str())
        .collect();
    assert_eq!(key, ["id", "country_code"]);
    let latency = &contract.service_levels[0];
    assert_eq!(
        (
            latency.property.as_str(),
            latency.value.as_str(),
            latency.unit.as_deref()
        ),
        ("latency", "4", Some("d"))
    );
}

#[test]
fn every_official_example_survives_being_written() {
    for source in examples() {
        let document = parse_document(&source).unwrap();
        let written = Source::new(source.path.clone(), write_document(&document));
        // JSON keeps the order of keys and every digit, and knows no places.
        let json = |document: &Node| document.to_json().to_string();
        assert_eq!(
            json(&parse_document(&written).unwrap()),
            json(&document),
            "{}",
            source.path.display()
        );
        assert!(parse(&written).contract.is_some());
    }
}

/// Every mapping that the standard closes to unknown keys, as a path of positions.
fn mappings(node: &Node, path: &mut Vec<usize>, out: &mut Vec<Vec<usize>>) {
    match &node.value {
        Value::Map(entries) => {
            out.push(path.clone());
            for (index, entry) in entries.iter().enumerate() {
                // What is under these keys is the author's own.
                if matches!(
                    entry.key.as_str(),
                    "description" | "value" | "arguments" | "implementation" | "examples"
                ) {
                    continue;
                }
                path.push(index);
                mappings(&entry.value, path, out);
                path.pop();
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(index);
                mappings(item, path, out);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Puts an unknown key into each of these mappings.
fn spoil(node: &mut Node, path: &[usize]) {
    match (&mut node.value, path.split_first()) {
        (Value::Map(entries), Some((index, rest))) => spoil(&mut entries[*index].value, rest),
        (Value::List(items), Some((index, rest))) => spoil(&mut items[*index], rest),
        (Value::Map(entries), None) => {
            let value = Node {
                value: Value::String("x".to_owned()),
                span: node.span,
            };
            entries.push(Entry {
                key: "quantitty".to_owned(),
                key_span: node.span,
                value,
            });
        }
        _ => unreachable!("paths lead through lists and mappings to a mapping"),
    }
}

#[test]
fn an_unknown_key_is_refused_in_every_mapping_of_the_examples() {
    for source in examples() {
        let mut document = parse_document(&source).unwrap();
        let mut paths = Vec::new();
        mappings(&document, &mut Vec::new(), &mut paths);
        paths.iter().for_each(|path| spoil(&mut document, path));
        let broken = Source::new(source.path.clone(), document.to_json().to_string());
        let parsed = parse(&broken);
        assert!(parsed.contract.is_none());
        assert_eq!(
            parsed.diagnostics.len(),
            paths.len(),
            "{}: {:#?}",
            source.path.display(),
            parsed.diagnostics
        );
        for diagnostic in parsed.diagnostics {
            let span = diagnostic.span.unwrap();
            assert_eq!(
                (diagnostic.code.as_ref(), &broken.text[span.start..span.end]),
                ("unknown-key", "\"quantitty\"")
            );
        }
    }
}

/// Pieces of YAML that mean something, and values that fit nowhere.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("&a ".to_owned()),
        Just("*a".to_owned()),
        Just("<<: *a\n".to_owned()),
        Just("!!binary ".to_owned()),
        Just("\0".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("\n---\n".to_owned()),
        Just("? ".to_owned()),
        Just("[".repeat(3_000)),
        Just("9".repeat(400)),
        Just("-.inf".to_owned()),
        Just("0x".to_owned()),
        Just("'(a+)+$'".to_owned()),
        Just("schema: [{properties: [{items: {map: {key: {}, value: {}}}}]}]\n".to_owned()),
        "\\PC{0,8}",
        "[\\[\\]{}:,#&*!|>'\"%@`\\-\n\t ]{1,8}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever hostile text is put into an example, reading it neither panics, hangs nor points outside of the text.
    #[test]
    fn hostile_text_in_examples_brings_nothing_down(
        pick in any::<prop::sample::Index>(),
        places in prop::collection::vec((any::<prop::sample::Index>(), hostile()), 1..4),
    ) {
        let sources = examples();
        if sources.is_empty() {
            return Ok(());
        }
        let mut text: Vec<char> = pick.get(&sources).text.chars().take(4_000).collect();
        for (place, piece) in places {
            let at = place.index(text.len());
            text.splice(at..at, piece.chars());
        }
        let text: String = text.into_iter().collect();
        let started = std::time::Instant::now();
        for diagnostic in parse(&Source::new("x.yaml", text.as_str())).diagnostics {
            if let Some(span) = diagnostic.span {
                prop_assert!(text.get(span.start..span.end).is_some(), "{diagnostic}");
            }
        }
        prop_assert!(started.elapsed() < std::time::Duration::from_secs(10));
    }

    /// Whatever is cut out of an example, reading it neither panics nor points outside of the text.
    #[test]
    fn damaged_examples_bring_nothing_down(pick in any::<prop::sample::Index>(), from in any::<prop::sample::Index>(), length in 0..200_usize) {
        let sources = examples();
        if sources.is_empty() {
            return Ok(());
        }
        let source = pick.get(&sources);
        let characters: Vec<char> = source.text.chars().collect();
        let start = from.index(characters.len());
        let end = (start + length).min(characters.len());
        let text: String = characters[..start].iter().chain(&characters[end..]).collect();
        for diagnostic in parse(&Source::new("x.yaml", text.as_str())).diagnostics {
            if let Some(span) = diagnostic.span {
                prop_assert!(text.get(span.start..span.end).is_some(), "{diagnostic}");
            }
        }
    }
}
