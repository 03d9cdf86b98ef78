(* String rewriting: rules that replace words in words, one place at a time or everywhere. *)

From Coq Require Import Bool List.
Import ListNotations.

Inductive letter : Set := a | b | c.

(* Measure: whether two letters are the same. *)
Definition same (x y : letter) : bool :=
  match x, y with
  | a, a | b, b | c, c => true
  | _, _ => false
  end.

Example same_a_a : same a a = true. Proof. reflexivity. Qed.
Example same_a_b : same a b = false. Proof. reflexivity. Qed.

(* What is left of a word behind a prefix; none where it does not begin so. Textbook. *)
Fixpoint behind (prefix l : list letter) : option (list letter) :=
  match prefix, l with
  | [], _ => Some l
  | x :: prefix', y :: l' => if same x y then behind prefix' l' else None
  | _ :: _, [] => None
  end.

Example behind_0 : behind [] [a] = Some [a]. Proof. reflexivity. Qed.
Example behind_2 : behind [a; b] [a; b; c] = Some [c]. Proof. reflexivity. Qed.
Example behind_none : behind [a; b] [a; c] = None. Proof. reflexivity. Qed.

(* A word with the leftmost occurrence of one word replaced by another; none if it has none.
   Thue (1914). *)
Fixpoint rewrite (from into l : list letter) : option (list letter) :=
  match behind from l with
  | Some rest => Some (into ++ rest)
  | None =>
      match l with
      | [] => None
      | x :: l' => option_map (fun m : list letter => x :: m) (rewrite from into l')
      end
  end.

Example rewrite_1 : rewrite [b; a] [a; b] [a; b; a; b; a] = Some [a; a; b; b; a].
Proof. reflexivity. Qed.
Example rewrite_none : rewrite [b; a] [a; b] [a; b] = None. Proof. reflexivity. Qed.
Example rewrite_empty : rewrite [] [c] [a] = Some [c; a]. Proof. reflexivity. Qed.

(* The first rule of a list that applies, applied. Markov (1951): normal algorithms. *)
Fixpoint apply_first (rules : list (list letter * list letter)) (l : list letter)
  : option (list letter) :=
  match rules with
  | [] => None
  | (from, into) :: others =>
      match rewrite from into l with
      | Some m => Some m
      | None => apply_first others l
      end
  end.

Example apply_first_second : apply_first [([c], [a]); ([b], [])] [a; b] = Some [a].
Proof. reflexivity. Qed.
Example apply_first_0 : apply_first [] [a; b] = None. Proof. reflexivity. Qed.

(* Rewriting as long as a rule applies and fuel is left. Markov (1951). *)
Fixpoint normalize (fuel : nat) (rules : list (list letter * list letter)) (l : list letter)
  : list letter :=
  match fuel with
  | O => l
  | S fuel' =>
      match apply_first rules l with
      | None => l
      | Some m => normalize fuel' rules m
      end
  end.

Example normalize_sorts : normalize 9 [([b; a], [a; b])] [b; b; a; a] = [a; a; b; b].
Proof. reflexivity. Qed.
Example normalize_done : normalize 9 [([b; a], [a; b])] [a; b] = [a; b]. Proof. reflexivity. Qed.
Example normalize_dry : normalize 1 [([b; a], [a; b])] [b; b; a] = [b; a; b].
Proof. reflexivity. Qed.

(* All letters replaced at once: a becomes ab, b becomes a. Lindenmayer (1968): algae. *)
Fixpoint grow (l : list letter) : list letter :=
  match l with
  | [] => []
  | a :: l' => a :: b :: grow l'
  | b :: l' => a :: grow l'
  | c :: l' => c :: grow l'
  end.

Example grow_0 : grow [] = []. Proof. reflexivity. Qed.
Example grow_3 : grow [a; b; a] = [a; b; a; a; b]. Proof. reflexivity. Qed.

(* n generations of growth. Lindenmayer (1968); the lengths are Fibonacci numbers. *)
Fixpoint generations (n : nat) (l : list letter) : list letter :=
  match n with
  | O => l
  | S m => generations m (grow l)
  end.

Example generations_0 : generations 0 [b] = [b]. Proof. reflexivity. Qed.
Example generations_4 : generations 4 [b] = [a; b; a; a; b]. Proof. reflexivity. Qed.

(* a becomes ab and b becomes ba everywhere. Thue (1906), Morse (1921). *)
Fixpoint thue_morse (l : list letter) : list letter :=
  match l with
  | [] => []
  | a :: l' => a :: b :: thue_morse l'
  | b :: l' => b :: a :: thue_morse l'
  | c :: l' => thue_morse l'
  end.

Example thue_morse_0 : thue_morse [] = []. Proof. reflexivity. Qed.
Example thue_morse_2 : thue_morse [a; b] = [a; b; b; a]. Proof. reflexivity. Qed.

(* Pairs of equal neighbours taken away until there are none, by a stack. Textbook: words in a free
   product of groups of order two. *)
Fixpoint cancel_onto (stack l : list letter) : list letter :=
  match l with
  | [] => rev stack
  | x :: l' =>
      match stack with
      | y :: below => if same x y then cancel_onto below l' else cancel_onto (x :: stack) l'
      | [] => cancel_onto [x] l'
      end
  end.

Example cancel_onto_0 : cancel_onto [] [] = []. Proof. reflexivity. Qed.
Example cancel_onto_4 : cancel_onto [] [a; b; b; a] = []. Proof. reflexivity. Qed.
Example cancel_onto_5 : cancel_onto [] [a; b; b; c; c] = [a]. Proof. reflexivity. Qed.

(* A tag system: two letters are taken from the front, and what the first one stands for is put
   behind. De Mol (2008): a becomes bc, b becomes a, c becomes aaa, the Collatz function. *)
Fixpoint tag (fuel : nat) (l : list letter) : list letter :=
  match fuel, l with
  | S fuel', x :: _ :: l' =>
      tag fuel' (l' ++ match x with a => [b; c] | b => [a] | c => [a; a; a] end)
  | _, _ => l
  end.

Example tag_1 : tag 9 [a] = [a]. Proof. reflexivity. Qed.
Example tag_2 : tag 2 [a; a; a] = [c; b; c]. Proof. reflexivity. Qed.
Example tag_3 : tag 30 [a; a; a] = [a]. Proof. reflexivity. Qed.

(* Measure: places at which a letter is followed by an earlier one of the alphabet, so that sorting
   rules apply. *)
Fixpoint descents (l : list letter) : nat :=
  match l with
  | [] => 0
  | x :: l' =>
      match x, l' with
      | b, a :: _ | c, a :: _ | c, b :: _ => S (descents l')
      | _, _ => descents l'
      end
  end.

Example descents_0 : descents [a; b; c] = 0. Proof. reflexivity. Qed.
Example descents_2 : descents [c; b; b; a] = 2. Proof. reflexivity. Qed.
