(* Expressions that contain statements and statements that contain expressions: two types and two
   evaluators, each calling the other.

   The memory is one bit; the language is small enough to count its programs. *)

From Coq Require Import List.
Import ListNotations.

Inductive expression : Set :=
  | lit : bool -> expression
  | get : expression
  | nand : expression -> expression -> expression
  | after : statement -> expression -> expression
with statement : Set :=
  | pass : statement
  | set : expression -> statement
  | both : statement -> statement -> statement
  | when : expression -> statement -> statement.

(* Value of an expression with the bit after it, and the bit after a statement. Textbook:
   evaluation with side effects, from left to right. *)
Fixpoint value (e : expression) (bit : bool) : bool * bool :=
  match e with
  | lit v => (v, bit)
  | get => (bit, bit)
  | nand l r =>
      let (v, bit1) := value l bit in
      let (w, bit2) := value r bit1 in
      (negb (andb v w), bit2)
  | after s e' => value e' (effect s bit)
  end
with effect (s : statement) (bit : bool) : bool :=
  match s with
  | pass => bit
  | set e => fst (value e bit)
  | both s1 s2 => effect s2 (effect s1 bit)
  | when e s' => let (v, bit1) := value e bit in if v then effect s' bit1 else bit1
  end.

Example value_get : value get true = (true, true). Proof. reflexivity. Qed.
Example value_after : value (nand (after (set (lit true)) get) get) false = (false, true).
Proof. reflexivity. Qed.
Example effect_pass : effect pass false = false. Proof. reflexivity. Qed.
Example effect_not : effect (set (nand get get)) true = false. Proof. reflexivity. Qed.
Example effect_when : effect (when get (set (lit false))) true = false. Proof. reflexivity. Qed.

(* Measure: assignments in an expression, and in a statement. *)
Fixpoint sets_within (e : expression) : nat :=
  match e with
  | lit _ | get => 0
  | nand l r => sets_within l + sets_within r
  | after s e' => sets s + sets_within e'
  end
with sets (s : statement) : nat :=
  match s with
  | pass => 0
  | set e => S (sets_within e)
  | both s1 s2 => sets s1 + sets s2
  | when e s' => sets_within e + sets s'
  end.

Example sets_within_0 : sets_within get = 0. Proof. reflexivity. Qed.
Example sets_2 : sets (both (set get) (when (lit true) (set get))) = 2. Proof. reflexivity. Qed.

(* Measure: how deep expressions and statements are nested in each other. *)
Fixpoint layers (e : expression) : nat :=
  match e with
  | lit _ | get => 0
  | nand l r => Nat.max (layers l) (layers r)
  | after s e' => Nat.max (S (layers_of s)) (layers e')
  end
with layers_of (s : statement) : nat :=
  match s with
  | pass => 0
  | set e => S (layers e)
  | both s1 s2 => Nat.max (layers_of s1) (layers_of s2)
  | when e s' => Nat.max (S (layers e)) (layers_of s')
  end.

Example layers_0 : layers (nand get get) = 0. Proof. reflexivity. Qed.
Example layers_2 : layers (after (set get) get) = 2. Proof. reflexivity. Qed.
Example layers_of_1 : layers_of (set get) = 1. Proof. reflexivity. Qed.

(* The order in which bits are read and written: false a read, true a write. Textbook. *)
Fixpoint accesses (e : expression) : list bool :=
  match e with
  | lit _ => []
  | get => [false]
  | nand l r => accesses l ++ accesses r
  | after s e' => accesses_of s ++ accesses e'
  end
with accesses_of (s : statement) : list bool :=
  match s with
  | pass => []
  | set e => accesses e ++ [true]
  | both s1 s2 => accesses_of s1 ++ accesses_of s2
  | when e s' => accesses e ++ accesses_of s'
  end.

Example accesses_get : accesses get = [false]. Proof. reflexivity. Qed.
Example accesses_of_set : accesses_of (set (nand get get)) = [false; false; true].
Proof. reflexivity. Qed.
