------------------------------ MODULE IdRange -------------------------------
(* How Lakh gives each counter to one server, for good, over two witnesses: the ensemble (ZooKeeper) and the ledger       *)
(* (MySQL). Servers take steps in any order, and may stop for ever or for a while between any two of them: a pause is     *)
(* nothing but a step that comes late. README.md tells how to read this and which code each action stands for.            *)
EXTENDS Ranges, FiniteSets

Zk == INSTANCE Ensemble
Db == INSTANCE Ledger

CONSTANTS
  Servers,
  RangeSize,   \* counters in a range
  SpaceEnd,    \* counters are 0 .. SpaceEnd - 1
  MaxHeld,     \* a server that holds fewer pieces than this leases or claims another
  Setting,     \* which witness can be relied on: "zookeeper", "ledger" or "both"
  Heights,     \* whether the heights of the two witnesses are compared before a lease (I5)
  Broken,      \* the guards that are left out, by name; {} is the design
  \* How many of each there may be: disasters are losses and restores of a witness.
  Crashes, Unknowns, Expiries, Shutdowns, Disasters

Guards == {"version check", "unknown is no success", "publish once", "ranges outlive sessions", "overlap refusal",
           "ledger decides claims", "ledger before use", "repair between disasters", "repair ends remainders",
           "old attempts are given up", "repair waits twice", "repair covers up to the mark", "leases are retried", "mark is read again"}
ASSUME Setting \in {"zookeeper", "ledger", "both"} /\ Heights \in BOOLEAN /\ Broken \subseteq Guards

Counters == 0 .. SpaceEnd - 1
Both == {"zookeeper", "ledger"}
Keeps(guard) == guard \notin Broken

(* An ensemble that cannot be relied on answers anything at all; it then has no state worth modelling. A ledger that      *)
(* cannot be relied on refuses nothing.                                                                                   *)
ZkHonest == Setting # "ledger"
DbRefuses == Setting # "zookeeper"

VARIABLES
  zk,        \* the ensemble's state
  ledger,    \* the ledger's state
  step,      \* of each server: where it is, see Steps
  hand,      \* of each server: what the attempt under way has been told so far
  held,      \* of each server: the pieces of ranges that it may issue from, or has still to publish once sealed
  issued,    \* of each counter: how often it was issued, by whomever
  late,      \* requests whose senders have given up, and that may still be applied
  copies,    \* of each witness: the old copies of it
  damaged,   \* the witnesses that forgot something and are not repaired yet
  repair,    \* how far the operator's repair is: it did "nothing" yet, "mended" the ledger or "raised" the mark; and how often it has waited
  left       \* of each kind of fault: how many more there may be

vars == <<zk, ledger, step, hand, held, issued, late, copies, damaged, repair, left>>
witnesses == <<zk, ledger>>
operator == <<copies, damaged, repair>>

(* down      no process                                                                                                   *)
(* idle      no attempt under way                                                                                         *)
(* sawMark   has read the mark, will read the ledger's head (only if heights are compared)                                *)
(* sawHead   the head was above the mark: will read the mark again                                                        *)
(* ready     will write the mark                                                                                          *)
(* marked    its write of the mark was acknowledged: will record the range in the ledger                                  *)
(* deleted   its delete of a remainder's node was acknowledged: will claim the remainder's row                            *)
(* sealed    issues nothing any more: will release what is left in the ledger, a piece at a time                          *)
(* released  a release was acknowledged: will create the remainder's node                                                 *)
(* gaveUp    never leases again (only without the guard "leases are retried")                                             *)
Steps == {"down", "idle", "sawMark", "sawHead", "ready", "marked", "deleted", "sealed", "released", "gaveUp"}

(* live: the session in which the version was read is still the server's. A session is thrown away with its connection,   *)
(* so this is all there is to know of its id. by: who has acknowledged the range. age: whether the attempt began          *)
(* "before" a disaster that is not settled yet, or is "old": it began before one that was settled since. Else "young".    *)
NoHand == [start |-> 0, end |-> 0, version |-> 0, ledgered |-> 0, live |-> FALSE, by |-> {}, age |-> "young"]
HandOf(r, by) == [NoHand EXCEPT !.start = r.start, !.end = r.end, !.by = by]
(* The hand of the next step of the same attempt.                                                                         *)
SameAttempt(s, next) == [next EXCEPT !.age = hand[s].age]

NoRepair == [did |-> "nothing", waits |-> 0, seen |-> {}]

Init ==
  /\ zk = Zk!FirstEnsemble
  /\ ledger = Db!FirstLedger
  /\ step = [s \in Servers |-> "idle"]
  /\ hand = [s \in Servers |-> NoHand]
  /\ held = [s \in Servers |-> {}]
  /\ issued = [c \in Counters |-> 0]
  /\ late = {}
  /\ copies = [w \in Both |-> {}]
  /\ damaged = {}
  /\ repair = NoRepair
  /\ left = [crash |-> Crashes, unknown |-> Unknowns, expiry |-> Expiries, shutdown |-> Shutdowns, disaster |-> Disasters]

-----------------------------------------------------------------------------
(* Helpers of the actions.                                                                                                *)

Running(s) == step[s] \notin {"down", "sealed", "released"}
WantsMore(s) == Cardinality(held[s]) < MaxHeld

Goes(s, to, with) == step' = [step EXCEPT ![s] = to] /\ hand' = [hand EXCEPT ![s] = with]
(* The attempt is over; what it took and was not given is nobody's for ever.                                              *)
Abandons(s) == Goes(s, "idle", NoHand)

(* What a repair waits for: no attempt goes on in which one witness was asked before the disaster.                        *)
Attempting == {"sawMark", "sawHead", "ready", "marked", "deleted"}

Piece(r, claimed, by) == [start |-> r.start, end |-> r.end, claimed |-> claimed, by |-> by]
Holds(s, piece) == held' = [held EXCEPT ![s] = @ \union {piece}]
(* What an attempt was given that took longer than an attempt may is nobody's.                                            *)
IsGivenUp(s) == Keeps("old attempts are given up") /\ hand[s].age = "old"
Acquires(s, piece) == IF IsGivenUp(s) THEN held' = held ELSE Holds(s, piece)

Spends(fault) == left[fault] > 0 /\ left' = [left EXCEPT ![fault] = @ - 1]

(* A request whose answer never comes: from now on the network may deliver it at any time, or never.                      *)
Request(to, what, r, version, ledgered) ==
  [to |-> to, what |-> what, start |-> r.start, end |-> r.end, version |-> version, ledgered |-> ledgered]
Unanswered(request) == Spends("unknown") /\ late' = late \union {request}

-----------------------------------------------------------------------------
(* Leasing: read the mark, read the head, write the mark at the version that was read, record the range.                  *)

RangeAt(start) == [start |-> start, end |-> IF start + RangeSize < SpaceEnd THEN start + RangeSize ELSE SpaceEnd]

ReadMark(s) ==
  /\ step[s] = "idle" /\ WantsMore(s)
  /\ \E next \in IF ZkHonest THEN {zk.next} ELSE Counters :
       /\ next \in Counters      \* neither missing nor at the end of the space
       /\ Goes(s, IF Heights THEN "sawMark" ELSE "ready",
               [NoHand EXCEPT !.start = next, !.version = zk.version, !.ledgered = zk.ledgered, !.live = ZkHonest])
  /\ UNCHANGED <<witnesses, held, issued, late, operator, left>>

ZookeeperForgot(head, mark) == head > mark
LedgerForgot(head, ledgered) == head < ledgered

(* Reads of the two witnesses are not one moment: while others lease, a head above the mark that was read is normal.      *)
ReadHead(s) ==
  /\ step[s] = "sawMark"
  /\ LET head == Db!Head(ledger)
         h == hand[s]
     IN \/ ~ledger.exists /\ Abandons(s)
        \/ ledger.exists /\ LedgerForgot(head, h.ledgered) /\ Abandons(s)
        \/ /\ ledger.exists /\ ~LedgerForgot(head, h.ledgered)
           /\ IF ZookeeperForgot(head, h.start)
              THEN IF Keeps("mark is read again") THEN Goes(s, "sawHead", SameAttempt(s, [NoHand EXCEPT !.ledgered = head])) ELSE Abandons(s)
              ELSE Goes(s, "ready", [h EXCEPT !.ledgered = head])
  /\ UNCHANGED <<witnesses, held, issued, late, operator, left>>

ReadMarkAgain(s) ==
  /\ step[s] = "sawHead"
  /\ IF zk.next \notin Counters \/ ZookeeperForgot(hand[s].ledgered, zk.next)
     THEN Abandons(s)
     ELSE Goes(s, "ready", SameAttempt(s, [NoHand EXCEPT !.start = zk.next, !.version = zk.version, !.live = TRUE,
                                                         !.ledgered = Larger(hand[s].ledgered, zk.ledgered)]))
  /\ UNCHANGED <<witnesses, held, issued, late, operator, left>>

(* A version is used only on the session that read it, and the ensemble writes only at the version that it has.           *)
MarkIsStale(s) == ZkHonest /\ Keeps("version check") /\ ~(hand[s].live /\ Zk!VersionMatches(zk, hand[s].version))

(* What follows an acknowledged write of the mark.                                                                        *)
GoesOnToRecord(s, by) ==
  LET r == RangeAt(hand[s].start)
  IN /\ Goes(s, "marked", SameAttempt(s, HandOf(r, by)))
     /\ IF Keeps("ledger before use") THEN held' = held ELSE Holds(s, Piece(r, FALSE, by))

WriteMark(s) ==
  /\ step[s] = "ready"
  /\ \/ /\ MarkIsStale(s)
        /\ Abandons(s)
        /\ UNCHANGED <<zk, held>>
     \/ /\ ~MarkIsStale(s)
        /\ zk' = IF ZkHonest THEN Zk!Moved(zk, RangeAt(hand[s].start).end, hand[s].ledgered) ELSE zk
        /\ GoesOnToRecord(s, {"zookeeper"})
  /\ UNCHANGED <<ledger, issued, late, operator, left>>

WriteMarkUnanswered(s) ==
  /\ step[s] = "ready" /\ hand[s].live
  /\ Unanswered(Request("zookeeper", "write", RangeAt(hand[s].start), hand[s].version, hand[s].ledgered))
  /\ IF Keeps("unknown is no success") THEN Abandons(s) /\ held' = held ELSE GoesOnToRecord(s, {})
  /\ UNCHANGED <<witnesses, issued, operator>>

LedgerTakes(r) == ~DbRefuses \/ (ledger.exists /\ (~Keeps("overlap refusal") \/ Db!MayRecord(ledger, r)))

Record(s) ==
  /\ step[s] = "marked"
  /\ IF LedgerTakes(hand[s])
     THEN /\ ledger' = IF DbRefuses THEN Db!Recorded(ledger, hand[s]) ELSE ledger
          /\ IF Keeps("ledger before use") THEN Acquires(s, Piece(hand[s], FALSE, hand[s].by \union {"ledger"})) ELSE held' = held
     ELSE /\ ledger' = ledger
          /\ held' = [held EXCEPT ![s] = {p \in @ : ~Overlap(p, hand[s])}]
  /\ Abandons(s)
  /\ UNCHANGED <<zk, issued, late, operator, left>>

RecordUnanswered(s) ==
  /\ step[s] = "marked"
  /\ Unanswered(Request("ledger", "record", hand[s], 0, 0))
  /\ Goes(s, IF Keeps("leases are retried") THEN "idle" ELSE "gaveUp", NoHand)
  /\ UNCHANGED <<witnesses, held, issued, operator>>

-----------------------------------------------------------------------------
(* Issuing: from memory alone. It looks at no witness, no session and no attempt under way (I3, I7).                      *)

Issue(s) ==
  /\ Running(s) /\ held[s] # {}
  /\ LET piece == First(held[s])
         rest == [piece EXCEPT !.start = @ + 1]
     IN /\ issued' = [issued EXCEPT ![piece.start] = @ + 1]
        /\ held' = [held EXCEPT ![s] = (@ \ {piece}) \union IF rest.start < rest.end THEN {rest} ELSE {}]
  /\ UNCHANGED <<witnesses, step, hand, late, operator, left>>

-----------------------------------------------------------------------------
(* Clean shutdown: seal; then, for each piece that is left, release it in the ledger and try once to create its node.     *)
(* What a crash, a refusal or an unknown outcome meets on the way is lost.                                                *)

SealedOrDown(pieces) == IF pieces = {} THEN "down" ELSE "sealed"

Seal(s) ==
  /\ Running(s) /\ Spends("shutdown")
  /\ Goes(s, SealedOrDown(held[s]), NoHand)
  /\ UNCHANGED <<witnesses, held, issued, late, operator>>

Release(s) ==
  /\ step[s] = "sealed"
  /\ LET piece == First(held[s])
         others == held[s] \ {piece}
     IN /\ held' = [held EXCEPT ![s] = others]
        /\ \/ /\ ~DbRefuses \/ Db!MayRelease(ledger, piece)
              /\ ledger' = IF DbRefuses THEN Db!Released(ledger, piece) ELSE ledger
              /\ Goes(s, "released", HandOf(piece, {}))
              /\ UNCHANGED <<late, left>>
           \/ /\ DbRefuses /\ ~Db!MayRelease(ledger, piece)
              /\ Goes(s, SealedOrDown(others), NoHand)
              /\ UNCHANGED <<ledger, late, left>>
           \/ /\ Unanswered(Request("ledger", "release", piece, 0, 0))
              /\ Goes(s, SealedOrDown(others), NoHand)
              /\ ledger' = ledger
  /\ UNCHANGED <<zk, issued, operator>>

Publish(s) ==
  /\ step[s] = "released"
  /\ zk' = IF ZkHonest THEN Zk!Published(zk, hand[s]) ELSE zk
  /\ Goes(s, SealedOrDown(held[s]), NoHand)
  /\ UNCHANGED <<ledger, held, issued, late, operator, left>>

PublishUnanswered(s) ==
  /\ step[s] = "released"
  /\ Unanswered(Request("zookeeper", "create", hand[s], 0, 0))
  /\ IF Keeps("publish once") THEN Goes(s, SealedOrDown(held[s]), NoHand) ELSE UNCHANGED <<step, hand>>
  /\ UNCHANGED <<witnesses, held, issued, operator>>

-----------------------------------------------------------------------------
(* Claiming: delete the remainder's node, then turn its row from released to claimed.                                     *)

(* An ensemble that answers anything shows remainders that are none; only those that the ledger has had are worth trying. *)
NodesShown ==
  IF ZkHonest THEN zk.nodes ELSE {[start |-> r.start, end |-> r.end] : r \in {q \in ledger.rows : q.state # "leased"}}

DeleteNode(s) ==
  /\ step[s] = "idle" /\ WantsMore(s) /\ NodesShown # {}
  /\ \E r \in IF ZkHonest THEN {First(NodesShown)} ELSE NodesShown :
       \/ /\ zk' = IF ZkHonest THEN Zk!Unpublished(zk, r) ELSE zk
          /\ Goes(s, "deleted", HandOf(r, {"zookeeper"}))
          /\ UNCHANGED <<late, left>>
       \/ /\ ZkHonest
          /\ Unanswered(Request("zookeeper", "delete", r, 0, 0))
          /\ Abandons(s) /\ zk' = zk
  /\ UNCHANGED <<ledger, held, issued, operator>>

ClaimRow(s) ==
  /\ step[s] = "deleted"
  /\ LET mayClaim == Db!MayClaim(ledger, hand[s])
     IN /\ ledger' = IF DbRefuses /\ mayClaim THEN Db!Claimed(ledger, hand[s]) ELSE ledger
        /\ IF ~DbRefuses \/ ~Keeps("ledger decides claims") \/ mayClaim
           THEN Acquires(s, Piece(hand[s], TRUE, hand[s].by \union {"ledger"}))
           ELSE held' = held
  /\ Abandons(s)
  /\ UNCHANGED <<zk, issued, late, operator, left>>

ClaimRowUnanswered(s) ==
  /\ step[s] = "deleted"
  /\ Unanswered(Request("ledger", "claim", hand[s], 0, 0))
  /\ Abandons(s)
  /\ UNCHANGED <<witnesses, held, issued, operator>>

-----------------------------------------------------------------------------
(* Faults.                                                                                                                *)

(* What was held is lost: nobody else can tell what of it was issued.                                                     *)
Crash(s) ==
  /\ step[s] # "down" /\ Spends("crash")
  /\ Goes(s, "down", NoHand)
  /\ held' = [held EXCEPT ![s] = {}]
  /\ UNCHANGED <<witnesses, issued, late, operator>>

Start(s) ==
  /\ step[s] = "down"
  /\ Goes(s, "idle", NoHand)
  /\ UNCHANGED <<witnesses, held, issued, late, operator, left>>

(* The ensemble has declared a server dead, which may not know it yet. All that ends is what was read on the session.     *)
Expire(s) ==
  /\ Spends("expiry")
  /\ \/ /\ hand[s].live
        /\ hand' = [hand EXCEPT ![s].live = FALSE] /\ zk' = zk
     \/ /\ ~Keeps("ranges outlive sessions") /\ held[s] # {}    \* ephemeral ownership: the rest is free for others
        /\ zk' = Zk!Published(zk, First(held[s])) /\ hand' = hand
  /\ UNCHANGED <<ledger, step, held, issued, late, operator>>

(* A request whose sender gave up arrives after all. Nobody hears the answer.                                             *)
Deliver(q) ==
  /\ late' = late \ {q}
  /\ zk' = CASE ~ZkHonest -> zk
             [] q.what = "write" /\ (~Keeps("version check") \/ Zk!VersionMatches(zk, q.version)) -> Zk!Moved(zk, q.end, q.ledgered)
             [] q.what = "create" -> Zk!Published(zk, q)
             [] q.what = "delete" -> Zk!Unpublished(zk, q)
             [] OTHER -> zk
  /\ ledger' = CASE ~DbRefuses -> ledger
                 [] q.what = "record" /\ LedgerTakes(q) -> Db!Recorded(ledger, q)
                 [] q.what = "release" /\ Db!MayRelease(ledger, q) -> Db!Released(ledger, q)
                 [] q.what = "claim" /\ Db!MayClaim(ledger, q) -> Db!Claimed(ledger, q)
                 [] OTHER -> ledger
  /\ UNCHANGED <<step, hand, held, issued, operator, left>>

-----------------------------------------------------------------------------
(* Disasters, and the operator who repairs. Only in the setting that relies on both.                                      *)

TakeCopy(w) ==
  /\ Setting = "both" /\ copies[w] = {} /\ Spends("disaster")
  /\ copies' = [copies EXCEPT ![w] = IF w = "zookeeper" THEN {zk} ELSE {ledger}]
  /\ UNCHANGED <<witnesses, step, hand, held, issued, late, damaged, repair>>

(* The witness is replaced, which ends every connection to it, and what was on its way there.                             *)
Replace(w, state) ==
  /\ Keeps("repair between disasters") => damaged \subseteq {w}
  /\ IF w = "zookeeper" THEN zk' = state /\ ledger' = ledger ELSE ledger' = state /\ zk' = zk
  /\ hand' = IF w = "zookeeper" THEN [s \in Servers |-> [hand[s] EXCEPT !.live = FALSE]] ELSE hand
  /\ late' = {q \in late : q.to # w}
  /\ damaged' = damaged \union {w}
  /\ repair' = NoRepair
  /\ UNCHANGED <<step, held, issued>>

Restore(w) ==
  /\ \E copy \in copies[w] : Replace(w, copy)
  /\ copies' = [copies EXCEPT ![w] = {}]
  /\ left' = left

Lose(w) ==
  /\ Setting = "both" /\ Spends("disaster")
  /\ Replace(w, IF w = "zookeeper" THEN Zk!LostEnsemble ELSE Db!LostLedger)
  /\ copies' = copies

(* Servers may refuse to lease also after a repair: a record that was on its way to the ledger arrives and leaves the head  *)
(* above the mark, or a server that had read the head before the ledger forgot writes it into the mark. Then it is        *)
(* repaired again.                                                                                                        *)
Refused ==
  /\ Setting = "both"
  /\ LET head == Db!Head(ledger) IN ZookeeperForgot(head, zk.next) \/ LedgerForgot(head, zk.ledgered)

(* `lakh ranges repair` after a disaster, first half: every counter that either witness knows of is on record, and what   *)
(* is released without a node is given up, so that a node that comes back cannot be claimed. As long as nothing looks     *)
(* damaged, servers lease beside the repair, and what is off the record may only be on its way there: that is left alone  *)
(* unless the look before has seen it too.                                                                                *)
Strays == {r \in zk.nodes : ~Db!MayClaim(ledger, r)}
LooksDamaged == Refused \/ ~ledger.exists \/ zk.next = Zk!NoMark \/ Strays # {}
(* What a repair does against a second disaster is left out when none can come: it would only multiply states.            *)
AnotherMayCome == left.disaster > 0 \/ \E w \in Both : copies[w] # {}
MarkThen == Larger(Db!Head(ledger), Larger(zk.next, zk.ledgered))

MendLedger ==
  /\ repair.did = "nothing" /\ (damaged # {} \/ Refused \/ repair.waits > 0)
  /\ LET holes == Db!Holes(ledger, MarkThen)
         lost == CASE LooksDamaged -> holes
                   [] ~Keeps("repair covers up to the mark") -> {}
                   [] OTHER -> holes \intersect repair.seen
         covered == Db!Covered(ledger, lost)
     IN /\ ledger' = IF Keeps("repair ends remainders") /\ (LooksDamaged \/ repair.waits > 0)
                     THEN Db!WithoutOrphans(covered, zk.nodes) ELSE covered
        /\ repair' = [repair EXCEPT !.did = "mended", !.seen = IF AnotherMayCome THEN holes ELSE {}]
  /\ UNCHANGED <<zk, step, hand, held, issued, late, copies, damaged, left>>

(* Second half: the mark at least as high as the ledger's head (never lower than it was), and no node left whose row is   *)
(* not released, so that a row that comes back cannot be claimed.                                                         *)
RaiseMark ==
  /\ repair.did = "mended"
  /\ LET head == Db!Head(ledger)
         moved == IF zk.next < head THEN Zk!Moved(zk, head, Larger(zk.ledgered, head)) ELSE zk
         kept == {r \in zk.nodes : Db!MayClaim(ledger, r)}
     IN zk' = IF Keeps("repair ends remainders") THEN [moved EXCEPT !.nodes = kept] ELSE moved
  /\ repair' = [repair EXCEPT !.did = "raised"]
  /\ hand' = [s \in Servers |-> [hand[s] EXCEPT !.age = IF AnotherMayCome /\ step[s] \in Attempting /\ @ = "young"
                                                      THEN "before" ELSE @]]
  /\ UNCHANGED <<ledger, step, held, issued, late, copies, damaged, left>>

(* A disaster is over when no attempt goes on that may rest on what it took away: one with a single acknowledgement in     *)
(* hand may be given by a second disaster what the other witness would have refused. So the repair waits for longer than  *)
(* an attempt may take, looks again, waits once more and looks a last time. After the first wait every attempt from       *)
(* before is over or, wherever it sleeps, too old for what it is given; after the second so is each that began beside     *)
(* those.                                                                                                                 *)
Waits == IF ~AnotherMayCome THEN 0 ELSE IF Keeps("repair waits twice") THEN 2 ELSE 1
Wait ==
  /\ repair.did = "raised" /\ repair.waits < Waits
  /\ hand' = [s \in Servers |-> [hand[s] EXCEPT !.age = IF @ = "before" THEN "old" ELSE @]]
  /\ repair' = [repair EXCEPT !.did = "nothing", !.waits = @ + 1]
  /\ UNCHANGED <<witnesses, step, held, issued, late, copies, damaged, left>>

Settle ==
  /\ repair.did = "raised" /\ repair.waits >= Waits
  /\ repair' = NoRepair /\ damaged' = {}
  /\ UNCHANGED <<witnesses, step, hand, held, issued, late, copies, left>>

-----------------------------------------------------------------------------
Attempt(s) == ReadMark(s) \/ ReadHead(s) \/ ReadMarkAgain(s) \/ WriteMark(s) \/ Record(s) \/ DeleteNode(s) \/ ClaimRow(s)
Shutdown(s) == Seal(s) \/ Release(s) \/ Publish(s)
Trouble(s) ==
  \/ WriteMarkUnanswered(s) \/ RecordUnanswered(s) \/ PublishUnanswered(s) \/ ClaimRowUnanswered(s)
  \/ Crash(s) \/ Start(s) \/ Expire(s)
Disaster == \E w \in Both : TakeCopy(w) \/ Restore(w) \/ Lose(w)
Repair == MendLedger \/ RaiseMark \/ Wait \/ Settle

Next ==
  \/ \E s \in Servers : Attempt(s) \/ Issue(s) \/ Shutdown(s) \/ Trouble(s)
  \/ \E q \in late : Deliver(q)
  \/ Disaster
  \/ Repair

(* One server goes on taking the steps of its attempts, and a damaged witness is repaired some day. Nothing else has to    *)
(* happen: the other servers may sleep for ever. As servers are alike, what holds for this one holds for each.            *)
Watched == CHOOSE s \in Servers : TRUE
Fairness == WF_vars(Repair) /\ WF_vars(Attempt(Watched))
Spec == Init /\ [][Next]_vars /\ Fairness

-----------------------------------------------------------------------------
(* I1: no counter is issued twice.                                                                                        *)
I1 == \A c \in Counters : issued[c] <= 1

(* I2: whatever is held for issuing was acknowledged by both witnesses.                                                   *)
I2 == \A s \in Servers : \A p \in held[s] : p.by = Both

(* I4: what one server has claimed nobody has issued, and nobody else may issue.                                          *)
I4 ==
  \A s \in Servers : \A p \in {q \in held[s] : q.claimed} :
    /\ \A c \in CountersIn(p) : issued[c] = 0
    /\ \A t \in Servers \ {s} : \A q \in held[t] : ~Overlap(p, q)

(* As long as no witness has forgotten anything, the comparison of heights refuses nobody.                                *)
NoDisasterYet == left.disaster = Disasters
NoFalseAlarm ==
  NoDisasterYet => \A s \in Servers :
    /\ step[s] = "sawMark" => ~LedgerForgot(Db!Head(ledger), hand[s].ledgered)
    /\ step[s] = "sawMark" /\ ~Keeps("mark is read again") => ~ZookeeperForgot(Db!Head(ledger), hand[s].start)
    /\ step[s] = "sawHead" => ~ZookeeperForgot(hand[s].ledgered, zk.next)

(* I7: as long as something is held, nothing blocks issuing; and a spare range is leased in the end.                      *)
SpaceEnded == zk.next >= SpaceEnd
NeverBlocked == \A s \in Servers : (Running(s) /\ held[s] # {}) => ENABLED Issue(s)
I7 == (Running(Watched) /\ WantsMore(Watched)) ~> (~WantsMore(Watched) \/ ~Running(Watched) \/ SpaceEnded)

(* I8: a server with nothing left recovers by itself.                                                                     *)
I8 == (Running(Watched) /\ held[Watched] = {}) ~> (held[Watched] # {} \/ ~Running(Watched) \/ SpaceEnded)
=============================================================================
