(* Binary trees, continued: traversals with an accumulator and by levels, folds, paths, walks.

   Labels are a finite type, so that trees of one size can be counted. *)

From Coq Require Import List.
Import ListNotations.

Inductive tree (A : Type) : Type :=
  | leaf : tree A
  | node : tree A -> A -> tree A -> tree A.
Arguments leaf {A}.
Arguments node {A} l x r.

Inductive label : Set := a | b | c | d.

(* Preorder put before a list: linear where appending is quadratic. Textbook. *)
Fixpoint preorder_onto {A : Type} (t : tree A) (rest : list A) : list A :=
  match t with
  | leaf => rest
  | node l x r => x :: preorder_onto l (preorder_onto r rest)
  end.

Example preorder_onto_leaf : preorder_onto leaf [a] = [a]. Proof. reflexivity. Qed.
Example preorder_onto_3 :
  preorder_onto (node (node leaf b leaf) a (node leaf c leaf)) [d] = [a; b; c; d].
Proof. reflexivity. Qed.

(* Inorder put before a list. Textbook. *)
Fixpoint inorder_onto {A : Type} (t : tree A) (rest : list A) : list A :=
  match t with
  | leaf => rest
  | node l x r => inorder_onto l (x :: inorder_onto r rest)
  end.

Example inorder_onto_leaf : inorder_onto leaf [a] = [a]. Proof. reflexivity. Qed.
Example inorder_onto_3 :
  inorder_onto (node (node leaf b leaf) a (node leaf c leaf)) [d] = [b; a; c; d].
Proof. reflexivity. Qed.

(* Postorder put before a list. Textbook. *)
Fixpoint postorder_onto {A : Type} (t : tree A) (rest : list A) : list A :=
  match t with
  | leaf => rest
  | node l x r => postorder_onto l (postorder_onto r (x :: rest))
  end.

Example postorder_onto_leaf : postorder_onto leaf [a] = [a]. Proof. reflexivity. Qed.
Example postorder_onto_3 :
  postorder_onto (node (node leaf b leaf) a (node leaf c leaf)) [d] = [b; c; a; d].
Proof. reflexivity. Qed.

(* Lists of lists joined place by place. Textbook: what level order needs. *)
Fixpoint join {A : Type} (l m : list (list A)) : list (list A) :=
  match l, m with
  | x :: l', y :: m' => (x ++ y) :: join l' m'
  | [], k | k, [] => k
  end.

Example join_0 : join [] [[a]] = [[a]]. Proof. reflexivity. Qed.
Example join_2_1 : join [[a]; [b]] [[c]] = [[a; c]; [b]]. Proof. reflexivity. Qed.

(* Labels level by level, a list a level. Textbook. *)
Fixpoint levels {A : Type} (t : tree A) : list (list A) :=
  match t with
  | leaf => []
  | node l x r => [x] :: join (levels l) (levels r)
  end.

Example levels_leaf : levels (@leaf label) = []. Proof. reflexivity. Qed.
Example levels_3 : levels (node leaf a (node (node leaf b leaf) c leaf)) = [[a]; [c]; [b]].
Proof. reflexivity. Qed.

(* Labels level by level in one list. Textbook: level order without a queue. *)
Definition level_order {A : Type} (t : tree A) : list A := concat (levels t).

Example level_order_4 :
  level_order (node (node leaf b (node leaf d leaf)) a (node leaf c leaf)) = [a; b; c; d].
Proof. reflexivity. Qed.

(* Level order with a queue and fuel: a queue of trees gets no smaller. Textbook. *)
Fixpoint breadth_first {A : Type} (fuel : nat) (queue : list (tree A)) : list A :=
  match fuel, queue with
  | S fuel', leaf :: rest => breadth_first fuel' rest
  | S fuel', node l x r :: rest => x :: breadth_first fuel' (rest ++ [l; r])
  | _, _ => []
  end.

Example breadth_first_4 :
  breadth_first 9 [node (node leaf b (node leaf d leaf)) a (node leaf c leaf)] = [a; b; c; d].
Proof. reflexivity. Qed.
Example breadth_first_dry : breadth_first 0 [node leaf a leaf] = []. Proof. reflexivity. Qed.

(* Any function of left result, label and right result. Textbook: the fold of binary trees. *)
Definition fold {A B : Type} (on_leaf : B) (on_node : B -> A -> B -> B) : tree A -> B :=
  fix go (t : tree A) : B :=
    match t with
    | leaf => on_leaf
    | node l x r => on_node (go l) x (go r)
    end.

Example fold_size : fold 0 (fun m (x : label) n => S (m + n)) (node leaf a leaf) = 1.
Proof. reflexivity. Qed.
Example fold_leaf : fold 7 (fun m (x : label) n => m + n) leaf = 7. Proof. reflexivity. Qed.

(* A label put in so that left and right subtree stay of one size, or nearly: they change sides.
   Textbook: insertion into a Braun tree. *)
Fixpoint insert {A : Type} (x : A) (t : tree A) : tree A :=
  match t with
  | leaf => node leaf x leaf
  | node l y r => node (insert y r) x l
  end.

Example insert_leaf : insert a leaf = node leaf a leaf. Proof. reflexivity. Qed.
Example insert_3 :
  insert a (insert b (insert c leaf)) = node (node leaf b leaf) a (node leaf c leaf).
Proof. reflexivity. Qed.

(* The label at the end of a path, true being left. Textbook. *)
Fixpoint label_at {A : Type} (path : list bool) (t : tree A) : option A :=
  match t, path with
  | leaf, _ => None
  | node _ x _, [] => Some x
  | node l _ _, true :: rest => label_at rest l
  | node _ _ r, false :: rest => label_at rest r
  end.

Example label_at_root : label_at [] (node leaf a leaf) = Some a. Proof. reflexivity. Qed.
Example label_at_left : label_at [true] (node (node leaf b leaf) a leaf) = Some b.
Proof. reflexivity. Qed.
Example label_at_none : label_at [false] (node (node leaf b leaf) a leaf) = None.
Proof. reflexivity. Qed.

(* The leftmost label and its ancestors, from the root on. Textbook: the left spine. *)
Fixpoint left_spine {A : Type} (t : tree A) : list A :=
  match t with
  | leaf => []
  | node l x _ => x :: left_spine l
  end.

Example left_spine_leaf : left_spine (@leaf label) = []. Proof. reflexivity. Qed.
Example left_spine_2 : left_spine (node (node leaf b leaf) a (node leaf c leaf)) = [a; b].
Proof. reflexivity. Qed.

(* A tree put in at the bottom of another one's left spine. Textbook. *)
Fixpoint graft_left {A : Type} (t s : tree A) : tree A :=
  match t with
  | leaf => s
  | node l x r => node (graft_left l s) x r
  end.

Example graft_left_leaf : graft_left leaf (node leaf a leaf) = node leaf a leaf.
Proof. reflexivity. Qed.
Example graft_left_1 :
  graft_left (node leaf a leaf) (node leaf b leaf) = node (node leaf b leaf) a leaf.
Proof. reflexivity. Qed.

(* Left and right exchanged at every second level, the first one exchanged. Textbook. *)
Fixpoint zigzag {A : Type} (turn : bool) (t : tree A) : tree A :=
  match t with
  | leaf => leaf
  | node l x r =>
      if turn
      then node (zigzag false r) x (zigzag false l)
      else node (zigzag true l) x (zigzag true r)
  end.

Example zigzag_leaf : zigzag true (@leaf label) = leaf. Proof. reflexivity. Qed.
Example zigzag_2 :
  zigzag true (node (node leaf b (node leaf c leaf)) a leaf) =
  node leaf a (node leaf b (node leaf c leaf)).
Proof. reflexivity. Qed.

(* Measure: nodes with no subtree. *)
Fixpoint ends {A : Type} (t : tree A) : nat :=
  match t with
  | leaf => 0
  | node leaf _ leaf => 1
  | node l _ r => ends l + ends r
  end.

Example ends_leaf : ends (@leaf label) = 0. Proof. reflexivity. Qed.
Example ends_3 : ends (node (node leaf b leaf) a (node leaf c leaf)) = 2. Proof. reflexivity. Qed.

(* Measure: labels on the widest level. *)
Definition width {A : Type} (t : tree A) : nat :=
  list_max (map (fun level : list A => length level) (levels t)).

Example width_leaf : width (@leaf label) = 0. Proof. reflexivity. Qed.
Example width_3 : width (node (node leaf b leaf) a (node leaf c leaf)) = 2.
Proof. reflexivity. Qed.

(* Measure: whether no label has a left subtree, so that the tree is a list. *)
Fixpoint right_comb {A : Type} (t : tree A) : bool :=
  match t with
  | leaf => true
  | node leaf _ r => right_comb r
  | node _ _ _ => false
  end.

Example right_comb_yes : right_comb (node leaf a (node leaf b leaf)) = true.
Proof. reflexivity. Qed.
Example right_comb_no : right_comb (node (node leaf b leaf) a leaf) = false.
Proof. reflexivity. Qed.
