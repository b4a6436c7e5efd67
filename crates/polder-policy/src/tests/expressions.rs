//! Expressions of one's own.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::check::check_within;

fn policy(scope: &str, expression: &str) -> String {
    format!(
        "policies:
  - id: own
    description: it must be so
    reason: r
    remedy: m
    severity: error
    applies: {{scope: {scope}}}
    expression: {expression}
"
    )
}

/// What an expression finds in a gold contract of two columns.
fn found(scope: &str, expression: &str) -> Vec<String> {
    let columns = format!(
        "{KEY}      - {{name: note, logicalType: string, tags: [free, text], logicalTypeOptions: {{maxLength: 40}}}}\n"
    );
    let set = contracts(&contract("gold", &columns, LEVELS));
    let found = check(&policies(&policy(scope, expression)), &set, today());
    found.iter().map(|finding| finding.message.clone()).collect()
}

fn refused(scope: &str, expression: &str) -> Vec<String> {
    let (_, problems) = Policies::load([Source::new("own.yaml", policy(scope, expression))]);
    problems
        .iter()
        .map(|problem| {
            format!(
                "{problem}{}",
                problem.help.as_ref().map_or(String::new(), |help| format!(" ({help})"))
            )
        })
        .collect()
}

#[test]
fn an_expression_asks_about_contract_object_and_property() {
    let holding = [
        ("contract", "contract.version.startsWith('1.') && domain == 'sales'"),
        (
            "contract",
            "contract.slaProperties.exists(s, s.property == 'retention' && s.value >= 1)",
        ),
        (
            "contract",
            "size(contract.schema) == 1 && contract.schema[0].name == 'orders'",
        ),
        ("object", "dataset == domain + '.' + layer + '.' + object.name"),
        ("object", "object.properties.map(p, p.name) == ['order_id', 'note']"),
        (
            "object",
            "object.properties.filter(p, has(p.primaryKey)).exists_one(p, p.primaryKey)",
        ),
        (
            "property",
            "column == property.name && property.name.matches('^[a-z_]+$')",
        ),
        ("property", "property.name != 'note' || 'text' in property.tags"),
        (
            "property",
            "!has(property.logicalTypeOptions) || property.logicalTypeOptions.maxLength <= 40",
        ),
        ("property", "type(property.name) == string"),
        ("property", "{'a': 1, 'b': [1, 2]}.b.all(x, x > 0) ? true : false"),
    ];
    for (scope, expression) in holding {
        assert_eq!(
            found(scope, &format!("\"{expression}\"")),
            Vec::<String>::new(),
            "{expression}"
        );
    }
    assert_eq!(
        found("contract", "contract.version == '2.0.0'"),
        ["Orders: it must be so"]
    );
    assert_eq!(
        found("object", "layer == 'silver'"),
        ["sales.gold.orders: it must be so"]
    );
    assert_eq!(
        found("property", "has(property.description)"),
        ["`note` of sales.gold.orders: it must be so"]
    );
}

/// An expression with each function that the documentation names, true as CEL says.
#[test]
fn every_function_of_the_documentation_can_be_called() {
    let guide = include_str!("../../../../docs/contracts/policies.md");
    let (_, listed) = guide.split_once("; functions ").unwrap();
    let (listed, _) = listed.split_once(". ").unwrap();
    let names: Vec<&str> = listed.split('`').skip(1).step_by(2).collect();
    assert!(names.contains(&"size") && names.contains(&"dyn"), "{names:?}");
    let holding = [
        ("size", "size('abc') == 3"),
        ("contains", "'abc'.contains('b')"),
        ("startsWith", "'abc'.startsWith('a')"),
        ("endsWith", "'abc'.endsWith('c')"),
        ("matches", "'abc'.matches('^a.c$')"),
        ("string", "string(12) == '12'"),
        ("int", "int('12') == 12"),
        ("uint", "uint(12) == 12u && uint('7') == 7u && uint(2.9) == 2u"),
        ("double", "double('1.5') == 1.5"),
        ("bool", "bool('true')"),
        ("bytes", "bytes('abc') == b'abc'"),
        ("type", "type(1) == int"),
        ("dyn", "dyn(1) == 1"),
    ];
    assert_eq!(names, holding.map(|(name, _)| name));
    for (name, expression) in holding {
        assert_eq!(found("contract", &format!("\"{expression}\"")), [""; 0], "{name}");
    }
    let told = found("contract", "uint(-1) == 1u");
    assert!(told.len() == 1 && told[0].contains("overflow"), "{told:?}");
}

#[test]
fn an_expression_that_cannot_be_compiled_is_refused_at_its_own_place() {
    let cases = [
        ("object", "object.name ==", "own.yaml:8:"),
        ("object", "object.name == 'a' &&& true", "own.yaml:8:"),
        (
            "object",
            "objekt.name == 'a'",
            "own.yaml:8:17: `objekt` is not known (did you mean `object`?)",
        ),
        (
            "object",
            "property.name == 'a'",
            "own.yaml:8:17: `property` is not known (known here: contract, object, layer, domain, dataset)",
        ),
        (
            "contract",
            "contract.name.startWith('a')",
            "there is no function `startWith` (did you mean `startsWith`?)",
        ),
        ("contract", "contract.name == unknown", "`unknown` is not known"),
    ];
    for (scope, expression, said) in cases {
        let said_now = refused(scope, expression);
        assert!(
            said_now.iter().any(|text| text.contains(said)),
            "{expression} gave {said_now:?}"
        );
    }
    let lone = refused("object", "object.name = 'a'");
    assert!(lone[0].ends_with("(values are compared with `==`)"), "{lone:?}");
    let other = refused("object", "\"object.name == 'a=b' && object.name >= 'c' &&\"");
    assert!(!other.is_empty() && !other[0].contains("`==`"), "{other:?}");
    let block = "|\n      contract.name == 'a' &&\n      contrakt.id == 'b'";
    let said = refused("contract", block);
    assert!(
        said[0].starts_with("own.yaml:10:7: `contrakt` is not known"),
        "{said:?}"
    );
    let long = format!("'{}' == ''", "a".repeat(5000));
    assert!(refused("contract", &format!("\"{long}\""))[0].contains("more than 4000 bytes"));
    let deep = format!("{}1{} == 1", "(".repeat(500), ")".repeat(500));
    assert!(!refused("contract", &deep).is_empty());
}

#[test]
fn an_expression_without_an_answer_is_an_error_of_the_policy() {
    let cases = [
        (
            "property",
            "has(property.primaryKey) || property.description == ''",
            "No such key: description",
        ),
        ("object", "object.name", "its value is string, not true or false"),
        ("object", "object.name + 1 == 2", "add"),
        ("object", "object.name.matches('(')", "is no pattern that can be used"),
        ("object", "1 / 0 == 1", "ivision by zero"),
    ];
    for (scope, expression, said) in cases {
        let said_now = found(scope, expression);
        assert_eq!(said_now.len(), 1, "{expression} gave {said_now:?}");
        assert!(said_now[0].contains(said), "{expression} gave {said_now:?}");
    }
}

#[test]
fn no_expression_takes_long_or_much_memory() {
    let mut columns = KEY.to_owned();
    for number in 0..400 {
        let _ = writeln!(
            columns,
            "      - {{name: c{number}, description: {}, logicalType: string}}",
            "x".repeat(200)
        );
    }
    let set = contracts(&contract("gold", &columns, LEVELS));
    let hostile = [
        "object.properties.all(a, object.properties.all(b, object.properties.all(c, object.properties.all(d, true))))",
        "object.properties.map(a, object.properties.map(b, object.properties.map(c, object))) == []",
        "['x'].map(a, a + a).map(a, a + a + a + a + a + a + a + a).map(a, a + a + a + a + a + a + a + a + a).map(a, a + a + a + a + a + a).size() == 1",
        "[contract].map(a, [a, a, a, a, a, a, a, a]).map(a, [a, a, a, a, a, a, a, a]).map(a, [a, a, a, a, a, a, a, a]).map(a, [a, a, a, a, a, a, a, a]).map(a, [a, a, a, a, a, a, a, a]).size() == 0",
        "object.properties.exists(a, object.properties.exists(b, object.properties.exists(c, a == b && c == a && false)))",
        "object.properties.all(a, object.properties.all(b, a.name.matches(b.name + '(x{1,200}){1,200}') || true))",
        "object.properties.map(a, a.description).all(a, object.properties.all(b, a in object.properties.map(c, c.description)))",
        "object.properties.all(a, object.properties.all(b, object.properties.all(c, false))) || true",
    ];
    for expression in hostile {
        let begun = Instant::now();
        let found = check(
            &policies(&policy("object", &format!("\"{expression}\""))),
            &set,
            today(),
        );
        // A slow machine without optimisation; what is meant is seconds and not hours.
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{expression} took {:?}",
            begun.elapsed()
        );
        for finding in &found {
            assert!(finding.message.len() < 1000, "{}", finding.message);
        }
    }
    let spent = check(&policies(&policy("object", hostile[0])), &set, today());
    assert!(spent[0].message.ends_with("it takes too many steps"), "{spent:?}");
    let hidden = check(&policies(&policy("object", hostile[7])), &set, today());
    assert!(
        hidden.is_empty() || hidden[0].message.ends_with("it takes too many steps"),
        "{hidden:?}"
    );
}

#[test]
fn a_thousand_contracts_are_checked_in_well_under_half_a_second() {
    let columns: String = (0..15).fold(KEY.to_owned(), |mut text, number| {
        let _ = writeln!(
            text,
            "      - {{name: column_{number}, description: What it means., logicalType: string}}"
        );
        text
    });
    let one = contract("gold", &columns, LEVELS);
    let sources = (0..1000).map(|number| {
        let text = one.replace("sales.gold.orders", &format!("sales.gold.orders_{number}"));
        (
            "sales".to_owned(),
            Source::new(format!("contracts/sales/{number}.odcs.yaml"), text),
        )
    });
    let (set, _) = ContractSet::load(sources);
    let begun = Instant::now();
    let found = check(&Policies::defaults(), &set, today());
    let took = begun.elapsed();
    assert_eq!(found, []);
    // Without optimisation everything takes ten times as long.
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 10_000 } else { 500 });
    assert!(took < limit, "{took:?}");
    eprintln!("1,000 contracts by the default set: {took:?}");
}

#[test]
fn an_expression_that_costs_a_lot_for_each_contract_is_given_up() {
    let columns: String = (0..300).fold(KEY.to_owned(), |mut text, number| {
        let _ = writeln!(text, "      - {{name: c{number}, logicalType: string}}");
        text
    });
    let one = contract("gold", &columns, LEVELS);
    let sources = (0..20).map(|number| {
        let text = one.replace("sales.gold.orders", &format!("sales.gold.orders_{number}"));
        (
            "sales".to_owned(),
            Source::new(format!("contracts/sales/{number}.odcs.yaml"), text),
        )
    });
    let (set, _) = ContractSet::load(sources);
    // Some half a million units for each of 6,000 columns.
    let costly = "\"object.properties.all(a, object.properties.all(b, a.name != b.name || a.name == b.name))\"";
    let found = check_within(&policies(&policy("property", costly)), &set, today(), 2_000_000);
    assert_eq!(codes(&found), ["policy-expression"]);
    assert!(
        found[0]
            .message
            .contains("all contracts together: it takes too many steps"),
        "{found:?}"
    );
}

#[test]
fn a_long_or_deep_expression_is_refused_or_answered() {
    let set = contracts(&contract("gold", KEY, LEVELS));
    let deep = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    // Once beyond what is taken, and once as far as it goes.
    let shapes = [1900, 240, 38].into_iter().flat_map(|times| {
        [
            format!("1{} == 1", "+1".repeat(times)),
            format!("contract{} == 1", ".a".repeat(times)),
            format!("contract{} == 1", "[0]".repeat(times.min(1200))),
            format!("contract.name{}", ".size()".repeat((times / 2).min(500))),
            format!("true{}", "&&true".repeat((times / 2).min(600))),
            format!("{}true", "!".repeat(times)),
            format!("{}1 == 1", "-".repeat(times)),
            format!("true{}", "?true:true".repeat((times / 2).min(350))),
            deep("(", "true", ")", times),
            format!("{} == []", deep("[", "", "]", times)),
            deep("[1].all(x,", "true", ")", (times / 5).min(300)),
            format!("[1]{} == [1]", ".map(x,x)".repeat((times / 3).min(400))),
            format!("{} == {{}}", deep("{1:", "1", "}", (times / 2).min(900))),
            format!("1{} == 1", "==1".repeat((times / 2).min(1000))),
        ]
    });
    for expression in shapes {
        let (policies, problems) =
            Policies::load([Source::new("own.yaml", policy("object", &format!("\"{expression}\"")))]);
        assert!(policies.iter().count() == 1 || !problems.is_empty());
        check(&policies, &set, today());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands there: a finding at a place, or an answer, never a panic.
    #[test]
    fn any_text_is_compiled_or_refused(text in "[a-z0-9 .()\\[\\]{}'\",:?!=<>&|+*/%-]{0,60}") {
        let quoted = format!("'{}'", text.replace('\'', "''"));
        let (policies, problems) = Policies::load([Source::new("own.yaml", policy("property", &quoted))]);
        prop_assert!(policies.iter().count() == 1 || !problems.is_empty());
        let set = contracts(&contract("gold", KEY, ""));
        check(&policies, &set, today());
    }
}
