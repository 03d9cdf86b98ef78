(* Search trees of numbers: insertion, look-up, deletion, and what makes a tree one. *)

From Coq Require Import Bool List PeanoNat.
Import ListNotations.

Inductive tree : Set :=
  | leaf : tree
  | node : tree -> nat -> tree -> tree.

(* A number put in at its leaf, once. Textbook. *)
Fixpoint insert (x : nat) (t : tree) : tree :=
  match t with
  | leaf => node leaf x leaf
  | node l y r =>
      match Nat.compare x y with
      | Lt => node (insert x l) y r
      | Eq => t
      | Gt => node l y (insert x r)
      end
  end.

Example insert_leaf : insert 1 leaf = node leaf 1 leaf. Proof. reflexivity. Qed.
Example insert_again : insert 1 (node leaf 1 leaf) = node leaf 1 leaf. Proof. reflexivity. Qed.
Example insert_0 : insert 0 (node leaf 1 leaf) = node (node leaf 0 leaf) 1 leaf.
Proof. reflexivity. Qed.

(* All numbers of a list put into a tree. Textbook. *)
Fixpoint insert_all (l : list nat) (t : tree) : tree :=
  match l with
  | [] => t
  | x :: l' => insert_all l' (insert x t)
  end.

Example insert_all_0 : insert_all [] leaf = leaf. Proof. reflexivity. Qed.
Example insert_all_3 :
  insert_all [1; 0; 2] leaf = node (node leaf 0 leaf) 1 (node leaf 2 leaf).
Proof. reflexivity. Qed.

(* Measure: whether a number is in a search tree. Textbook. *)
Fixpoint member (x : nat) (t : tree) : bool :=
  match t with
  | leaf => false
  | node l y r =>
      match Nat.compare x y with
      | Lt => member x l
      | Eq => true
      | Gt => member x r
      end
  end.

Example member_yes : member 2 (node leaf 1 (node leaf 2 leaf)) = true. Proof. reflexivity. Qed.
Example member_no : member 0 (node leaf 1 (node leaf 2 leaf)) = false. Proof. reflexivity. Qed.

(* The smallest number of the tree node l x r, and the tree without it. Textbook. *)
Fixpoint take_least (l : tree) (x : nat) (r : tree) : nat * tree :=
  match l with
  | leaf => (x, r)
  | node ll y lr => let (least, rest) := take_least ll y lr in (least, node rest x r)
  end.

Example take_least_1 : take_least leaf 1 leaf = (1, leaf). Proof. reflexivity. Qed.
Example take_least_2 : take_least (node leaf 0 leaf) 1 leaf = (0, node leaf 1 leaf).
Proof. reflexivity. Qed.

(* A number taken out; the least one of its right subtree takes its place. Hibbard (1962). *)
Fixpoint delete (x : nat) (t : tree) : tree :=
  match t with
  | leaf => leaf
  | node l y r =>
      match Nat.compare x y with
      | Lt => node (delete x l) y r
      | Gt => node l y (delete x r)
      | Eq =>
          match r with
          | leaf => l
          | node rl z rr => let (least, rest) := take_least rl z rr in node l least rest
          end
      end
  end.

Example delete_leaf : delete 1 leaf = leaf. Proof. reflexivity. Qed.
Example delete_root :
  delete 1 (node (node leaf 0 leaf) 1 (node leaf 2 leaf)) = node (node leaf 0 leaf) 2 leaf.
Proof. reflexivity. Qed.
Example delete_left :
  delete 0 (node (node leaf 0 leaf) 1 leaf) = node leaf 1 leaf. Proof. reflexivity. Qed.

(* Numbers in increasing order. Textbook: inorder of a search tree, onto a list. *)
Fixpoint to_list_onto (t : tree) (rest : list nat) : list nat :=
  match t with
  | leaf => rest
  | node l x r => to_list_onto l (x :: to_list_onto r rest)
  end.

Example to_list_onto_leaf : to_list_onto leaf [1] = [1]. Proof. reflexivity. Qed.
Example to_list_onto_3 :
  to_list_onto (node (node leaf 0 leaf) 1 (node leaf 2 leaf)) [] = [0; 1; 2].
Proof. reflexivity. Qed.

(* Tree sort. Textbook. *)
Definition sort (l : list nat) : list nat := to_list_onto (insert_all l leaf) [].

Example sort_0 : sort [] = []. Proof. reflexivity. Qed.
Example sort_4 : sort [2; 0; 1; 2] = [0; 1; 2]. Proof. reflexivity. Qed.

(* The subtrees of the numbers below and above x. Textbook: the split of a search tree. *)
Fixpoint split (x : nat) (t : tree) : tree * tree :=
  match t with
  | leaf => (leaf, leaf)
  | node l y r =>
      match Nat.compare x y with
      | Eq => (l, r)
      | Lt => let (low, high) := split x l in (low, node high y r)
      | Gt => let (low, high) := split x r in (node l y low, high)
      end
  end.

Example split_leaf : split 1 leaf = (leaf, leaf). Proof. reflexivity. Qed.
Example split_2 :
  split 1 (node (node leaf 0 leaf) 2 leaf) = (node leaf 0 leaf, node leaf 2 leaf).
Proof. reflexivity. Qed.

(* Whether all numbers are at least low and, where there is a bound, below it. Textbook. *)
Fixpoint within (low : nat) (high : option nat) (t : tree) : bool :=
  match t with
  | leaf => true
  | node l x r =>
      (low <=? x)
      && match high with None => true | Some h => x <? h end
      && within low (Some x) l
      && within (S x) high r
  end.

Example within_leaf : within 3 (Some 2) leaf = true. Proof. reflexivity. Qed.
Example within_no : within 0 (Some 2) (node leaf 2 leaf) = false. Proof. reflexivity. Qed.

(* Measure: whether a tree is a search tree. *)
Definition ordered (t : tree) : bool := within 0 None t.

Example ordered_yes : ordered (node (node leaf 0 leaf) 1 (node leaf 2 leaf)) = true.
Proof. reflexivity. Qed.
Example ordered_no : ordered (node leaf 1 (node leaf 1 leaf)) = false. Proof. reflexivity. Qed.
