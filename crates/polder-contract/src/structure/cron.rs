//! Schedules as cron writes them: five fields from minute to day of the week, with seconds before and a year behind them
//! where the tool knows those.

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const NICKNAMES: [&str; 8] = [
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
    "@reboot",
];

/// A field: its name, its least and greatest number, and words that may stand for numbers from the least on.
type Part = (&'static str, u32, u32, &'static [&'static str]);

const PARTS: [Part; 7] = [
    ("second", 0, 59, &[]),
    ("minute", 0, 59, &[]),
    ("hour", 0, 23, &[]),
    ("day of the month", 1, 31, &[]),
    ("month", 1, 12, &MONTHS),
    ("day of the week", 0, 7, &DAYS),
    ("year", 1970, 2199, &[]),
];

/// Whether a text whose scheduler is not named is meant for cron: five to seven fields without a word.
pub(super) fn looks_like(text: &str) -> bool {
    let fields = text.split_whitespace().count();
    (5..=7).contains(&fields)
        && text.contains('*')
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || c.is_whitespace() || "*/,-?".contains(c))
}

/// What is wrong with a schedule, if anything is.
pub(super) fn problem(text: &str) -> Option<String> {
    let text = text.trim();
    if text.starts_with('@') {
        let known = NICKNAMES.iter().any(|nickname| nickname.eq_ignore_ascii_case(text));
        return (!known).then(|| format!("known are {}", NICKNAMES.join(", ")));
    }
    let fields: Vec<_> = text.split_whitespace().collect();
    let parts = match fields.len() {
        5 => &PARTS[1..6],
        6 => &PARTS[..6],
        7 => &PARTS[..],
        1 => return Some("it has one field, of five".to_owned()),
        count => return Some(format!("it has {count} fields, of five")),
    };
    let wrong = fields.iter().zip(parts).find(|(field, part)| !is_sound(field, part));
    wrong.map(|(field, (name, least, greatest, _))| {
        format!("`{field}` is no {name}, which is a number from {least} to {greatest}")
    })
}

fn is_sound(field: &str, part: &Part) -> bool {
    field.split(',').all(|item| {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        if step.is_some_and(|step| !step.parse::<u32>().is_ok_and(|step| step > 0)) {
            return false;
        }
        if matches!(range, "*" | "?") {
            return true;
        }
        // The last day, the nearest working day, the third Friday: forms of single tools.
        if matches!(part.0, "day of the month" | "day of the week") && range.contains(['L', 'W', '#']) {
            return true;
        }
        match range.split_once('-') {
            Some((from, to)) => number(from, part).is_some() && number(to, part).is_some(),
            None => number(range, part).is_some(),
        }
    })
}

fn number(text: &str, (_, least, greatest, words): &Part) -> Option<u32> {
    let named = words.iter().position(|word| word.eq_ignore_ascii_case(text));
    let number = match named {
        Some(index) => least + u32::try_from(index).ok()?,
        None => text.parse().ok()?,
    };
    (*least..=*greatest).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_of_cron_are_understood() {
        for sound in [
            "0 20 * * *",
            "*/15 0-6,22 1,15 * MON-FRI",
            "0 0 12 ? * MON#2",
            "0 0 0 L JAN-MAR ? 2026-2030",
            "@daily",
            "5 4 * * sun",
            "0 0 * * 7",
        ] {
            assert_eq!(problem(sound), None, "{sound}");
        }
        for (wrong, part) in [
            ("0 25 * * *", "`25` is no hour"),
            ("60 20 * * *", "`60` is no minute"),
            ("0 20 0 * *", "`0` is no day of the month"),
            ("0 20 * 13 *", "`13` is no month"),
            ("0 20 * * mno", "`mno` is no day of the week"),
            ("*/0 * * * *", "`*/0` is no minute"),
            ("0 20 * *", "it has 4 fields"),
            ("daily", "it has one field"),
            ("@dayly", "known are @yearly"),
        ] {
            assert!(
                problem(wrong).is_some_and(|why| why.starts_with(part)),
                "{wrong}: {:?}",
                problem(wrong)
            );
        }
        assert!(looks_like("0 25 * * *") && !looks_like("every day at 8 o'clock *") && !looks_like("08:00"));
    }
}
