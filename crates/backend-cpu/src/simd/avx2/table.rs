//! Table lookups, AVX2: 32 bytes at a time in sixteen tables of 16 bytes.
//!
//! `vpshufb` looks up the lowest four bits of an index whose highest is clear, and yields 0 where
//! it is set. So an index goes down by 16 from table to table, until it is negative, and each
//! table holds only what differs from the one before: exclusive or of all that were met is the
//! number. Indices from 128 on start with the second half of the tables.
//!
//! Floor: 48 operations for 32 bytes.

use std::arch::x86_64::*;

use crate::simd::Avx2;

/// `out = table[input]`; how many bytes were looked up.
pub(crate) fn look_up(_: Avx2, table: &[u8; 256], input: &[u8], output: &mut [u8]) -> usize {
    // SAFETY: the proof says that the machine has the instructions.
    unsafe { look_up_32(table, input, output) }
}

#[target_feature(enable = "avx2")]
fn look_up_32(table: &[u8; 256], input: &[u8], output: &mut [u8]) -> usize {
    let mut differences = [_mm256_setzero_si256(); 16];
    for (index, difference) in differences.iter_mut().enumerate() {
        let at = |index: usize| {
            // SAFETY: the table has 16 times 16 bytes.
            let part = unsafe { _mm_loadu_si128(table.as_ptr().add(index * 16).cast()) };
            _mm256_broadcastsi128_si256(part)
        };
        *difference = match index % 8 {
            0 => at(index),
            _ => _mm256_xor_si256(at(index), at(index - 1)),
        };
    }
    let (sixteen, highest_bit) = (_mm256_set1_epi8(16), _mm256_set1_epi8(i8::MIN));
    let chunks = input.chunks_exact(32).zip(output.chunks_exact_mut(32));
    let done = chunks.len() * 32;
    for (input, output) in chunks {
        // SAFETY: the chunk has 32 bytes.
        let mut low = unsafe { _mm256_loadu_si256(input.as_ptr().cast()) };
        let mut high = _mm256_xor_si256(low, highest_bit);
        let mut found = _mm256_setzero_si256();
        for part in 0..8 {
            let of_low = _mm256_shuffle_epi8(differences[part], low);
            let of_high = _mm256_shuffle_epi8(differences[8 + part], high);
            found = _mm256_xor_si256(found, _mm256_xor_si256(of_low, of_high));
            low = _mm256_subs_epi8(low, sixteen);
            high = _mm256_subs_epi8(high, sixteen);
        }
        // SAFETY: as above.
        unsafe { _mm256_storeu_si256(output.as_mut_ptr().cast(), found) };
    }
    done
}
