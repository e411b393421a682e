// The inputs of a tile as its team's members loaded them: here each all of its own. Needs an array
// `inputs` of TILE_PIXELS. inputs_fours.wgsl has what four of them load for each other.

fn share_inputs() {
}
