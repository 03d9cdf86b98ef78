(* A tree with a finger in it: moves, walks and the way back. Huet, The Zipper (1997). *)

From Coq Require Import List.
Import ListNotations.

Inductive label : Set := a | b | c.

Inductive tree : Set :=
  | leaf : tree
  | node : tree -> label -> tree -> tree.

(* What surrounds a subtree, from it up to the root: the side it is on, with the rest there. *)
Inductive context : Set :=
  | root : context
  | in_left : label -> tree -> context -> context
  | in_right : tree -> label -> context -> context.

Inductive direction : Set := go_left | go_right | go_up.

(* The whole tree again: all the way up. Huet (1997). *)
Fixpoint plug (around : context) (t : tree) : tree :=
  match around with
  | root => t
  | in_left x r above => plug above (node t x r)
  | in_right l x above => plug above (node l x t)
  end.

Example plug_root : plug root (node leaf a leaf) = node leaf a leaf. Proof. reflexivity. Qed.
Example plug_2 : plug (in_left b leaf (in_right leaf a root)) leaf = node leaf a (node leaf b leaf).
Proof. reflexivity. Qed.

(* One move; a move that is impossible stays. Huet (1997). *)
Definition move (way : direction) (t : tree) (around : context) : tree * context :=
  match way, t, around with
  | go_left, node l x r, _ => (l, in_left x r around)
  | go_right, node l x r, _ => (r, in_right l x around)
  | go_up, _, in_left x r above => (node t x r, above)
  | go_up, _, in_right l x above => (node l x t, above)
  | _, _, _ => (t, around)
  end.

Example move_left : move go_left (node leaf a leaf) root = (leaf, in_left a leaf root).
Proof. reflexivity. Qed.
Example move_up_root : move go_up leaf root = (leaf, root). Proof. reflexivity. Qed.

(* A list of moves. Huet (1997). *)
Fixpoint walk (ways : list direction) (t : tree) (around : context) : tree * context :=
  match ways with
  | [] => (t, around)
  | way :: rest => let (u, above) := move way t around in walk rest u above
  end.

Example walk_0 : walk [] leaf root = (leaf, root). Proof. reflexivity. Qed.
Example walk_there_and_back :
  walk [go_left; go_up; go_right] (node leaf a (node leaf b leaf)) root =
  (node leaf b leaf, in_right leaf a root).
Proof. reflexivity. Qed.

(* The labels met on a walk, leaves having none. Textbook. *)
Fixpoint seen (ways : list direction) (t : tree) (around : context) : list label :=
  let here := match t with leaf => [] | node _ x _ => [x] end in
  match ways with
  | [] => here
  | way :: rest => let (u, above) := move way t around in here ++ seen rest u above
  end.

Example seen_0 : seen [] leaf root = []. Proof. reflexivity. Qed.
Example seen_3 :
  seen [go_left; go_up; go_right] (node (node leaf b leaf) a (node leaf c leaf)) root =
  [a; b; a; c].
Proof. reflexivity. Qed.

(* A walk from the root, a label put on the place it ends at, and the whole tree. Huet (1997). *)
Definition relabel (ways : list direction) (y : label) (t : tree) : tree :=
  let (u, around) := walk ways t root in
  match u with
  | leaf => plug around (node leaf y leaf)
  | node l _ r => plug around (node l y r)
  end.

Example relabel_root : relabel [] b (node leaf a leaf) = node leaf b leaf.
Proof. reflexivity. Qed.
Example relabel_leaf : relabel [go_left] c (node leaf a leaf) = node (node leaf c leaf) a leaf.
Proof. reflexivity. Qed.

(* Measure: how far below the root a subtree is. *)
Fixpoint level (around : context) : nat :=
  match around with
  | root => 0
  | in_left _ _ above | in_right _ _ above => S (level above)
  end.

Example level_root : level root = 0. Proof. reflexivity. Qed.
Example level_2 : level (in_left b leaf (in_right leaf a root)) = 2. Proof. reflexivity. Qed.

(* The moves that lead to a subtree, from the root on, put before others. Textbook. *)
Fixpoint path_onto (around : context) (rest : list direction) : list direction :=
  match around with
  | root => rest
  | in_left _ _ above => path_onto above (go_left :: rest)
  | in_right _ _ above => path_onto above (go_right :: rest)
  end.

Example path_onto_root : path_onto root [go_up] = [go_up]. Proof. reflexivity. Qed.
Example path_onto_2 :
  path_onto (in_left b leaf (in_right leaf a root)) [] = [go_right; go_left].
Proof. reflexivity. Qed.
