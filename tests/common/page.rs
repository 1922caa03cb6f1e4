//! Tables of tests that a page of the documentation repeats.

use std::path::Path;

/// Makes a test of each row, and a list of what the rows say.
macro_rules! rows {
    ($($test:ident: $fault:literal => $gives:literal,)+) => {
        const ROWS: &[(&str, &str)] = &[$(($fault, $gives)),+];

        mod row {
            $(#[test]
            fn $test() {
                super::$test();
            })+
        }
    };
}
pub(crate) use rows;

/// Holds a section of `FAULTS.md` to the rows that are tested. `TOKENSENSE_BLESS=1` writes it anew.
pub(crate) fn check(section: &str, rows: &[(&str, &str)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("FAULTS.md");
    let page = std::fs::read_to_string(&path).expect("FAULTS.md");
    let heading = format!("## {section}\n");
    let (before, rest) = page.split_once(&heading).expect("the section");
    let table_at = rest.find("|").expect("a table");
    let (intro, rest) = rest.split_at(table_at);
    let table_len: usize = rest
        .split_inclusive('\n')
        .take_while(|line| line.starts_with('|'))
        .map(str::len)
        .sum();
    let (table, after) = rest.split_at(table_len);
    let head = table.lines().take(2);
    let head: String = head.map(|line| line.to_owned() + "\n").collect();
    let rows = rows
        .iter()
        .map(|(what, gives)| format!("| {what} | {gives} |\n"));
    let want = head + &rows.collect::<String>();
    if std::env::var_os("TOKENSENSE_BLESS").is_some() {
        std::fs::write(path, format!("{before}{heading}{intro}{want}{after}")).expect("writable");
    } else {
        assert_eq!(
            table, want,
            "FAULTS.md is behind: TOKENSENSE_BLESS=1 cargo test writes it anew"
        );
    }
}
