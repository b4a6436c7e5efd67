//! The set that comes with the binary.

use std::collections::BTreeSet;

use polder_core::document::Severity;

use super::*;
use crate::check_samples;
use crate::policy::DEFAULTS;

#[test]
fn the_default_set_is_read_without_a_finding_and_warns_only() {
    let sources = DEFAULTS.iter().map(|(path, text)| Source::new(*path, *text));
    let (declared, problems) = Policies::load(sources);
    assert!(problems.is_empty(), "{problems:?}");
    assert!(declared.iter().any(|policy| policy.severity == Severity::Error));
    let defaults = Policies::defaults();
    assert_eq!(defaults.iter().count(), declared.iter().count());
    assert!(defaults.are_defaults() && defaults.iter().all(|policy| policy.severity != Severity::Error));
    for policy in defaults.iter() {
        assert!(policy.reason.len() > 20 && policy.remedy.len() > 10, "{}", policy.id);
    }
}

#[test]
fn every_file_of_the_folder_is_in_the_default_set() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog/policies");
    let there: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| format!("catalog/policies/{}", entry.unwrap().file_name().to_string_lossy()))
        .collect();
    let embedded = DEFAULTS.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(there, embedded);
}

#[test]
fn a_contract_that_keeps_everything_has_no_finding() {
    let columns = "
      - {name: ordered_at, description: When., logicalType: timestamp, physicalType: timestamp}
      - {name: amount, description: What it cost., logicalType: number, physicalType: 'decimal(12,2)'}
      - {name: currency, description: ISO 4217 code., logicalType: string}
      - {name: email, description: Where to write to., logicalType: string, classification: confidential}
      - {name: email_verified, description: Whether it answers., logicalType: boolean}
      - {name: iban, description: Where to pay to., logicalType: string, classification: restricted, encryptedName: iban_encrypted}
";
    for layer in ["bronze", "silver", "gold"] {
        assert_eq!(found_by_default(layer, columns), [], "{layer}");
    }
}

#[test]
fn each_default_policy_finds_what_it_is_for() {
    let cases = [
        ("- {name: note, logicalType: string}", "column-description"),
        (
            "- {name: orderNote, description: x, logicalType: string}",
            "column-names",
        ),
        (
            "- {name: ordered_at, description: x, logicalType: timestamp, physicalType: timestamp_ntz}",
            "utc-timestamps",
        ),
        (
            "- {name: ordered_at, description: x, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Europe/Berlin}}",
            "utc-timestamps",
        ),
        (
            "- {name: order_date, description: x, logicalType: string}",
            "dates-as-text",
        ),
        (
            "- {name: unit_price, description: x, logicalType: number}\n      - {name: currency, description: x, logicalType: string}",
            "money-decimal",
        ),
        (
            "- {name: unit_price, description: x, logicalType: number, physicalType: 'decimal(9,2)'}",
            "money-decimal",
        ),
        (
            "- {name: customer_name, description: x, logicalType: string}",
            "personal-data",
        ),
        (
            "- {name: clientIp, description: x, logicalType: string}",
            "personal-data",
        ),
        (
            "- {name: email, description: x, logicalType: string, classification: public}",
            "personal-data",
        ),
        (
            "- {name: note, description: x, logicalType: string, classification: restricted}",
            "personal-data",
        ),
        (
            "- {name: pay_to, description: x, logicalType: string, examples: [DE89370400440532013000]}",
            "personal-data",
        ),
        (
            "- {name: cvv, description: x, logicalType: string}",
            "no-card-data-or-credentials",
        ),
        (
            "- {name: apiKey, description: x, logicalType: string}",
            "no-card-data-or-credentials",
        ),
        (
            "- {name: number, description: x, logicalType: string, classification: PCI}",
            "no-card-data-or-credentials",
        ),
        (
            "- {name: number, description: x, logicalType: string, examples: ['4111 1111 1111 1111']}",
            "no-secrets-in-contracts",
        ),
    ];
    for (column, policy) in cases {
        let found = found_by_default("silver", &format!("      {column}\n"));
        let found: BTreeSet<_> = codes(&found).into_iter().map(str::to_owned).collect();
        assert!(found.contains(policy), "{column} gave {found:?}");
    }
}

#[test]
fn what_is_no_money_and_no_personal_data_by_its_ending_is_left_alone() {
    let columns = "
      - {name: price_count, description: x, logicalType: integer}
      - {name: address_type, description: x, logicalType: string}
      - {name: password_set, description: x, logicalType: string}
      - {name: description, description: x, logicalType: string}
      - {name: shipment, description: x, logicalType: string}
";
    assert_eq!(found_by_default("silver", columns), []);
}

/// The columns of these names, and what else they declare, that a policy finds.
fn found_among<'n>(policy: &str, names: &[&'n str], more: &str) -> Vec<&'n str> {
    let found = |name: &&str| {
        let column = format!("      - {{name: {name}, description: x, logicalType: string{more}}}\n");
        codes(&found_by_default("bronze", &column)).contains(&policy)
    };
    names.iter().copied().filter(found).collect()
}

#[test]
fn the_usual_names_of_secrets_and_of_personal_data_are_known() {
    let secrets = [
        "token",
        "auth_token",
        "authToken",
        "access_token",
        "credential",
        "signing_key",
        "pin",
        "security_code",
        "cc_number",
        "ccnum",
        "pan",
        "cardPin",
    ];
    assert_eq!(found_among("no-card-data-or-credentials", &secrets, ""), secrets);
    let personal = [
        "zip",
        "plz",
        "postcode",
        "birthplace",
        "first_nm",
        "salary",
        "bsn",
        "vat_number",
        "tax_id",
        "ssn",
        "vatNumber",
        "full_name_value",
        "phone_value",
        "tel",
        "cell_number",
        "customer_address_value",
        "email_hash",
    ];
    assert_eq!(found_among("personal-data", &personal, ""), personal);
}

#[test]
fn words_that_are_alike_are_left_alone() {
    let names = [
        "pinned",
        "map_pin",
        "tokens_used",
        "payment_token",
        "token_count",
        "zipper",
        "zip_file",
        "panel",
        "company",
        "email_count",
        "phone_type",
        "shipping_status",
        "recipe",
    ];
    for policy in ["personal-data", "no-card-data-or-credentials"] {
        assert_eq!(found_among(policy, &names, ""), [""; 0], "{policy}");
    }
}

#[test]
fn an_ending_of_the_name_does_not_take_back_what_a_tag_or_the_business_name_says() {
    let names = ["contact_count", "login_status"];
    assert_eq!(found_among("personal-data", &names, ", tags: [email]"), names);
    assert_eq!(
        found_among("personal-data", &names, ", businessName: E-mail of the customer"),
        names
    );
    assert_eq!(
        found_among("personal-data", &names, ", businessName: Phone type"),
        [""; 0]
    );
}

#[test]
fn one_currency_can_be_fixed_for_the_object() {
    let text = contract(
        "silver",
        &format!(
            "{KEY}      - {{name: amount, description: x, logicalType: number, physicalType: 'decimal(9,2)'}}\n    customProperties: [{{property: polder.currency, value: EUR}}]"
        ),
        LEVELS,
    );
    assert_eq!(check(&Policies::defaults(), &contracts(&text), today()), []);
}

#[test]
fn what_a_contract_lacks_as_a_whole_is_found() {
    let text = contract("gold", "      - {name: x, description: x, logicalType: string}", "")
        .replace("team:\n  name: sales\n", "");
    let text = text
        .replace("description:\n  purpose: What was ordered.\n", "")
        .replace("    description: One row an order.\n", "");
    let found = check(&Policies::defaults(), &contracts(&text), today());
    assert_eq!(
        codes(&found).into_iter().collect::<BTreeSet<_>>(),
        BTreeSet::from([
            "owner-required",
            "contract-description",
            "object-description",
            "keys-declared",
            "retention-set",
            "gold-service-levels",
            "notice-promised",
        ])
    );
    assert!(
        found
            .iter()
            .all(|finding| finding.span.is_some() && finding.help.is_some())
    );
}

#[test]
fn contracts_of_gold_that_are_in_force_promise_a_notice() {
    let with = |layer: &str, status: &str, notice: &str| {
        let text = contract(layer, KEY, LEVELS).replace("status: active", &format!("status: {status}"));
        let text = text.replace("value: 90d", &format!("value: {notice}"));
        let found = check(&Policies::defaults(), &contracts(&text), today());
        codes(&found).contains(&"notice-promised")
    };
    for notice in ["90d", "1y", "30", "6mo"] {
        assert!(!with("gold", "active", notice), "{notice}");
    }
    assert!(with("gold", "active", "0d") && with("gold", "deprecated", "0"));
    assert!(!with("silver", "active", "0d") && !with("gold", "draft", "0d"));
    let none = contract("gold", KEY, LEVELS).replace("polder.noticePeriod", "own.noticeGiven");
    let found = check(&Policies::defaults(), &contracts(&none), today());
    assert_eq!(codes(&found), ["notice-promised"]);
    assert!(
        found[0]
            .help
            .as_ref()
            .is_some_and(|help| help.contains("polder.noticePeriod"))
    );
}

#[test]
fn bronze_keeps_the_names_and_times_of_its_source() {
    let columns = "      - {name: orderDate, description: x, logicalType: string}\n";
    assert_eq!(found_by_default("bronze", columns), []);
}

#[test]
fn a_secret_is_found_at_its_place_and_is_not_in_the_message() {
    let secret =
        "      - {name: number, description: x, logicalType: string, examples: ['postgres://shop:s3cret-word@db/x']}\n";
    let found = found_by_default("silver", secret);
    assert_eq!(codes(&found), ["no-secrets-in-contracts"]);
    assert_eq!(found[0].span.unwrap().line, 15);
    assert!(!format!("{found:?}").contains("s3cret-word"), "{found:?}");
}

#[test]
fn samples_beside_a_contract_are_searched_too() {
    let samples = Source::new(
        "contracts/sales/orders.samples.yaml",
        "orders:\n  good:\n    - {note: AKIAIOSFODNN7EXAMPLE}\n",
    );
    let found = check_samples(&Policies::defaults(), [&samples]);
    assert_eq!(codes(&found), ["no-secrets-in-contracts"]);
}

#[test]
fn the_contracts_of_this_repository_keep_the_default_set() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for mesh in ["", "crates/polder/templates/mesh"] {
        let folder = root.join(mesh).join("contracts");
        let mut sources = Vec::new();
        for domain in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            for file in std::fs::read_dir(domain.path()).unwrap().map(Result::unwrap) {
                if file.file_name().to_string_lossy().ends_with(".odcs.yaml") {
                    let text = std::fs::read_to_string(file.path()).unwrap();
                    sources.push((
                        domain.file_name().into_string().unwrap(),
                        Source::new(file.path(), text),
                    ));
                }
            }
        }
        assert!(sources.len() > 1);
        let (set, _) = ContractSet::load(sources);
        let found = check(&Policies::defaults(), &set, today());
        let found: Vec<_> = found
            .iter()
            .map(|finding| format!("{finding} [{}]", finding.code))
            .collect();
        assert!(found.is_empty(), "{found:#?}");
    }
}
