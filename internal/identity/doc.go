// SPDX-License-Identifier: Apache-2.0

// Package identity decides as whom a container runs: a UID (and the same GID)
// that nobody else on the node has, claimed until the container is gone, and
// the passwd and group files that make it known inside.
//
// What belongs here: the range, what the host uses of it, the claims and their
// reclaiming, the generated files. What does not: whether a container gets such
// a UID (policy), what its HOME is, and the record (package record).
//
// # Claims
//
//	/run/runclad/uid/<host ID>/c.<creation>  -> <flavor>:<container ID>:<root>
//	/run/runclad/uid/<host ID>/p.<creation>  -> <flavor>:<sandbox ID>:<root>
//	/run/runclad/pod/<sandbox ID>.<hash of root>/<host UID>.<host GID>.<creation>
//	/run/runclad/uid/<first>-<last>/…
//	/run/runclad/pod/<sandbox ID>.<hash of root>.block/<first>-<last>.<creation>
//	/run/runclad/cursor
//
// A host ID is taken while its folder holds anything. The links in it are its
// members: c. for a container that runs under it, p. for the pod whose sandbox
// it belongs to. A creation is named after the process that makes it and never
// comes back; see package record. So every name below a folder is written once,
// and what is unlinked by name is what was meant.
//
// Two operations decide, and the kernel makes each atomic:
//
//   - rename(2) of a prepared folder (uid/.new.<creation>, with its members in
//     it) to uid/<host ID> succeeds if there is nothing, or an empty folder, and
//     fails with ENOTEMPTY or EEXIST otherwise. This is how an ID is claimed: no
//     lock, no list, and no moment in which a claimed ID has no member.
//   - rmdir(2) of uid/<host ID> succeeds if it is empty. This is how it is freed.
//
// The place of a pod's claim, pod/<key>, is taken and freed in the same way.
//
// A block, the IDs of a user namespace of a container's own, is claimed as one
// ID is, in a folder named by its first and last. Blocks begin at multiples of
// their size, so an ID lies in one block, and two blocks are one or disjoint.
// Whoever has claimed an ID looks whether its block is claimed; whoever has
// claimed a block looks for IDs in it. Each looks after it has claimed: of two
// at once at least one sees the other, and withdraws.
//
// # When is a member alive?
//
// It is if its creator still runs; or else if the runtime has state for the
// container (record.StateExists), and the container's record is not that of
// another creation. The last matters because engines restart a container under
// the ID it had: the member of the run before must not live on through it. A
// record takes its place only when the one before was dead, so a later record
// proves the earlier creation dead. For p., the pod's place says which creation
// it is. The creator is asked first, then the state, then the record: each is
// in place before the one asked earlier ends. Every doubt counts as alive.
//
// # Nothing leaks
//
// A creation makes, in this order: the folder uid/.new.<creation> with its
// members; uid/<host ID> out of it; for a pod, pod/.new.<creation> and pod/<key>
// out of that; container/.new.<creation>, and container/<key> out of that; then
// the runtime is executed. It is undone from the other end: the record of a dead
// member before its c. link, the pod's place before its p. link, the links
// before the folder. So whatever a process killed at any point has left is
// reached from a folder in uid/ that is still there, and Reclaim visits these
// folders one after the other, a constant number at each create. No reclaimer
// depends on another one finishing, and what two do at once is the same: each
// step removes a name that never comes back, or an empty folder.
//
// # Nothing alive is freed
//
// A member is unlinked only after it was seen dead, and the dead stay dead: a
// creator that ended does not return, and a container of the same ID is another
// creation with a member of its own. An ID is freed only when its folder is
// empty.
//
// A container joins a pod's claim by linking its member into the folder of the
// pod's ID, and only then makes sure, in this order, that the p. member of the
// claim is there, that the sandbox exists, and that the claim is still in the
// pod's place. Let a reclaimer have found the sandbox dead. If the joiner saw it
// exist, that was earlier, and its member earlier still: the reclaimer, who
// looks at the members later, finds it alive, and the ID stays taken. If the
// folder had been freed and claimed by a stranger in between, the p. member is
// missing. If a sandbox of the same ID was created anew, its claim took the
// place of the old one before its state could exist: the third question finds
// that out. Whoever gets no for an answer withdraws and looks again.
package identity
