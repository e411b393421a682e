//! Where in a tile's memory its blocks lie.

use std::ops::RangeInclusive;

/// Bytes of the smallest memory that first-fit placement needs: the largest buffer first, each
/// at the lowest address that is free as long as it lives.
///
/// The real compiler's figures follow this order, also where another would need less. Costs
/// O(n²) for n buffers.
pub(super) fn first_fit(buffers: &[(u64, RangeInclusive<usize>)]) -> u64 {
    let mut order: Vec<usize> = (0..buffers.len()).filter(|&i| buffers[i].0 > 0).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(buffers[i].0), i));
    // Buffers that have their place, by address.
    let mut placed: Vec<(u64, u64, usize)> = Vec::with_capacity(order.len());
    let mut top = 0;
    for index in order {
        let (bytes, life) = &buffers[index];
        let mut address = 0;
        for &(start, end, other) in &placed {
            let other = &buffers[other].1;
            let together = other.start() <= life.end() && life.start() <= other.end();
            if !together {
                continue;
            }
            if address + bytes <= start {
                break;
            }
            address = address.max(end);
        }
        let end = address.saturating_add(*bytes);
        let position = placed.partition_point(|&(start, ..)| start < address);
        placed.insert(position, (address, end, index));
        top = top.max(end);
    }
    top
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_needs_its_two_largest_neighbours() {
        assert_eq!(first_fit(&[(6, 0..=1), (12, 1..=2), (6, 2..=3), (12, 3..=4)]), 18);
    }

    /// The first layers of MobileNet V1 0.25 at 128 pixels. A cleverer order needs 6948 bytes;
    /// Google's compiler needs 8996, as this does.
    #[test]
    fn the_largest_come_first_even_where_that_costs_memory() {
        let buffers = [(4356, 0..=1), (2592, 1..=2), (2048, 2..=3), (4624, 3..=4), (1024, 4..=5)];
        assert_eq!(first_fit(&buffers), 8996);
    }
}
