// The sum, and the largest, of what all invocations of a workgroup have. All come here at once.
// Needs an alias `Sum`. workgroup_subgroups.wgsl has the same with subgroups.

struct Member {
    @builtin(local_invocation_index) index: u32,
}

var<workgroup> partial: array<Sum, WORKGROUP_SIZE>;

// The first member's; others may find anything. Quicker where nobody else needs it, and members are
// few.
fn sum_for_first(member: Member, value: Sum) -> Sum {
    if WORKGROUP_SIZE > 64u {
        return sum_of_workgroup(member, value);
    }
    partial[member.index] = value;
    workgroupBarrier();
    var sum = value;
    if member.index == 0u {
        for (var other = 1u; other < WORKGROUP_SIZE; other++) {
            sum += partial[other];
        }
    }
    workgroupBarrier();
    return sum;
}

fn sum_of_workgroup(member: Member, value: Sum) -> Sum {
    partial[member.index] = value;
    for (var reach = WORKGROUP_SIZE / 2u; reach > 0u; reach /= 2u) {
        workgroupBarrier();
        if member.index < reach {
            partial[member.index] += partial[member.index + reach];
        }
    }
    workgroupBarrier();
    let sum = partial[0];
    workgroupBarrier();
    return sum;
}

fn largest_of_workgroup(member: Member, value: Sum) -> Sum {
    partial[member.index] = value;
    for (var reach = WORKGROUP_SIZE / 2u; reach > 0u; reach /= 2u) {
        workgroupBarrier();
        if member.index < reach {
            partial[member.index] = max(partial[member.index], partial[member.index + reach]);
        }
    }
    workgroupBarrier();
    let largest = partial[0];
    workgroupBarrier();
    return largest;
}
