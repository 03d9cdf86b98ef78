(* Running totals: lists in which every element depends on all the ones before it. *)

From Coq Require Import List PeanoNat.
Import ListNotations.

(* Digits modulo three: a finite type with a group's addition. *)
Inductive digit : Set := d0 | d1 | d2.

(* Successor modulo three. *)
Definition next (x : digit) : digit := match x with d0 => d1 | d1 => d2 | d2 => d0 end.

Example next_2 : next d2 = d0. Proof. reflexivity. Qed.

(* Sum modulo three. *)
Definition plus3 (x y : digit) : digit := match x with d0 => y | d1 => next y | d2 => next (next y) end.

Example plus3_2_2 : plus3 d2 d2 = d1. Proof. reflexivity. Qed.

(* Prefix sums modulo three onto a total. Textbook: the scan of cyclic addition. *)
Fixpoint scan_from (total : digit) (l : list digit) : list digit :=
  match l with
  | [] => []
  | x :: l' => let sum := plus3 total x in sum :: scan_from sum l'
  end.

Example scan_from_0 : scan_from d1 [] = []. Proof. reflexivity. Qed.
Example scan_from_4 : scan_from d0 [d1; d2; d2; d1] = [d1; d0; d2; d0]. Proof. reflexivity. Qed.

(* Differences of neighbours modulo three; takes the prefix sums back. Textbook. *)
Fixpoint differences_from (before : digit) (l : list digit) : list digit :=
  match l with
  | [] => []
  | x :: l' => plus3 x (plus3 before before) :: differences_from x l'
  end.

Example differences_from_0 : differences_from d1 [] = []. Proof. reflexivity. Qed.
Example differences_from_4 : differences_from d0 [d1; d0; d2; d0] = [d1; d2; d2; d1].
Proof. reflexivity. Qed.

(* Sum modulo three of all digits. Textbook. *)
Fixpoint total (l : list digit) : digit :=
  match l with
  | [] => d0
  | x :: l' => plus3 x (total l')
  end.

Example total_0 : total [] = d0. Proof. reflexivity. Qed.
Example total_3 : total [d1; d2; d2] = d2. Proof. reflexivity. Qed.

(* Base three successor, least significant digit first; a carry may make it longer. Textbook. *)
Fixpoint increment (l : list digit) : list digit :=
  match l with
  | [] => [d1]
  | d2 :: l' => d0 :: increment l'
  | x :: l' => next x :: l'
  end.

Example increment_0 : increment [] = [d1]. Proof. reflexivity. Qed.
Example increment_2 : increment [d2; d2] = [d0; d0; d1]. Proof. reflexivity. Qed.
Example increment_1 : increment [d1; d2] = [d2; d2]. Proof. reflexivity. Qed.

(* Value of base three digits, the least significant first. Textbook: Horner's rule. *)
Fixpoint value (l : list digit) : nat :=
  match l with
  | [] => 0
  | d0 :: l' => 3 * value l'
  | d1 :: l' => 1 + 3 * value l'
  | d2 :: l' => 2 + 3 * value l'
  end.

Example value_0 : value [] = 0. Proof. reflexivity. Qed.
Example value_2 : value [d2; d1] = 5. Proof. reflexivity. Qed.

(* Measure: over how many digits the carry of increment runs. *)
Fixpoint carry (l : list digit) : nat :=
  match l with
  | d2 :: l' => S (carry l')
  | _ => 0
  end.

Example carry_0 : carry [d1; d2] = 0. Proof. reflexivity. Qed.
Example carry_2 : carry [d2; d2; d0] = 2. Proof. reflexivity. Qed.

(* Prefix sums of numbers onto a total. Textbook. *)
Fixpoint prefix_sums (total : nat) (l : list nat) : list nat :=
  match l with
  | [] => []
  | x :: l' => (total + x) :: prefix_sums (total + x) l'
  end.

Example prefix_sums_0 : prefix_sums 1 [] = []. Proof. reflexivity. Qed.
Example prefix_sums_3 : prefix_sums 0 [1; 2; 3] = [1; 3; 6]. Proof. reflexivity. Qed.

(* Prefix sums modulo n; numbers as they are modulo 0. Textbook. *)
Fixpoint prefix_sums_modulo (n total : nat) (l : list nat) : list nat :=
  match l with
  | [] => []
  | x :: l' =>
      let sum := Nat.modulo (total + x) n in sum :: prefix_sums_modulo n sum l'
  end.

Example prefix_sums_modulo_3 : prefix_sums_modulo 5 0 [3; 4; 3] = [3; 2; 0].
Proof. reflexivity. Qed.
Example prefix_sums_modulo_0 : prefix_sums_modulo 0 0 [3; 4] = [3; 7]. Proof. reflexivity. Qed.

(* Largest element so far. Textbook. *)
Fixpoint running_maximum (largest : nat) (l : list nat) : list nat :=
  match l with
  | [] => []
  | x :: l' => let m := Nat.max largest x in m :: running_maximum m l'
  end.

Example running_maximum_0 : running_maximum 1 [] = []. Proof. reflexivity. Qed.
Example running_maximum_4 : running_maximum 0 [2; 1; 3; 0] = [2; 2; 3; 3].
Proof. reflexivity. Qed.

(* Parity so far of a list of bits. Textbook; a hard function for some networks. *)
Fixpoint running_parity (odd : bool) (l : list bool) : list bool :=
  match l with
  | [] => []
  | x :: l' => let p := xorb odd x in p :: running_parity p l'
  end.

Example running_parity_0 : running_parity true [] = []. Proof. reflexivity. Qed.
Example running_parity_4 :
  running_parity false [true; false; true; true] = [true; true; false; true].
Proof. reflexivity. Qed.

(* Alternating sum of numbers as two totals. Textbook. *)
Fixpoint alternate (l : list nat) : nat * nat :=
  match l with
  | [] => (0, 0)
  | x :: l' => let (plus, minus) := alternate l' in (x + minus, plus)
  end.

Example alternate_0 : alternate [] = (0, 0). Proof. reflexivity. Qed.
Example alternate_4 : alternate [1; 2; 3; 4] = (4, 6). Proof. reflexivity. Qed.
