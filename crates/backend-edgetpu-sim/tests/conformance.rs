//! The shared conformance cases: on the Coral preset, and on a chip whose tiles and lanes
//! divide nothing evenly.

use std::process::ExitCode;
use std::sync::Arc;

use pocketvision_backend_edgetpu_sim::{Chip, EdgeTpuSim};
use pocketvision_conformance::Subject;

fn main() -> ExitCode {
    let coral = Chip::preset("coral-usb").expect("a preset");
    let mut uneven = coral.clone();
    uneven.name = "uneven".into();
    (uneven.array.tile_rows, uneven.array.tile_columns) = (3, 2);
    (uneven.array.lanes_per_tile, uneven.array.lane_group) = (24, 8);
    uneven.array.dot_depth = 3;
    pocketvision_conformance::main(vec![
        Subject::new("edgetpu-sim", Arc::new(EdgeTpuSim::new(coral))),
        Subject::new("edgetpu-sim-uneven", Arc::new(EdgeTpuSim::new(uneven))),
    ])
}
