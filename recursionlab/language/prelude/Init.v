(* What Coq loads before any file: Coq.Init.Datatypes, Coq.Init.Nat and the names of Coq.Init.Peano. *)

Inductive unit : Set := tt : unit.

Inductive bool : Set := true : bool | false : bool.

Definition andb (b1 b2 : bool) : bool := if b1 then b2 else false.
Definition orb (b1 b2 : bool) : bool := if b1 then true else b2.
Definition implb (b1 b2 : bool) : bool := if b1 then b2 else true.
Definition xorb (b1 b2 : bool) : bool :=
  match b1, b2 with
  | true, true => false
  | true, false => true
  | false, true => true
  | false, false => false
  end.
Definition negb (b : bool) : bool := if b then false else true.

Inductive nat : Set := O : nat | S : nat -> nat.

Inductive option (A : Type) : Type := Some : A -> option A | None : option A.
Arguments Some {A} _.
Arguments None {A}.

Definition option_map (A B : Type) (f : A -> B) (o : option A) : option B :=
  match o with
  | Some a => Some (f a)
  | None => None
  end.
Arguments option_map {A} {B} f o.

Inductive sum (A B : Type) : Type := inl : A -> sum A B | inr : B -> sum A B.
Arguments inl {A} {B} _.
Arguments inr {A} {B} _.

Inductive prod (A B : Type) : Type := pair : A -> B -> prod A B.
Arguments pair {A} {B} _ _.

Definition fst {A B : Type} (p : A * B) : A := match p with (x, y) => x end.
Definition snd {A B : Type} (p : A * B) : B := match p with (x, y) => y end.
Definition curry {A B C : Type} (f : A * B -> C) (x : A) (y : B) : C := f (x, y).
Definition uncurry {A B C : Type} (f : A -> B -> C) (p : A * B) : C :=
  match p with (x, y) => f x y end.

Inductive list (A : Type) : Type := nil : list A | cons : A -> list A -> list A.
Arguments nil {A}.
Arguments cons {A} _ _.

Definition length {A : Type} : list A -> nat :=
  fix length (l : list A) : nat :=
    match l with
    | nil => O
    | cons _ l' => S (length l')
    end.

Definition app {A : Type} : list A -> list A -> list A :=
  fix app (l m : list A) : list A :=
    match l with
    | nil => m
    | cons a l1 => cons a (app l1 m)
    end.

Inductive comparison : Set := Eq : comparison | Lt : comparison | Gt : comparison.

Definition CompOpp (r : comparison) : comparison :=
  match r with
  | Eq => Eq
  | Lt => Gt
  | Gt => Lt
  end.

Module Nat.

Definition zero := O.
Definition one := S O.
Definition two := S (S O).
Definition succ := S.

Definition pred (n : nat) : nat :=
  match n with
  | O => n
  | S u => u
  end.

Fixpoint add (n m : nat) : nat :=
  match n with
  | O => m
  | S p => S (add p m)
  end.

Definition double (n : nat) : nat := add n n.

Fixpoint mul (n m : nat) : nat :=
  match n with
  | O => O
  | S p => add m (mul p m)
  end.

Fixpoint sub (n m : nat) : nat :=
  match n, m with
  | S k, S l => sub k l
  | _, _ => n
  end.

Fixpoint eqb (n m : nat) : bool :=
  match n, m with
  | O, O => true
  | O, S _ => false
  | S _, O => false
  | S n', S m' => eqb n' m'
  end.

Fixpoint leb (n m : nat) : bool :=
  match n, m with
  | O, _ => true
  | _, O => false
  | S n', S m' => leb n' m'
  end.

Definition ltb (n m : nat) : bool := leb (S n) m.

Fixpoint compare (n m : nat) : comparison :=
  match n, m with
  | O, O => Eq
  | O, S _ => Lt
  | S _, O => Gt
  | S n', S m' => compare n' m'
  end.

Fixpoint max (n m : nat) : nat :=
  match n, m with
  | O, _ => m
  | S n', O => n
  | S n', S m' => S (max n' m')
  end.

Fixpoint min (n m : nat) : nat :=
  match n, m with
  | O, _ => O
  | S n', O => O
  | S n', S m' => S (min n' m')
  end.

Fixpoint even (n : nat) : bool :=
  match n with
  | O => true
  | S O => false
  | S (S n') => even n'
  end.

Definition odd (n : nat) : bool := negb (even n).

Fixpoint pow (n m : nat) : nat :=
  match m with
  | O => S O
  | S m => mul n (pow n m)
  end.

Fixpoint tail_add (n m : nat) : nat :=
  match n with
  | O => m
  | S n => tail_add n (S m)
  end.

Fixpoint tail_addmul (r n m : nat) : nat :=
  match n with
  | O => r
  | S n => tail_addmul (tail_add m r) n m
  end.

Definition tail_mul (n m : nat) : nat := tail_addmul O n m.

Fixpoint divmod (x y q u : nat) : nat * nat :=
  match x with
  | O => (q, u)
  | S x' =>
      match u with
      | O => divmod x' y (S q) y
      | S u' => divmod x' y q u'
      end
  end.

Definition div (x y : nat) : nat :=
  match y with
  | O => y
  | S y' => fst (divmod x y' O y')
  end.

Definition modulo (x y : nat) : nat :=
  match y with
  | O => x
  | S y' => sub y' (snd (divmod x y' O y'))
  end.

Fixpoint div2 (n : nat) : nat :=
  match n with
  | O => O
  | S O => O
  | S (S n') => S (div2 n')
  end.

End Nat.

Notation pred := Nat.pred (only parsing).
Notation plus := Nat.add (only parsing).
Notation mult := Nat.mul (only parsing).
Notation minus := Nat.sub (only parsing).
Notation max := Nat.max (only parsing).
Notation min := Nat.min (only parsing).
