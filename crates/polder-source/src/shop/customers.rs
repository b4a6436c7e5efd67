//! Who buys at the shop: how often, what, and from when until when.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::catalogue::{GROUP, TASTES};
use super::chance::pick;

const COUNTRIES: [(&str, f64); 7] = [
    ("United Kingdom", 80.0),
    ("Germany", 6.0),
    ("France", 5.0),
    ("EIRE", 4.0),
    ("Netherlands", 2.0),
    ("Spain", 2.0),
    ("Belgium", 1.0),
];

/// How many products a basket holds: weights of 1, 2, … products.
const BASKET: [f64; 7] = [14.0, 16.0, 18.0, 18.0, 14.0, 12.0, 8.0];

/// The mean of [`BASKET`].
pub(super) fn products_a_basket() -> f64 {
    let products: f64 = BASKET
        .iter()
        .zip(1_u8..)
        .map(|(weight, size)| weight * f64::from(size))
        .sum();
    products / BASKET.iter().sum::<f64>()
}

/// A place in the catalogue: group, product.
pub(super) type Place = (usize, usize);

/// A customer and its habits.
pub(super) struct Customer {
    /// The number as the shop sends it: text of a float, as in the real invoices.
    pub(super) id: String,
    pub(super) country: &'static str,
    /// Buys by the dozen.
    pub(super) wholesale: bool,
    /// The groups that it likes most and second most.
    favourites: (usize, usize),
    activity: f64,
    /// First and last week of its time with the shop.
    weeks: (u32, u32),
}

impl Customer {
    pub(super) fn new(random: &mut ChaCha8Rng, number: u32, weeks: u32) -> Self {
        let first = if random.random_bool(0.5) {
            0
        } else {
            random.random_range(0..weeks)
        };
        let last = if random.random_bool(0.7) {
            weeks
        } else {
            random.random_range(first..weeks)
        };
        let favourite = random.random_range(0..TASTES.len());
        let second = (favourite + random.random_range(1..TASTES.len())) % TASTES.len();
        Self {
            id: format!("{}.0", 10_001 + number),
            country: COUNTRIES[pick(random, &COUNTRIES.map(|(_, weight)| weight))].0,
            wholesale: random.random_bool(0.1),
            favourites: (favourite, second),
            // A few buy often, many seldom.
            activity: random.random_range(0.05_f64..1.0).powf(-0.7),
            weeks: (first, last),
        }
    }

    /// How likely this customer is to be the one who buys in a week.
    pub(super) fn activity(&self, week: u32) -> f64 {
        if (self.weeks.0..=self.weeks.1).contains(&week) {
            self.activity
        } else {
            0.0
        }
    }

    /// What it puts into the basket: products of one group, by taste and season, and now and then another.
    pub(super) fn basket(&self, random: &mut ChaCha8Rng, week_of_year: f64) -> Vec<Place> {
        let mut liking: [f64; TASTES.len()] = [0.02; TASTES.len()];
        liking[self.favourites.0] = 0.74;
        liking[self.favourites.1] = 0.20;
        for (liking, taste) in liking.iter_mut().zip(&TASTES) {
            *liking *= taste.season(week_of_year);
        }
        let theme = pick(random, &liking);

        let size = pick(random, &BASKET) + 1;
        let mut basket: Vec<Place> = Vec::with_capacity(size);
        while basket.len() < size {
            let companion = basket.last().map(|(group, product)| (*group, product ^ 1));
            let next = match companion {
                Some(companion) if !basket.contains(&companion) && random.random_bool(0.6) => companion,
                _ => {
                    let group = if random.random_bool(0.9) {
                        theme
                    } else {
                        random.random_range(0..TASTES.len())
                    };
                    match from_group(random, group, &basket) {
                        Some(place) => place,
                        None => break,
                    }
                }
            };
            basket.push(next);
        }
        basket
    }
}

/// A product of a group that is not in the basket yet, the front ones more often.
fn from_group(random: &mut ChaCha8Rng, group: usize, basket: &[Place]) -> Option<Place> {
    let mut wanted = [0.0; GROUP];
    for (product, wanted) in wanted.iter_mut().enumerate() {
        if !basket.contains(&(group, product)) {
            *wanted = 1.0 / (product as f64 + 1.0).powf(0.6);
        }
    }
    wanted
        .iter()
        .any(|wanted| *wanted > 0.0)
        .then(|| (group, pick(random, &wanted)))
}
