use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Decimal128Array, Float64Array, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{Int64Type, UInt8Type};
use proptest::prelude::*;

use super::*;

fn kinds(text: &str) -> Vec<Kind> {
    detect(text).into_iter().map(|finding| finding.kind).collect()
}

#[test]
fn card_numbers_that_makers_publish_for_tests_are_found() {
    // The test numbers of card networks and payment providers.
    for number in [
        "4111111111111111",
        "4012888888881881",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "371449635398431",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
        "6200000000000005",
        "6304000000000000",
    ] {
        assert_eq!(kinds(number), [Kind::CardNumber], "{number}");
        assert_eq!(
            kinds(&format!("paid by {number}, thanks")),
            [Kind::CardNumber],
            "{number}"
        );
    }
    assert_eq!(kinds("4111 1111 1111 1111"), [Kind::CardNumber]);
    assert_eq!(kinds("4111-1111-1111-1111"), [Kind::CardNumber]);
    assert_eq!(kinds("4111.1111.1111.1111."), [Kind::CardNumber]);
    assert_eq!(kinds("VISA-4111111111111111"), [Kind::CardNumber]);
    assert_eq!(kinds("3782 822463 10005"), [Kind::CardNumber]);
    assert_eq!(kinds("4111 1111 1111 1111 12/29 123"), [Kind::CardNumber]);
    assert_eq!(kinds("order 12 4111111111111111"), [Kind::CardNumber]);
}

#[test]
fn numbers_that_are_no_cards_are_left_alone() {
    for text in [
        "4111111111111112", // the last digit is wrong
        "1111111111111117", // nobody issues it
        "0000000000000000",
        "1734006720000",     // milliseconds since 1970
        "4006381333931",     // an EAN-13
        "a4111111111111111", // part of a word
        "4111111111111111e",
        "41111111111111110",    // part of a longer number
        "0.4111111111111111",   // digits behind the point
        "4111  1111 1111 1111", // two blanks
        "85123A",
        "9a6c2a55-4111-1111-1111-11110d6a3f5b", // a UUID
        "9a6c2a55-4111-1111-1111-111111111111",
        "41111111-1111-1111-9111-111111111111",
        "41 1111 1111 1111 11",
        "1.4111.1111.1111.1111",
        "4111.1111.1111.1111.7",
        "19.4111111111111111",
        "4111-1111 1111-1111",
        "2010-12-01 08:26:00",
    ] {
        assert_eq!(kinds(text), [], "{text}");
    }
}

#[test]
fn a_finding_shows_four_digits_at_most() {
    let found = detect("card 4111 1111 1111 1111.");
    assert_eq!(found[0].masked, "************1111");
    assert_eq!(found[0].range, 5..24);
}

#[test]
fn bank_account_numbers_of_the_registry_are_found() {
    // The examples of the IBAN registry.
    for number in [
        "DE89370400440532013000",
        "GB29 NWBK 6016 1331 9268 19",
        "NL91ABNA0417164300",
        "FR1420041010050500013M02606",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
    ] {
        assert_eq!(kinds(number), [Kind::BankAccount], "{number}");
        assert_eq!(detect(number)[0].kind.class(), Class::Personal);
    }
    for text in [
        "DE88370400440532013000",
        "DE8937040044053201300",
        "XDE89370400440532013000",
        "ZZ89370400440532013000",
    ] {
        assert_eq!(kinds(text), [], "{text}");
    }
}

#[test]
fn credentials_are_found_by_their_form() {
    let jwt =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    let cases = [
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", Kind::PrivateKey),
        ("-----BEGIN PRIVATE KEY-----", Kind::PrivateKey),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----", Kind::PrivateKey),
        ("key=AKIAIOSFODNN7EXAMPLE;", Kind::AwsKey),
        (jwt, Kind::JsonWebToken),
        ("Authorization: Bearer mF_9.B5f-4.1JqM0000000000", Kind::BearerToken),
        ("postgres://shop:s3cret@db.example/orders", Kind::UrlPassword),
        ("amqp://:s3cret@mq.example", Kind::UrlPassword),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", Kind::ServiceToken),
        (
            "github_pat_11ABCDEFG0123456789012_abcdefghijABCDEFGHIJ0123456789abcdefghijABCDEFGHIJ0123456",
            Kind::ServiceToken,
        ),
        ("npm_0123456789abcdefghijABCDEFGHIJ012345", Kind::ServiceToken),
        ("AIzaSyA-0123456789abcdefghijABCDEFGHIJK", Kind::ServiceToken),
        ("sk-proj-0123456789abcdefghijABCDEFGHIJ", Kind::ServiceToken),
        ("sk-ant-api03-0123456789abcdefghijABCDEFGHIJ", Kind::ServiceToken),
        (
            "AccountName=shop;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;",
            Kind::ServiceToken,
        ),
        (
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            Kind::AwsKey,
        ),
        (
            "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            Kind::BasicCredentials,
        ),
        (
            r#"{"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKE/"}"#,
            Kind::AwsKey,
        ),
        (
            "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKE+",
            Kind::AwsKey,
        ),
        (
            "AUTHORIZATION: BASIC QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            Kind::BasicCredentials,
        ),
        (
            r#"{"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}"#,
            Kind::BasicCredentials,
        ),
    ];
    for (text, kind) in cases {
        assert_eq!(kinds(text), [kind], "{text}");
    }
    for text in [
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----",
        "AKIA is a prefix",
        "a bearer of good news",
        "https://shop.example:8443/orders?mail=a@b.example",
        "postgres://shop:<password>@db.example/orders",
        "postgres://shop:***@db.example/orders",
        "postgres://shop:${PASSWORD}@db.example/orders",
        "npm_config_registry",
        "sk-project of the year, a long description",
        "Basic authentication is off",
    ] {
        assert_eq!(kinds(text), [], "{text}");
    }
}

#[test]
fn every_form_is_in_use() {
    assert_eq!(credential::forms(), 20);
}

#[test]
fn a_mask_never_holds_the_secret() {
    let found = detect("postgres://shop:s3cret@db.example/orders AKIAIOSFODNN7EXAMPLE");
    let shown: String = found.iter().map(|finding| finding.masked.as_str()).collect();
    assert!(!shown.contains("s3cret") && !shown.contains("IOSFODNN7"), "{shown}");
}

#[test]
fn a_batch_is_searched_in_depth_and_counted_by_column() {
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>([
        Some(vec![Some(1), Some(2)]),
        Some(vec![]),
        Some(vec![Some(4_111_111_111_111_111)]),
    ]);
    let batch = RecordBatch::try_from_iter([
        (
            "note",
            Arc::new(StringArray::from(vec![
                None,
                Some("4111111111111111"),
                Some("5555555555554444"),
            ])) as ArrayRef,
        ),
        (
            "number",
            Arc::new(Int64Array::from(vec![1, 2, 378_282_246_310_005])) as ArrayRef,
        ),
        ("numbers", Arc::new(list) as ArrayRef),
        (
            "exact",
            Arc::new(
                Decimal128Array::from(vec![None, Some(4_111_111_111_111_111), Some(7)])
                    .with_precision_and_scale(16, 0)
                    .unwrap(),
            ) as ArrayRef,
        ),
        (
            "amount",
            Arc::new(
                Decimal128Array::from(vec![None, Some(4_111_111_111_111_111), Some(7)])
                    .with_precision_and_scale(16, 2)
                    .unwrap(),
            ) as ArrayRef,
        ),
        (
            "float",
            Arc::new(Float64Array::from(vec![
                4_111_111_111_111_111.0,
                41_111_111_111_111.11,
                0.5,
            ])) as ArrayRef,
        ),
        (
            "small",
            Arc::new(arrow::array::PrimitiveArray::<UInt8Type>::from(vec![1, 2, 3])) as ArrayRef,
        ),
    ])
    .unwrap();
    let mut seen = BTreeMap::new();
    scan(&batch, 10, &mut seen);
    let found: Vec<_> = seen
        .values()
        .map(|s| (s.column.as_str(), s.values, s.first_row))
        .collect();
    assert_eq!(
        found,
        [
            ("exact", 1, 11),
            ("float", 1, 10),
            ("note", 2, 11),
            ("number", 1, 12),
            ("numbers[]", 1, 12)
        ]
    );
}

use arrow::array::ArrayRef;

proptest! {
    /// Whatever stands around it, and whoever looks: no panic, ranges lie on the text, and no mask has more than four
    /// digits of the number.
    #[test]
    fn any_text_can_be_searched(before in ".{0,40}", after in ".{0,40}") {
        let text = format!("{before}4111 1111 1111 1111{after}");
        for finding in detect(&text) {
            prop_assert!(text.get(finding.range.clone()).is_some());
            prop_assert!(finding.kind != Kind::CardNumber || finding.masked.chars().filter(char::is_ascii_digit).count() <= 4);
        }
    }

    /// Changing one digit makes Luhn's sum wrong.
    #[test]
    fn a_wrong_digit_is_no_card(place in 1_usize..16, other in 0_u8..10) {
        let mut number = *b"4111111111111111";
        prop_assume!(number[place] != b'0' + other);
        number[place] = b'0' + other;
        prop_assert_eq!(detect(std::str::from_utf8(&number).unwrap()), vec![]);
    }
}
