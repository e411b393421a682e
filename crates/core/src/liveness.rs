//! When each activation is needed, and where in one arena it can live.
//!
//! Used by every backend that overlays activations: an activation's bytes are free for
//! others before the node that writes it and after the last node that reads it.

use std::ops::RangeInclusive;

use crate::{Graph, Keep};

/// Bytes that each arena offset is a multiple of: one cache line, one AVX-512 vector.
pub const ALIGNMENT_BYTES: usize = 64;

/// For each node, the positions in node order between which its output must be kept, from
/// the node that writes it to the last one that reads it. What the caller gets back, and
/// with [`Keep::EveryNode`] everything, lives to the end.
///
/// ```
/// # use pocketvision_core::{Element, GraphBuilder, Keep, liveness, Op, Shape, TensorType, op};
/// # let mut builder = GraphBuilder::new("tiny");
/// # let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
/// # let relu = Op::Activation(op::Activation { kind: op::ActivationKind::Relu });
/// # let positive = builder.push("positive", relu, &[image])?;
/// # let graph = builder.finish(&[positive])?;
///
/// // The image until the node that reads it, what it yields to the end.
/// assert_eq!(liveness::lifetimes(&graph, Keep::Outputs), [0..=1, 1..=2]);
/// assert_eq!(liveness::lifetimes(&graph, Keep::EveryNode), [0..=2, 1..=2]);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
pub fn lifetimes(graph: &Graph, keep: Keep) -> Vec<RangeInclusive<usize>> {
    let end = graph.nodes().len();
    let mut last_use: Vec<usize> = (0..end).collect();
    for (id, node) in graph.iter() {
        for input in &node.inputs {
            last_use[input.index()] = id.index();
        }
    }
    match keep {
        Keep::EveryNode => last_use.fill(end),
        Keep::Outputs => graph.outputs().iter().for_each(|id| last_use[id.index()] = end),
    }
    last_use.into_iter().enumerate().map(|(first, last)| first..=last).collect()
}

/// Where each of a set of buffers lives in one arena.
///
/// ```
/// use pocketvision_core::liveness::plan_arena;
///
/// // The third is needed when the first no longer is, and takes its place.
/// let plan = plan_arena(&[128, 64, 128], &[0..=1, 1..=2, 2..=3]);
/// assert_eq!(plan.bytes, 192);
/// assert_eq!(plan.offsets[0], plan.offsets[2]);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArenaPlan {
    /// Byte offset of each buffer, in the order given; a multiple of [`ALIGNMENT_BYTES`].
    pub offsets: Vec<usize>,
    /// Bytes of the whole arena.
    pub bytes: usize,
}

/// Places buffers, each of `sizes[i]` bytes and needed during `lifetimes[i]`, so that no
/// two that are needed at once overlap.
///
/// Greedy by size, each at the lowest offset that fits (Pisarchyk and Lee, 2020,
/// "Efficient memory management for deep neural net inference"). Buffers of zero bytes are
/// placed at offset 0 and never collide. Costs O(n²) for n buffers.
///
/// ```
/// use pocketvision_core::liveness::plan_arena;
///
/// // All at once, then one after the other.
/// assert_eq!(plan_arena(&[64; 3], &[0..=5, 0..=5, 0..=5]).bytes, 192);
/// assert_eq!(plan_arena(&[64; 3], &[0..=1, 2..=3, 4..=5]).bytes, 64);
/// ```
pub fn plan_arena(sizes: &[usize], lifetimes: &[RangeInclusive<usize>]) -> ArenaPlan {
    assert_eq!(sizes.len(), lifetimes.len(), "one lifetime for each buffer");
    let aligned = |bytes: usize| bytes.next_multiple_of(ALIGNMENT_BYTES);
    let mut order: Vec<usize> = (0..sizes.len()).filter(|&i| sizes[i] > 0).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(sizes[i]), i));

    let mut offsets = vec![0; sizes.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut arena_bytes = 0;
    for buffer in order {
        let overlaps = |other: &usize| {
            lifetimes[*other].start() <= lifetimes[buffer].end()
                && lifetimes[buffer].start() <= lifetimes[*other].end()
        };
        let mut taken: Vec<(usize, usize)> = placed
            .iter()
            .filter(|other| overlaps(other))
            .map(|&other| (offsets[other], offsets[other] + aligned(sizes[other])))
            .collect();
        taken.sort_unstable();
        let mut offset = 0;
        for (start, end) in taken {
            if offset + sizes[buffer] <= start {
                break;
            }
            offset = offset.max(end);
        }
        offsets[buffer] = offset;
        arena_bytes = arena_bytes.max(offset + aligned(sizes[buffer]));
        placed.push(buffer);
    }
    ArenaPlan { offsets, bytes: arena_bytes }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_chain_needs_only_its_two_largest_neighbours() {
        let plan = plan_arena(&[64, 128, 64, 128], &[0..=1, 1..=2, 2..=3, 3..=4]);
        assert_eq!(plan.bytes, 192);
    }

    proptest! {
        #[test]
        fn buffers_alive_at_once_never_overlap(
            buffers in prop::collection::vec((0usize..500, 0usize..20, 0usize..6), 1..40)
        ) {
            let sizes: Vec<_> = buffers.iter().map(|b| b.0).collect();
            let lives: Vec<_> = buffers.iter().map(|b| b.1..=b.1 + b.2).collect();
            let plan = plan_arena(&sizes, &lives);
            for i in 0..sizes.len() {
                prop_assert!(plan.offsets[i] + sizes[i] <= plan.bytes);
                prop_assert_eq!(plan.offsets[i] % ALIGNMENT_BYTES, 0);
                for j in 0..i {
                    let together = lives[i].start() <= lives[j].end()
                        && lives[j].start() <= lives[i].end();
                    let apart = plan.offsets[i] + sizes[i] <= plan.offsets[j]
                        || plan.offsets[j] + sizes[j] <= plan.offsets[i];
                    prop_assert!(!together || apart || sizes[i] == 0 || sizes[j] == 0);
                }
            }
        }
    }
}
