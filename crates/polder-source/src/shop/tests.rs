//! The made-up shop is what it is said to be.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::*;

fn events(options: ShopOptions) -> Vec<Event> {
    let mut shop = Shop::new(options).unwrap();
    std::iter::from_fn(|| shop.next_event().unwrap()).collect()
}

fn good(events: &[Event]) -> impl Iterator<Item = &InvoiceLine> {
    events
        .iter()
        .filter(|event| event.fault.is_none())
        .map(|event| &event.line)
}

#[test]
fn the_same_seed_gives_the_same_events_and_another_seed_others() {
    let options = ShopOptions {
        weeks: 8,
        lines: 2_000,
        ..ShopOptions::default()
    };
    let first = events(options.clone());
    assert_eq!(first, events(options.clone()));
    assert_ne!(first, events(ShopOptions { seed: 2, ..options }));
}

#[test]
fn by_default_it_is_a_shop_of_two_years_in_order_of_time() {
    let events = events(ShopOptions::default());
    assert!((23_500..26_500).contains(&events.len()), "{} events", events.len());
    assert!(events.is_sorted_by_key(|event| event.timestamp));
    let days = (events[events.len() - 1].timestamp - events[0].timestamp).num_days();
    assert!((726..728).contains(&days), "{days} days");
    let customers: BTreeSet<_> = good(&events).filter_map(|line| line.customer_id.clone()).collect();
    let products: BTreeSet<_> = good(&events).filter_map(|line| line.stock_code.clone()).collect();
    assert!((250..=300).contains(&customers.len()), "{} customers", customers.len());
    assert_eq!(products.len(), 41);
}

#[test]
fn one_in_a_hundred_events_is_faulty_and_every_kind_of_fault_appears() {
    let events = events(ShopOptions::default());
    let faulty: Vec<_> = events.iter().filter_map(|event| event.fault).collect();
    let share = faulty.len() as f64 / events.len() as f64;
    assert!((0.008..0.012).contains(&share), "{share}");
    assert_eq!(faulty.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(Fault::ALL));
    assert_eq!(
        tests::events(ShopOptions {
            fault_share: 0.0,
            lines: 3_000,
            ..ShopOptions::default()
        })
        .iter()
        .filter(|event| event.fault.is_some())
        .count(),
        0
    );
}

#[test]
fn some_events_are_sent_twice_with_one_id_and_all_others_have_their_own() {
    let events = events(ShopOptions::default());
    let mut seen: HashMap<&str, &Event> = HashMap::new();
    let mut twice = 0;
    for event in events.iter().filter(|event| event.fault != Some(Fault::BadEventId)) {
        if let Some(first) = seen.insert(&event.event_id, event) {
            assert_eq!(first, event);
            twice += 1;
        }
    }
    assert!((20..100).contains(&twice), "{twice}");
}

#[test]
fn every_cancellation_takes_back_a_line_that_was_sold_before() {
    let events = events(ShopOptions {
        fault_share: 0.0,
        ..ShopOptions::default()
    });
    let mut sold: HashMap<_, i32> = HashMap::new();
    let mut cancelled = 0;
    for line in good(&events) {
        let what = (
            line.customer_id.clone(),
            line.stock_code.clone(),
            line.unit_price,
            line.quantity.abs(),
        );
        if line.invoice_no.starts_with('C') {
            assert!(line.quantity < 0);
            assert!(sold.contains_key(&what), "{line:?}");
            cancelled += 1;
        } else {
            assert!(line.quantity > 0);
            *sold.entry(what).or_default() += 1;
        }
    }
    assert!(cancelled > 300, "{cancelled}");
}

#[test]
fn autumn_sells_more_than_spring_and_weekdays_more_than_weekends() {
    let events = events(ShopOptions::default());
    let mut months = BTreeMap::<u32, u32>::new();
    let mut weekend = [0_u32; 2];
    for event in &events {
        *months.entry(event.timestamp.month()).or_default() += 1;
        weekend[usize::from(event.timestamp.weekday().number_from_monday() > 5)] += 1;
    }
    assert!(f64::from(months[&11]) > 1.4 * f64::from(months[&4]), "{months:?}");
    assert!(
        f64::from(weekend[0]) / 5.0 > 1.4 * f64::from(weekend[1]) / 2.0,
        "{weekend:?}"
    );
}

#[test]
fn products_side_by_side_are_bought_together_far_more_often_than_by_chance() {
    let events = events(ShopOptions::default());
    let mut baskets: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in good(&events).filter(|line| line.quantity > 0) {
        baskets
            .entry(&line.invoice_no)
            .or_default()
            .extend(line.stock_code.as_deref());
    }
    let share = |codes: &[&str]| {
        let with = baskets
            .values()
            .filter(|basket| codes.iter().all(|code| basket.contains(code)))
            .count();
        with as f64 / baskets.len() as f64
    };
    for (left, right) in [("22101", "22102"), ("24303", "24304"), ("25405", "25406")] {
        let lift = share(&[left, right]) / (share(&[left]) * share(&[right]));
        assert!(lift > 3.0, "{left} and {right}: lift {lift:.1}");
    }
}

#[test]
fn a_customer_buys_mostly_from_two_groups() {
    let events = events(ShopOptions::default());
    let mut groups: BTreeMap<&str, [f64; 5]> = BTreeMap::new();
    for line in good(&events) {
        if let (Some(customer), Some(code)) = (line.customer_id.as_deref(), line.stock_code.as_deref())
            && let Some(group) = TASTES
                .iter()
                .position(|taste| taste.products.iter().any(|product| product.code == code))
        {
            groups.entry(customer).or_default()[group] += 1.0;
        }
    }
    let (mut favourite, mut all) = (0.0, 0.0);
    for counts in groups.values_mut() {
        counts.sort_by(|left, right| right.total_cmp(left));
        favourite += counts[0] + counts[1];
        all += counts.iter().sum::<f64>();
    }
    assert!(favourite / all > 0.75, "{}", favourite / all);
}

#[test]
fn senseless_options_are_refused() {
    for options in [
        ShopOptions {
            fault_share: 1.5,
            ..ShopOptions::default()
        },
        ShopOptions {
            fault_share: f64::NAN,
            ..ShopOptions::default()
        },
        ShopOptions {
            weeks: 0,
            ..ShopOptions::default()
        },
        ShopOptions {
            customers: 0,
            ..ShopOptions::default()
        },
        ShopOptions {
            lines: 0,
            ..ShopOptions::default()
        },
    ] {
        assert_eq!(Shop::new(options).err().unwrap().kind(), ErrorKind::Usage);
    }
}
