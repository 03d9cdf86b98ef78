(* Binary numbers, continued: product, comparison, conversion, digit counts.

   The type is Coq's own: xH is 1, xO p is 2p, xI p is 2p + 1. *)

From Coq Require Import PArith.

(* Product: one addition a digit 1. Coq standard library, Pos.mul. *)
Fixpoint multiply (p q : positive) : positive :=
  match p with
  | xI p' => Pos.add q (xO (multiply p' q))
  | xO p' => xO (multiply p' q)
  | xH => q
  end.

Example multiply_1_1 : multiply xH xH = xH. Proof. reflexivity. Qed.
Example multiply_3_5 : multiply (xI xH) (xI (xO xH)) = xI (xI (xI xH)). Proof. reflexivity. Qed.

(* Square. Coq standard library, Pos.square. *)
Fixpoint square (p : positive) : positive :=
  match p with
  | xI q => xI (xO (Pos.add (square q) q))
  | xO q => xO (xO (square q))
  | xH => xH
  end.

Example square_1 : square xH = xH. Proof. reflexivity. Qed.
Example square_3 : square (xI xH) = xI (xO (xO xH)). Proof. reflexivity. Qed.

(* Comparison, r being the verdict of the lower digits. Coq standard library, Pos.compare_cont. *)
Fixpoint compare_from (r : comparison) (p q : positive) {struct q} : comparison :=
  match p, q with
  | xI p', xI q' | xO p', xO q' => compare_from r p' q'
  | xI p', xO q' => compare_from Gt p' q'
  | xO p', xI q' => compare_from Lt p' q'
  | xH, xH => r
  | xH, _ => Lt
  | _, xH => Gt
  end.

Example compare_from_1_1 : compare_from Lt xH xH = Lt. Proof. reflexivity. Qed.
Example compare_from_2_3 : compare_from Eq (xO xH) (xI xH) = Lt. Proof. reflexivity. Qed.

(* Comparison. Coq standard library, Pos.compare. *)
Definition compare (p q : positive) : comparison := compare_from Eq p q.

Example compare_4_3 : compare (xO (xO xH)) (xI xH) = Gt. Proof. reflexivity. Qed.
Example compare_3_3 : compare (xI xH) (xI xH) = Eq. Proof. reflexivity. Qed.

(* Measure: whether two numbers are equal. Coq standard library, Pos.eqb. *)
Fixpoint equal (p q : positive) : bool :=
  match p, q with
  | xI p', xI q' | xO p', xO q' => equal p' q'
  | xH, xH => true
  | _, _ => false
  end.

Example equal_3_3 : equal (xI xH) (xI xH) = true. Proof. reflexivity. Qed.
Example equal_2_3 : equal (xO xH) (xI xH) = false. Proof. reflexivity. Qed.

(* Unary value. Coq standard library, Pos.to_nat. *)
Fixpoint to_nat (p : positive) : nat :=
  match p with
  | xI q => S (to_nat q + to_nat q)
  | xO q => to_nat q + to_nat q
  | xH => 1
  end.

Example to_nat_1 : to_nat xH = 1. Proof. reflexivity. Qed.
Example to_nat_6 : to_nat (xO (xI xH)) = 6. Proof. reflexivity. Qed.

(* Binary form of n + 1: n successors. Coq standard library, Pos.of_succ_nat. *)
Fixpoint of_succ_nat (n : nat) : positive :=
  match n with
  | O => xH
  | S m => Pos.succ (of_succ_nat m)
  end.

Example of_succ_nat_0 : of_succ_nat 0 = xH. Proof. reflexivity. Qed.
Example of_succ_nat_5 : of_succ_nat 5 = xO (xI xH). Proof. reflexivity. Qed.

(* Measure: how many digits are 1. Textbook: population count. *)
Fixpoint ones (p : positive) : nat :=
  match p with
  | xI q => S (ones q)
  | xO q => ones q
  | xH => 1
  end.

Example ones_5 : ones (xI (xO xH)) = 2. Proof. reflexivity. Qed.
Example ones_8 : ones (xO (xO (xO xH))) = 1. Proof. reflexivity. Qed.

(* Measure: whether a number is a power of two. Textbook. *)
Fixpoint power_of_two (p : positive) : bool :=
  match p with
  | xI _ => false
  | xO q => power_of_two q
  | xH => true
  end.

Example power_of_two_8 : power_of_two (xO (xO (xO xH))) = true. Proof. reflexivity. Qed.
Example power_of_two_6 : power_of_two (xO (xI xH)) = false. Proof. reflexivity. Qed.

(* Digits other than the leading 1 exchanged. Textbook: complement within the leading digit. *)
Fixpoint complement (p : positive) : positive :=
  match p with
  | xI q => xO (complement q)
  | xO q => xI (complement q)
  | xH => xH
  end.

Example complement_1 : complement xH = xH. Proof. reflexivity. Qed.
Example complement_6 : complement (xO (xI xH)) = xI (xO xH). Proof. reflexivity. Qed.

(* The digits below the leading 1 of p in reverse order put onto q. Textbook. *)
Fixpoint reverse_onto (p q : positive) : positive :=
  match p with
  | xI p' => reverse_onto p' (xI q)
  | xO p' => reverse_onto p' (xO q)
  | xH => q
  end.

Example reverse_onto_1 : reverse_onto xH (xI xH) = xI xH. Proof. reflexivity. Qed.
Example reverse_onto_6 : reverse_onto (xO (xI xH)) xH = xI (xO xH). Proof. reflexivity. Qed.
