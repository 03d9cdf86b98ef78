(* Recognisers of context-free languages, and of one that is not: recursion on the word, with a
   counter, a stack, or the stack of grammar symbols still to be found. *)

From Coq Require Import Bool List PeanoNat.
Import ListNotations.

Inductive letter : Set := a | b | c.

(* Words a^n b^n: count up, then down. Textbook. *)
Fixpoint a_then_b (n : nat) (l : list letter) : bool :=
  match l with
  | [] => n =? 0
  | a :: l' => a_then_b (S n) l'
  | b :: l' => match n with O => false | S m => only_b m l' end
  | c :: _ => false
  end
with only_b (n : nat) (l : list letter) : bool :=
  match l, n with
  | [], O => true
  | b :: l', S m => only_b m l'
  | _, _ => false
  end.

Example a_then_b_0 : a_then_b 0 [] = true. Proof. reflexivity. Qed.
Example a_then_b_2 : a_then_b 0 [a; a; b; b] = true. Proof. reflexivity. Qed.
Example a_then_b_more : a_then_b 0 [a; b; b] = false. Proof. reflexivity. Qed.
Example a_then_b_mixed : a_then_b 0 [a; b; a; b] = false. Proof. reflexivity. Qed.
Example only_b_1 : only_b 1 [b] = true. Proof. reflexivity. Qed.

(* Words with as many a as b, any c: the surplus of a, and whether it is one of b. Textbook. *)
Fixpoint as_many (more_b : bool) (surplus : nat) (l : list letter) : bool :=
  match l with
  | [] => surplus =? 0
  | a :: l' =>
      match more_b, surplus with
      | true, S n => as_many true n l'
      | _, _ => as_many false (S surplus) l'
      end
  | b :: l' =>
      match more_b, surplus with
      | false, S n => as_many false n l'
      | _, _ => as_many true (S surplus) l'
      end
  | c :: l' => as_many more_b surplus l'
  end.

Example as_many_0 : as_many false 0 [] = true. Proof. reflexivity. Qed.
Example as_many_4 : as_many false 0 [b; a; c; a; b] = true. Proof. reflexivity. Qed.
Example as_many_1 : as_many false 0 [b; a; b] = false. Proof. reflexivity. Qed.

(* Whether two letters are the same. *)
Definition same (x y : letter) : bool :=
  match x, y with
  | a, a | b, b | c, c => true
  | _, _ => false
  end.

Example same_c_c : same c c = true. Proof. reflexivity. Qed.
Example same_c_a : same c a = false. Proof. reflexivity. Qed.

(* Words w c v with v the reversed w, the letters of w being on a stack. Textbook: palindromes with
   a marked middle. *)
Fixpoint marked_palindrome (stack l : list letter) : bool :=
  match l with
  | [] => false
  | c :: l' => pops stack l'
  | x :: l' => marked_palindrome (x :: stack) l'
  end
with pops (stack l : list letter) : bool :=
  match l, stack with
  | [], [] => true
  | x :: l', y :: below => same x y && pops below l'
  | _, _ => false
  end.

Example marked_palindrome_c : marked_palindrome [] [c] = true. Proof. reflexivity. Qed.
Example marked_palindrome_5 : marked_palindrome [] [a; b; c; b; a] = true. Proof. reflexivity. Qed.
Example marked_palindrome_no : marked_palindrome [] [a; b; c; a; b] = false.
Proof. reflexivity. Qed.
Example pops_0 : pops [] [] = true. Proof. reflexivity. Qed.

(* Measure: whether a word is its own reversal. Textbook. *)
Definition palindrome (l : list letter) : bool := pops (rev l) l.

Example palindrome_0 : palindrome [] = true. Proof. reflexivity. Qed.
Example palindrome_4 : palindrome [a; b; b; a] = true. Proof. reflexivity. Qed.
Example palindrome_2 : palindrome [a; b] = false. Proof. reflexivity. Qed.

(* Prefix expressions with a binary a, a unary b and a constant c: how many are still to be found.
   Łukasiewicz words; textbook. *)
Fixpoint prefix_terms (wanted : nat) (l : list letter) : bool :=
  match l, wanted with
  | [], O => true
  | a :: l', S _ => prefix_terms (S wanted) l'
  | b :: l', S _ => prefix_terms wanted l'
  | c :: l', S n => prefix_terms n l'
  | _, _ => false
  end.

Example prefix_terms_c : prefix_terms 1 [c] = true. Proof. reflexivity. Qed.
Example prefix_terms_5 : prefix_terms 1 [a; b; c; c] = true. Proof. reflexivity. Qed.
Example prefix_terms_long : prefix_terms 1 [c; c] = false. Proof. reflexivity. Qed.
Example prefix_terms_short : prefix_terms 1 [a; c] = false. Proof. reflexivity. Qed.

(* Symbols of the grammar S -> a S b S | c: a letter to be read, or the start symbol. *)
Inductive symbol : Set := read : letter -> symbol | start : symbol.

(* Whether a word is what a stack of symbols stands for; every letter decides the rule.
   Textbook: predictive parsing of an LL(1) grammar. *)
Fixpoint predicts (stack : list symbol) (l : list letter) : bool :=
  match l with
  | [] => match stack with [] => true | _ :: _ => false end
  | x :: l' =>
      match stack with
      | read y :: below => same x y && predicts below l'
      | start :: below =>
          match x with
          | a => predicts (start :: read b :: start :: below) l'
          | b => false
          | c => predicts below l'
          end
      | [] => false
      end
  end.

Example predicts_0 : predicts [] [] = true. Proof. reflexivity. Qed.
Example predicts_c : predicts [start] [c] = true. Proof. reflexivity. Qed.
Example predicts_5 : predicts [start] [a; c; b; c] = true. Proof. reflexivity. Qed.
Example predicts_no : predicts [start] [a; c; c] = false. Proof. reflexivity. Qed.

(* Words a^n b^n c^n, which no context-free grammar gives: two counters. Textbook. *)
Fixpoint a_b_c (as_ bs : nat) (l : list letter) : bool :=
  match l with
  | [] => (as_ =? 0) && (bs =? 0)
  | a :: l' => (bs =? 0) && a_b_c (S as_) bs l'
  | b :: l' => match as_ with O => false | S n => a_b_c n (S bs) l' end
  | c :: l' => (as_ =? 0) && match bs with O => false | S n => only_c n l' end
  end
with only_c (cs : nat) (l : list letter) : bool :=
  match l, cs with
  | [], O => true
  | c :: l', S n => only_c n l'
  | _, _ => false
  end.

Example a_b_c_0 : a_b_c 0 0 [] = true. Proof. reflexivity. Qed.
Example a_b_c_6 : a_b_c 0 0 [a; a; b; b; c; c] = true. Proof. reflexivity. Qed.
Example a_b_c_uneven : a_b_c 0 0 [a; a; b; b; c] = false. Proof. reflexivity. Qed.
Example a_b_c_order : a_b_c 0 0 [a; b; a; b; c; c] = false. Proof. reflexivity. Qed.
Example only_c_0 : only_c 0 [] = true. Proof. reflexivity. Qed.

(* The word that n applications of S -> a S b, then S -> c, derive. Textbook. *)
Fixpoint derive (n : nat) : list letter :=
  match n with
  | O => [c]
  | S m => a :: derive m ++ [b]
  end.

Example derive_0 : derive 0 = [c]. Proof. reflexivity. Qed.
Example derive_2 : derive 2 = [a; a; c; b; b]. Proof. reflexivity. Qed.
