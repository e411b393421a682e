// The tiles of a workgroup, one for each team, whose members share the sums over the inputs. Needs
// team.wgsl, one of sums_f32.wgsl and sums_int8.wgsl, and a function `compute(tile, team)`.

const MEMBERS: u32 = WORKGROUP_SIZE;
const SHARES: u32 = SPLIT;
// Half of the parts that one member adds up.
const MOST_SUMMED: u32 = 8u;

var<workgroup> partial: array<Sum, PARTIAL_SUMS>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    member: Member,
) {
    let team = team_of(member);
    compute(linear_workgroup(workgroup, workgroups) * TEAMS + team.number, team);
}

// Makes the sums of all members known to the team. All of the workgroup come here at once.
fn share_sums(team: Team) {
    for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) { // unrolled
        partial[i * WORKGROUP_SIZE + team.share * TEAMS + team.number] = sums[i];
    }
    // Sums of many parts are halved by all members together.
    for (var reach = SHARES / 2u; reach > MOST_SUMMED; reach /= 2u) {
        workgroupBarrier();
        if team.share < reach {
            for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) { // unrolled
                let at = i * WORKGROUP_SIZE + team.share * TEAMS + team.number;
                partial[at] += partial[at + reach * TEAMS];
            }
        }
    }
    workgroupBarrier();
}

fn shared_sum(team: Team, i: u32) -> Sum {
    var sum = partial[i * WORKGROUP_SIZE + team.number];
    for (var other = 1u; other < min(SHARES, 2u * MOST_SUMMED); other++) {
        sum += partial[i * WORKGROUP_SIZE + other * TEAMS + team.number];
    }
    return sum;
}
