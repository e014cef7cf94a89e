-------------------------------- MODULE Check -------------------------------
(* What TLC needs beside the model. Servers are alike, so states that differ only in their names count once.              *)
EXTENDS IdRange, TLC

Alike == Permutations(Servers)
=============================================================================
