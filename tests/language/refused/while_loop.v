(* A while loop: its statement is run again as a whole. *)
Inductive statement : Set := skip | decrement | while_positive (body : statement).
Fixpoint run (s : statement) (n : nat) : nat :=
  match s with
  | skip => n
  | decrement => Nat.pred n
  | while_positive body =>
      match n with
      | O => n
      | S _ => run (while_positive body) (run body n)
      end
  end.
