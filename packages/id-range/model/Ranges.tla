------------------------------- MODULE Ranges -------------------------------
(* Half-open intervals [start, end) of counters: ranges, their remainders and the ledger's rows.                          *)
EXTENDS Integers

Larger(a, b) == IF a > b THEN a ELSE b

Overlap(r, q) == r.start < q.end /\ q.start < r.end

CountersIn(r) == r.start .. r.end - 1

(* Of a set that is not empty. What Lakh issues, publishes and claims, it takes in this order.                            *)
First(rs) == CHOOSE r \in rs : \A q \in rs : r.start <= q.start
=============================================================================
