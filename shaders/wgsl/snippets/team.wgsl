// Teams: invocations of a workgroup that share a sum, each with a part of what is summed. Here they
// are SHARES of the workgroup's MEMBERS, and neighbours are of different teams.
// team_subgroups.wgsl has the same of subgroups.

struct Member {
    @builtin(local_invocation_index) index: u32,
}

struct Team {
    // Among those of the workgroup.
    number: u32,
    // Which of `shares` parts is the invocation's.
    share: u32,
    shares: u32,
}

const TEAMS: u32 = MEMBERS / SHARES;

fn team_of(member: Member) -> Team {
    return Team(member.index % TEAMS, member.index / TEAMS, SHARES);
}

fn team_count() -> u32 {
    return TEAMS;
}
