(* Cellular automata on a finite row: every cell looks at itself and its neighbours. *)

From Coq Require Import Bool List.
Import ListNotations.

(* New cell of rule 110. Wolfram (1983) for the numbering; Cook (2004) for what it computes. *)
Definition rule_110 (left_cell cell right_cell : bool) : bool :=
  match left_cell, cell, right_cell with
  | true, true, true | true, false, false | false, false, false => false
  | _, _, _ => true
  end.

Example rule_110_111 : rule_110 true true true = false. Proof. reflexivity. Qed.
Example rule_110_001 : rule_110 false false true = true. Proof. reflexivity. Qed.

(* The next row, given the cell to the left; outside all cells are dead. Wolfram (1983). *)
Fixpoint next_after (left_cell : bool) (row : list bool) : list bool :=
  match row with
  | [] => []
  | cell :: rest =>
      rule_110 left_cell cell match rest with [] => false | right_cell :: _ => right_cell end
      :: next_after cell rest
  end.

Example next_after_0 : next_after false [] = []. Proof. reflexivity. Qed.
Example next_after_3 : next_after false [false; false; true] = [false; true; true].
Proof. reflexivity. Qed.

(* n generations of rule 110. Wolfram (1983). *)
Fixpoint generations (n : nat) (row : list bool) : list bool :=
  match n with
  | O => row
  | S m => generations m (next_after false row)
  end.

Example generations_0 : generations 0 [true] = [true]. Proof. reflexivity. Qed.
Example generations_3 :
  generations 3 [false; false; false; true] = [true; true; false; true]. Proof. reflexivity. Qed.

(* Exclusive or of the neighbours, rule 90: the rows draw Pascal's triangle modulo two.
   Wolfram (1983). *)
Fixpoint pascal_after (left_cell : bool) (row : list bool) : list bool :=
  match row with
  | [] => []
  | cell :: rest =>
      xorb left_cell match rest with [] => false | right_cell :: _ => right_cell end
      :: pascal_after cell rest
  end.

Example pascal_after_0 : pascal_after true [] = []. Proof. reflexivity. Qed.
Example pascal_after_3 : pascal_after false [false; true; false] = [true; false; true].
Proof. reflexivity. Qed.

(* Measure: living cells. *)
Fixpoint alive (row : list bool) : nat :=
  match row with
  | [] => 0
  | true :: rest => S (alive rest)
  | false :: rest => alive rest
  end.

Example alive_0 : alive [] = 0. Proof. reflexivity. Qed.
Example alive_2 : alive [true; false; true] = 2. Proof. reflexivity. Qed.

(* Measure: whether there is a living cell. *)
Fixpoint any_alive (row : list bool) : bool :=
  match row with
  | [] => false
  | cell :: rest => cell || any_alive rest
  end.

Example any_alive_no : any_alive [false; false] = false. Proof. reflexivity. Qed.
Example any_alive_yes : any_alive [false; true] = true. Proof. reflexivity. Qed.
