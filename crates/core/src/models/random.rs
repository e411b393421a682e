//! Numbers for seeded weights and test data.

/// A small generator of pseudo-random numbers whose sequence never changes (Steele, Lea and
/// Flood, 2014, "Fast splittable pseudorandom number generators"). Not for secrets.
///
/// ```
/// use pocketvision_core::models::SplitMix64;
///
/// let (mut random, mut same) = (SplitMix64::new(7), SplitMix64::new(7));
/// assert_eq!(random.next_u64(), same.next_u64());
/// assert!((-1.0..1.0).contains(&random.signed_unit()));
/// assert!((1..=6).contains(&random.integer(1, 6)));
/// ```
#[derive(Clone, Debug)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// A generator; the same seed gives the same sequence on every machine.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// 64 random bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number evenly spread over -1 (included) to 1 (excluded).
    pub fn signed_unit(&mut self) -> f32 {
        (self.next_u64() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// An integer evenly spread over `low` to `high`, both included.
    pub const fn integer(&mut self, low: i32, high: i32) -> i32 {
        let span = (high as i64 - low as i64 + 1) as u64;
        (low as i64 + ((self.next_u64() as u128 * span as u128) >> 64) as i64) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_range_and_reach_both_ends() {
        let mut random = SplitMix64::new(7);
        let integers: Vec<i32> = (0..2000).map(|_| random.integer(-3, 3)).collect();
        assert_eq!(integers.iter().min(), Some(&-3));
        assert_eq!(integers.iter().max(), Some(&3));
        let mean: f32 = (0..2000).map(|_| random.signed_unit()).sum::<f32>() / 2000.0;
        assert!(mean.abs() < 0.05, "{mean}");
    }
}
