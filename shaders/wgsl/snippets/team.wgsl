// Teams: invocations of a workgroup that share a sum, each with a part of what is summed. Here they
// are SHARES of the workgroup's MEMBERS, and neighbours are of different teams. Or, where LOADERS are
// four, neighbours that load inputs for each other. team_subgroups.wgsl has the first of subgroups.

struct Member {
    @builtin(local_invocation_index) index: u32,
}

struct Team {
    // Among those of the workgroup.
    number: u32,
    // Which of `shares` parts is the invocation's.
    share: u32,
    shares: u32,
    // Among those that load inputs for each other.
    place: u32,
}

const TEAMS: u32 = MEMBERS / (SHARES * LOADERS);

fn team_of(member: Member) -> Team {
    let index = member.index / LOADERS;
    return Team(index % TEAMS, index / TEAMS, SHARES, member.index % LOADERS);
}

fn team_count() -> u32 {
    return TEAMS;
}
