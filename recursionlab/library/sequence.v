(* Lists: what recursion along one list, or two, can say.

   Letters are a finite type, so that lists of one size can be counted. Functions that work for
   elements of any type have a type parameter. *)

From Coq Require Import Bool List.
Import ListNotations.

Inductive letter : Set := a | b | c | d.

(* Measure: number of elements. Coq standard library, List.length. *)
Fixpoint size {A : Type} (l : list A) : nat :=
  match l with
  | [] => 0
  | _ :: l' => S (size l')
  end.

Example size_0 : size (@nil letter) = 0. Proof. reflexivity. Qed.
Example size_3 : size [a; b; a] = 3. Proof. reflexivity. Qed.

(* One list after another. Coq standard library, List.app. *)
Fixpoint append {A : Type} (l m : list A) : list A :=
  match l with
  | [] => m
  | x :: l' => x :: append l' m
  end.

Example append_0 : append [] [a; b] = [a; b]. Proof. reflexivity. Qed.
Example append_2_1 : append [a; b] [c] = [a; b; c]. Proof. reflexivity. Qed.

(* An element put at the end. Textbook. *)
Fixpoint snoc {A : Type} (l : list A) (y : A) : list A :=
  match l with
  | [] => [y]
  | x :: l' => x :: snoc l' y
  end.

Example snoc_0 : snoc [] a = [a]. Proof. reflexivity. Qed.
Example snoc_2 : snoc [a; b] c = [a; b; c]. Proof. reflexivity. Qed.

(* Reversal by appending: quadratic. Coq standard library, List.rev. *)
Fixpoint reverse {A : Type} (l : list A) : list A :=
  match l with
  | [] => []
  | x :: l' => reverse l' ++ [x]
  end.

Example reverse_0 : reverse (@nil letter) = []. Proof. reflexivity. Qed.
Example reverse_3 : reverse [a; b; c] = [c; b; a]. Proof. reflexivity. Qed.

(* Reversal onto an accumulator: linear. Coq standard library, List.rev_append. *)
Fixpoint reverse_onto {A : Type} (l m : list A) : list A :=
  match l with
  | [] => m
  | x :: l' => reverse_onto l' (x :: m)
  end.

Example reverse_onto_0 : reverse_onto [] [c] = [c]. Proof. reflexivity. Qed.
Example reverse_onto_2 : reverse_onto [a; b] [c; d] = [b; a; c; d]. Proof. reflexivity. Qed.

(* The first n elements. Coq standard library, List.firstn. *)
Fixpoint take {A : Type} (n : nat) (l : list A) : list A :=
  match n, l with
  | S n', x :: l' => x :: take n' l'
  | _, _ => []
  end.

Example take_2 : take 2 [a; b; c] = [a; b]. Proof. reflexivity. Qed.
Example take_5 : take 5 [a; b] = [a; b]. Proof. reflexivity. Qed.

(* All but the first n elements. Coq standard library, List.skipn. *)
Fixpoint drop {A : Type} (n : nat) (l : list A) : list A :=
  match n, l with
  | S n', _ :: l' => drop n' l'
  | _, _ => l
  end.

Example drop_2 : drop 2 [a; b; c] = [c]. Proof. reflexivity. Qed.
Example drop_5 : drop 5 [a; b] = []. Proof. reflexivity. Qed.
Example drop_0 : drop 0 [a; b] = [a; b]. Proof. reflexivity. Qed.

(* All but the last element. Coq standard library, List.removelast. *)
Fixpoint all_but_last {A : Type} (l : list A) : list A :=
  match l with
  | [] | [_] => []
  | x :: l' => x :: all_but_last l'
  end.

Example all_but_last_1 : all_but_last [a] = []. Proof. reflexivity. Qed.
Example all_but_last_3 : all_but_last [a; b; c] = [a; b]. Proof. reflexivity. Qed.

(* The last element. Coq standard library, List.last. *)
Fixpoint last_of {A : Type} (l : list A) : option A :=
  match l with
  | [] => None
  | [x] => Some x
  | _ :: l' => last_of l'
  end.

Example last_of_0 : last_of (@nil letter) = None. Proof. reflexivity. Qed.
Example last_of_3 : last_of [a; b; c] = Some c. Proof. reflexivity. Qed.

(* Pairs of elements at the same place. Coq standard library, List.combine. *)
Fixpoint zip {A B : Type} (l : list A) (m : list B) : list (A * B) :=
  match l, m with
  | x :: l', y :: m' => (x, y) :: zip l' m'
  | _, _ => []
  end.

Example zip_2_3 : zip [a; b] [0; 1; 2] = [(a, 0); (b, 1)]. Proof. reflexivity. Qed.
Example zip_0 : zip (@nil letter) [0] = []. Proof. reflexivity. Qed.

(* The two lists that a list of pairs was made of. Coq standard library, List.split. *)
Fixpoint unzip {A B : Type} (l : list (A * B)) : list A * list B :=
  match l with
  | [] => ([], [])
  | (x, y) :: l' => let (xs, ys) := unzip l' in (x :: xs, y :: ys)
  end.

Example unzip_0 : unzip (@nil (letter * nat)) = ([], []). Proof. reflexivity. Qed.
Example unzip_2 : unzip [(a, 0); (b, 1)] = ([a; b], [0; 1]). Proof. reflexivity. Qed.

(* Elements of two lists in turn, and what is left of the longer one. Textbook. *)
Fixpoint interleave {A : Type} (l m : list A) : list A :=
  match l, m with
  | x :: l', y :: m' => x :: y :: interleave l' m'
  | [], k | k, [] => k
  end.

Example interleave_2_2 : interleave [a; b] [c; d] = [a; c; b; d]. Proof. reflexivity. Qed.
Example interleave_3_1 : interleave [a; b; c] [d] = [a; d; b; c]. Proof. reflexivity. Qed.

(* Every element twice. Textbook. *)
Fixpoint stutter {A : Type} (l : list A) : list A :=
  match l with
  | [] => []
  | x :: l' => x :: x :: stutter l'
  end.

Example stutter_0 : stutter (@nil letter) = []. Proof. reflexivity. Qed.
Example stutter_2 : stutter [a; b] = [a; a; b; b]. Proof. reflexivity. Qed.

(* Neighbours exchanged, two at a time. Textbook. *)
Fixpoint swap_pairs {A : Type} (l : list A) : list A :=
  match l with
  | x :: y :: l' => y :: x :: swap_pairs l'
  | short => short
  end.

Example swap_pairs_1 : swap_pairs [a] = [a]. Proof. reflexivity. Qed.
Example swap_pairs_5 : swap_pairs [a; b; c; d; a] = [b; a; d; c; a]. Proof. reflexivity. Qed.

(* The first element moved to the end, n times. Textbook. *)
Fixpoint rotate {A : Type} (n : nat) (l : list A) : list A :=
  match n with
  | O => l
  | S n' => match l with [] => [] | x :: l' => rotate n' (l' ++ [x]) end
  end.

Example rotate_0 : rotate 0 [a; b] = [a; b]. Proof. reflexivity. Qed.
Example rotate_2 : rotate 2 [a; b; c] = [c; a; b]. Proof. reflexivity. Qed.

(* What a list leaves to do after each element. Textbook: the suffixes of a list. *)
Fixpoint suffixes {A : Type} (l : list A) : list (list A) :=
  match l with
  | [] => [[]]
  | _ :: l' => l :: suffixes l'
  end.

Example suffixes_0 : suffixes (@nil letter) = [[]]. Proof. reflexivity. Qed.
Example suffixes_2 : suffixes [a; b] = [[a; b]; [b]; []]. Proof. reflexivity. Qed.

(* Measure: whether two letters are the same. *)
Definition same (x y : letter) : bool :=
  match x, y with
  | a, a | b, b | c, c | d, d => true
  | _, _ => false
  end.

Example same_a_a : same a a = true. Proof. reflexivity. Qed.
Example same_a_b : same a b = false. Proof. reflexivity. Qed.

(* Measure: how often a letter occurs. Coq standard library, List.count_occ. *)
Fixpoint count (x : letter) (l : list letter) : nat :=
  match l with
  | [] => 0
  | y :: l' => if same x y then S (count x l') else count x l'
  end.

Example count_0 : count a [] = 0. Proof. reflexivity. Qed.
Example count_2 : count a [a; b; a] = 2. Proof. reflexivity. Qed.

(* Measure: whether a letter occurs. Coq standard library, List.In as a test. *)
Fixpoint member (x : letter) (l : list letter) : bool :=
  match l with
  | [] => false
  | y :: l' => same x y || member x l'
  end.

Example member_yes : member b [a; b] = true. Proof. reflexivity. Qed.
Example member_no : member c [a; b] = false. Proof. reflexivity. Qed.

(* Every occurrence of a letter taken away. Coq standard library, List.remove. *)
Fixpoint delete (x : letter) (l : list letter) : list letter :=
  match l with
  | [] => []
  | y :: l' => if same x y then delete x l' else y :: delete x l'
  end.

Example delete_0 : delete a [] = []. Proof. reflexivity. Qed.
Example delete_2 : delete a [a; b; a; c] = [b; c]. Proof. reflexivity. Qed.

(* The first occurrence of each letter. Coq standard library, List.nodup, from the other end. *)
Fixpoint distinct_after (seen l : list letter) : list letter :=
  match l with
  | [] => []
  | x :: l' => if member x seen then distinct_after seen l' else x :: distinct_after (x :: seen) l'
  end.

Example distinct_after_a : distinct_after [a] [a; b; b; c] = [b; c]. Proof. reflexivity. Qed.
Example distinct_after_0 : distinct_after [] [a; b; a; c] = [a; b; c]. Proof. reflexivity. Qed.

(* Measure: whether one list begins with another. Textbook. *)
Fixpoint prefix (l m : list letter) : bool :=
  match l, m with
  | [], _ => true
  | _ :: _, [] => false
  | x :: l', y :: m' => same x y && prefix l' m'
  end.

Example prefix_0 : prefix [] [a] = true. Proof. reflexivity. Qed.
Example prefix_yes : prefix [a; b] [a; b; c] = true. Proof. reflexivity. Qed.
Example prefix_no : prefix [a; b] [a] = false. Proof. reflexivity. Qed.

(* Measure: whether one list is another with elements left out. Textbook. *)
Fixpoint subsequence (l m : list letter) : bool :=
  match m with
  | [] => match l with [] => true | _ :: _ => false end
  | y :: m' =>
      match l with
      | [] => true
      | x :: l' => if same x y then subsequence l' m' else subsequence l m'
      end
  end.

Example subsequence_yes : subsequence [a; c] [a; b; c] = true. Proof. reflexivity. Qed.
Example subsequence_no : subsequence [c; a] [a; b; c] = false. Proof. reflexivity. Qed.
Example subsequence_0 : subsequence [] [] = true. Proof. reflexivity. Qed.
