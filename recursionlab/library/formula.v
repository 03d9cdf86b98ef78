(* Propositional formulas: values, negation normal form, satisfying assignments. *)

From Coq Require Import Bool List.
Import ListNotations.

Inductive atom : Set := p | q | r.

Inductive formula : Set :=
  | truth : formula
  | var : atom -> formula
  | not : formula -> formula
  | and : formula -> formula -> formula
  | or : formula -> formula -> formula.

(* Truth values of the three atoms. *)
Inductive world : Set := facts : bool -> bool -> bool -> world.

(* Value of an atom. *)
Definition holds (x : atom) (w : world) : bool :=
  match w with
  | facts vp vq vr => match x with p => vp | q => vq | r => vr end
  end.

Example holds_q : holds q (facts false true false) = true. Proof. reflexivity. Qed.

(* Value of a formula. Textbook. *)
Fixpoint value (w : world) (f : formula) : bool :=
  match f with
  | truth => true
  | var x => holds x w
  | not g => negb (value w g)
  | and g h => value w g && value w h
  | or g h => value w g || value w h
  end.

Example value_truth : value (facts false false false) truth = true. Proof. reflexivity. Qed.
Example value_not : value (facts true false false) (not (and (var p) (var q))) = true.
Proof. reflexivity. Qed.

(* Negations moved to the atoms: a formula, and its negation, each from the other. De Morgan;
   textbook. *)
Fixpoint pushed (f : formula) : formula :=
  match f with
  | truth => truth
  | var x => var x
  | not g => denied g
  | and g h => and (pushed g) (pushed h)
  | or g h => or (pushed g) (pushed h)
  end
with denied (f : formula) : formula :=
  match f with
  | truth => not truth
  | var x => not (var x)
  | not g => pushed g
  | and g h => or (denied g) (denied h)
  | or g h => and (denied g) (denied h)
  end.

Example pushed_atom : pushed (var p) = var p. Proof. reflexivity. Qed.
Example pushed_and : pushed (not (and (var p) (not (var q)))) = or (not (var p)) (var q).
Proof. reflexivity. Qed.
Example denied_not : denied (not (var p)) = var p. Proof. reflexivity. Qed.

(* Measure: whether negations stand before atoms and truth alone. *)
Fixpoint normal (f : formula) : bool :=
  match f with
  | truth | var _ | not truth | not (var _) => true
  | not _ => false
  | and g h | or g h => normal g && normal h
  end.

Example normal_yes : normal (and (not (var p)) truth) = true. Proof. reflexivity. Qed.
Example normal_no : normal (not (not (var p))) = false. Proof. reflexivity. Qed.

(* And and or exchanged, and truth with its negation: the dual. Textbook. *)
Fixpoint dual (f : formula) : formula :=
  match f with
  | truth => not truth
  | var x => var x
  | not g => not (dual g)
  | and g h => or (dual g) (dual h)
  | or g h => and (dual g) (dual h)
  end.

Example dual_truth : dual truth = not truth. Proof. reflexivity. Qed.
Example dual_and : dual (and (var p) (not (var q))) = or (var p) (not (var q)).
Proof. reflexivity. Qed.

(* The worlds of a list in which a formula is true. Textbook. *)
Fixpoint models (f : formula) (ws : list world) : list world :=
  match ws with
  | [] => []
  | w :: others => if value w f then w :: models f others else models f others
  end.

Example models_0 : models truth [] = []. Proof. reflexivity. Qed.
Example models_1 :
  models (var p) [facts true false false; facts false true true] = [facts true false false].
Proof. reflexivity. Qed.

(* The literals of a clause, true for a plain atom; what is no literal is left out. Textbook. *)
Fixpoint literals (f : formula) : list (bool * atom) :=
  match f with
  | var x => [(true, x)]
  | not (var x) => [(false, x)]
  | or g h => literals g ++ literals h
  | truth | not _ | and _ _ => []
  end.

Example literals_2 : literals (or (var p) (not (var q))) = [(true, p); (false, q)].
Proof. reflexivity. Qed.
Example literals_0 : literals truth = []. Proof. reflexivity. Qed.

(* Or of two formulas, moved inside their ands: an outer recursion and an inner one. Textbook. *)
Fixpoint distribute (f g : formula) : formula :=
  match f with
  | and f1 f2 => and (distribute f1 g) (distribute f2 g)
  | _ =>
      (fix over (h : formula) : formula :=
         match h with
         | and h1 h2 => and (over h1) (over h2)
         | _ => or f h
         end) g
  end.

Example distribute_atoms : distribute (var p) (var q) = or (var p) (var q). Proof. reflexivity. Qed.
Example distribute_both :
  distribute (and (var p) (var q)) (and (var q) (var r)) =
  and (and (or (var p) (var q)) (or (var p) (var r))) (and (or (var q) (var q)) (or (var q) (var r))).
Proof. reflexivity. Qed.

(* Conjunctive normal form of a formula in negation normal form. Textbook. *)
Fixpoint clauses (f : formula) : formula :=
  match f with
  | and g h => and (clauses g) (clauses h)
  | or g h => distribute (clauses g) (clauses h)
  | literal => literal
  end.

Example clauses_literal : clauses (not (var p)) = not (var p). Proof. reflexivity. Qed.
Example clauses_or :
  clauses (or (var p) (and (var q) (var r))) = and (or (var p) (var q)) (or (var p) (var r)).
Proof. reflexivity. Qed.

(* Measure: connectives on the longest path. *)
Fixpoint depth (f : formula) : nat :=
  match f with
  | truth | var _ => 0
  | not g => S (depth g)
  | and g h | or g h => S (Nat.max (depth g) (depth h))
  end.

Example depth_0 : depth truth = 0. Proof. reflexivity. Qed.
Example depth_2 : depth (and (not (var p)) (var q)) = 2. Proof. reflexivity. Qed.

(* Measure: how often atoms occur. *)
Fixpoint occurrences (f : formula) : nat :=
  match f with
  | truth => 0
  | var _ => 1
  | not g => occurrences g
  | and g h | or g h => occurrences g + occurrences h
  end.

Example occurrences_0 : occurrences (not truth) = 0. Proof. reflexivity. Qed.
Example occurrences_2 : occurrences (and (not (var p)) (var p)) = 2. Proof. reflexivity. Qed.
