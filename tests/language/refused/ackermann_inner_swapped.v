(* Ackermann's function with the inner recursion on the number that does not decrease. *)
Fixpoint ackermann (m : nat) : nat -> nat :=
  match m with
  | O => S
  | S m' =>
      fix inner (n : nat) : nat :=
        match n with
        | O => ackermann m' 1
        | S n' => inner (ackermann m' n')
        end
  end.
