(* Coq.PArith.BinPosDef: arithmetic on binary numbers. *)

Module Pos.

Fixpoint succ (x : positive) : positive :=
  match x with
  | xI p => xO (succ p)
  | xO p => xI p
  | xH => xO xH
  end.

Fixpoint add (x y : positive) : positive :=
  match x, y with
  | xI p, xI q => xO (add_carry p q)
  | xI p, xO q => xI (add p q)
  | xI p, xH => xO (succ p)
  | xO p, xI q => xI (add p q)
  | xO p, xO q => xO (add p q)
  | xO p, xH => xI p
  | xH, xI q => xO (succ q)
  | xH, xO q => xI q
  | xH, xH => xO xH
  end
with add_carry (x y : positive) : positive :=
  match x, y with
  | xI p, xI q => xI (add_carry p q)
  | xI p, xO q => xO (add_carry p q)
  | xI p, xH => xI (succ p)
  | xO p, xI q => xO (add_carry p q)
  | xO p, xO q => xI (add p q)
  | xO p, xH => xO (succ p)
  | xH, xI q => xI (succ q)
  | xH, xO q => xO (succ q)
  | xH, xH => xI xH
  end.

Fixpoint pred_double (x : positive) : positive :=
  match x with
  | xI p => xI (xO p)
  | xO p => xI (pred_double p)
  | xH => xH
  end.

Definition pred (x : positive) : positive :=
  match x with
  | xI p => xO p
  | xO p => pred_double p
  | xH => xH
  end.

Fixpoint mul (x y : positive) : positive :=
  match x with
  | xI p => add y (xO (mul p y))
  | xO p => xO (mul p y)
  | xH => y
  end.

Definition iter {A : Type} (f : A -> A) : A -> positive -> A :=
  fix iter_fix (x : A) (n : positive) : A :=
    match n with
    | xH => f x
    | xO n' => iter_fix (iter_fix x n') n'
    | xI n' => f (iter_fix (iter_fix x n') n')
    end.

Definition pow (x : positive) : positive -> positive := iter (mul x) xH.

Fixpoint square (p : positive) : positive :=
  match p with
  | xI p => xI (xO (add (square p) p))
  | xO p => xO (xO (square p))
  | xH => xH
  end.

Definition div2 (p : positive) : positive :=
  match p with
  | xH => xH
  | xO p => p
  | xI p => p
  end.

Definition div2_up (p : positive) : positive :=
  match p with
  | xH => xH
  | xO p => p
  | xI p => succ p
  end.

Fixpoint size_nat (p : positive) : nat :=
  match p with
  | xH => S O
  | xI p => S (size_nat p)
  | xO p => S (size_nat p)
  end.

Fixpoint size (p : positive) : positive :=
  match p with
  | xH => xH
  | xI p => succ (size p)
  | xO p => succ (size p)
  end.

Fixpoint compare_cont (r : comparison) (x y : positive) {struct y} : comparison :=
  match x, y with
  | xI p, xI q => compare_cont r p q
  | xI p, xO q => compare_cont Gt p q
  | xI p, xH => Gt
  | xO p, xI q => compare_cont Lt p q
  | xO p, xO q => compare_cont r p q
  | xO p, xH => Gt
  | xH, xI q => Lt
  | xH, xO q => Lt
  | xH, xH => r
  end.

Definition compare : positive -> positive -> comparison := compare_cont Eq.

Definition min (p p' : positive) : positive :=
  match compare p p' with
  | Lt | Eq => p
  | Gt => p'
  end.

Definition max (p p' : positive) : positive :=
  match compare p p' with
  | Lt | Eq => p'
  | Gt => p
  end.

Fixpoint eqb (p q : positive) {struct q} : bool :=
  match p, q with
  | xI p, xI q => eqb p q
  | xO p, xO q => eqb p q
  | xH, xH => true
  | _, _ => false
  end.

Definition leb (x y : positive) : bool :=
  match compare x y with
  | Gt => false
  | _ => true
  end.

Definition ltb (x y : positive) : bool :=
  match compare x y with
  | Lt => true
  | _ => false
  end.

End Pos.
