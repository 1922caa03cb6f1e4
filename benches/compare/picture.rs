//! The table as a picture: bars from the reference's 1, to the right where tokensense is better.

use std::fmt::Write as _;

use crate::{Better, Row};

const WIDTH: f64 = 860.0;
const LINE: f64 = 26.0;
/// Where a bar begins, and how long one is for each tenfold.
const MIDDLE: f64 = 560.0;
const TENFOLD: f64 = 110.0;

/// An SVG of those rows that are ratios.
pub(crate) fn of(rows: &[Row]) -> String {
    let ratios: Vec<_> = rows
        .iter()
        .filter(|row| row.unit.starts_with('×'))
        .collect();
    let height = LINE * (ratios.len() as f64 + 2.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <style>text{{fill:#1f2328}}line{{stroke:#8c959f}}.more{{fill:#2da44e}}.less{{fill:#bf8700}}.box{{fill:#fff}}\
         @media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}.box{{fill:#0d1117}}}}</style>\n\
         <rect class=\"box\" width=\"100%\" height=\"100%\"/>\n\
         <line x1=\"{MIDDLE}\" x2=\"{MIDDLE}\" y1=\"{top}\" y2=\"{height}\"/>\n\
         <text x=\"{MIDDLE}\" y=\"18\" text-anchor=\"middle\">slower | faster</text>\n",
        top = LINE,
    );
    for (at, row) in ratios.iter().enumerate() {
        let y = LINE * (at as f64 + 1.5);
        let speed = match row.better {
            Better::Higher => row.value,
            Better::Lower => 1.0 / row.value,
        };
        let length = (speed.log10() * TENFOLD).clamp(-90.0, 210.0);
        let (class, x) = if length < 0.0 {
            ("less", MIDDLE + length)
        } else {
            ("more", MIDDLE)
        };
        let name = match row.better {
            Better::Higher => "speed",
            Better::Lower => "time",
        };
        let _ = writeln!(
            svg,
            "<text x=\"12\" y=\"{base}\">{what}</text><text x=\"455\" y=\"{base}\" text-anchor=\"end\">{name} {value:.2} {unit}</text>\
             <rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"12\" rx=\"2\"/>",
            base = y + 11.0,
            what = row.what,
            value = row.value,
            unit = row.unit,
            width = length.abs().max(1.0),
        );
    }
    svg.push_str("</svg>\n");
    svg
}
