------------------------------ MODULE ExactCopy ------------------------------
(* How the shared cache is kept as an exact copy of the database at one position of its log (DESIGN 6, docs/adr/0022): one bucket of it, the relays    *)
(* that bring changes, fills, and one reader. README.md says which code each action is, and how to read this.                                          *)
(* Steps take no time: only `Tick` ages things. An age that no longer matters is not counted on. Nobody ever has to take a next step, so a pause       *)
(* is a step that comes late; a Redis that refuses writes, or is cut off from some, is steps that are not taken.                                       *)
EXTENDS Integers, Sequences, FiniteSets, TLC

CONSTANTS
  Codes, Relays, Nodes,
  First,               \* the node of Redis that is the master at first
  Versions, Rows,      \* how often a code is changed, and how long the log becomes
  Trust,               \* S: for how many ticks what was proven may be served
  Allowed,             \* B: how many ticks after a newer version's commit an older one may still be seen
  Faults, Losses,      \* how often Redis restarts or splits, and how often the database loses the end of its log
  Evicts, Forgets,     \* whether Redis evicts, and whether old rows of the log are forgotten
  Withdraws,           \* whether those who change a code take it out of Redis
  Creates,             \* whether codes are created in the run, and not there from the start
  Broken,              \* the guards that are taken out; "newest wins" adds one, which is not enough
  Heals                \* whether faults end, to see that trust returns

VARIABLES
  log,                 \* rows [c: code, v: version, g: nonce]
  done, age,           \* of each row: whether it is committed, and how long since
  made, madeAge,       \* of each code: the nonce of its creation, -1 where it is not there
  forgotten,           \* rows up to here are forgotten
  was, wasMade,        \* the log before the last loss, for those who read it then
  lossAge, losses,
  redis, copies,       \* nodes of Redis, and their snapshots
  relay, reader, faults, healed, due
database == <<log, done, age, made, madeAge, forgotten, was, wasMade, lossAge, losses>>
vars == <<database, redis, copies, relay, reader, faults, healed, due>>

Nobody == "nobody"
Min(a, b) == IF a < b THEN a ELSE b
Max(X) == CHOOSE x \in X : \A y \in X : y <= x
Keeps(guard) == guard \notin Broken

(* A nonce is the number of losses before it: all that matters of one is whether it is of another history. A value is a version and a nonce.          *)
Value(v, g) == v * 10 + g
Version(value) == value \div 10
Nothing == -1
NoValues == [c \in Codes |-> Nothing]
Of(l, c, upTo) == {i \in 1..upTo : l[i].c = c}
Committed(l, c, upTo) == {i \in Of(l, c, upTo) : l # log \/ done[i]}
AtFirst(m, c) == IF Creates /\ Keeps("aliases are rows") THEN Nothing ELSE m[c]
ValueAt(l, m, c, at) == LET I == Committed(l, c, at) IN IF I # {} THEN Value(l[Max(I)].v, l[Max(I)].g) ELSE AtFirst(m, c)
HeadSeq == Max({0} \cup {i \in DOMAIN log : done[i]})
Nonce(l, at) == IF at = 0 THEN 0 ELSE l[at].g

Idle == [at |-> "idle", node |-> First, same |-> FALSE, snap |-> FALSE, seq |-> 0, nonce |-> 0, head |-> 0, headNonce |-> 0,
         rows |-> <<>>, cold |-> FALSE]
(* `proof`: the age of F. `asked`: of the oldest poll that is still waiting for two advances, and how many it has seen.                               *)
(* `kept`: what the epoch held that the reader knows, where it is not Redis's epoch any more.                                                         *)
Away == [node |-> Nobody, proof |-> Trust + 1, asked |-> Trust + 1, advances |-> 0, late |-> FALSE, kept |-> NoValues]
Down == [up |-> FALSE, val |-> NoValues, seq |-> 0, nonce |-> 0]
NoCopy == [set |-> FALSE, same |-> FALSE, val |-> NoValues, seq |-> 0, nonce |-> 0]

(* A write of `by` to the state on node `n`: with its fresh nonce it is no longer what others have read there.                                        *)
Wrote(n, by, next) ==
  [r \in Relays |-> IF r = by THEN next ELSE IF relay[r].node = n THEN [relay[r] EXCEPT !.same = FALSE] ELSE relay[r]]

Init ==
  /\ log = <<>> /\ done = <<>> /\ age = <<>> /\ forgotten = 0 /\ was = <<>> /\ lossAge = 0 /\ losses = 0
  /\ made = [c \in Codes |-> IF Creates THEN Nothing ELSE 0] /\ madeAge = [c \in Codes |-> 0] /\ wasMade = made
  /\ redis = [n \in Nodes |-> IF n = First THEN [Down EXCEPT !.up = TRUE] ELSE Down]
  /\ copies = [n \in Nodes |-> [NoCopy EXCEPT !.same = (n = First)]]
  /\ relay = [r \in Relays |-> Idle] /\ reader = Away /\ faults = 0 /\ healed = FALSE /\ due = {}

-----------------------------------------------------------------------------
(* The database: changes, each with its row, and what becomes of the log.                                                                             *)

Open(c) == \E i \in DOMAIN log : log[i].c = c /\ ~done[i]
Changed(c, isDone) ==
  /\ Len(log) < Rows /\ ~Open(c)
  /\ LET I == Of(log, c, Len(log))
         v == 1 + IF I = {} THEN 0 ELSE log[Max(I)].v
     IN v <= Versions /\ log' = Append(log, [c |-> c, v |-> v, g |-> losses])
  /\ done' = Append(done, isDone) /\ age' = Append(age, 0)
  /\ UNCHANGED <<made, madeAge, forgotten, was, wasMade, lossAge, losses, redis, copies, relay, reader, faults, healed, due>>
(* With the head's lock held to the commit, taking a place in the log and committing are one step.                                                     *)
Change(c) == made[c] # Nothing /\ Changed(c, TRUE)
TakePlace(c) == ~Keeps("commit order") /\ made[c] # Nothing /\ Changed(c, FALSE)
CommitLater(i) ==
  /\ ~done[i] /\ done' = [done EXCEPT ![i] = TRUE]
  /\ UNCHANGED <<log, age, made, madeAge, forgotten, was, wasMade, lossAge, losses, redis, copies, relay, reader, faults, healed, due>>

(* A code that only its creator knows of is no row: no copy can hold what was not there. One that may have been there, in a history that was           *)
(* lost, is: an alias is (a counter is never used again).                                                                                             *)
Create(c) ==
  /\ Creates /\ made[c] = Nothing /\ ~healed
  /\ made' = [made EXCEPT ![c] = losses] /\ madeAge' = [madeAge EXCEPT ![c] = 0]
  /\ IF Keeps("aliases are rows")
     THEN /\ Len(log) < Rows
          /\ log' = Append(log, [c |-> c, v |-> 0, g |-> losses]) /\ done' = Append(done, TRUE) /\ age' = Append(age, 0)
     ELSE UNCHANGED <<log, done, age>>
  /\ UNCHANGED <<forgotten, was, wasMade, lossAge, losses, redis, copies, relay, reader, faults, healed, due>>

Forget(upTo) ==
  /\ Forgets /\ ~healed /\ upTo \in (forgotten + 1)..HeadSeq /\ forgotten' = upTo
  /\ UNCHANGED <<log, done, age, made, madeAge, was, wasMade, lossAge, losses, redis, copies, relay, reader, faults, healed, due>>

(* A failover to a replica that lacks the end, or a copy that was restored. A create after the last row that stays may be lost or not.                 *)
Lose(from, created) ==
  /\ losses < Losses /\ ~healed /\ from <= Len(log) /\ (from < Len(log) \/ created # {})
  /\ \A c \in created : Creates /\ made[c] # Nothing /\ Of(log, c, from) = {}
  /\ \A c \in Codes : Keeps("aliases are rows") /\ Creates /\ made[c] # Nothing /\ Of(log, c, from) = {} => c \in created
  /\ log' = SubSeq(log, 1, from) /\ done' = SubSeq(done, 1, from) /\ age' = SubSeq(age, 1, from) /\ forgotten' = Min(forgotten, from)
  /\ made' = [c \in Codes |-> IF c \in created THEN Nothing ELSE made[c]]
  /\ was' = log /\ wasMade' = made /\ losses' = losses + 1 /\ lossAge' = 0
  /\ UNCHANGED <<madeAge, redis, copies, relay, reader, faults, healed, due>>

-----------------------------------------------------------------------------
(* Redis: snapshots, restarts from them, a master that a lagging replica takes over from while the old one goes on, eviction, fills.                  *)

Snapshot(n) ==
  /\ redis[n].up /\ ~healed /\ ~copies[n].set /\ faults < Faults
  /\ copies' = [copies EXCEPT ![n] = [set |-> TRUE, same |-> TRUE, val |-> redis[n].val, seq |-> redis[n].seq, nonce |-> redis[n].nonce]]
  /\ relay' = [r \in Relays |-> IF relay[r].node = n THEN [relay[r] EXCEPT !.snap = relay[r].same] ELSE relay[r]]
  /\ UNCHANGED <<database, redis, reader, faults, healed, due>>
FromCopy(n) == [up |-> TRUE, val |-> copies[n].val, seq |-> copies[n].seq, nonce |-> copies[n].nonce]
(* The state is again what it was at the snapshot, byte for byte, for relays that read it then. What nobody can come back to is not kept.              *)
IsLast == faults + 1 = Faults
Restart(n) ==
  /\ redis[n].up /\ ~healed /\ faults < Faults /\ faults' = faults + 1
  /\ redis' = [redis EXCEPT ![n] = FromCopy(n)]
  /\ reader' = IF reader.node # n THEN reader
               ELSE IF Keeps("proof ends with its connection") THEN Away ELSE [Away EXCEPT !.proof = reader.proof]
  /\ \E again \in (IF IsLast THEN {FALSE} ELSE BOOLEAN) :
       /\ copies' = [copies EXCEPT ![n] = IF again THEN [@ EXCEPT !.same = TRUE] ELSE NoCopy]
       /\ relay' = [r \in Relays |-> IF relay[r].node # n THEN relay[r]
                                     ELSE [relay[r] EXCEPT !.same = relay[r].snap, !.snap = again /\ @]]
  /\ UNCHANGED <<database, healed, due>>
Promote(n, m) ==
  /\ redis[n].up /\ ~redis[m].up /\ ~healed /\ faults < Faults /\ faults' = faults + 1
  /\ redis' = [redis EXCEPT ![m] = FromCopy(n)]
  /\ copies' = [k \in Nodes |-> IF k \in {n, m} THEN NoCopy ELSE copies[k]]
  /\ relay' = [r \in Relays |-> [relay[r] EXCEPT !.snap = FALSE]]
  /\ UNCHANGED <<database, reader, healed, due>>
Evict(n, c) ==
  /\ Evicts /\ ~healed /\ redis[n].up /\ redis[n].val[c] # Nothing
  /\ redis' = [redis EXCEPT ![n].val[c] = Nothing]
  /\ UNCHANGED <<database, copies, relay, reader, faults, healed, due>>

(* Who made a change that no round could bring takes the key out, whenever: the script of a round that leaves the state as it is, which an eviction is   *)
(* to all others. What it would be if it brought the link as it is now, or moved the pulse.                                                           *)
Withdraw(n, c) ==
  /\ Withdraws /\ ~healed /\ redis[n].up /\ redis[n].val[c] # Nothing
  /\ redis' = [redis EXCEPT ![n].val[c] = IF Keeps("a withdrawal brings nothing") THEN Nothing ELSE ValueAt(log, made, c, HeadSeq)]
  /\ IF Keeps("a withdrawal is no round") THEN UNCHANGED <<copies, relay, reader>>
     ELSE /\ reader' = IF reader.node = n THEN [reader EXCEPT !.advances = Min(2, @ + 1)] ELSE reader
          /\ relay' = Wrote(n, Nobody, Idle) /\ copies' = [copies EXCEPT ![n].same = FALSE]
  /\ UNCHANGED <<database, faults, healed, due>>

(* A fill of what somebody read at any time before, of the primary, of a replica however far behind, or of a history that was lost: a link and the     *)
(* position of the log in one statement.                                                                                                              *)
MayFill(n, l, at) ==
  CASE Keeps("a fill is of this position") -> at = redis[n].seq /\ Nonce(l, at) = redis[n].nonce
    [] Keeps("a fill is of no position before") -> at >= redis[n].seq
    [] OTHER -> TRUE
Fill(n, l, m, c, at) ==
  /\ redis[n].up /\ at <= Len(l) /\ MayFill(n, l, at)
  /\ LET value == ValueAt(l, m, c, at)
     IN /\ value # Nothing /\ value # redis[n].val[c]
        /\ "newest wins" \in Broken => Version(value) > Version(redis[n].val[c])
        /\ redis' = [redis EXCEPT ![n].val[c] = value]
  /\ UNCHANGED <<database, copies, relay, reader, faults, healed, due>>

-----------------------------------------------------------------------------
(* A relay's round: read the state, then one snapshot of the database, then one script.                                                               *)

Over(r) == relay' = [relay EXCEPT ![r] = Idle] /\ due' = due \ {r}
Crash(r) == relay[r].at # "idle" /\ ~healed /\ Over(r) /\ UNCHANGED <<database, redis, copies, reader, faults, healed>>
ReadState(r, n) ==
  /\ redis[n].up /\ relay[r].at = "idle" /\ (healed => r \in due)
  /\ relay' = [relay EXCEPT ![r] = [Idle EXCEPT !.at = "read state", !.node = n, !.same = TRUE, !.snap = copies[n].same,
                                                !.seq = redis[n].seq, !.nonce = redis[n].nonce]]
  /\ UNCHANGED <<database, redis, copies, reader, faults, healed, due>>

(* What one statement can tell of a position: the head's nonce, and those of the rows that are still there.                                           *)
Continues(seq, nonce) ==
  /\ seq <= HeadSeq
  /\ seq = HeadSeq \/ seq > forgotten \/ (seq = 0 /\ forgotten = 0)
  /\ Nonce(log, seq) = nonce
(* A row names a code; what the link is comes from the snapshot, and may be newer than the row.                                                       *)
ReadLog(r) ==
  /\ relay[r].at = "read state"
  /\ LET R == relay[r]
         cold == IF Keeps("nonces of rows") THEN ~Continues(R.seq, R.nonce) ELSE R.seq < forgotten
     IN relay' = [relay EXCEPT ![r].at = "read log", ![r].head = HeadSeq, ![r].headNonce = Nonce(log, HeadSeq), ![r].cold = cold,
          ![r].rows = [i \in 1..HeadSeq |->
             [c |-> log[i].c, g |-> log[i].g, in |-> done[i] /\ i > R.seq /\ i > forgotten,
              link |-> ValueAt(log, made, log[i].c, HeadSeq), isLast |-> \A j \in Committed(log, log[i].c, HeadSeq) : j <= i]]]
  /\ UNCHANGED <<database, redis, copies, reader, faults, healed, due>>

IsSame(r) ==
  /\ relay[r].at \in {"read log", "applied"} /\ redis[relay[r].node].up
  /\ IF Keeps("compare the state") THEN relay[r].same
     ELSE redis[relay[r].node].seq = relay[r].seq /\ redis[relay[r].node].nonce = relay[r].nonce
(* The link that a row names, where no later row names it too; the key is deleted otherwise: a position never holds what is newer than it.             *)
Brings(row) == IF row.isLast \/ ~Keeps("changed again is deleted") THEN row.link ELSE Nothing
Applied(val, rows, upTo) ==
  [c \in Codes |->
    LET I == {i \in DOMAIN rows : i <= upTo /\ rows[i].in /\ rows[i].c = c}
        new == Brings(rows[Max(I)])
    IN IF I = {} THEN val[c]
       ELSE IF "newest wins" \in Broken /\ Version(new) <= Version(val[c]) THEN val[c] ELSE new]
(* A cold bucket gets a new epoch: who knows only the old one finds in Redis what was in it.                                                          *)
IsCold(R) == R.cold /\ Keeps("a gap is cold")
Advanced(n, isCold) ==
  reader' = IF reader.node # n THEN reader
            ELSE [reader EXCEPT !.advances = Min(2, @ + 1),
                                !.kept = IF isCold THEN (IF @ = NoValues THEN redis[n].val ELSE @) ELSE @]
Apply(r) ==
  /\ Keeps("one script") /\ relay[r].at = "read log" /\ IsSame(r)
  /\ LET R == relay[r] IN
       /\ redis' = [redis EXCEPT ![R.node].val = IF IsCold(R) THEN NoValues ELSE Applied(@, R.rows, R.head),
                                 ![R.node].seq = R.head, ![R.node].nonce = R.headNonce]
       /\ Advanced(R.node, IsCold(R)) /\ relay' = Wrote(R.node, r, Idle) /\ due' = due \ {r}
       /\ copies' = [copies EXCEPT ![R.node].same = FALSE]
  /\ UNCHANGED <<database, faults, healed>>
(* A piece of a long backlog: rows, position and nonce move, the pulse does not.                                                                      *)
ApplyPiece(r) ==
  /\ Keeps("one script") /\ relay[r].at = "read log" /\ IsSame(r) /\ ~relay[r].cold
  /\ relay[r].head > relay[r].seq + 1 /\ relay[r].rows[relay[r].seq + 1].in
  /\ LET R == relay[r]  next == R.seq + 1 IN
       /\ redis' = [redis EXCEPT ![R.node].val = Applied(@, R.rows, next), ![R.node].seq = next, ![R.node].nonce = R.rows[next].g]
       /\ relay' = Wrote(R.node, r, [R EXCEPT !.seq = next, !.nonce = R.rows[next].g, !.same = TRUE, !.snap = FALSE, !.rows[next].in = FALSE])
       /\ copies' = [copies EXCEPT ![R.node].same = FALSE]
  /\ UNCHANGED <<database, reader, faults, healed, due>>
GiveUp(r) == relay[r].at \in {"read log", "applied"} /\ ~IsSame(r) /\ Over(r) /\ UNCHANGED <<database, redis, copies, reader, faults, healed>>
(* Without one script: the rows, and the position in another step.                                                                                    *)
ApplyRows(r) ==
  /\ ~Keeps("one script") /\ relay[r].at = "read log" /\ redis[relay[r].node].up
  /\ redis' = [redis EXCEPT ![relay[r].node].val = IF relay[r].cold THEN NoValues ELSE Applied(@, relay[r].rows, relay[r].head)]
  /\ relay' = [relay EXCEPT ![r].at = "applied"]
  /\ UNCHANGED <<database, copies, reader, faults, healed, due>>
MovePosition(r) ==
  /\ relay[r].at = "applied" /\ IsSame(r)
  /\ redis' = [redis EXCEPT ![relay[r].node].seq = relay[r].head, ![relay[r].node].nonce = relay[r].headNonce]
  /\ Advanced(relay[r].node, FALSE) /\ relay' = Wrote(relay[r].node, r, Idle) /\ due' = due \ {r}
  /\ copies' = [copies EXCEPT ![relay[r].node].same = FALSE]
  /\ UNCHANGED <<database, faults, healed>>
Round(r) == (\E n \in Nodes : ReadState(r, n)) \/ ReadLog(r) \/ Apply(r) \/ ApplyPiece(r) \/ GiveUp(r) \/ ApplyRows(r) \/ MovePosition(r)

-----------------------------------------------------------------------------
(* A reader polls the state on the connection of its reads.                                                                                           *)

Connect(n) ==
  /\ redis[n].up /\ reader.node # n /\ (healed => reader.node = Nobody)
  /\ reader' = [Away EXCEPT !.node = n, !.proof = IF Keeps("proof ends with its connection") THEN @ ELSE reader.proof]
  /\ UNCHANGED <<database, redis, copies, relay, faults, healed, due>>
Needed == IF Keeps("two advances") THEN 2 ELSE 1
Poll ==
  /\ reader.node # Nobody /\ (healed => "reader" \in due)
  /\ LET isProven == reader.advances >= Needed
         proof == IF ~Keeps("an advance is the proof") THEN 0
                  ELSE IF ~isProven \/ ~Keeps("its sending counts") THEN reader.proof ELSE Min(reader.proof, reader.asked)
         waits == Heals /\ ~isProven /\ reader.asked <= Trust
     IN reader' = [reader EXCEPT !.proof = proof, !.asked = IF waits THEN @ ELSE 0, !.advances = IF waits THEN @ ELSE 0,
                                 !.late = @ \/ (~Keeps("its sending counts") /\ isProven),
                                 !.kept = IF Keeps("the epoch comes with the proof") THEN NoValues ELSE @]
  /\ due' = due \ {"reader"}
  /\ UNCHANGED <<database, redis, copies, relay, faults, healed>>
HearLate == reader.late /\ reader' = [reader EXCEPT !.proof = 0, !.late = FALSE] /\ UNCHANGED <<database, redis, copies, relay, faults, healed, due>>

-----------------------------------------------------------------------------
Older(a) == Min(Trust + 1, a + 1)
Tick ==
  /\ healed => due = {}
  /\ age' = [i \in DOMAIN age |-> IF done[i] THEN Min(Allowed + 1, age[i] + 1) ELSE 0]
  /\ madeAge' = [c \in Codes |-> IF Creates /\ made[c] # Nothing THEN Min(Allowed + 1, madeAge[c] + 1) ELSE 0]
  /\ lossAge' = IF losses = 0 THEN 0 ELSE Min(Allowed + 1, lossAge + 1)
  /\ reader' = [reader EXCEPT !.proof = Older(@), !.asked = Older(@), !.advances = IF reader.asked >= Trust THEN 0 ELSE @]
  /\ due' = IF healed THEN Relays \cup {"reader"} ELSE {}
  /\ UNCHANGED <<log, done, made, forgotten, was, wasMade, losses, redis, copies, relay, faults, healed>>
Heal == Heals /\ ~healed /\ healed' = TRUE /\ due' = Relays \cup {"reader"} /\ UNCHANGED <<database, redis, copies, relay, reader, faults>>

Next ==
  \/ \E c \in Codes : Change(c) \/ TakePlace(c) \/ Create(c)
  \/ \E i \in DOMAIN log : CommitLater(i)
  \/ \E upTo \in 1..Rows : Forget(upTo)
  \/ \E from \in 0..Rows, created \in SUBSET (IF Creates THEN Codes ELSE {}) : Lose(from, created)
  \/ \E n \in Nodes : Snapshot(n) \/ Restart(n) \/ Connect(n)
  \/ \E n, m \in Nodes : Promote(n, m)
  \/ \E n \in Nodes, c \in Codes : Evict(n, c) \/ Withdraw(n, c) \/ \E at \in 0..Rows : Fill(n, log, made, c, at) \/ (losses > 0 /\ Fill(n, was, wasMade, c, at))
  \/ \E r \in Relays : Round(r) \/ Crash(r)
  \/ Poll \/ HearLate \/ Tick \/ Heal

Spec == Init /\ [][Next]_vars
(* A round every tick, and a poll, once faults have ended.                                                                                            *)
FairSpec == Spec /\ WF_vars(Heal) /\ WF_vars(Tick) /\ WF_vars(Poll) /\ WF_vars(\E n \in Nodes : Connect(n)) /\ \A r \in Relays : WF_vars(Round(r))

-----------------------------------------------------------------------------
(* Contract: what the reader may serve, until the last moment at which it may (from the copy, or kept in its own memory), is no version of which a     *)
(* newer one was committed more than `Allowed` before; nor of a history that was lost before then.                                                    *)
Served == IF reader.kept # NoValues THEN reader.kept ELSE redis[reader.node].val
MayServe(c) == reader.node # Nobody /\ reader.proof <= Trust /\ Served[c] # Nothing
PlaceOf(c, value) ==
  LET I == {i \in DOMAIN log : log[i].c = c /\ Value(log[i].v, log[i].g) = value}
  IN IF I # {} THEN Max(I) ELSE IF value = made[c] THEN 0 ELSE -1
TooOld(passed, proof) == passed + (Trust - proof) > Allowed
IsStale(c, value, proof) ==
  LET place == PlaceOf(c, value) IN
    CASE place >= 0 -> \E i \in DOMAIN log : done[i] /\ log[i].c = c /\ i > place /\ TooOld(age[i], proof)
      [] Creates /\ Version(value) = 0 -> made[c] # Nothing /\ TooOld(madeAge[c], proof)      \* a lost link goes on until its code is another's
      [] OTHER -> TooOld(lossAge, proof)
Contract == \A c \in Codes : MayServe(c) => ~IsStale(c, Served[c], IF Keeps("kept until the proof ends") THEN reader.proof ELSE 0)

(* Copy: at its position, Redis holds nothing but what the database had at that position.                                                             *)
IsOfNow(n) == redis[n].seq <= Len(log) /\ Nonce(log, redis[n].seq) = redis[n].nonce
Copy == \A n \in Nodes, c \in Codes : redis[n].up /\ redis[n].val[c] # Nothing =>
  IF IsOfNow(n) THEN redis[n].val[c] = ValueAt(log, made, c, redis[n].seq)
                     \/ (Creates /\ Version(redis[n].val[c]) = 0 /\ made[c] = Nothing)
  ELSE redis[n].seq <= Len(was) => redis[n].val[c] = ValueAt(was, wasMade, c, redis[n].seq)

(* Recovers: once faults have ended, what Redis holds is trusted again, and stays so.                                                                 *)
Recovers == <>[](reader.proof <= Trust)

Alike == Permutations(Relays)
=============================================================================
