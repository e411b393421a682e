// The tiles of a workgroup: as many as it would have subgroups if each were of SPLIT invocations, and
// however many there are take turns. A tile's sums stay in registers. Needs team_subgroups.wgsl, one
// of sums_f32.wgsl and sums_int8.wgsl, and a function `compute(tile, team)`.

const TILES: u32 = WORKGROUP_SIZE / SPLIT;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    member: Member,
) {
    let team = team_of(member);
    let first = linear_workgroup(workgroup, workgroups) * TILES;
    for (var tile = team.number; tile < TILES; tile += team_count()) {
        compute(first + tile, team);
    }
}

// Makes the sums of all members known to the team.
fn share_sums(team: Team) {
    for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) { // unrolled
        sums[i] = subgroupAdd(sums[i]);
    }
}

// Without a counter as an index, which would move the sums to memory.
fn shared_sum(team: Team, i: u32) -> Sum {
    var sum = sums[0];
    for (var other = 0u; other < TILE_PIXELS * TILE_QUADS; other++) { // unrolled
        sum = select(sum, sums[other], other == i);
    }
    return sum;
}
