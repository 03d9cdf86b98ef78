(* Rose trees: any number of subtrees, so the recursion runs through a list inside the type.

   Each function has an inner fix for the list, or a function of List that holds one. *)

From Coq Require Import List.
Import ListNotations.

Inductive rose (A : Type) : Type := rose_node : A -> list (rose A) -> rose A.
Arguments rose_node {A} x ts.

Inductive label : Set := a | b | c | d.

(* Root, then the subtrees from left to right. Textbook. *)
Fixpoint preorder {A : Type} (t : rose A) : list A :=
  match t with
  | rose_node x ts =>
      x :: (fix forest (us : list (rose A)) : list A :=
              match us with
              | [] => []
              | u :: us' => preorder u ++ forest us'
              end) ts
  end.

Example preorder_1 : preorder (rose_node a []) = [a]. Proof. reflexivity. Qed.
Example preorder_4 :
  preorder (rose_node a [rose_node b [rose_node c []]; rose_node d []]) = [a; b; c; d].
Proof. reflexivity. Qed.

(* The subtrees from left to right, then the root. Textbook. *)
Fixpoint postorder {A : Type} (t : rose A) : list A :=
  match t with
  | rose_node x ts => flat_map (fun u : rose A => postorder u) ts ++ [x]
  end.

Example postorder_1 : postorder (rose_node a []) = [a]. Proof. reflexivity. Qed.
Example postorder_4 :
  postorder (rose_node a [rose_node b [rose_node c []]; rose_node d []]) = [c; b; d; a].
Proof. reflexivity. Qed.

(* The first subtree, the root, the other subtrees. Textbook. *)
Fixpoint inorder {A : Type} (t : rose A) : list A :=
  match t with
  | rose_node x [] => [x]
  | rose_node x (u :: us) => inorder u ++ x :: flat_map (fun v : rose A => inorder v) us
  end.

Example inorder_1 : inorder (rose_node a []) = [a]. Proof. reflexivity. Qed.
Example inorder_4 :
  inorder (rose_node a [rose_node b []; rose_node c []; rose_node d []]) = [b; a; c; d].
Proof. reflexivity. Qed.

(* Preorder put before a list: two accumulating recursions, one inside the other. Textbook. *)
Fixpoint preorder_onto {A : Type} (t : rose A) (rest : list A) : list A :=
  match t with
  | rose_node x ts =>
      x :: (fix forest (us : list (rose A)) : list A :=
              match us with
              | [] => rest
              | u :: us' => preorder_onto u (forest us')
              end) ts
  end.

Example preorder_onto_1 : preorder_onto (rose_node a []) [b] = [a; b]. Proof. reflexivity. Qed.
Example preorder_onto_3 :
  preorder_onto (rose_node a [rose_node b []; rose_node c []]) [d] = [a; b; c; d].
Proof. reflexivity. Qed.

(* Lists of lists joined place by place. Textbook. *)
Fixpoint join {A : Type} (l m : list (list A)) : list (list A) :=
  match l, m with
  | x :: l', y :: m' => (x ++ y) :: join l' m'
  | [], k | k, [] => k
  end.

Example join_0 : join [[a]] [] = [[a]]. Proof. reflexivity. Qed.
Example join_2 : join [[a]; [b]] [[c]; [d]] = [[a; c]; [b; d]]. Proof. reflexivity. Qed.

(* Labels level by level, a list a level. Textbook. *)
Fixpoint levels {A : Type} (t : rose A) : list (list A) :=
  match t with
  | rose_node x ts => [x] :: fold_right (fun (u : rose A) rest => join (levels u) rest) [] ts
  end.

Example levels_1 : levels (rose_node a []) = [[a]]. Proof. reflexivity. Qed.
Example levels_4 :
  levels (rose_node a [rose_node b [rose_node d []]; rose_node c []]) = [[a]; [b; c]; [d]].
Proof. reflexivity. Qed.

(* Labels level by level in one list. Textbook. *)
Definition level_order {A : Type} (t : rose A) : list A := concat (levels t).

Example level_order_4 :
  level_order (rose_node a [rose_node b [rose_node d []]; rose_node c []]) = [a; b; c; d].
Proof. reflexivity. Qed.

(* Subtrees in reverse order everywhere. Textbook. *)
Fixpoint mirror {A : Type} (t : rose A) : rose A :=
  match t with
  | rose_node x ts => rose_node x (rev (map mirror ts))
  end.

Example mirror_1 : mirror (rose_node a []) = rose_node a []. Proof. reflexivity. Qed.
Example mirror_3 :
  mirror (rose_node a [rose_node b []; rose_node c [rose_node d []]]) =
  rose_node a [rose_node c [rose_node d []]; rose_node b []].
Proof. reflexivity. Qed.

(* Any function of a label and the subtrees' results. Textbook: the fold of rose trees. *)
Definition fold {A B : Type} (f : A -> list B -> B) : rose A -> B :=
  fix go (t : rose A) : B := match t with rose_node x ts => f x (map go ts) end.

Example fold_1 : fold (fun (x : label) ns => S (list_sum ns)) (rose_node a []) = 1.
Proof. reflexivity. Qed.
Example fold_3 :
  fold (fun (x : label) ns => S (list_sum ns)) (rose_node a [rose_node b []; rose_node c []]) = 3.
Proof. reflexivity. Qed.

(* Measure: number of labels. *)
Fixpoint size {A : Type} (t : rose A) : nat :=
  match t with
  | rose_node _ ts => S (list_sum (map size ts))
  end.

Example size_1 : size (rose_node a []) = 1. Proof. reflexivity. Qed.
Example size_3 : size (rose_node a [rose_node b [rose_node c []]]) = 3. Proof. reflexivity. Qed.

(* Measure: labels on the longest path from the root. *)
Fixpoint height {A : Type} (t : rose A) : nat :=
  match t with
  | rose_node _ ts => S (list_max (map height ts))
  end.

Example height_1 : height (rose_node a []) = 1. Proof. reflexivity. Qed.
Example height_2 : height (rose_node a [rose_node b []; rose_node c []]) = 2.
Proof. reflexivity. Qed.

(* Measure: the largest number of subtrees of one node. *)
Fixpoint degree {A : Type} (t : rose A) : nat :=
  match t with
  | rose_node _ ts => Nat.max (length ts) (list_max (map degree ts))
  end.

Example degree_1 : degree (rose_node a []) = 0. Proof. reflexivity. Qed.
Example degree_3 : degree (rose_node a [rose_node b []; rose_node c []]) = 2.
Proof. reflexivity. Qed.

(* Binary trees, which hold the forests of rose trees: left is the first child, right the next
   sibling. Knuth, The Art of Computer Programming, 2.3.2. *)
Inductive binary (A : Type) : Type :=
  | leaf : binary A
  | node : binary A -> A -> binary A -> binary A.
Arguments leaf {A}.
Arguments node {A} l x r.

(* A tree and its later siblings as a binary tree. Knuth, The Art of Computer Programming, 2.3.2. *)
Fixpoint to_binary {A : Type} (t : rose A) (siblings : binary A) : binary A :=
  match t with
  | rose_node x ts =>
      node (fold_right (fun (u : rose A) later => to_binary u later) leaf ts) x siblings
  end.

Example to_binary_1 : to_binary (rose_node a []) leaf = node leaf a leaf. Proof. reflexivity. Qed.
Example to_binary_3 :
  to_binary (rose_node a [rose_node b []; rose_node c []]) leaf =
  node (node leaf b (node leaf c leaf)) a leaf.
Proof. reflexivity. Qed.

(* The forest that a binary tree holds. Knuth, The Art of Computer Programming, 2.3.2. *)
Fixpoint of_binary {A : Type} (t : binary A) : list (rose A) :=
  match t with
  | leaf => []
  | node l x r => rose_node x (of_binary l) :: of_binary r
  end.

Example of_binary_leaf : of_binary (@leaf label) = []. Proof. reflexivity. Qed.
Example of_binary_3 :
  of_binary (node (node leaf b (node leaf c leaf)) a leaf) =
  [rose_node a [rose_node b []; rose_node c []]].
Proof. reflexivity. Qed.
