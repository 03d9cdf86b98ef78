(* Mutual recursion: parity of a number, remainder by three, letters at alternate places.

   Each function of a group hands the rest to the next one; none can be learned alone. *)

From Coq Require Import List.
Import ListNotations.

(* Whether a number is even, or odd: each asks the other. Coq standard library, Arith.Even. *)
Fixpoint even (n : nat) : bool :=
  match n with
  | O => true
  | S m => odd m
  end
with odd (n : nat) : bool :=
  match n with
  | O => false
  | S m => even m
  end.

Example even_0 : even 0 = true. Proof. reflexivity. Qed.
Example even_7 : even 7 = false. Proof. reflexivity. Qed.
Example odd_0 : odd 0 = false. Proof. reflexivity. Qed.
Example odd_7 : odd 7 = true. Proof. reflexivity. Qed.

(* Half of a number rounded down, and rounded up, each from the other. Coq standard library,
   Nat.div2 with Arith.Even. *)
Fixpoint half_down (n : nat) : nat :=
  match n with
  | O => O
  | S m => half_up m
  end
with half_up (n : nat) : nat :=
  match n with
  | O => O
  | S m => S (half_down m)
  end.

Example half_down_7 : half_down 7 = 3. Proof. reflexivity. Qed.
Example half_up_7 : half_up 7 = 4. Proof. reflexivity. Qed.
Example half_up_0 : half_up 0 = 0. Proof. reflexivity. Qed.

(* Whether the remainder by three is 0, 1, 2: a cycle of three functions. Textbook. *)
Fixpoint threefold (n : nat) : bool :=
  match n with
  | O => true
  | S m => threefold_2 m
  end
with threefold_1 (n : nat) : bool :=
  match n with
  | O => false
  | S m => threefold m
  end
with threefold_2 (n : nat) : bool :=
  match n with
  | O => false
  | S m => threefold_1 m
  end.

Example threefold_of_6 : threefold 6 = true. Proof. reflexivity. Qed.
Example threefold_1_of_7 : threefold_1 7 = true. Proof. reflexivity. Qed.
Example threefold_2_of_8 : threefold_2 8 = true. Proof. reflexivity. Qed.
Example threefold_2_of_0 : threefold_2 0 = false. Proof. reflexivity. Qed.

(* Letters: a finite type, so that lists of one size can be counted. *)
Inductive letter : Set := a | b | c.

(* Every second letter, from the first on, and from the second on. Textbook. *)
Fixpoint even_places (l : list letter) : list letter :=
  match l with
  | [] => []
  | x :: l' => x :: odd_places l'
  end
with odd_places (l : list letter) : list letter :=
  match l with
  | [] => []
  | _ :: l' => even_places l'
  end.

Example even_places_5 : even_places [a; b; c; b; a] = [a; c; a]. Proof. reflexivity. Qed.
Example odd_places_5 : odd_places [a; b; c; b; a] = [b; b]. Proof. reflexivity. Qed.
Example odd_places_0 : odd_places [] = []. Proof. reflexivity. Qed.

(* Measure: whether the number of letters is even, and odd. Textbook. *)
Fixpoint even_length (l : list letter) : bool :=
  match l with
  | [] => true
  | _ :: l' => odd_length l'
  end
with odd_length (l : list letter) : bool :=
  match l with
  | [] => false
  | _ :: l' => even_length l'
  end.

Example even_length_0 : even_length [] = true. Proof. reflexivity. Qed.
Example odd_length_3 : odd_length [c; b; a] = true. Proof. reflexivity. Qed.
