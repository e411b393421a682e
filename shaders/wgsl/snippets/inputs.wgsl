// The inputs of a tile as its team's members loaded them: here each all of its own. Needs an array
// `inputs` of TILE_PIXELS. inputs_fours.wgsl has what four of them load for each other.

fn share_inputs() {
}

// Quads of a team.
const TEAM_QUADS: u32 = LOADERS * TILE_QUADS;

fn team_blocks(quads: u32) -> u32 {
    return quad_blocks(quads);
}
