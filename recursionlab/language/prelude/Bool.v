(* Coq.Bool.Bool: equality of booleans. *)

Definition eqb (b1 b2 : bool) : bool :=
  match b1, b2 with
  | true, true => true
  | true, false => false
  | false, true => false
  | false, false => true
  end.
