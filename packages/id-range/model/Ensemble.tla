------------------------------ MODULE Ensemble ------------------------------
(* The first witness, as ZooKeeper keeps it: the mark's node, holding `<next> <ledgered>` at a version, and a node for    *)
(* each published remainder. Each operator below is one call that the ensemble answers, or one state it can be in.        *)
(* The ensemble is linearizable: it forgets nothing that it acknowledged, unless its data is lost or replaced.            *)
EXTENDS Ranges

NoMark == -1

FirstEnsemble == [next |-> 0, ledgered |-> 0, version |-> 0, nodes |-> {}]
(* Wiped. There is no mark, and none is ever made up (I6).                                                                *)
LostEnsemble == [FirstEnsemble EXCEPT !.next = NoMark]

HasMark(zk) == zk.next # NoMark

(* setData(next, version): done only at the version that was read.                                                        *)
VersionMatches(zk, version) == HasMark(zk) /\ zk.version = version
Moved(zk, next, ledgered) == [zk EXCEPT !.next = next, !.ledgered = ledgered, !.version = @ + 1]

(* create(released/<start>-<end>), and its versioned delete: of those who delete one node, one succeeds.                  *)
Published(zk, r) == [zk EXCEPT !.nodes = @ \union {[start |-> r.start, end |-> r.end]}]
HasNode(zk, r) == [start |-> r.start, end |-> r.end] \in zk.nodes
Unpublished(zk, r) == [zk EXCEPT !.nodes = @ \ {[start |-> r.start, end |-> r.end]}]
=============================================================================
