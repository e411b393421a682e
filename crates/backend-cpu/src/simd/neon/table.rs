//! Table lookups, NEON: 16 bytes at a time in a table held in 16 registers.
//!
//! Floor: four lookups in four registers each and three subtractions for 16 bytes.

use std::arch::aarch64::*;

use crate::simd::Neon;

/// `out = table[input]`; how many bytes were looked up: all but the last few.
pub(crate) fn look_up(_: Neon, table: &[u8; 256], input: &[u8], output: &mut [u8]) -> usize {
    // SAFETY: the proof says that the machine has the instructions.
    unsafe { look_up_16(table, input, output) }
}

#[target_feature(enable = "neon")]
fn look_up_16(table: &[u8; 256], input: &[u8], output: &mut [u8]) -> usize {
    let quarter = |index: usize| {
        // SAFETY: the table has 256 bytes.
        unsafe { vld1q_u8_x4(table.as_ptr().add(index * 64)) }
    };
    let quarters = [quarter(0), quarter(1), quarter(2), quarter(3)];
    let quarter_length = vdupq_n_u8(64);
    let chunks = input.chunks_exact(16).zip(output.chunks_exact_mut(16));
    let done = chunks.len() * 16;
    for (input, output) in chunks {
        // SAFETY: the chunks have 16 bytes.
        unsafe {
            let mut index = vld1q_u8(input.as_ptr());
            // What is beyond a quarter leaves the bytes as they are.
            let mut found = vqtbl4q_u8(quarters[0], index);
            for quarter in &quarters[1..] {
                index = vsubq_u8(index, quarter_length);
                found = vqtbx4q_u8(found, *quarter, index);
            }
            vst1q_u8(output.as_mut_ptr(), found);
        }
    }
    done
}
