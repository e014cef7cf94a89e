------------------------------- MODULE Ledger -------------------------------
(* The second witness, as the database keeps it: rows that do not overlap, each leased, released, claimed or lost. Each   *)
(* operator below is what one transaction looks at, or what it leaves behind; a transaction is applied whole.             *)
EXTENDS Ranges

FirstLedger == [exists |-> TRUE, rows |-> {}]
(* Wiped. Without its head row every transaction is refused.                                                              *)
LostLedger == [exists |-> FALSE, rows |-> {}]

Row(start, end, state) == [start |-> start, end |-> end, state |-> state]

(* A row of its own in the database, raised with every lease: always the greatest end on record.                          *)
Head(ledger) == IF ledger.rows = {} THEN 0 ELSE CHOOSE e \in {r.end : r \in ledger.rows} : \A r \in ledger.rows : r.end <= e

(* Record a lease: refused if any counter of it is on record.                                                             *)
MayRecord(ledger, r) == ledger.exists /\ \A row \in ledger.rows : ~Overlap(row, r)
Recorded(ledger, r) == [ledger EXCEPT !.rows = @ \union {Row(r.start, r.end, "leased")}]

(* Release the tail of a row that a server holds. What was issued stays with whom it was issued by.                       *)
HoldingRows(ledger, r) ==
  {row \in ledger.rows : row.state \in {"leased", "claimed"} /\ row.start <= r.start /\ row.end = r.end}
MayRelease(ledger, r) == HoldingRows(ledger, r) # {}
Released(ledger, r) ==
  LET row == First(HoldingRows(ledger, r))
      issued == IF row.start < r.start THEN {Row(row.start, r.start, row.state)} ELSE {}
  IN [ledger EXCEPT !.rows = (@ \ {row}) \union issued \union {Row(r.start, r.end, "released")}]

(* UPDATE … SET state = 'claimed' WHERE start, end and state = 'released': exactly one row, or nothing was claimed.       *)
MayClaim(ledger, r) == Row(r.start, r.end, "released") \in ledger.rows
Claimed(ledger, r) ==
  [ledger EXCEPT !.rows = (@ \ {Row(r.start, r.end, "released")}) \union {Row(r.start, r.end, "claimed")}]

(* Repair: counters below a mark that are off the record are put on it (one row a counter here, one a hole in the code), and what is      *)
(* released without a node that offers it can be claimed no more.                                                         *)
Holes(ledger, mark) == {c \in 0 .. mark - 1 : \A row \in ledger.rows : c \notin CountersIn(row)}
Covered(ledger, holes) == [exists |-> TRUE, rows |-> ledger.rows \union {Row(c, c + 1, "lost") : c \in holes}]
WithoutOrphans(ledger, nodes) ==
  LET isOrphan(row) == row.state = "released" /\ [start |-> row.start, end |-> row.end] \notin nodes
  IN [ledger EXCEPT !.rows = {IF isOrphan(row) THEN [row EXCEPT !.state = "lost"] ELSE row : row \in @}]
=============================================================================
