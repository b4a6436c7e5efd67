use super::part::{MOST, SOME};
use super::*;
use crate::rule::regex;

#[test]
fn simple_patterns_are_told_word_by_word() {
    for (pattern, expected) in [
        ("^[ab]$", &["a", "b"][..]),
        ("^(a|bc)?$", &["", "a", "bc"]),
        ("^(?:EUR|USD)$", &["EUR", "USD"]),
        (
            "^[a-c]{1,2}$",
            &["a", "aa", "ab", "ac", "b", "ba", "bb", "bc", "c", "ca", "cb", "cc"],
        ),
        (r"^a\.[\-x]$", &["a.-", "a.x"]),
        ("^[a-]$", &["-", "a"]),
        ("^x{0}y$", &["y"]),
    ] {
        let words = Words::of(pattern);
        assert_eq!(
            (words.texts.clone(), words.all),
            (expected.iter().map(ToString::to_string).collect(), true),
            "{pattern}"
        );
    }
}

#[test]
fn of_other_patterns_some_words_are_told_and_never_that_these_are_all() {
    let patterns = [
        "a",
        "^a",
        "a$",
        r"^a\$",
        "^a|b$",
        "^a+$",
        "^.$",
        "^[^a]$",
        "^(?=a)a$",
        r"^\p{L}$",
        "^[a-z]{9}$",
        "^a{2,}$",
        "^[]$",
        "^a**$",
        "^(((((((((((((((((a)))))))))))))))))$",
        "^[\u{0}-\u{ffff}]$",
        "^(a{200}){200}$",
        r"^\bb$",
        "^a{,2}$",
        "^{$",
    ];
    for pattern in patterns {
        assert!(!Words::of(pattern).all, "{pattern}");
    }
    assert!(Words::of("^[a-z]{9}$").texts.contains(&"aaaaaaaaa".to_owned()));
}

#[test]
fn how_long_texts_are_is_told_of_anchored_patterns() {
    for (pattern, expected) in [
        ("^[A-Z]{3}$", (3, Some(3))),
        ("^[a-z]{1,30}(x|yz)?$", (1, Some(32))),
        (r"^\d+-.{2}$", (4, None)),
        ("^(a{2}|b*)$", (0, None)),
        ("^(?:){3,}$", (0, Some(0))),
        ("^a{90}$", (90, Some(90))),
        ("[A-Z]{3}", (0, None)),
        ("^a|b$", (0, None)),
    ] {
        assert_eq!(Words::of(pattern).lengths, expected, "{pattern}");
    }
}

#[test]
fn every_word_is_one_that_the_pattern_matches() {
    for pattern in [
        "^[A-Z]{2,3}-[0-9]{4}$",
        r"^\d{3}\w?$",
        "^(a|b|cd){1,3}x*$",
        "^[^a-m]+$",
        "^.{3}$",
        r"^(\+|00)[1-9]\d{1,5}$",
        "x?y{2}",
    ] {
        let (regex, words) = (regex(pattern).unwrap(), Words::of(pattern));
        assert!(!words.texts.is_empty() && words.texts.len() <= MOST, "{pattern}");
        for word in &words.texts {
            assert!(regex.is_match(word), "{pattern}: {word}");
        }
    }
}

#[test]
fn of_patterns_with_more_words_than_can_be_told_few_are() {
    for pattern in [
        "^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}[.][A-Za-z]{2,63}$",
        "^[A-Z]{2}[0-9]{1,8}$",
        &format!("^{}$", "[a-z]{0,60}".repeat(20)),
        &format!("^{}a{}$", "(".repeat(16), "{9})".repeat(16)),
        "^(((a{300}){300}){300}b?){300}$",
        "^((a?){999999999}){999999999}$",
    ] {
        let (words, lengths) = (Words::of(pattern), [0, 1, 41, 200, 10_000]);
        assert!(!words.all && words.texts.len() <= SOME, "{pattern}");
        let of_length = lengths.map(|length| words.of_length(length));
        for word in words.texts.iter().chain(of_length.iter().flatten()) {
            assert_ne!(words.match_of(word), Some(false), "{pattern}: {word}");
        }
    }
}

#[test]
fn words_grow_as_long_as_is_asked_where_the_pattern_lets_them() {
    for (pattern, length, expected) in [
        ("^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+$", 11, 11),
        ("^[A-Za-z]{2,63}$", 64, 63),
        ("^(a|[bc]{3}){2,}x?$", 12, 12),
        ("^(a|[bc]{3}){2,}x?$", 2, 2),
        ("^(a{2,5}|b)-[0-9]*$", 100, 100),
        ("abc", 10, 10),
        ("^x$", 1000, 1),
        (r"^\p{L}+\s\S$", 9, 9),
    ] {
        let words = Words::of(pattern);
        let texts = words.of_length(length);
        assert!(!texts.is_empty(), "{pattern}");
        let of_it = texts.iter().filter(|text| words.match_of(text) == Some(true));
        let longest = of_it.map(|text| text.chars().count()).max();
        assert_eq!(longest, Some(expected), "{pattern}");
    }
}

#[test]
fn a_pattern_is_read_once_and_others_take_its_place() {
    let words = Words::of("^once$");
    assert!(Rc::ptr_eq(&words, &Words::of("^once$")));
    for other in 0..=KNOWN {
        Words::of(&format!("^{other}$"));
    }
    assert!(!Rc::ptr_eq(&words, &Words::of("^once$")));
}
