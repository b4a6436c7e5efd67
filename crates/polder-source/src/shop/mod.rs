//! A small web shop made up from a seed: seasons, tastes, cancellations, and faulty events on purpose.

mod catalogue;
mod chance;
mod customers;

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use polder_core::{Error, ErrorKind, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::catalogue::{POSTAGE, Product, TASTES, WEEKDAYS, demand};
use self::chance::{pick, poisson};
use self::customers::{Customer, Place, products_a_basket};
use crate::event::{Event, EventSource, Fault, InvoiceLine, Price};

/// The share of product lines that are cancelled later.
const CANCELLED: f64 = 0.025;
/// The share of invoices with a line of postage.
const POSTED: f64 = 0.06;
/// The share of invoices without a customer's number.
const GUESTS: f64 = 0.08;
/// The share of events that the source sends twice, as any real one does.
const SENT_TWICE: f64 = 0.002;
/// Prices rise by this factor a year.
const PRICE_RISE: f64 = 1.04;

const CURRENCY: &str = "GBP";
const FIRST_INVOICE: u32 = 600_001;

/// What kind of shop is made up. The same options give the same events.
#[derive(Debug, Clone, PartialEq)]
pub struct ShopOptions {
    /// The seed of everything random.
    pub seed: u64,
    /// The first day of trading.
    pub start: NaiveDate,
    /// Weeks of trading.
    pub weeks: u32,
    /// Customers with a number.
    pub customers: u32,
    /// About how many events are made.
    pub lines: u64,
    /// The share of events that are faulty on purpose, 0 to 1.
    pub fault_share: f64,
}

impl Default for ShopOptions {
    /// 104 weeks from Monday, 2 January 2023, 300 customers, some 25,000 events, one in a hundred of them faulty.
    fn default() -> Self {
        Self {
            seed: 1,
            start: NaiveDate::from_ymd_opt(2023, 1, 2).unwrap_or_default(),
            weeks: 104,
            customers: 300,
            lines: 25_000,
            fault_share: 0.01,
        }
    }
}

/// The made-up shop's events in order of time, a day at a time.
pub struct Shop {
    options: ShopOptions,
    random: ChaCha8Rng,
    customers: Vec<Customer>,
    /// Mean number of invoices on a day of demand 1.
    invoices_a_day: f64,
    day: u32,
    /// Lines that will be cancelled, by time; the number tells apart what happens in the same second.
    cancellations: BTreeMap<(DateTime<Utc>, u64), InvoiceLine>,
    scheduled: u64,
    next_invoice: u32,
    lines_made: u64,
    faults: FaultSchedule,
    ready: VecDeque<Event>,
}

/// Faults in turn, so that each kind appears even where there are few.
#[derive(Default)]
struct FaultSchedule {
    next: usize,
}

impl FaultSchedule {
    fn next(&mut self) -> Fault {
        let fault = Fault::ALL[self.next % Fault::ALL.len()];
        self.next += 1;
        fault
    }
}

impl Shop {
    /// A shop before its first day.
    ///
    /// # Errors
    /// `Usage` where a share is not within 0 and 1, or there are no weeks, no customers or no lines, or more than a
    /// hundred years.
    pub fn new(options: ShopOptions) -> Result<Self> {
        let usage = |what: &str| Err(Error::new(ErrorKind::Usage, format!("cannot make up a shop: {what}")));
        if !(0.0..=1.0).contains(&options.fault_share) {
            return usage("the share of faulty events must be within 0 and 1");
        }
        if !(1..=5_200).contains(&options.weeks) {
            return usage("weeks must be within 1 and 5200");
        }
        if options.customers == 0 || options.lines == 0 {
            return usage("there must be customers and lines");
        }
        let mut random = ChaCha8Rng::seed_from_u64(options.seed);
        let customers = (0..options.customers)
            .map(|number| Customer::new(&mut random, number, options.weeks))
            .collect();
        let lines_an_invoice = products_a_basket() * (1.0 + CANCELLED) + POSTED;
        let total: f64 = (0..options.weeks * 7)
            .map(|day| Calendar::new(&options, day).demand)
            .sum();
        let invoices_a_day = options.lines as f64 / ((1.0 + SENT_TWICE) * lines_an_invoice * total);
        Ok(Self {
            random,
            customers,
            invoices_a_day,
            day: 0,
            cancellations: BTreeMap::new(),
            scheduled: 0,
            next_invoice: FIRST_INVOICE,
            lines_made: 0,
            faults: FaultSchedule::default(),
            ready: VecDeque::new(),
            options,
        })
    }

    /// Trades for a day: its invoices and the cancellations that fall on it, by time.
    fn trade(&mut self) {
        let calendar = Calendar::new(&self.options, self.day);
        self.day += 1;
        let weather = self.random.random_range(0.85..1.15);
        let orders = poisson(&mut self.random, self.invoices_a_day * calendar.demand * weather);
        let mut times: Vec<_> = (0..orders)
            .map(|_| calendar.opens + self.seconds(8 * 3600..20 * 3600))
            .collect();
        times.sort();

        let buyers: Vec<f64> = self
            .customers
            .iter()
            .map(|customer| customer.activity(calendar.week))
            .collect();
        for time in times {
            self.cancel_until(time);
            self.sell(time, &calendar, &buyers);
        }
        self.cancel_until(calendar.opens + TimeDelta::days(1));
    }

    fn sell(&mut self, time: DateTime<Utc>, calendar: &Calendar, buyers: &[f64]) {
        let buyer = pick(&mut self.random, buyers);
        let basket = self.customers[buyer].basket(&mut self.random, calendar.week_of_year);
        let invoice_no = self.invoice_number("");
        let guest = self.random.random_bool(GUESTS);
        let customer = &self.customers[buyer];
        let (country, wholesale) = (customer.country, customer.wholesale);
        let customer_id = (!guest).then(|| customer.id.clone());
        let line = |product: &Product, name: Option<&str>, quantity: i32, pence: i32| InvoiceLine {
            invoice_no: invoice_no.clone(),
            stock_code: Some(product.code.to_owned()),
            description: name.map(str::to_owned),
            quantity,
            invoice_date: time,
            unit_price: Price::from_pence(pence),
            customer_id: customer_id.clone(),
            country: Some(country.to_owned()),
            currency: CURRENCY.to_owned(),
        };

        for place in basket {
            let product = &TASTES[place.0].products[place.1];
            let quantity = self.quantity(wholesale);
            let sold = line(
                product,
                self.description(place, calendar).as_deref(),
                quantity,
                self.pence(product, calendar),
            );
            if self.random.random_bool(CANCELLED) {
                let later = time + TimeDelta::days(1) + self.seconds(0..14 * 86_400);
                self.scheduled += 1;
                self.cancellations.insert((later, self.scheduled), sold.clone());
            }
            self.emit(sold);
        }
        if self.random.random_bool(POSTED) {
            self.emit(line(&POSTAGE, Some(POSTAGE.name), 1, POSTAGE.pence));
        }
    }

    /// Emits the cancellations that fall before a time: the line with its quantity turned, under a number of its own.
    fn cancel_until(&mut self, time: DateTime<Utc>) {
        while let Some(entry) = self.cancellations.first_entry() {
            if entry.key().0 >= time {
                break;
            }
            let ((when, _), sold) = entry.remove_entry();
            let invoice_no = self.invoice_number("C");
            self.emit(InvoiceLine {
                invoice_no,
                quantity: -sold.quantity,
                invoice_date: when,
                ..sold
            });
        }
    }

    fn emit(&mut self, line: InvoiceLine) {
        self.lines_made += 1;
        let mut event = Event::new(&format!("shop/{}/{}", self.options.seed, self.lines_made), line);
        if self.random.random_bool(self.options.fault_share) {
            self.faults.next().apply(&mut event);
        } else if self.random.random_bool(SENT_TWICE) {
            self.ready.push_back(event.clone());
        }
        self.ready.push_back(event);
    }

    fn invoice_number(&mut self, prefix: &str) -> String {
        let number = self.next_invoice;
        self.next_invoice += 1;
        format!("{prefix}{number}")
    }

    fn quantity(&mut self, wholesale: bool) -> i32 {
        let weights = [40.0, 25.0, 10.0, 10.0, 2.0, 13.0];
        let units = pick(&mut self.random, &weights) as i32 + 1;
        if wholesale { units * 6 } else { units }
    }

    /// This year's price, now and then a fifth less.
    fn pence(&mut self, product: &Product, calendar: &Calendar) -> i32 {
        let offer = if self.random.random_bool(0.03) { 0.8 } else { 1.0 };
        let price = f64::from(product.pence) * PRICE_RISE.powi((calendar.week / 52) as i32) * offer;
        (price.round() as i32).max(1)
    }

    /// Names change from the second year on for some products, and now and then nobody typed one.
    fn description(&mut self, (group, product): Place, calendar: &Calendar) -> Option<String> {
        let name = TASTES[group].products[product].name;
        match self.random.random_bool(0.003) {
            true => None,
            false if calendar.week >= 52 && product == 6 => Some(format!("{name} NEW DESIGN")),
            false => Some(name.to_owned()),
        }
    }

    fn seconds(&mut self, range: std::ops::Range<i64>) -> TimeDelta {
        TimeDelta::seconds(self.random.random_range(range))
    }
}

impl EventSource for Shop {
    fn next_event(&mut self) -> Result<Option<Event>> {
        while self.ready.is_empty() && self.day < self.options.weeks * 7 {
            self.trade();
        }
        Ok(self.ready.pop_front())
    }

    fn expected(&self) -> Option<u64> {
        Some(self.options.lines)
    }
}

/// A day of trading.
struct Calendar {
    /// Midnight at its beginning.
    opens: DateTime<Utc>,
    /// Weeks since the first day.
    week: u32,
    week_of_year: f64,
    demand: f64,
}

impl Calendar {
    fn new(options: &ShopOptions, day: u32) -> Self {
        let date = options
            .start
            .checked_add_days(Days::new(u64::from(day)))
            .unwrap_or(options.start);
        let week = day / 7;
        let week_of_year = f64::from(date.ordinal0()) / 7.0;
        let weekday = WEEKDAYS[date.weekday().num_days_from_monday() as usize];
        Self {
            opens: date.and_time(chrono::NaiveTime::MIN).and_utc(),
            week,
            week_of_year,
            demand: demand(f64::from(day) / 7.0, week_of_year) * weekday,
        }
    }
}

#[cfg(test)]
mod tests;
