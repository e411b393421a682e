//! Table lookups, AVX-512 VBMI: 64 bytes at a time in a table held in four registers.

use std::arch::x86_64::*;

use crate::simd::Avx512;

/// `out = table[input]`; how many bytes were looked up: none on machines without VBMI.
pub(crate) fn look_up(_: Avx512, table: &[u8; 256], input: &[u8], output: &mut [u8]) -> usize {
    if is_x86_feature_detected!("avx512vbmi") {
        // SAFETY: the machine has VBMI, and by the proof all else.
        unsafe { look_up_64(table, input, output) }
    } else {
        0
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn look_up_64(table: &[u8; 256], input: &[u8], output: &mut [u8]) -> usize {
    let quarters: [__m512i; 4] = std::array::from_fn(|quarter| {
        // SAFETY: the table has 256 bytes.
        unsafe { _mm512_loadu_si512(table.as_ptr().add(quarter * 64).cast()) }
    });
    let chunks = input.chunks_exact(64).zip(output.chunks_exact_mut(64));
    let done = chunks.len() * 64;
    for (input, output) in chunks {
        // SAFETY: the chunks have 64 bytes.
        unsafe {
            let index = _mm512_loadu_si512(input.as_ptr().cast());
            // Seven bits of the index choose from two registers, the eighth between both.
            let low = _mm512_permutex2var_epi8(quarters[0], index, quarters[1]);
            let high = _mm512_permutex2var_epi8(quarters[2], index, quarters[3]);
            let found = _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(index), high);
            _mm512_storeu_si512(output.as_mut_ptr().cast(), found);
        }
    }
    done
}
