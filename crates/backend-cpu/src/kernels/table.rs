//! Functions of one byte, as tables: int8 activations, and changes between 8-bit elements.
//!
//! `out[i] = table[in[i]]`. With AVX-512 VBMI the table is held in four registers and 64 bytes are
//! looked up at once, with NEON in sixteen, 16 bytes at once; with AVX2 32 bytes are looked up in
//! sixteen parts of it, one after the other; elsewhere it is a load a byte.

use super::Kernel;
use crate::simd::{Inputs, Simd, Tile};

/// A table lookup.
#[derive(Debug)]
pub(crate) struct Table {
    simd: Simd,
    what: &'static str,
    table: Box<[u8; 256]>,
}

impl Table {
    /// A lookup in a table of 256 bytes, indexed by the input's byte as stored.
    pub(crate) fn new(simd: Simd, what: &'static str, table: [u8; 256]) -> Self {
        Self { simd, what, table: Box::new(table) }
    }
}

impl Kernel for Table {
    fn name(&self) -> String {
        format!("{} table {}", self.what, self.simd.level())
    }

    fn weight_bytes(&self) -> usize {
        self.table.len()
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let input = inputs.bytes(0);
        tile.for_each_run(|offset, run| {
            look_up(self.simd, &self.table, &input[offset..][..run.len()], run);
        });
    }
}

/// Looks every byte up.
fn look_up(simd: Simd, table: &[u8; 256], input: &[u8], output: &mut [u8]) {
    let done = match simd {
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512(proof) => crate::simd::avx512::table::look_up(proof, table, input, output),
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2(proof) => crate::simd::avx2::table::look_up(proof, table, input, output),
        #[cfg(target_arch = "aarch64")]
        Simd::Neon(proof) => crate::simd::neon::table::look_up(proof, table, input, output),
        _ => 0,
    };
    for (out, &x) in output[done..].iter_mut().zip(&input[done..]) {
        *out = table[usize::from(x)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimdLevel;

    #[test]
    fn every_byte_is_looked_up_at_every_level() {
        let table: [u8; 256] = std::array::from_fn(|i| (i * 73 % 256) as u8 ^ 0x5a);
        for level in SimdLevel::available() {
            let simd = Simd::new(level).unwrap();
            for length in [0, 1, 31, 32, 63, 64, 65, 1000] {
                let input: Vec<u8> = (0..length).map(|i| (i * 11 % 256) as u8).collect();
                let mut output = vec![0; length];
                look_up(simd, &table, &input, &mut output);
                let expected: Vec<u8> = input.iter().map(|&x| table[usize::from(x)]).collect();
                assert_eq!(output, expected, "{level}, {length} bytes");
            }
        }
    }
}
