//! A bar chart as SVG.

use std::fmt::Write;

const WIDTH: f64 = 640.0;
const ROW: usize = 26;
/// Where the bars begin, and how long the longest is.
const LEFT: f64 = 120.0;
const LONGEST: f64 = 420.0;

/// A horizontal bar for each server. The first one's stands out.
pub(crate) fn bars(title: &str, unit: &str, costs: &[(&str, f64)]) -> String {
    let height = 48 + ROW * costs.len();
    let max = costs.iter().map(|(_, cost)| *cost).fold(f64::MIN_POSITIVE, f64::max);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"12\" y=\"26\">{}: {}, less is better</text>\n",
        escape(title),
        escape(unit),
    );
    for (index, (server, cost)) in costs.iter().enumerate() {
        let (top, len) = (40 + index * ROW, cost / max * LONGEST);
        let fill = if index == 0 { "#2563eb" } else { "#94a3b8" };
        let (server, cost) = (escape(server), number(*cost));
        let text = top + 14;
        // Writing to a string does not fail.
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{server}</text>\
             <rect x=\"{LEFT}\" y=\"{top}\" width=\"{len:.1}\" height=\"20\" fill=\"{fill}\"/>\
             <text x=\"{:.1}\" y=\"{text}\">{cost}</text>",
            LEFT - 8.0,
            LEFT + len + 6.0,
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn number(cost: f64) -> String {
    if cost < 100.0 { format!("{cost:.2}") } else { format!("{cost:.0}") }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_cost() {
        let svg = bars("echo-1", "µs", &[("axum", 2.5), ("a<b", 5.0)]);
        assert!(svg.contains("width=\"210.0\"") && svg.contains("width=\"420.0\""), "{svg}");
        assert!(svg.contains(">a&lt;b</text>") && svg.contains(">2.50</text>"), "{svg}");
    }

    #[test]
    fn no_cost_is_no_trouble() {
        assert!(bars("idle", "bytes", &[("floor", 0.0)]).contains("width=\"0.0\""));
    }
}
