//! The market as plain data: it knows no clients and no clock.

use std::collections::VecDeque;

use crate::messages::{Day, Overview, Snapshot, Stock, Tick, UnknownStock};

/// Prices that are kept of each stock.
const HISTORY: usize = 120;
/// Beats of a day, and of the night after it.
const DAY: u32 = 480;
const NIGHT: u32 = 40;
/// A beat moves a price by this at most, in thousandths of a percent.
const STEP: i64 = 500;

const STOCKS: [Stock; 8] = [
    Stock { symbol: "CRAB", name: "Crab & Daughters", issued: 12_400 },
    Stock { symbol: "FERR", name: "Ferris Wheels", issued: 4_830 },
    Stock { symbol: "OXID", name: "Oxide Paints", issued: 890 },
    Stock { symbol: "CRGO", name: "Cargo Freight", issued: 23_150 },
    Stock { symbol: "BORO", name: "Borrow & Return", issued: 6_700 },
    Stock { symbol: "TRTS", name: "Trait Works", issued: 15_020 },
    Stock { symbol: "LIFE", name: "Lifetime Insurance", issued: 9_990 },
    Stock { symbol: "AWAY", name: "Await Airlines", issued: 3_310 },
];

#[derive(Debug)]
pub(crate) struct Market {
    noise: Noise,
    quotes: Vec<Quote>,
    day: u32,
    open: bool,
    /// Until the day ends, or the night.
    beats_left: u32,
}

#[derive(Debug)]
struct Quote {
    stock: &'static Stock,
    opening: u32,
    price: u32,
    history: VecDeque<u32>,
}

/// What a moment brought.
#[derive(Debug, PartialEq)]
pub(crate) enum Beat {
    Closed(Day),
    Nothing,
    Opened(Day),
    Ticks(Vec<Tick>),
}

impl Market {
    /// A market that opens. The seed decides on everything that happens in it.
    pub(crate) fn new(seed: u64) -> Self {
        let mut noise = Noise(seed);
        let quotes = STOCKS.iter().map(|stock| Quote::new(stock, &mut noise)).collect();
        Self { noise, quotes, day: 1, open: true, beats_left: DAY }
    }

    /// Moves on by one moment.
    pub(crate) fn beat(&mut self) -> Beat {
        if self.beats_left == 0 {
            return if self.open { self.close() } else { self.reopen() };
        }
        self.beats_left -= 1;
        if !self.open {
            return Beat::Nothing;
        }
        Beat::Ticks(self.quotes.iter_mut().map(|quote| quote.tick(&mut self.noise)).collect())
    }

    /// Ends the day, if it is one.
    pub(crate) fn close(&mut self) -> Beat {
        if !self.open {
            return Beat::Nothing;
        }
        self.open = false;
        self.beats_left = NIGHT;
        Beat::Closed(Day { day: self.day })
    }

    fn reopen(&mut self) -> Beat {
        self.open = true;
        self.beats_left = DAY;
        self.day += 1;
        for quote in &mut self.quotes {
            quote.opening = quote.price;
        }
        Beat::Opened(Day { day: self.day })
    }

    pub(crate) fn overview(&self) -> Overview {
        Overview { open: self.open, day: self.day, stocks: &STOCKS }
    }

    pub(crate) fn snapshot(&self, symbol: &str) -> Result<Snapshot<'_>, UnknownStock> {
        let quote = self.quotes.iter().find(|quote| quote.stock.symbol == symbol);
        let Quote { stock, opening, history, .. } = quote.ok_or(UnknownStock)?;
        Ok(Snapshot { symbol: stock.symbol, opening: *opening, history })
    }
}

impl Quote {
    /// A stock with a past, which ends where today begins.
    fn new(stock: &'static Stock, noise: &mut Noise) -> Self {
        let price = stock.issued;
        let mut quote = Self { stock, opening: price, price, history: VecDeque::new() };
        for _ in 0..HISTORY {
            quote.tick(noise);
        }
        quote.opening = quote.price;
        quote
    }

    fn tick(&mut self, noise: &mut Noise) -> Tick {
        // Prices stay near enough to what they began with to fit, whatever the noise.
        let (least, most) = (self.stock.issued / 4, self.stock.issued * 4);
        let step = i64::from(self.price) * noise.between(-STEP, STEP) / 100_000;
        self.price = self.price.saturating_add_signed(step as i32).clamp(least, most);
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(self.price);
        Tick { symbol: self.stock.symbol, price: self.price }
    }
}

/// A linear congruential generator, with Knuth's numbers: good enough for made-up prices, and the
/// same for ever for one seed. For anything that matters take a crate.
#[derive(Debug)]
struct Noise(u64);

impl Noise {
    /// A number from `low` to `high`.
    fn between(&mut self, low: i64, high: i64) -> i64 {
        const FACTOR: u64 = 6_364_136_223_846_793_005;
        const SUMMAND: u64 = 1_442_695_040_888_963_407;
        self.0 = self.0.wrapping_mul(FACTOR).wrapping_add(SUMMAND);
        // The low bits have short periods.
        let random = (self.0 >> 33) as i64;
        low + random % (high - low + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(market: &mut Market) -> Vec<Tick> {
        let mut all = Vec::new();
        while let Beat::Ticks(ticks) = market.beat() {
            all.extend(ticks);
        }
        all
    }

    #[test]
    fn one_seed_is_one_market() {
        let (mut one, mut same, mut other) = (Market::new(1), Market::new(1), Market::new(2));
        let ticks = day(&mut one);
        assert_eq!(ticks.len(), 480 * 8);
        assert_eq!(ticks, day(&mut same));
        assert_ne!(ticks, day(&mut other));
    }

    #[test]
    fn days_and_nights_follow_each_other() {
        let mut market = Market::new(1);
        for number in 1..=3 {
            assert_eq!(market.overview().day, number);
            for _ in 0..480 {
                assert!(matches!(market.beat(), Beat::Ticks(ticks) if ticks.len() == 8));
            }
            assert_eq!(market.beat(), Beat::Closed(Day { day: number }));
            assert!(!market.overview().open);
            for _ in 0..40 {
                assert_eq!(market.beat(), Beat::Nothing);
            }
            assert_eq!(market.beat(), Beat::Opened(Day { day: number + 1 }));
            let snapshot = market.snapshot("CRAB").expect("a stock");
            assert_eq!(Some(&snapshot.opening), snapshot.history.back());
        }
    }

    #[test]
    fn the_history_is_bounded_and_ends_with_the_price_now() {
        let mut market = Market::new(1);
        let ticks = day(&mut market);
        let snapshot = market.snapshot("AWAY").expect("a stock");
        assert_eq!(snapshot.history.len(), 120);
        assert_eq!(snapshot.history.back(), ticks.last().map(|tick| &tick.price));
        assert_eq!(market.snapshot("away").err(), Some(UnknownStock));
    }

    #[test]
    fn prices_move_in_small_steps_and_stay_in_bounds() {
        let mut noise = Noise(7);
        let mut quote = Quote::new(&STOCKS[2], &mut noise);
        for _ in 0..100_000 {
            let before = quote.price;
            quote.tick(&mut noise);
            assert!(quote.price.abs_diff(before) <= before / 200);
            assert!((222..=3560).contains(&quote.price));
        }
    }
}
