//! The blocks that tiles work on.

use std::ops::Range;

use pocketvision_core::Shape;

use crate::chip::Array;

/// One tile's block of an output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Block {
    /// Rows.
    pub(super) rows: Range<usize>,
    /// Columns.
    pub(super) columns: Range<usize>,
}

/// The blocks of an output, one for each tile that has any, row by row.
pub(super) fn blocks(output: Shape, array: &Array) -> Vec<Block> {
    let rows = cut(output.h, array.tile_rows);
    let columns = cut(output.w, array.tile_columns);
    let pairs = rows.iter().flat_map(|rows| columns.iter().map(move |columns| (rows, columns)));
    pairs.map(|(rows, columns)| Block { rows: rows.clone(), columns: columns.clone() }).collect()
}

/// Cuts a length into at most `parts` ranges, all but the last of equal length.
fn cut(length: usize, parts: usize) -> Vec<Range<usize>> {
    let part = length.div_ceil(parts);
    (0..length).step_by(part).map(|start| start..(start + part).min(length)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_each_position_once() {
        let array = crate::Chip::preset("coral").unwrap().array;
        for (h, w) in [(1, 1), (3, 5), (7, 7), (14, 9), (56, 56)] {
            let mut covered = vec![0; h * w];
            for block in blocks(Shape::new(1, h, w, 8), &array) {
                for y in block.rows {
                    block.columns.clone().for_each(|x| covered[y * w + x] += 1);
                }
            }
            assert!(covered.iter().all(|&times| times == 1), "{h}x{w}: {covered:?}");
        }
    }
}
