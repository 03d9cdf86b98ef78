(* Sorting lists of numbers, each time with another argument that decreases: the list, a measure
   on two lists, fuel, and a stack of sorted lists. *)

From Coq Require Import Bool List PeanoNat.
Import ListNotations.

(* A number put before the first one that is not smaller. Textbook. *)
Fixpoint insert (x : nat) (l : list nat) : list nat :=
  match l with
  | [] => [x]
  | y :: l' => if x <=? y then x :: l else y :: insert x l'
  end.

Example insert_0 : insert 1 [] = [1]. Proof. reflexivity. Qed.
Example insert_2 : insert 2 [1; 3] = [1; 2; 3]. Proof. reflexivity. Qed.
Example insert_4 : insert 4 [1; 3] = [1; 3; 4]. Proof. reflexivity. Qed.

(* Insertion sort. Textbook. *)
Fixpoint insertion_sort (l : list nat) : list nat :=
  match l with
  | [] => []
  | x :: l' => insert x (insertion_sort l')
  end.

Example insertion_sort_0 : insertion_sort [] = []. Proof. reflexivity. Qed.
Example insertion_sort_5 : insertion_sort [3; 1; 2; 1; 0] = [0; 1; 1; 2; 3].
Proof. reflexivity. Qed.

(* Insertion sort onto a sorted accumulator. Textbook. *)
Fixpoint sort_onto (l sorted : list nat) : list nat :=
  match l with
  | [] => sorted
  | x :: l' => sort_onto l' (insert x sorted)
  end.

Example sort_onto_0 : sort_onto [] [1; 2] = [1; 2]. Proof. reflexivity. Qed.
Example sort_onto_3 : sort_onto [3; 0] [1; 2] = [0; 1; 2; 3]. Proof. reflexivity. Qed.

(* Two sorted lists made one: an outer recursion on the first, an inner one on the second.
   Coq standard library, Sorting.Mergesort. *)
Fixpoint merge (l m : list nat) : list nat :=
  match l with
  | [] => m
  | x :: l' =>
      (fix from (k : list nat) : list nat :=
         match k with
         | [] => l
         | y :: k' => if x <=? y then x :: merge l' k else y :: from k'
         end) m
  end.

Example merge_0 : merge [] [1] = [1]. Proof. reflexivity. Qed.
Example merge_3_2 : merge [1; 3; 5] [2; 4] = [1; 2; 3; 4; 5]. Proof. reflexivity. Qed.
Example merge_equal : merge [1; 1] [1] = [1; 1; 1]. Proof. reflexivity. Qed.

(* The elements at even places, and at odd places. Textbook: the first half of merge sort. *)
Fixpoint deal (l : list nat) : list nat * list nat :=
  match l with
  | [] => ([], [])
  | x :: l' => let (evens, odds) := deal l' in (x :: odds, evens)
  end.

Example deal_0 : deal [] = ([], []). Proof. reflexivity. Qed.
Example deal_5 : deal [1; 2; 3; 4; 5] = ([1; 3; 5], [2; 4]). Proof. reflexivity. Qed.

(* Merge sort with fuel: the halves of a list are no parts of it. Textbook. *)
Fixpoint merge_sort_fuelled (fuel : nat) (l : list nat) : list nat :=
  match fuel with
  | O => l
  | S fuel' =>
      match l with
      | [] | [_] => l
      | _ =>
          let (evens, odds) := deal l in
          merge (merge_sort_fuelled fuel' evens) (merge_sort_fuelled fuel' odds)
      end
  end.

Example merge_sort_fuelled_3 : merge_sort_fuelled 3 [2; 3; 1] = [1; 2; 3].
Proof. reflexivity. Qed.
Example merge_sort_fuelled_dry : merge_sort_fuelled 0 [2; 1] = [2; 1]. Proof. reflexivity. Qed.

(* Merge sort, the length being fuel enough. Textbook. *)
Definition merge_sort (l : list nat) : list nat := merge_sort_fuelled (length l) l.

Example merge_sort_0 : merge_sort [] = []. Proof. reflexivity. Qed.
Example merge_sort_6 : merge_sort [5; 3; 4; 1; 2; 1] = [1; 1; 2; 3; 4; 5]. Proof. reflexivity. Qed.

(* A sorted list pushed on a stack that holds 2^i elements, or none, at place i: a binary counter.
   Coq standard library, Sorting.Mergesort. *)
Fixpoint push (l : list nat) (stack : list (option (list nat))) : list (option (list nat)) :=
  match stack with
  | [] => [Some l]
  | None :: stack' => Some l :: stack'
  | Some m :: stack' => None :: push (merge m l) stack'
  end.

Example push_0 : push [1] [] = [Some [1]]. Proof. reflexivity. Qed.
Example push_2 : push [1] [Some [2]; None] = [None; Some [1; 2]]. Proof. reflexivity. Qed.

(* All lists of a stack merged. Coq standard library, Sorting.Mergesort. *)
Fixpoint collapse (stack : list (option (list nat))) : list nat :=
  match stack with
  | [] => []
  | None :: stack' => collapse stack'
  | Some l :: stack' => merge l (collapse stack')
  end.

Example collapse_0 : collapse [] = []. Proof. reflexivity. Qed.
Example collapse_2 : collapse [Some [2]; None; Some [1; 3]] = [1; 2; 3]. Proof. reflexivity. Qed.

(* Merge sort by structural recursion, the stack being the accumulator.
   Coq standard library, Sorting.Mergesort. *)
Fixpoint stack_sort (stack : list (option (list nat))) (l : list nat) : list nat :=
  match l with
  | [] => collapse stack
  | x :: l' => stack_sort (push [x] stack) l'
  end.

Example stack_sort_0 : stack_sort [] [] = []. Proof. reflexivity. Qed.
Example stack_sort_5 : stack_sort [] [3; 1; 2; 5; 4] = [1; 2; 3; 4; 5]. Proof. reflexivity. Qed.

(* One pass of bubble sort: the largest number ends last. Textbook. *)
Fixpoint bubble (x : nat) (l : list nat) : list nat :=
  match l with
  | [] => [x]
  | y :: l' => if x <=? y then x :: bubble y l' else y :: bubble x l'
  end.

Example bubble_0 : bubble 1 [] = [1]. Proof. reflexivity. Qed.
Example bubble_3 : bubble 3 [1; 4; 2] = [1; 3; 2; 4]. Proof. reflexivity. Qed.

(* The smallest of a number and a list, and the others. Textbook. *)
Fixpoint select (x : nat) (l : list nat) : nat * list nat :=
  match l with
  | [] => (x, [])
  | y :: l' =>
      if x <=? y
      then let (least, others) := select x l' in (least, y :: others)
      else let (least, others) := select y l' in (least, x :: others)
  end.

Example select_0 : select 1 [] = (1, []). Proof. reflexivity. Qed.
Example select_3 : select 2 [3; 1; 2] = (1, [3; 2; 2]). Proof. reflexivity. Qed.

(* Selection sort with fuel. Textbook. *)
Fixpoint selection_sort_fuelled (fuel : nat) (l : list nat) : list nat :=
  match fuel, l with
  | S fuel', x :: l' =>
      let (least, others) := select x l' in least :: selection_sort_fuelled fuel' others
  | _, _ => l
  end.

Example selection_sort_fuelled_3 : selection_sort_fuelled 3 [2; 3; 1] = [1; 2; 3].
Proof. reflexivity. Qed.
Example selection_sort_fuelled_1 : selection_sort_fuelled 1 [2; 3; 1] = [1; 3; 2].
Proof. reflexivity. Qed.

(* Quicksort with fuel, the first element being the pivot. Hoare (1961). *)
Fixpoint quick_sort_fuelled (fuel : nat) (l : list nat) : list nat :=
  match fuel, l with
  | S fuel', x :: l' =>
      let (low, high) := partition (fun y => y <? x) l' in
      quick_sort_fuelled fuel' low ++ x :: quick_sort_fuelled fuel' high
  | _, _ => l
  end.

Example quick_sort_fuelled_0 : quick_sort_fuelled 3 [] = []. Proof. reflexivity. Qed.
Example quick_sort_fuelled_5 : quick_sort_fuelled 5 [3; 1; 2; 5; 4] = [1; 2; 3; 4; 5].
Proof. reflexivity. Qed.

(* Measure: whether a list is sorted, from a lower bound on. Textbook. *)
Fixpoint sorted_from (bound : nat) (l : list nat) : bool :=
  match l with
  | [] => true
  | x :: l' => (bound <=? x) && sorted_from x l'
  end.

Example sorted_from_0 : sorted_from 3 [] = true. Proof. reflexivity. Qed.
Example sorted_from_3 : sorted_from 0 [1; 1; 2] = true. Proof. reflexivity. Qed.
Example sorted_from_2 : sorted_from 0 [2; 1] = false. Proof. reflexivity. Qed.

(* How many numbers of a list are smaller than another. Textbook. *)
Fixpoint smaller (x : nat) (l : list nat) : nat :=
  match l with
  | [] => 0
  | y :: l' => if y <? x then S (smaller x l') else smaller x l'
  end.

Example smaller_0 : smaller 2 [] = 0. Proof. reflexivity. Qed.
Example smaller_4 : smaller 2 [1; 2; 3; 0] = 2. Proof. reflexivity. Qed.

(* Measure: pairs in the wrong order, which insertion sort has to move. Textbook. *)
Fixpoint inversions (l : list nat) : nat :=
  match l with
  | [] => 0
  | x :: l' => smaller x l' + inversions l'
  end.

Example inversions_0 : inversions [1; 2; 3] = 0. Proof. reflexivity. Qed.
Example inversions_3 : inversions [3; 2; 1] = 3. Proof. reflexivity. Qed.
