(* Ackermann's function as one recursion: first one argument decreases, then the other. *)
Fixpoint ackermann (m n : nat) : nat :=
  match m, n with
  | O, _ => S n
  | S m', O => ackermann m' 1
  | S m', S n' => ackermann m' (ackermann m n')
  end.
