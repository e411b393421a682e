// The tiles of a dense convolution: of a team a run of pixels and TILE_QUADS output quads, or a run of
// each of its members that load for each other. Needs
// run.wgsl, tiles.wgsl, one of conv_f32.wgsl and conv_int8.wgsl, and a function
// `store(i, pixel, quad, sum)` for number i of a tile.

fn compute(tile: u32, team: Team) {
    let blocks = quad_blocks(params.window.output_quads);
    let first_quad = tile % blocks * TILE_QUADS;
    // A run beyond the last is computed from the last and not stored.
    let number = tile / blocks * LOADERS + team.place;
    let run = run_of(number);
    convolve(run, first_quad, team.share, team.shares, team.place);
    let first = first_pixel(run);
    var end = params.window.output_width - run.column;
    end = select(0u, end, number < run_count());
    if SPLIT > 1u {
        share_sums(team);
        for (var i = team.share; i < TILE_PIXELS * TILE_QUADS; i += team.shares) {
            let sum = shared_sum(team, i);
            if i / TILE_QUADS < end {
                store(i, first + i / TILE_QUADS, first_quad + i % TILE_QUADS, sum);
            }
        }
    } else {
        var results = sums;
        for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) { // unrolled for fours
            if i / TILE_QUADS < end {
                store(i, first + i / TILE_QUADS, first_quad + i % TILE_QUADS, results[i]);
            }
        }
    }
}
