(* Trees and forests: the rose tree again, as two mutual types with mutual functions. *)

From Coq Require Import List.
Import ListNotations.

Inductive label : Set := a | b | c.

Inductive tree : Set := grow : label -> forest -> tree
with forest : Set := none | more : tree -> forest -> forest.

(* Root before subtrees, of a tree and of a forest. Coq reference manual, mutual types. *)
Fixpoint preorder (t : tree) : list label :=
  match t with
  | grow x f => x :: preorder_forest f
  end
with preorder_forest (f : forest) : list label :=
  match f with
  | none => []
  | more t g => preorder t ++ preorder_forest g
  end.

Example preorder_1 : preorder (grow a none) = [a]. Proof. reflexivity. Qed.
Example preorder_3 : preorder (grow a (more (grow b none) (more (grow c none) none))) = [a; b; c].
Proof. reflexivity. Qed.
Example preorder_forest_0 : preorder_forest none = []. Proof. reflexivity. Qed.

(* Subtrees before the root, onto a list. Textbook. *)
Fixpoint postorder_onto (t : tree) (rest : list label) : list label :=
  match t with
  | grow x f => postorder_forest_onto f (x :: rest)
  end
with postorder_forest_onto (f : forest) (rest : list label) : list label :=
  match f with
  | none => rest
  | more t g => postorder_onto t (postorder_forest_onto g rest)
  end.

Example postorder_onto_1 : postorder_onto (grow a none) [b] = [a; b]. Proof. reflexivity. Qed.
Example postorder_onto_3 :
  postorder_onto (grow a (more (grow b none) (more (grow c none) none))) [] = [b; c; a].
Proof. reflexivity. Qed.
Example postorder_forest_onto_0 : postorder_forest_onto none [a] = [a]. Proof. reflexivity. Qed.

(* Measure: number of labels, of a tree and of a forest. Coq reference manual, mutual types. *)
Fixpoint tree_size (t : tree) : nat :=
  match t with
  | grow _ f => S (forest_size f)
  end
with forest_size (f : forest) : nat :=
  match f with
  | none => 0
  | more t g => tree_size t + forest_size g
  end.

Example tree_size_2 : tree_size (grow a (more (grow b none) none)) = 2. Proof. reflexivity. Qed.
Example forest_size_0 : forest_size none = 0. Proof. reflexivity. Qed.

(* Measure: labels on the longest path. Textbook. *)
Fixpoint tree_height (t : tree) : nat :=
  match t with
  | grow _ f => S (forest_height f)
  end
with forest_height (f : forest) : nat :=
  match f with
  | none => 0
  | more t g => Nat.max (tree_height t) (forest_height g)
  end.

Example tree_height_2 : tree_height (grow a (more (grow b none) none)) = 2.
Proof. reflexivity. Qed.
Example forest_height_0 : forest_height none = 0. Proof. reflexivity. Qed.

(* One forest after another. Textbook. *)
Fixpoint join (f g : forest) : forest :=
  match f with
  | none => g
  | more t f' => more t (join f' g)
  end.

Example join_0 : join none (more (grow a none) none) = more (grow a none) none.
Proof. reflexivity. Qed.
Example join_2 :
  join (more (grow a none) none) (more (grow b none) none) =
  more (grow a none) (more (grow b none) none).
Proof. reflexivity. Qed.

(* Subtrees in reverse order everywhere, forests onto an accumulator. Textbook. *)
Fixpoint mirror (t : tree) : tree :=
  match t with
  | grow x f => grow x (mirror_onto f none)
  end
with mirror_onto (f rest : forest) : forest :=
  match f with
  | none => rest
  | more t g => mirror_onto g (more (mirror t) rest)
  end.

Example mirror_1 : mirror (grow a none) = grow a none. Proof. reflexivity. Qed.
Example mirror_3 :
  mirror (grow a (more (grow b none) (more (grow c none) none))) =
  grow a (more (grow c none) (more (grow b none) none)).
Proof. reflexivity. Qed.
Example mirror_onto_0 : mirror_onto none none = none. Proof. reflexivity. Qed.
