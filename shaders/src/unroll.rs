//! Loops written out.
//!
//! A tile of sums lives in registers only if each index is a constant, and not every driver
//! unrolls a loop that it could. So a loop whose line ends in `// unrolled` is replaced by its
//! body, once for each value of its counter, which becomes a `const`. The file stays valid
//! WGSL as it stands. With `// unrolled for fours` that is done where [`Variant::has_fours`] says so:
//! there tiles are small.

use std::fmt::Write as _;

use crate::Variant;

/// The text with all marked loops written out.
///
/// # Panics
/// If a marked loop is not of the form `for (var i = 0u; i < COUNT; i++) { // unrolled`, with
/// a count that [`Variant::count`] knows: a mistake in a file of this crate, which the tests
/// find.
pub(crate) fn unroll(text: &str, variant: &Variant) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut output = String::with_capacity(4 * text.len());
    block(&lines, variant, &mut output);
    output
}

fn block(mut lines: &[&str], variant: &Variant, output: &mut String) {
    while let Some((line, rest)) = lines.split_first() {
        let mark =
            if variant.has_fours && line.ends_with(MARK_FOR_FOURS) { MARK_FOR_FOURS } else { MARK };
        let Some(header) = line.trim_end().strip_suffix(mark) else {
            output.push_str(line);
            output.push('\n');
            lines = rest;
            continue;
        };
        let indent = &line[..line.len() - line.trim_start().len()];
        let is_end = |line: &&str| line.strip_prefix(indent) == Some("}");
        let end = rest.iter().position(is_end).expect("an unrolled loop has an end");
        let (counter, count) = header
            .trim_start()
            .strip_prefix("for (var ")
            .and_then(|header| {
                let (counter, header) = header.split_once(" = 0u; ")?;
                let (condition, _) = header.split_once("; ")?;
                let (_, bound) = condition.split_once(" < ")?;
                Some((counter, variant.count(bound)?))
            })
            .unwrap_or_else(|| panic!("not a loop that can be unrolled: {line}"));
        for value in 0..count {
            // Writing to a string cannot fail.
            let _ = writeln!(output, "{indent}{{\n{indent}    const {counter} = {value}u;");
            block(&rest[..end], variant, output);
            let _ = writeln!(output, "{indent}}}");
        }
        lines = &rest[end + 1..];
    }
}

const MARK: &str = "{ // unrolled";
const MARK_FOR_FOURS: &str = "{ // unrolled for fours";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_loops_become_blocks_with_constants() {
        let text = "\
fn f() {
    for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
        for (var q = 0u; q < TILE_QUADS; q++) { // unrolled
            g(p, q);
        }
    }
    for (var k = 0u; k < n; k++) {
    }
}
";
        let variant = Variant { tile_pixels: 2, tile_quads: 1, ..Variant::default() };
        let expected = "\
fn f() {
    {
        const p = 0u;
        {
            const q = 0u;
            g(p, q);
        }
    }
    {
        const p = 1u;
        {
            const q = 0u;
            g(p, q);
        }
    }
    for (var k = 0u; k < n; k++) {
    }
}
";
        assert_eq!(unroll(text, &variant), expected);
    }

    #[test]
    fn loops_for_fours_stay_loops_for_others() {
        let text = "for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled for fours\n    f(p);\n}\n";
        let variant = Variant { tile_pixels: 4, ..Variant::default() };
        assert_eq!(unroll(text, &variant), text);
        let in_fours = unroll(text, &Variant { has_fours: true, ..variant });
        assert_eq!(in_fours.matches("f(p);").count(), 4);
    }
}
