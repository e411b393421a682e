// The sum of what a team's members have; it is the first member's. All of the workgroup come here at
// once. Needs team.wgsl and an alias `Sum`.

var<workgroup> partial: array<Sum, MEMBERS>;

fn team_sum(team: Team, value: Sum) -> Sum {
    partial[team.share * TEAMS + team.number] = value;
    workgroupBarrier();
    var sum = value;
    if team.share == 0u {
        for (var other = 1u; other < SHARES; other++) {
            sum += partial[other * TEAMS + team.number];
        }
    }
    workgroupBarrier();
    return sum;
}
