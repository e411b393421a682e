// Teams: invocations of a workgroup that share a sum, each with a part of what is summed. Here each
// is a subgroup, of whatever size: those that are active are counted. team.wgsl has the same
// without subgroups.

struct Member {
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
}

struct Team {
    // Among those of the workgroup.
    number: u32,
    // Which of `shares` parts is the invocation's.
    share: u32,
    shares: u32,
    // Among those that load inputs for each other: each loads its own.
    place: u32,
}

var<private> teams: u32;

fn team_of(member: Member) -> Team {
    teams = member.subgroups;
    return Team(member.subgroup, subgroupExclusiveAdd(1u), subgroupAdd(1u), 0u);
}

fn team_count() -> u32 {
    return teams;
}
