//! Tensors side by side.

use super::Kernel;
use crate::simd::{Inputs, Tile};

/// Copies runs of bytes: a row of the output is one run of each input after the other. In
/// int8 an input of another scale than the output goes through a table.
#[derive(Debug)]
pub(crate) struct ConcatKernel {
    parts: Vec<ConcatPart>,
}

/// One input of a [`ConcatKernel`].
#[derive(Debug)]
pub(crate) struct ConcatPart {
    /// Bytes of its runs.
    pub(crate) run_bytes: usize,
    /// From its scale to the output's, if they differ.
    pub(crate) table: Option<Box<[u8; 256]>>,
}

impl ConcatKernel {
    pub(crate) const fn new(parts: Vec<ConcatPart>) -> Self {
        Self { parts }
    }
}

impl Kernel for ConcatKernel {
    fn name(&self) -> String {
        "concat".into()
    }

    fn weight_bytes(&self) -> usize {
        self.parts.iter().filter(|part| part.table.is_some()).count() * 256
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let columns = tile.columns();
        for row in tile.rows() {
            let mut start = 0;
            for (index, part) in self.parts.iter().enumerate() {
                let end = start + part.run_bytes;
                let own = start.max(columns.start)..end.min(columns.end);
                if !own.is_empty() {
                    let from = row * part.run_bytes + own.start - start;
                    let input = &inputs.bytes(index)[from..][..own.len()];
                    let output = tile.row_columns(row, own);
                    match &part.table {
                        None => output.copy_from_slice(input),
                        Some(table) => {
                            for (out, &x) in output.iter_mut().zip(input) {
                                *out = table[usize::from(x)];
                            }
                        }
                    }
                }
                start = end;
            }
        }
    }
}
