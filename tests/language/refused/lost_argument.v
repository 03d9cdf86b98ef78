(* The recursive name stands alone, and is applied to the whole argument elsewhere. *)
Fixpoint count (n : nat) : nat :=
  match n with
  | O => 0
  | S m => (fun f : nat -> nat => f (S m)) count
  end.
