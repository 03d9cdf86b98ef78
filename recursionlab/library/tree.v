(* Binary trees with labels at the inner nodes: traversals, mirror image, measures.

   Traversals are the second task of arXiv 2305.14699 and 2401.12947; the type and the recursion
   equations are the textbook ones. *)

From Coq Require Import List.
Import ListNotations.

Inductive tree (A : Type) : Type :=
  | leaf : tree A
  | node : tree A -> A -> tree A -> tree A.
Arguments leaf {A}.
Arguments node {A} l x r.

(* Labels: a finite type, so that trees of one size can be counted. *)
Inductive label : Set := a | b | c | d.

(* Root, left subtree, right subtree. arXiv 2305.14699. *)
Fixpoint preorder {A : Type} (t : tree A) : list A :=
  match t with
  | leaf => []
  | node l x r => x :: preorder l ++ preorder r
  end.

Example preorder_leaf : preorder (@leaf label) = []. Proof. reflexivity. Qed.
Example preorder_3 :
  preorder (node (node leaf b leaf) a (node leaf c leaf)) = [a; b; c].
Proof. reflexivity. Qed.

(* Left subtree, root, right subtree. arXiv 2305.14699. *)
Fixpoint inorder {A : Type} (t : tree A) : list A :=
  match t with
  | leaf => []
  | node l x r => inorder l ++ x :: inorder r
  end.

Example inorder_3 :
  inorder (node (node leaf b leaf) a (node leaf c leaf)) = [b; a; c].
Proof. reflexivity. Qed.

(* Left subtree, right subtree, root. arXiv 2401.12947. *)
Fixpoint postorder {A : Type} (t : tree A) : list A :=
  match t with
  | leaf => []
  | node l x r => postorder l ++ postorder r ++ [x]
  end.

Example postorder_3 :
  postorder (node (node leaf b leaf) a (node leaf c leaf)) = [b; c; a].
Proof. reflexivity. Qed.

(* Left and right exchanged everywhere. Textbook. *)
Fixpoint mirror {A : Type} (t : tree A) : tree A :=
  match t with
  | leaf => leaf
  | node l x r => node (mirror r) x (mirror l)
  end.

Example mirror_2 : mirror (node (node leaf b leaf) a leaf) = node leaf a (node leaf b leaf).
Proof. reflexivity. Qed.
Example mirror_reverses :
  inorder (mirror (node (node leaf b leaf) a (node leaf c leaf))) =
  rev (inorder (node (node leaf b leaf) a (node leaf c leaf))).
Proof. reflexivity. Qed.

(* Longest path of inner nodes. Textbook. *)
Fixpoint height {A : Type} (t : tree A) : nat :=
  match t with
  | leaf => 0
  | node l _ r => S (Nat.max (height l) (height r))
  end.

Example height_leaf : height (@leaf label) = 0. Proof. reflexivity. Qed.
Example height_2 : height (node (node leaf b leaf) a leaf) = 2. Proof. reflexivity. Qed.

(* Number of inner nodes. Textbook. *)
Fixpoint size {A : Type} (t : tree A) : nat :=
  match t with
  | leaf => 0
  | node l _ r => S (size l + size r)
  end.

Example size_3 : size (node (node leaf b leaf) a (node leaf c leaf)) = 3.
Proof. reflexivity. Qed.

(* Number of leaves. Textbook. *)
Fixpoint leaves {A : Type} (t : tree A) : nat :=
  match t with
  | leaf => 1
  | node l _ r => leaves l + leaves r
  end.

Example leaves_2 : leaves (node (node leaf b leaf) a leaf) = 3. Proof. reflexivity. Qed.

(* Measure: how far the left spine reaches; where a traversal must come back from. *)
Fixpoint left_depth {A : Type} (t : tree A) : nat :=
  match t with
  | leaf => 0
  | node l _ _ => S (left_depth l)
  end.

Example left_depth_2 : left_depth (node (node leaf b leaf) a leaf) = 2.
Proof. reflexivity. Qed.

(* Measure: how far the right spine reaches. *)
Fixpoint right_depth {A : Type} (t : tree A) : nat :=
  match t with
  | leaf => 0
  | node _ _ r => S (right_depth r)
  end.

Example right_depth_2 : right_depth (node (node leaf b leaf) a leaf) = 1.
Proof. reflexivity. Qed.
