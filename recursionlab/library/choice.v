(* All ways to choose and to arrange: results that are longer than their arguments. *)

From Coq Require Import List.
Import ListNotations.

Inductive letter : Set := a | b | c.

(* Every list that is left when elements are taken out. Textbook: the power set of a list. *)
Fixpoint sublists {A : Type} (l : list A) : list (list A) :=
  match l with
  | [] => [[]]
  | x :: l' => let rest := sublists l' in map (cons x) rest ++ rest
  end.

Example sublists_0 : sublists (@nil letter) = [[]]. Proof. reflexivity. Qed.
Example sublists_2 : sublists [a; b] = [[a; b]; [a]; [b]; []]. Proof. reflexivity. Qed.

(* An element put at every place of a list. Textbook. *)
Fixpoint insertions {A : Type} (x : A) (l : list A) : list (list A) :=
  match l with
  | [] => [[x]]
  | y :: l' => (x :: l) :: map (cons y) (insertions x l')
  end.

Example insertions_0 : insertions a [] = [[a]]. Proof. reflexivity. Qed.
Example insertions_2 : insertions a [b; c] = [[a; b; c]; [b; a; c]; [b; c; a]].
Proof. reflexivity. Qed.

(* Every order of the elements. Textbook. *)
Fixpoint permutations {A : Type} (l : list A) : list (list A) :=
  match l with
  | [] => [[]]
  | x :: l' => flat_map (insertions x) (permutations l')
  end.

Example permutations_0 : permutations (@nil letter) = [[]]. Proof. reflexivity. Qed.
Example permutations_2 : permutations [a; b] = [[a; b]; [b; a]]. Proof. reflexivity. Qed.

(* Every choice of n elements, in order. Textbook. *)
Fixpoint combinations {A : Type} (n : nat) (l : list A) : list (list A) :=
  match n, l with
  | O, _ => [[]]
  | S _, [] => []
  | S m, x :: l' => map (cons x) (combinations m l') ++ combinations n l'
  end.

Example combinations_0 : combinations 0 [a; b] = [[]]. Proof. reflexivity. Qed.
Example combinations_2 : combinations 2 [a; b; c] = [[a; b]; [a; c]; [b; c]].
Proof. reflexivity. Qed.
Example combinations_none : combinations 2 [a] = []. Proof. reflexivity. Qed.

(* Every way to cut a list in two. Textbook. *)
Fixpoint cuts {A : Type} (l : list A) : list (list A * list A) :=
  match l with
  | [] => [([], [])]
  | x :: l' => ([], l) :: map (fun p : list A * list A => let (m, n) := p in (x :: m, n)) (cuts l')
  end.

Example cuts_0 : cuts (@nil letter) = [([], [])]. Proof. reflexivity. Qed.
Example cuts_1 : cuts [a] = [([], [a]); ([a], [])]. Proof. reflexivity. Qed.

(* Number of ways to choose k of n. Pascal's triangle. *)
Fixpoint binomial (n k : nat) : nat :=
  match n, k with
  | _, O => 1
  | O, S _ => 0
  | S m, S j => binomial m j + binomial m k
  end.

Example binomial_4_2 : binomial 4 2 = 6. Proof. reflexivity. Qed.
Example binomial_0_1 : binomial 0 1 = 0. Proof. reflexivity. Qed.
Example binomial_3_0 : binomial 3 0 = 1. Proof. reflexivity. Qed.

(* Pegs of the towers of Hanoi. *)
Inductive peg : Set := first | second | third.

(* The moves of n discs from one peg to another by a third. Lucas (1883). *)
Fixpoint hanoi (n : nat) (from to by_ : peg) : list (peg * peg) :=
  match n with
  | O => []
  | S m => hanoi m from by_ to ++ (from, to) :: hanoi m by_ to from
  end.

Example hanoi_0 : hanoi 0 first second third = []. Proof. reflexivity. Qed.
Example hanoi_2 :
  hanoi 2 first third second = [(first, second); (first, third); (second, third)].
Proof. reflexivity. Qed.
