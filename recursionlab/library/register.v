(* A machine with two registers: programs as lists, a step, and runs bounded by fuel.

   Minsky (1967): machines that count up, count down and jump compute whatever is computable. *)

From Coq Require Import List.
Import ListNotations.

Inductive register : Set := r0 | r1.

(* up: add one. down r n: subtract one, or go to line n if the register is 0. jump: go to. *)
Inductive instruction : Set :=
  | up : register -> instruction
  | down : register -> nat -> instruction
  | jump : nat -> instruction.

(* Line, first register, second register. *)
Inductive state : Set := at_line : nat -> nat -> nat -> state.

(* A state after an instruction. Minsky, Computation: Finite and Infinite Machines (1967). *)
Definition obey (i : instruction) (s : state) : state :=
  match s with
  | at_line k m n =>
      match i with
      | up r0 => at_line (S k) (S m) n
      | up r1 => at_line (S k) m (S n)
      | down r0 out => match m with O => at_line out m n | S m' => at_line (S k) m' n end
      | down r1 out => match n with O => at_line out m n | S n' => at_line (S k) m n' end
      | jump to => at_line to m n
      end
  end.

Example obey_up : obey (up r1) (at_line 0 2 3) = at_line 1 2 4. Proof. reflexivity. Qed.
Example obey_down : obey (down r0 9) (at_line 0 2 3) = at_line 1 1 3. Proof. reflexivity. Qed.
Example obey_empty : obey (down r0 9) (at_line 0 0 3) = at_line 9 0 3. Proof. reflexivity. Qed.

(* The instruction at a line; none behind the program's end. Coq standard library,
   List.nth_error. *)
Fixpoint line (k : nat) (program : list instruction) : option instruction :=
  match program, k with
  | [], _ => None
  | i :: _, O => Some i
  | _ :: rest, S k' => line k' rest
  end.

Example line_0 : line 0 [jump 3] = Some (jump 3). Proof. reflexivity. Qed.
Example line_1 : line 1 [jump 3] = None. Proof. reflexivity. Qed.

(* The state in which a program stops; none if the fuel is used up before. Textbook. *)
Fixpoint run (fuel : nat) (program : list instruction) (s : state) : option state :=
  match fuel with
  | O => None
  | S fuel' =>
      match s with
      | at_line k _ _ =>
          match line k program with
          | None => Some s
          | Some i => run fuel' program (obey i s)
          end
      end
  end.

Example run_nothing : run 1 [] (at_line 0 1 2) = Some (at_line 0 1 2). Proof. reflexivity. Qed.
Example run_add :
  run 20 [down r0 3; up r1; jump 0] (at_line 0 2 3) = Some (at_line 3 0 5).
Proof. reflexivity. Qed.
Example run_forever : run 20 [jump 0] (at_line 0 0 0) = None. Proof. reflexivity. Qed.

(* Every state of a run, as far as the fuel goes. Textbook. *)
Fixpoint history (fuel : nat) (program : list instruction) (s : state) : list state :=
  match fuel, s with
  | O, _ => []
  | S fuel', at_line k _ _ =>
      match line k program with
      | None => [s]
      | Some i => s :: history fuel' program (obey i s)
      end
  end.

Example history_0 : history 0 [] (at_line 0 0 0) = []. Proof. reflexivity. Qed.
Example history_3 :
  history 9 [up r0; up r1] (at_line 0 0 0) = [at_line 0 0 0; at_line 1 1 0; at_line 2 1 1].
Proof. reflexivity. Qed.

(* A program with no jumps, obeyed once from its first line on; its own recursion. Textbook. *)
Fixpoint straight (program : list instruction) (m n : nat) : nat * nat :=
  match program with
  | [] => (m, n)
  | up r0 :: rest => straight rest (S m) n
  | up r1 :: rest => straight rest m (S n)
  | down r0 _ :: rest => straight rest (Nat.pred m) n
  | down r1 _ :: rest => straight rest m (Nat.pred n)
  | jump _ :: rest => straight rest m n
  end.

Example straight_0 : straight [] 1 2 = (1, 2). Proof. reflexivity. Qed.
Example straight_3 : straight [up r0; down r1 0; down r1 0] 0 1 = (1, 0). Proof. reflexivity. Qed.

(* Lines that jumps go to, each moved by k: for putting a program behind another. Textbook. *)
Fixpoint relocate (k : nat) (program : list instruction) : list instruction :=
  match program with
  | [] => []
  | up r :: rest => up r :: relocate k rest
  | down r out :: rest => down r (k + out) :: relocate k rest
  | jump to :: rest => jump (k + to) :: relocate k rest
  end.

Example relocate_0 : relocate 3 [] = []. Proof. reflexivity. Qed.
Example relocate_2 : relocate 3 [down r0 1; up r1] = [down r0 4; up r1]. Proof. reflexivity. Qed.

(* Measure: whether a program has no jumps. *)
Fixpoint jumpless (program : list instruction) : bool :=
  match program with
  | [] => true
  | up _ :: rest => jumpless rest
  | _ => false
  end.

Example jumpless_yes : jumpless [up r0; up r1] = true. Proof. reflexivity. Qed.
Example jumpless_no : jumpless [up r0; jump 0] = false. Proof. reflexivity. Qed.
