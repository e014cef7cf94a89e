------------------------------ MODULE ReplicaLag ------------------------------
(* How far a replica of the database is behind, as far as a reader can prove it: a writer beats on the primary; the reader asks the primary for the   *)
(* beat now and then; whoever answers a read with a beat that the primary did not have yet when it was asked has everything that was committed        *)
(* before that moment. Steps take no time, only `Tick` ages things.                                                                                   *)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
  Trust,               \* S: for how many ticks what was true may be served
  Entries,             \* how long the log of the primary becomes
  Losses,              \* how often the primary loses the end of its log, and replicas do not
  Broken

VARIABLES
  log,                 \* of the primary: changes and beats
  ages,                \* how long ago each entry was committed
  replica,             \* the log that the replica has applied
  was,                 \* what the primary had before the last loss, which a replica may have
  losses, lossAge,
  seen,                \* the beat that the primary had when it was last asked, and how long ago that was
  proof                \* of the beat that was new when it was asked for: how long ago it was not there yet
vars == <<log, ages, replica, was, losses, lossAge, seen, proof>>

Keeps(guard) == guard \notin Broken
Older(a) == IF a > Trust THEN a ELSE a + 1
Never == Trust + 1
(* A beat has a number, one more than the beat before it, and a nonce, of which only the history matters that it is of.                               *)
AChange == [number |-> 0, nonce |-> 0]
NoBeat == [number |-> -1, nonce |-> 0]
BeatsOf(l) == {i \in DOMAIN l : l[i] # AChange}
Last(X) == CHOOSE x \in X : \A y \in X : y <= x
BeatOf(l) == IF BeatsOf(l) = {} THEN NoBeat ELSE l[Last(BeatsOf(l))]
NextBeat == [number |-> Cardinality(BeatsOf(log)) + 1, nonce |-> IF Keeps("beats have nonces") THEN losses ELSE 0]

Init ==
  /\ log = <<>> /\ ages = <<>> /\ replica = <<>> /\ was = <<>> /\ losses = 0 /\ lossAge = 0
  /\ seen = [beat |-> NoBeat, age |-> Never] /\ proof = [beat |-> NoBeat, age |-> Never]

Commit(entry) ==
  /\ Len(log) < Entries /\ log' = Append(log, entry) /\ ages' = Append(ages, 0)
  /\ UNCHANGED <<replica, was, losses, lossAge, seen, proof>>
Change == Commit(AChange)
Beat == Commit(NextBeat)
(* A replica applies the log in order: the primary's, or goes on with what the old primary had sent it.                                               *)
IsPrefix(a, b) == Len(a) <= Len(b) /\ a = SubSeq(b, 1, Len(a))
Replicate ==
  /\ \E l \in {log, was} : Len(replica) < Len(l) /\ IsPrefix(replica, l) /\ replica' = Append(replica, l[Len(replica) + 1])
  /\ UNCHANGED <<log, ages, was, losses, lossAge, seen, proof>>
Lose(from) ==
  /\ losses < Losses /\ from < Len(log) /\ losses' = losses + 1 /\ lossAge' = 0 /\ was' = log
  /\ log' = SubSeq(log, 1, from) /\ ages' = SubSeq(ages, 1, from)
  /\ UNCHANGED <<replica, seen, proof>>
Ask ==
  /\ LET beat == BeatOf(log)
         isNew == IF Keeps("beats have numbers") THEN beat.number > seen.beat.number ELSE beat # seen.beat
     IN /\ seen' = [beat |-> beat, age |-> 0]
        /\ proof' = IF ~Keeps("a beat is as old as the question before it") THEN [beat |-> beat, age |-> 0]
                    ELSE IF isNew THEN [beat |-> beat, age |-> seen.age] ELSE proof
  /\ UNCHANGED <<log, ages, replica, was, losses, lossAge>>
Tick ==
  /\ ages' = [i \in DOMAIN ages |-> Older(ages[i])] /\ lossAge' = IF losses = 0 THEN 0 ELSE Older(lossAge)
  /\ seen' = [seen EXCEPT !.age = Older(@)] /\ proof' = [proof EXCEPT !.age = Older(@)]
  /\ UNCHANGED <<log, replica, was, losses>>
Next == Change \/ Beat \/ Replicate \/ (\E from \in 0..Entries : Lose(from)) \/ Ask \/ Tick

(* A replica that has the beat of the proof may be read, and what it says kept, for S from the proof on: nothing that it lacks was committed before    *)
(* that, and nothing that was lost is kept for longer than S.                                                                                         *)
MayRead == proof.beat # NoBeat /\ proof.age <= Trust /\ \E i \in BeatsOf(replica) : replica[i] = proof.beat
Same(i) == i \in DOMAIN replica /\ \A j \in 1..i : replica[j] = log[j]
Lag ==
  MayRead =>
    /\ \A i \in DOMAIN log : Same(i) \/ ages[i] <= proof.age
    /\ IsPrefix(replica, log) \/ lossAge <= proof.age
=============================================================================
