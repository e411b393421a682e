//! How tables look, and how numbers in them are written.

use std::io::{self, Write};

use anstyle::Style;
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use crate::terminal::{HEAD, paint};

/// A table with a header; columns whose title ends in a unit or count are set flush right.
pub(crate) fn table(header: &[&str], right_aligned: &[usize]) -> Table {
    let style = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
    let mut table = Table::new();
    table.load_style(style);
    table.set_header(header.to_vec());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for &column in right_aligned {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Writes a table without spaces at its lines' ends.
pub(crate) fn write_table(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    write_styled_table(table, |_| None, out)
}

/// As [`write_table`]; `last` says of a row, by its number, in which style its last cell is.
pub(crate) fn write_styled_table(
    table: &Table,
    last: impl Fn(usize) -> Option<Style>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let cell = |row: usize| table.row(row)?.cell_iter().last().map(|cell| cell.content());
    let mut lines = table.lines();
    for line in lines.by_ref() {
        if line.starts_with('─') {
            writeln!(out, "{line}")?;
            break;
        }
        writeln!(out, "{}", paint(HEAD, line.trim_end()))?;
    }
    for (row, line) in lines.enumerate() {
        let line = line.trim_end();
        match last(row).zip(cell(row)) {
            Some((style, cell)) if line.ends_with(&*cell) => {
                let (start, end) = line.split_at(line.len() - cell.len());
                writeln!(out, "{start}{}", paint(style, end))?;
            }
            _ => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

/// TFLite joins the names of all that was fused into an operator by semicolons: the first says
/// enough.
pub(crate) fn first_name(names: &str) -> &str {
    names.split(';').next().unwrap_or(names)
}

/// A node's name, shortened. Of a long path, the end tells most.
pub(crate) fn short_name(name: &str) -> String {
    let first = first_name(name);
    let characters = first.chars().count();
    if characters <= LONGEST_NAME {
        return first.to_owned();
    }
    let end: String = first.chars().skip(characters - (LONGEST_NAME - 1)).collect();
    format!("…{end}")
}

/// Milliseconds with three significant digits, as in `3.21`.
pub(crate) fn milliseconds(ms: f64) -> String {
    let decimals = match ms.abs() {
        x if x >= 100.0 => 0,
        x if x >= 10.0 => 1,
        x if x >= 1.0 => 2,
        _ => 3,
    };
    format!("{ms:.decimals$}")
}

/// A share as a percentage, as in `12.5 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A large count with a decimal prefix, as in `990.1 M`.
pub(crate) fn count(number: u64) -> String {
    prefixed(number as f64, 1e3, ["", " k", " M", " G", " T"])
}

/// Bytes with a binary prefix, as in `3.9 MiB`.
pub(crate) fn bytes(number: u64) -> String {
    prefixed(number as f64, 1024.0, [" B", " KiB", " MiB", " GiB", " TiB"])
}

fn prefixed(mut number: f64, step: f64, prefixes: [&str; 5]) -> String {
    let mut index = 0;
    while number >= step && index + 1 < prefixes.len() {
        number /= step;
        index += 1;
    }
    let decimals = usize::from(index > 0);
    format!("{number:.decimals$}{}", prefixes[index])
}

/// Characters of a node's name that a table shows.
const LONGEST_NAME: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_their_beginning_or_their_end() {
        assert_eq!(short_name("conv/Relu;conv/add_fold"), "conv/Relu");
        let long = short_name(&format!("{}é/project", "x".repeat(60)));
        assert_eq!(long.chars().count(), LONGEST_NAME);
        assert!(long.starts_with('…') && long.ends_with("é/project"), "{long}");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(milliseconds(0.04), "0.040");
        assert_eq!(milliseconds(3.214), "3.21");
        assert_eq!(milliseconds(1234.5), "1234");
        assert_eq!(count(990_123_456), "990.1 M");
        assert_eq!(count(12), "12");
        assert_eq!(bytes(4 << 20), "4.0 MiB");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(percent(0.125), "12.5 %");
    }
}
