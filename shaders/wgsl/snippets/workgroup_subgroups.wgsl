// The sum, and the largest, of what all invocations of a workgroup have: of each subgroup, whatever
// its size, and then of all subgroups. All come here at once. Needs an alias `Sum`. workgroup.wgsl
// has the same without subgroups.

struct Member {
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
}

// A place for each subgroup, of which there are at most as many as invocations.
var<workgroup> partial: array<Sum, WORKGROUP_SIZE>;

fn sum_for_first(member: Member, value: Sum) -> Sum {
    return sum_of_workgroup(member, value);
}

fn sum_of_workgroup(member: Member, value: Sum) -> Sum {
    tell(member, subgroupAdd(value));
    var sum = partial[0];
    for (var other = 1u; other < member.subgroups; other++) {
        sum += partial[other];
    }
    workgroupBarrier();
    return sum;
}

fn largest_of_workgroup(member: Member, value: Sum) -> Sum {
    tell(member, subgroupMax(value));
    var largest = partial[0];
    for (var other = 1u; other < member.subgroups; other++) {
        largest = max(largest, partial[other]);
    }
    workgroupBarrier();
    return largest;
}

// Makes what a subgroup found known to the others.
fn tell(member: Member, found: Sum) {
    if subgroupExclusiveAdd(1u) == 0u {
        partial[member.subgroup] = found;
    }
    workgroupBarrier();
}
