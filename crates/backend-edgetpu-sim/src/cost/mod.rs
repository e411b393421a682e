//! What one layer costs: pure functions of layer, mapping and chip.
//!
//! * [`cycles`]: clock cycles of the busiest tile, by cause;
//! * [`traffic`]: bytes through each level of memory;
//! * [`systolic`]: clock cycles of a textbook systolic array, in closed form;
//! * [`energy`]: picojoules, from multiply-accumulates, bytes and time.
//!
//! Nothing here looks at a graph, allocates, or remembers anything, so a search may ask
//! about any layer on any chip. `docs/simulator.md` explains every formula and its sources.

pub mod cycles;
pub mod energy;
pub mod systolic;
pub mod traffic;

pub use cycles::LayerCycles;
pub use energy::Energy;
pub use traffic::Traffic;

/// A product that saturates: absurd chips and layers must not wrap around to cheap ones.
pub(crate) fn product<const N: usize>(factors: [u64; N]) -> u64 {
    factors.into_iter().fold(1, u64::saturating_mul)
}
