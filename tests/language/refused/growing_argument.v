(* The successor of arXiv 2401.12947 with the recursive call on a bigger number. *)
From Coq Require Import BinNums.
Fixpoint succ (p : positive) : positive :=
  match p with
  | xI q => xO (succ (xO (xI q)))
  | xO q => xI q
  | xH => xO xH
  end.
