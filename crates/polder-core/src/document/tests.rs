use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn source(text: &str) -> Source {
    Source::new("x.yaml", text)
}

fn parsed(text: &str) -> Node {
    parse(&source(text)).unwrap()
}

fn codes(text: &str) -> Vec<String> {
    parse(&source(text))
        .unwrap_err()
        .iter()
        .map(|diagnostic| diagnostic.code.to_string())
        .collect()
}

fn shown(text: &str) -> String {
    parse(&source(text)).unwrap_err().first().unwrap().to_string()
}

/// Every node and key with the text that its span covers.
fn slices<'t>(node: &Node, text: &'t str, out: &mut Vec<&'t str>) {
    out.push(
        text.get(node.span.start..node.span.end)
            .expect("spans lie on character borders inside the text"),
    );
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| slices(item, text, out)),
        Value::Map(entries) => entries.iter().for_each(|entry| {
            out.push(text.get(entry.key_span.start..entry.key_span.end).expect("as above"));
            slices(&entry.value, text, out);
        }),
        _ => {}
    }
}

#[test]
fn values_have_the_types_of_the_core_schema() {
    let cases = [
        ("null", Value::Null),
        ("~", Value::Null),
        ("", Value::Null),
        ("true", Value::Bool(true)),
        ("False", Value::Bool(false)),
        ("yes", Value::String("yes".into())),
        ("12.340", Value::Number("12.340".into())),
        ("-0x1F", Value::String("-0x1F".into())),
        ("0x1F", Value::Number("0x1F".into())),
        ("1e3", Value::Number("1e3".into())),
        ("1.0.0", Value::String("1.0.0".into())),
        ("2022-01-01", Value::String("2022-01-01".into())),
        (".inf", Value::Number(".inf".into())),
        (".", Value::String(".".into())),
        ("e5", Value::String("e5".into())),
        ("'12'", Value::String("12".into())),
        ("!!str 12", Value::String("12".into())),
    ];
    for (text, value) in cases {
        assert_eq!(parsed(text).value, value, "{text}");
    }
}

#[test]
fn json_is_read_too() {
    let node = parsed("{\"a\": [1, \"x\", null], \"b\": {\"c\": true}}");
    assert_eq!(
        node.to_json(),
        serde_json::json!({"a": [1, "x", null], "b": {"c": true}})
    );
}

#[test]
fn each_value_knows_its_place() {
    for (text, breaks) in [
        ("a: \"é\"\nlist:\n  - one\n  - two # note\nempty:\nz: {k: v}\n", "\n"),
        ("", "\r\n"),
    ] {
        let text = if text.is_empty() {
            "a: \"é\"\nlist:\n  - one\n  - two # note\nempty:\nz: {k: v}\n".replace('\n', breaks)
        } else {
            text.to_owned()
        };
        let node = parsed(&text);
        let two = &node.get("list").unwrap().as_list().unwrap()[1];
        assert_eq!((two.span.line, two.span.column), (4, 5));
        assert_eq!(&text[two.span.start..two.span.end], "two");
        let empty = node.get("empty").unwrap();
        assert_eq!((empty.span.line, empty.span.column), (5, 1));
        let z = node.get("z").unwrap();
        assert_eq!(&text[z.span.start..z.span.end], "{k: v}");
        let mut all = Vec::new();
        slices(&node, &text, &mut all);
        assert!(all.contains(&"\"é\"") && all.contains(&"list"), "{all:?}");
    }
}

#[test]
fn a_byte_order_mark_shifts_no_position() {
    let text = "\u{feff}a: 1\nb: x\n";
    let node = parsed(text);
    let b = node.get("b").unwrap();
    assert_eq!(
        (b.span.line, b.span.column, &text[b.span.start..b.span.end]),
        (2, 4, "x")
    );
}

#[test]
fn every_duplicate_key_is_found() {
    let text = "a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\n";
    assert_eq!(codes(text), ["duplicate-key", "duplicate-key"]);
    assert_eq!(shown(text), "x.yaml:3:1: the key `a` is here twice");
}

#[test]
fn what_is_no_document_is_refused_with_its_place() {
    assert_eq!(codes("a: [1, 2"), ["syntax"]);
    assert_eq!(codes("a: b: c"), ["syntax"]);
    assert_eq!(codes("a: 1\n---\nb: 2\n"), ["several-documents"]);
    assert_eq!(codes("? [a, b]\n: 1\n"), ["key-not-text"]);
    assert_eq!(codes("a: !secret x\n"), ["unknown-tag"]);
    assert_eq!(codes("base: &b {x: 1}\na:\n  <<: *b\n"), ["merge-key"]);
    assert_eq!(codes("a: &a [*a]\n"), ["alias-of-itself"]);
    assert_eq!(codes("a: *nowhere\n"), ["syntax"]);
    assert_eq!(
        shown("a: 1\nb: \u{0}\nc: 2\n"),
        "x.yaml:2:4: the control character U+0000 is not allowed"
    );
}

#[test]
fn a_tab_is_told_where_it_stands() {
    // Before a list's item, after the line that it would go on, and behind a key.
    for (text, line, column) in [
        ("a:\n  - name: x\n\tb: 1\n", 3, 1),
        ("a:\n\t- b: 1\n", 2, 1),
        ("a:\n  b: 1\n \tc: 2\n", 3, 2),
    ] {
        let found = parse(&source(text)).unwrap_err();
        let span = found[0].span.unwrap();
        assert_eq!((span.line, span.column), (line, column), "{text:?}: {found:?}");
        assert_eq!(&text[span.start..span.end], "\t");
        assert_eq!(
            found[0].help.as_deref(),
            Some("YAML is indented with blanks, never with tabs")
        );
    }
}

#[test]
fn a_slip_is_told_at_its_own_line_with_what_to_do() {
    let mut missed = Vec::new();
    for (text, place, message, help) in [
        (
            "a: Customers: who they are\n",
            (1, 13),
            "a second `: `",
            "put the text in quotes, for its `: `, as in a: \"…\"",
        ),
        (
            "a:\n  - b: 1\n      c: 2\n",
            (3, 7),
            "indented by 6 blanks",
            "indent it as the key above it, by 4 blanks",
        ),
        (
            "a:\n    b:\n      - c: 1\n    - c: 2\n",
            (4, 5),
            "indented by 4 blanks",
            "the items above it are indented by 6 blanks",
        ),
        (
            "a:\n    b: 1\n  c: 2\n",
            (3, 3),
            "indented by 2 blanks",
            "the keys above it are indented by 4 blanks",
        ),
        (
            "status active\n\n# c\ndomain: crm\n",
            (1, 1),
            "has no `:`",
            "write it as `key: value`",
        ),
        (
            "a:\n  b: 1\n  status:active\n  c: 2\n",
            (3, 3),
            "no blank is behind the `:`",
            "write it as `key: value`",
        ),
        (
            "a: 1\nstatus active\n",
            (2, 1),
            "has no `:`",
            "write it as `key: value`",
        ),
        (
            "p: \"^C-\\d{4}$\"\n",
            (1, 8),
            "`\\d` means nothing",
            "put the text in single quotes",
        ),
        (
            "p: \"\\n\\u00zz\"\n",
            (1, 7),
            "`\\u` means nothing",
            "put the text in single quotes",
        ),
        (
            "a: {p: ^C-[0-9]{4}$}\n",
            (1, 11),
            "`,` or the closing `}`",
            "put text with brackets in quotes",
        ),
        ("a: {b: [1] c: 2}\n", (1, 12), "`,` or the closing `}`", "write the `,`"),
        (
            "a:\n  e: [x, y\n  d: z\n",
            (2, 6),
            "the `[` is not closed",
            "close it with `]`",
        ),
        ("a: {b: 1\nc: 2\n", (1, 4), "the `{` is not closed", "close it with `}`"),
        ("a: [1, 2", (1, 4), "the `[` is not closed", "close it with `]`"),
        (
            "a:\n  b: \"x\n  c: 1\nd: 2\n",
            (2, 6),
            "quote that begins here is not closed",
            "close the text with \";",
        ),
        (
            "a: 'x\n",
            (1, 4),
            "quote that begins here is not closed",
            "one within the text is written twice",
        ),
        (
            "a: \"x\nb: \"y\"\n",
            (1, 4),
            "quote that begins here is not closed",
            "close the text with \";",
        ),
        ("a: 'it's'\n", (1, 8), "closed before the text ends", "as in 'it''s'"),
        (
            "a: \u{201c}x: y\u{201d}\n",
            (1, 4),
            "`\u{201c}` is no quote",
            "write straight quotes",
        ),
        (
            "a: {b: \u{201c}[x]\u{201d}}\n",
            (1, 8),
            "`\u{201c}` is no quote",
            "write straight quotes",
        ),
        (
            "a:\n  b: 1\n\u{a0}\u{a0}c: 2\n  d: 3\n",
            (3, 1),
            "U+00A0",
            "indent the line with ordinary blanks",
        ),
        (
            "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n",
            (2, 1),
            "marker of a merge",
            "keep one of the two sides",
        ),
        ("a: - b\n", (1, 4), "not allowed", "put each item on a line of its own"),
        (
            "a:\n  - b\n  c: 1\n",
            (3, 3),
            "'-'",
            "each item of a list begins with `- `",
        ),
        ("a: @b\n", (1, 4), "unexpected character", "goes in quotes"),
        (
            "a: *b\n",
            (1, 4),
            "unknown anchor",
            "text that begins with `*` goes in quotes",
        ),
        (
            "a: > 5\n",
            (1, 4),
            "block scalar",
            "text that begins with one of them goes in quotes",
        ),
        ("a: ]\n", (1, 4), "bracket", "put the text in quotes"),
    ] {
        let found = parse(&source(text)).unwrap_err();
        let span = found[0].span.unwrap();
        let given = found[0].help.as_deref().unwrap();
        if (span.line, span.column) != place || !found[0].message.contains(message) || !given.contains(help) {
            missed.push(format!("{text:?}: {}: {given}", found[0]));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn a_slip_repeats_no_value() {
    for text in [
        "password hunter2\na: 1\n",
        "password: a: hunter2\n",
        "password: \"hunter2\\d\"\n",
        "password: {hunter2[}\n",
        "password: \u{201c}hunter2: a\u{201d}\n",
    ] {
        let found = parse(&source(text)).unwrap_err();
        assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    }
}

#[test]
fn aliases_stand_for_their_value() {
    let node = parsed("a: &x {k: [1, 2]}\nb: *x\n");
    assert_eq!(node.get("b").unwrap().to_json(), serde_json::json!({"k": [1, 2]}));
    assert_eq!(node.get("b").unwrap().span.line, 2);
}

#[test]
fn hostile_documents_end_soon() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    let deep_flow = "[".repeat(200_000);
    let deep_block: String = (0..2_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    let deep_dashes = "- ".repeat(100_000);
    let many_keys: String = (0..200_000).map(|key| format!("k{key}: 1\n")).collect();
    let long_line = format!("[{}]", "é, ".repeat(300_000));
    let questions = "? ".repeat(100_000);
    let escapes = format!("a: \"{}\\d\"", "\\x41".repeat(300_000));
    let started = Instant::now();
    assert_eq!(codes(&bomb), ["aliases-explode"]);
    assert_eq!(codes(&deep_flow).len(), 1);
    assert_eq!(codes(&"[".repeat(100)), ["nested-too-deep"]);
    assert_eq!(codes(&deep_block), ["nested-too-deep"]);
    assert_eq!(codes(&deep_dashes), ["nested-too-deep"]);
    assert_eq!(codes(&questions).len(), 1);
    assert_eq!(codes(&escapes), ["syntax"]);
    assert!(parse(&source(&many_keys)).is_ok());
    assert!(parse(&source(&long_line)).is_ok());
    assert_eq!(codes(&" ".repeat(MAX_BYTES + 1)), ["document-too-large"]);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[test]
fn a_reader_finds_everything_at_once() {
    let source = source("name: 5\nsizes: x\nflag: maybe\nqantity: 3\ninner:\n  count: -1\n");
    let document = parse(&source).unwrap();
    let reader = Reader::new(&source);
    let map = reader.map(&document).unwrap();
    assert_eq!(map.required_string("name"), None);
    assert_eq!(map.string_list("sizes"), Vec::<String>::new());
    assert_eq!(map.optional_bool("flag"), None);
    assert_eq!(map.optional_u64("quantity"), None);
    assert_eq!(map.required_string("dataset"), None);
    let inner = map.map("inner").unwrap();
    assert_eq!(inner.optional_u64("count"), None);
    inner.finish();
    map.finish();
    let shown: Vec<_> = reader.finish().iter().map(|d| format!("{} {d}", d.code)).collect();
    assert_eq!(
        shown,
        [
            "missing-value x.yaml:1:1: `dataset` is missing",
            "wrong-type x.yaml:1:7: `name` must be text, but is a number",
            "wrong-type x.yaml:2:8: `sizes` must be a list, but is text",
            "wrong-type x.yaml:3:7: `flag` must be true or false, but is text",
            "unknown-key x.yaml:4:1: `qantity` is not known",
            "wrong-value x.yaml:6:10: `inner.count` must be a whole number from 0",
        ]
    );
}

#[test]
fn an_unknown_key_is_told_the_nearest_right_name() {
    let source = source("qantity: 3\nzzz: 1\n");
    let document = parse(&source).unwrap();
    let reader = Reader::new(&source);
    let map = reader.map(&document).unwrap();
    assert_eq!(map.optional_u64("quantity"), None);
    map.finish();
    let help: Vec<_> = reader.finish().into_iter().filter_map(|d| d.help).collect();
    assert_eq!(help, ["did you mean `quantity`?", "known here: quantity"]);
}

#[test]
fn a_file_that_is_not_utf8_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), b"a: 1\nb: \xff\n").unwrap();
    let error = Source::read(folder.path(), Path::new("a.yaml")).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Document, "a.yaml: line 2 is not UTF-8")
    );
    let error = Source::read(folder.path(), Path::new("b.yaml")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// Text rich in what YAML gives a meaning to.
fn yaml_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("a: "),
        Just("- "),
        Just("\n"),
        Just("  "),
        Just("\r\n"),
        Just("\r"),
        Just("\t"),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(","),
        Just(": "),
        Just("? "),
        Just("&x "),
        Just("*x "),
        Just("!!str "),
        Just("!t "),
        Just("|\n"),
        Just(">-\n"),
        Just("\""),
        Just("'"),
        Just("#"),
        Just("---\n"),
        Just("...\n"),
        Just("%TAG ! x\n"),
        Just("é"),
        Just("語"),
        Just("\\x"),
        Just("\u{feff}"),
        Just("\u{85}"),
        Just("\u{2028}"),
        Just("1.5"),
        Just("null"),
        Just("b"),
        Just("<<: "),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn spans_are_inside(text: &str) {
    match parse(&source(text)) {
        Ok(node) => slices(&node, text, &mut Vec::new()),
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty());
            for span in diagnostics.iter().filter_map(|diagnostic| diagnostic.span) {
                assert!(
                    text.get(span.start..span.end).is_some() && span.line >= 1 && span.column >= 1,
                    "{span:?}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_brings_the_parser_down(text in "\\PC{0,60}") {
        spans_are_inside(&text);
    }

    #[test]
    fn no_yaml_like_text_brings_the_parser_down(text in yaml_like()) {
        spans_are_inside(&text);
    }

    #[test]
    fn what_json_writes_is_read_back(keys in proptest::collection::btree_map("[a-zé\"\\\\ ]{1,8}", "\\PC{0,12}", 0..6)) {
        let json = serde_json::to_value(&keys).unwrap();
        prop_assert_eq!(parsed(&json.to_string()).to_json(), json.clone());
        prop_assert_eq!(parsed(&format!("{json:#}")).to_json(), json);
    }
}

/// The value without its places.
fn bare(node: &Node) -> Node {
    let span = Span::default();
    let value = match &node.value {
        Value::List(items) => Value::List(items.iter().map(bare).collect()),
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    key_span: span,
                    value: bare(&entry.value),
                })
                .collect(),
        ),
        other => other.clone(),
    };
    Node { value, span }
}

/// Text that a careless writer would let become something else.
fn awkward_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        "[ \n\t\r:#a-c0-9-]{0,16}",
        "[a-z \n]{0,24}",
        "[0-9.eExo+-]{1,6}",
        proptest::collection::vec(any::<char>(), 0..6).prop_map(|characters| characters.into_iter().collect()),
        yaml_like(),
        Just("null".to_owned()),
        Just("~".to_owned()),
        Just("yes".to_owned()),
        Just("2026-01-31".to_owned()),
        Just("<<".to_owned()),
        Just("k".repeat(2000)),
        Just("first\nsecond\n".to_owned()),
        Just("first\n\n  second".to_owned()),
    ]
}

fn any_node() -> impl Strategy<Value = Node> {
    let node = |value| Node {
        value,
        span: Span::default(),
    };
    let number = prop_oneof![
        "-?[0-9]{1,30}",
        "-?[0-9]{1,8}\\.[0-9]{1,8}",
        "[0-9]e-?[0-9]{1,2}",
        "0x[0-9A-F]{1,6}"
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(Value::Number),
        awkward_text().prop_map(Value::String),
    ]
    .prop_map(node);
    leaf.prop_recursive(5, 40, 6, move |inner| {
        let map = proptest::collection::vec((awkward_text(), inner.clone()), 0..6).prop_map(move |pairs| {
            let mut entries: Vec<Entry> = Vec::new();
            for (key, value) in pairs {
                if entries.iter().all(|entry| entry.key != key) {
                    entries.push(Entry {
                        key,
                        key_span: Span::default(),
                        value,
                    });
                }
            }
            node(Value::Map(entries))
        });
        let list = proptest::collection::vec(inner, 0..6).prop_map(move |items| node(Value::List(items)));
        prop_oneof![map, list]
    })
}

#[test]
fn a_document_is_written_as_people_write_it() {
    let text = "\
name: orders
version: \"1.0\"
day: \"2026-01-31\"
rows: 12.340
note: |
  two

    lines
empty: []
columns:
  - name: id
    tags:
      - key
      - \"# not a comment\"
  - - nested
    - null
";
    assert_eq!(write(&parsed(text)), text);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn what_is_written_is_read_back(node in any_node()) {
        let text = write(&node);
        let read = parse(&source(&text)).map_err(|found| TestCaseError::fail(format!("{found:?} in\n{text}")))?;
        prop_assert_eq!(bare(&read), node, "{}", text);
    }

    /// Bytes of any kind: those that are no UTF-8 are refused when the file is read, the others by the parser.
    #[test]
    fn no_bytes_bring_the_parser_down(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(text) = String::from_utf8(bytes) {
            spans_are_inside(&text);
        }
    }
}

#[test]
fn files_of_other_encodings_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let read = |bytes: &[u8]| {
        std::fs::write(folder.path().join("a.yaml"), bytes).unwrap();
        Source::read(folder.path(), Path::new("a.yaml")).and_then(|source| parse(&source).map_err(Error::document))
    };
    let wide = |text: &str, big: bool| -> Vec<u8> {
        let order = if big { u16::to_be_bytes } else { u16::to_le_bytes };
        text.encode_utf16().flat_map(order).collect()
    };
    for (bytes, told) in [
        (wide("\u{feff}a: 1", false), "UTF-16"),
        (wide("\u{feff}a: 1", true), "UTF-16"),
        (wide("a: 1", false), "UTF-16"),
        (wide("a: 1", true), "UTF-16"),
        (b"a: caf\xe9\n".to_vec(), "line 1 is not UTF-8"),
        (b"a: 1\0\nb: 2\n".to_vec(), "U+0000"),
    ] {
        let error = read(&bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Document);
        assert!(error.to_string().contains(told), "{error}: {told}");
    }
    assert!(read("\u{feff}a: 1\n".as_bytes()).is_ok());
}

#[test]
fn a_file_beyond_the_limit_is_not_even_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::create(folder.path().join("a.yaml")).unwrap();
    file.set_len(100 << 20).unwrap();
    let error = Source::read(folder.path(), Path::new("a.yaml")).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Document, "a.yaml: the document is larger than 16 MiB")
    );
}

#[cfg(unix)]
#[test]
fn what_is_no_file_or_never_ends_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("folder.yaml")).unwrap();
    for (name, to) in [("zero.yaml", "/dev/zero"), ("gone.yaml", "nowhere.yaml")] {
        std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    }
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket.yaml")).unwrap();
    for (name, told) in [
        ("zero.yaml", "cannot read zero.yaml: it is no ordinary file"),
        ("socket.yaml", "cannot read socket.yaml: it is no ordinary file"),
        ("folder.yaml", "cannot read folder.yaml: is a directory"),
        ("gone.yaml", "there is no file gone.yaml: it is a link to nowhere.yaml"),
    ] {
        let found = Source::read_or_tell(folder.path(), Path::new(name)).unwrap_err();
        let lines: Vec<_> = found
            .iter()
            .map(|found| (found.file.as_path(), found.message.as_str()))
            .collect();
        assert_eq!(lines, [(Path::new(name), told)]);
    }
}
