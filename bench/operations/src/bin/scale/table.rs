//! Tables in Markdown.

use std::fmt;

/// What one measurement gave.
#[derive(Debug)]
pub(crate) struct Table {
    title: &'static str,
    text: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<C: Into<String>>(
        title: &'static str,
        text: &'static str,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        let columns = columns.into_iter().map(Into::into).collect();
        Self { title, text, columns, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<_> = cells.into_iter().collect();
        assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### {}\n\n{}\n", self.title, self.text)?;
        writeln!(f, "| {} |", self.columns.join(" | "))?;
        writeln!(f, "| {} |", vec!["--:"; self.columns.len()].join(" | "))?;
        self.rows.iter().try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}

/// A number without a fraction, its thousands apart.
pub(crate) fn whole(number: impl Into<f64>) -> String {
    let digits = format!("{:.0}", number.into());
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number with two digits of its fraction.
pub(crate) fn fraction(number: f64) -> String {
    format!("{number:.2}")
}

/// A size, as a row begins with.
pub(crate) fn size(size: usize) -> String {
    whole(size as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_markdown() {
        let mut table = Table::new("Echo", "One event.", ["connections", "ns"]);
        table.row([size(1000), whole(999.6)]);
        let expected = "### Echo\n\nOne event.\n\n\
                        | connections | ns |\n| --: | --: |\n| 1,000 | 1,000 |\n";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn thousands_are_apart() {
        for (number, expected) in
            [(0.0, "0"), (999.0, "999"), (12_345.0, "12,345"), (1e6, "1,000,000")]
        {
            assert_eq!(whole(number), expected);
        }
    }
}
