//! What the shop sells: products in groups of taste, and when people want them.

use std::f64::consts::TAU;

/// Products that go together, the most wanted first. Neighbours (first and second, third and fourth, …) are the ones
/// that are bought together most.
pub(super) struct Taste {
    pub(super) products: [Product; GROUP],
    /// The week of the year with the most demand.
    peak_week: f64,
    /// How far demand swings around its mean, 0 to 1.
    swing: f64,
}

/// A product at its price of the first year.
pub(super) struct Product {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) pence: i32,
}

/// Products in a group.
pub(super) const GROUP: usize = 8;

/// Postage: a line that is no product.
pub(super) const POSTAGE: Product = product("POST", "POSTAGE", 495);

const WEEKS_A_YEAR: f64 = 52.18;

impl Taste {
    /// Demand in a week of the year, around 1.
    pub(super) fn season(&self, week_of_year: f64) -> f64 {
        1.0 + self.swing * (TAU * (week_of_year - self.peak_week) / WEEKS_A_YEAR).cos()
    }
}

/// Demand of the whole shop in a week, around 1: more in autumn, a rush before Christmas, growth from year to year.
pub(super) fn demand(week: f64, week_of_year: f64) -> f64 {
    let year = 1.0 + 0.25 * (TAU * (week_of_year - 45.0) / WEEKS_A_YEAR).cos();
    let rush = if (46.0..51.0).contains(&week_of_year) {
        1.35
    } else {
        1.0
    };
    let growth = 1.0 + 0.12 * week / WEEKS_A_YEAR;
    year * rush * growth
}

/// Demand by day of the week, Monday first; the mean is 1.
pub(super) const WEEKDAYS: [f64; 7] = [1.15, 1.20, 1.15, 1.15, 1.05, 0.60, 0.70];

/// The groups of taste.
pub(super) const TASTES: [Taste; 5] = [
    Taste {
        peak_week: 40.0,
        swing: 0.15,
        products: [
            product("21001", "RED SPOTTED TEA TOWEL", 295),
            product("21002", "SET OF 3 TEA TINS", 895),
            product("21003", "ENAMEL MIXING BOWL", 1250),
            product("21004", "WOODEN SPOON SET", 450),
            product("21005A", "CAKE STAND TWO TIER", 1695),
            product("21005B", "CAKE STAND THREE TIER", 2195),
            product("21006", "RECIPE BOX", 795),
            product("21007", "EGG TIMER HEN", 375),
        ],
    },
    Taste {
        peak_week: 22.0,
        swing: 0.55,
        products: [
            product("22101", "GLASS STAR FROSTED T-LIGHT HOLDER", 195),
            product("22102", "BOX OF 24 T-LIGHTS", 425),
            product("22103", "PLANT MARKERS SLATE", 345),
            product("22104", "SEED TIN", 650),
            product("22105", "WATERING CAN GREEN", 1195),
            product("22106", "GARDENING GLOVES", 550),
            product("22107", "BIRD FEEDER", 895),
            product("22108", "BUNTING COTTON", 495),
        ],
    },
    Taste {
        peak_week: 48.0,
        swing: 0.9,
        products: [
            product("23201", "WOODEN STAR CHRISTMAS", 125),
            product("23202", "WOODEN HEART CHRISTMAS", 125),
            product("23203", "GIFT WRAP STARS", 42),
            product("23204", "GIFT TAGS VINTAGE", 85),
            product("23205", "ADVENT CALENDAR TOWN", 1095),
            product("23206", "CANDLE CINNAMON", 595),
            product("23207", "PAPER CHAIN KIT", 295),
            product("23208", "SNOW GLOBE", 750),
        ],
    },
    Taste {
        peak_week: 35.0,
        swing: 0.3,
        products: [
            product("24301", "LUNCH BOX DOLLY", 195),
            product("24302", "LUNCH BAG DOLLY", 165),
            product("24303", "PENCIL CASE ROCKET", 225),
            product("24304", "WOODEN JIGSAW FARM", 650),
            product("24305", "SKIPPING ROPE", 275),
            product("24306", "SPINNING TOP", 325),
            product("24307", "NIGHT LIGHT RABBIT", 1450),
            product("24308", "CHILDRENS APRON", 550),
        ],
    },
    Taste {
        peak_week: 5.0,
        swing: 0.25,
        products: [
            product("25401", "NOTEBOOK BOTANICAL A5", 350),
            product("25402", "FOUNTAIN PEN BLUE", 1295),
            product("25403", "WASHI TAPE SET", 495),
            product("25404", "STICKER SHEET", 125),
            product("25405", "PHOTO ALBUM LINEN", 1850),
            product("25406", "PHOTO CORNERS", 250),
            product("25407", "SEALING WAX KIT", 995),
            product("25408", "LETTER SET", 595),
        ],
    },
];

const fn product(code: &'static str, name: &'static str, pence: i32) -> Product {
    Product { code, name, pence }
}
