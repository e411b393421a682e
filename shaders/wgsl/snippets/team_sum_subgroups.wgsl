// The sum of what a team's members have. Needs team_subgroups.wgsl and an alias `Sum`.

fn team_sum(team: Team, value: Sum) -> Sum {
    return subgroupAdd(value);
}
