(* A stack machine: postfix code, the compiler to it and its way back. *)

From Coq Require Import List.
Import ListNotations.

Inductive expression : Set :=
  | one : expression
  | plus : expression -> expression -> expression
  | times : expression -> expression -> expression.

Inductive instruction : Set := push | add | multiply.

(* Value of an expression. Textbook. *)
Fixpoint evaluate (e : expression) : nat :=
  match e with
  | one => 1
  | plus l r => evaluate l + evaluate r
  | times l r => evaluate l * evaluate r
  end.

Example evaluate_one : evaluate one = 1. Proof. reflexivity. Qed.
Example evaluate_4 : evaluate (times (plus one one) (plus one one)) = 4. Proof. reflexivity. Qed.

(* Postfix code by appending. McCarthy and Painter, Correctness of a Compiler (1967). *)
Fixpoint compile (e : expression) : list instruction :=
  match e with
  | one => [push]
  | plus l r => compile l ++ compile r ++ [add]
  | times l r => compile l ++ compile r ++ [multiply]
  end.

Example compile_one : compile one = [push]. Proof. reflexivity. Qed.
Example compile_2 : compile (plus one (times one one)) = [push; push; push; multiply; add].
Proof. reflexivity. Qed.

(* Postfix code put before other code. Textbook. *)
Fixpoint compile_onto (e : expression) (rest : list instruction) : list instruction :=
  match e with
  | one => push :: rest
  | plus l r => compile_onto l (compile_onto r (add :: rest))
  | times l r => compile_onto l (compile_onto r (multiply :: rest))
  end.

Example compile_onto_one : compile_onto one [add] = [push; add]. Proof. reflexivity. Qed.
Example compile_onto_1 : compile_onto (plus one one) [] = [push; push; add].
Proof. reflexivity. Qed.

(* The stack after some code; none where it holds too few numbers. Textbook. *)
Fixpoint run (code : list instruction) (stack : list nat) : option (list nat) :=
  match code, stack with
  | [], _ => Some stack
  | push :: rest, _ => run rest (1 :: stack)
  | add :: rest, n :: m :: below => run rest (m + n :: below)
  | multiply :: rest, n :: m :: below => run rest (m * n :: below)
  | _, _ => None
  end.

Example run_0 : run [] [3] = Some [3]. Proof. reflexivity. Qed.
Example run_short : run [push; add] [] = None. Proof. reflexivity. Qed.
Example run_compiled :
  run (compile (times (plus one one) (plus one one))) [] = Some [4]. Proof. reflexivity. Qed.

(* The expressions that code computes, on a stack of expressions. Textbook: decompilation. *)
Fixpoint decompile (code : list instruction) (stack : list expression) : option (list expression) :=
  match code, stack with
  | [], _ => Some stack
  | push :: rest, _ => decompile rest (one :: stack)
  | add :: rest, r :: l :: below => decompile rest (plus l r :: below)
  | multiply :: rest, r :: l :: below => decompile rest (times l r :: below)
  | _, _ => None
  end.

Example decompile_0 : decompile [] [] = Some []. Proof. reflexivity. Qed.
Example decompile_short : decompile [add] [one] = None. Proof. reflexivity. Qed.
Example decompile_compiled :
  decompile (compile (plus one (times one one))) [] = Some [plus one (times one one)].
Proof. reflexivity. Qed.

(* Measure: the longest stack while an expression's code runs. *)
Fixpoint space (e : expression) : nat :=
  match e with
  | one => 1
  | plus l r | times l r => Nat.max (space l) (S (space r))
  end.

Example space_1 : space one = 1. Proof. reflexivity. Qed.
Example space_3 : space (plus one (plus one one)) = 3. Proof. reflexivity. Qed.
